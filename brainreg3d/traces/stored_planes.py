"""Reading frames that lie in files as they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.traces.reader import Box

PIECE_BYTES = 1 << 20
"""What is read before it is summed; it stays in the processor's cache."""


@attrs.frozen(eq=False)
class StoredPlanes:
    """Reads frames that lie as they are, somewhere in files.

    Parameters
    ----------
    paths : tuple of str
        The files.
    shape : tuple of int
        Frames, rows, columns.
    stored_dtype : numpy.dtype
        With the byte order of the file.
    first, step : int
        Where the first frame starts, and how far the next is from it, in bytes.
    offsets : numpy.ndarray of int64, shape (frames,), optional
        Instead of `first` and `step`.
    file_numbers : numpy.ndarray of int64, shape (frames,), optional
        Which file each frame is in; the first when not given.
    """

    paths: tuple[str, ...]
    shape: tuple[int, int, int]
    stored_dtype: np.dtype[Any]
    first: int = 0
    step: int = 0
    offsets: NDArray[np.int64] | None = None
    file_numbers: NDArray[np.int64] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """In the byte order of the machine."""
        return self.stored_dtype.newbyteorder("=")

    @property
    def stored_chunk(self) -> tuple[int, int, int]:
        """One frame."""
        return (1, *self.shape[1:])

    def read(self, box: Box) -> NDArray[Any]:
        """Read frames, and cut them to size."""
        start, stop, _ = box[0].indices(self.shape[0])
        return self._read_into(np.empty((stop - start, *self.shape[1:]), self.stored_dtype), box)

    def pieces(self, box: Box) -> Iterator[NDArray[Any]]:
        """Read so few frames at a time that they stay in the processor's cache until summed."""
        start, stop, _ = box[0].indices(self.shape[0])
        frame_bytes = self.shape[1] * self.shape[2] * self.stored_dtype.itemsize
        n_frames = max(1, min(stop - start, PIECE_BYTES // frame_bytes))
        buffer = np.empty((n_frames, *self.shape[1:]), self.stored_dtype)
        for first in range(start, stop, n_frames):
            last = min(first + n_frames, stop)
            yield self._read_into(buffer[: last - first], (slice(first, last), *box[1:]))

    def _read_into(self, frames: NDArray[Any], box: Box) -> NDArray[Any]:
        for number, places, offset in self._stretches(box[0].start, box[0].stop):
            with Path(self.paths[number]).open("rb", buffering=0) as file:
                file.seek(offset)
                _fill(file, frames[places])
        if not frames.dtype.isnative:
            frames = frames.byteswap(inplace=True).view(self.dtype)
        whole = box[1:] == (slice(0, self.shape[1]), slice(0, self.shape[2]))
        return frames if whole else np.ascontiguousarray(frames[:, box[1], box[2]])

    def _stretches(self, start: int, stop: int) -> Iterable[tuple[int, slice, int]]:
        """Yield what lies together: number of the file, places in what is read, first byte."""
        frame_bytes = self.shape[1] * self.shape[2] * self.stored_dtype.itemsize
        numbers = np.arange(start, stop)
        offsets = self.first + numbers * self.step
        if self.offsets is not None:
            offsets = self.offsets[start:stop]
        files = np.zeros(stop - start, np.int64)
        if self.file_numbers is not None:
            files = self.file_numbers[start:stop]
        breaks = np.flatnonzero((np.diff(offsets) != frame_bytes) | (np.diff(files) != 0)) + 1
        edges = [0, *breaks.tolist(), stop - start]
        for a, b in itertools.pairwise(edges):
            yield int(files[a]), slice(a, b), int(offsets[a])


def _fill(file: Any, frames: NDArray[Any]) -> None:
    """Read as many bytes as an array takes."""
    pixels: Any = frames.reshape(-1).view(np.uint8)
    view = memoryview(pixels)
    done = 0
    while done < len(view):
        n_read = file.readinto(view[done:])
        if not n_read:
            message = f"the file ends at byte {file.tell()}, within a frame"
            raise EOFError(message)
        done += n_read


def whole_frames(path: Path, first: int, step: int, frame_bytes: int, n_expected: int) -> int:
    """Return how many of the frames that a file should hold lie within it.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    first, step : int
        Byte of the first frame, and from each frame to the next.
    frame_bytes : int
        Length of one.
    n_expected : int
        How many there should be.

    Returns
    -------
    int
        From 0 to `n_expected`.
    """
    room = path.stat().st_size - first - frame_bytes
    return 0 if room < 0 else min(n_expected, room // max(step, 1) + 1)
