"""The state that steps share, and the results it holds.

Everything here is frozen: a step gets results and returns a new one, it never changes what it
was given. Arrays are read-only views.
"""

from brainreg3d.state.inputs import Image, Volume
from brainreg3d.state.results import LEFT, RIGHT, Alignment, Labels, Outputs, Registration
from brainreg3d.state.samples import (
    HiddenPixels,
    Projections,
    Samples,
    Visibility,
    VisibleSamples,
    cell_numbers,
)
from brainreg3d.state.state import INPUT_NAMES, RESULT_TYPES, State

__all__ = [
    "INPUT_NAMES",
    "LEFT",
    "RESULT_TYPES",
    "RIGHT",
    "Alignment",
    "HiddenPixels",
    "Image",
    "Labels",
    "Outputs",
    "Projections",
    "Registration",
    "Samples",
    "State",
    "Visibility",
    "VisibleSamples",
    "Volume",
    "cell_numbers",
]
