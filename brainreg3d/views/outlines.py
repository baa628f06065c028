"""Outlines of masks along the borders of their pixels."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.borders import label_borders


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
    pieces = label_borders(np.asarray(mask, dtype=bool).astype(np.uint8)).get(1, [])
    rings = [ring for piece in pieces for ring in piece.rings]
    return [np.vstack([ring, ring[:1]]).astype(np.float64) - 0.5 for ring in rings]


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
