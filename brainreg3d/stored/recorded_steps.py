"""The steps of an earlier run, made again from what the run file says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainreg3d import steps
from brainreg3d._logging import logger
from brainreg3d.errors import MissingFileError
from brainreg3d.io.fingerprint import fingerprint
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.options import PARAMETERS_OF_OPTION, SLOTS, build_steps
from brainreg3d.steps import Step
from brainreg3d.steps.own import OWN_STEPS
from brainreg3d.stored.chain import LABELLING_SLOTS
from brainreg3d.stored.record import Record

TAKEN_AGAIN = ("RegionSelector", *LABELLING_SLOTS, "MaskWriter")
"""Slots whose steps are made again; the atlas is loaded and the image placed in other ways."""

GIVE_ATLAS = (
    "Give the atlas: --annotation FILE --structures FILE or --atlas NAME, where the command takes "
    "them; in Python BrainReg3D.load(path, template_source=...) or atlas=."
)
"""What to do where the atlas of an earlier run is not to be had."""

_OPTIONS = ("overlap", "occluders", "label_depth_um", "along", "hemisphere")


def steps_of(
    record: Record,
    slots: Mapping[str, Any],
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> tuple[dict[str, Step], str]:
    """Make the steps of a run again, with what is given anew.

    Parameters
    ----------
    record : Record
        Of the run.
    slots : mapping of str to (Step or type)
        What fills each slot now.
    given : mapping
        Arguments that are given anew.
    defaults : mapping
        Class attributes of `BrainReg3D`, which hold for a lone alignment.

    Returns
    -------
    steps : dict of str to Step
        By slot, of those in `TAKEN_AGAIN`.
    changed : str
        Why labels of the run do not hold; empty where they do.

    Raises
    ------
    InputError
        If a parameter makes no sense.
    PlanError
        If a step does not take it.
    """
    options = {name: value for name, value in given.items() if name in _OPTIONS}
    fillings = {
        slot: slots[slot] if slot in TAKEN_AGAIN else getattr(steps, slot) for slot in SLOTS
    }
    if not record.run:
        usual = {name: v for name, v in defaults.items() if name in PARAMETERS_OF_OPTION}
        made = dict(build_steps(fillings, given.get("method", "exact"), options, usual))
        return {slot: made[slot] for slot in TAKEN_AGAIN}, ""
    recorded, replaced = _recorded(record, fillings)
    before = dict(build_steps(recorded, "exact", {}, {}))
    method = given.get("method", record.run["method"])
    if method != record.run["method"]:
        labeller = before["PixelLabeller"]
        options.setdefault("hemisphere", getattr(labeller, "hemisphere", "both"))
        recorded |= {slot: slots[slot] for slot in LABELLING_SLOTS}
    else:
        method = "exact"  # its parameters stand in the record
    after = dict(build_steps(recorded, method, options, {}))
    compared = ("RegionSelector", *LABELLING_SLOTS)
    differing = [s for s in compared if s in replaced or _mark(before[s]) != _mark(after[s])]
    changed = f"another {differing[0]} is asked for" if differing else ""
    return {slot: after[slot] for slot in TAKEN_AGAIN}, changed


def _mark(step: Step) -> str:
    return fingerprint([class_name(step), step.parameters()])


def _recorded(record: Record, slots: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what fills the slots, as in the run, and which slots are filled otherwise now."""
    fillings, replaced = dict(slots), []
    for slot in TAKEN_AGAIN:
        entry = record.step(slot)
        if entry is None:
            continue
        made = made_again(entry, slots[slot], record.folder)
        if made is not None:
            fillings[slot] = made
        elif not is_own(slot, slots[slot]):
            replaced.append(slot)
        else:
            logger.warning(
                "The run used %s, which is not at hand; what is not stored is computed with the "
                "package's %s. Load it with the class that has it in its slot.",
                entry["class"],
                slot,
            )
    return fillings, replaced


def made_again(entry: Mapping[str, Any], filling: Any, folder: Path) -> Step | None:
    """Return a recorded step with its parameters.

    Parameters
    ----------
    entry : mapping
        What the run file says of a slot: class and parameters.
    filling : Step or type
        What fills the slot now.
    folder : pathlib.Path
        Of the run file.

    Returns
    -------
    Step or None
        None if its class is not at hand, or the user has filled the slot with another.

    Raises
    ------
    MissingFileError
        If a file among its parameters is not there any more.
    """
    if class_name(filling) == entry["class"]:
        return _with_parameters(filling, entry["parameters"], folder)
    kind = OWN_STEPS.get(entry["class"])
    if kind is None or not is_own(entry["slot"], filling):
        return None
    return _with_parameters(kind, entry["parameters"], folder)


def is_own(slot: str, filling: Any) -> bool:
    """Tell whether a slot holds what the package puts there.

    Parameters
    ----------
    slot : str
        Name of the slot.
    filling : Step or type
        What it holds.

    Returns
    -------
    bool
        False for anything that a user has put there.
    """
    return filling is getattr(steps, slot)


def class_name(filling: Any) -> str:
    """Return the name of a step's class as run files have it.

    Parameters
    ----------
    filling : Step or type
        A step or its class.

    Returns
    -------
    str
        Module and name.
    """
    kind = filling if isinstance(filling, type) else type(filling)
    return f"{kind.__module__}.{kind.__qualname__}"


def changed_files(entry: Mapping[str, Any] | None, folder: Path) -> list[Path]:
    """Return the files among recorded parameters that are no longer what they were.

    Parameters
    ----------
    entry : mapping or None
        What the run file says of a slot.
    folder : pathlib.Path
        Of the run file.

    Returns
    -------
    list of pathlib.Path
        Those that are there, with other content.
    """
    values = [] if entry is None else [v for v in entry["parameters"].values() if _is_file(v)]
    places = [(folder / value["file"], value["sha256"]) for value in values]
    return [path for path, digest in places if path.is_file() and sha256_of_file(path) != digest]


def _is_file(value: Any) -> bool:
    return isinstance(value, Mapping) and "file" in value


def _with_parameters(filling: Any, parameters: Mapping[str, Any], folder: Path) -> Step:
    """Return a step with recorded parameters; those that no text can hold stay its own."""
    names = filling.parameter_names()
    values = {
        name: _revive(value, folder)
        for name, value in parameters.items()
        if name in names and (not isinstance(value, Mapping) or {"file", "object"} & set(value))
    }
    step: Step = filling.replace(**values) if isinstance(filling, Step) else filling(**values)
    return step


def _revive(value: Any, folder: Path) -> Any:
    """Turn a recorded parameter back into what it was."""
    if isinstance(value, Mapping) and "object" in value:
        message = (
            f"The run used the atlas {value['object']}, made in memory, which no file can bring "
            f"back. {GIVE_ATLAS}"
        )
        raise MissingFileError(message)
    if _is_file(value):
        path = folder / value["file"]
        if not path.is_file():
            message = f"{path}, which the run used, is not there any more. {GIVE_ATLAS}"
            raise MissingFileError(message)
        return path
    return tuple(value) if isinstance(value, list) else value
