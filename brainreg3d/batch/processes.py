"""Running tasks in processes of this computer, each of which may die."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import attrs

from brainreg3d._logging import logger
from brainreg3d._threads import THREADS_VARIABLE, count_threads
from brainreg3d.batch.task import Report, Task
from brainreg3d.batch.worker import STARTER, receive, send
from brainreg3d.errors import OutputError

_TICK_S = 1.0
_VARIABLES_OF_OTHERS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("NUMBA_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"),
)


def run_in_processes(tasks: Sequence[Task], n_workers: int) -> Iterator[Report | None]:
    """Run tasks in several processes at a time.

    A process that dies takes only its own task with it. That is tried once more, alone, after all
    others: it may have been the one too many for the memory.

    Parameters
    ----------
    tasks : sequence of Task
        What to run.
    n_workers : int
        How many processes.

    Yields
    ------
    Report or None
        One for each task, as they end; None about every second in between.
    """
    died: list[Task] = []
    n_workers = min(n_workers, len(tasks))
    with _Pool(n_workers, max(1, count_threads() // n_workers)) as pool:
        for task, outcome in pool.run(tasks):
            if task is not None and isinstance(outcome, str):
                logger.info("The process that ran %s %s.", task.name, outcome)
                died.append(task)
            elif not isinstance(outcome, str):
                yield outcome
    for task in died:
        with _Pool(1, count_threads()) as pool:
            for _, outcome in pool.run([task]):
                if isinstance(outcome, str):
                    problem = f"The process that ran it {outcome}, twice, the second time alone."
                    yield Report(task.name, problem)
                else:
                    yield outcome


@attrs.define(eq=False)
class _Worker:
    """A process and what it is doing."""

    process: subprocess.Popen[bytes]
    task: Task | None = None


class _Pool:
    """Processes that are started when there is something to do for them."""

    def __init__(self, n_workers: int, n_threads: int) -> None:
        self._n_workers = n_workers
        ours = {THREADS_VARIABLE: str(n_threads)}  # its share of what the user allows all of them
        self._environment = dict.fromkeys(_VARIABLES_OF_OTHERS, str(n_threads)) | os.environ | ours
        self._workers: list[_Worker] = []
        self._events: queue.SimpleQueue[tuple[_Worker, Report | None]] = queue.SimpleQueue()

    def __enter__(self) -> _Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
            for stream in (worker.process.stdin, worker.process.stdout):
                with contextlib.suppress(OSError):  # what it did not take any more
                    _stream(stream).close()

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task | None, Report | str | None]]:
        """Yield each task with its report, or with how its process died; (None, None) between."""
        waiting = deque(tasks)
        while waiting or any(worker.task is not None for worker in self._workers):
            while waiting and (worker := self._free_worker()) is not None:
                self._give(worker, waiting.popleft())
            try:
                worker, report = self._events.get(timeout=_TICK_S)
            except queue.Empty:
                yield None, None
                continue
            task, worker.task = worker.task, None
            if report is not None:
                yield task, report
                continue
            self._workers.remove(worker)
            how = _how_it_ended(worker.process.wait())
            if task is not None:
                yield task, how

    def _free_worker(self) -> _Worker | None:
        free = next((worker for worker in self._workers if worker.task is None), None)
        if free is not None or len(self._workers) >= self._n_workers:
            return free
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-c", STARTER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._environment,
            )
        except OSError as error:
            self._do_with_fewer(error)
            return None
        worker = _Worker(process)
        self._workers.append(worker)  # at once, so that an interrupt from here on ends it
        with contextlib.suppress(OSError):  # it is dead already: its reader says so
            _stream(process.stdin).write(pickle.dumps(sys.path))
            _stream(process.stdin).flush()
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _do_with_fewer(self, error: OSError) -> None:
        """Go on with the processes that there are, if any."""
        if not self._workers:
            message = f"No process can be started ({error.strerror or error})."
            raise OutputError(message) from error
        self._n_workers = len(self._workers)
        logger.warning(
            "Only %d processes can be started (%s).", self._n_workers, error.strerror or error
        )

    def _give(self, worker: _Worker, task: Task) -> None:
        import cloudpickle  # takes classes of scripts and notebooks along

        worker.task = task
        with contextlib.suppress(OSError):
            send(_stream(worker.process.stdin), (task.name, cloudpickle.dumps(task)))

    def _listen(self, worker: _Worker) -> None:
        try:
            while True:
                self._events.put((worker, receive(_stream(worker.process.stdout))))
        except (EOFError, OSError, ValueError):
            self._events.put((worker, None))


def _stream(stream: Any) -> Any:
    """Return a pipe; as far as types know, a process may have none."""
    return stream


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    more = " (too little memory?)" if name == "SIGKILL" else ""
    return f"was ended by {name}{more}"
