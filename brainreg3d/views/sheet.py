"""The page of an image: title, image, scale bar, compass, legend and captions below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Region
from brainreg3d.geometry import Pose
from brainreg3d.views.compass import COMPASS_IN, draw_compass
from brainreg3d.views.layout import (
    LINE_IN,
    MARGIN_IN,
    add_axes,
    add_text,
    new_figure,
    text_width_in,
    wrap_text,
)
from brainreg3d.views.legend import Legend
from brainreg3d.views.style import DPI, GREY, INK, SMALL_PT, TITLE_PT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LARGEST_IMAGE_IN = (6.4, 6.0)
_LEAST_WIDTH_IN = 4.4
_LEGEND_WIDTH_IN = 6.7  # room for two columns of most names


def scale_bar_mm(width_mm: float) -> float:
    """Return a round length that fits well under an image.

    Parameters
    ----------
    width_mm : float
        Width of the image.

    Returns
    -------
    float
        The largest of 1, 2 or 5 times a power of ten that is at most a quarter of the width.
    """
    exponent = np.floor(np.log10(width_mm / 4))
    unit = 10.0**exponent
    factor = max(f for f in (1, 2, 5) if f * unit <= width_mm / 4 * (1 + 1e-9))
    return float(np.round(factor * unit, 12))


def draw_scale_bar(axes: Axes, shape: tuple[int, int], pixel_size_mm: tuple[float, float]) -> None:
    """Draw a scale bar just below an image, flush with its right edge.

    It stays off the image so that it hides nothing and reads on any ground.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Holds the image in pixel coordinates.
    shape : tuple of int
        (rows, columns) of the image.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    """
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure: Any = axes.figure
    length_mm = scale_bar_mm(shape[1] * pixel_size_mm[1])
    right = shape[1] - 0.5
    left = right - length_mm / pixel_size_mm[1]
    below = blended_transform_factory(axes.transData, axes.transAxes)
    bar = below + ScaledTranslation(0, -0.1, figure.dpi_scale_trans)
    axes.plot(
        [left, right],
        [0, 0],
        transform=bar,
        color=INK,
        lw=2.2,
        clip_on=False,
        solid_capstyle="butt",
        scalex=False,
        scaley=False,
        gid="scale bar",
    )
    place = below + ScaledTranslation(0, -0.15, figure.dpi_scale_trans)
    label = f"{length_mm:g} mm"
    room = axes.get_position().width * figure.get_size_inches()[0]
    x, side = (right, "right") if text_width_in(label, SMALL_PT) <= room else (-0.5, "left")
    axes.text(x, 0, label, transform=place, ha=side, va="top", size=SMALL_PT)


def image_size_in(
    shape: tuple[int, int],
    pixel_size_mm: tuple[float, float],
    largest_in: tuple[float, float] = _LARGEST_IMAGE_IN,
) -> tuple[float, float]:
    """Return how large an image is drawn on its page.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns).
    pixel_size_mm : tuple of float
        (row, column) size of a pixel, for the aspect ratio.
    largest_in : tuple of float
        (width, height) of the space there is, in inches.

    Returns
    -------
    width_in, height_in : float
        Inches.
    """
    height_mm, width_mm = shape[0] * pixel_size_mm[0], shape[1] * pixel_size_mm[1]
    inches = min(largest_in[0] / width_mm, largest_in[1] / height_mm)
    return width_mm * inches, height_mm * inches


def image_axes(
    figure: Figure, place_in: tuple[float, float, float, float], shape: tuple[int, int]
) -> Axes:
    """Add axes for an image, in pixel coordinates, with a thin frame and no ticks.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Where to add them.
    place_in : tuple of float
        (left, top, width, height) in inches from the upper left corner of the figure.
    shape : tuple of int
        (rows, columns) of the image.

    Returns
    -------
    matplotlib.axes.Axes
        Pixel centres lie at integers, row 0 at the top.
    """
    axes = add_axes(figure, *place_in)
    axes.set_autoscale_on(False)
    axes.set_xlim(-0.5, shape[1] - 0.5)
    axes.set_ylim(shape[0] - 0.5, -0.5)
    axes.set_aspect("auto")
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def thin_out(
    axes: Axes, *images: NDArray[Any]
) -> tuple[list[NDArray[Any]], int, tuple[float, float, float, float]]:
    """Leave out rows and columns of images that are finer than the page is printed.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where they are to be drawn.
    *images : numpy.ndarray, shape (H, W)
        Images of one shape.

    Returns
    -------
    thinned : list of numpy.ndarray
        Every n-th pixel; the images themselves where n is 1.
    step : int
        The n.
    extent : tuple of float
        Where they lie, in pixels of the images, for `matplotlib.axes.Axes.imshow`.
    """
    figure: Any = axes.figure
    width_in, height_in = figure.get_size_inches()
    box = axes.get_position()
    rows, cols = images[0].shape
    finer = min(rows / (box.height * height_in), cols / (box.width * width_in)) / DPI
    step = max(1, int(finer + 1e-6))
    row, col = (
        np.minimum(np.arange(0, length, step) + step // 2, length - 1) for length in (rows, cols)
    )
    extent = (-0.5, col.size * step - 0.5, row.size * step - 0.5, -0.5)
    return [image if step == 1 else image[np.ix_(row, col)] for image in images], step, extent


def show_pixels(axes: Axes, pixels: Any, **kwargs: Any) -> Any:
    """Draw an image without touching the limits of the axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        From `image_axes`.
    pixels : numpy.ndarray
        Grey levels from 0 to 1, or RGB(A).
    **kwargs
        For `matplotlib.axes.Axes.imshow`.

    Returns
    -------
    matplotlib.image.AxesImage
        What was drawn.
    """
    options = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0, "aspect": "auto", **kwargs}
    return axes.imshow(pixels, **options)


@attrs.frozen
class ImagePage:
    """What stands around an image.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns) of the image.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    title : str
        Above the image.
    pose : Pose or None
        For the compass.
    legend : sequence of Region
        Regions named in full below the image.
    captions : sequence of str
        Lines at the bottom, wrapped where too long.
    """

    shape: tuple[int, int]
    pixel_size_mm: tuple[float, float]
    title: str
    pose: Pose | None = None
    legend: Sequence[Region] = ()
    captions: Sequence[str] = ()

    def draw(self) -> tuple[Figure, Axes]:
        """Return a figure with everything but the image, and the axes for that.

        Returns
        -------
        figure : matplotlib.figure.Figure
            The page.
        axes : matplotlib.axes.Axes
            For the image, in pixel coordinates.
        """
        width, height = image_size_in(self.shape, self.pixel_size_mm)
        content = max(width, _LEGEND_WIDTH_IN if self.legend else _LEAST_WIDTH_IN)
        titles = wrap_text(self.title, content, TITLE_PT, "bold")
        lines = [line for text in self.captions for line in wrap_text(text, content)]
        legend = Legend.fit(self.legend, content)
        strip_in = (COMPASS_IN if self.pose is not None else 0.3) + 0.14
        top = MARGIN_IN + 0.22 * len(titles) + 0.04
        total = top + height + strip_in + legend.height_in + LINE_IN * len(lines) + MARGIN_IN
        figure = new_figure(content + 2 * MARGIN_IN, total)
        for place, line in enumerate(titles):
            add_text(
                figure, MARGIN_IN, MARGIN_IN + 0.22 * place, line, size=TITLE_PT, weight="bold"
            )
        left = MARGIN_IN + (content - width) / 2
        axes = image_axes(figure, (left, top, width, height), self.shape)
        draw_scale_bar(axes, self.shape, self.pixel_size_mm)
        top += height
        if self.pose is not None:
            draw_compass(figure, self.pose, MARGIN_IN, top + 0.07)
        top += strip_in
        legend.draw(figure, MARGIN_IN, top)
        top += legend.height_in
        for place, line in enumerate(lines):
            add_text(figure, MARGIN_IN, top + LINE_IN * place, line, color=GREY)
        return figure, axes
