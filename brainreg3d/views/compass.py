"""Which way the animal's axes point in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from brainreg3d.geometry import Pose
from brainreg3d.views.layout import add_axes
from brainreg3d.views.style import INK, SMALL_PT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))  # both ends of the atlas axes x, y, z
COMPASS_IN = 0.56


def compass_directions(pose: Pose) -> dict[str, tuple[float, float]]:
    """Return where anatomical directions point in an image.

    Parameters
    ----------
    pose : Pose
        Where the image plane lies.

    Returns
    -------
    dict of str to (float, float)
        For the letters of the two atlas axes that lie flattest in the image (of R/L, A/P and
        S/I), their direction as (to the right, down) in the image. The vectors are
        shorter than 1 where an axis is tilted out of the image plane; the third axis, which
        points along the view, is left out. Two are enough, and they are never closer than 60
        degrees to each other.
    """
    in_plane = pose.axes[:2].T  # a row for each atlas axis: (along columns, along rows)
    lengths = np.linalg.norm(in_plane, axis=1)
    flattest = sorted(np.argsort(-lengths, kind="stable")[:2].tolist())
    directions = {}
    for axis in flattest:
        right, down = (float(value) for value in in_plane[axis])
        positive, negative = _LETTERS[axis]
        directions[positive] = (right, down)
        directions[negative] = (-right, -down)
    return directions


def draw_compass(figure: Figure, pose: Pose, left_in: float, top_in: float) -> None:
    """Draw a cross with the letters of the anatomical directions.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Where to draw.
    pose : Pose
        Where the image plane lies.
    left_in, top_in : float
        Upper left corner of the square it takes, in inches from that of the figure.
    """
    axes = add_axes(figure, left_in, top_in, COMPASS_IN, COMPASS_IN)
    axes.set_axis_off()
    axes.set_xlim(-1.3, 1.3)
    axes.set_ylim(1.3, -1.3)
    for letter, (right, down) in compass_directions(pose).items():
        length = float(np.hypot(right, down))
        axes.plot([0, 0.62 * right], [0, 0.62 * down], color=INK, lw=1.0, solid_capstyle="butt")
        axes.text(
            right / length * (0.62 * length + 0.4),
            down / length * (0.62 * length + 0.4),
            letter,
            ha="center",
            va="center_baseline",
            size=SMALL_PT,
            weight="bold",
            color=INK,
        )
