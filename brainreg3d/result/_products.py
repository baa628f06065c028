"""What the steps of a run made."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.atlas import Atlas, Region
from brainreg3d.confidence import Certainty
from brainreg3d.errors import BrainReg3DError, RegionError, did_you_mean
from brainreg3d.pose_sigma import PoseSigma
from brainreg3d.state import Alignment, Image, Projections, Registration, State, VisibleSamples
from brainreg3d.steps import Step

_MOST_NAMES = 20  # in an error message


class NotComputed(BrainReg3DError, AttributeError):  # noqa: N818 - a state, named as such
    """A result was asked for that the run did not get to."""


@attrs.frozen(eq=False, slots=False)
class Products:
    """What the steps of a run made; what was not computed is None.

    Parameters
    ----------
    state : State
        Inputs and the results of all steps.
    steps : mapping of str to Step
        The steps by slot.
    pose_sigma : PoseSigma, optional
        How uncertain the pose is, when the user said so.
    plots_folder : pathlib.Path, optional
        Where pictures of this run were saved.
    certainty : Certainty, optional
        How certain labels are, so that it is worked out once for files, pictures and the result.
    """

    state: State = attrs.field(repr=False)
    _steps: Mapping[str, Step] = attrs.field(factory=dict, repr=False)
    _pose_sigma: PoseSigma | None = attrs.field(default=None, repr=False)
    plots_folder: Path | None = attrs.field(default=None, repr=False)
    _certainty: Certainty | None = attrs.field(default=None, repr=False)

    @property
    def image(self) -> Image | None:
        """The image."""
        return self.state.image

    @property
    def atlas(self) -> Atlas | None:
        """The atlas."""
        return self.state.atlas

    @property
    def regions(self) -> tuple[Region, ...] | None:
        """The regions in the order asked for, those without a pixel included."""
        return None if self.state.regions is None else self.state.regions.regions

    @property
    def registration(self) -> Registration | None:
        """The registration of the 3D volume."""
        return self.state.registration

    @property
    def alignment(self) -> Alignment | None:
        """Where the image lies."""
        return self.state.alignment

    @property
    def projections(self) -> Projections | None:
        """Samples of the regions on the image, visible or not."""
        return self.state.projections

    @property
    def visible(self) -> VisibleSamples | None:
        """The samples nearest to the camera."""
        return self.state.visible

    @property
    def labels(self) -> NDArray[np.uint16] | None:
        """Region of every pixel, shape (H, W): 0 for none, else 1 + index into `regions`."""
        return None if self.state.labels is None else self.state.labels.labels

    @functools.cached_property
    def masks(self) -> NDArray[np.bool_] | None:
        """One mask for each region, shape (R, H, W)."""
        if self.labels is None or self._acronyms is None:
            return None
        numbers = np.arange(1, len(self._acronyms) + 1, dtype=self.labels.dtype)
        masks: NDArray[np.bool_] = read_only(self.labels[None] == numbers[:, None, None])
        return masks

    @property
    def hemisphere(self) -> NDArray[np.uint8] | None:
        """Side of every pixel, shape (H, W): 1 left, 2 right, 0 where no side is seen.

        That is off the brain and outside the window mask; with ``occluders="regions"`` also where
        none of the regions lies, whatever other tissue there is.
        """
        return None if self.state.labels is None else self.state.labels.hemisphere

    @property
    def depth_mm(self) -> NDArray[np.float32] | None:
        """Distance of the tissue below the image plane, shape (H, W); NaN where none is seen.

        That is where `hemisphere` is 0: off the brain, outside the window mask, and with
        ``occluders="regions"`` where none of the regions lies.
        """
        return None if self.state.labels is None else self.state.labels.depth_mm

    @property
    def unseen(self) -> Mapping[str, str] | None:
        """Acronyms of the regions without a pixel, and why."""
        return None if self.state.labels is None else self.state.labels.unseen

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that were written, by kind; empty when nothing was."""
        written = (self.state.volume_outputs, self.state.outputs)
        return {k: path for outputs in written if outputs for k, path in outputs.files.items()}

    def mask(self, acronym: str) -> NDArray[np.bool_]:
        """Return the mask of one region.

        Parameters
        ----------
        acronym : str
            One of the regions of the run.

        Returns
        -------
        numpy.ndarray of bool, shape (H, W)
            True inside the region.

        Raises
        ------
        RegionError
            If the region was not part of the run.
        NotComputed
            If the run ended before the labels.
        """
        labels, names = self._labelled()
        if acronym not in names:
            shown = ", ".join(names[:_MOST_NAMES]) + (" ..." if len(names) > _MOST_NAMES else "")
            message = f"{acronym!r} is not among the regions of this run, {shown}."
            raise RegionError(message + did_you_mean(acronym, names))
        mask: NDArray[np.bool_] = read_only(labels == names.index(acronym) + 1)
        return mask

    def _placed(self) -> tuple[Atlas, Alignment]:
        if self.atlas is None or self.alignment is None:
            message = "The run ended before the image was placed; call run() without until=."
            raise NotComputed(message)
        return self.atlas, self.alignment

    @property
    def _acronyms(self) -> tuple[str, ...] | None:
        """Names of the regions that labels stand for."""
        return None if self.state.regions is None else self.state.regions.acronyms

    def _labelled(self) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
        """Return the labels and the names of what they stand for."""
        if self.labels is None or self._acronyms is None:
            message = "The run ended before pixels were labelled; call run() without until=."
            raise NotComputed(message)
        return self.labels, self._acronyms
