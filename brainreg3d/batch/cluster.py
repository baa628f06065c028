"""Running tasks on a dask.distributed cluster."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from brainreg3d._logging import logger
from brainreg3d._version import __version__
from brainreg3d.batch.task import Report, Task, run_task
from brainreg3d.errors import BrainReg3DError

_TICK_S = 1.0
_CONNECT_S = 20.0


class ClusterError(BrainReg3DError, RuntimeError):
    """A cluster cannot be used."""


def run_on_cluster(tasks: Sequence[Task], address: str) -> Iterator[Report | None]:
    """Run tasks on the workers of a scheduler.

    The task of a worker that dies goes to another one, until it has taken more workers with it
    than the scheduler allows (its setting ``distributed.scheduler.allowed-failures``, 3).

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
        _check_workers(client, address)
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        batch = uuid.uuid4().hex[:8]
        names = {}
        for task in tasks:
            # Tasks of an earlier start are not the same, though they may have equal arguments.
            future = client.submit(run_task, task, key=f"{task.name}-{batch}", pure=False)
            names[future.key] = task.name
            future.add_done_callback(done.put)
        left = len(tasks)
        while left:
            try:
                future = done.get(timeout=_TICK_S)
            except queue.Empty:
                if client.status not in ("running", "connecting"):
                    message = f"The scheduler at {address} is gone."
                    raise ClusterError(message) from None
                yield None
                continue
            left -= 1
            yield _report(future, names[future.key])
    finally:
        client.close()


def _connect(address: str) -> Any:
    try:
        import distributed
    except ImportError as error:
        message = (
            'A batch on a cluster needs distributed: pip install "brainreg3d[cluster]", here and '
            "on all workers."
        )
        raise ClusterError(message) from error
    connect: Any = distributed.Client
    try:
        return connect(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        message = (
            f"No scheduler answers at {address} ({error}); start one with: dask scheduler, and "
            f"workers with: dask worker {address}"
        )
        raise ClusterError(message) from error


def _check_workers(client: Any, address: str) -> None:
    """Refuse workers without this package before each of them fails at every session."""
    if not client.scheduler_info()["workers"]:
        logger.warning("The scheduler at %s has no workers yet; waiting for some.", address)
        return
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


def _report(future: Any, name: str) -> Report:
    if future.status == "finished":
        report = future.result()
        return report if isinstance(report, Report) else Report(name, f"Got {report!r}.")
    error = future.exception() if future.status == "error" else None
    if type(error).__name__ == "KilledWorker":
        return Report(name, "Every worker that ran it died (too little memory?).")
    return Report(name, f"The cluster gave it up ({future.status}{f': {error}' if error else ''}).")
