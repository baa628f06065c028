"""The state that steps share: inputs, then one result for each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state.inputs import Image, Volume
from brainreg3d.state.results import Alignment, Labels, Outputs, Registration
from brainreg3d.state.samples import Projections, VisibleSamples


@attrs.frozen(eq=False)
class State:
    """What is known during a run: the inputs, then one result for each step.

    Parameters
    ----------
    image : Image or None
        The 2D image.
    volume : Volume or None
        The 3D volume.
    brain_regions : tuple of str or int
        Regions as the user named them.
    pixel_size_mm : tuple of float or None
        (row, column) pixel size that was given explicitly.
    window_mask : numpy.ndarray of bool, shape (H, W), or None
        True inside the imaging window.
    provenance : mapping
        What is to be recorded of the run: steps with their parameters, input files, versions.
    atlas : Atlas or None
        Result of TemplateSource.
    regions : RegionSet or None
        Result of RegionSelector.
    registration : Registration or None
        Result of RigidRegistrar.
    alignment : Alignment or None
        Result of ManualAligner.
    projections : Projections or None
        Result of Projector.
    visible : VisibleSamples or None
        Result of DepthResolver.
    labels : Labels or None
        Result of PixelLabeller.
    outputs : Outputs or None
        Result of MaskWriter.
    volume_outputs : Outputs or None
        Result of VolumeWriter.
    """

    image: Image | None = None
    volume: Volume | None = None
    brain_regions: tuple[str | int, ...] = ()
    pixel_size_mm: tuple[float, float] | None = None
    window_mask: NDArray[np.bool_] | None = attrs.field(
        default=None, converter=read_only, repr=False
    )
    provenance: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    atlas: Atlas | None = None
    regions: RegionSet | None = None
    registration: Registration | None = None
    alignment: Alignment | None = None
    projections: Projections | None = None
    visible: VisibleSamples | None = None
    labels: Labels | None = None
    outputs: Outputs | None = None
    volume_outputs: Outputs | None = None


INPUT_NAMES = (
    "image",
    "volume",
    "brain_regions",
    "pixel_size_mm",
    "window_mask",
    "provenance",
)
"""Fields of `State` that the user provides; the others are made by steps."""

RESULT_TYPES: dict[str, type] = {
    "atlas": Atlas,
    "regions": RegionSet,
    "registration": Registration,
    "volume_outputs": Outputs,
    "alignment": Alignment,
    "projections": Projections,
    "visible": VisibleSamples,
    "labels": Labels,
    "outputs": Outputs,
}
"""What a step that provides a field of `State` returns."""
