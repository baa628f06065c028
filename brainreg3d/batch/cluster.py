"""Running tasks on a dask.distributed cluster."""

from __future__ import annotations

import queue
import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from brainreg3d._logging import logger
from brainreg3d._version import __version__
from brainreg3d.batch.task import Report, Task, run_task
from brainreg3d.errors import BrainReg3DError

_TICK_S = 1.0
_CONNECT_S = 20.0
_ADDRESS = re.compile(r"inproc://\S+|([a-z]+://)?[^\s/]+:\d+/?", re.IGNORECASE)


class ClusterError(BrainReg3DError, RuntimeError):
    """A cluster cannot be used."""


def run_on_cluster(tasks: Sequence[Task], address: str) -> Iterator[Report | None]:
    """Run tasks on the workers of a scheduler.

    The task of a worker that dies goes to another one, until it has taken more workers with it
    than the scheduler allows (its setting ``distributed.scheduler.allowed-failures``, 3). The
    scheduler counts tasks that only waited at a worker as well, so that those it gives up are
    tried once more, one at a time, after all others.

    Parameters
    ----------
    tasks : sequence of Task
        What to run; their paths have to mean the same on all workers.
    address : str
        Of the scheduler, such as ``"tcp://10.0.0.1:8786"``.

    Yields
    ------
    Report or None
        One for each task, as they end; None about every second in between.

    Raises
    ------
    ClusterError
        If distributed is not installed, nobody answers at the address, or workers have another
        version of this package, or none.
    """
    client = _connect(address)
    try:
        _check_workers(client)
        given_up: list[Task] = []
        for task, report in _submit(client, address, tasks):
            if task is not None and report is None:
                given_up.append(task)
            else:
                yield report
        for alone in given_up:
            for task, report in _submit(client, address, [alone]):
                if task is not None and report is None:
                    problem = "Every worker that ran it died, also alone (too little memory?)."
                    yield Report(task.name, problem)
                else:
                    yield report
    finally:
        client.close()


def _submit(
    client: Any, address: str, tasks: Sequence[Task]
) -> Iterator[tuple[Task | None, Report | None]]:
    """Yield each task with its report, or None if it was given up; (None, None) in between."""
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    running = {}  # a future that nobody holds is cancelled
    for task in tasks:
        # Tasks of an earlier start are not the same, though they may have equal arguments.
        key = f"{task.name}-{uuid.uuid4().hex[:8]}"
        future = client.submit(run_task, task, key=key, pure=False)
        running[key] = (future, task)
        future.add_done_callback(done.put)
    is_told = False
    while running:
        try:
            future = done.get(timeout=_TICK_S)
        except queue.Empty:
            if client.status not in ("running", "connecting"):
                message = f"The scheduler at {address} is gone."
                raise ClusterError(message) from None
            if not is_told and not client.scheduler_info()["workers"]:
                logger.warning("The scheduler at %s has no workers; waiting for some.", address)
                is_told = True
            yield None, None
            continue
        _, task = running.pop(future.key)
        yield task, _report(future, task.name)


def _connect(address: str) -> Any:
    try:
        import distributed
    except ImportError as error:
        message = (
            'A batch on a cluster needs distributed: pip install "brainreg3d[cluster]", here and '
            "on all workers."
        )
        raise ClusterError(message) from error
    if not _ADDRESS.fullmatch(address):  # with which distributed would wait, and then show a trace
        message = f"A scheduler has an address such as tcp://10.0.0.1:8786; got {address!r}."
        raise ClusterError(message)
    connect: Any = distributed.Client
    try:
        return connect(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        message = (
            f"No scheduler answers at {address} ({error}); start one with: dask scheduler, and "
            f"workers with: dask worker {address}"
        )
        raise ClusterError(message) from error


def _check_workers(client: Any) -> None:
    """Refuse workers without this package before each of them fails at every session."""
    versions = client.run(_own_version, on_error="return")
    wrong = {worker: v for worker, v in versions.items() if v != __version__}
    for worker, version in sorted(wrong.items(), key=lambda item: str(item[0])):
        has = f"brainreg3d {version}" if isinstance(version, str) else f"none ({version})"
        message = (
            f"The workers need brainreg3d {__version__}, but {worker} has {has}; install the same "
            f"version on all workers."
        )
        raise ClusterError(message)


def _own_version() -> str:
    return __version__


def _report(future: Any, name: str) -> Report | None:
    """Return what became of a task; None if it was given up because workers died."""
    if future.status == "finished":
        report = future.result()
        return report if isinstance(report, Report) else Report(name, f"Got {report!r}.")
    error = future.exception() if future.status == "error" else None
    if type(error).__name__ == "KilledWorker":
        return None
    return Report(name, f"The cluster gave it up ({future.status}{f': {error}' if error else ''}).")
