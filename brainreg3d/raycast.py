"""Exact ray casting through an annotation.

Rays walk from voxel to voxel along their true intersections with the voxel faces, so no layer is
too thin to be met and nothing depends on a step length. The traversal is that of J. Amanatides
and A. Woo, "A fast voxel traversal algorithm for ray tracing", Eurographics 1987; face crossings
are computed from the face's position each time rather than summed up, so errors do not grow.

Each ray is independent of all others, so the number of threads cannot change a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import numba
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.geometry import Rays

_RAYS_PER_CHUNK = 1 << 14


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
    ray : numpy.ndarray of int64, shape (M,)
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

    ray: NDArray[np.int64]
    label: NDArray[np.uint16]
    index: NDArray[np.uint16]
    distance_mm: NDArray[np.float64]
    right: NDArray[np.bool_]


@numba.njit(nogil=True, cache=True, inline="always")
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


@numba.njit(nogil=True, cache=True, inline="always")
def _next_face(axis, voxel, direction, origin):  # type: ignore[no-untyped-def]
    """Return where along the ray it leaves its voxel through a face across `axis`."""
    if direction[axis] == 0.0:
        return np.inf
    bound = voxel[axis] + (1 if direction[axis] > 0.0 else 0)
    return (bound - origin[axis]) / direction[axis]


@numba.njit(nogil=True, cache=True)
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


@numba.njit(nogil=True, cache=True)
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


def _cast(
    annotation: Annotation,
    rays: Rays,
    label_of_index: NDArray[np.uint16],
    wanted: NDArray[np.bool_],
    chunk: slice,
) -> tuple[NDArray[np.float64], NDArray[np.uint16], NDArray[np.bool_]]:
    """Return distances, places and halves, shape (rays of the chunk, labels), for one chunk."""
    size = (chunk.stop - chunk.start, wanted.size)
    first = np.empty(size)
    first[:] = np.where(wanted, np.nan, np.inf)
    places = np.zeros(size, dtype=np.uint16)
    halves = np.zeros(size, dtype=np.bool_)
    spacing = np.array(annotation.spacing_mm[::-1], dtype=np.float64)
    origins = rays.origins_mm if len(rays.origins_mm) == 1 else rays.origins_mm[chunk]
    directions = rays.directions if len(rays.directions) == 1 else rays.directions[chunk]
    volume = np.ascontiguousarray(annotation.index)
    _walk_all(
        volume, spacing, origins, directions, rays.start_mm, label_of_index, first, places, halves
    )
    return first, places, halves


def _chunks(n_rays: int, rays_per_chunk: int) -> Iterator[slice]:
    for start in range(0, n_rays, rays_per_chunk):
        yield slice(start, min(start + rays_per_chunk, n_rays))


def _in_threads(work: Callable[[slice], Any], n_rays: int, rays_per_chunk: int) -> list[Any]:
    """Run `work` on all chunks; the compiled walk releases the interpreter's lock."""
    chunks = list(_chunks(n_rays, rays_per_chunk))
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
    wanted = np.array([False, True])

    def work(chunk: slice) -> tuple[NDArray[Any], ...]:
        first, places, halves = _cast(annotation, rays, label_of_index, wanted, chunk)
        return first[:, 1], places[:, 1], halves[:, 1]

    parts = _in_threads(work, _count(rays), _RAYS_PER_CHUNK)
    distance, index, right = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Hits(index, distance, right)


def cast_label_hits(
    annotation: Annotation,
    rays: Rays,
    label_of_index: NDArray[np.uint16],
    labels: NDArray[np.uint16] | list[int],
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

    Returns
    -------
    LabelHits
        One row for each ray and label that meet.
    """
    wanted = np.zeros(int(max([*labels, label_of_index.max()])) + 1, dtype=np.bool_)
    wanted[list(labels)] = True
    wanted[0] = False

    def work(chunk: slice) -> tuple[NDArray[Any], ...]:
        first, places, halves = _cast(annotation, rays, label_of_index, wanted, chunk)
        ray, label = np.nonzero(np.isfinite(first) & wanted)
        met = (ray, label)
        return ray + chunk.start, label.astype(np.uint16), places[met], first[met], halves[met]

    rays_per_chunk = max(256, 4 * _RAYS_PER_CHUNK // wanted.size)
    parts = _in_threads(work, _count(rays), rays_per_chunk)
    return LabelHits(*(np.concatenate(column) for column in zip(*parts, strict=True)))
