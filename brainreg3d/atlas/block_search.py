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

_kept: Kept[BlockTable] = Kept(1)
_MAX_IDS = np.iinfo(np.uint16).max + 1


@njit()
def _list_structures(slab, ends, entries):  # type: ignore[no-untyped-def]
    """List the structures in each block of a slab that is one block high."""
    seen_in = np.full(_MAX_IDS, -1, np.int32)  # last block in which a structure was seen
    length = 0
    block = 0
    for y0 in range(0, slab.shape[1], BLOCK_VOXELS):
        for x0 in range(0, slab.shape[2], BLOCK_VOXELS):
            last = np.uint16(0)
            for z in range(slab.shape[0]):
                for y in range(y0, min(y0 + BLOCK_VOXELS, slab.shape[1])):
                    for x in range(x0, min(x0 + BLOCK_VOXELS, slab.shape[2])):
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


def find_blocks(index: NDArray[np.uint16]) -> BlockTable:
    """Find out which structures occur in each block of an annotation.

    Parameters
    ----------
    index : numpy.ndarray of uint16, shape (Z, Y, X)
        Places in a table of ids.

    Returns
    -------
    BlockTable
        The same for any number of threads.
    """
    shape = blocks_along(index.shape)

    def search(layer: int) -> tuple[NDArray[Any], NDArray[Any]]:
        slab = index[layer * BLOCK_VOXELS : (layer + 1) * BLOCK_VOXELS]
        ends = np.zeros(shape[1] * shape[2], dtype=np.int64)
        entries = np.empty(slab.size, dtype=np.uint16)  # space that is not used is never touched
        length = _list_structures(slab, ends, entries)
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
        table = _kept.put(annotation, None, find_blocks(annotation.index))
    return table
