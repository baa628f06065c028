"""What each key makes the controller do, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brainreg3d.gui.controller import AlignmentController

NUDGE_MM = 0.1
TURN_DEG = 1.0
TILT_DEG = 1.0
SCALE_STEP = 0.01
OPACITY_STEP = 0.1
ZOOM_STEP = 0.1
FINE = 0.1  # what Shift makes of a step


def actions_of_keys(controller: AlignmentController, share: float) -> dict[str, Callable[[], None]]:
    """Return what the keys do.

    Parameters
    ----------
    controller : AlignmentController
        What they act on.
    share : float
        What share of a whole step is wanted.

    Returns
    -------
    dict of str to callable
        By the names that `brainreg3d.gui.keys.canonical_key` gives.
    """
    step, tilt, turn = share * NUDGE_MM, share * TILT_DEG, share * TURN_DEG
    return {
        "left": lambda: controller.nudge(-step, 0.0),
        "right": lambda: controller.nudge(step, 0.0),
        "up": lambda: controller.nudge(0.0, step),
        "down": lambda: controller.nudge(0.0, -step),
        "pageup": lambda: controller.raise_by(step),
        "pagedown": lambda: controller.raise_by(-step),
        "[": lambda: controller.rotate(turn),
        "]": lambda: controller.rotate(-turn),
        "i": lambda: controller.tilt(top_deg=tilt),
        "k": lambda: controller.tilt(top_deg=-tilt),
        "j": lambda: controller.tilt(right_deg=tilt),
        "l": lambda: controller.tilt(right_deg=-tilt),
        "+": lambda: controller.scale(1.0 + SCALE_STEP),
        "-": lambda: controller.scale(1.0 / (1.0 + SCALE_STEP)),
        "u": controller.toggle_lock,
        "f": controller.mirror,
        ",": lambda: controller.fade(-OPACITY_STEP),
        ".": lambda: controller.fade(OPACITY_STEP),
        "b": lambda: controller.toggle("image_shown"),
        "o": lambda: controller.toggle("outlines_shown"),
        "m": lambda: controller.toggle("matched_shown"),
        "h": lambda: controller.toggle("keys_shown"),
        "c": lambda: controller.pan_to(controller.pose.center_mm),
        "v": lambda: controller.toggle("looking_around"),
        "z": controller.undo,
        "y": controller.redo,
        "r": controller.reset,
        "enter": controller.accept,
        "escape": controller.cancel,
        "q": controller.cancel,
    }
