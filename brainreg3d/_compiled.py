"""Compiled functions, cached where the user wants caches to be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CACHE_VARIABLE = "BRAINREG3D_CACHE_DIR"
"""Environment variable that names the folder of all caches."""


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function when it is first called, and keep it for the next process.

    It runs without Python's lock, so that threads share the work. numba keeps it in
    ``NUMBA_CACHE_DIR`` if that is set, else in the folder of our own caches if that is, else
    beside the source.

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

    def decorate(function: Callable[..., Any]) -> Any:
        with _chosen_folder(numba.config):
            return numba.njit(nogil=True, cache=True, **options)(function)

    return decorate


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
