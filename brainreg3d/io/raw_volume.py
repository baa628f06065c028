"""A volume file as its header describes it, and what can be wrong with any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
from numpy.typing import NDArray

from brainreg3d.errors import AtlasError

SLAB_BYTES = 1 << 27

Numbers = tuple[float, float, float]


@attrs.frozen
class RawVolume:
    """A volume file as its header describes it; nothing is interpreted yet.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    shape : tuple of int
        Number of voxels, in the file's axis order.
    spacing : tuple of float or None
        Voxel size in the file's axis order and in the file's unit; None when it does not say.
    unit : str or None
        ``"um"`` or ``"mm"`` when the file names its unit.
    trust_unit : bool
        Whether the unit named is one that was chosen, rather than a format's habit.
    directions : str or None
        Where the axes grow to, such as ``"RAS"``; None when the file does not say.
    read : callable
        Reads the voxels, in the file's axis order.
    ignores_directions : bool
        Whether the header turns or flips axes in a way that is not believed.
    read_slabs : callable, optional
        Reads the voxels as consecutive slabs, for files in which those follow each other, so that
        not all are in memory at once.
    slab_axis : int
        The axis along which these slabs follow each other, the slowest one in the file.
    """

    path: Path
    shape: tuple[int, int, int]
    spacing: Numbers | None
    unit: str | None
    trust_unit: bool
    directions: str | None
    read: Callable[[], NDArray[Any]]
    ignores_directions: bool = False
    read_slabs: Callable[[], Iterator[NDArray[Any]]] | None = None
    slab_axis: int = 2


def slab_thickness(shape: tuple[int, int, int], voxel_bytes: int) -> int:
    """Return how many voxels thick the slabs are in which a large volume is read.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels, with the axis last along which slabs follow each other.
    voxel_bytes : int
        Bytes of one.

    Returns
    -------
    int
        At least 1; slabs take 128 MB where that is possible.
    """
    return max(1, SLAB_BYTES // (shape[0] * shape[1] * voxel_bytes))


def unreadable(path: Path, reason: object) -> AtlasError:
    """Return the error for a damaged file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    reason : object
        What its reader said; of several lines the last is kept.

    Returns
    -------
    AtlasError
        To be raised.
    """
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    detail = lines[-1] if lines else type(reason).__name__
    return AtlasError(
        f"Cannot read {path} as a volume: it is damaged, cut short or not of the format its name "
        f"says ({detail}). Fetch or export it again."
    )


def three_lengths(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the shape of a 3D volume, without further axes of length 1.

    Parameters
    ----------
    path : pathlib.Path
        The file, for the message.
    shape : tuple of int
        Its shape.

    Returns
    -------
    tuple of int
        Three lengths.

    Raises
    ------
    AtlasError
        If it is not 3D.
    """
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        size = " × ".join(str(length) for length in shape)
        message = f"Expected a 3D volume in {path}; got {len(shape)}D data ({size})."
        raise AtlasError(message)
    return shape[0], shape[1], shape[2]
