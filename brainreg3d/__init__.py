"""Put a cortical window image, or a whole-brain volume, onto the Allen mouse brain.

Names are imported when first used, so that ``import brainreg3d`` is quick.

Examples
--------
>>> from brainreg3d import BrainReg3D
>>> BrainReg3D("image.tif", image_dims_mm=(6.25, 4)).run()  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d._lazy import attach
from brainreg3d._version import __version__

if TYPE_CHECKING:
    from brainreg3d.atlas import Atlas
    from brainreg3d.errors import BrainReg3DError
    from brainreg3d.export.napari import napari_layers
    from brainreg3d.geometry import Camera, ImageView, Pose
    from brainreg3d.lookup import look_up_rois
    from brainreg3d.pipeline import BrainReg3D
    from brainreg3d.reload import load_registration_result
    from brainreg3d.result import Result
    from brainreg3d.sources import load_atlas
    from brainreg3d.steps import LocalTemplateSource, Step
    from brainreg3d.traces import region_traces

__all__ = [
    "Atlas",
    "BrainReg3D",
    "BrainReg3DError",
    "Camera",
    "ImageView",
    "LocalTemplateSource",
    "Pose",
    "Result",
    "Step",
    "__version__",
    "load_atlas",
    "load_registration_result",
    "look_up_rois",
    "napari_layers",
    "region_traces",
]

_MODULES = {
    "Atlas": "atlas",
    "BrainReg3D": "pipeline",
    "BrainReg3DError": "errors",
    "Camera": "geometry",
    "ImageView": "geometry",
    "LocalTemplateSource": "steps",
    "Pose": "geometry",
    "Result": "result",
    "Step": "steps",
    "load_atlas": "sources",
    "load_registration_result": "reload",
    "look_up_rois": "lookup",
    "napari_layers": "export.napari",
    "region_traces": "traces",
}

__getattr__, __dir__ = attach(__name__, _MODULES)
