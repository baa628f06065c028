"""The sides of points that lie between voxels."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas.annotation import Annotation


def own_sides(
    annotation: Annotation,
    points_mm: NDArray[np.float64],
    right_half: NDArray[np.bool_],
    reach_mm: float,
) -> NDArray[np.bool_]:
    """Replace halves of the box by hemispheres, of an atlas that has its own.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    points_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z) in mm in the atlas frame, at the surface of some structure.
    right_half : numpy.ndarray of bool, shape (N,)
        Which of them lie in the right half of the box.
    reach_mm : float
        How far from them there is tissue at most, along each axis.

    Returns
    -------
    numpy.ndarray of bool, shape (N,)
        Which of them lie in the right hemisphere: the side of the nearest tissue, to the voxel,
        since only tissue has one; where there is none within reach, `right_half`.
    """
    if annotation.on_right is None:
        return right_half
    right = right_half.copy()
    voxels = annotation.grid.voxel_indices(points_mm)
    last = np.array(annotation.grid.shape) - 1
    open_ones = np.arange(len(right))
    for offset in _nearest_first(reach_mm, annotation.spacing_mm):
        z, y, x = np.clip(voxels[open_ones] + offset, 0, last).T
        places = annotation.volume.at(z, y, x)
        met = places > 0
        right[open_ones[met]] = annotation.on_right[places[met]]
        open_ones = open_ones[~met]
        if not len(open_ones):
            break
    return right


def _nearest_first(
    reach_mm: float, spacing_mm: tuple[float, float, float]
) -> list[tuple[int, ...]]:
    """Return the steps to all voxels within reach; of those equally far in a fixed order."""
    reach = [int(np.ceil(reach_mm / size - 1e-6)) for size in spacing_mm]
    steps = itertools.product(*(range(-most, most + 1) for most in reach))
    return sorted(steps, key=lambda step: (float(np.sum((np.array(step) * spacing_mm) ** 2)), step))
