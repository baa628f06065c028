"""The order of steps, checked before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs

from brainreg3d.errors import PlanError, did_you_mean
from brainreg3d.state import INPUT_NAMES, State
from brainreg3d.steps import Step

STATE_NAMES = tuple(field.name for field in attrs.fields(State))
FINAL_RESULTS = ("registration", "volume_outputs", "labels", "outputs")


@attrs.frozen
class PlannedStep:
    """A step in its slot.

    Parameters
    ----------
    slot : str
        Name of the slot.
    step : Step
        What fills it.
    skipped : str
        Why it will not run; empty when it will.
    """

    slot: str
    step: Step
    skipped: str = ""


@attrs.frozen
class Plan:
    """The steps of a run, in order.

    Parameters
    ----------
    steps : tuple of PlannedStep
        All slots, those that are skipped included.
    """

    steps: tuple[PlannedStep, ...]

    @property
    def running(self) -> tuple[PlannedStep, ...]:
        """The steps that will run."""
        return tuple(entry for entry in self.steps if not entry.skipped)

    def step(self, slot: str) -> Step:
        """Return what fills a slot.

        Parameters
        ----------
        slot : str
            Name of the slot.

        Returns
        -------
        Step
            The step.
        """
        return next(entry.step for entry in self.steps if entry.slot == slot)

    def skipped(self, slot: str) -> bool:
        """Tell whether a slot will not run.

        Parameters
        ----------
        slot : str
            Name of the slot.

        Returns
        -------
        bool
            True if it is skipped.
        """
        return all(entry.slot != slot for entry in self.running)

    def replace(self, slot: str, step: Step) -> Plan:
        """Return the plan with another step in a slot.

        Parameters
        ----------
        slot : str
            Name of the slot.
        step : Step
            What fills it now.

        Returns
        -------
        Plan
            A new plan.
        """
        return self._change(slot, step=step)

    def skip(self, slot: str, reason: str) -> Plan:
        """Return the plan with a slot that will not run.

        Parameters
        ----------
        slot : str
            Name of the slot.
        reason : str
            Why.

        Returns
        -------
        Plan
            A new plan.
        """
        return self._change(slot, skipped=reason)

    def _change(self, slot: str, **changes: Any) -> Plan:
        entries = (attrs.evolve(e, **changes) if e.slot == slot else e for e in self.steps)
        return Plan(tuple(entries))

    def __str__(self) -> str:
        lines = []
        for number, entry in enumerate(self.steps, 1):
            needs = ", ".join(entry.step.needs()) or "nothing"
            lines.append(f"{number}. {entry.slot}: {entry.step!r}")
            fate = f"skipped: {entry.skipped}" if entry.skipped else f"from {needs}"
            lines.append(f"     {fate} -> {entry.step.provides}")
        return "\n".join(lines)

    __repr__ = __str__


def make_plan(
    steps: Sequence[tuple[str, Step]],
    missing: Collection[str],
    until: str | None = None,
    also: Collection[str] = (),
) -> Plan:
    """Check that steps fit together and say which of them will run.

    Parameters
    ----------
    steps : sequence of (str, Step)
        Slots and what fills them, in order.
    missing : collection of str
        Inputs that the user did not give.
    until : str, optional
        The last slot to run, or the name of the result that is wanted.
    also : collection of str
        Earlier results that are wanted with that of the last slot, whether it needs them or not.

    Returns
    -------
    Plan
        The steps in order.

    Raises
    ------
    PlanError
        If a step needs or makes an unknown field, two make the same, one needs what no earlier
        step makes, or `until` is no slot.
    """
    _check_chain(steps)
    last = _last_place(steps, until)
    entries: list[PlannedStep] = []
    absent = set(missing)
    for place, (slot, step) in enumerate(steps):
        lacking = [name for name in step.needs() if name in absent]
        reason = f"no {lacking[0]}" if lacking else ""
        if place > last:
            reason = f"after {until}"
        if reason:
            absent.add(step.provides)
        entries.append(PlannedStep(slot, step, reason))
    if until and entries[last].skipped:
        message = f"{entries[last].slot} cannot run: {entries[last].skipped} was given."
        raise PlanError(message)
    wanted = {steps[last][1].provides, *also} if until else set(FINAL_RESULTS)
    return Plan(tuple(_without_unused(entries, wanted)))


def _without_unused(entries: list[PlannedStep], wanted: set[str]) -> list[PlannedStep]:
    """Skip steps whose result nothing that runs looks at."""
    kept: list[PlannedStep] = []
    for entry in reversed(entries):
        if not entry.skipped:
            if entry.step.provides in wanted:
                wanted = wanted | set(entry.step.uses())
            else:
                entry = attrs.evolve(entry, skipped="nothing needs it")
        kept.append(entry)
    return kept[::-1]


def _check_chain(steps: Sequence[tuple[str, Step]]) -> None:
    maker_of: dict[str, str] = {}
    for slot, step in steps:
        name = type(step).__name__
        _check_name(name, "provides", step.provides)
        if step.provides in INPUT_NAMES:
            message = f"{name} provides {step.provides!r}, which is an input of the user."
            raise PlanError(message)
        if step.provides in maker_of:
            message = (
                f"{name} in slot {slot} provides {step.provides!r}, and so does slot "
                f"{maker_of[step.provides]}; each result has one maker."
            )
            raise PlanError(message)
        for need in step.uses():
            _check_name(name, "needs", need)
            if need in step.needs() and need not in maker_of and need not in INPUT_NAMES:
                message = (
                    f"{name} in slot {slot} needs {need!r}, which no earlier step provides; "
                    f"earlier steps provide {', '.join(maker_of) or 'nothing'}."
                )
                raise PlanError(message)
        maker_of[step.provides] = slot


def _check_name(step_name: str, verb: str, name: str) -> None:
    if name not in STATE_NAMES:
        message = (
            f"{step_name} {verb} {name!r}, which is no field of State."
            f"{did_you_mean(name, STATE_NAMES)} Its fields are {', '.join(STATE_NAMES)}."
        )
        raise PlanError(message)


def _last_place(steps: Sequence[tuple[str, Step]], until: str | None) -> int:
    if until is None:
        return len(steps) - 1
    for place, (slot, step) in enumerate(steps):
        if until in (slot, step.provides, type(step).__name__):
            return place
    slots = [slot for slot, _ in steps]
    message = (
        f"There is no step {until!r}.{did_you_mean(str(until), slots)} Steps: {', '.join(slots)}."
    )
    raise PlanError(message)
