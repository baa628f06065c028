"""Which share of each cell of a coarser grid belongs to something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas.annotation import Annotation


def cells_along(annotation: Annotation, voxels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many cells cover an annotation.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    voxels : numpy.ndarray of int64, shape (3,)
        Voxels along each side of a cell, (Z, Y, X).

    Returns
    -------
    numpy.ndarray of int64, shape (3,)
        Along (Z, Y, X); the last of an axis may reach beyond the volume.
    """
    return np.asarray(-(-np.array(annotation.grid.shape) // voxels), dtype=np.int64)


def cell_shares(
    annotation: Annotation,
    member: NDArray[np.bool_],
    voxels: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return which share of each cell belongs to a part of an annotation.

    Cells are blocks of voxels counted from the volume's corner, so that what lies in one does not
    depend on which are asked for. The volume is read in slabs of one layer of cells.

    Parameters
    ----------
    annotation : Annotation
        The volume; nothing lies beyond it.
    member : numpy.ndarray of bool, shape (n_ids,)
        Which entries of the annotation's table belong to the part.
    voxels : numpy.ndarray of int64, shape (3,)
        Voxels along each side of a cell, (Z, Y, X).
    low, high : numpy.ndarray of int64, shape (3,)
        First cell, and the one after the last, along (Z, Y, X); within the volume or beyond.

    Returns
    -------
    numpy.ndarray of float32, shape `high` - `low`
        From 0 to 1.
    """
    part = np.zeros(high - low, dtype=np.float32)
    first, last = np.maximum(low, 0), np.minimum(high, cells_along(annotation, voxels))
    if np.any(first >= last):
        return part
    z, y, x = (slice(a * n, b * n) for a, b, n in zip(first, last, voxels, strict=True))
    inside = tuple(slice(a, b) for a, b in zip(first - low, last - low, strict=True))
    if voxels.prod() == 1:
        part[inside] = member[annotation.volume.block((z, y, x))]
        return part
    counts = np.empty(tuple(last - first), dtype=np.float32)
    counted_as = member.astype(np.uint8)
    for place, start in enumerate(range(z.start, z.stop, int(voxels[0]))):
        slab = annotation.volume.block((slice(start, start + int(voxels[0])), y, x))
        counted = _sum_groups(counted_as[slab].sum(axis=0, dtype=np.uint32), int(voxels[1]))
        counts[place] = _sum_groups(counted.T, int(voxels[2])).T
    part[inside] = counts / voxels.prod()
    return part


def _sum_groups(values: NDArray[np.uint32], size: int) -> NDArray[np.uint32]:
    """Add up so many rows after each other; the last group may have fewer."""
    sums = np.zeros((-(-len(values) // size), values.shape[1]), dtype=np.uint32)
    for first in range(size):  # twice as fast as numpy's reduceat
        rows = values[first::size]
        sums[: len(rows)] += rows
    return sums
