"""From a volume of structure ids to the compact `Annotation`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.atlas.annotation import Annotation
from brainreg3d.atlas.cropped import CroppedVolume, occupied_box
from brainreg3d.atlas.slabs import VolumeSlabs, slabs_of_array
from brainreg3d.atlas.structures import MAX_STRUCTURE_ID
from brainreg3d.errors import AtlasError

_SLOTS = 1 << 18  # of the hash table; four times as many as ids fit a uint16
_MAX_IDS = np.iinfo(np.uint16).max + 1
_EMPTY = np.uint32(0xFFFFFFFF)
_MULTIPLIER = np.uint32(2654435761)  # Knuth's multiplicative hash


@njit()
def _number_slab(slab, out, keys, places, ids, n_ids):  # type: ignore[no-untyped-def]
    """Replace ids by order of appearance; return how many are known, or -1 when too many."""
    last_id = ids[0]
    last_place = np.uint16(0)
    for i in range(slab.size):
        value = slab[i]
        if value != last_id:
            slot = ((value * _MULTIPLIER) >> np.uint32(14)) & np.uint32(_SLOTS - 1)
            while keys[slot] != value:
                if keys[slot] == _EMPTY:
                    if n_ids >= _MAX_IDS:
                        return -1
                    keys[slot] = value
                    places[slot] = n_ids
                    ids[n_ids] = value
                    n_ids += 1
                    break
                slot = (slot + np.uint32(1)) & np.uint32(_SLOTS - 1)
            last_id = value
            last_place = places[slot]
        out[i] = last_place
    return n_ids


def _as_ids(slab: NDArray[Any]) -> NDArray[np.uint32]:
    """Return a slab as uint32, refusing values that cannot be structure ids."""
    if slab.dtype.kind not in "uif" or slab.dtype == np.float16:
        message = f"An annotation holds whole numbers; got {slab.dtype}."
        raise AtlasError(message)
    # Beyond 2**24 a 32-bit float no longer tells neighbouring ids apart.
    limit = 2**24 if slab.dtype == np.float32 else MAX_STRUCTURE_ID
    whole = slab.dtype.kind != "f" or bool(np.all(slab == np.floor(slab)))
    if slab.size and (slab.min() < 0 or slab.max() > limit or not whole):
        message = (
            f"An annotation of type {slab.dtype} holds whole numbers from 0 to {limit}; this one "
            f"does not. Save it as unsigned 32-bit integers, with 0 outside the brain; if these "
            f"are grey values, it is a template (--template), and no annotation."
        )
        raise AtlasError(message)
    return np.ascontiguousarray(slab, dtype=np.uint32).ravel()


class _Numbering:
    """Places of ids in a table that grows while slabs come in."""

    def __init__(self) -> None:
        self._keys = np.full(_SLOTS, _EMPTY, dtype=np.uint32)
        self._places = np.zeros(_SLOTS, dtype=np.uint16)
        self._ids = np.zeros(_MAX_IDS, dtype=np.uint32)
        self._keys[0], self._n_ids = 0, 1  # 0 hashes to slot 0

    @property
    def ids(self) -> NDArray[np.uint32]:
        """All ids so far, in order of appearance."""
        return self._ids[: self._n_ids]

    def number(self, slab: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the place of each voxel's id; the result lies in memory as the slab does."""
        order = np.argsort(np.negative(np.abs(slab.strides)), kind="stable")
        as_it_lies = slab.transpose(order)
        values = _as_ids(as_it_lies)
        numbers = np.empty(values.size, dtype=np.uint16)
        tables = self._keys, self._places, self._ids
        self._n_ids = _number_slab(values, numbers, *tables, self._n_ids)
        if self._n_ids < 0:
            message = (
                f"An annotation holds at most {_MAX_IDS} different ids; this one has more. If "
                f"these are grey values, it is a template (--template), and no annotation."
            )
            raise AtlasError(message)
        return numbers.reshape(as_it_lies.shape).transpose(np.argsort(order))


def compact_annotation(
    volume: NDArray[Any] | VolumeSlabs,
    spacing_mm: tuple[float, float, float],
    out: NDArray[np.uint16] | None = None,
    right: VolumeSlabs | None = None,
) -> Annotation:
    """Turn a volume of structure ids into an `Annotation`.

    Parameters
    ----------
    volume : numpy.ndarray or VolumeSlabs, shape (Z, Y, X)
        Structure ids in the atlas frame; any layout in memory, any integer type, or floats that
        hold whole numbers exactly.
    spacing_mm : tuple of float
        Voxel size along (Z, Y, X) in mm.
    out : numpy.ndarray of uint16, shape (Z, Y, X), optional
        C-contiguous array to work in, for example a memory map. The voxels that are kept lie at
        its beginning when all is done.
    right : VolumeSlabs of bool, optional
        Which voxels lie in the right hemisphere, where the middle of the box does not tell.

    Returns
    -------
    Annotation
        Cropped to the tissue, with its ids in ascending order, of equal ones the left first.

    Raises
    ------
    AtlasError
        If values are no structure ids, more than 65,536 different ones occur (half as many where
        sides are given), or the sides have another shape.
    """
    if isinstance(volume, np.ndarray):
        if volume.ndim != 3:
            message = f"An annotation is a 3D volume; got {volume.ndim}D."
            raise AtlasError(message)
        volume = slabs_of_array(volume)
    index = np.empty(volume.shape, dtype=np.uint16) if out is None else out
    numbering = _Numbering()
    for place, slab in volume.read():
        index[place] = numbering.number(slab)
    ids, on_right = numbering.ids, None
    order = np.argsort(ids, kind="stable")
    if right is not None:
        _number_sides(index, ids.size, right)
        ids, on_right = np.tile(ids, 2), np.repeat([False, True], ids.size)
        occurring = np.flatnonzero(_occurring(index, ids.size))
        order = occurring[np.lexsort((on_right[occurring], ids[occurring]))]
        on_right = on_right[order]
    rank = np.zeros(ids.size, dtype=np.uint16)
    rank[order] = np.arange(order.size, dtype=np.uint16)
    return Annotation(_cropped(index, rank), ids[order], spacing_mm, on_right=on_right)


def _cropped(index: NDArray[np.uint16], rank: NDArray[np.uint16]) -> CroppedVolume:
    """Replace places by their ranks, and move what is tissue to the beginning of an array.

    No voxel moves backwards, so that planes which are still to come stay as they are.
    """
    low, high = occupied_box(index)
    shape = [b - a for a, b in zip(low, high, strict=True)]
    values = index.reshape(-1)[: int(np.prod(shape))].reshape(shape)
    y, x = (slice(low[axis], high[axis]) for axis in (1, 2))
    for place, z in enumerate(range(low[0], high[0])):
        values[place] = rank[index[z, y, x]]
    return CroppedVolume(values, low, index.shape)


def _number_sides(index: NDArray[np.uint16], n_ids: int, right: VolumeSlabs) -> None:
    """Give voxels on the right the places behind those of the left."""
    if right.shape != index.shape:
        sizes = " × ".join(map(str, right.shape)), " × ".join(map(str, index.shape))
        message = f"The hemispheres have {sizes[0]} voxels (Z, Y, X), the annotation {sizes[1]}."
        raise AtlasError(message)
    if 2 * n_ids > _MAX_IDS:
        message = (
            f"An annotation with hemispheres of its own holds at most {_MAX_IDS // 2} different "
            f"ids; this one has {n_ids}."
        )
        raise AtlasError(message)
    for place, side in right.read():
        part = index[place]
        index[place] = part + np.where(side & (part > 0), np.uint16(n_ids), np.uint16(0))


def _occurring(index: NDArray[np.uint16], n_ids: int) -> NDArray[np.bool_]:
    found = np.zeros(n_ids, dtype=np.bool_)
    found[0] = True
    for plane in index:
        found[plane] = True
    return found
