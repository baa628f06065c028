"""Keeping pictures readable when there are hundreds of regions."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike

MOST_PANELS = 60
"""Panels, or lines of a legend, beyond which a page gets too tall to look at."""

MOST_NAMES = 40
"""Names in a caption."""


def list_names(names: Collection[str]) -> str:
    """Return names as a caption lists them.

    Parameters
    ----------
    names : collection of str
        In order.

    Returns
    -------
    str
        All of them, or the first `MOST_NAMES` and how many more there are.
    """
    shown = ", ".join(list(names)[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def choose_largest(sizes: ArrayLike, most: int = MOST_PANELS) -> list[int]:
    """Return which of many things are drawn.

    Parameters
    ----------
    sizes : array_like of int, shape (N,)
        How much there is of each.
    most : int
        How many may be drawn.

    Returns
    -------
    list of int
        Places of all of them where they are not too many, otherwise of the largest of which there
        is anything, and of one in any case; ascending. The first of equals comes first.
    """
    sizes = np.asarray(sizes)
    if sizes.size <= most:
        return list(range(sizes.size))
    n_drawn = min(most, max(1, np.count_nonzero(sizes)))
    return sorted(int(place) for place in np.argsort(-sizes, kind="stable")[:n_drawn])


def left_out_line(n_drawn: int, n_all: int, by: str) -> list[str]:
    """Return the caption that says how much is not drawn.

    Parameters
    ----------
    n_drawn, n_all : int
        Numbers of regions.
    by : str
        What the largest have most of.

    Returns
    -------
    list of str
        Empty when all are drawn.
    """
    if n_drawn == n_all:
        return []
    return [f"Drawn: the {n_drawn} regions with the most {by}, of {n_all}."]
