"""Finding and reading what an earlier run, or an earlier alignment, says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from brainreg3d._logging import logger
from brainreg3d.errors import InputError, MissingFileError
from brainreg3d.io.alignment import SCHEMA as ALIGNMENT_SCHEMA
from brainreg3d.io.alignment import AlignmentFile, parse_alignment, read_alignment
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.steps.volume_write import REGISTRATION_SCHEMA
from brainreg3d.steps.write import FILE_NAMES, RUN_SCHEMA

_RUN, _ALIGNMENT = FILE_NAMES["run"], FILE_NAMES["alignment"]

_CONSEQUENCES = {
    "labels": "pixels are labelled again",
    "alignment": "the image lies where it says now",
    "masks": "masks are made from the labels",
}


@attrs.frozen(eq=False)
class Record:
    """What is written down of an earlier run; of a lone alignment, only where the image lies.

    Parameters
    ----------
    path : pathlib.Path
        The run file, or the alignment file where there is none.
    run : mapping
        Content of the run file; empty where there is none.
    alignment : AlignmentFile
        Where the image lies now: as the alignment file says, or else the run file.
    alignment_path : pathlib.Path or None
        The alignment file, if it is there.
    changed : tuple of str
        Kinds of files that are no longer what the run wrote.
    """

    path: Path
    run: Mapping[str, Any] = attrs.field(repr=False)
    alignment: AlignmentFile
    alignment_path: Path | None = None
    changed: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the files lie; places in the run file are relative to it."""
        return self.path.parent

    @property
    def image(self) -> Mapping[str, Any]:
        """File, hash, frame and shape of the image, as far as they are known."""
        if self.run:
            return dict(self.run["image"])
        said = self.alignment
        return {
            "file": said.image_file,
            "sha256": said.image_sha256,
            "frame": said.image_frame,
            "shape": said.image_shape,
        }

    @property
    def files(self) -> dict[str, Path]:
        """The files of the run that are there, by kind."""
        if not self.run:
            return {"alignment": self.path}
        places = {kind: self.folder / entry["file"] for kind, entry in self._outputs().items()}
        return {**{k: place for k, place in places.items() if place.is_file()}, "run": self.path}

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, steps and versions of the run."""
        own = ("schema", "alignment", "unseen", "outputs")
        return {name: value for name, value in self.run.items() if name not in own}

    def step(self, slot: str) -> Mapping[str, Any] | None:
        """Return what is recorded of a step: slot, class and parameters.

        Parameters
        ----------
        slot : str
            Name of the slot.

        Returns
        -------
        mapping or None
            None where the slot did not run.
        """
        return next((e for e in self.run.get("steps", ()) if e["slot"] == slot), None)

    def parameters(self, slot: str) -> Mapping[str, Any]:
        """Return the recorded parameters of a slot.

        Parameters
        ----------
        slot : str
            Name of the slot.

        Returns
        -------
        mapping
            Empty where the slot did not run.
        """
        entry = self.step(slot)
        return {} if entry is None else entry["parameters"]

    def _outputs(self) -> dict[str, Mapping[str, Any]]:
        return dict(self.run.get("outputs", {}))


def read_record(path: Path) -> Record:
    """Read what is written down of an earlier run or alignment.

    Parameters
    ----------
    path : pathlib.Path
        A folder with one of them, the run file, the alignment file, or another file of that run.

    Returns
    -------
    Record
        Files that were changed since the run have been warned about.

    Raises
    ------
    MissingFileError
        If there is none, or several.
    InputError
        If the file is none, or damaged.
    """
    place = _find(path)
    content = _read_json(place)
    schema = content.get("schema")
    if schema == ALIGNMENT_SCHEMA:
        return Record(place, {}, read_alignment(place), place)
    if schema == REGISTRATION_SCHEMA:
        message = (
            f"{place} is of a registered volume, without an image; expected the run file "
            f"<stem>{_RUN} or the alignment file <stem>{_ALIGNMENT} of an image."
        )
        raise InputError(message)
    if schema != RUN_SCHEMA:
        message = (
            f'{place} is no run file; expected "schema": "{RUN_SCHEMA}", or an alignment file '
            f'("{ALIGNMENT_SCHEMA}").'
        )
        raise InputError(message)
    try:
        record = _read_run(place, content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise damaged(place, error) from error
    if "alignment" in record.changed and record.alignment_path is not None:
        record = attrs.evolve(record, alignment=read_alignment(record.alignment_path))
    return record


def damaged(path: Path, error: Exception) -> InputError:
    """Return the error for a run file whose content cannot be used.

    Parameters
    ----------
    path : pathlib.Path
        The run file.
    error : Exception
        What went wrong with it.

    Returns
    -------
    InputError
        To be raised.
    """
    reason = str(error) if isinstance(error, InputError) else repr(error)
    return InputError(f"{path} is damaged or incomplete ({reason}); run the registration again.")


def _read_run(place: Path, content: Mapping[str, Any]) -> Record:
    alignment, file = parse_alignment(content["alignment"]), None
    for name in ("image", "brain_regions", "method", "steps"):
        content[name]
    changed = []
    for kind, entry in dict(content.get("outputs", {})).items():
        written = place.parent / entry["file"]
        if not written.is_file():
            continue
        if sha256_of_file(written) != entry["sha256"]:
            consequence = _CONSEQUENCES.get(kind, "it is not looked at")
            logger.warning("%s is no longer what the run wrote; %s.", written, consequence)
            changed.append(kind)
        if kind == "alignment":
            file = written
    return Record(place, content, alignment, file, tuple(changed))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        message = (
            f"{path} is not a JSON text file ({error}); expected a run file <stem>{_RUN} or an "
            f"alignment file."
        )
        raise InputError(message) from error
    return content if isinstance(content, dict) else {}


def _find(path: Path) -> Path:
    if path.is_dir():
        return _find_in(path)
    if not path.exists():
        # The run file is enough: the alignment stands in it, too.
        message = f"There is no file {path}; give the folder or a file of an earlier run."
        run = _run_beside(path)
        if run is None:
            raise MissingFileError(message)
        return run
    if path.name.endswith(_ALIGNMENT):
        run = path.with_name(path.name.removesuffix(_ALIGNMENT) + _RUN)
        return run if run.is_file() else path
    if path.suffix.lower() == ".json":
        return path
    run = _run_beside(path)
    if run is None:
        message = (
            f"{path} is no run file, nor is there one of the same name beside it; expected a file "
            f"of an earlier run, such as <stem>{_RUN} or <stem>{_ALIGNMENT}."
        )
        raise MissingFileError(message)
    return run


def _run_beside(path: Path) -> Path | None:
    """Return the run file that a file belongs to by its name; of several the longest name."""
    if not path.parent.is_dir():
        return None
    runs = {run.name.removesuffix(_RUN): run for run in path.parent.glob(f"*{_RUN}")}
    lone = {a.name.removesuffix(_ALIGNMENT): a for a in path.parent.glob(f"*{_ALIGNMENT}")}
    stems = [stem for stem in {**lone, **runs} if stem and _is_named_after(path, stem)]
    if not stems:
        return None
    best = max(stems, key=len)
    return runs.get(best, lone.get(best))


def _is_named_after(path: Path, stem: str) -> bool:
    """Whether a name is that of an output, or of an image; day1_late.tif is not of day1."""
    return path.name.startswith(f"{stem}.") or path.name in {
        f"{stem}{end}" for end in FILE_NAMES.values()
    }


def _find_in(folder: Path) -> Path:
    for suffix in (_RUN, _ALIGNMENT):
        found = sorted(file for file in folder.glob(f"*{suffix}") if not file.name.startswith("."))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(file.name for file in found)
            message = f"{folder} holds several runs, {names}; name the file."
            raise MissingFileError(message)
    message = f"Expected a *{_RUN} or a *{_ALIGNMENT} in {folder}, found none."
    below = sorted(file.parent.name for file in folder.glob(f"*/*{_RUN}"))
    if below:
        message += f" Folders in it hold runs, such as {below[0]}; name one of them."
    raise MissingFileError(message)
