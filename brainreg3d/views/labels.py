"""The label image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import Alignment, Labels
from brainreg3d.views.names import draw_names, place_names
from brainreg3d.views.outlines import split_hemispheres
from brainreg3d.views.regions_on_image import (
    colored_labels,
    draw_path,
    outline_path,
    pieces_to_name,
)
from brainreg3d.views.sheet import ImagePage, image_size_in, show_pixels
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
    size = image_size_in(shape, view.pixel_size_mm)
    names, _ = place_names(pieces_to_name(labels, regions), shape, size)
    seen = [region for region in regions if region.acronym not in labels.unseen]
    captions = ["Grey: brain outside these regions; light grey: no brain"]
    if labels.unseen:
        captions.append(f"Without a pixel: {', '.join(labels.unseen)}")
    captions += atlas_line(atlas)
    page = ImagePage(shape, view.pixel_size_mm, "Region of every pixel", view.pose, seen, captions)
    figure, axes = page.draw()
    show_pixels(axes, colored_labels(labels, regions))
    for _, _, mask in split_hemispheres(labels.labels, labels.hemisphere):
        draw_path(axes, outline_path(mask), INK, 0.6)
    draw_names(axes, names, on_image=False)
    return figure
