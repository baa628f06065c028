"""Surfaces of regions as triangle meshes, from the annotation."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation


class SurfaceMaker:
    """Surfaces of parts of an annotation, which is thinned out once for all of them.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    spacing_um : float
        Every voxel is used when this is not above the voxel size; otherwise every second, third
        and so on, whichever comes nearest to this spacing.

    Notes
    -----
    Surfaces are those of scikit-image's marching cubes: T. Lewiner et al., "Efficient
    implementation of marching cubes' cases with topological guarantees", J. Graphics Tools 8, 2003.
    """

    def __init__(self, annotation: Annotation, spacing_um: float) -> None:
        from scipy.ndimage import find_objects  # slow to import

        index, self._steps, self._first = thinned_index(annotation, spacing_um)
        self._spacing_mm = np.asarray(annotation.spacing_mm)
        self._index = np.ascontiguousarray(index)
        # With the box around each structure at hand, a part costs no more than its own box.
        self._boxes = find_objects(self._index, max_label=max(1, annotation.ids.size - 1))

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
        from skimage.measure import marching_cubes  # slow to import

        places = np.flatnonzero(member[1:]).tolist()
        boxes = [self._boxes[place] for place in places if self._boxes[place] is not None]
        if not boxes:
            return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
        low = np.array([min(box[axis].start for box in boxes) for axis in range(3)])
        high = np.array([max(box[axis].stop for box in boxes) for axis in range(3)])
        mask = member[self._index[tuple(map(slice, low, high))]]
        vertices, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5)
        voxels = (vertices + (low - 1)) * self._steps + self._first
        points_mm = (voxels + 0.5) * self._spacing_mm
        return np.ascontiguousarray(points_mm[:, ::-1]), faces.astype(np.int64)


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
    return float(np.max(_steps(annotation, spacing_um) * np.asarray(annotation.spacing_mm)))


def thinned_index(
    annotation: Annotation, spacing_um: float
) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]:
    """Return the voxels of an annotation that are meshed.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    spacing_um : float
        As for `SurfaceMaker`.

    Returns
    -------
    index : numpy.ndarray of uint16, shape (Z, Y, X)
        A view of the annotation's index.
    steps, first : numpy.ndarray of int64, shape (3,)
        Every how many voxels one is taken along (z, y, x), and which is the first.
    """
    steps = _steps(annotation, spacing_um)
    first = steps // 2  # the middle one of each group of voxels stands for it
    chosen = tuple(slice(int(f), None, int(s)) for f, s in zip(first, steps, strict=True))
    return annotation.index[chosen], steps, first


def _steps(annotation: Annotation, spacing_um: float) -> NDArray[np.int64]:
    """Return how many voxels each axis is thinned by."""
    wanted = np.rint(spacing_um / 1000.0 / np.asarray(annotation.spacing_mm))
    return np.maximum(1, wanted).astype(np.int64)


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
        A view of the annotation's index.
    spacing_mm, first_mm : numpy.ndarray, shape (3,)
        Their distance, and the centre of the first, along (z, y, x).
    """
    own = np.asarray(annotation.spacing_mm, dtype=float)
    steps = np.maximum(1, np.rint(target_mm / own)).astype(int)
    first = (steps - 1) // 2
    chosen = tuple(slice(int(f), None, int(s)) for f, s in zip(first, steps, strict=True))
    return annotation.index[chosen], steps * own, (first + 0.5) * own


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
    from skimage import measure  # slow to import

    padded = np.pad(field, 1, constant_values=-1.0)
    if padded.max() <= 0:
        return None
    marching_cubes: Any = measure.marching_cubes
    vertices, faces, _, _ = marching_cubes(padded, 0.0, spacing=tuple(spacing_mm))
    points = vertices - spacing_mm + first_mm
    return Surface(points[:, ::-1].astype(np.float64), faces.astype(np.int64))
