"""Checks and conversions of parameters that several steps share."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import attrs

from brainreg3d._arrays import is_whole
from brainreg3d.errors import InputError, did_you_mean

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def optional_path(value: str | Path | None) -> Path | None:
    """Return a path as `pathlib.Path`; a converter for `attrs.field`.

    Parameters
    ----------
    value : path-like or None
        What was given.

    Returns
    -------
    pathlib.Path or None
        None when nothing was given.
    """
    return None if value is None else Path(value)


def plain_number(value: Any) -> Any:
    """Return a number of numpy's as one of Python's; a converter for `attrs.field`.

    Parameters
    ----------
    value : object
        What was given.

    Returns
    -------
    object
        An int or a float for any real number; everything else as it is.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def plain_float(value: Any) -> Any:
    """Return a number as a float of Python's; a converter for `attrs.field`.

    Parameters
    ----------
    value : object
        What was given.

    Returns
    -------
    object
        A float for any real number, so that 0 and 0.0 are recorded alike; everything else as it is.
    """
    number = plain_number(value)
    return float(number) if isinstance(number, int) and not isinstance(number, bool) else number


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
        if not is_whole(value) or value < minimum:
            message = f"{attribute.name} is a whole number from {minimum} on; got {value!r}."
            raise InputError(message)

    return check


def _is_finite_number(value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and -float("inf") < value < float("inf")


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
    if value is not None and not (_is_finite_number(value) and value > 0):
        message = f"{attribute.name} is a positive number, or None; got {value!r}."
        raise InputError(message)


def not_negative(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Accept zero and positive numbers.

    Parameters
    ----------
    attribute : attrs.Attribute
        The field that is checked.
    value : object
        What it was given.

    Raises
    ------
    InputError
        If it is something else.
    """
    if not _is_finite_number(value) or value < 0:
        message = f"{attribute.name} is a number from 0 on; got {value!r}."
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
