"""Checks of parameters that several steps share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from brainreg3d.errors import InputError, did_you_mean

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def one_of(*choices: str) -> Validator:
    """Return a validator that accepts a few words.

    Parameters
    ----------
    *choices : str
        What is accepted.

    Returns
    -------
    callable
        For `attrs.field`.
    """

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            known = ", ".join(repr(choice) for choice in choices)
            hint = did_you_mean(str(value), choices)
            message = f"{attribute.name} is one of {known}; got {value!r}.{hint}"
            raise InputError(message)

    return check


def whole_number(minimum: int) -> Validator:
    """Return a validator that accepts integers from a minimum on.

    Parameters
    ----------
    minimum : int
        The smallest number accepted.

    Returns
    -------
    callable
        For `attrs.field`.
    """

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            message = f"{attribute.name} is a whole number from {minimum} on; got {value!r}."
            raise InputError(message)

    return check


def positive_or_none(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Accept a positive number, or None.

    Parameters
    ----------
    attribute : attrs.Attribute
        The field that is checked.
    value : object
        What it was given.

    Raises
    ------
    InputError
        If it is neither.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 < value < float("inf")):
        message = f"{attribute.name} is a positive number, or None; got {value!r}."
        raise InputError(message)


def true_or_false(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Accept True and False.

    Parameters
    ----------
    attribute : attrs.Attribute
        The field that is checked.
    value : object
        What it was given.

    Raises
    ------
    InputError
        If it is neither.
    """
    if not isinstance(value, bool):
        message = f"{attribute.name} is True or False; got {value!r}."
        raise InputError(message)
