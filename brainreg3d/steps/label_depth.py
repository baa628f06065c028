"""The tissue some way below the surface that rays meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.normals import surface_normals

ALONG = ("ray", "normal")
"""Ways down from the surface."""

_JUST_INSIDE_MM = 1e-6  # rays meet voxels at their faces; the voxel behind a face is the one meant


def tissue_below(
    annotation: Annotation,
    points_mm: NDArray[np.float64],
    directions: NDArray[np.float64],
    depth_um: float,
    along: str,
    opaque: NDArray[np.bool_],
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Look up the voxels that lie at a depth below points of a surface.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    points_mm : numpy.ndarray, shape (N, 3)
        Where rays meet the surface, (x, y, z) in mm in the atlas frame.
    directions : numpy.ndarray, shape (N, 3) or (1, 3)
        Unit vectors along the rays.
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
        Whether the voxel lies in the right half of the box.
    """
    ways = directions
    if along == "normal":
        inward = -surface_normals(annotation, points_mm, opaque)
        ways = np.where(np.isnan(inward), directions, inward)
    depth_mm = depth_um / 1000.0 + _JUST_INSIDE_MM
    voxels = annotation.grid.voxel_indices(points_mm + depth_mm * ways)
    shape = annotation.index.shape
    inside = np.all((voxels >= 0) & (voxels < shape), axis=1)
    z, y, x = np.where(inside[:, None], voxels, 0).T
    index = np.where(inside, annotation.index[z, y, x], 0).astype(np.uint16)
    return index, 2 * voxels[:, 2] + 1 >= shape[2]
