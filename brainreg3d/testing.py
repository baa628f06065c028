"""Checks for steps of your own, and ready-made inputs to try them on."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import pickle
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import numpy as np

from brainreg3d import steps
from brainreg3d.errors import PlanError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.io.fingerprint import fingerprint
from brainreg3d.options import SLOTS
from brainreg3d.state import INPUT_NAMES, Image, Labels, Outputs, Registration, State, Volume
from brainreg3d.steps import Step

_RESULT_NAMES = tuple(f.name for f in attrs.fields(State) if f.name not in INPUT_NAMES)
_EXAMPLE_ATLAS = "phantom_100um"
_EXAMPLE_REGIONS = ("MOp", "MOs", "SSp", "VIS", "RSP")


@functools.cache
def example_state() -> State:
    """Return a state in which every step has run, on a small synthetic brain.

    Returns
    -------
    State
        An image of 40 x 50 pixels of the phantom, its template as a volume, and the results of
        all steps; those of RigidRegistrar and of the writers are made up.
    """
    from brainreg3d.sources import load_atlas

    atlas = load_atlas(_EXAMPLE_ATLAS)
    view = ImageView((40, 50), (0.2, 0.2), Pose((5.7, 7.0, 8.0), roll_deg=5.0), Camera(230.0))
    pixels = np.random.default_rng(0).integers(0, 1000, view.shape).astype(np.uint16)
    template = atlas.template
    state = State(
        image=Image(pixels, "example", "0" * 64),
        brain_regions=_EXAMPLE_REGIONS,
        pixel_size_mm=view.pixel_size_mm,
        window_mask=np.ones(view.shape, dtype=bool),
        provenance={"note": "an example"},
        atlas=atlas,
        registration=Registration(np.eye(4), "SAR", 0.0, "made up", 0, 1.0),
        volume_outputs=Outputs({}),
        outputs=Outputs({}),
    )
    if template is not None:
        volume = Volume(template.data, template.spacing_mm, "example", "1" * 64)
        state = attrs.evolve(state, volume=volume)
    for slot in SLOTS[1:-1]:
        step = (
            steps.ManualAligner(alignment=view.pose)
            if slot == "ManualAligner"
            else getattr(steps, slot)()
        )
        if step.provides not in ("registration", "volume_outputs"):
            state = attrs.evolve(state, **{step.provides: _compute(step, state)})
    return state


def check_step(step: Step | type[Step], state: State | None = None) -> None:
    """Check that a step keeps the contract; raise when it does not.

    A step has to be frozen, quiet, and made of parameters that can be stored; documented, unless it
    only sets parameters of another step. It declares what it needs and makes; it returns what
    `State` expects there, read-only, the same every time, and leaves its inputs as they were.

    Parameters
    ----------
    step : Step or type
        The step, or a class that can be made without arguments. A class whose default atlas is that
        of `TemplateSource` is tried on the phantom, which needs no download.
    state : State, optional
        Inputs to run it on; `example_state` when not given.

    Raises
    ------
    PlanError
        With the first rule that is broken.
    """
    made = _made(step)
    if not isinstance(made, Step):
        message = f"{made!r} is no Step; derive it from brainreg3d.Step."
        raise PlanError(message)
    for check in (_check_declaration, _check_documentation, _check_parameters):
        check(made)
    _check_behaviour(made, example_state() if state is None else state)


def _made(step: Any) -> Any:
    """Return a step, made without arguments where a class was given."""
    if not isinstance(step, type):
        return step
    try:
        made = step()
        if isinstance(made, steps.TemplateSource) and made.atlas == steps.TemplateSource().atlas:
            return made.replace(atlas=_EXAMPLE_ATLAS)
        return made
    except (TypeError, PlanError) as error:
        message = (
            f"{step.__name__} cannot be made without arguments ({error}); give check_step an "
            f"instance, {step.__name__}(...)."
        )
        raise PlanError(message) from error


def _require(condition: bool, step: Step, rule: str) -> None:
    if not condition:
        message = f"{type(step).__name__} {rule}"
        raise PlanError(message)


def _check_declaration(step: Step) -> None:
    names = [field.name for field in attrs.fields(State)]
    _require(
        step.provides in _RESULT_NAMES,
        step,
        f"provides {step.provides!r}; expected one of {', '.join(_RESULT_NAMES)}.",
    )
    for name in step.uses():
        _require(name in names, step, f"needs {name!r}, which is no field of State.")
    own = type(step).compute is not Step.compute
    _require(own, step, "has no compute method of its own.")


def _check_documentation(step: Step) -> None:
    own, parents = vars(type(step)), type(step).__mro__[1:]
    parameters = {field.name for kind in parents for field in getattr(kind, "__attrs_attrs__", ())}
    # A subclass that only sets parameters is described by the step it sets them of.
    is_more = "compute" in own or not parameters.issuperset(step.parameter_names())
    _require(bool(own.get("__doc__")) or not is_more, step, "has no docstring.")
    inherited = " ".join(inspect.getdoc(base) or "" for base in type(step).__mro__)
    for name in step.parameter_names():
        _require(name in inherited, step, f"does not document its parameter {name!r}.")


def _check_parameters(step: Step) -> None:
    for name in step.parameter_names():
        _require(f"{name}=" in repr(step) or name not in step.parameters(), step, f"hides {name}.")
        try:
            setattr(step, name, getattr(step, name))
        except attrs.exceptions.FrozenInstanceError:
            continue
        _require(False, step, f"lets its parameter {name!r} be changed; steps are frozen.")
    _require(step.replace() == step, step, "is not equal to a step with the same parameters.")
    if not _is_importable(type(step)):  # pickle stores where a class is found, not the class
        return
    try:
        copy = pickle.loads(pickle.dumps(step))  # noqa: S301 - made one line above
    except Exception as error:
        message = f"{type(step).__name__} cannot be stored by pickle: {error}."
        raise PlanError(message) from error
    _require(copy == step, step, "changes when it is stored by pickle.")


def _is_importable(kind: type) -> bool:
    """Tell whether a class is found under its own name, unlike one made inside a function."""
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is kind


def _check_behaviour(step: Step, state: State) -> None:
    before = _contents(state, step)
    out, err = io.StringIO(), io.StringIO()
    with _writing_somewhere_else(step) as (runnable, look):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            first = _compute(runnable, state)
        seen = look()
        second = _compute(runnable, state)
        _require(seen == look(), step, "writes other files when it runs again.")
    _require(not out.getvalue(), step, "prints; use logging.")
    _require(_contents(state, step) == before, step, "changes its inputs.")
    expected = getattr(example_state(), step.provides)
    if expected is not None:
        rule = f"returns {type(first).__name__}; expected {type(expected).__name__}."
        _require(isinstance(first, type(expected)), step, rule)
    _require(_describe(first) == _describe(second), step, "gives another result when run again.")
    if isinstance(first, Labels):
        _require(first.labels.dtype.kind == "u", step, "returns labels that are not unsigned.")
    for name, array in _arrays(first):
        _require(not array.flags.writeable, step, f"returns {name} that can be written to.")


@contextlib.contextmanager
def _writing_somewhere_else(step: Step) -> Any:
    """Give a writer a temporary folder; yield it and a function that lists what it wrote."""
    with TemporaryDirectory() as folder:
        runnable = step
        if "output_dir" in step.parameter_names():
            runnable = step.replace(output_dir=Path(folder))

        def look() -> list[tuple[str, bytes]]:
            return sorted((path.name, path.read_bytes()) for path in Path(folder).iterdir())

        yield runnable, look


def _compute(step: Step, state: State) -> Any:
    return step.compute(**{name: getattr(state, name) for name in step.uses()})


def _contents(state: State, step: Step) -> dict[str, str]:
    return {name: _describe(getattr(state, name)) for name in step.uses()}


def _describe(value: Any) -> str:
    """Return a fingerprint of a result that looks into its arrays."""
    arrays = dict(_arrays(value))
    plain = [] if arrays else value
    known = isinstance(plain, str | int | float | tuple | list | dict | None)
    return fingerprint([arrays, plain if known else repr(plain)])


def _arrays(value: Any, name: str = "result") -> list[tuple[str, Any]]:
    """Return all arrays inside a result with their names."""
    if isinstance(value, np.ndarray):
        return [(name, value)]
    if not attrs.has(type(value)):
        return []
    found = []
    for field in attrs.fields(type(value)):
        found += _arrays(getattr(value, field.name), f"{name}.{field.name}")
    return found
