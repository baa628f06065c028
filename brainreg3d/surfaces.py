"""Meshes of regions, from the annotation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation


def region_vertices(
    annotation: Annotation, member: NDArray[np.bool_], spacing_um: float
) -> NDArray[np.float64]:
    """Return the vertices of the surface of a part of the annotation.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    member : numpy.ndarray of bool, shape (n_ids,)
        Which entries of the annotation's table belong to the part.
    spacing_um : float
        Every voxel is used when this is not above the voxel size; otherwise every second, third
        and so on, whichever comes nearest to this spacing.

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        Points (x, y, z) in mm in the atlas frame; none if the part is empty.

    Notes
    -----
    Surfaces are those of scikit-image's marching cubes: T. Lewiner et al., "Efficient
    implementation of marching cubes' cases with topological guarantees", J. Graphics Tools 8, 2003.
    """
    return region_mesh(annotation, member, spacing_um)[0]


def region_mesh(
    annotation: Annotation, member: NDArray[np.bool_], spacing_um: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the surface of a part of the annotation as a triangle mesh.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    member : numpy.ndarray of bool, shape (n_ids,)
        Which entries of the annotation's table belong to the part.
    spacing_um : float
        As for `region_vertices`.

    Returns
    -------
    vertices_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z) in mm in the atlas frame.
    faces : numpy.ndarray of int, shape (M, 3)
        Indices into the vertices.
    """
    from skimage.measure import marching_cubes  # slow to import

    spacing_mm = np.asarray(annotation.spacing_mm)
    steps = _steps(annotation, spacing_um)
    first = steps // 2  # the middle one of each group of voxels stands for it
    thinned = annotation.index[first[0] :: steps[0], first[1] :: steps[1], first[2] :: steps[2]]
    mask = member[thinned]
    occupied = [np.flatnonzero(mask.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    if any(places.size == 0 for places in occupied):
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    low = np.array([places[0] for places in occupied])
    box = tuple(slice(places[0], places[-1] + 1) for places in occupied)
    padded = np.pad(mask[box], 1).astype(np.float32)
    vertices, faces, _, _ = marching_cubes(padded, 0.5)
    voxels = (vertices + (low - 1)) * steps + first
    points_mm = (voxels + 0.5) * spacing_mm
    return np.ascontiguousarray(points_mm[:, ::-1]), faces.astype(np.int64)


def mesh_spacing_mm(annotation: Annotation, spacing_um: float) -> float:
    """Return how far apart the vertices of a mesh lie at most along an axis.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    spacing_um : float
        As for `region_vertices`.

    Returns
    -------
    float
        In mm; the spacing asked for, rounded to whole voxels.
    """
    return float(np.max(_steps(annotation, spacing_um) * np.asarray(annotation.spacing_mm)))


def _steps(annotation: Annotation, spacing_um: float) -> NDArray[np.int64]:
    """Return how many voxels each axis is thinned by."""
    wanted = np.rint(spacing_um / 1000.0 / np.asarray(annotation.spacing_mm))
    return np.maximum(1, wanted).astype(np.int64)
