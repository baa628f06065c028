"""The mask of each region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from brainreg3d.atlas import Atlas, Region, RegionSet
from brainreg3d.state import Alignment, Labels
from brainreg3d.views.many import choose_largest, left_out_line
from brainreg3d.views.panels import PanelPage
from brainreg3d.views.regions_on_image import TISSUE, draw_path, outline_path
from brainreg3d.views.sheet import show_pixels, thin_out
from brainreg3d.views.style import (
    INK,
    OFF_BRAIN,
    atlas_line,
    color_table,
    region_color,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def draw_masks(
    labels: Labels,
    regions: RegionSet,
    alignment: Alignment,
    *,
    atlas: Atlas | None = None,
) -> Figure:
    """Draw the mask of each region in a panel of its own.

    Parameters
    ----------
    labels : Labels
        The region of every pixel.
    regions : RegionSet
        What the labels stand for.
    alignment : Alignment
        For areas, scale bar and compass.
    atlas : Atlas, optional
        Named below the picture.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. A region without a pixel has an empty panel; why, stands below. Of very many
        regions only the largest that are seen have one.
    """
    view = alignment.view
    pixel_mm2 = view.pixel_size_mm[0] * view.pixel_size_mm[1]
    counts = np.bincount(labels.labels.ravel(), minlength=len(regions) + 1)[1:]
    drawn = choose_largest(counts)
    headings = [
        (regions[place].acronym, _heading(regions[place], int(counts[place]), pixel_mm2, labels))
        for place in drawn
    ]
    shown_names = {acronym for acronym, _ in headings}
    captions = [
        "Grey: other brain tissue; light grey: no brain",
        *left_out_line(len(drawn), len(regions), "pixels"),
        *(f"{name}: {why}" for name, why in labels.unseen.items() if name in shown_names),
        *atlas_line(atlas),
    ]
    shape = labels.labels.shape
    title = "Mask of each region"
    page = PanelPage(shape, view.pixel_size_mm, title, headings, captions, view.pose)
    figure, panels = page.draw()
    (shown, side), step, extent = thin_out(panels[0], labels.labels, labels.hemisphere)
    for axes, place in zip(panels, drawn, strict=True):
        mask = shown == place + 1
        table = color_table(OFF_BRAIN, TISSUE, region_color(regions[place]))
        show_pixels(axes, table[np.where(mask, 2, side > 0)], extent=extent)
        if mask.any():
            draw_path(axes, outline_path(mask, step=step), INK, 0.5)
        elif counts[place]:  # finer than the panel: only its outline can show it
            draw_path(axes, outline_path(labels.labels == place + 1), INK, 0.5)
    return figure


def _heading(region: Region, count: int, pixel_mm2: float, labels: Labels) -> str:
    if count == 0:
        return "no pixel (see below)" if region.acronym in labels.unseen else "no pixel"
    return f"{count:,} px, {count * pixel_mm2:.3g} mm²"
