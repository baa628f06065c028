"""Opening a recording, whatever it is stored in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from brainreg3d.errors import InputError, MissingFileError, RecordingError
from brainreg3d.traces.missing_chunks import check_choice
from brainreg3d.traces.reader import Recording

_SEPARATOR = "::"
_TIFF = {".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk"}
_HDF5 = {".h5", ".hdf5", ".hdf"}
_RAW = {".dat", ".bin", ".raw"}
_EXPECTED = "a TIFF, Zarr, HDF5 or .npy file, or a raw file such as frames_2_540_640_uint16.dat"


def open_recording(
    source: Any, *, channel: int | None = None, missing_chunks: str = "error"
) -> Recording:
    """Open a recording without reading its pixels.

    Parameters
    ----------
    source : path-like or array_like
        A TIFF, Zarr, HDF5, ``.npy`` or raw file, or an array of NumPy or dask. What is meant
        within a file follows two colons: ``session.h5::acquisition/frames``.
    channel : int, optional
        Which channel of (frames, channels, rows, columns), from 0.
    missing_chunks : {"error", "fill"}
        Whether chunks that a Zarr store or an HDF5 file lacks are lost, or full of its fill value.

    Returns
    -------
    Recording
        Frames x rows x columns.

    Raises
    ------
    MissingFileError
        If there is no such file.
    RecordingError
        If it is no recording.
    InputError
        If the channel, or what is meant within the file, is missing or wrong.
    """
    from brainreg3d.traces.array_frames import open_array

    check_choice(missing_chunks)
    if not isinstance(source, str | os.PathLike):
        return open_array(source, channel)
    path, member = split_path(source)
    if not os.path.exists(path):  # Path.exists() stumbles over names that are too long
        message = f"There is no file {path}. Check the path of the recording."
        raise MissingFileError(message)
    if path.suffix.lower() == ".zarr" or (path.is_dir() and _is_zarr(path)):
        from brainreg3d.traces.zarr_frames import open_zarr

        return open_zarr(path, channel, member, missing_chunks)
    if path.is_dir():
        message = f"{path} is a folder; expected {_EXPECTED}."
        raise RecordingError(message)
    return _open_file(path, channel, member, missing_chunks)


def _open_file(
    path: Path, channel: int | None, member: str | None, missing_chunks: str
) -> Recording:
    from brainreg3d.traces.array_frames import open_npy, open_raw

    suffix = path.suffix.lower()
    if not path.is_file():  # a pipe would be waited for
        message = f"{path} is no file on a disk; expected {_EXPECTED}."
        raise RecordingError(message)
    if suffix in _TIFF:
        from brainreg3d.traces.tiff_frames import open_tiff

        return open_tiff(path, channel, member)
    if suffix in _HDF5:
        from brainreg3d.traces.hdf5_frames import open_hdf5

        return open_hdf5(path, channel, member, missing_chunks)
    if member is not None and suffix in {".npy", *_RAW}:
        message = f"{path.name} holds a single array; there is no {member!r} in it."
        raise InputError(message)
    if suffix == ".npy":
        return open_npy(path, channel)
    if suffix in _RAW:
        return open_raw(path, channel)
    message = f"{path.name} is of no known format; expected {_EXPECTED}."
    raise RecordingError(message)


def split_path(source: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Part the path of a file from what is meant within it.

    Parameters
    ----------
    source : path-like
        Such as ``session.h5::acquisition/frames``.

    Returns
    -------
    path : pathlib.Path
        The file.
    member : str or None
        What follows two colons.
    """
    text = os.fspath(source)
    if _SEPARATOR not in text or os.path.exists(text):
        return Path(text).expanduser(), None
    file, member = text.rsplit(_SEPARATOR, 1)
    return Path(file).expanduser(), member


def _is_zarr(path: Path) -> bool:
    return any((path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup"))


def close_files() -> None:
    """Close what readers left open for further reading."""
    import sys

    for module, function in (("tiff_frames", "close_tiffs"), ("zarr_frames", "close_zarrs")):
        loaded = sys.modules.get(f"brainreg3d.traces.{module}")
        if loaded is not None:
            getattr(loaded, function)()
