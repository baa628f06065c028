"""Which pixels shapes cover: those whose centre lies inside.

Coordinates are ImageJ's of areas: x to the right and y down, from the upper left corner of the
first pixel, so that pixel (r, c) covers [c, c + 1) x [r, r + 1); its centre is half a pixel on.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_TO_THE_LEFT = 1e-8
"""By how much ImageJ moves centres, so that rounding does not decide on those that lie on edges."""

Pixels = tuple[NDArray[np.int64], NDArray[np.int64]]


def fill_rings(rings: Sequence[NDArray[np.floating] | NDArray[np.integer]]) -> Pixels:
    """Return the pixels inside closed polygons, by the even-odd rule.

    A centre on an edge is as ImageJ has it: on a right or an upper edge inside, on a left or a
    lower one not, so that polygons side by side share no pixel and leave none out.

    Parameters
    ----------
    rings : sequence of numpy.ndarray, shape (N, 2)
        (x, y) of the corners of each; holes are rings inside others.

    Returns
    -------
    rows, cols : numpy.ndarray of int64
        The pixels, row by row.
    """
    whole = [np.asarray(ring, dtype=np.float64).reshape(-1, 2) for ring in rings if len(ring) > 2]
    if not whole:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    start = np.concatenate(whole)
    end = np.concatenate([np.roll(ring, -1, axis=0) for ring in whole])
    down = start[:, 1] < end[:, 1]
    upper, lower = np.where(down[:, None], start, end), np.where(down[:, None], end, start)
    first, stop = _first_center(upper[:, 1]), _first_center(lower[:, 1])
    edge = np.repeat(np.arange(len(start)), stop - first)
    row = _ranges(first, stop)
    along = (row + 0.5 - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + along * (lower[edge, 0] - upper[edge, 0])
    order = np.lexsort((x, row))  # every row is crossed an even number of times
    row, col = row[order], np.floor(x[order] + 0.5 + _TO_THE_LEFT).astype(np.int64)
    return _runs(row[::2], col[::2], col[1::2])


def fill_ellipse(left: float, top: float, width: float, height: float) -> Pixels:
    """Return the pixels inside an ellipse.

    Parameters
    ----------
    left, top, width, height : float
        The rectangle around it.

    Returns
    -------
    rows, cols : numpy.ndarray of int64
        The pixels, row by row.
    """
    if width <= 0 or height <= 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows = np.arange(*_first_center(np.array([top, top + height])))
    cols = np.arange(*_first_center(np.array([left, left + width])))
    y, x = rows + 0.5 - (top + height / 2), cols + 0.5 - (left + width / 2)
    off = (y * y / (height / 2) ** 2)[:, None] + x * x / (width / 2) ** 2
    row, col = np.nonzero(off <= 1.0)  # on the edge is inside, as in ImageJ
    return rows[row], cols[col]


def fill_rectangle(
    left: float, top: float, width: float, height: float, arc: float = 0.0
) -> Pixels:
    """Return the pixels inside a rectangle.

    Parameters
    ----------
    left, top, width, height : float
        The rectangle.
    arc : float
        Diameter of its rounded corners.

    Returns
    -------
    rows, cols : numpy.ndarray of int64
        The pixels, row by row.
    """
    row = np.arange(*_first_center(np.array([top, top + height])))
    radius = np.array([min(arc, width) / 2, min(arc, height) / 2])
    inset = np.zeros(row.size)
    if radius.min() > 0:
        y = row + 0.5
        beyond = np.maximum(top + radius[1] - y, y - (top + height - radius[1]))
        off = np.clip(beyond / radius[1], 0.0, 1.0)
        inset = radius[0] * (1.0 - np.sqrt(1.0 - off**2))
    return _runs(row, _first_center(left + inset), _first_center(left + width - inset))


def trace_lines(corners: NDArray[np.floating] | NDArray[np.integer]) -> Pixels:
    """Return the pixels that lines pass, each once.

    Parameters
    ----------
    corners : numpy.ndarray, shape (N, 2)
        (x, y) of the corners in turn. As ImageJ counts those of lines, pixel centres are integers.

    Returns
    -------
    rows, cols : numpy.ndarray of int64
        The pixels, row by row.
    """
    at = np.floor(np.asarray(corners, np.float64) + 0.5).astype(np.int64)
    parts = [at[:1]]
    for start, end in itertools.pairwise(at):
        count = int(np.abs(end - start).max())
        steps = np.arange(1, count + 1)[:, None] / max(count, 1)
        parts.append(np.floor(start + steps * (end - start) + 0.5).astype(np.int64))
    pixels = np.unique(np.concatenate(parts)[:, ::-1], axis=0)
    return pixels[:, 0], pixels[:, 1]


def _first_center(edge: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the first pixel whose centre is not before an edge."""
    return np.ceil(edge - 0.5).astype(np.int64)


def _runs(row: NDArray[np.int64], start: NDArray[np.int64], stop: NDArray[np.int64]) -> Pixels:
    stop = np.maximum(start, stop)
    return np.repeat(row, stop - start), _ranges(start, stop)


def _ranges(start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all of [start, stop) one after the other."""
    counts = stop - start
    before = np.cumsum(counts) - counts
    everything: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(start - before, counts)
    return everything
