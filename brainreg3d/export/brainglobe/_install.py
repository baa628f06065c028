"""Moving the parts of an export into a folder of BrainGlobe atlases, all of them or none."""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from brainreg3d.errors import OutputError
from brainreg3d.io.file_lock import file_lock

PACKAGER = "brainreg3d"
"""How the manifest of an export begins to say who wrote it."""


def check_may_write(root: Path, name: str, *, overwrite: bool) -> None:
    """Refuse to touch an atlas that is there already.

    Parameters
    ----------
    root : pathlib.Path
        The folder ``brainglobe-atlasapi``.
    name : str
        Name of the atlas with resolution.
    overwrite : bool
        Whether an earlier export may be replaced.

    Raises
    ------
    OutputError
        If there is an atlas of that name that brainreg3d did not export, or did and `overwrite`
        is not given.
    """
    for manifest in sorted(root.joinpath("atlases", name).glob("*/manifest.json")):
        if not _is_export(manifest):
            message = (
                f"{manifest.parent} holds an atlas that brainreg3d did not export; it is left "
                f"alone. Choose another name with name (--name), or another folder."
            )
            raise OutputError(message)
        if not overwrite:
            message = (
                f"There is an export in {manifest.parent} already. Replace it with overwrite=True "
                f"(--overwrite), or choose another name with name (--name), or another folder."
            )
            raise OutputError(message)


@contextlib.contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Make a hidden folder to write into, beside what is there; it is gone afterwards.

    Parameters
    ----------
    root : pathlib.Path
        The folder ``brainglobe-atlasapi``.

    Yields
    ------
    pathlib.Path
        An empty folder on the same disk.

    Raises
    ------
    OutputError
        If a file cannot be written, here or inside the block.
    """
    folder = root / f".export-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        message = (
            f"Cannot write the atlas to {root} ({error.strerror or error}). What was there is "
            f"unchanged; choose another folder with --output-dir or make room."
        )
        raise OutputError(message) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def installing(root: Path) -> contextlib.AbstractContextManager[object]:
    """Keep other processes from moving exports into a folder, or looking whether they may.

    Parameters
    ----------
    root : pathlib.Path
        The folder ``brainglobe-atlasapi``.

    Returns
    -------
    context manager
        For as long as its block runs.
    """
    return file_lock(root / ".export.lock", "moving an exported atlas into place")


def install(staged: Path, root: Path, parts: Sequence[str]) -> None:
    """Move finished parts from the staging folder into place, within `installing`.

    Parameters
    ----------
    staged : pathlib.Path
        Holds each part under its own path.
    root : pathlib.Path
        Where they belong; earlier ones are replaced.
    parts : sequence of str
        Paths of folders; the last holds the manifest, without which the others are no atlas.
    """
    moved: list[tuple[Path, Path]] = []
    try:
        # The manifest goes first and comes last: no reader sees old and new parts together.
        for number, part in enumerate(reversed(parts)):
            if (root / part).exists():
                _move(root / part, staged / "earlier" / str(number), moved)
        for part in parts:
            _move(staged / part, root / part, moved)
    except BaseException:  # an interrupt too must not leave a mixture
        for source, target in reversed(moved):
            target.rename(source)
        raise


def _move(source: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    moved.append((source, target))


def _is_export(manifest: Path) -> bool:
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        return str(content["atlas_packager"]).startswith(PACKAGER)
    except (OSError, ValueError, KeyError, TypeError):
        return False
