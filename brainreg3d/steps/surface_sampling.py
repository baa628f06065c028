"""What an image sees of the surfaces of regions, sampled at the centre of every pixel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, Atlas, RegionSet
from brainreg3d.atlas.cropped import CroppedVolume
from brainreg3d.atlas.sides import own_sides
from brainreg3d.geometry import ImageView
from brainreg3d.state import Samples
from brainreg3d.surfaces import LEAST_KEPT, contour, mesh_spacing_mm, sampled_volume

_BLOCK_VOXELS = 48
_SAMPLES_AT_ONCE = 1 << 16
_ON_PLANE_MM = 1e-6  # points on the plane between the halves, but for rounding, are right

Array = NDArray[np.float64]


def sample_surfaces(
    atlas: Atlas, regions: RegionSet, view: ImageView, spacing_um: float, with_tissue: bool
) -> Samples:
    """Return the nearest point of all surfaces at the centre of each pixel that sees any.

    Each face of the meshes is sampled wherever the centre of a pixel falls onto it, which is as
    dense as the image can tell and leaves no hole. Meshes are made and used block by block, from
    the camera on inwards; blocks that lie off the image, or behind what is there already, are
    never meshed, and no mesh is kept.

    Parameters
    ----------
    atlas : Atlas
        The brain.
    regions : RegionSet
        The regions.
    view : ImageView
        Where the image lies, and from where it is seen.
    spacing_um : float
        Spacing at which the annotation is meshed, at least that of its voxels; finer where a region
        would be lost.
    with_tissue : bool
        Whether all other tissue has a surface too, as region 0.

    Returns
    -------
    Samples
        At most one for each pixel, row by row.
    """
    from brainreg3d.rasterize import SurfaceBuffer  # compiles when it is imported

    label_of_index = regions.label_of_index(atlas.annotation)
    # Of two surfaces that touch in a pixel, to a nanometre, the one of the lower id is seen, in
    # whatever order they come; other tissue, whose id is 0, before all regions.
    ids = np.array([0, *(region.id for region in regions)], dtype=np.uint32)
    labels = np.argsort(ids, kind="stable")
    kind_of_label = np.empty(labels.size, dtype=np.uint16)
    kind_of_label[labels] = np.arange(1, labels.size + 1)
    kind_of_index = kind_of_label[label_of_index]
    kind_of_index[atlas.annotation.ids == 0] = 0
    if not with_tissue:
        kind_of_index[label_of_index == 0] = 0
    buffer = SurfaceBuffer(view)
    blocks = _Blocks(atlas, spacing_um, kind_of_index)
    for block in blocks.from_the_camera(view):
        if buffer.may_show(blocks.corners_mm(block)):
            for kind, vertices_mm, faces in blocks.meshes(block):
                buffer.draw(vertices_mm, faces, kind)
    rows, cols = np.nonzero(buffer.kinds)
    region = labels[buffer.kinds[rows, cols] - 1].astype(np.uint16)
    depth_mm = buffer.depth_mm[rows, cols]
    reach_mm = mesh_spacing_mm(atlas.annotation, spacing_um)
    right = np.empty(rows.size, dtype=np.bool_)
    for first in range(0, rows.size, _SAMPLES_AT_ONCE):  # all points of an image take much memory
        part = slice(first, first + _SAMPLES_AT_ONCE)
        points = _points_mm(view, rows[part], cols[part], depth_mm[part])
        right_half = points[:, 0] >= atlas.grid.right_from_mm - _ON_PLANE_MM
        right[part] = own_sides(atlas.annotation, points, right_half, reach_mm)
    x_px, y_px = cols.astype(np.float64), rows.astype(np.float64)
    return Samples(region, ids[region], x_px, y_px, depth_mm, right)


def _points_mm(
    view: ImageView, rows: NDArray[np.int64], cols: NDArray[np.int64], depth_mm: Array
) -> Array:
    """Return the points that pixels see at a depth below the image plane."""
    points, camera = view.pixel_to_plane_mm(rows, cols), view.camera_position_mm
    if camera is None or view.camera.distance_mm is None:
        return points + depth_mm[:, None] * view.pose.view_axis
    return np.asarray(
        camera + (points - camera) * (1 + depth_mm / view.camera.distance_mm)[:, None]
    )


def _voxels_of_all(
    annotation: Annotation, target_mm: float, kind_of_index: NDArray[np.uint16]
) -> tuple[CroppedVolume, Array, Array]:
    """Return voxels as far apart as can be, up to a distance, without losing any kind."""
    whole = annotation.volume
    sampled, spacing_mm, first_mm = sampled_volume(annotation, target_mm)
    if sampled.shape == whole.shape:
        return sampled, spacing_mm, first_mm
    counts = _count(whole.values, kind_of_index)
    while sampled.shape != whole.shape:
        each = np.prod(spacing_mm / np.asarray(annotation.spacing_mm))  # voxels it stands for
        kept = each * _count(sampled.values, kind_of_index)[counts > 0] / counts[counts > 0]
        if np.all((kept >= LEAST_KEPT) & (kept <= 1 / LEAST_KEPT)):
            break
        target_mm /= 2
        sampled, spacing_mm, first_mm = sampled_volume(annotation, target_mm)
    return sampled, spacing_mm, first_mm


def _count(index: NDArray[np.uint16], kind_of_index: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return how many voxels each kind has; slab by slab, since counting takes much memory."""
    counts = np.zeros(int(kind_of_index.max()) + 1, dtype=np.int64)
    for slab in index:
        counts += np.bincount(kind_of_index[slab].ravel(), minlength=counts.size)
    return counts[1:]


class _Blocks:
    """An annotation in blocks that share the voxels at their faces, so that meshes meet.

    Parameters
    ----------
    atlas : Atlas
        Holds the annotation.
    spacing_um : float
        As for `sample_surfaces`.
    kind_of_index : numpy.ndarray of uint16, shape (n_ids,)
        What each entry of the annotation's table counts as; 0 for nothing.
    """

    def __init__(self, atlas: Atlas, spacing_um: float, kind_of_index: NDArray[np.uint16]) -> None:
        voxels = _voxels_of_all(atlas.annotation, spacing_um / 1000.0, kind_of_index)
        self._volume, self._spacing_mm, self._first_mm = voxels
        self._kind_of_index = kind_of_index

    def from_the_camera(self, view: ImageView) -> list[NDArray[np.int64]]:
        """Return the first voxel of each block, nearest blocks first.

        A layer of voxels around the volume counts as empty, so that surfaces are closed there.
        """
        starts = [range(-1, size, _BLOCK_VOXELS - 1) for size in self._volume.shape]
        blocks = [np.array(start, dtype=np.int64) for start in itertools.product(*starts)]
        nearest = [float(np.min(view.project(self.corners_mm(block))[2])) for block in blocks]
        return [blocks[place] for place in np.argsort(nearest, kind="stable")]

    def corners_mm(self, start: NDArray[np.int64]) -> Array:
        """Return the corners of a block, shape (8, 3)."""
        stop = np.minimum(start + _BLOCK_VOXELS - 1, self._volume.shape)
        ends = np.stack([start, stop])
        corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)
        return self._to_mm(corners)

    def meshes(self, start: NDArray[np.int64]) -> Iterator[tuple[int, Array, NDArray[np.int64]]]:
        """Yield kind, vertices and faces of each surface in a block."""
        from scipy.ndimage import find_objects  # slow to import

        kinds = self._kinds(start)
        for kind, box in enumerate(find_objects(kinds.astype(np.int32)), 1):
            if box is None:
                continue
            low = np.maximum([side.start - 1 for side in box], 0)
            high = [side.stop + 1 for side in box]
            mask = kinds[tuple(map(slice, low, high))] == kind
            if mask.all():
                continue
            vertices, faces = contour(mask, 0.5)
            yield kind, self._to_mm(vertices + (low + start)), faces

    def _kinds(self, start: NDArray[np.int64]) -> NDArray[np.uint16]:
        stop = start + _BLOCK_VOXELS
        size = np.array(self._volume.shape)
        z, y, x = map(slice, np.maximum(start, 0), np.minimum(stop, size))
        kinds = self._kind_of_index[self._volume.block((z, y, x))]
        before, after = start < 0, stop > size
        if not (before.any() or after.any()):
            return np.asarray(kinds)
        return np.pad(kinds, list(zip(before.astype(int), after.astype(int), strict=True)))

    def _to_mm(self, voxels: NDArray[np.number]) -> Array:
        points = voxels * self._spacing_mm + self._first_mm
        return np.ascontiguousarray(points[:, ::-1])
