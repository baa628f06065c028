"""The pose of a brain that has another shape than the template.

A rigid pose cannot follow a brain that is longer or wider. The pose at the top of mutual
information then fits the structures with the sharpest edges, and leaves the far end of the brain
to itself. Better for all of the brain is the pose nearest to a map that may stretch and shear.

References
----------
.. [1] S. Umeyama, "Least-squares estimation of transformation parameters between two point
   patterns", IEEE Transactions on Pattern Analysis and Machine Intelligence 13 (1991) 376-380.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.registration.ascend import Ascender
from brainreg3d.registration.images import map_points
from brainreg3d.registration.refine import Level
from brainreg3d.registration.tissue import Tissue

_POINTS = 40_000
_SEED = 50
_COMPARED_SHELL_MM = 0.6
"""How far from moving tissue points may lie; where the brain is missing nothing is compared."""

_WORTH_IT = 1.1
"""Least gain of information by stretching for the shape to differ. A real brain: 1.5."""

_LEAST_STRETCH, _MOST_STRETCH = 0.8, 1.25
_ABOUT_AS_GOOD = 0.75
"""What a nearest pose may lose of the information at the best one. A real brain: 0.97, and 0.82 or
more with a quarter cut off, where the nearest pose was the better one each time."""


def follow_shape(
    ascender: Ascender, level: Level, moving_tissue: Tissue, pose: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the pose nearest to an affine map, where the brain has a shape of its own.

    Parameters
    ----------
    ascender : Ascender
        Of the volumes.
    level : Level
        The volumes.
    moving_tissue : Tissue
        What the moving volume shows.
    pose : numpy.ndarray, shape (4, 4)
        Top of mutual information among poses.

    Returns
    -------
    numpy.ndarray, shape (4, 4)
        The nearest pose; `pose` itself where stretching gains little or leads astray.
    """
    near = np.argwhere(level.near_tissue)
    near = near[np.random.default_rng(_SEED).permutation(len(near))[:_POINTS]]
    points_mm = level.fixed.points_mm(near)
    shown = moving_tissue.contains(map_points(pose, points_mm), _COMPARED_SHELL_MM)
    compared = np.zeros_like(level.near_tissue)
    compared[tuple(near[shown].T)] = True
    at_pose = ascender.information_among(compared, pose)
    stretched = ascender.climb_affine(pose, compared)
    if stretched.information < _WORTH_IT * at_pose:
        return pose
    stretches = np.linalg.svd(stretched.matrix[:3, :3])[1]
    if stretches.min() < _LEAST_STRETCH or stretches.max() > _MOST_STRETCH:
        return pose
    nearest = nearest_pose(stretched.matrix, points_mm[shown])
    at_nearest = ascender.information_among(compared, nearest)
    return nearest if at_nearest >= _ABOUT_AS_GOOD * at_pose else pose


def nearest_pose(
    affine: NDArray[np.float64], points_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the pose that takes points nearest, in the square mean, to where a map takes them.

    Parameters
    ----------
    affine : numpy.ndarray, shape (4, 4)
        Map of points (x, y, z).
    points_mm : numpy.ndarray, shape (N, 3)
        The points.

    Returns
    -------
    numpy.ndarray, shape (4, 4)
        A rotation and a shift.
    """
    center = points_mm.mean(axis=0)
    offsets = points_mm - center
    # Unlike a matrix product, einsum sums in one order, whatever the number of threads.
    spread = np.einsum("ni,nj->ij", offsets, offsets)
    left, _, right = np.linalg.svd(affine[:3, :3] @ spread)
    sign = np.sign(np.linalg.det(left @ right))
    pose = np.eye(4)
    pose[:3, :3] = left @ np.diag([1.0, 1.0, sign]) @ right
    pose[:3, 3] = affine[:3, :3] @ center + affine[:3, 3] - pose[:3, :3] @ center
    return pose
