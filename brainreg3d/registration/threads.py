"""Work in threads whose number cannot change a result."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def in_threads(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Apply a function that releases the interpreter lock to items.

    Parameters
    ----------
    function : callable
        Its results must not depend on each other.
    items : sequence
        What to apply it to; the same items whatever the number of threads.

    Returns
    -------
    list
        Results in the order of the items.
    """
    with ThreadPoolExecutor(thread_count()) as pool:
        return list(pool.map(function, items))


def thread_count() -> int:
    """Return how many threads this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
