"""The record of a session: that it is done, from what, and what a summary says of it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brainreg3d.batch.tile import draw_tile
from brainreg3d.batch.top_view import top_view_labels
from brainreg3d.errors import OutputError
from brainreg3d.io.alignment import write_json
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.hashing import sha256_of_file

if TYPE_CHECKING:
    from brainreg3d.result import Result

RECORD_SCHEMA = "brainreg3d/batch-session/1"
RECORD_NAME = "batch_session.json"
TRACE_NAME = "batch_error.txt"
TILE_NAME = "batch_overlay.png"
LABELS_NAME = "batch_labels.npz"

# How names of `atomic_files` end: with what `tempfile.mkstemp` adds, and a suffix.
_TEMPORARY = re.compile(r".*\.[a-z0-9_]{8}(\.[a-z0-9]+)+")
_NAME_CHARACTERS = 40  # with which they start


def begin_session(folder: Path, stem: str) -> None:
    """Prepare the folder of a session that is to be run.

    From now on it counts as not done. What a killed run left half-written is removed.

    Parameters
    ----------
    folder : pathlib.Path
        Of the session.
    stem : str
        How names of its results start.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    try:
        for name in (RECORD_NAME, TRACE_NAME):
            (folder / name).unlink(missing_ok=True)
        remove_left_overs(folder, f"{stem}_", "batch_")
    except OSError as error:
        message = f"Cannot write to {folder}: {error.strerror or error}."
        raise OutputError(message) from error


def remove_left_overs(folder: Path, *starts: str) -> None:
    """Remove the temporary files of a run that was killed, and no others.

    Parameters
    ----------
    folder : pathlib.Path
        Of a batch or a session, in which nobody writes at the moment; need not exist.
    *starts : str
        How the names of files start that are written there.
    """
    hidden = tuple(f".{start[:_NAME_CHARACTERS]}" for start in starts)
    for path in folder.glob(".*"):
        ours = path.name.startswith(hidden) and _TEMPORARY.fullmatch(path.name)
        if ours and path.is_file():
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def write_record(folder: Path, made_from: str, result: Result, warnings: Sequence[str]) -> None:
    """Write what a batch needs of a session beside its results, and that it is done.

    Parameters
    ----------
    folder : pathlib.Path
        Of the session.
    made_from : str
        Fingerprint of all that the results follow from.
    result : Result
        Of its run.
    warnings : sequence of str
        What was warned of.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    content = {
        "schema": RECORD_SCHEMA,
        "made_from": made_from,
        "summary": _summary(result),
        "warnings": list(dict.fromkeys(warnings)),
    }
    written = list(result.files.values())
    with atomic_files("the record of a session") as files:
        if result.labels is not None:
            content |= _write_labels(files.temporary(folder / LABELS_NAME), result)
            draw_tile(result, files.temporary(folder / TILE_NAME))
    if result.labels is not None:
        written += [folder / LABELS_NAME, folder / TILE_NAME]
    content["files"] = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
        for path in written
    }
    with atomic_files("the record of a session") as files:
        write_json(files.temporary(folder / RECORD_NAME), content)


def _summary(result: Result) -> dict[str, Any]:
    """Return columns of the summary table."""
    row: dict[str, Any] = {}
    if result.labels is not None and result.regions is not None:
        row["n_regions"] = len(result.regions)
        row["n_seen"] = int(np.count_nonzero(np.unique(result.labels)))
        row["labelled_share"] = round(float(np.mean(result.labels > 0)), 4)
    if result.alignment is not None:
        view = result.alignment.view
        x, y, z = view.pose.center_mm
        row |= {"center_x_mm": x, "center_y_mm": y, "center_z_mm": z}
        row |= {n: getattr(view.pose, n) for n in ("yaw_deg", "pitch_deg", "roll_deg", "mirrored")}
        row |= {"pixel_height_mm": view.pixel_size_mm[0], "pixel_width_mm": view.pixel_size_mm[1]}
        row["pose_from"] = result.alignment.source
    return row


def _write_labels(path: Path, result: Result) -> dict[str, Any]:
    """Write labels of pixels and of the top view, for masks of groups."""
    arrays: dict[str, Any] = {"pixels": result.labels}
    top = top_view_labels(result)
    if top is not None:
        arrays["top"] = top
    with path.open("wb") as file:  # a name would be given the suffix .npz again
        np.savez_compressed(file, **arrays)
    return {
        "regions": [{"acronym": r.acronym, "id": r.id} for r in result.regions or ()],
        "atlas": None if result.atlas is None else result.atlas.title,
        # Of the top view: along AP and ML.
        "top_view_um": None if result.atlas is None else result.atlas.grid.resolution_um[1:],
    }


def read_record(folder: Path) -> Mapping[str, Any] | None:
    """Return the record of a session.

    Parameters
    ----------
    folder : pathlib.Path
        Of the session.

    Returns
    -------
    mapping or None
        None when it is not done, or the record is damaged.
    """
    try:
        content = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(content, dict) and content.get("schema") == RECORD_SCHEMA
    return content if whole and isinstance(content.get("files"), dict) else None


def is_done(folder: Path, made_from: str, *, check: bool = False) -> bool:
    """Tell whether a session was run from the same, and its results are still there.

    Parameters
    ----------
    folder : pathlib.Path
        Of the session.
    made_from : str
        Fingerprint of all that the results follow from.
    check : bool
        Whether to read all results again, rather than to look at their sizes.

    Returns
    -------
    bool
        False if it has to be run.
    """
    record = read_record(folder)
    if record is None or record.get("made_from") != made_from:
        return False
    for name, known in record["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != known["bytes"]:
            return False
        if check and sha256_of_file(path) != known["sha256"]:
            return False
    return True
