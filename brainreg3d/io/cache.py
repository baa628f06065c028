"""The cache folder, and folders in it that are built once and never seen half-built."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brainreg3d._compiled import CACHE_VARIABLE
from brainreg3d._logging import logger
from brainreg3d.errors import BrainReg3DError

_ABANDONED_AFTER_S = 24 * 3600.0  # no build takes a day: what is older was left by a crash


def cache_dir() -> Path:
    """Return the folder for everything that can be made or fetched again.

    It is not created here.

    Returns
    -------
    pathlib.Path
        ``BRAINREG3D_CACHE_DIR`` when that is set, else the platform's cache folder of the user.
    """
    chosen = os.environ.get(CACHE_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("brainreg3d", appauthor=False))


def build_once(
    folder: Path,
    build: Callable[[Path], None],
    is_complete: Callable[[Path], bool],
) -> bool:
    """Make sure that a cache folder exists and is complete.

    The folder is built under a temporary name beside its place and renamed when it is done, so
    that other processes see all of it or nothing. When another process was faster, its folder is
    kept. A damaged folder is replaced.

    Parameters
    ----------
    folder : pathlib.Path
        Where the folder belongs.
    build : callable
        Fills the empty folder it is given. What it raises as `BrainReg3DError` is passed on.
    is_complete : callable
        Tells cheaply whether a folder holds a finished build.

    Returns
    -------
    bool
        True when `folder` is complete now; False when the cache cannot be written, which is
        logged as a warning: the caller goes on without it.
    """
    if is_complete(folder):
        return True
    temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        temporary.mkdir()
        build(temporary)
        _move_into_place(temporary, folder, is_complete)
    except BrainReg3DError:
        raise
    except OSError as error:
        warn_unusable(folder, error)
        return False
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return is_complete(folder)


def warn_unusable(path: Path, error: OSError) -> None:
    """Log that something could not be stored in the cache, and what to do.

    Parameters
    ----------
    path : pathlib.Path
        What was to be written.
    error : OSError
        Why it could not be.
    """
    logger.warning(
        "Cannot write to the cache at %s (%s); going on without it, which is slower. Set %s to a "
        "folder that can be written to.",
        path.parent,
        error.strerror or error,
        CACHE_VARIABLE,
    )


def load_json(path: Path) -> dict[str, Any] | None:
    """Read a small cache file.

    Parameters
    ----------
    path : pathlib.Path
        A JSON file.

    Returns
    -------
    dict or None
        Its content; None when it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def store_json(path: Path, content: dict[str, Any]) -> None:
    """Write a small cache file; a cache that cannot be written is only warned about.

    Parameters
    ----------
    path : pathlib.Path
        Where it belongs.
    content : dict
        What JSON can hold.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        warn_unusable(path, error)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _move_into_place(temporary: Path, folder: Path, is_complete: Callable[[Path], bool]) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        # A folder that holds files cannot be renamed over: it is either another process's
        # build, which is as good as ours, or damaged.
        if not folder.exists() or is_complete(folder):
            if is_complete(folder):
                return
            raise
        damaged = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
        folder.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
        temporary.rename(folder)


def _remove_abandoned(folder: Path) -> None:
    for left_over in folder.parent.glob(f".{folder.name}.*"):
        with contextlib.suppress(OSError):
            if time.time() - left_over.stat().st_mtime > _ABANDONED_AFTER_S:
                shutil.rmtree(left_over, ignore_errors=True)
