"""Chunks that a file should have and has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError
from brainreg3d.traces.reader import Fault

MISSING_CHUNKS = ("error", "fill")


def check_choice(missing_chunks: str) -> None:
    """Check what is said about chunks that are missing.

    Parameters
    ----------
    missing_chunks : str
        One of `MISSING_CHUNKS`.

    Raises
    ------
    InputError
        If it is not.
    """
    if missing_chunks not in MISSING_CHUNKS:
        message = f'missing_chunks is "error" or "fill"; got {missing_chunks!r}.'
        raise InputError(message)


def first_lost(is_there: NDArray[np.bool_], chunk_frames: int, n_frames: int) -> int:
    """Return the first frame with a missing chunk whose place other frames have a chunk for.

    A chunk may be left out where all of it is the fill value. Where a part of the picture has no
    chunk at any time, that is what happened; else chunks are lost.

    Parameters
    ----------
    is_there : numpy.ndarray of bool, shape (times, rows, columns)
        Of each chunk.
    chunk_frames : int
        Frames of a chunk.
    n_frames : int
        Of the recording.

    Returns
    -------
    int
        From 0, where nothing was written at all, to `n_frames`, where nothing is lost.
    """
    if is_there.size and not is_there.any():
        return 0
    is_lost = ~is_there & is_there.any(axis=0)
    times = np.flatnonzero(is_lost.any(axis=(1, 2)))
    return int(times[0]) * chunk_frames if times.size else n_frames


def fault_of(n_whole: int, n_frames: int) -> Fault | None:
    """Return what is wrong with a recording of which chunks are lost.

    Parameters
    ----------
    n_whole : int
        Frames before the first that is not whole.
    n_frames : int
        Frames that it should have.

    Returns
    -------
    Fault or None
        None if nothing is.
    """
    if n_whole == n_frames:
        return None
    reason = (
        f"chunks of frame {n_whole} are missing in the file; if they were left out because they "
        f'hold nothing, say missing_chunks="fill" (--missing-chunks fill)'
    )
    return Fault(reason, n_frames)
