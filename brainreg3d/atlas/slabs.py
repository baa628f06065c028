"""Volumes that are not in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
from numpy.typing import NDArray

Place = tuple[slice, slice, slice]


@attrs.frozen(eq=False)
class VolumeSlabs:
    """A volume in the atlas frame that is read slab by slab.

    Parameters
    ----------
    shape : tuple of int
        Its voxels along (Z, Y, X).
    read : callable
        Gives the slabs from the start, each with its place in the volume; together they fill it.
    """

    shape: tuple[int, int, int]
    read: Callable[[], Iterator[tuple[Place, NDArray[Any]]]]


def slabs_of_array(volume: NDArray[Any]) -> VolumeSlabs:
    """Return the planes of a volume that is in memory.

    Parameters
    ----------
    volume : numpy.ndarray, shape (Z, Y, X)
        In the atlas frame.

    Returns
    -------
    VolumeSlabs
        Views of it.
    """

    def read() -> Iterator[tuple[Place, NDArray[Any]]]:
        for z in range(volume.shape[0]):
            yield (slice(z, z + 1), slice(None), slice(None)), volume[z : z + 1]

    z, y, x = volume.shape
    return VolumeSlabs((z, y, x), read)
