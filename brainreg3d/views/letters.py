"""Letters of the anatomical directions at the edges of a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brainreg3d.views.planes import Plane
from brainreg3d.views.style import INK, SMALL_PT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INSET_IN = 0.085


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
    from matplotlib.transforms import ScaledTranslation

    figure: Any = axes.figure
    places = ((0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0))
    inwards = ((1, 0), (-1, 0), (0, 1), (0, -1))
    for letter, (x, y), (right, up) in zip(plane.edges, places, inwards, strict=True):
        inset = ScaledTranslation(right * _INSET_IN, up * _INSET_IN, figure.dpi_scale_trans)
        axes.text(
            x,
            y,
            letter,
            transform=axes.transAxes + inset,
            ha="center",
            va="center",
            size=SMALL_PT,
            weight="bold",
            color="white",
            path_effects=[withStroke(linewidth=1.8, foreground=INK)],
        )
