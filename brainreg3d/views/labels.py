"""The label image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import Alignment, Labels
from brainreg3d.views.many import list_names
from brainreg3d.views.names import draw_names
from brainreg3d.views.regions_on_image import colored_labels, draw_path, mark_regions
from brainreg3d.views.sheet import ImagePage, show_pixels, thin_out
from brainreg3d.views.style import INK, atlas_line, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def draw_labels(
    labels: Labels,
    regions: RegionSet,
    alignment: Alignment,
    *,
    atlas: Atlas | None = None,
) -> Figure:
    """Draw a label image in the colours of the atlas, with names and a legend.

    Parameters
    ----------
    labels : Labels
        The region of every pixel.
    regions : RegionSet
        What the labels stand for.
    alignment : Alignment
        For the scale bar and the compass.
    atlas : Atlas, optional
        Named below the picture.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. Thin lines part regions, as the atlas gives neighbours the same colour.
    """
    view, shape = alignment.view, labels.labels.shape
    marked = mark_regions(labels, regions, view.pixel_size_mm)
    seen = [region for region in regions if region.acronym not in labels.unseen]
    captions = ["Grey: brain outside these regions; light grey: no brain"]
    if labels.unseen:
        captions.append(f"Without a pixel: {list_names(labels.unseen)}")
    captions += atlas_line(atlas)
    page = ImagePage(shape, view.pixel_size_mm, "Region of every pixel", view.pose, seen, captions)
    figure, axes = page.draw()
    (shown, side), _, extent = thin_out(axes, labels.labels, labels.hemisphere)
    show_pixels(axes, colored_labels(shown, side, regions), extent=extent)
    for _, path in marked.outlines:
        draw_path(axes, path, INK, 0.6)
    draw_names(axes, marked.names, on_image=False)
    return figure
