"""The overlay of one session, as small as it stands on a contact sheet."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brainreg3d.contrast import to_grey
from brainreg3d.views.layout import new_figure
from brainreg3d.views.names import draw_names, place_names
from brainreg3d.views.outlines import split_hemispheres
from brainreg3d.views.regions_on_image import draw_path, name_part, outline_path
from brainreg3d.views.sheet import image_axes, image_size_in, show_pixels
from brainreg3d.views.style import DPI, brightened, region_color, styled

if TYPE_CHECKING:
    from brainreg3d.result import Result

TILE_IN = (2.6, 2.6)
"""Largest width and height of a tile, in inches at 200 dots each."""

_LINE_PT, _RIM_PT = 0.6, 1.6
_drawing = threading.Lock()  # matplotlib's settings are those of the whole process


def draw_tile(result: Result, path: Path) -> None:
    """Draw the image with the outlines and names of its regions, and nothing else.

    Parameters
    ----------
    result : Result
        Of a run that got to the labels.
    path : pathlib.Path
        The PNG to write.
    """
    with _drawing:
        _draw(result, path)


@styled
def _draw(result: Result, path: Path) -> None:
    image, alignment, regions = result.image, result.alignment, result.state.regions
    labels = result.state.labels
    if image is None or alignment is None or regions is None or labels is None:
        return
    size_in = image_size_in(image.shape, alignment.view.pixel_size_mm, TILE_IN)
    # Finer than it is printed, an outline only takes longer to trace.
    n_rows, n_cols = (
        min(length, round(inches * DPI))
        for length, inches in zip(image.shape, size_in[::-1], strict=True)
    )
    row, col = (
        (np.arange(n) * length + length // 2) // n
        for n, length in zip((n_rows, n_cols), image.shape, strict=True)
    )
    chosen = np.ix_(row, col)
    shape = (n_rows, n_cols)
    figure = new_figure(*size_in)
    axes = image_axes(figure, (0.0, 0.0, *size_in), shape)
    axes.set_axis_off()
    show_pixels(axes, to_grey(image.pixels)[chosen])
    parts = split_hemispheres(labels.labels[chosen], labels.hemisphere[chosen])
    outlines = [(part.label, outline_path(part.mask, part.corner)) for part in parts]
    for _, outline in outlines:
        draw_path(axes, outline, (0.0, 0.0, 0.0, 0.6), _RIM_PT)
    for label, outline in outlines:
        color = brightened(region_color(regions[label - 1]))
        draw_path(axes, outline, color, _LINE_PT, inside=True)
    names, _ = place_names([name_part(part, regions) for part in parts], shape, size_in)
    draw_names(axes, names, on_image=True)
    figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})
