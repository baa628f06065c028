"""Recordings in Zarr stores, arrays or OME-Zarr, of either version of the format."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import BrainReg3DError, InputError, RecordingError
from brainreg3d.traces.missing_chunks import fault_of, first_lost
from brainreg3d.traces.reader import Box, Recording, choose_frames, recording_of


@attrs.frozen(eq=False)
class ZarrFrames:
    """Reads frames of an array of a Zarr store.

    Parameters
    ----------
    path : str
        The store.
    stamp : str
        Of this opening, so that a worker opens a store anew that was written anew.
    member : str
        Path of the array within it.
    shape : tuple of int
        Frames, rows, columns.
    dtype : numpy.dtype
        In the byte order of the machine.
    stored_chunk : tuple of int
        Frames, rows, columns of a chunk.
    index : tuple
        Of the axes before rows and columns: a slice for frames.
    """

    path: str
    stamp: str
    member: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    stored_chunk: tuple[int, int, int]
    index: tuple[slice | int, ...]

    def read(self, box: Box) -> NDArray[Any]:
        """Read a part."""
        leading = [box[0] if isinstance(one, slice) else one for one in self.index]
        pixels = _opened(self.path, self.stamp, self.member)[(*leading, *box[1:])]
        return np.ascontiguousarray(pixels, self.dtype)

    def pieces(self, box: Box) -> Iterator[NDArray[Any]]:
        """Read a part at once."""
        yield self.read(box)


@functools.lru_cache(maxsize=8)
def _opened(path: str, stamp: str, member: str) -> Any:  # noqa: ARG001
    """Open an array once in each process."""
    import zarr

    store: Any = zarr.open(path, mode="r")
    return store[member] if member else store


def close_zarrs() -> None:
    """Forget arrays that were left open for further reading."""
    _opened.cache_clear()


def open_zarr(
    path: Path, channel: int | None, member: str | None, missing_chunks: str
) -> Recording:
    """Open an array of a Zarr store.

    Parameters
    ----------
    path : pathlib.Path
        The store.
    channel : int, optional
        Which channel.
    member : str, optional
        Path of the array within it; the only one that can be meant when not given.
    missing_chunks : {"error", "fill"}
        Whether frames with chunks that are missing are an error, or full of the fill value.

    Returns
    -------
    Recording
        Up to the first frame that misses a chunk, with a fault if there is one.

    Raises
    ------
    RecordingError
        If it is no recording.
    InputError
        If the channel or the array is missing or wrong.
    """
    import zarr

    try:
        root = zarr.open(str(path), mode="r")
        name, array = _choose_array(root, member, path.name)
        return _recording(path, name, array, channel, missing_chunks)
    except BrainReg3DError:
        raise
    except (ValueError, OSError, KeyError, TypeError) as error:
        message = f"{path} cannot be read as a Zarr store ({type(error).__name__}: {error})."
        raise RecordingError(message) from error


def _choose_array(root: Any, member: str | None, name: str) -> tuple[str, Any]:
    import zarr

    if isinstance(root, zarr.Array):
        if member:
            message = f"{name} is a single array; there is no {member!r} in it."
            raise InputError(message)
        return "", root
    arrays = dict(_all_arrays(root))
    if member is not None:
        if member.strip("/") not in arrays:
            message = f"{name} has no array {member!r}; it holds {', '.join(arrays) or 'none'}."
            raise InputError(message)
        return member.strip("/"), arrays[member.strip("/")]
    scales = root.attrs.get("ome", root.attrs).get("multiscales")
    if scales:  # OME-Zarr lists the full resolution first
        first = str(scales[0]["datasets"][0]["path"])
        return first, arrays[first]
    candidates = [key for key, array in arrays.items() if array.ndim in (3, 4)]
    if len(candidates) != 1:
        listed = ", ".join(f"{key} {tuple(arrays[key].shape)}" for key in candidates) or "none"
        message = (
            f"{name} holds several arrays or none that could be a recording ({listed}); name the "
            f"one that is meant: {name}::PATH."
        )
        raise InputError(message)
    return candidates[0], arrays[candidates[0]]


def _all_arrays(group: Any, prefix: str = "") -> Any:
    for key, array in sorted(group.arrays()):
        yield prefix + key, array
    for key, inner in sorted(group.groups()):
        yield from _all_arrays(inner, f"{prefix}{key}/")


def _recording(
    path: Path, member: str, array: Any, channel: int | None, missing_chunks: str
) -> Recording:
    shape = tuple(array.shape)
    name = f"{path.name}::{member}" if member else path.name
    if len(shape) < 3:
        message = f"{name} has shape {shape}; expected frames x rows x columns."
        raise RecordingError(message)
    layout = choose_frames(shape[:-2], channel, name)
    axis = layout.index.index(slice(None))
    n_frames = layout.n_frames
    if missing_chunks == "error":
        is_there, n_each = _chunks_there(path / member, array, layout.index, axis)
        n_frames = first_lost(is_there, n_each, n_frames)
    chunks = array.chunks
    reader = ZarrFrames(
        str(path.absolute()),
        uuid.uuid4().hex,
        member,
        (n_frames, *shape[-2:]),
        np.dtype(array.dtype).newbyteorder("="),
        (chunks[axis], *chunks[-2:]),
        layout.index,
    )
    return recording_of(reader, path, name, fault_of(n_frames, layout.n_frames))


def _chunks_there(
    folder: Path, array: Any, index: tuple[slice | int, ...], axis: int
) -> tuple[NDArray[np.bool_], int]:
    """Return which chunks, or shards of chunks, are there, and how many frames each holds."""
    chunks = getattr(array, "shards", None) or array.chunks
    counts = [-(-n // size) for n, size in zip(array.shape, chunks, strict=True)]
    fixed = [None if isinstance(one, slice) else one // chunks[a] for a, one in enumerate(index)]
    is_there = np.ones((counts[axis], *counts[-2:]), bool)
    if folder.is_dir():  # a store within one file is checked by its container
        for t, row, col in np.ndindex(is_there.shape):
            place = [t if one is None else one for one in fixed]
            key = array.metadata.encode_chunk_key((*place, row, col))
            is_there[t, row, col] = (folder / key).exists()
    return is_there, int(chunks[axis])
