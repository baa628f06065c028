"""The pose in numbers, as the window shows it."""

from __future__ import annotations

from brainreg3d.atlas import find_bregma
from brainreg3d.gui.controller import AlignmentController
from brainreg3d.gui.keys import BINDINGS
from brainreg3d.steps.base import AlignmentScene


def pose_lines(scene: AlignmentScene, controller: AlignmentController) -> list[str]:
    """Return what is to be known of the placement now.

    Parameters
    ----------
    scene : AlignmentScene
        The image and the brain.
    controller : AlignmentController
        Holds the placement.

    Returns
    -------
    list of str
        Short lines.
    """
    view, pose = controller.view, controller.pose
    preset = find_bregma(scene.bregma)
    ml, ap, dv = preset.from_atlas_mm(pose.center_mm, scene.atlas.grid.box_mm).tolist()
    row_um, col_um = (1000.0 * size for size in view.pixel_size_mm)
    height, width = (n * size for n, size in zip(view.shape, view.pixel_size_mm, strict=True))
    distance = view.camera.distance_mm
    camera = "parallel rays" if distance is None else f"{distance:.0f} mm away"
    yaw, pitch, roll = (_signed(a, 1) for a in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
    turned = f"turned  yaw {yaw}°  pitch {pitch}°  roll {roll}°"
    locked = " (locked)" if controller.scale_locked else ""
    return [
        f"centre  ML {_signed(ml, 2)}  AP {_signed(ap, 2)}  DV {_signed(dv, 2)} mm",
        f"{turned}  mirrored" if pose.mirrored else turned,
        f"pixel   {col_um:.2f} x {row_um:.2f} µm{locked}",
        f"image   {width:.2f} x {height:.2f} mm",
        f"camera  {camera}",
        f"opacity {controller.opacity:.0%}   bregma {scene.bregma}",
    ]


def title(scene: AlignmentScene) -> str:
    """Return what is being placed on what.

    Parameters
    ----------
    scene : AlignmentScene
        The image and the brain.

    Returns
    -------
    str
        One line.
    """
    return f"{scene.image.stem} on {scene.atlas.title}"


def key_lines(controller: AlignmentController) -> tuple[list[str], list[str]]:
    """Return the keys and what they do.

    Parameters
    ----------
    controller : AlignmentController
        Says whether the user wants to see all of them.

    Returns
    -------
    keys, meanings : list of str
        Line by line.
    """
    if not controller.keys_shown:
        return ["h", "Enter", "Esc"], ["keys", "accept", "cancel"]
    return [binding.shown for binding in BINDINGS], [binding.meaning for binding in BINDINGS]


def _signed(value: float, digits: int) -> str:
    """Write a number with its sign, as columns of numbers need it."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")
