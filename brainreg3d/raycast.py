"""Exact ray casting through an annotation.

Rays walk from voxel to voxel along their true intersections with the voxel faces, so no layer is
too thin to be met and nothing depends on a step length. The traversal is that of J. Amanatides
and A. Woo, "A fast voxel traversal algorithm for ray tracing", Eurographics 1987; face crossings
are computed from the face's position each time rather than summed up, so errors do not grow.

Each ray is independent of all others, so the number of threads cannot change a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.atlas import Annotation
from brainreg3d.geometry import Rays

_RAYS_PER_CHUNK = 1 << 14
_HITS_PER_CHUNK = 1 << 18
_LABEL_HIT_TYPES = (np.uint32, np.uint16, np.uint16, np.float64, np.bool_)


@attrs.frozen(eq=False)
class Hits:
    """Where rays first meet tissue.

    Parameters
    ----------
    index : numpy.ndarray of uint16, shape (N,)
        Place of the structure in the annotation's table of ids; 0 where nothing was met.
    distance_mm : numpy.ndarray of float64, shape (N,)
        From the ray's origin to the face through which it enters the voxel; NaN for no hit.
    right : numpy.ndarray of bool, shape (N,)
        Whether the voxel lies in the right half of the box.
    """

    index: NDArray[np.uint16]
    distance_mm: NDArray[np.float64]
    right: NDArray[np.bool_]


@attrs.frozen(eq=False)
class LabelHits:
    """Where rays first meet each of several labels, as columns of one table.

    Parameters
    ----------
    ray : numpy.ndarray of uint32, shape (M,)
        Number of the ray, ascending.
    label : numpy.ndarray of uint16, shape (M,)
        The label that it meets, ascending for each ray.
    index : numpy.ndarray of uint16, shape (M,)
        Place of the structure in the annotation's table of ids.
    distance_mm : numpy.ndarray of float64, shape (M,)
        From the ray's origin to the face through which it enters the voxel.
    right : numpy.ndarray of bool, shape (M,)
        Whether the voxel lies in the right half of the box.
    """

    ray: NDArray[np.uint32]
    label: NDArray[np.uint16]
    index: NDArray[np.uint16]
    distance_mm: NDArray[np.float64]
    right: NDArray[np.bool_]


@njit(inline="always")
def _enter_box(origin, direction, shape, start):  # type: ignore[no-untyped-def]
    """Return where a ray enters and leaves the box, in voxel units of position."""
    enter, leave = start, np.inf
    for axis in range(3):
        if direction[axis] == 0.0:
            if origin[axis] < 0.0 or origin[axis] >= shape[axis]:
                return 1.0, 0.0
        else:
            low = (0.0 - origin[axis]) / direction[axis]
            high = (shape[axis] - origin[axis]) / direction[axis]
            enter = max(enter, min(low, high))
            leave = min(leave, max(low, high))
    return enter, leave


@njit(inline="always")
def _next_face(axis, voxel, direction, origin):  # type: ignore[no-untyped-def]
    """Return where along the ray it leaves its voxel through a face across `axis`."""
    if direction[axis] == 0.0:
        return np.inf
    bound = voxel[axis] + (1 if direction[axis] > 0.0 else 0)
    return (bound - origin[axis]) / direction[axis]


@njit()
def _walk(volume, origin, direction, start, label_of_index, first, places, halves):  # type: ignore[no-untyped-def]
    """Record for each label > 0 where a ray first meets it; stop when none is left.

    Origin and direction are in voxels, but lengths along the ray stay in mm. `first` holds NaN
    for labels that are looked for and anything else for those that are not.
    """
    wanted = np.count_nonzero(np.isnan(first))
    shape = (volume.shape[2], volume.shape[1], volume.shape[0])
    now, leave = _enter_box(origin, direction, shape, start)
    if not now < leave:
        return
    voxel = np.empty(3, np.int64)
    face = np.empty(3)
    for axis in range(3):
        place = np.int64(np.floor(origin[axis] + now * direction[axis]))
        voxel[axis] = min(max(place, 0), shape[axis] - 1)
        face[axis] = _next_face(axis, voxel, direction, origin)
    while wanted > 0:
        axis = 0 if face[0] <= face[1] else 1
        axis = axis if face[axis] <= face[2] else 2
        # A voxel touched in a single point, at an edge or a corner, is not entered.
        if face[axis] > now:
            place = volume[voxel[2], voxel[1], voxel[0]]
            label = label_of_index[place]
            if label > 0 and np.isnan(first[label]):
                first[label] = now
                places[label] = place
                halves[label] = 2 * voxel[0] + 1 >= shape[0]
                wanted -= 1
            now = face[axis]
        voxel[axis] += 1 if direction[axis] > 0.0 else -1
        if voxel[axis] < 0 or voxel[axis] >= shape[axis]:
            return
        face[axis] = _next_face(axis, voxel, direction, origin)


@njit()
def _walk_all(volume, spacing, origins, directions, start, label_of_index, first, places, halves):  # type: ignore[no-untyped-def]
    """Walk a chunk of rays; the three tables have one row for each."""
    for ray in range(first.shape[0]):
        _walk(
            volume,
            origins[min(ray, origins.shape[0] - 1)] / spacing,
            directions[min(ray, directions.shape[0] - 1)] / spacing,
            start,
            label_of_index,
            first[ray],
            places[ray],
            halves[ray],
        )


@njit()
def _walk_labels(volume, spacing, origins, directions, start, label_of_index, wanted, numbers, out):  # type: ignore[no-untyped-def]
    """Walk some of the rays and list what they meet in `out`; return the length of the list.

    Few of many labels lie along any one ray, so a list is much smaller than a table.
    """
    rays, labels, places_met, distances, halves_met = out
    first = np.empty(wanted.size)
    places = np.zeros(wanted.size, np.uint16)
    halves = np.zeros(wanted.size, np.bool_)
    length = 0
    for ray in numbers:
        for label in range(wanted.size):
            first[label] = np.nan if wanted[label] else np.inf
        _walk(
            volume,
            origins[min(ray, origins.shape[0] - 1)] / spacing,
            directions[min(ray, directions.shape[0] - 1)] / spacing,
            start,
            label_of_index,
            first,
            places,
            halves,
        )
        for label in range(wanted.size):
            if wanted[label] and not np.isnan(first[label]):
                rays[length] = ray
                labels[length] = label
                places_met[length] = places[label]
                distances[length] = first[label]
                halves_met[length] = halves[label]
                length += 1
    return length


def _spacing_xyz(annotation: Annotation) -> NDArray[np.float64]:
    return np.array(annotation.spacing_mm[::-1], dtype=np.float64)


def _in_threads(work: Callable[[slice], Any], n_rays: int, rays_per_chunk: int) -> list[Any]:
    """Run `work` on all chunks; the compiled walk releases the interpreter's lock."""
    starts = range(0, max(n_rays, 1), rays_per_chunk)
    chunks = [slice(start, min(start + rays_per_chunk, n_rays)) for start in starts]
    workers = max(1, min(os.cpu_count() or 1, len(chunks)))
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, chunks))


def _count(rays: Rays) -> int:
    return max(len(rays.origins_mm), len(rays.directions))


def cast_first_hits(
    annotation: Annotation, rays: Rays, opaque: NDArray[np.bool_] | None = None
) -> Hits:
    """Find what each ray meets first.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    rays : Rays
        One for each pixel.
    opaque : numpy.ndarray of bool, shape (n_ids,), optional
        Which entries of the annotation's table stop a ray; all but the first by default.

    Returns
    -------
    Hits
        One entry for each ray.
    """
    if opaque is None:
        opaque = annotation.ids != 0
    label_of_index = opaque.astype(np.uint16)
    volume, spacing = np.ascontiguousarray(annotation.index), _spacing_xyz(annotation)

    def work(chunk: slice) -> tuple[NDArray[Any], ...]:
        size = (chunk.stop - chunk.start, 2)
        first = np.empty(size)
        first[:] = (np.inf, np.nan)
        places, halves = np.zeros(size, dtype=np.uint16), np.zeros(size, dtype=np.bool_)
        origins = rays.origins_mm if len(rays.origins_mm) == 1 else rays.origins_mm[chunk]
        directions = rays.directions if len(rays.directions) == 1 else rays.directions[chunk]
        given = (volume, spacing, origins, directions, rays.start_mm, label_of_index)
        _walk_all(*given, first, places, halves)
        return first[:, 1].copy(), places[:, 1].copy(), halves[:, 1].copy()

    parts = _in_threads(work, _count(rays), _RAYS_PER_CHUNK)
    distance, index, right = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Hits(index, distance, right)


def cast_label_hits(
    annotation: Annotation,
    rays: Rays,
    label_of_index: NDArray[np.uint16],
    labels: NDArray[np.uint16] | list[int],
    numbers: NDArray[np.int64] | None = None,
) -> LabelHits:
    """Find where each ray first meets each of several labels, whatever lies in front.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    rays : Rays
        One for each pixel.
    label_of_index : numpy.ndarray of uint16, shape (n_ids,)
        Label of each entry of the annotation's table; 0 for none.
    labels : sequence of int
        The labels that are looked for.
    numbers : numpy.ndarray of int64, optional
        The rays that are looked along, ascending; all when not given.

    Returns
    -------
    LabelHits
        One row for each ray and label that meet.
    """
    rows = _list_hits(annotation, rays, label_of_index, labels, numbers, (0, 1, 2, 3, 4))
    return LabelHits(*rows)


def cast_label_pixels(
    annotation: Annotation,
    rays: Rays,
    label_of_index: NDArray[np.uint16],
    labels: NDArray[np.uint16] | list[int],
    numbers: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.bool_]]:
    """Find which rays meet which of several labels, in a third of the space of `LabelHits`.

    Parameters
    ----------
    annotation, rays, label_of_index, labels, numbers
        As for `cast_label_hits`.

    Returns
    -------
    ray : numpy.ndarray of uint32, shape (M,)
        Number of the ray, ascending.
    label : numpy.ndarray of uint16, shape (M,)
        The label that it meets, ascending for each ray.
    right : numpy.ndarray of bool, shape (M,)
        Whether it first meets it in the right half of the box.
    """
    ray, label, right = _list_hits(annotation, rays, label_of_index, labels, numbers, (0, 1, 4))
    return ray, label, right


def _list_hits(
    annotation: Annotation,
    rays: Rays,
    label_of_index: NDArray[np.uint16],
    labels: NDArray[np.uint16] | list[int],
    numbers: NDArray[np.int64] | None,
    columns: tuple[int, ...],
) -> tuple[NDArray[Any], ...]:
    """Return some of the columns of `LabelHits`; the others are dropped chunk by chunk."""
    wanted = np.zeros(int(max([*labels, label_of_index.max()])) + 1, dtype=np.bool_)
    wanted[list(labels)] = True
    wanted[0] = False
    along = np.arange(_count(rays)) if numbers is None else numbers
    volume, spacing = np.ascontiguousarray(annotation.index), _spacing_xyz(annotation)
    ways = (volume, spacing, rays.origins_mm, rays.directions, rays.start_mm)

    def work(chunk: slice) -> tuple[NDArray[Any], ...]:
        most = (chunk.stop - chunk.start) * int(wanted.sum())
        out = tuple(np.empty(most, dtype) for dtype in _LABEL_HIT_TYPES)
        length = _walk_labels(*ways, label_of_index, wanted, along[chunk], out)
        return tuple(out[column][:length].copy() for column in columns)

    rays_per_chunk = max(256, _HITS_PER_CHUNK // wanted.size)
    parts = _in_threads(work, along.size, rays_per_chunk)
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
