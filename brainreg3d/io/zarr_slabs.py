"""Reading zarr arrays a few chunks at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.io import raw_volume

Start = tuple[int, int, int]


def zarr_shape(path: Path) -> tuple[int, ...]:
    """Return the shape of a zarr array.

    Parameters
    ----------
    path : pathlib.Path
        Its folder.

    Returns
    -------
    tuple of int
        As stored.
    """
    import zarr  # slow to import

    return tuple(int(length) for length in zarr.open_array(path, mode="r").shape)


def zarr_slabs(path: Path) -> Iterator[tuple[Start, NDArray[Any]]]:
    """Read a three-dimensional zarr array in slabs, each chunk once.

    Parameters
    ----------
    path : pathlib.Path
        Its folder.

    Yields
    ------
    start : tuple of int
        First voxel of the slab.
    voxels : numpy.ndarray, 3D
        About 128 MB or less, where chunks are no larger than that.
    """
    import zarr  # slow to import

    array = zarr.open_array(path, mode="r")
    # Of a shard all chunks are in one file.
    steps = _steps(array.shape, array.shards or array.chunks, array.dtype.itemsize)
    starts = (range(0, length, step) for length, step in zip(array.shape, steps, strict=True))
    for start in itertools.product(*starts):
        box = tuple(slice(at, at + step) for at, step in zip(start, steps, strict=True))
        yield (start[0], start[1], start[2]), np.asarray(array[box])


def _steps(shape: tuple[int, ...], chunks: tuple[int, ...], voxel_bytes: int) -> list[int]:
    """Return the sides of slabs of whole chunks: long in memory, thin along the first axes."""
    steps = list(shape)
    for axis, chunk in enumerate(chunks):
        steps[axis] = chunk
        fitting = raw_volume.SLAB_BYTES // (math.prod(steps) * voxel_bytes)
        if fitting > 0:
            steps[axis] = min(shape[axis], fitting * chunk)
            break
    return steps
