"""Surfaces of regions as triangle meshes, from the annotation."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.atlas.blocks import BLOCK_VOXELS
from brainreg3d.atlas.cropped import CroppedVolume
from brainreg3d.atlas.shares import cell_shares

LEAST_KEPT = 0.75
"""A grid so coarse that less than this share of a part is left on it, or as much more, is refined:
a sheet thinner than its cells would be lost, or lie only where it happens to fill them."""


class SurfaceMaker:
    """Surfaces of parts of an annotation, on a coarser grid than that of its voxels.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    spacing_um : float
        Spacing of the grid, rounded to whole voxels and at least one. Parts that are thinner than
        its cells are meshed on a finer one.

    Notes
    -----
    A cell counts by the share of its voxels that belong to the part, and the surface is where half
    of them do, so that no voxel stands for others. Surfaces are those of scikit-image's marching
    cubes: T. Lewiner et al., "Efficient implementation of marching cubes' cases with topological
    guarantees", J. Graphics Tools 8, 2003.
    """

    def __init__(self, annotation: Annotation, spacing_um: float) -> None:
        from brainreg3d.atlas.block_search import blocks_of  # compiles when it is imported

        self._annotation = annotation
        self._blocks = blocks_of(annotation)
        self._steps = _steps(annotation, spacing_um / 1000.0)

    def mesh(self, member: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the surface of a part of the annotation as a triangle mesh.

        Parameters
        ----------
        member : numpy.ndarray of bool, shape (n_ids,)
            Which entries of the annotation's table belong to the part; the first, "no structure",
            does not.

        Returns
        -------
        vertices_mm : numpy.ndarray, shape (N, 3)
            Points (x, y, z) in mm in the atlas frame; none if the part is empty.
        faces : numpy.ndarray of int, shape (M, 3)
            Indices into the vertices.
        """
        # With the box around a part at hand, it costs no more than its own box.
        occupied = np.nonzero(self._blocks.occupied(member))
        if not occupied[0].size:
            return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
        ends = np.array([(places.min(), places.max() + 1) for places in occupied]) * BLOCK_VOXELS
        ends = np.minimum(ends, np.array(self._annotation.grid.shape)[:, None])
        steps = self._steps
        while True:
            low = ends[:, 0] // steps - 1  # one cell more, so that the surface is closed
            high = -(-ends[:, 1] // steps) + 1
            shares = cell_shares(self._annotation, member, steps, low, high)
            kept = np.count_nonzero(shares > 0.5) / shares.sum(dtype=np.float64)
            if np.all(steps == 1) or LEAST_KEPT <= kept <= 1 / LEAST_KEPT:
                break
            steps = np.maximum(1, steps // 2)
        vertices, faces = contour(shares, 0.5)
        points_mm = (vertices + low + 0.5) * (steps * np.asarray(self._annotation.spacing_mm))
        return np.ascontiguousarray(points_mm[:, ::-1]), faces


def mesh_spacing_mm(annotation: Annotation, spacing_um: float) -> float:
    """Return how far apart the vertices of a mesh lie at most along an axis.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    spacing_um : float
        As for `SurfaceMaker`.

    Returns
    -------
    float
        In mm; the spacing asked for, rounded to whole voxels.
    """
    steps = _steps(annotation, spacing_um / 1000.0)
    return float(np.max(steps * np.asarray(annotation.spacing_mm)))


def _steps(annotation: Annotation, target_mm: float) -> NDArray[np.int64]:
    """Return every how many voxels along (z, y, x) one comes nearest to a distance."""
    wanted = np.rint(target_mm / np.asarray(annotation.spacing_mm))
    return np.clip(wanted, 1, annotation.grid.shape).astype(np.int64)


@attrs.frozen(eq=False)
class Surface:
    """A triangle mesh to look at; labels never come from these.

    Parameters
    ----------
    vertices_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z) in the atlas frame.
    faces : numpy.ndarray of int, shape (M, 3)
        Corners of each triangle.
    """

    vertices_mm: NDArray[np.float64]
    faces: NDArray[np.int64]


def sampled_voxels(
    annotation: Annotation, target_mm: float
) -> tuple[NDArray[np.uint16], NDArray[np.float64], NDArray[np.float64]]:
    """Return every n-th voxel of an annotation.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    target_mm : float
        About how far apart they are to be.

    Returns
    -------
    index : numpy.ndarray of uint16, shape (Z, Y, X)
        All of them, also around the tissue.
    spacing_mm, first_mm : numpy.ndarray, shape (3,)
        Their distance, and the centre of the first, along (z, y, x).
    """
    volume, spacing_mm, first_mm = sampled_volume(annotation, target_mm)
    return volume.whole(), spacing_mm, first_mm


def sampled_volume(
    annotation: Annotation, target_mm: float
) -> tuple[CroppedVolume, NDArray[np.float64], NDArray[np.float64]]:
    """Return every n-th voxel of an annotation without taking memory.

    Parameters
    ----------
    annotation, target_mm
        As for `sampled_voxels`.

    Returns
    -------
    volume : CroppedVolume
        A view of the annotation.
    spacing_mm, first_mm : numpy.ndarray, shape (3,)
        As of `sampled_voxels`.
    """
    own, steps = np.asarray(annotation.spacing_mm, dtype=float), _steps(annotation, target_mm)
    first = (steps - 1) // 2  # the middle one of each group of voxels stands for it
    return annotation.volume.every(first, steps), steps * own, (first + 0.5) * own


def contour(
    field: NDArray[np.floating[Any]], level: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return where a field crosses a level, as triangles.

    Parameters
    ----------
    field : numpy.ndarray, shape (Z, Y, X)
        On a grid.
    level : float
        Between its least and its greatest value.

    Returns
    -------
    vertices : numpy.ndarray, shape (N, 3)
        Places (z, y, x) on the grid, the first point of which is 0.
    faces : numpy.ndarray of int, shape (M, 3)
        Indices into the vertices.
    """
    from skimage import measure  # slow to import

    marching_cubes: Any = measure.marching_cubes
    vertices, faces, _, _ = marching_cubes(np.asarray(field, dtype=np.float32), level)
    return vertices.astype(np.float64), faces.astype(np.int64)


def smooth_field(mask: NDArray[np.bool_], smoothing_voxels: float) -> NDArray[np.float64]:
    """Return a smooth field, positive inside a mask, that changes by about 1 a voxel.

    Parameters
    ----------
    mask : numpy.ndarray of bool, 3D
        What is inside.
    smoothing_voxels : float
        Standard deviation of the smoothing.

    Returns
    -------
    numpy.ndarray, of the shape of `mask`
        To be cut at 0.
    """
    from scipy import ndimage  # slow to import

    soft = ndimage.gaussian_filter(mask.astype(np.float32), smoothing_voxels)
    # The slope of a smoothed edge is 1 / (sigma * sqrt(2 pi)).
    scale = smoothing_voxels * np.sqrt(2 * np.pi)
    return np.asarray((soft - 0.5) * scale, dtype=np.float64)


def zero_surface(
    field: NDArray[np.float64], spacing_mm: NDArray[np.float64], first_mm: NDArray[Any]
) -> Surface | None:
    """Return the zero level of a field, closed at the borders of its grid.

    Parameters
    ----------
    field : numpy.ndarray, shape (Z, Y, X)
        Positive inside.
    spacing_mm, first_mm : numpy.ndarray, shape (3,)
        Distance of its points, and the first one, along (z, y, x).

    Returns
    -------
    Surface or None
        None where nothing is inside.
    """
    padded = np.pad(field, 1, constant_values=-1.0)
    if padded.max() <= 0:
        return None
    vertices, faces = contour(padded, 0.0)
    points = vertices * spacing_mm - spacing_mm + first_mm
    return Surface(points[:, ::-1].astype(np.float64), faces)
