"""A process that runs sessions until its parent has no more, or is gone.

Tasks come in by standard input and reports leave by standard output, so that a parent that dies,
however it dies, is noticed by the end of the input. Whoever starts the batch need not be a module
that can be imported again, as `multiprocessing` asks.
"""

from __future__ import annotations

import io
import os
import pickle
import queue
import struct
import sys
import threading
from typing import IO, Any

_LENGTH = struct.Struct("<Q")

STARTER = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
import pickle, sys
try:
    sys.path[:] = pickle.load(sys.stdin.buffer)
except (EOFError, pickle.UnpicklingError):
    sys.exit()
from brainreg3d.batch.worker import main
main()
"""
"""What a worker runs: it finds modules where its parent does.

An interrupt at the keyboard reaches all processes; what then happens is up to the parent. One that
is interrupted while it starts a worker says nothing to it, or half of it.
"""


def send(stream: IO[bytes], message: Any) -> None:
    """Write a message to a pipe.

    Parameters
    ----------
    stream : binary file
        The pipe.
    message : object
        What can be pickled.
    """
    content = pickle.dumps(message)
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read a message from a pipe.

    Parameters
    ----------
    stream : binary file
        The pipe.

    Returns
    -------
    object
        The message.

    Raises
    ------
    EOFError
        If the other side is gone.
    """
    return pickle.loads(_exactly(stream, *_LENGTH.unpack(_exactly(stream, _LENGTH.size))))  # noqa: S301 - our own process


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise EOFError
    return content


def main() -> None:
    """Run the tasks that come in, one after the other."""
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints must not get between the reports
    sys.stdout = sys.stderr = _NotATerminal(os.fdopen(os.dup(2), "wb"), line_buffering=True)
    tasks: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    while True:
        name, content = tasks.get()
        send(reports, _run(name, content))


def _listen(tasks: queue.SimpleQueue[tuple[str, bytes]]) -> None:
    """Take tasks in; end the process at once when there is nobody left to work for."""
    while True:
        try:
            tasks.put(receive(sys.stdin.buffer))
        except (EOFError, OSError):
            os._exit(0)


def _run(name: str, content: bytes) -> Any:
    from brainreg3d.batch.task import Report, run_task

    try:
        task = pickle.loads(content)  # noqa: S301 - from our own process
    except Exception as error:  # a class that cannot be imported here
        return Report(name, f"The task cannot be read by its worker: {error!r}.")
    return run_task(task)


class _NotATerminal(io.TextIOWrapper):
    """Standard error on which nobody draws progress bars, as there is one process too many."""

    def isatty(self) -> bool:
        return False
