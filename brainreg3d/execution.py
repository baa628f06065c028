"""Carrying out a plan: step after step, with what happens between them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import attrs

from brainreg3d.confidence import Certainty
from brainreg3d.destination import plots_folder, results_folder
from brainreg3d.errors import RegistrationFailed
from brainreg3d.export import exporters_of
from brainreg3d.pictures import Pictures
from brainreg3d.placement import place_for_alignment, save_alignment
from brainreg3d.plan import Plan, PlannedStep
from brainreg3d.pose_sigma import PoseSigma
from brainreg3d.provenance import describe_run
from brainreg3d.result import Result
from brainreg3d.runner import Runner
from brainreg3d.state import Alignment, State
from brainreg3d.steps import MaskWriter, Projector, Step


@attrs.frozen(eq=False)
class Execution:
    """One run of a plan.

    Parameters
    ----------
    runner : Runner
        Remembers the results of earlier runs.
    plan : Plan
        The steps.
    redo : collection of str
        Slots to run though nothing has changed.
    method : str
        Recorded in the run file.
    verbose : bool or "save"
        Show every intermediate result, or save its picture.
    auto_contrast : bool
        Whether pictures show images by their own range of values.
    window_mask : path-like or None
        File of the window mask, to be recorded.
    alignment_file : pathlib.Path or None
        Where an alignment is saved, wherever it comes from. When not given, one that was placed
        by hand is saved among the results.
    pose_sigma : PoseSigma or None
        How uncertain the pose is; what its alignment says when not given.
    """

    runner: Runner
    plan: Plan
    redo: Collection[str] = attrs.field(kw_only=True)
    method: str = attrs.field(kw_only=True)
    verbose: bool | str = attrs.field(kw_only=True)
    auto_contrast: bool = attrs.field(kw_only=True)
    window_mask: str | Path | None = attrs.field(kw_only=True)
    alignment_file: Path | None = attrs.field(kw_only=True)
    pose_sigma: PoseSigma | None = attrs.field(default=None, kw_only=True)

    @property
    def steps(self) -> dict[str, Step]:
        """The steps that run, by slot."""
        return {entry.slot: entry.step for entry in self.plan.running}

    def run(self, state: State) -> Result:
        """Run the steps.

        Parameters
        ----------
        state : State
            The inputs.

        Returns
        -------
        Result
            Of all steps that ran.

        Raises
        ------
        BrainReg3DError
            If a step fails.
        """
        folder, certainty = plots_folder(self.plan, state), None
        with Pictures.of(self.verbose, folder, self.auto_contrast) as pictures:
            for entry in self.plan.running:
                try:
                    state = self._run_step(entry, state, certainty)
                except RegistrationFailed as error:
                    raise pictures.explained(error, state) from error
                pictures.draw(entry.step.provides, state)
                if entry.step.provides == "labels":
                    certainty = Certainty.of(state, self.steps, self.pose_sigma)
                    pictures.draw_confidence(state, certainty)
        plots = folder if self.verbose == "save" else None
        return Result(state, self.steps, self.pose_sigma, plots, certainty)

    def _run_step(self, entry: PlannedStep, state: State, certainty: Certainty | None) -> State:
        step = entry.step
        if self.verbose and isinstance(step, Projector) and step.sampling == "rays":
            # Hidden layers are for the pictures only; labels are the same.
            entry = attrs.evolve(entry, step=step.replace(layers="all"))
        if "provenance" in step.uses():
            state = attrs.evolve(state, provenance=self._provenance(state))
        if isinstance(step, MaskWriter):
            entry = attrs.evolve(entry, step=_equipped(step, certainty))
        state, is_new = self.runner.run(entry, state, self.redo)
        result = getattr(state, step.provides)
        if is_new and isinstance(result, Alignment):
            self._save(result, state)
        return state

    def _save(self, alignment: Alignment, state: State) -> None:
        """Save what cannot be computed again, and what was asked for, before anything else."""
        if self.alignment_file is not None:
            save_alignment(self.alignment_file, state)
        elif alignment.source == "window":
            save_alignment(place_for_alignment(self.plan, state.image), state)

    def _provenance(self, state: State) -> dict[str, Any]:
        chain = [(entry.slot, entry.step) for entry in self.plan.running]
        folder = results_folder(self.plan, state) or Path()
        return describe_run(
            state,
            chain,
            self.method,
            folder,
            window_mask=self.window_mask,
            pose_sigma=self.pose_sigma,
        )


def _equipped(writer: MaskWriter, certainty: Certainty | None) -> MaskWriter:
    """Hand a writer what it cannot import: exporters, and how certain labels are."""
    certain = None if certainty is None else lambda: certainty.confidence
    exporters = exporters_of(writer.formats, writer.exporters)
    return writer.replace(exporters=exporters, certain=certain)
