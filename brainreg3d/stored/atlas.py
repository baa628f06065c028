"""The atlas of an earlier run, loaded when it is needed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from brainreg3d import steps
from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas
from brainreg3d.errors import AtlasError, DownloadError, MissingFileError
from brainreg3d.options import refuse_both
from brainreg3d.sources.allen_catalog import allen_annotation_um
from brainreg3d.steps import Step
from brainreg3d.steps.given_alignment import check_atlas
from brainreg3d.stored.record import Record
from brainreg3d.stored.recorded_steps import (
    GIVE_ATLAS,
    changed_files,
    class_name,
    is_own,
    made_again,
)

_ANOTHER = "another atlas is given"


@attrs.frozen(eq=False)
class StoredAtlas:
    """How the atlas of an earlier run is had.

    Parameters
    ----------
    load : callable
        Returns it.
    annotation_sha256 : str or None
        Hash of the annotation that stored labels were made with.
    changed : str
        Why labels of the run do not hold; empty where they do.
    """

    load: Callable[[], Atlas]
    annotation_sha256: str | None = None
    changed: str = ""


def atlas_of(
    record: Record, filling: Any, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> StoredAtlas:
    """Tell how the atlas of a run is had.

    Parameters
    ----------
    record : Record
        Of the run.
    filling : Step or type
        What fills the slot TemplateSource.
    given : mapping
        Arguments that are given anew; an atlas among them is loaded at once, to be compared.
    defaults : mapping
        ``_DEFAULT_ATLAS`` holds for an alignment that names no atlas.

    Returns
    -------
    StoredAtlas
        Not loaded yet unless it was given.

    Raises
    ------
    InputError
        If both an atlas and a source of one are given.
    BrainReg3DError
        If the atlas that is given cannot be loaded.
    """
    entry = record.step("TemplateSource")
    source = _given_source(filling, given, entry)
    if not record.run:
        return StoredAtlas(functools.partial(_of_alignment, record, source, filling, defaults))
    digest = record.run.get("atlas", {}).get("sha256", {}).get("annotation")
    if source is not None:
        atlas: Atlas = source.compute()
        check_atlas(record.alignment, atlas)
        is_same = digest is not None and atlas.sha256.get("annotation") == digest
        load = functools.partial(_given, atlas)
        return StoredAtlas(load, digest) if is_same else StoredAtlas(load, None, _ANOTHER)
    changed = changed_files(entry, record.folder)
    for path in changed:
        logger.warning("%s has changed since the run; pixels are labelled again.", path)
    reason = f"{changed[0].name} has changed" if changed else ""
    load = functools.partial(_of_run, record, entry, filling)
    return StoredAtlas(load, None if changed else digest, reason)


def _given(atlas: Atlas) -> Atlas:
    return atlas


def _given_source(filling: Any, given: Mapping[str, Any], entry: Mapping[str, Any] | None) -> Any:
    """Return the source that takes the place of the recorded one, if there is one."""
    atlas, source = given.get("atlas"), given.get("template_source")
    refuse_both(atlas=atlas, template_source=source)
    if atlas is not None:
        return steps.TemplateSource(atlas=atlas)
    if source is None and not is_own("TemplateSource", filling):
        # A slot that the user has filled wins, unless the run used the same.
        source = filling if entry is None or class_name(filling) != entry["class"] else None
    return source() if isinstance(source, type) else source


def _of_run(record: Record, entry: Mapping[str, Any] | None, filling: Any) -> Atlas:
    source = None if entry is None else made_again(entry, filling, record.folder)
    if source is None:
        used = "no source of an atlas" if entry is None else entry["class"]
        message = f"The run used {used}, which is not at hand. {GIVE_ATLAS}"
        raise MissingFileError(message)
    atlas: Atlas = source.compute()
    _check_changed(record, atlas)
    return atlas


def _check_changed(record: Record, atlas: Atlas) -> None:
    """Compare an alignment that took the place of the run's with the atlas."""
    if "alignment" in record.changed:
        check_atlas(record.alignment, atlas)


def _of_alignment(
    record: Record, source: Step | None, filling: Any, defaults: Mapping[str, Any]
) -> Atlas:
    said = record.alignment.atlas
    if source is not None:
        atlas: Atlas = source.compute()
        check_atlas(record.alignment, atlas)
        return atlas
    name = _full_name(said)
    own = filling(atlas=name or defaults.get("_DEFAULT_ATLAS") or "allen_mouse_25um")
    try:
        atlas = own.compute()
    except DownloadError as error:
        message = f"{_words(record.path, own.atlas, said)} {GIVE_ATLAS} What failed: {error}"
        raise DownloadError(message) from error
    except AtlasError as error:
        # Names of local files are names of nothing else, however many atlases there are.
        reason = "" if said.get("name") == "local" else f" What failed: {error}"
        message = f"{_words(record.path, own.atlas, said)} {GIVE_ATLAS}{reason}"
        raise MissingFileError(message) from error
    check_atlas(record.alignment, atlas)
    return atlas


def _words(path: Path, atlas: Any, said: Mapping[str, Any]) -> str:
    """Say which atlas an alignment is thought to belong to, and that it is not to be had."""
    name, sha256 = said.get("name"), said.get("annotation_sha256")
    if not name:
        return (
            f"{path} does not say in which atlas its image was placed, so that {atlas} is taken, "
            f"which cannot be loaded."
        )
    if name != "local":
        return f"{path} was made with the atlas {atlas}, which cannot be loaded by its name."
    words = f"{path} was made with an atlas of local files, and does not say where they are"
    size_um = None if sha256 is None else allen_annotation_um(sha256)
    if size_um is not None:
        return f"{words}; the annotation was Allen's, as --atlas allen_mouse_{size_um}um has it."
    return f"{words}." if not sha256 else f"{words} (SHA-256 of the annotation: {sha256})."


def _full_name(said: Mapping[str, Any]) -> str | None:
    """Return the name of an atlas as its source knows it."""
    name, size = said.get("name"), said.get("resolution_um")
    if not name or size is None:
        return name or None
    text = "x".join(f"{s:g}" for s in size) if isinstance(size, list) else f"{size:g}"
    return f"{name}_{text}um"
