"""Opening an earlier registration, from the text files it left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainreg3d import steps
from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas
from brainreg3d.errors import AlignmentError, InputError, MissingFileError
from brainreg3d.io.alignment import parse_alignment
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.pipeline import BrainReg3D
from brainreg3d.result import Result
from brainreg3d.steps import Step
from brainreg3d.steps.write import FILE_NAMES, RUN_SCHEMA

_OWN_CLASSES: dict[str, type[Step]] = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for kind in (
        steps.TemplateSource,
        steps.LocalTemplateSource,
        steps.RegionSelector,
        steps.Projector,
        steps.DepthResolver,
        steps.PixelLabeller,
    )
}


def load_registration_result(
    path: str | Path,
    *,
    atlas: str | Atlas | None = None,
    template_source: Step | None = None,
) -> Result:
    """Open an earlier registration and label its pixels again; nothing is written.

    Parameters
    ----------
    path : path-like
        The run file ``<stem>_run.json``, the alignment file beside it, or the folder of both.
    atlas : str or Atlas, optional
        Instead of the atlas that the run file names; needed when the run was given one that was
        made in memory.
    template_source : Step, optional
        Instead of `atlas`: a step that provides one, such as `LocalTemplateSource`.

    Returns
    -------
    Result
        To plot, or to go on with.

    Raises
    ------
    MissingFileError
        If the file, its image or its atlas are not where they were.
    InputError
        If it is not the run file of a registration.
    """
    return rebuild(path, atlas=atlas, template_source=template_source).run(until="PixelLabeller")


def rebuild(
    path: str | Path,
    *,
    atlas: str | Atlas | None = None,
    template_source: Step | None = None,
) -> BrainReg3D:
    """Return an earlier registration, ready to run again.

    Parameters
    ----------
    path : path-like
        As for `load_registration_result`.
    atlas : str or Atlas, optional
        As for `load_registration_result`.
    template_source : Step, optional
        As for `load_registration_result`.

    Returns
    -------
    BrainReg3D
        With the image, the atlas, the regions and the parameters of that run.

    Raises
    ------
    MissingFileError
        If the file, its image or its atlas are not where they were.
    InputError
        If it is not the run file of a registration.
    """
    run_file = _find_run_file(Path(path))
    try:
        content = json.loads(run_file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        message = f"{run_file} is not a JSON text file ({error}); expected a run file."
        raise InputError(message) from error
    if not isinstance(content, dict) or content.get("schema") != RUN_SCHEMA:
        message = f'{run_file} is no run file; expected "schema": "{RUN_SCHEMA}".'
        raise InputError(message)
    try:
        return _rebuild(content, run_file, {"atlas": atlas, "template_source": template_source})
    except (KeyError, TypeError) as error:
        message = f"{run_file} is damaged or incomplete ({error!r}); run the registration again."
        raise InputError(message) from error


def _find_run_file(path: Path) -> Path:
    suffix = FILE_NAMES["run"]
    if path.is_dir():
        found = sorted(path.glob(f"*{suffix}"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            message = f"Expected one *{suffix} in {path}, found {names}; name the file."
            raise MissingFileError(message)
        return found[0]
    alignment_suffix = FILE_NAMES["alignment"]
    if path.name.endswith(alignment_suffix):
        path = path.with_name(path.name.removesuffix(alignment_suffix) + suffix)
    if not path.is_file():
        message = f"There is no run file {path}; give the <stem>{suffix} of an earlier run."
        raise MissingFileError(message)
    return path


def _rebuild(
    content: Mapping[str, Any], run_file: Path, other_atlas: Mapping[str, Any]
) -> BrainReg3D:
    folder = run_file.parent
    image = _find_image(content["image"], folder)
    registration = BrainReg3D(
        image,
        frame=content["image"]["frame"],
        pixel_size_mm=content["alignment"]["image"]["pixel_size_mm"],
        alignment=parse_alignment(content["alignment"]),
        brain_regions=content["brain_regions"],
        method=content["method"],
        window_mask=_find_window_mask(content, folder),
        # Earlier versions did not record them.
        pose_sigma_mm=content.get("pose_sigma_mm"),
        pose_sigma_deg=content.get("pose_sigma_deg"),
        output_dir=folder,
        **other_atlas,
    )
    has_other = any(value is not None for value in other_atlas.values())
    for entry in content["steps"]:
        slot, name = entry["slot"], entry["class"]
        if slot == "TemplateSource" and has_other:
            continue
        if name in _OWN_CLASSES:
            parameters = {k: _revive(v, folder) for k, v in entry["parameters"].items()}
            setattr(registration, slot, _OWN_CLASSES[name](**parameters))
        elif not name.startswith("brainreg3d."):
            logger.warning("The run used %s; it is opened with the package's %s.", name, slot)
    return registration


def _find_window_mask(content: Mapping[str, Any], folder: Path) -> Path | None:
    entry = content.get("window_mask")
    if entry is None:
        return None
    if entry["file"] is None or not (folder / entry["file"]).is_file():
        message = "The window mask of the run is not there any more; run the registration again."
        raise MissingFileError(message)
    return folder / str(entry["file"])


def _find_image(entry: Mapping[str, Any], folder: Path) -> Path:
    if entry["file"] is None:
        message = "The image was an array, which no file can bring back; run it again."
        raise AlignmentError(message)
    stored = folder / str(entry["file"])
    places: tuple[Path, ...] = (stored, folder / stored.name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        message = f"The image {stored.name} is neither at {stored} nor beside the run file."
        raise MissingFileError(message)
    if sha256_of_file(found) != entry["sha256"]:
        logger.warning("%s has changed since the run.", found)
    return found


def _revive(value: Any, folder: Path) -> Any:
    """Turn a recorded parameter back into what it was."""
    if isinstance(value, dict) and "object" in value:
        message = (
            f"The run used the atlas {value['object']}, made in memory, which no file can bring "
            f"back; give it again: load_registration_result(path, atlas=...) or template_source=."
        )
        raise MissingFileError(message)
    if isinstance(value, dict) and "file" in value:
        path = folder / value["file"]
        if not path.is_file():
            message = f"{path}, which the run used, is not there any more."
            raise MissingFileError(message)
        if sha256_of_file(path) != value["sha256"]:
            logger.warning("%s has changed since the run.", path)
        return path
    return tuple(value) if isinstance(value, list) else value
