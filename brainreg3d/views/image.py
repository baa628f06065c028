"""The image as it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d.atlas import Atlas
from brainreg3d.contrast import contrast_limits, to_grey
from brainreg3d.state import Image
from brainreg3d.views.sheet import ImagePage, show_pixels
from brainreg3d.views.style import atlas_line, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def draw_image(
    image: Image,
    pixel_size_mm: tuple[float, float],
    *,
    atlas: Atlas | None = None,
    automatic_contrast: bool = True,
) -> Figure:
    """Draw an image with a scale bar.

    Parameters
    ----------
    image : Image
        What to draw; it is not changed.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel in mm.
    atlas : Atlas, optional
        Named below the picture.
    automatic_contrast : bool
        Whether contrast follows ImageJ's rule or spans all values.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.
    """
    low, high = contrast_limits(image.pixels, automatic_contrast)
    rows, columns = image.shape
    height_mm, width_mm = rows * pixel_size_mm[0], columns * pixel_size_mm[1]
    captions = [
        f"{columns} × {rows} px, {width_mm:.3g} × {height_mm:.3g} mm (width × height)",
        f"Contrast: black {low:.6g}, white {high:.6g} (for viewing only)",
        *atlas_line(atlas),
    ]
    page = ImagePage(image.shape, pixel_size_mm, image.stem, captions=captions)
    figure, axes = page.draw()
    show_pixels(axes, to_grey(image.pixels, automatic_contrast))
    return figure
