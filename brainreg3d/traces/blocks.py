"""The blocks in which a recording is read, and the dask array that they make."""

from __future__ import annotations

import uuid
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._threads import count_threads
from brainreg3d.traces.array_frames import ArrayFrames
from brainreg3d.traces.reader import Box, Reader, Recording
from brainreg3d.traces.sums import Job, Sums, join
from brainreg3d.traces.weights import Weighting

_BLOCK_BYTES = 1 << 24
_MOST_BYTES = 1 << 27  # of all blocks that are read at the same time
_MOST_THREADS = 8


@attrs.frozen(eq=False)
class Blocks:
    """How a recording is cut.

    Parameters
    ----------
    chunks : tuple of tuple of int
        Lengths of the blocks along frames, rows and columns.
    n_threads : int
        How many are read at the same time.
    """

    chunks: tuple[tuple[int, ...], ...]
    n_threads: int
    _edges: list[NDArray[np.int64]] = attrs.field(init=False)

    @_edges.default
    def _add_up(self) -> list[NDArray[np.int64]]:
        return [
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64) for lengths in self.chunks
        ]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many blocks there are along frames, rows and columns."""
        n_times, n_rows, n_cols = map(len, self.chunks)
        return n_times, n_rows, n_cols

    def times(self, number: int) -> slice:
        """Return the frames of the blocks of that number."""
        return self._slice(0, number)

    def tile(self, row: int, col: int) -> tuple[slice, slice]:
        """Return the rows and columns of a tile."""
        return self._slice(1, row), self._slice(2, col)

    def _slice(self, axis: int, place: int) -> slice:
        start, stop = self._edges[axis][place : place + 2].tolist()
        return slice(start, stop)


def cut(recording: Recording, *, whole_frames: bool) -> Blocks:
    """Return the blocks in which a recording is read.

    Parameters
    ----------
    recording : Recording
        Opened.
    whole_frames : bool
        Whether all pixels of a frame are needed at the same time.

    Returns
    -------
    Blocks
        Of about 16 MB, unless what is stored together is larger.
    """
    if recording.reader is None:
        chunks = recording.array.chunks
        if whole_frames:
            n_frames = max(1, _BLOCK_BYTES // _bytes(recording, (1, *recording.shape[1:])))
            smaller = min(max(chunks[0]), n_frames)
            chunks = recording.array.rechunk((smaller, -1, -1)).chunks
        largest = tuple(max(lengths) for lengths in chunks)
        return Blocks(chunks, _n_threads(_bytes(recording, largest)))
    size = _block_shape(recording, recording.reader.stored_chunk, whole_frames=whole_frames)
    lengths = tuple(_lengths(n, step) for n, step in zip(recording.shape, size, strict=True))
    return Blocks(lengths, _n_threads(_bytes(recording, size)))


def _block_shape(
    recording: Recording, stored: tuple[int, int, int], *, whole_frames: bool
) -> tuple[int, int, int]:
    """Return a multiple of what is stored together, whole frames where that is not too much."""
    n, height, width = recording.shape
    chunk = (min(stored[0], max(n, 1)), min(stored[1], height), min(stored[2], width))
    per_frame = _bytes(recording, (1, height, width))
    if whole_frames or chunk[0] * per_frame <= _BLOCK_BYTES:
        n_frames = max(1, _BLOCK_BYTES // per_frame)
        if n_frames > chunk[0]:
            n_frames -= n_frames % chunk[0]
        return n_frames, height, width
    n_wide = max(1, _BLOCK_BYTES // _bytes(recording, chunk))
    cols = min(width, chunk[2] * n_wide)
    n_high = max(1, _BLOCK_BYTES // _bytes(recording, (chunk[0], chunk[1], cols)))
    return chunk[0], min(height, chunk[1] * n_high), cols


def _bytes(recording: Recording, shape: tuple[int, ...]) -> int:
    return max(1, int(np.prod(shape, dtype=np.int64)) * recording.dtype.itemsize)


def _n_threads(block_bytes: int) -> int:
    return max(1, min(count_threads(), _MOST_THREADS, _MOST_BYTES // block_bytes))


def _lengths(n: int, step: int) -> tuple[int, ...]:
    return (step,) * (n // step) + ((n % step,) if n % step else ())


def make_job(weighting: Weighting, blocks: Blocks, *, with_medians: bool) -> Job:
    """Return what is done with every block.

    Parameters
    ----------
    weighting : Weighting
        Which pixels count where.
    blocks : Blocks
        How the recording is cut.
    with_medians : bool
        Whether medians are asked for.

    Returns
    -------
    Job
        With a plan for each tile.
    """
    plans = tuple(
        tuple(weighting.plan(*blocks.tile(row, col)) for col in range(blocks.counts[2]))
        for row in range(blocks.counts[1])
    )
    return Job(plans, len(weighting.columns), weighting.largest, with_medians)


def sums_array(recording: Recording, blocks: Blocks, job: Job) -> Any:
    """Return a dask array whose blocks are `Sums`; it is there for its graph.

    Parameters
    ----------
    recording : Recording
        Opened.
    blocks : Blocks
        How it is cut.
    job : Job
        What is done with each block.

    Returns
    -------
    dask.array.Array
        With as many blocks as the recording is cut into. Frames of files are read where they are
        summed, and never travel.
    """
    import dask.array
    from dask.delayed import delayed

    arrays: Any = dask.array  # without types
    reader = recording.reader
    task = BlockTask(reader, blocks, job)
    what = delayed(task, name=_new_name("task"), traverse=False)
    settings = {
        "dtype": object,
        "meta": np.empty((0, 0, 0), object),
        "name": _new_name("sums"),
    }
    if reader is not None and not isinstance(reader, ArrayFrames):
        return arrays.map_blocks(_read_and_sum, what, chunks=blocks.chunks, **settings)
    frames = recording.array
    if isinstance(reader, ArrayFrames):
        frames = arrays.from_array(reader.array, blocks.chunks, name=_new_name("frames"))
    return frames.rechunk(blocks.chunks).map_blocks(_sum_block, what, **settings)


def _new_name(what: str) -> str:
    """Return a key that nothing computed earlier has, as files may change."""
    return f"{what}-{uuid.uuid4().hex}"


@attrs.frozen(eq=False)
class BlockTask:
    """What has to be known to sum any block.

    Parameters
    ----------
    reader : Reader or None
        Reads the recording; None for dask arrays.
    blocks : Blocks
        How it is cut.
    job : Job
        What is done with each block.
    """

    reader: Reader | None
    blocks: Blocks
    job: Job

    def run(self, block_id: tuple[int, int, int]) -> Sums:
        """Read a block and sum it.

        Parameters
        ----------
        block_id : tuple of int
            Its place along frames, rows and columns.

        Returns
        -------
        Sums
            What it adds to the table.
        """
        if self.reader is None:
            message = "A dask array has no reader."
            raise TypeError(message)
        box: Box = (self.blocks.times(block_id[0]), *self.blocks.tile(*block_id[1:]))
        pieces = self.reader.pieces(box)
        return join([self.job.sums_of(frames, *block_id[1:]) for frames in pieces])


def _read_and_sum(task: BlockTask, block_id: tuple[int, int, int]) -> Any:
    return task.run(block_id)


def _sum_block(frames: Any, task: BlockTask, block_id: tuple[int, int, int]) -> Any:
    return task.job.sums_of(np.asarray(frames), *block_id[1:])
