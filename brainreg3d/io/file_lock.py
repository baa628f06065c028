"""A lock between processes, so that a file is not fetched twice at the same time."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from brainreg3d._logging import logger

STALE_AFTER_S = 180.0
"""A holder that gave no sign of life for so long is taken for dead."""

_POLL_S = 0.1
_BEAT_EVERY_S = 1.0

# What file systems answer that know no locks.
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


class FileLock:
    """A lock that is held; its holder has to show that it is alive."""

    def __init__(self, handle: int | None, path: Path) -> None:
        self.handle = handle
        self._path = path
        self._last_beat = 0.0

    def beat(self) -> None:
        """Show those who wait that the holder works; cheap enough for an inner loop."""
        now = time.monotonic()
        if self.handle is None or now - self._last_beat < _BEAT_EVERY_S:
            return
        self._last_beat = now
        with contextlib.suppress(OSError):
            os.utime(self._path)


@contextlib.contextmanager
def file_lock(path: Path, what: str) -> Iterator[FileLock]:
    """Hold a lock while the block runs; wait for another process that holds it.

    The operating system drops the lock of a process that ends, however it ends. On network file
    systems the lock of a computer that went down may stay: it is passed by when its holder gave no
    sign of life for `STALE_AFTER_S`. Where there are no locks, the block runs without one. What
    the lock guards must therefore be right without it; it only saves doing the work twice.

    Parameters
    ----------
    path : pathlib.Path
        The lock's own file in a folder that exists; it is gone afterwards.
    what : str
        What is being done, for the log.

    Yields
    ------
    FileLock
        Its `beat` is to be called during long work.

    Raises
    ------
    OSError
        If the lock's file cannot be made.
    """
    lock = FileLock(_acquire(path, what), path)
    try:
        lock.beat()
        yield lock
    finally:
        _release(lock, path)


def _acquire(path: Path, what: str) -> int | None:
    """Return the handle of the locked file; None when going on without a lock."""
    sign_of_life, seen_at, waits = None, time.monotonic(), False
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = _try_lock(handle)
        except OSError as error:
            os.close(handle)
            if error.errno not in _UNSUPPORTED:
                raise
            logger.debug("No locks in %s (%s).", path.parent, error)
            return None
        # The holder before may have removed the file between our opening and our locking it.
        if locked and _is_file_at(handle, path):
            return handle
        status = os.fstat(handle)
        os.close(handle)
        if locked:
            continue
        if not waits:
            waits = True
            logger.warning("Another process is %s; waiting for it.", what)
        now = (status.st_ino, status.st_mtime_ns)
        if now != sign_of_life:
            sign_of_life, seen_at = now, time.monotonic()
        elif time.monotonic() - seen_at > STALE_AFTER_S:
            logger.warning("Another process hangs while %s; going on without it.", what)
            return None
        time.sleep(_POLL_S)


def _is_file_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _release(lock: FileLock, path: Path) -> None:
    handle = lock.handle
    if handle is None:
        return
    # A file that is open cannot be removed on Windows; elsewhere it must go while it is locked.
    if sys.platform == "win32":
        os.close(handle)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    if sys.platform != "win32":
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True
