"""What all readers of recordings have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import is_whole
from brainreg3d.errors import InputError, RecordingError

Box = tuple[slice, slice, slice]
"""Frames, rows and columns of a part of a recording."""


class Reader(Protocol):
    """Reads parts of a recording; it can be pickled, and used by several threads at once."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames that can be read, rows, columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read, in the byte order of the machine."""

    @property
    def stored_chunk(self) -> tuple[int, int, int]:
        """What is stored, and has to be read, together."""

    def read(self, box: Box) -> NDArray[Any]:
        """Read a part."""

    def pieces(self, box: Box) -> Iterator[NDArray[Any]]:
        """Read a part, some frames at a time; each may be overwritten by the next."""


@attrs.frozen(eq=False)
class Fault:
    """Why a recording holds fewer frames than it should.

    Parameters
    ----------
    reason : str
        In words.
    n_expected : int or None
        Frames that it should hold; None when that is not known.
    """

    reason: str
    n_expected: int | None


@attrs.frozen(eq=False)
class Recording:
    """A recording, opened: frames x rows x columns.

    Parameters
    ----------
    name : str
        For messages.
    path : pathlib.Path or None
        The file; None for arrays in memory.
    shape : tuple of int
        Frames that can be read, rows, columns.
    dtype : numpy.dtype
        Of the pixels.
    reader : Reader or None
        None for dask arrays.
    array : dask.array.Array or None
        None for files, whose arrays are made of the reader.
    fault : Fault or None
        If frames are missing at the end.
    """

    name: str
    path: Path | None
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    reader: Reader | None
    array: Any = None
    fault: Fault | None = None

    @property
    def n_expected(self) -> int | None:
        """Frames that it should hold."""
        return self.shape[0] if self.fault is None else self.fault.n_expected


def recording_of(
    reader: Reader, path: Path | None, name: str, fault: Fault | None = None
) -> Recording:
    """Return a recording whose frames a reader reads, checked.

    Parameters
    ----------
    reader : Reader
        Reads it.
    path : pathlib.Path or None
        The file.
    name : str
        For messages.
    fault : Fault, optional
        If frames are missing.

    Returns
    -------
    Recording
        Of numbers, and with pixels.

    Raises
    ------
    RecordingError
        If it holds no numbers, or is empty.
    """
    check_numbers(reader.dtype, reader.shape, name)
    return Recording(name, path, reader.shape, reader.dtype, reader, fault=fault)


def check_numbers(dtype: np.dtype[Any], shape: Sequence[int], name: str) -> None:
    """Check that a recording holds real numbers, and some of them.

    Parameters
    ----------
    dtype : numpy.dtype
        Of its pixels.
    shape : sequence of int
        Frames, rows, columns.
    name : str
        For the message.

    Raises
    ------
    RecordingError
        If it does not.
    """
    if dtype.kind not in "buif":
        message = f"{name} holds {dtype} values; expected integers or real numbers."
        raise RecordingError(message)
    if 0 in shape[1:]:
        message = f"{name} is empty: its shape is {tuple(shape)}."
        raise RecordingError(message)


@attrs.frozen
class Layout:
    """Which planes of a file are the frames.

    Parameters
    ----------
    n_frames : int
        How many.
    step, first : int
        Frame i is plane ``first + i * step``, when planes are counted in the file's order.
    index : tuple
        Index of the array of the file; a slice for frames, a number for the other axes.
    """

    n_frames: int
    step: int
    first: int
    index: tuple[slice | int, ...]


def choose_frames(
    leading: Sequence[int], channel: int | None, name: str, frame_axis: int = 0
) -> Layout:
    """Choose one channel of a recording.

    Parameters
    ----------
    leading : sequence of int
        Lengths of the axes before rows and columns.
    channel : int, optional
        Which channel, or plane, from 0.
    name : str
        For messages.
    frame_axis : int
        Which of the axes is that of frames.

    Returns
    -------
    Layout
        Which planes are frames.

    Raises
    ------
    InputError
        If there are several channels and none was chosen, or there is none of that number.
    RecordingError
        If there are more axes.
    """
    others = [axis for axis, n in enumerate(leading) if axis != frame_axis and n != 1]
    if len(others) > 1:
        message = (
            f"{name} has {len(leading)} axes before rows and columns, of lengths "
            f"{tuple(leading)}; expected frames, or frames and channels. Save what is meant as a "
            f"file of its own."
        )
        raise RecordingError(message)
    n_channels = leading[others[0]] if others else 1
    if channel is None and n_channels > 1:
        message = (
            f"{name} has {n_channels} channels or planes; choose one with channel=N "
            f"(--channel N), counted from 0."
        )
        raise InputError(message)
    chosen = 0 if channel is None else channel
    if not is_whole(chosen):
        message = f"channel is a whole number counted from 0; got {channel!r}."
        raise InputError(message)
    if not 0 <= chosen < n_channels:
        message = f"{name} has {n_channels} channel(s), numbered from 0; there is no {channel}."
        raise InputError(message)
    index: list[slice | int] = [0] * len(leading)
    if others:
        index[others[0]] = int(chosen)
    n_frames, step = 1, 0
    if leading:
        index[frame_axis] = slice(None)
        n_frames, step = leading[frame_axis], int(np.prod(leading[frame_axis + 1 :], dtype=int))
    inner = int(np.prod(leading[others[0] + 1 :], dtype=int)) if others else 0
    return Layout(n_frames, step, int(chosen) * inner, tuple(index))
