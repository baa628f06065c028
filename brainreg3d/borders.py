"""Borders of labelled pixels as polygons along the edges of pixels."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit

# Directions on the lattice of pixel corners, clockwise on the screen: right, down, left, up. Edge
# d of a pixel runs along direction d with the pixel on its right, from the corner given here.
_STEP_ROW, _STEP_COL = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])
_CORNER_ROW, _CORNER_COL = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])


@attrs.frozen(eq=False)
class Piece:
    """Pixels of one label that hang together by their edges.

    Parameters
    ----------
    outer : numpy.ndarray of int, shape (N, 2)
        Corners (x, y) of the border, clockwise on the screen; the first is not repeated. Pixel
        (row, column) covers x from column to column + 1 and y from row to row + 1.
    holes : tuple of numpy.ndarray of int, shape (M, 2)
        Borders of what the piece encloses, counter-clockwise on the screen.
    """

    outer: NDArray[np.int64]
    holes: tuple[NDArray[np.int64], ...] = ()

    @property
    def rings(self) -> tuple[NDArray[np.int64], ...]:
        """The outer border and those of the holes."""
        return (self.outer, *self.holes)


def label_borders(labels: NDArray[Any]) -> dict[int, list[Piece]]:
    """Trace the borders of all labels of an image.

    The polygons enclose exactly the pixels of their label. None of them crosses or touches itself,
    and they touch each other at single points only: valid polygons in the sense of the Simple
    Features standard (ISO 19125-1). Pixels that touch at a corner only are pieces of their own.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (H, W)
        0 for none.

    Returns
    -------
    dict of int to list of Piece
        For each label with a pixel, in order, its pieces from top to bottom.
    """
    labels = np.asarray(labels)
    owner, direction, following, turned = _border_edges(labels)
    order, starts = _cycles(following)
    rows, cols = np.divmod(owner[order], labels.shape[1])
    # An edge starts at a corner of the polygon where the edge before it turned.
    is_corner = np.zeros(len(order), dtype=bool)
    is_corner[following[turned]] = True
    is_corner = is_corner[order]
    turn = direction[order]
    points = np.column_stack([cols + _CORNER_COL[turn], rows + _CORNER_ROW[turn]])
    if not len(order):
        return {}
    ends = np.cumsum(is_corner)[np.append(starts[1:], len(order)) - 1]
    return _assemble(labels, np.split(points[is_corner], ends[:-1]), owner[order[starts]])


def _border_edges(
    labels: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return pixel and direction of all border edges, the edge after each, and where it turns."""
    height, width = labels.shape
    padded = np.pad(labels, 1)
    around = np.stack(
        [
            padded[1 - down : height + 1 - down, 1 + right : width + 1 + right] != labels
            for down, right in ((1, 0), (0, 1), (-1, 0), (0, -1))
        ],
        axis=-1,
    )
    is_border = around & (labels > 0)[..., None]
    row, col, direction = np.nonzero(is_border)
    label = labels[row, col]
    ahead_row, ahead_col = row + _STEP_ROW[direction], col + _STEP_COL[direction]
    left = (direction + 3) % 4
    aside_row, aside_col = ahead_row + _STEP_ROW[left], ahead_col + _STEP_COL[left]
    # Right turn first: pixels that touch at a corner only are separate pieces.
    right_turn = padded[ahead_row + 1, ahead_col + 1] != label
    straight = ~right_turn & (padded[aside_row + 1, aside_col + 1] != label)
    next_row = np.where(right_turn, row, np.where(straight, ahead_row, aside_row))
    next_col = np.where(right_turn, col, np.where(straight, ahead_col, aside_col))
    next_direction = np.where(right_turn, direction + 1, np.where(straight, direction, left)) % 4
    number = 4 * (row * width + col) + direction  # ascending, as nonzero goes row by row
    following = np.searchsorted(number, 4 * (next_row * width + next_col) + next_direction)
    return row * width + col, direction, following, ~straight


def _cycles(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.empty(len(following), dtype=np.int64)
    starts = np.empty(len(following), dtype=np.int64)
    count = _walk(following.astype(np.int64), order, starts)
    return order, starts[:count]


@njit()
def _walk(following, order, starts):  # type: ignore[no-untyped-def]
    """Write the cycles of a permutation one after the other; return how many there are."""
    seen = np.zeros(following.size, dtype=np.bool_)
    place = 0
    count = 0
    for first in range(following.size):
        if seen[first]:
            continue
        starts[count] = place
        count += 1
        here = first
        while not seen[here]:
            seen[here] = True
            order[place] = here
            place += 1
            here = following[here]
    return count


def _assemble(
    labels: NDArray[Any], loops: list[NDArray[np.int64]], firsts: NDArray[np.int64]
) -> dict[int, list[Piece]]:
    """Put holes into the pieces that they are holes of."""
    from skimage.measure import label as connected  # slow to import

    pieces = connected(labels, background=0, connectivity=1).ravel()[firsts].tolist()
    outer: dict[int, NDArray[np.int64]] = {}
    holes: dict[int, list[NDArray[np.int64]]] = {}
    label_of: dict[int, int] = {}
    for loop, piece, label in zip(loops, pieces, labels.ravel()[firsts].tolist(), strict=True):
        label_of[piece] = int(label)
        for ring in _simple_rings(loop):
            if _signed_area(ring) > 0:
                outer[piece] = ring
            else:
                holes.setdefault(piece, []).append(ring)
    found: dict[int, list[Piece]] = {label: [] for label in sorted(set(label_of.values()))}
    for piece, ring in outer.items():
        found[label_of[piece]].append(Piece(ring, tuple(holes.get(piece, ()))))
    return found


def _simple_rings(loop: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut a loop apart where it touches itself."""
    corners = [(x, y) for x, y in loop.tolist()]
    if len(set(corners)) == len(corners):
        return [loop]
    rings: list[list[tuple[int, int]]] = []
    path: list[tuple[int, int]] = []
    place: dict[tuple[int, int], int] = {}
    for corner in corners:
        if corner in place:
            cut = place[corner]
            rings.append(path[cut:])
            for gone in path[cut:]:
                del place[gone]
            del path[cut:]
        place[corner] = len(path)
        path.append(corner)
    rings.append(path)
    return [np.array(ring) for ring in rings]


def _signed_area(ring: NDArray[np.int64]) -> float:
    x, y = ring.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
