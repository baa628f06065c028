"""Letters of the anatomical directions at the edges of a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d.views.planes import Plane
from brainreg3d.views.style import INK, SMALL_PT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INSET_PT = 6.0


def draw_edge_letters(axes: Axes, plane: Plane) -> None:
    """Write at each edge of a plane where it points to.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Holds the plane as it is looked at.
    plane : Plane
        Which plane.
    """
    from matplotlib.patheffects import withStroke

    corners = ((0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0))
    insets = ((1, 0), (-1, 0), (0, 1), (0, -1))
    for letter, corner, inset in zip(plane.edges, corners, insets, strict=True):
        axes.annotate(
            letter,
            corner,
            xycoords="axes fraction",
            xytext=(inset[0] * _INSET_PT, inset[1] * _INSET_PT),
            textcoords="offset points",
            ha="center",
            va="center",
            size=SMALL_PT,
            weight="bold",
            color="white",
            path_effects=[withStroke(linewidth=1.8, foreground=INK)],
        )
