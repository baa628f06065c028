"""How Allen's files enter the cache, and how damage to them is noticed."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from brainreg3d._compiled import CACHE_VARIABLE
from brainreg3d.errors import DownloadError, InputError
from brainreg3d.io.cache import cache_dir
from brainreg3d.io.content_check import RefusedContentError
from brainreg3d.io.file_lock import file_lock
from brainreg3d.io.file_record import is_as_recorded, record_file
from brainreg3d.sources.allen_catalog import AllenFile

_ABANDONED_AFTER_S = 3600.0  # whoever writes a file touches it all the time
_PIECE_BYTES = 1 << 20


def cache_folder(chosen: str | Path | None = None) -> Path:
    """Return the folder of Allen's files.

    Parameters
    ----------
    chosen : path-like, optional
        Another folder than the one in the package's cache.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    return cache_dir() / "allen" if chosen is None else Path(chosen).expanduser()


def problem_of(path: Path, wanted: AllenFile) -> str | None:
    """Find out what is wrong with a file in the cache.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.
    wanted : AllenFile
        What it should be.

    Returns
    -------
    str or None
        None when nothing is wrong. A file that is as it was when it was checked is not read.
    """
    check = wanted.make_check()
    try:
        as_recorded = is_as_recorded(path)
        if as_recorded is not None:
            return None if as_recorded else "it is not what it was when it was fetched"
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                check.feed(piece)
        check.finish(path)
    except RefusedContentError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    record_file(path)
    return None


@contextlib.contextmanager
def place_in_cache(target: Path, what: str) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Lock a file of the cache and give out a folder beside it, in which it can be made.

    Parameters
    ----------
    target : pathlib.Path
        The file; it need not exist.
    what : str
        What is being done, for the log.

    Yields
    ------
    folder : pathlib.Path
        A new folder, removed afterwards.
    beat : callable
        To be called during long work.

    Raises
    ------
    DownloadError
        If the cache cannot be written.
    """
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(target.with_name(f".{target.name}.lock"), what) as lock:
            _remove_abandoned(target)
            partial.mkdir()
            yield partial, lock.beat
    except (DownloadError, InputError):
        raise
    except OSError as error:
        message = (
            f"Cannot store {target.name} in the cache at {target.parent} "
            f"({error.strerror or error}); make room there or set {CACHE_VARIABLE} to a folder "
            f"that can be written to."
        )
        raise DownloadError(message) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_abandoned(target: Path) -> None:
    """Remove what processes left that were killed while they fetched this file."""
    for left_over in target.parent.glob(f".{target.name}.*"):
        with contextlib.suppress(OSError):
            files = [left_over, *left_over.iterdir()] if left_over.is_dir() else []
            latest = max((path.stat().st_mtime for path in files), default=time.time())
            if time.time() - latest > _ABANDONED_AFTER_S:
                shutil.rmtree(left_over, ignore_errors=True)


def move_into_cache(fetched: Path, target: Path, sha256: str) -> None:
    """Move a checked file to its place, and remember that it was checked.

    Parameters
    ----------
    fetched : pathlib.Path
        A file in the folder given out by `place_in_cache`.
    target : pathlib.Path
        Its place.
    sha256 : str
        Its hash.
    """
    # Temporary files are private; the folder was made with the user's own permissions.
    fetched.chmod(fetched.parent.stat().st_mode & 0o666)
    fetched.replace(target)
    record_file(target, sha256)
