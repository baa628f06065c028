"""Drawings: one function for each result; each returns a figure and shows nothing.

Nothing heavy is imported before something is drawn, and pyplot only where windows are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d._lazy import attach

if TYPE_CHECKING:
    from brainreg3d.views.atlas import draw_atlas
    from brainreg3d.views.confidence import draw_confidence
    from brainreg3d.views.cut import draw_cut
    from brainreg3d.views.depth import draw_depth
    from brainreg3d.views.figures import save_figure, show_figures
    from brainreg3d.views.image import draw_image
    from brainreg3d.views.labels import draw_labels
    from brainreg3d.views.maps import draw_maps
    from brainreg3d.views.masks import draw_masks
    from brainreg3d.views.overlay import draw_overlay
    from brainreg3d.views.projections import draw_projections
    from brainreg3d.views.registration import draw_registration
    from brainreg3d.views.rendering import can_render_3d
    from brainreg3d.views.transfer import draw_blink, draw_checkerboard, save_blink

__all__ = [
    "can_render_3d",
    "draw_atlas",
    "draw_blink",
    "draw_checkerboard",
    "draw_confidence",
    "draw_cut",
    "draw_depth",
    "draw_image",
    "draw_labels",
    "draw_maps",
    "draw_masks",
    "draw_overlay",
    "draw_projections",
    "draw_registration",
    "save_blink",
    "save_figure",
    "show_figures",
]

_MODULES = {
    "can_render_3d": "rendering",
    "draw_atlas": "atlas",
    "draw_blink": "transfer",
    "draw_checkerboard": "transfer",
    "draw_confidence": "confidence",
    "draw_cut": "cut",
    "draw_depth": "depth",
    "draw_image": "image",
    "draw_labels": "labels",
    "draw_maps": "maps",
    "draw_masks": "masks",
    "draw_overlay": "overlay",
    "draw_projections": "projections",
    "draw_registration": "registration",
    "save_blink": "transfer",
    "save_figure": "figures",
    "show_figures": "figures",
}

__getattr__, __dir__ = attach(__name__, _MODULES)
