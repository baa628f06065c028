"""Arrays: in memory, mapped from a file, in a ``.npy`` or raw file, or of dask."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import RecordingError
from brainreg3d.traces.reader import (
    Box,
    Fault,
    Layout,
    Recording,
    check_numbers,
    choose_frames,
    recording_of,
)
from brainreg3d.traces.stored_planes import StoredPlanes, whole_frames

_CHUNK_BYTES = 1 << 24  # of arrays that are neither in memory nor of dask
_RAW_NAME = re.compile(r"_(\d+)_(\d+)_(\d+)_([a-z]+\d+)$")


@attrs.frozen(eq=False)
class ArrayFrames:
    """Reads frames of an array in memory.

    Parameters
    ----------
    array : numpy.ndarray, shape (frames, rows, columns)
        The frames.
    """

    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, rows, columns."""
        n, height, width = self.array.shape
        return n, height, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """In the byte order of the machine."""
        return self.array.dtype.newbyteorder("=")

    @property
    def stored_chunk(self) -> tuple[int, int, int]:
        """One frame."""
        return (1, *self.shape[1:])

    def read(self, box: Box) -> NDArray[Any]:
        """Return a part, not copied where that is not needed."""
        return np.ascontiguousarray(self.array[box], self.dtype)

    def pieces(self, box: Box) -> Iterator[NDArray[Any]]:
        """Read a part at once."""
        yield self.read(box)


def open_array(array: Any, channel: int | None) -> Recording:
    """Open an array: NumPy's, dask's, or anything that becomes one of NumPy's.

    Parameters
    ----------
    array : array_like
        (frames, rows, columns), or (frames, channels, rows, columns).
    channel : int, optional
        Which channel.

    Returns
    -------
    Recording
        Mapped files are read rather than mapped, so that what was read leaves memory again.

    Raises
    ------
    RecordingError
        If it is no recording.
    InputError
        If the channel is missing or wrong.
    """
    name = "the array"
    lazy = _as_dask(array)
    if lazy is not None:
        return _open_dask(lazy, channel)
    try:
        pixels = np.asanyarray(array)
    except ValueError as error:
        message = f"{name} is none: {error}"
        raise RecordingError(message) from error
    if isinstance(pixels, np.ma.MaskedArray):
        pixels = _without_mask(pixels)
    layout = _layout(pixels.shape, channel, name)
    mapped = _file_of(pixels)
    if mapped is not None:
        path, offset = mapped
        reader = _planes(path, pixels.dtype, pixels.shape, offset, layout)
        n_frames = whole_frames(
            path, reader.first, reader.step, _frame_bytes(reader), layout.n_frames
        )
        if n_frames == layout.n_frames:
            return recording_of(reader, path, path.name)
    return recording_of(ArrayFrames(np.asarray(pixels)[layout.index]), None, name)


def _as_dask(array: Any) -> Any:
    """Return an array of dask for what is not in memory; None for what is.

    Datasets of h5py, arrays of zarr and those of xarray would become arrays of NumPy as a whole.
    """
    for one in (array, getattr(array, "data", None)):
        if hasattr(one, "dask") and hasattr(one, "to_delayed"):
            return one
    if isinstance(array, np.ndarray) or not {"shape", "dtype", "chunks"} <= set(dir(array)):
        return None
    if isinstance(getattr(array, "data", None), np.ndarray):
        return None
    import dask
    import dask.array

    arrays: Any = dask.array  # without types
    with dask.config.set({"array.chunk-size": _CHUNK_BYTES}):
        return arrays.from_array(array)


def _open_dask(array: Any, channel: int | None) -> Recording:
    name = "the dask array"
    if any(np.isnan(size) for sizes in array.chunks for size in sizes):
        message = f"{name} has chunks of unknown size; call its compute_chunk_sizes() first."
        raise RecordingError(message)
    layout = _layout(array.shape, channel, name)
    frames = array[layout.index]
    check_numbers(frames.dtype, frames.shape, name)
    if isinstance(frames._meta, np.ma.MaskedArray):  # noqa: SLF001 - says what its blocks are
        frames = frames.map_blocks(_without_mask, dtype=_unmasked_type(frames.dtype))
    return Recording(name, None, frames.shape, frames.dtype.newbyteorder("="), None, frames)


def _without_mask(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array whose masked pixels are no number, and do not count."""
    filled = np.ma.MaskedArray(array, dtype=_unmasked_type(array.dtype)).filled(np.nan)
    return np.asarray(filled)


def _unmasked_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def _layout(shape: tuple[int, ...], channel: int | None, name: str) -> Layout:
    if len(shape) < 3:
        message = (
            f"{name} has shape {shape}; expected (frames, rows, columns) or (frames, channels, "
            f"rows, columns)."
        )
        raise RecordingError(message)
    return choose_frames(shape[:-2], channel, name)


def _file_of(array: NDArray[Any]) -> tuple[Path, int] | None:
    """Return file and first byte of an array that is mapped from one, as it lies there."""
    root: Any = array
    while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray):
        root = root.base
    # A private copy of the pages may differ from the file.
    is_mapped = isinstance(root, np.memmap) and isinstance(root.base, mmap.mmap)
    if not is_mapped or root.filename is None or root.mode == "c":
        return None
    if not array.flags.c_contiguous:
        return None
    if root.mode in ("r+", "w+"):
        root.flush()
    return Path(root.filename), int(root.offset) + array.ctypes.data - root.ctypes.data


def _planes(
    path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int, layout: Layout
) -> StoredPlanes:
    plane_bytes = shape[-2] * shape[-1] * dtype.itemsize
    return StoredPlanes(
        (str(path.absolute()),),
        (layout.n_frames, shape[-2], shape[-1]),
        dtype,
        first=offset + layout.first * plane_bytes,
        step=layout.step * plane_bytes,
    )


def _frame_bytes(reader: StoredPlanes) -> int:
    return reader.shape[1] * reader.shape[2] * reader.stored_dtype.itemsize


def _cut_to_file(path: Path, reader: StoredPlanes, n_expected: int | None) -> Recording:
    """Return a recording of the frames that the file holds whole."""
    n_stated = reader.shape[0]
    n_frames = whole_frames(path, reader.first, reader.step, _frame_bytes(reader), n_stated)
    fault = None
    if n_frames < n_stated:
        size = path.stat().st_size
        needed = reader.first + reader.step * (n_stated - 1) + _frame_bytes(reader)
        fault = Fault(f"the file has {size} bytes, {n_stated} frames take {needed}", n_expected)
        reader = attrs.evolve(reader, shape=(n_frames, *reader.shape[1:]))
    return recording_of(reader, path, path.name, fault)


def open_npy(path: Path, channel: int | None) -> Recording:
    """Open a ``.npy`` file without reading its data.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    channel : int, optional
        Which channel.

    Returns
    -------
    Recording
        Of the frames that the file holds, with a fault if it is cut short.

    Raises
    ------
    RecordingError
        If it is no recording.
    InputError
        If the channel is missing or wrong.
    """
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, in_columns, dtype = read_header(file)
        except (ValueError, KeyError) as error:
            message = f"{path} is no .npy file, or cut short within its header ({error})."
            raise RecordingError(message) from error
        offset = file.tell()
    if in_columns or dtype.hasobject:
        message = (
            f"{path.name} is stored with the last axis outermost (Fortran order) or holds "
            f"objects; save it again with np.save(path, np.ascontiguousarray(array))."
        )
        raise RecordingError(message)
    layout = _layout(shape, channel, path.name)
    check_numbers(dtype, shape[-3:], path.name)
    return _cut_to_file(path, _planes(path, dtype, shape, offset, layout), layout.n_frames)


def open_raw(path: Path, channel: int | None) -> Recording:
    """Open a raw file whose name ends with its shape, as wfield writes it.

    Parameters
    ----------
    path : pathlib.Path
        Such as ``frames_2_540_640_uint16.dat``: channels, rows, columns and type.
    channel : int, optional
        Which channel.

    Returns
    -------
    Recording
        As many frames as the file holds, with a fault if it ends within one.

    Raises
    ------
    RecordingError
        If the name does not say the shape.
    InputError
        If the channel is missing or wrong.
    """
    found = _RAW_NAME.search(path.stem)
    try:
        dtype = np.dtype(found[4]) if found else None
    except TypeError:
        dtype = None
    if found is None or dtype is None:
        message = (
            f"{path.name} does not say its shape; raw files are named "
            f"NAME_CHANNELS_ROWS_COLUMNS_TYPE.dat, such as frames_2_540_640_uint16.dat. Rename "
            f"it, or give np.memmap(path, dtype, shape=...) in Python."
        )
        raise RecordingError(message)
    n_channels, height, width = (int(found[place]) for place in (1, 2, 3))
    check_numbers(dtype, (1, height, n_channels * width), path.name)
    unit = n_channels * height * width * dtype.itemsize
    n_units, rest = divmod(path.stat().st_size, unit)
    shape = (n_units, n_channels, height, width)
    layout = choose_frames((n_units, n_channels), channel, path.name)
    reader = _planes(path, dtype, shape, 0, layout)
    fault = Fault(f"the file ends {rest} bytes into the next frame", None) if rest else None
    return recording_of(reader, path, path.name, fault)
