"""The image with the outlines of the regions at its pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.contrast import to_grey
from brainreg3d.state import Alignment, Image, Labels
from brainreg3d.views.many import list_names
from brainreg3d.views.names import draw_names
from brainreg3d.views.regions_on_image import (
    MarkedRegions,
    draw_path,
    mark_regions,
    pose_captions,
)
from brainreg3d.views.sheet import ImagePage, show_pixels, thin_out
from brainreg3d.views.style import atlas_line, brightened, region_color, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE_PT, _RIM_PT = 0.8, 2.2


@styled
def draw_overlay(
    image: Image,
    alignment: Alignment,
    regions: RegionSet,
    labels: Labels,
    *,
    atlas: Atlas | None = None,
    automatic_contrast: bool = True,
) -> Figure:
    """Draw an image with region outlines on it, exactly along the borders of pixels.

    Parameters
    ----------
    image : Image
        What lies below the outlines; it is not changed.
    alignment : Alignment
        The pose, given in numbers below the picture.
    regions : RegionSet
        What the labels stand for.
    labels : Labels
        The region of every pixel at that pose.
    atlas : Atlas, optional
        Named below the picture; needed to give the position from bregma.
    automatic_contrast : bool
        Whether contrast follows ImageJ's rule or spans all values.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.
    """
    view = alignment.view
    marked = mark_regions(labels, regions, view.pixel_size_mm)
    captions = pose_captions(alignment, atlas)
    if marked.left_out:
        captions.append(f"Too small to be named in the picture: {list_names(marked.left_out)}")
    if labels.unseen:
        captions.append(f"Without a pixel: {list_names(labels.unseen)}")
    captions += atlas_line(atlas)
    title = f"{image.stem}: regions at the pose"
    page = ImagePage(image.shape, view.pixel_size_mm, title, view.pose, captions=captions)
    figure, axes = page.draw()
    (grey,), _, extent = thin_out(axes, to_grey(image.pixels, automatic_contrast))
    show_pixels(axes, grey, extent=extent)
    _draw_outlines(axes, regions, marked)
    draw_names(axes, marked.names, on_image=True)
    return figure


def _draw_outlines(axes: Axes, regions: RegionSet, marked: MarkedRegions) -> None:
    for _, path in marked.outlines:
        draw_path(axes, path, (0.0, 0.0, 0.0, 0.6), _RIM_PT)
    for label, path in marked.outlines:
        draw_path(axes, path, brightened(region_color(regions[label - 1])), _LINE_PT, inside=True)
