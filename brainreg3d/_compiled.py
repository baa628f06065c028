"""Compiled functions, cached where the user wants caches to be."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np

CACHE_VARIABLE = "BRAINREG3D_CACHE_DIR"
"""Environment variable that names the folder of all caches."""


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function when it is first called, and keep it for the next process.

    It runs without Python's lock, so that threads share the work. numba keeps it in
    ``NUMBA_CACHE_DIR`` if that is set, else in the folder of our own caches if that is, else
    beside the source. It is compiled again when anything changes that it was compiled with.

    Parameters
    ----------
    **options
        For `numba.njit`.

    Returns
    -------
    callable
        A decorator.
    """
    import numba  # slow

    def decorate(function: Any) -> Any:
        # numba looks at the function's own file only. Constants and functions from other files are
        # frozen into machine code as well: with old ones it would write beyond arrays.
        function.__qualname__ += f"_{_digest(function)}"
        with _chosen_folder(numba.config):
            return numba.njit(nogil=True, cache=True, **options)(function)

    return decorate


def _digest(function: FunctionType) -> str:
    """Return a name for the code of a function and all that it takes from outside."""
    parts = [*_code_parts(function.__code__)]
    for name in sorted(_names(function.__code__)):
        value = function.__globals__.get(name)
        compiled = getattr(value, "py_func", None)  # its own digest is in its name
        if compiled is not None:
            parts.append(f"{name}: {compiled.__qualname__}")
        elif isinstance(value, int | float | str | tuple | np.generic):
            parts.append(f"{name} = {value!r}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _code_parts(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_parts(constant)
        else:
            yield repr(constant)


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


@contextlib.contextmanager
def _chosen_folder(config: Any) -> Iterator[None]:
    """Let numba cache in our folder, for our functions and not for those of other packages."""
    before, chosen = config.CACHE_DIR, os.environ.get(CACHE_VARIABLE, "").strip()
    if chosen and not before:
        config.CACHE_DIR = str(Path(chosen).expanduser() / "numba")
    try:
        yield
    finally:
        config.CACHE_DIR = before
