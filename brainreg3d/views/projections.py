"""What of each region falls onto the image, whatever lies in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import Alignment, Projections
from brainreg3d.views.many import choose_largest, left_out_line
from brainreg3d.views.panels import PanelPage
from brainreg3d.views.sheet import show_pixels
from brainreg3d.views.style import atlas_line, region_color, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LARGEST_PX = 320  # of a panel; finer counts could not be seen


@styled
def draw_projections(
    projections: Projections,
    regions: RegionSet,
    *,
    alignment: Alignment | None = None,
    atlas: Atlas | None = None,
) -> Figure:
    """Draw all samples of each region in a panel of its own, hidden ones included.

    Parameters
    ----------
    projections : Projections
        Samples of all regions.
    regions : RegionSet
        What the samples' regions stand for.
    alignment : Alignment, optional
        For scale bar and compass.
    atlas : Atlas, optional
        Named below the picture.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; the more samples fall onto a place, the stronger the colour.
    """
    shape = projections.image_shape
    label, x_px, y_px = _all_samples(projections)
    counts = np.bincount(label, minlength=len(regions) + 1)[1:]
    drawn = choose_largest(counts)
    headings = [
        (
            regions[place].acronym,
            f"{counts[place]:,} samples" if counts[place] else "nothing in view",
        )
        for place in drawn
    ]
    captions = [
        f"Samples: {projections.sampling}. {_extent(projections)}",
        "The stronger the colour, the more samples.",
        *left_out_line(len(drawn), len(regions), "samples"),
        *atlas_line(atlas),
    ]
    view = None if alignment is None else alignment.view
    page = PanelPage(
        shape,
        None if view is None else view.pixel_size_mm,
        "Projection of each region, without regard for depth",
        headings,
        captions,
        None if view is None else view.pose,
    )
    figure, panels = page.draw()
    order = np.argsort(label, kind="stable")
    stops = np.cumsum([len(label) - counts.sum(), *counts])
    for axes, place in zip(panels, drawn, strict=True):
        chosen = order[stops[place] : stops[place + 1]]
        density = sample_density(x_px[chosen], y_px[chosen], shape)
        _show_density(axes, density, region_color(regions[place]), shape)
    return figure


def _all_samples(
    projections: Projections,
) -> tuple[NDArray[np.integer], NDArray[np.float64], NDArray[np.float64]]:
    """Return region, column and row of every sample, those of hidden surfaces included."""
    samples, hidden = projections.samples, projections.hidden
    label = np.concatenate([samples.region, hidden.region])
    row, col = np.divmod(hidden.pixel, projections.image_shape[1])
    return label, np.concatenate([samples.x_px, col]), np.concatenate([samples.y_px, row])


def _show_density(
    axes: Axes,
    density: NDArray[np.float64],
    color: tuple[float, float, float],
    shape: tuple[int, int],
) -> None:
    """Colour cells of `sample_density` the stronger the more samples they hold."""
    # From a light tint up, so that a single sample is seen too.
    strength = np.where(density > 0, 0.3 + 0.7 * density / max(density.max(), 1e-9), 0.0)
    pixels = np.rint(255 * (1 - strength[..., None] * (1 - np.array(color)))).astype(np.uint8)
    step = _cell_px(shape)
    rows, cols = density.shape
    show_pixels(axes, pixels, extent=(-0.5, cols * step - 0.5, rows * step - 0.5, -0.5))


def sample_density(
    x_px: NDArray[np.float64], y_px: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Count samples on a grid that is as fine as a small panel can show.

    Parameters
    ----------
    x_px, y_px : numpy.ndarray, shape (N,)
        Columns and rows; samples off the image are left out.
    shape : tuple of int
        (rows, columns) of the image.

    Returns
    -------
    numpy.ndarray of float64
        Counts, in cells of a whole number of pixels.
    """
    step = _cell_px(shape)
    rows, cols = (-(-length // step) for length in shape)
    y, x = y_px + 0.5, x_px + 0.5
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
    cell = (y[inside] // step * cols + x[inside] // step).astype(np.int64)
    counts = np.bincount(cell, minlength=rows * cols)
    return counts.reshape(rows, cols).astype(np.float64)


def _cell_px(shape: tuple[int, int]) -> int:
    return -(-max(shape) // _LARGEST_PX)


def _extent(projections: Projections) -> str:
    if projections.sampling == "surface":  # what lies behind another surface is never meshed
        return "What the image sees of each region."
    return "All of each region in the view, hidden parts included."
