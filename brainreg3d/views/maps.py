"""How an image sees the surface of the brain: at which angle, how much of it, and how deep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.maps import MAX_INCIDENCE_DEG, SurfaceMaps
from brainreg3d.state import Alignment, Labels
from brainreg3d.views.depth import BAR_IN, draw_color_bar
from brainreg3d.views.panels import PanelPage
from brainreg3d.views.regions_on_image import draw_path, mark_regions
from brainreg3d.views.sheet import show_pixels, thin_out
from brainreg3d.views.style import INK, OFF_BRAIN, atlas_line, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UM2_IN_MM2 = 1e6
_SHOWN_SHARE = 0.98  # of the areas; the few at the rim, ten times as large, take the last colour
_HEADINGS = (
    ("a  Incidence", "degrees between ray and surface normal"),
    ("b  Surface in a pixel", f"µm²; none beyond {MAX_INCIDENCE_DEG:g} degrees"),
    ("c  Depth of the surface", "mm below the image plane"),
)


@styled
def draw_maps(
    maps: SurfaceMaps,
    labels: Labels,
    regions: RegionSet,
    *,
    alignment: Alignment | None = None,
    atlas: Atlas | None = None,
) -> Figure:
    """Draw at which angle pixels see the surface, how much of it, and how deep it lies.

    Parameters
    ----------
    maps : SurfaceMaps
        Of the image.
    labels : Labels
        Depths, and outlines of the regions.
    regions : RegionSet
        What the labels stand for.
    alignment : Alignment, optional
        For the compass.
    atlas : Atlas, optional
        Named below the picture.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels.
    """
    page = PanelPage(
        maps.view.shape,
        maps.view.pixel_size_mm,
        "How the image sees the surface of the brain",
        _HEADINGS,
        [_summary(maps), *atlas_line(atlas)],
        None if alignment is None else alignment.view.pose,
        columns=2,
        right_in=BAR_IN,
    )
    figure, panels = page.draw()
    area_um2 = maps.area_mm2 * _UM2_IN_MM2
    known = area_um2[np.isfinite(area_um2)]
    most = float(np.quantile(known, _SHOWN_SHARE)) if known.size else None
    for axes, values, colors, limits in (
        (panels[0], maps.incidence_deg, "magma", (0.0, 90.0)),
        (panels[1], area_um2, "viridis", (None, most)),
        (panels[2], labels.depth_mm, "viridis_r", (None, None)),
    ):
        _draw_map(figure, axes, values, colors, limits)
    marked = mark_regions(labels, regions, maps.view.pixel_size_mm)
    for axes, ink in zip(panels, ("white", "white", INK), strict=True):
        for _, path in marked.outlines:
            draw_path(axes, path, ink, 0.4)
    return figure


def _draw_map(
    figure: Figure,
    axes: Axes,
    values: NDArray[Any],
    colors: str,
    limits: tuple[float | None, float | None],
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    known = values[np.isfinite(values)]
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    low, high = (end if limit is None else limit for end, limit in zip(ends, limits, strict=True))
    cmap = colormaps[colors].with_extremes(bad=OFF_BRAIN)
    norm = Normalize(low, high if high > low else low + 1.0)
    (shown,), _, extent = thin_out(axes, values)
    masked = np.ma.masked_invalid(shown)
    show_pixels(axes, masked, cmap=cmap, norm=norm, extent=extent, vmin=None, vmax=None)
    draw_color_bar(figure, axes, cmap, norm)


def _summary(maps: SurfaceMaps) -> str:
    """Say how much surface the whole image sees, and how much flat field it covers."""
    if not np.isfinite(maps.incidence_deg).any():
        return "The image sees no brain."
    middle = float(np.nanmedian(maps.incidence_deg))
    area_mm2 = float(np.nansum(maps.area_mm2))
    height_mm, width_mm = maps.view.pixel_size_mm
    flat_mm2 = np.isfinite(maps.incidence_deg).sum() * height_mm * width_mm
    return (
        f"{area_mm2:.2f} mm² of surface on {flat_mm2:.2f} mm² of the image; half of the pixels see "
        f"it at more than {middle:.0f} degrees."
    )
