"""Parameters that a subclass overrides by a plain class attribute.

With attrs alone, ``class B(A): n = 31`` silently keeps the default that `A` gave to `n`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import attrs

from brainreg3d.errors import PlanError, close_matches


def fields_of(cls: type) -> tuple[Any, ...]:
    """Return the attrs fields of a class.

    Parameters
    ----------
    cls : type
        Any class.

    Returns
    -------
    tuple of attrs.Attribute
        None for a class that attrs has not made.
    """
    return tuple(getattr(cls, "__attrs_attrs__", ()))


def adopt_overrides(cls: type, fields: list[Any]) -> list[Any]:
    """Let plain class attributes and bare re-annotations keep their parents' validators.

    Parameters
    ----------
    cls : type
        The class that attrs is making; for the ``field_transformer`` of `attrs.define`.
    fields : list of attrs.Attribute
        As attrs collected them.

    Returns
    -------
    list of attrs.Attribute
        With defaults as the class, or a mixin of it, sets them. ``inherited=False`` makes
        grandchildren see the override, too.
    """
    parents = {field.name: field for base in reversed(cls.__mro__[1:]) for field in fields_of(base)}
    adopted = []
    for field in fields:
        parent = parents.get(field.name)
        override = _plain_override(cls, field.name)
        if field.inherited and override is not attrs.NOTHING:
            adopted.append(field.evolve(default=override, inherited=False))
        elif not field.inherited and parent is not None and field.validator is None:
            converter = field.converter or parent.converter
            adopted.append(field.evolve(validator=parent.validator, converter=converter))
        else:
            adopted.append(field)
    return adopted


def _plain_override(cls: type, name: str) -> Any:
    """Return what a class, or a mixin before the next attrs class, sets a field to."""
    for base in cls.__mro__:
        if "__attrs_attrs__" in vars(base):
            break
        if name in vars(base):
            return vars(base)[name]
    return attrs.NOTHING


def check_spelling(cls: type, name: str, meant: Collection[str]) -> None:
    """Refuse an attribute that looks like a misspelt parameter.

    Parameters
    ----------
    cls : type
        Whose attribute it is.
    name : str
        The attribute.
    meant : collection of str
        The parameters.

    Raises
    ------
    PlanError
        If it is none of them but close to one.
    """
    if name in meant:
        return
    if matches := close_matches(name, meant):
        message = (
            f"{cls.__name__} has no parameter {name!r}. Did you mean {' or '.join(matches)}? "
            f"Its parameters are {', '.join(meant)}."
        )
        raise PlanError(message)
