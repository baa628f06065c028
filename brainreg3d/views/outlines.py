"""Outlines of masks along the borders of their pixels."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

# Directions on the lattice of pixel corners, clockwise on the screen: right, down, left, up.
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def _border_edges(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which unit edges leave each corner so that the mask lies on their right."""
    padded = np.pad(mask, 1)
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    return np.stack(
        [
            lower_right & ~upper_right,
            lower_left & ~lower_right,
            upper_left & ~lower_left,
            upper_right & ~upper_left,
        ]
    )


def mask_outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Trace the border of a mask as closed polygons that run between pixels.

    Unlike a contour through half-way values, which cuts every corner, the polygons enclose
    exactly the pixels of the mask.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W)
        Pixels that belong to the region.

    Returns
    -------
    list of numpy.ndarray, shape (N, 2)
        Corners (x_px, y_px) in image coordinates, pixel centres at integers; the last repeats
        the first. Outer borders run clockwise on the screen and holes counter-clockwise, so that
        signed areas add up to the number of pixels.
    """
    edges = _border_edges(np.asarray(mask, dtype=bool))
    open_edges = {tuple(edge) for edge in np.argwhere(edges).tolist()}
    return [
        _trace((direction, row, col), open_edges)
        for direction, row, col in np.argwhere(edges).tolist()
        if (direction, row, col) in open_edges
    ]


def _trace(start: tuple[int, int, int], open_edges: set[tuple[Any, ...]]) -> NDArray[np.float64]:
    """Follow edges from `start` back to it, removing them; return the corners that turn."""
    direction, row, col = start
    corners: list[tuple[float, float]] = []
    while (direction, row, col) in open_edges:
        open_edges.remove((direction, row, col))
        row, col = row + _STEPS[direction][0], col + _STEPS[direction][1]
        # Right turn first: pixels that touch at a corner only are separate pieces.
        for turn in (1, 0, 3):
            following = (direction + turn) % 4
            if (following, row, col) in open_edges or (following, row, col) == start:
                break
        if following != direction:
            corners.append((col - 0.5, row - 0.5))
        direction = following
    corners.append(corners[0])
    return np.array(corners)


@attrs.frozen(eq=False)
class Part:
    """A region in one hemisphere, cut out of the image so that many of them stay small.

    Parameters
    ----------
    label : int
        1 + place of the region.
    hemisphere : int
        0 (unknown), `brainreg3d.state.LEFT` or `brainreg3d.state.RIGHT`.
    corner : tuple of int
        (row, column) of the first pixel of `mask` in the image.
    mask : numpy.ndarray of bool, 2D
        Which pixels of the box around it belong to it.
    """

    label: int
    hemisphere: int
    corner: tuple[int, int]
    mask: NDArray[np.bool_]


def split_hemispheres(labels: NDArray[Any], hemisphere: NDArray[Any]) -> list[Part]:
    """Return each region in each hemisphere.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (H, W)
        0 for no region, else 1 + place of the region.
    hemisphere : numpy.ndarray of int, shape (H, W)
        Values 0 (unknown), `brainreg3d.state.LEFT` and `brainreg3d.state.RIGHT`.

    Returns
    -------
    list of Part
        In the order of labels, then hemispheres; empty ones are left out.
    """
    from scipy.ndimage import find_objects  # slow to import

    key = np.where(labels > 0, labels.astype(np.int32) * 4 + hemisphere, 0)
    return [
        Part(k // 4, k % 4, (box[0].start, box[1].start), key[box] == k)
        for k, box in enumerate(find_objects(key), 1)
        if box is not None
    ]
