"""Recordings in TIFF files: plain, BigTIFF, ImageJ's and OME's, compressed or not."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import BrainReg3DError, RecordingError
from brainreg3d.io.quiet_tifffile import quiet_tifffile
from brainreg3d.io.tiff_alike import check_alike
from brainreg3d.traces.reader import (
    Box,
    Fault,
    Layout,
    Reader,
    Recording,
    choose_frames,
    recording_of,
)
from brainreg3d.traces.stored_planes import StoredPlanes, whole_frames
from brainreg3d.traces.tiff_planes import Planes, find_planes

if TYPE_CHECKING:
    import tifffile


@attrs.frozen(eq=False)
class DecodedPlanes:
    """Reads planes that have to be unpacked.

    Parameters
    ----------
    path : str
        The file.
    stamp : tuple of int
        Size and time of the file, so that a new one of that name is opened anew.
    member : str or None
        Number of the image.
    shape : tuple of int
        Frames, rows, columns.
    dtype : numpy.dtype
        In the byte order of the machine.
    first, step : int
        Frame i is plane ``first + i * step``.
    """

    path: str
    stamp: tuple[int, int]
    member: str | None
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    first: int
    step: int

    @property
    def stored_chunk(self) -> tuple[int, int, int]:
        """One frame."""
        return (1, *self.shape[1:])

    def read(self, box: Box) -> NDArray[Any]:
        """Unpack frames one by one."""
        pages, lock, _ = _opened(self.path, self.stamp, self.member)
        start, stop, _ = box[0].indices(self.shape[0])
        frames = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for place in range(stop - start):
            page = pages[self.first + (start + place) * self.step]
            frames[place] = page.asarray(lock=lock, maxworkers=1).reshape(self.shape[1:])
        return np.ascontiguousarray(frames[:, box[1], box[2]])

    def pieces(self, box: Box) -> Iterator[NDArray[Any]]:
        """Read a part at once."""
        yield self.read(box)


@functools.lru_cache(maxsize=4)
def _opened(path: str, stamp: tuple[int, int], member: str | None) -> tuple[Any, Any, Any]:  # noqa: ARG001
    """Open a file once in each process; all of its directories are read for any of its planes."""
    import tifffile

    with quiet_tifffile():
        tif = tifffile.TiffFile(path)
        planes = find_planes(tif, member, Path(path).name)
    return planes.pages, threading.RLock(), tif


def close_tiffs() -> None:
    """Close files that were left open for further reading."""
    _opened.cache_clear()


def open_tiff(path: Path, channel: int | None, member: str | None) -> Recording:
    """Open a TIFF without reading its pixels.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    channel : int, optional
        Which channel.
    member : str, optional
        Number of the image in files that hold several.

    Returns
    -------
    Recording
        Of the frames that the file holds, with a fault if it is cut short.

    Raises
    ------
    RecordingError
        If it is no recording.
    InputError
        If the channel or the image is missing or wrong.
    """
    import tifffile

    try:
        with quiet_tifffile(), tifffile.TiffFile(path) as tif:
            planes = find_planes(tif, member, path.name)
            layout = choose_frames(planes.leading, channel, path.name, planes.frame_axis)
            return _recording(path, planes, layout, member, tif)
    except BrainReg3DError:
        raise
    except RuntimeError as error:  # tifffile compares sizes as it lists directories
        message = (
            f"{path.name} holds planes of several sizes ({error}); save them as several files."
        )
        raise RecordingError(message) from error
    except (ValueError, OSError, IndexError, KeyError, TypeError) as error:
        message = (
            f"{path} cannot be read as a TIFF ({type(error).__name__}: {error}); it is damaged, "
            f"cut short at its start, or something else."
        )
        raise RecordingError(message) from error


def _recording(
    path: Path, planes: Planes, layout: Layout, member: str | None, tif: tifffile.TiffFile
) -> Recording:
    keyframe = planes.keyframe
    height, width = keyframe.shape[:2]
    dtype = np.dtype(keyframe.dtype)
    stored = dtype.newbyteorder(tif.byteorder)
    if planes.offset is not None:
        listed = [page for page in planes.pages or () if page is not None]
        check_alike(listed, keyframe, path.name, RecordingError)
        plane_bytes = height * width * dtype.itemsize
        first, step = planes.offset + layout.first * plane_bytes, layout.step * plane_bytes
        n_frames = whole_frames(path, first, step, plane_bytes, layout.n_frames)
        shape = (n_frames, height, width)
        reader: Reader = StoredPlanes((str(path.absolute()),), shape, stored, first, step)
        return recording_of(reader, path, path.name, _fault(planes, layout, n_frames))
    pages = [(planes.pages or [])[layout.first + i * layout.step] for i in range(layout.n_frames)]
    n_frames = _n_within(pages)
    check_alike(pages[:n_frames], keyframe, path.name, RecordingError)
    shape = (n_frames, height, width)
    located = _locate(pages[:n_frames], height * width * dtype.itemsize, keyframe)
    if located is not None:
        files, numbers, offsets = located
        reader = StoredPlanes(files, shape, stored, offsets=offsets, file_numbers=numbers)
    else:
        stat = path.stat()
        reader = DecodedPlanes(
            str(path.absolute()),
            (stat.st_size, stat.st_mtime_ns),
            member,
            shape,
            dtype.newbyteorder("="),
            layout.first,
            layout.step,
        )
    return recording_of(reader, path, path.name, _fault(planes, layout, n_frames))


def _fault(planes: Planes, layout: Layout, n_frames: int) -> Fault | None:
    unknown = planes.broken is not None and planes.pages is not None and None not in planes.pages
    if n_frames == layout.n_frames and not unknown:
        return None
    reason = planes.broken or "the file ends before its last plane, or a plane is missing"
    return Fault(reason, None if unknown else layout.n_frames)


def _n_within(pages: list[Any]) -> int:
    """Return how many planes from the first on lie whole within their files."""
    parent, size = None, 0
    for number, page in enumerate(pages):
        if page is None:
            return number
        if page.parent is not parent:
            parent, size = page.parent, page.parent.filehandle.size
        if (
            max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
            > size
        ):
            return number
    return len(pages)


def _locate(
    pages: list[Any], plane_bytes: int, keyframe: Any
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]] | None:
    """Return files, number of the file and first byte of planes that lie as they are."""
    if not keyframe.is_memmappable:
        return None
    files: dict[Any, int] = {}  # hundreds of thousands of pages lie in a few files
    offsets = np.empty(len(pages), np.int64)
    numbers = np.empty(len(pages), np.int64)
    for place, page in enumerate(pages):
        starts, counts = page.dataoffsets, page.databytecounts
        ends = [start + count for start, count in zip(starts, counts, strict=True)]
        if list(starts[1:]) != ends[:-1] or ends[-1] - starts[0] != plane_bytes or not starts[0]:
            return None
        offsets[place] = starts[0]
        file = page.parent.filehandle
        numbers[place] = files.setdefault(file, len(files))
    paths = tuple(str(Path(file.dirname, file.name).absolute()) for file in files)
    return paths, numbers, offsets
