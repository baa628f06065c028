"""What is known of files that were checked once, so that later damage is noticed cheaply."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from brainreg3d._logging import logger
from brainreg3d.io.cache import cache_dir, load_json
from brainreg3d.io.hashing import sha256_of_file

_FOLDER = "checked_files"

_seen: dict[Path, dict[str, object]] = {}
"""Records of this process, for a cache that cannot be written."""


def record_file(path: Path, sha256: str | None = None) -> None:
    """Remember that a file is right as it is now.

    Parameters
    ----------
    path : pathlib.Path
        A file that was checked.
    sha256 : str, optional
        Its hash; found out when not given.
    """
    record = {"path": str(path), "sha256": sha256 or sha256_of_file(path), **_status(path)}
    _seen[_place(path)] = record
    place = _place(path)
    temporary = place.with_name(f"{place.name}.{hashlib.sha256(repr(record).encode()).hexdigest()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.replace(place)
    except OSError as error:  # checked anew by the next process
        logger.debug("Cannot keep the record of %s (%s).", path, error)


def is_as_recorded(path: Path) -> bool | None:
    """Tell whether a file is what it was when it was checked.

    It is read again only when its size or time of change are others than then.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.

    Returns
    -------
    bool or None
        None when it was never checked.
    """
    place = _place(path)
    record = load_json(place) or _seen.get(place)
    if record is None:
        return None
    status = _status(path)
    if all(record.get(name) == value for name, value in status.items()):
        return True
    if record.get("size") != status["size"] or record.get("sha256") != sha256_of_file(path):
        return False
    record_file(path, str(record["sha256"]))
    return True


def _place(path: Path) -> Path:
    # Records lie in our own cache, so that a folder of the user's holds what it is for alone.
    name = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
    return cache_dir() / _FOLDER / f"{path.name}-{name}.json"


def _status(path: Path) -> dict[str, object]:
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
