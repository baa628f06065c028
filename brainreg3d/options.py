"""From the arguments of `BrainReg3D` to steps in their slots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from brainreg3d import steps
from brainreg3d._logging import logger
from brainreg3d.errors import InputError, PlanError, did_you_mean
from brainreg3d.steps import NOT_GIVEN, Step
from brainreg3d.steps.methods import METHODS

SLOTS = (
    "TemplateSource",
    "RegionSelector",
    "RigidRegistrar",
    "VolumeWriter",
    "ManualAligner",
    "Projector",
    "DepthResolver",
    "PixelLabeller",
    "MaskWriter",
)

PARAMETERS_OF_OPTION = {
    "atlas": [("TemplateSource", "atlas")],
    "overlap": [("RegionSelector", "overlap")],
    "metric": [("RigidRegistrar", "metric")],
    "alignment": [("ManualAligner", "alignment")],
    "landmarks": [("ManualAligner", "landmarks")],
    "camera_distance_mm": [("ManualAligner", "camera_distance_mm")],
    "principal_point_px": [("ManualAligner", "principal_point_px")],
    "focal_point": [("ManualAligner", "focal_point_mm")],
    "bregma": [("ManualAligner", "bregma")],
    "window": [("ManualAligner", "window")],
    "start": [("ManualAligner", "start")],
    "anterior": [("ManualAligner", "anterior")],
    "tilt": [("ManualAligner", "tilt")],
    "cam": [("ManualAligner", "window_camera")],
    "stem": [("MaskWriter", "stem")],
    "_DEFAULT_IMG_DIMS_MM": [("ManualAligner", "default_image_dims_mm")],
    "_DEFAULT_BREGMA": [("ManualAligner", "default_bregma")],
    "_DEFAULT_FOCAL_POINT": [("ManualAligner", "default_focal_point_mm")],
    "_DEFAULT_CAM": [("ManualAligner", "window_camera")],
    "_DEFAULT_ATLAS": [("TemplateSource", "atlas")],
    "matched_image": [("ManualAligner", "matched_image")],
    "matched_frame": [("ManualAligner", "matched_frame")],
    "matched_view": [("ManualAligner", "matched_view")],
    "occluders": [("Projector", "occluders")],
    "label_depth_um": [("Projector", "label_depth_um")],
    "along": [("Projector", "along")],
    "hemisphere": [("PixelLabeller", "hemisphere"), ("ManualAligner", "hemisphere")],
    "output_dir": [("VolumeWriter", "output_dir"), ("MaskWriter", "output_dir")],
    "formats": [("MaskWriter", "formats")],
    "label_values": [("MaskWriter", "label_values")],
    "split_hemispheres": [("MaskWriter", "split_hemispheres")],
}
"""Which parameters of which slots an argument of `BrainReg3D` sets."""

_HINTS = frozenset({("ManualAligner", "hemisphere")})
"""Parameters that the step of a slot need not take: the argument has another use as well."""


def steps_of_run(
    slots: Mapping[str, Any], method: str, arguments: Mapping[str, Any]
) -> list[tuple[str, Step]]:
    """Make the steps of a run from all arguments, those included that were not given.

    Parameters
    ----------
    slots : mapping of str to (type or Step)
        What fills each slot, unless an argument fills it.
    method : str
        A key of `METHODS`.
    arguments : mapping
        ``template_source`` and all that `PARAMETERS_OF_OPTION` names, as `BrainReg3D` holds them.

    Returns
    -------
    list of (str, Step)
        Slots with their steps, in order.

    Raises
    ------
    InputError
        If there is no such method, or two arguments were given for the same thing.
    PlanError
        If a slot holds no step, or its step does not take an argument that was given.
    """
    source, landmarks = arguments["template_source"], arguments["landmarks"]
    refuse_both(atlas=arguments["atlas"], template_source=source)
    refuse_both(alignment=arguments["alignment"], landmarks=landmarks)
    filled = dict(slots)
    if source is not None:
        filled["TemplateSource"] = source
    if landmarks is not None:
        filled["ManualAligner"] = steps.LandmarkAligner
    # None is a camera distance of its own, parallel rays; elsewhere it means "not given".
    values = {
        name: arguments[name]
        for name in PARAMETERS_OF_OPTION
        if arguments[name] is not NOT_GIVEN
        and (arguments[name] is not None or name == "camera_distance_mm")
    }
    defaults = {name: v for name, v in values.items() if name.startswith("_DEFAULT")}
    given = {name: v for name, v in values.items() if name not in defaults}
    return build_steps(filled, method, given, defaults)


def refuse_both(**arguments: Any) -> None:
    """Refuse arguments that say the same thing in two ways.

    Parameters
    ----------
    **arguments
        Two arguments; None where one was not given.

    Raises
    ------
    InputError
        If both were given.
    """
    if all(value is not None for value in arguments.values()):
        message = f"Give either {' or '.join(f'{name}=' for name in arguments)}, not both."
        raise InputError(message)


def slots_to_redo(redo: str | Iterable[str]) -> set[str]:
    """Return the slots that are to run again.

    Parameters
    ----------
    redo : str or iterable of str
        A slot, or several.

    Returns
    -------
    set of str
        Among `SLOTS`.

    Raises
    ------
    PlanError
        If there is no such slot.
    """
    if not isinstance(redo, Iterable):
        message = f"redo is the name of a slot, or several; got {redo!r}."
        raise PlanError(message)
    again = {redo} if isinstance(redo, str) else set(redo)
    for slot in again.difference(SLOTS):
        message = f"There is no slot {slot!r} to redo.{did_you_mean(slot, SLOTS)}"
        raise PlanError(message)
    return again


def build_steps(
    slots: Mapping[str, Any],
    method: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> list[tuple[str, Step]]:
    """Make the steps of a run.

    Parameters
    ----------
    slots : mapping of str to (type or Step)
        What fills each slot.
    method : str
        A key of `METHODS`; it sets parameters of slots that hold the package's own step.
    given : mapping
        Arguments that the user gave; a step has to take them.
    defaults : mapping
        Arguments that apply to slots that hold the package's own step.

    Returns
    -------
    list of (str, Step)
        Slots with their steps, in order.

    Raises
    ------
    InputError
        If there is no such method.
    PlanError
        If a slot holds no step, or its step does not take an argument that was given.
    """
    if method not in METHODS:
        known = ", ".join(repr(name) for name in METHODS)
        message = f"method is one of {known}; got {method!r}.{did_you_mean(str(method), METHODS)}"
        raise InputError(message)
    built = []
    for slot in SLOTS:
        parameters: dict[str, Any] = {}
        if slots[slot] in _own_classes(slot):  # a slot that the user filled wins
            names = slots[slot].parameter_names()
            usual = {n: value for n, value in _of_slot(slot, defaults).items() if n in names}
            parameters = {**usual, **METHODS[method].get(slot, {})}
        elif METHODS[method].get(slot):
            logger.info("Slot %s is filled; method=%r does not apply to it.", slot, method)
        parameters |= _of_slot(slot, given)
        built.append((slot, _fill(slot, slots[slot], parameters)))
    return built


def _own_classes(slot: str) -> tuple[type[Step], ...]:
    """Return the classes that arguments of `BrainReg3D` put into a slot."""
    own = (getattr(steps, slot),)
    return (*own, steps.LandmarkAligner) if slot == "ManualAligner" else own


def _fill(slot: str, filling: Any, parameters: Mapping[str, Any]) -> Step:
    """Return the step of one slot with its arguments applied."""
    kind = filling if isinstance(filling, type) else type(filling)
    if not issubclass(kind, Step):
        message = f"Slot {slot} holds {filling!r}; expected a Step class or a Step."
        raise PlanError(message)
    names = kind.parameter_names()
    parameters = {
        name: value
        for name, value in parameters.items()
        if name in names or (slot, name) not in _HINTS
    }
    for option in [name for name in parameters if name not in names]:
        message = (
            f"{kind.__name__} in slot {slot} takes no {option!r}, so it cannot be given with it; "
            f"it takes {', '.join(names) or 'no parameters'}."
        )
        raise PlanError(message)
    if isinstance(filling, Step):
        return filling.replace(**parameters)
    try:
        step: Step = kind(**parameters)
    except TypeError as error:  # a required parameter of the user's own step
        message = f"{kind.__name__} in slot {slot} cannot be made: {error}."
        raise PlanError(message) from error
    return step


def _of_slot(slot: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that set parameters of a slot, under the parameters' names."""
    return {
        name: value
        for option, value in options.items()
        for target, name in PARAMETERS_OF_OPTION[option]
        if target == slot
    }
