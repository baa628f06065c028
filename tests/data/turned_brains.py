"""Volumes that show a template at a known pose, made by interpolation alone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation


def axis_rotations():
    """Return the 24 rotations that put axes onto axes, from scipy's octahedral group."""
    return Rotation.create_group("O").as_matrix()


def turned_brain(data, spacing_mm, rotation, new_spacing_mm, size_mm, center_mm=None):
    """Return a (Z, Y, X) volume and the 4 x 4 matrix from template points to its points.

    Both frames put the first voxel's centre at 0; points are (x, y, z) in mm. `center_mm` is
    where the middle of the template's box comes to lie, by default the middle of the canvas.
    """
    spacing, new = np.array(spacing_mm, dtype=float), np.array(new_spacing_mm, dtype=float)
    shape = np.maximum(1, np.round(np.array(size_mm)[::-1] / new)).astype(int)
    middle = ((np.array(data.shape) - 1) * spacing / 2)[::-1]
    target = ((shape - 1) * new / 2)[::-1] if center_mm is None else np.array(center_mm)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = target - rotation @ middle
    back = np.linalg.inv(matrix)
    # From indices (z, y, x) of the new volume to those of the template.
    reverse = np.eye(3)[::-1]
    linear = np.diag(1 / spacing) @ reverse @ back[:3, :3] @ reverse @ np.diag(new)
    offset = (reverse @ back[:3, 3]) / spacing
    volume = ndimage.affine_transform(
        data.astype(np.float32), linear, offset, tuple(shape), order=3
    )
    return np.clip(volume, 0, None), matrix


def mean_distance_mm(mask, spacing_mm, matrix, truth):
    """Return the mean distance between the images of a mask's voxels under two matrices."""
    spacing = np.array(spacing_mm)
    points = (np.argwhere(mask)[::37] * spacing)[:, ::-1]
    points = np.c_[points, np.ones(len(points))]
    return float(np.linalg.norm((points @ (matrix - truth).T)[:, :3], axis=1).mean())
