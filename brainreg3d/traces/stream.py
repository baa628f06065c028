"""Blocks of a recording, read and summed in order: by threads, or by a cluster."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import attrs

from brainreg3d.errors import BrainReg3DError, InputError, RecordingError
from brainreg3d.traces.blocks import Blocks, BlockTask, sums_array
from brainreg3d.traces.reader import Recording
from brainreg3d.traces.sums import Job, Sums

_AHEAD = 2  # blocks for each thread that are asked for before they are needed
_BATCH = 32  # blocks of frames whose graph is made at a time
_SCHEDULER_SECONDS = 10


class _Future(Protocol):
    def result(self) -> Any: ...
    def cancel(self) -> Any: ...


@attrs.frozen
class _Workers:
    """Something that computes.

    Parameters
    ----------
    submit : callable
        Takes a delayed object, and returns a future.
    n_ahead : int
        How many to submit before the first result is needed.
    are_elsewhere : bool
        Whether they are other processes, perhaps on other machines.
    """

    submit: Callable[[Any], _Future]
    n_ahead: int
    are_elsewhere: bool = False


@contextlib.contextmanager
def workers(scheduler: Any, n_threads: int) -> Iterator[_Workers]:
    """Give what computes: threads of this process, or a cluster.

    Parameters
    ----------
    scheduler : str or distributed.Client or None
        Address of a dask scheduler; None for threads.
    n_threads : int
        How many there are of these.

    Yields
    ------
    workers
        To be given to `stream`.

    Raises
    ------
    InputError
        If no scheduler answers, or distributed is not installed.
    """
    if scheduler is None:
        pool = ThreadPoolExecutor(n_threads, thread_name_prefix="traces")
        try:
            yield _Workers(lambda task: pool.submit(_compute_here, task), _AHEAD * n_threads)
        finally:
            pool.shutdown(cancel_futures=True)
        return
    client, is_ours = _connect(scheduler)
    try:
        n_cores = max(1, sum(client.nthreads().values()))
        yield _Workers(client.compute, _AHEAD * n_cores, are_elsewhere=True)
    finally:
        if is_ours:
            client.close()


def _compute_here(task: Any) -> Any:
    return task() if isinstance(task, partial) else task.compute(scheduler="synchronous")


def _connect(scheduler: Any) -> tuple[Any, bool]:
    try:
        from distributed import Client
    except ImportError as error:
        message = (
            "A scheduler needs the package distributed, which is not installed: "
            'pip install "brainreg3d[cluster]".'
        )
        raise InputError(message) from error
    if isinstance(scheduler, Client):
        return scheduler, False
    if not isinstance(scheduler, str):
        message = (
            f"scheduler is the address of a dask scheduler, such as "
            f'"tcp://127.0.0.1:8786", or a distributed.Client; got {scheduler!r}.'
        )
        raise InputError(message)
    try:
        connect: Any = Client  # without types
        return connect(scheduler, timeout=_SCHEDULER_SECONDS, set_as_default=False), True
    except (OSError, ValueError, TypeError) as error:
        message = (
            f"No dask scheduler answers at {scheduler} ({error}); check the address that "
            f'"dask scheduler" printed, or leave it out to work on this machine.'
        )
        raise InputError(message) from error


class Broken(RecordingError):  # noqa: N818 - a state, never seen by users
    """A block cannot be read."""


def stream(
    recording: Recording, blocks: Blocks, job: Job, crew: _Workers
) -> Iterator[tuple[slice, list[Sums]]]:
    """Read a recording once and give what its frames add to the table, in order.

    Parameters
    ----------
    recording : Recording
        Opened.
    blocks : Blocks
        How it is cut.
    job : Job
        What is done with each block.
    crew : workers
        From `workers`.

    Yields
    ------
    frames : slice
        Which frames.
    parts : list of Sums
        One for each tile with pixels of regions.

    Raises
    ------
    Broken
        If a frame cannot be read, after those before it were given.
    """
    used = [
        (row, col)
        for row, plans in enumerate(job.plans)
        for col, plan in enumerate(plans)
        if len(plan.runs)
    ]
    waiting: deque[_Future] = deque()
    tasks = _tasks(recording, blocks, job, used, crew)
    try:
        for number in range(blocks.counts[0]):
            while len(waiting) < max(crew.n_ahead, len(used)):
                task = next(tasks, None)
                if task is None:
                    break
                waiting.append(crew.submit(task))
            mine = [waiting.popleft() for _ in used]
            times = blocks.times(number)
            try:
                parts = [future.result() for future in mine]
            except (BrainReg3DError, MemoryError):
                raise
            except Exception as error:
                _check_cluster(error)
                yield from _one_by_one(recording, blocks, job, used, times, error)
                if crew.are_elsewhere:
                    message = (
                        f"The workers cannot read {recording.name}, though this machine can "
                        f"({type(error).__name__}: {error}). They have to see it under the same "
                        f"path, and to have the same version of brainreg3d."
                    )
                    raise InputError(message) from error
                continue
            yield times, parts
    finally:
        for future in waiting:
            future.cancel()


def _check_cluster(error: Exception) -> None:
    """Tell a cluster that failed from a recording that is broken."""
    kind = type(error)
    if kind.__module__.startswith("distributed") or kind.__name__ == "CancelledError":
        message = f"The cluster failed ({kind.__name__}: {error}); see the logs of its workers."
        raise InputError(message) from error


def _tasks(
    recording: Recording, blocks: Blocks, job: Job, used: list[tuple[int, int]], crew: _Workers
) -> Iterator[Any]:
    """Yield a task for each block; its graph holds little more than the block."""
    if recording.reader is not None and not crew.are_elsewhere:
        # The same work without a graph; importing dask alone takes as long as reading a gigabyte.
        task = BlockTask(recording.reader, blocks, job)
        for number in range(blocks.counts[0]):
            yield from (partial(task.run, (number, row, col)) for row, col in used)
        return
    sums = sums_array(recording, blocks, job)
    for first in range(0, blocks.counts[0], _BATCH):
        for block in sums.blocks[first : first + _BATCH].to_delayed():
            yield from (block[row, col] for row, col in used)


def _one_by_one(
    recording: Recording,
    blocks: Blocks,
    job: Job,
    used: list[tuple[int, int]],
    times: slice,
    failure: Exception,
) -> Iterator[tuple[slice, list[Sums]]]:
    """Read the frames of a broken block one by one, to keep those before the break."""
    for number in range(times.start, times.stop):
        one = slice(number, number + 1)
        try:
            parts = []
            for row, col in used:
                box = (one, *blocks.tile(row, col))
                if recording.reader is None:
                    pixels = recording.array[box].compute(scheduler="synchronous")
                else:
                    pixels = recording.reader.read(box)
                parts.append(job.sums_of(pixels, row, col))
        except Exception as error:
            message = f"{type(error).__name__}: {error}" if str(error) else type(failure).__name__
            raise Broken(message) from failure
        yield one, parts
