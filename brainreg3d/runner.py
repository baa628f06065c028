"""Running steps, each only when something it depends on has changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import attrs

from brainreg3d._logging import logger
from brainreg3d.errors import PlanError
from brainreg3d.io.fingerprint import fingerprint
from brainreg3d.plan import PlannedStep
from brainreg3d.state import RESULT_TYPES, State
from brainreg3d.steps import Step


@attrs.frozen(eq=False)
class _Done:
    """A result, what it was made from, and its number in the order of making.

    The step and its needs are kept: marks may hold the identity of objects, which is of use only
    as long as these are alive.
    """

    mark: str
    result: Any
    number: int
    made_from: tuple[Step, dict[str, Any]]


class Runner:
    """Runs steps and remembers their results.

    Inputs count as changed when their content has; results of earlier steps when they were made
    again.
    """

    def __init__(self) -> None:
        self._done: dict[str, _Done] = {}
        self._count = 0

    def result(self, slot: str) -> Any:
        """Return the latest result of a slot.

        Parameters
        ----------
        slot : str
            Name of the slot.

        Returns
        -------
        object
            None if it has not run.
        """
        done = self._done.get(slot)
        return None if done is None else done.result

    def run(self, entry: PlannedStep, state: State, redo: Collection[str]) -> tuple[State, bool]:
        """Run one step, or take its earlier result if nothing has changed.

        Parameters
        ----------
        entry : PlannedStep
            The step in its slot.
        state : State
            Inputs and earlier results.
        redo : collection of str
            Slots to run though nothing has changed.

        Returns
        -------
        state : State
            With the result of the step.
        is_new : bool
            Whether the step ran.
        """
        step = entry.step
        needs = {name: getattr(state, name) for name in step.uses()}
        mark = self._mark(step, needs)
        earlier = self._done.get(entry.slot)
        if earlier is not None and entry.slot not in redo:
            if earlier.mark == mark and step.is_current(earlier.result):
                return attrs.evolve(state, **{step.provides: earlier.result}), False
            kept = step.kept(earlier.result, **needs)
            if kept is not None:
                is_new = self._keep(entry.slot, mark, kept, (step, needs))
                return attrs.evolve(state, **{step.provides: self.result(entry.slot)}), is_new
        logger.info("Running %s.", entry.slot)
        result = step.compute(**needs)
        expected = RESULT_TYPES[step.provides]
        if not issubclass(type(result), expected):
            message = (
                f"{type(step).__name__}.compute returned {type(result).__name__}; a step that "
                f"provides {step.provides!r} returns {expected.__name__}."
            )
            raise PlanError(message)
        self._count += 1
        self._done[entry.slot] = _Done(mark, result, self._count, (step, needs))
        return attrs.evolve(state, **{step.provides: result}), True

    def _keep(
        self, slot: str, mark: str, kept: Any, made_from: tuple[Step, dict[str, Any]]
    ) -> bool:
        """Remember what was kept; tell whether it differs, so that later steps run again."""
        earlier = self._done[slot]
        is_new = bool(kept != earlier.result)
        self._count += is_new
        number = self._count if is_new else earlier.number
        result = kept if is_new else earlier.result
        self._done[slot] = _Done(mark, result, number, made_from)
        return is_new

    def _mark(self, step: Step, needs: dict[str, Any]) -> str:
        made = {id(done.result): done.number for done in self._done.values()}
        content = {name: made.get(id(value), value) for name, value in needs.items()}
        kind = type(step)
        return fingerprint([id(kind), kind.__qualname__, step.version, step.parameters(), content])
