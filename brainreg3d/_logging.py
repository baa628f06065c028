"""The one logger of the package.

It has no handler of its own: Python then shows warnings on standard error, so that a script or a
notebook sees them, and nothing else until an application configures logging.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("brainreg3d")


@contextmanager
def log_shown() -> Iterator[None]:
    """Show the package's log on standard error meanwhile, each line once."""
    _console.open()
    try:
        yield
    finally:
        _console.close()


@contextmanager
def silence() -> Iterator[None]:
    """Keep quiet in this thread about what was said before; what others say is still heard."""
    own = threading.get_ident()

    def is_heard(record: logging.LogRecord) -> bool:
        return record.thread != own

    logger.addFilter(is_heard)
    try:
        yield
    finally:
        logger.removeFilter(is_heard)


class _Console:
    """Shows the log while anyone asks for it.

    Several calls may report at the same time, from threads; and an application may have
    set up logging so that the lines are shown already.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._level = logging.NOTSET
        self._handler: logging.Handler | None = None

    def open(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            self._level = logger.level
            if not logger.isEnabledFor(logging.INFO):
                logger.setLevel(logging.INFO)
            shown_from = _shown_from()
            self._handler = logging.StreamHandler()
            self._handler.setFormatter(logging.Formatter("%(message)s"))
            self._handler.addFilter(lambda record: record.levelno < shown_from)
            logger.addHandler(self._handler)

    def close(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            logger.setLevel(self._level)
            if self._handler is not None:
                logger.removeHandler(self._handler)
                self._handler = None


_console = _Console()


def _shown_from() -> float:
    """Return the level from which on some handler shows the package's messages already."""
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    levels = [float("inf")]
    source: logging.Logger | None = logger
    while source is not None:
        for handler in source.handlers:
            stream = getattr(handler, "stream", None)  # not on standard error: a file, say
            shows = stream in streams or not isinstance(handler, logging.StreamHandler)
            if shows and not isinstance(handler, logging.NullHandler):
                levels.append(handler.level)
        source = source.parent if source.propagate else None
    return min(levels)
