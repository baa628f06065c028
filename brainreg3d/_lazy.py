"""Names that are imported when they are first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def attach(
    package: str, module_of: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package with lazy names.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    module_of : mapping of str to str
        For each public name the module of the package that defines it.

    Returns
    -------
    getter : callable
        Imports what is asked for.
    lister : callable
        Returns the public names.
    """

    def getter(name: str) -> Any:
        if name not in module_of:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)

    def lister() -> list[str]:
        return sorted(module_of)

    return getter, lister
