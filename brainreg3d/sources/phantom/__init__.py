"""A synthetic mouse-brain atlas, made by code.

The phantom lets everything be tried and tested without a download: it has Allen's acronyms, ids
and colours, about the right sizes and places, a known truth at every point, and a marker in its
right hemisphere that shows up on the wrong side if anything swaps left and right. It shows no
real brain, and says so in everything made from it.
"""

from brainreg3d.sources.phantom._shape import PHANTOM_BOX_MM
from brainreg3d.sources.phantom.atlas import (
    MARKER_CENTER_MM,
    PHANTOM_CITATION,
    PHANTOM_RESOLUTIONS_UM,
    PHANTOM_SPECIES,
    PHANTOM_VERSION,
    make_phantom_annotation,
    make_phantom_atlas,
    make_phantom_template,
)
from brainreg3d.sources.phantom.image import demo_view, phantom_window_mask, render_phantom_image
from brainreg3d.sources.phantom.structures import MARKER_ACRONYM, MARKER_ID, phantom_structures
from brainreg3d.sources.phantom.truth import phantom_structure_at, true_labels

__all__ = [
    "MARKER_ACRONYM",
    "MARKER_CENTER_MM",
    "MARKER_ID",
    "PHANTOM_BOX_MM",
    "PHANTOM_CITATION",
    "PHANTOM_RESOLUTIONS_UM",
    "PHANTOM_SPECIES",
    "PHANTOM_VERSION",
    "demo_view",
    "make_phantom_annotation",
    "make_phantom_atlas",
    "make_phantom_template",
    "phantom_structure_at",
    "phantom_structures",
    "phantom_window_mask",
    "render_phantom_image",
    "true_labels",
]
