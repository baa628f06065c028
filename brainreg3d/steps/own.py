"""The package's own steps that run files name."""

from __future__ import annotations

from brainreg3d.steps.base import Step
from brainreg3d.steps.depth import DepthResolver
from brainreg3d.steps.label import PixelLabeller
from brainreg3d.steps.project import Projector
from brainreg3d.steps.regions import RegionSelector
from brainreg3d.steps.template import LocalTemplateSource, TemplateSource
from brainreg3d.steps.write import MaskWriter

OWN_STEPS: dict[str, type[Step]] = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for kind in (
        TemplateSource,
        LocalTemplateSource,
        RegionSelector,
        Projector,
        DepthResolver,
        PixelLabeller,
        MaskWriter,
    )
}
"""Classes by the names that run files have for them; those that place images are not repeated."""
