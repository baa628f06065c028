"""Making the `BlockTable` of an annotation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d._kept import Kept
from brainreg3d._threads import count_threads
from brainreg3d.atlas.annotation import Annotation
from brainreg3d.atlas.blocks import BLOCK_VOXELS, BlockTable, blocks_along
from brainreg3d.atlas.cropped import CroppedVolume

_kept: Kept[BlockTable] = Kept(1)
_MAX_IDS = np.iinfo(np.uint16).max + 1


@njit()
def _list_structures(slab, start_y, start_x, n_y, n_x, ends, entries):  # type: ignore[no-untyped-def]
    """List the structures in each block of a slab that is one block high.

    The slab is part of a volume of `n_y` by `n_x` voxels, from whose corner blocks are counted.
    """
    seen_in = np.full(_MAX_IDS, -1, np.int32)  # last block in which a structure was seen
    length = 0
    block = 0
    for y0 in range(-start_y, n_y - start_y, BLOCK_VOXELS):
        for x0 in range(-start_x, n_x - start_x, BLOCK_VOXELS):
            last = np.uint16(0)
            for z in range(slab.shape[0]):
                for y in range(max(0, y0), min(y0 + BLOCK_VOXELS, slab.shape[1])):
                    for x in range(max(0, x0), min(x0 + BLOCK_VOXELS, slab.shape[2])):
                        place = slab[z, y, x]
                        if place != last:
                            last = place
                            if place != 0 and seen_in[place] != block:
                                seen_in[place] = block
                                entries[length] = place
                                length += 1
            ends[block] = length
            block += 1
    return length


def find_blocks(index: NDArray[np.uint16] | CroppedVolume) -> BlockTable:
    """Find out which structures occur in each block of an annotation.

    Parameters
    ----------
    index : numpy.ndarray of uint16, shape (Z, Y, X), or CroppedVolume
        Places in a table of ids.

    Returns
    -------
    BlockTable
        Of the whole volume, the same however it is cropped and for any number of threads.
    """
    volume = CroppedVolume.of(index)
    shape = blocks_along(volume.shape)
    start_z, *start = volume.start

    def search(layer: int) -> tuple[NDArray[Any], NDArray[Any]]:
        first = layer * BLOCK_VOXELS - start_z
        slab = volume.values[max(0, first) : max(0, first + BLOCK_VOXELS)]
        ends = np.zeros(shape[1] * shape[2], dtype=np.int64)
        entries = np.empty(slab.size, dtype=np.uint16)  # space that is not used is never touched
        length = _list_structures(slab, *start, *volume.shape[1:], ends, entries)
        return ends, entries[:length].copy()

    with ThreadPoolExecutor(count_threads()) as pool:
        layers = list(pool.map(search, range(shape[0])))
    before = np.cumsum([0, *(entries.size for _, entries in layers)])
    ends = [layer_ends + start for (layer_ends, _), start in zip(layers, before, strict=False)]
    return BlockTable(
        shape,
        np.concatenate(ends).astype(np.uint32),
        np.concatenate([entries for _, entries in layers]),
    )


def blocks_of(annotation: Annotation) -> BlockTable:
    """Return the structures in each block of an annotation, searched for once at most.

    Parameters
    ----------
    annotation : Annotation
        The volume.

    Returns
    -------
    BlockTable
        Its own, or one that is kept while it is in use.
    """
    table = annotation.blocks or _kept.get(annotation, None)
    if table is None:
        table = _kept.put(annotation, None, find_blocks(annotation.volume))
    return table
