"""Reading the voxels of NRRD files piece by piece, which SimpleITK does not do."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.io.content_check import RefusedContentError
from brainreg3d.io.nrrd_check import MAX_HEADER_BYTES, NrrdHeader, parse_nrrd_header
from brainreg3d.io.raw_volume import slab_thickness, unreadable


def nrrd_slab_reader(
    path: Path, shape: tuple[int, int, int]
) -> Callable[[], Iterator[NDArray[Any]]] | None:
    """Return what reads a file as consecutive slabs along its last axis.

    Parameters
    ----------
    path : pathlib.Path
        An NRRD file.
    shape : tuple of int
        Its number of voxels, in the file's axis order.

    Returns
    -------
    callable or None
        None for the kinds of NRRD file that can only be read whole.
    """
    with contextlib.suppress(OSError, RefusedContentError), path.open("rb") as file:
        header = parse_nrrd_header(file.read(MAX_HEADER_BYTES))
        if header is not None and header.sizes == shape and not header.skips:
            return lambda: _slabs(path, shape, header)
    return None


def _slabs(path: Path, shape: tuple[int, int, int], header: NrrdHeader) -> Iterator[NDArray[Any]]:
    thickness = slab_thickness(shape, header.voxel_bytes)
    with path.open("rb") as file:
        file.seek(header.length)
        unpacked: Any = gzip.GzipFile(fileobj=file) if header.encoding == "gzip" else file
        for start in range(0, shape[2], thickness):
            count = min(thickness, shape[2] - start)
            voxels = np.empty((count, shape[1], shape[0]), header.number_type)
            _fill(path, unpacked, voxels)
            # The first axis of the file is the fastest.
            yield voxels.transpose(2, 1, 0)
        try:
            # The checksum of packed voxels comes after the last one, and is looked at there only.
            more = unpacked.read(1)
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(path, error) from error
        if more:
            raise unreadable(path, "it holds more bytes of voxels than its header says")


def _fill(path: Path, file: Any, voxels: NDArray[Any]) -> None:
    """Read as many bytes as an array has."""
    flat: Any = voxels.view(np.uint8).reshape(-1)
    space = memoryview(flat)
    place = 0
    while place < len(space):
        try:
            count = file.readinto(space[place:])
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(path, error) from error
        if not count:
            raise unreadable(path, f"{len(space) - place} bytes of voxels are missing")
        place += count
