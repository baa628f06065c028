"""Recordings in HDF5 files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError, RecordingError
from brainreg3d.traces.missing_chunks import fault_of, first_lost
from brainreg3d.traces.reader import Box, Layout, Reader, Recording, choose_frames, recording_of
from brainreg3d.traces.stored_planes import PIECE_BYTES, StoredPlanes


@attrs.frozen(eq=False)
class Hdf5Frames:
    """Reads frames of a dataset.

    Parameters
    ----------
    path : str
        The file.
    dataset : str
        Its path within the file.
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
    dataset: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    stored_chunk: tuple[int, int, int]
    index: tuple[slice | int, ...]

    def read(self, box: Box) -> NDArray[Any]:
        """Read a part."""
        return np.concatenate([piece.copy() for piece in self.pieces(box)])

    def pieces(self, box: Box) -> Iterator[NDArray[Any]]:
        """Read few chunks at a time; the library lets one thread in, others sum meanwhile."""
        import h5py

        start, stop, _ = box[0].indices(self.shape[0])
        height, width = (one.stop - one.start for one in box[1:])
        chunk = self.stored_chunk[0]
        n_chunks = max(1, PIECE_BYTES // (chunk * height * width * self.dtype.itemsize))
        buffer = np.empty((min(stop - start, n_chunks * chunk), height, width), self.dtype)
        with h5py.File(self.path, "r") as file:
            dataset = file[self.dataset]
            for first in range(start, stop, len(buffer)):
                times = slice(first, min(first + len(buffer), stop))
                leading = [times if isinstance(one, slice) else one for one in self.index]
                piece = buffer[: times.stop - times.start]
                dataset.read_direct(piece, (*leading, *box[1:]))
                yield piece


def open_hdf5(
    path: Path, channel: int | None, member: str | None, missing_chunks: str
) -> Recording:
    """Open a dataset of an HDF5 file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    channel : int, optional
        Which channel.
    member : str, optional
        Path of the dataset; the only one that can be meant when not given.
    missing_chunks : {"error", "fill"}
        Whether frames with chunks that were never written are an error, or full of the fill value.

    Returns
    -------
    Recording
        Read past the library where data lie as they are. Up to the first frame that misses a
        chunk, with a fault if there is one.

    Raises
    ------
    RecordingError
        If it cannot be opened, such as one that is cut short, or is no recording.
    InputError
        If the channel or the dataset is missing or wrong.
    """
    with _open_file(path) as file:
        dataset = _choose_dataset(file, member, path.name)
        name = f"{path.name}::{dataset.name.lstrip('/')}"
        layout = choose_frames(dataset.shape[:-2], channel, name)
        n_frames = layout.n_frames
        if missing_chunks == "error" and not dataset.is_virtual:
            is_there, n_each = _chunks_there(dataset, layout.index)
            n_frames = first_lost(is_there, n_each, n_frames)
        reader = _reader_of(dataset, path, layout, n_frames)
        return recording_of(reader, path, name, fault_of(n_frames, layout.n_frames))


def _open_file(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        cut = "truncated" in str(error)
        what = "is cut short" if cut else "cannot be read as an HDF5 file"
        message = (
            f"{path} {what} ({error}). HDF5 opens no file of which a part is missing, so no frame "
            f"could be read; copy or record it again."
        )
        raise RecordingError(message) from error


def _reader_of(dataset: Any, path: Path, layout: Layout, n_frames: int) -> Reader:
    """Return what reads past the library where data lie as they are, or else through it."""
    file, shape = str(path.absolute()), dataset.shape
    frames_shape = (n_frames, shape[-2], shape[-1])
    offset = dataset.id.get_offset()
    if dataset.chunks is None and offset is not None and dataset.external is None:
        plane_bytes = shape[-2] * shape[-1] * dataset.dtype.itemsize
        first = offset + layout.first * plane_bytes
        step = layout.step * plane_bytes
        return StoredPlanes((file,), frames_shape, dataset.dtype, first, step)
    chunks = dataset.chunks or (1,) * (len(shape) - 2) + shape[-2:]
    return Hdf5Frames(
        file,
        dataset.name,
        frames_shape,
        dataset.dtype.newbyteorder("="),
        (chunks[_frame_axis(layout.index)], chunks[-2], chunks[-1]),
        layout.index,
    )


def _frame_axis(index: tuple[slice | int, ...]) -> int:
    return index.index(slice(None))


def _chunks_there(dataset: Any, index: tuple[slice | int, ...]) -> tuple[NDArray[np.bool_], int]:
    """Return which chunks were written, and how many frames each holds."""
    chunks, axis = dataset.chunks, _frame_axis(index)
    if chunks is None:
        return np.full((1, 1, 1), dataset.id.get_storage_size() > 0), max(1, dataset.shape[axis])
    counts = [-(-n // size) for n, size in zip(dataset.shape, chunks, strict=True)]
    if dataset.id.get_num_chunks() == np.prod(counts, dtype=np.int64):
        return np.ones((counts[axis], *counts[-2:]), bool), chunks[axis]
    is_there = np.zeros(counts, bool)

    def mark(chunk: Any) -> None:
        place = zip(chunk.chunk_offset, chunks, strict=True)
        is_there[tuple(start // size for start, size in place)] = True

    dataset.id.chunk_iter(mark)
    fixed = [one if isinstance(one, slice) else one // chunks[a] for a, one in enumerate(index)]
    return is_there[tuple(fixed)], chunks[axis]


def _choose_dataset(file: Any, member: str | None, name: str) -> Any:
    import h5py

    found: dict[str, Any] = {}
    file.visititems(
        lambda key, item: found.update({key: item}) if isinstance(item, h5py.Dataset) else None
    )
    if member is not None:
        if member.strip("/") not in found:
            message = f"{name} has no dataset {member!r}; it holds {', '.join(found) or 'none'}."
            raise InputError(message)
        if found[member.strip("/")].ndim < 3:
            shape = tuple(found[member.strip("/")].shape)
            message = f"{name}::{member} has shape {shape}; expected frames x rows x columns."
            raise RecordingError(message)
        return found[member.strip("/")]
    candidates = [
        key for key, item in found.items() if item.ndim in (3, 4) and item.dtype.kind in "buif"
    ]
    three = [key for key in candidates if found[key].ndim == 3]
    meant = three if len(three) == 1 else candidates
    if len(meant) != 1:
        listed = ", ".join(f"{key} {tuple(found[key].shape)}" for key in candidates) or "none"
        message = (
            f"{name} holds several datasets or none that could be a recording ({listed}); name "
            f"the one that is meant: {name}::DATASET."
        )
        raise InputError(message)
    return found[meant[0]]
