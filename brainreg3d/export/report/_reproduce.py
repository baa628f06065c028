"""How to repeat a run: one command, or Python where a command cannot say it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import attrs

from brainreg3d import steps
from brainreg3d.steps.exporting import DEFAULT_FORMATS
from brainreg3d.steps.methods import METHODS
from brainreg3d.steps.own import OWN_STEPS
from brainreg3d.steps.write import FILE_NAMES

FOLDER = "reproduced"
"""Where the repeated run writes, so that nothing is replaced before it was compared."""

_OPTIONS = {
    ("RegionSelector", "overlap"): "overlap",
    ("Projector", "occluders"): "occluders",
    ("Projector", "label_depth_um"): "label_depth_um",
    ("Projector", "along"): "along",
    ("PixelLabeller", "hemisphere"): "hemisphere",
    ("MaskWriter", "stem"): "stem",
    ("MaskWriter", "formats"): "formats",
    ("MaskWriter", "label_values"): "label_values",
    ("MaskWriter", "split_hemispheres"): "split_hemispheres",
}
"""Arguments of `BrainReg3D` that set a parameter of a step."""

_FOR_LOOKS = {("Projector", "layers"), ("MaskWriter", "output_dir")}
"""Parameters that change no label."""

_WITHOUT_PART = ("ManualAligner", "RigidRegistrar", "VolumeWriter")
"""Slots that a run with a saved alignment does not need."""


@attrs.frozen
class Recipe:
    """What gives the same labels again.

    Parameters
    ----------
    arguments : mapping of str to object
        Arguments of `BrainReg3D` besides the image.
    image : str or None
        The image; None for an array.
    source : mapping of str to object
        Parameters of `LocalTemplateSource`; empty where the atlas goes by its name.
    slots : mapping of str to str
        Steps that no argument sets, as Python writes them.
    imports : tuple of str
        Modules and names that these need.
    obstacles : tuple of str
        Why a command cannot say it; empty where one can.
    """

    arguments: Mapping[str, Any]
    image: str | None
    source: Mapping[str, Any] = attrs.field(factory=dict)
    slots: Mapping[str, str] = attrs.field(factory=dict)
    imports: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()

    def command(self) -> str | None:
        """Return the command for a POSIX shell; None where there is none."""
        if self.obstacles or self.image is None:
            return None
        lines = [shlex.join(["brainreg3d", "run", _as_file(self.image)])]
        alignment = {"alignment": self.arguments["alignment"]}
        for name, value in {**alignment, **_as_options(self.source), **self.arguments}.items():
            option = "--" + {"brain_regions": "regions"}.get(name, name).replace("_", "-")
            if value is True:
                words = []
            elif isinstance(value, list | tuple):
                # Regions and formats are one word; voxel sizes are several.
                words = [str(item) for item in value]
                words = [",".join(words)] if name in ("brain_regions", "formats") else words
            else:
                words = [str(value)]
            lines.append(shlex.join([option, *words]))
        return " \\\n  ".join(lines)

    def python(self) -> str:
        """Return the same as Python."""
        lines = ["from brainreg3d import BrainReg3D", *self.imports, ""]
        image = repr(self.image)
        if self.image is None:
            lines += ["image = ...  # the array", ""]
            image = "image"
        values = [f"    {name}={value!r}," for name, value in self.arguments.items()]
        if self.source:
            inner = ", ".join(f"{name}={value!r}" for name, value in self.source.items())
            values.append(f"    template_source=LocalTemplateSource({inner}),")
        lines += ["registration = BrainReg3D(", f"    {image},", *values, ")"]
        lines += [f"registration.{slot} = {text}" for slot, text in self.slots.items()]
        return "\n".join([*lines, "registration.run()"])


def recipe(run: Mapping[str, Any], stem: str) -> Recipe | None:
    """Return how to repeat a run.

    Parameters
    ----------
    run : mapping
        Content of its run file.
    stem : str
        How the names of its files start.

    Returns
    -------
    Recipe or None
        None where the steps of the run were not recorded.
    """
    if "steps" not in run or "image" not in run:
        return None
    arguments: dict[str, Any] = {"alignment": f"{stem}{FILE_NAMES['alignment']}"}
    found: dict[str, Any] = {"source": {}, "slots": {}, "imports": [], "obstacles": []}
    if run["method"] != "exact":
        arguments["method"] = run["method"]
    arguments["brain_regions"] = list(run["brain_regions"])
    for entry in run["steps"]:
        if entry["slot"] not in _WITHOUT_PART:
            _add_step(entry, run["method"], arguments, found)
    image = run["image"]
    if image["file"] is None:
        found["obstacles"].append("The image was an array, which a command cannot name.")
    if image.get("frame") is not None:
        arguments["frame"] = image["frame"]
    _add_window_mask(run.get("window_mask"), arguments, found)
    for name in ("pose_sigma_mm", "pose_sigma_deg"):
        if run.get(name) is not None:
            arguments[name] = run[name]
    arguments["output_dir"] = FOLDER
    if found["source"]:
        found["imports"].append("from brainreg3d.steps import LocalTemplateSource")
    imports = tuple(dict.fromkeys(found.pop("imports")))
    obstacles = tuple(found.pop("obstacles"))
    return Recipe(arguments, image["file"], imports=imports, obstacles=obstacles, **found)


def _add_step(
    entry: Mapping[str, Any], method: str, arguments: dict[str, Any], found: dict[str, Any]
) -> None:
    slot, kind = entry["slot"], OWN_STEPS.get(entry["class"])
    given = dict(entry["parameters"])
    if kind is None:
        found["obstacles"].append(f"{entry['class']} filled the slot {slot}.")
        _fill_slot(slot, entry["class"], given, found)
        return
    changed = {
        name: value
        for name, value in given.items()
        if value != _usual(kind, slot, method).get(name) and (slot, name) not in _FOR_LOOKS
    }
    if kind is steps.TemplateSource:
        _add_atlas(given["atlas"], arguments, found)
        return
    if kind is steps.LocalTemplateSource:
        found["source"].update({name: _file_of(value) for name, value in changed.items()})
        if set(changed) - {"annotation", "structures", "template", "orientation", "spacing_um"}:
            found["obstacles"].append("The local atlas was given a name of its own.")
        return
    for name in [name for name in changed if (slot, name) in _OPTIONS]:
        arguments[_OPTIONS[slot, name]] = changed.pop(name)
    if changed:
        words = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        found["obstacles"].append(f"The slot {slot} held a step with {words}.")
        options = {name for where, name in _OPTIONS if where == slot}
        kept = {n: v for n, v in given.items() if n not in options | {"layers"}}
        _fill_slot(slot, entry["class"], kept, found)


def _usual(kind: type[steps.Step], slot: str, method: str) -> dict[str, Any]:
    """Return the parameters that a step has when nothing is said, as they are recorded."""
    if kind is steps.LocalTemplateSource:
        return {"template": None, "name": "local", "orientation": None, "spacing_um": None}
    usual = {**kind().parameters(), **METHODS.get(method, {}).get(slot, {})}
    if kind is steps.MaskWriter:
        usual["formats"] = list(DEFAULT_FORMATS)
    return usual


def _fill_slot(slot: str, name: str, given: Mapping[str, Any], found: dict[str, Any]) -> None:
    module, _, kind = name.rpartition(".")
    package = "brainreg3d.steps" if module.startswith("brainreg3d.") else module
    found["imports"].append(f"from {package} import {kind}")
    inner = ", ".join(f"{key}={_file_of(value)!r}" for key, value in given.items())
    found["slots"][slot] = f"{kind}({inner})"


def _add_atlas(atlas: Any, arguments: dict[str, Any], found: dict[str, Any]) -> None:
    if isinstance(atlas, str):
        arguments["atlas"] = atlas
        return
    title = atlas.get("object", "an atlas") if isinstance(atlas, Mapping) else "an atlas"
    found["obstacles"].append(f"{title} was an Atlas in memory, which a command cannot name.")
    found["imports"].append("from my_atlas import atlas  # where you make it")
    found["slots"]["TemplateSource"] = "TemplateSource(atlas=atlas)"
    found["imports"].append("from brainreg3d.steps import TemplateSource")


def _add_window_mask(
    entry: Mapping[str, Any] | None, arguments: dict[str, Any], found: dict[str, Any]
) -> None:
    if entry is None:
        return
    arguments["window_mask"] = entry["file"]
    if entry["file"] is None:
        found["obstacles"].append("The window mask was an array, which a command cannot name.")


def _file_of(value: Any) -> Any:
    return value["file"] if isinstance(value, Mapping) and "file" in value else value


def _as_options(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the command line for a local atlas."""
    names = {"orientation": "atlas_orientation", "spacing_um": "atlas_spacing_um"}
    options = {names.get(name, name): value for name, value in source.items()}
    size = options.get("atlas_spacing_um")
    if isinstance(size, int | float):
        options["atlas_spacing_um"] = [size] * 3
    return options


def _as_file(path: str) -> str:
    """Return a path that no command takes for an option."""
    return f"./{path}" if path.startswith("-") else path
