"""How certain labels are where the pose of the image is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.contrast import to_grey
from brainreg3d.state import Alignment, Image, Labels
from brainreg3d.views.depth import BAR_IN, draw_color_bar
from brainreg3d.views.many import list_names
from brainreg3d.views.names import draw_names, place_names
from brainreg3d.views.outlines import split_hemispheres
from brainreg3d.views.panels import PanelPage
from brainreg3d.views.regions_on_image import draw_path, name_part, outline_path
from brainreg3d.views.sheet import show_pixels, thin_out
from brainreg3d.views.style import INK, atlas_line, color_table, region_color, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CORE_STRENGTH = 0.45
_LEAST_SHARE = 0.5  # what lies below is as good as unknown, and needs no colours of its own


@styled
def draw_confidence(
    confidence: NDArray[np.floating],
    image: Image,
    alignment: Alignment,
    regions: RegionSet,
    labels: Labels,
    *,
    share: float = 0.95,
    spread: str = "",
    atlas: Atlas | None = None,
    automatic_contrast: bool = True,
) -> Figure:
    """Draw in which share of drawn poses pixels keep their label, and where it is safe.

    Parameters
    ----------
    confidence : numpy.ndarray, shape (H, W)
        From 0 to 1.
    image : Image
        What the safe cores are drawn on.
    alignment : Alignment
        For scale bar and compass.
    regions : RegionSet
        What the labels stand for.
    labels : Labels
        The region of every pixel.
    share : float
        From which confidence on a pixel is safe.
    spread : str
        How uncertain the pose was taken to be, in words.
    atlas : Atlas, optional
        Named below the picture.
    automatic_contrast : bool
        Whether the image's contrast follows ImageJ's rule or spans all values.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    view = alignment.view
    safe = confidence >= share
    parts = split_hemispheres(labels.labels, labels.hemisphere)
    headings = [
        ("a  Confidence", "share of drawn poses that keep the label"),
        ("b  Safe cores", f"in colour: {share:.0%} or more keep the region"),
    ]
    page = PanelPage(
        labels.labels.shape,
        view.pixel_size_mm,
        f"{image.stem}: how certain labels are",
        headings,
        [*_captions(safe, regions, labels, spread), *atlas_line(atlas)],
        view.pose,
        columns=2,
        right_in=BAR_IN,
    )
    figure, (left, right) = page.draw()
    grey = to_grey(image.pixels, automatic_contrast)
    core = np.where(safe, labels.labels, 0)
    (shown, grey, core), _, extent = thin_out(left, confidence, grey, core)
    cmap, norm = colormaps["magma"], Normalize(_LEAST_SHARE, 1.0)
    show_pixels(left, shown, cmap=cmap, norm=norm, extent=extent, vmin=None, vmax=None)
    draw_color_bar(figure, left, cmap, norm)
    show_pixels(right, _tinted(grey, core, regions), extent=extent)
    for part in parts:
        path = outline_path(part.mask, part.corner)
        draw_path(left, path, INK, 0.4)
        draw_path(right, path, "white", 0.5)
    names, _ = place_names(
        [name_part(part, regions) for part in parts], labels.labels.shape, _size_in(right)
    )
    draw_names(right, names, on_image=True)
    return figure


def _captions(
    safe: NDArray[np.bool_], regions: RegionSet, labels: Labels, spread: str
) -> list[str]:
    labelled = labels.labels > 0
    safe_part = (safe & labelled).sum() / max(1, labelled.sum())
    captions = [f"Poses drawn with 1 sigma of {spread}"] if spread else []
    captions += [f"{safe_part:.0%} of the pixels in regions are safe."]
    lost = [
        region.acronym
        for place, region in enumerate(regions, 1)
        if region.acronym not in labels.unseen and not (safe & (labels.labels == place)).any()
    ]
    if lost:
        captions.append(f"Without a safe pixel: {list_names(lost)}")
    return captions


def _size_in(axes: Axes) -> tuple[float, float]:
    figure: Any = axes.figure
    width, height = figure.get_size_inches()
    box = axes.get_position()
    return float(box.width * width), float(box.height * height)


def _tinted(grey: NDArray[Any], core: NDArray[np.uint16], regions: RegionSet) -> NDArray[Any]:
    """Return an image that has the colours of regions in their cores."""
    table = color_table((0.0, 0.0, 0.0), *(region_color(region) for region in regions)) / 255.0
    strength = np.where(core > 0, _CORE_STRENGTH, 0.0)[..., None]
    return np.asarray((1 - strength) * grey[..., None] + strength * table[core])
