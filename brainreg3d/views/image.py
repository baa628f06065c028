"""The image as it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d.state import Image
from brainreg3d.views.contrast import auto_contrast, to_grey
from brainreg3d.views.sheet import ImagePage, show_pixels
from brainreg3d.views.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def draw_image(image: Image, pixel_size_mm: tuple[float, float]) -> Figure:
    """Draw an image with automatic contrast and a scale bar.

    Parameters
    ----------
    image : Image
        What to draw; it is not changed.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel in mm.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.
    """
    low, high = auto_contrast(image.pixels)
    rows, columns = image.shape
    height_mm, width_mm = rows * pixel_size_mm[0], columns * pixel_size_mm[1]
    captions = [
        f"{columns} × {rows} px, {width_mm:.3g} × {height_mm:.3g} mm (width × height)",
        f"Contrast: black {low:.6g}, white {high:.6g} (for viewing only)",
    ]
    page = ImagePage(image.shape, pixel_size_mm, image.stem, captions=captions)
    figure, axes = page.draw()
    show_pixels(axes, to_grey(image.pixels))
    return figure
