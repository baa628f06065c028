"""The steps of an earlier run, taken again when something is asked for that is not stored."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger, silence
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.errors import MissingFileError
from brainreg3d.state import Alignment, Image, Registration, State
from brainreg3d.steps import Step

LABELLING_SLOTS = ("Projector", "DepthResolver", "PixelLabeller")


@attrs.frozen(eq=False, slots=False)
class Chain:
    """What an earlier run did, done again only as far as it is needed.

    Parameters
    ----------
    steps : mapping of str to Step
        What fills the slots RegionSelector, Projector, DepthResolver and PixelLabeller.
    load : callable
        Returns the atlas.
    alignment : Alignment
        Where the image lies.
    image : Image or None
        The image, if it is there.
    brain_regions : tuple of str or int
        Regions as they were asked for.
    window_mask : numpy.ndarray of bool, shape (H, W), or None
        True inside the imaging window.
    lost_mask : str
        Why the window mask of the run is not there, empty if it is or there was none.
    registration : Registration or None
        Of the volume of the run.
    annotation_sha256 : str or None
        Hash of the annotation that the stored labels were made with.
    provenance : callable
        Returns what is recorded of how the result came about, from keyword ``atlas``.
    """

    steps: Mapping[str, Step] = attrs.field(repr=False)
    load: Callable[[], Atlas] = attrs.field(repr=False)
    alignment: Alignment
    image: Image | None = None
    brain_regions: tuple[str | int, ...] = ()
    window_mask: NDArray[np.bool_] | None = attrs.field(default=None, repr=False)
    lost_mask: str = ""
    registration: Registration | None = attrs.field(default=None, repr=False)
    annotation_sha256: str | None = None
    provenance: Callable[..., Mapping[str, Any]] = attrs.field(default=dict, repr=False)

    @functools.cached_property
    def atlas(self) -> Atlas:
        """The atlas, loaded when it is first asked for."""
        atlas = self.load()
        found = atlas.sha256.get("annotation")
        if self.annotation_sha256 and found and found != self.annotation_sha256:
            logger.warning(
                "The annotation of %s is another one than that of the run; what is computed now "
                "may differ from the stored labels.",
                atlas.full_name,
            )
        return atlas

    @functools.cached_property
    def regions(self) -> RegionSet:
        """The regions, looked up when they are first asked for."""
        state = State(
            image=self.image, brain_regions=self.brain_regions, atlas=self.atlas,
            alignment=self.alignment,
        )  # fmt: skip
        regions: Any = self._take("RegionSelector", state).regions
        chosen: RegionSet = regions
        return chosen

    @functools.cached_property
    def placed(self) -> State:
        """The state before anything is projected."""
        return State(
            image=self.image,
            brain_regions=self.brain_regions,
            window_mask=self.window_mask,
            atlas=self.atlas,
            regions=self.regions,
            provenance=self.provenance(atlas=self.atlas),
            registration=self.registration,
            alignment=self.alignment,
        )

    @functools.cached_property
    def labelled_quietly(self) -> State:
        """As `labelled`, without saying again what the run has said."""
        _ = self.placed  # what is said of atlas and regions is new
        with silence():
            return self.labelled

    @functools.cached_property
    def labelled(self) -> State:
        """The state after pixels were labelled, computed when it is first asked for."""
        self.check_mask()
        state = self.placed
        for slot in LABELLING_SLOTS:
            state = self._take(slot, state)
        return state

    def check_mask(self) -> None:
        """Raise if the window mask of the run is needed and lost.

        Raises
        ------
        MissingFileError
            With what to do about it.
        """
        if self.lost_mask:
            raise MissingFileError(self.lost_mask)

    def _take(self, slot: str, state: State) -> State:
        step = self.steps[slot]
        needs: dict[str, Any] = {name: getattr(state, name) for name in step.uses()}
        lacking = [name for name in step.needs() if needs[name] is None]
        if lacking:
            message = (
                f"{type(step).__name__} in slot {slot} needs {lacking[0]!r}, which no file of the "
                f"run brings back; give it (image=), or run the registration again."
            )
            raise MissingFileError(message)
        return attrs.evolve(state, **{step.provides: step.compute(**needs)})
