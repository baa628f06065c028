"""The tissue some way below the surface that rays meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.geometry import ImageView
from brainreg3d.normals import SurfaceNormals

ALONG = ("ray", "normal")
"""Ways down from the surface."""

_JUST_INSIDE_MM = 1e-6  # rays meet voxels at their faces; the voxel behind a face is the one meant


def tissue_below(
    annotation: Annotation,
    view: ImageView,
    numbers: NDArray[np.int64],
    distance_mm: NDArray[np.float64],
    depth_um: float,
    along: str,
    opaque: NDArray[np.bool_],
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Look up the voxels that lie at a depth below what pixels see.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    view : ImageView
        Where the image lies, and from where it is seen.
    numbers : numpy.ndarray of int64, shape (N,)
        Which pixels, counted row by row.
    distance_mm : numpy.ndarray, shape (N,)
        Where along their rays they meet the surface.
    depth_um : float
        How far below, in a straight line.
    along : {"ray", "normal"}
        Which way; where a surface faces nowhere, the normal is taken to lie along the ray.
    opaque : numpy.ndarray of bool, shape (n_ids,)
        Whose surface it is: entries of the annotation's table.

    Returns
    -------
    index : numpy.ndarray of uint16, shape (N,)
        Place of the structure in the annotation's table of ids; 0 outside of all tissue.
    right : numpy.ndarray of bool, shape (N,)
        Whether the voxel lies in the right hemisphere; of no meaning outside of all tissue.
    """
    from brainreg3d.raycast import hit_points  # compiles when it is imported

    normals = None
    if along == "normal":
        surface = (points for _, points, _ in hit_points(view, distance_mm, numbers))
        normals = SurfaceNormals(annotation, surface, opaque)
    depth_mm = depth_um / 1000.0 + _JUST_INSIDE_MM
    index, right = np.empty(numbers.size, np.uint16), np.empty(numbers.size, np.bool_)
    for part, points, ways in hit_points(view, distance_mm, numbers):
        if normals is not None:
            inward = -normals.at(points)
            ways = np.where(np.isnan(inward), ways, inward)
        voxels = annotation.grid.voxel_indices(points + depth_mm * ways)
        index[part] = annotation.volume.at(*voxels.T)
        right_half = voxels[:, 2] >= annotation.grid.first_right
        right[part] = annotation.with_own_sides(index[part], right_half)
    return index, right
