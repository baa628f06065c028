"""Work in threads whose number cannot change a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from brainreg3d._threads import count_threads


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
    with ThreadPoolExecutor(count_threads()) as pool:
        return list(pool.map(function, items))
