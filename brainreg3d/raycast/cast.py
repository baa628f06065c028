"""Casting the rays of an image, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._threads import count_threads
from brainreg3d.atlas import Annotation
from brainreg3d.geometry import ImageView, Rays
from brainreg3d.raycast._gaps import gaps_around
from brainreg3d.raycast._sources import RaySource
from brainreg3d.raycast._walk import walk_to_each, walk_to_first
from brainreg3d.raycast.hits import Hits, LabelHits

_RAYS_PER_CHUNK = 1 << 14
_HITS_PER_CHUNK = 1 << 18
_LABEL_HIT_TYPES = (np.uint32, np.uint16, np.uint16, np.float64, np.bool_)


def _walked_through(annotation: Annotation, member: NDArray[np.bool_]) -> tuple[Any, ...]:
    """Return what the compiled walk needs to know of the volume."""
    gaps, volume = gaps_around(annotation, member), annotation.volume
    held = (*volume.start[::-1], annotation.grid.first_right)
    spacing_xyz = np.array(annotation.spacing_mm[::-1], dtype=np.float64)
    values = np.ascontiguousarray(volume.values)
    return values, held, gaps.blocks, gaps.box, member, spacing_xyz


def _in_threads(work: Callable[[slice], Any], n_rays: int, rays_per_chunk: int) -> list[Any]:
    """Run `work` on all chunks; the compiled walk releases the interpreter's lock."""
    starts = range(0, n_rays, rays_per_chunk)
    chunks = [slice(start, min(start + rays_per_chunk, n_rays)) for start in starts]
    workers = max(1, min(count_threads(), len(chunks)))
    if workers == 1:
        return [work(chunk) for chunk in chunks]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, chunks))


def cast_first_hits(
    annotation: Annotation,
    rays: Rays | ImageView,
    opaque: NDArray[np.bool_] | None = None,
    numbers: NDArray[np.int64] | None = None,
) -> Hits:
    """Find what each ray meets first.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    rays : Rays or ImageView
        One for each pixel; those of an image take no memory when the image is given instead.
    opaque : numpy.ndarray of bool, shape (n_ids,), optional
        Which entries of the annotation's table stop a ray; all but the first by default. The
        first, "no structure", never does.
    numbers : numpy.ndarray of int64, shape (N,), optional
        The rays that are cast; all when not given. Each meets the same, to the last bit, whatever
        others there are.

    Returns
    -------
    Hits
        One entry for each ray that is cast.
    """
    member = annotation.ids != 0 if opaque is None else opaque & (np.arange(opaque.size) > 0)
    source, volume = RaySource(rays), _walked_through(annotation, member)
    numbers = None if numbers is None else np.asarray(numbers, dtype=np.int64)
    count = source.count if numbers is None else numbers.size
    index, distance_mm = np.empty(count, dtype=np.uint16), np.empty(count)
    right = np.empty(count, dtype=np.bool_)

    def work(chunk: slice) -> None:
        out = index[chunk], distance_mm[chunk], right[chunk]
        own = source.take(chunk if numbers is None else numbers[chunk])
        walk_to_first(*volume, *own, source.start_mm, out)

    _in_threads(work, count, _RAYS_PER_CHUNK)
    return Hits(index, distance_mm, annotation.with_own_sides(index, right))


def cast_label_hits(
    annotation: Annotation,
    rays: Rays | ImageView,
    label_of_index: NDArray[np.uint16],
    labels: NDArray[np.uint16] | Sequence[int],
    numbers: NDArray[np.int64] | None = None,
) -> LabelHits:
    """Find where each ray first meets each of several labels, whatever lies in front.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    rays : Rays or ImageView
        One for each pixel; those of an image take no memory when the image is given instead.
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
    rays: Rays | ImageView,
    label_of_index: NDArray[np.uint16],
    labels: NDArray[np.uint16] | Sequence[int],
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
    rays: Rays | ImageView,
    label_of_index: NDArray[np.uint16],
    labels: NDArray[np.uint16] | Sequence[int],
    numbers: NDArray[np.int64] | None,
    columns: tuple[int, ...],
) -> tuple[NDArray[Any], ...]:
    """Return some of the columns of `LabelHits`; the others are dropped chunk by chunk."""
    wanted = np.zeros(int(max([*labels, label_of_index.max()])) + 1, dtype=np.bool_)
    wanted[list(labels)] = True
    wanted[0] = False
    member = wanted[label_of_index]
    source, volume = RaySource(rays), _walked_through(annotation, member)
    along = np.arange(source.count) if numbers is None else np.asarray(numbers, dtype=np.int64)

    def work(chunk: slice) -> tuple[NDArray[Any], ...]:
        most = (chunk.stop - chunk.start) * int(wanted.sum())
        out = tuple(np.empty(most, dtype) for dtype in _LABEL_HIT_TYPES)
        given = (*source.take(along[chunk]), source.start_mm, (label_of_index, wanted))
        length = walk_to_each(*volume, *given, chunk.stop - chunk.start, out)
        out[0][:length] = along[chunk][out[0][:length]]
        out[4][:length] = annotation.with_own_sides(out[2][:length], out[4][:length])
        return tuple(out[column][:length].copy() for column in columns)

    rays_per_chunk = max(256, _HITS_PER_CHUNK // wanted.size)
    parts = _in_threads(work, along.size, rays_per_chunk)
    if not parts:
        return tuple(np.empty(0, _LABEL_HIT_TYPES[column]) for column in columns)
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
