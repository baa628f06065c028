"""Samples quantised to cells, before and after the nearest one is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import LEFT, RIGHT, Alignment, Projections, VisibleSamples, cell_numbers
from brainreg3d.views.layout import add_axes
from brainreg3d.views.names import draw_names, place_names
from brainreg3d.views.outlines import split_hemispheres
from brainreg3d.views.panels import LEAST_BAR_IN, PanelPage
from brainreg3d.views.regions_on_image import TISSUE, name_part
from brainreg3d.views.sheet import show_pixels, thin_out
from brainreg3d.views.style import OFF_BRAIN, atlas_line, color_table, region_color, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

BAR_IN = 0.5
"""Room that a colour bar takes to the right of a panel."""

_HEADINGS = (
    ("a  Before: last region drawn", "samples in the order of the regions"),
    ("b  Before: regions in a cell", "how many lie above each other"),
    ("c  After: nearest region", "grey: other tissue is nearest"),
    ("d  Depth of the nearest sample", "mm below the image plane"),
)


@styled
def draw_depth(
    projections: Projections,
    visible: VisibleSamples,
    regions: RegionSet,
    *,
    alignment: Alignment | None = None,
    atlas: Atlas | None = None,
) -> Figure:
    """Draw the cells of an image before and after depth decides, and the depth itself.

    Parameters
    ----------
    projections : Projections
        Samples of all regions.
    visible : VisibleSamples
        The nearest sample in each cell.
    regions : RegionSet
        What the samples' regions stand for.
    alignment : Alignment, optional
        For scale bar and compass.
    atlas : Atlas, optional
        Named below the picture.

    Returns
    -------
    matplotlib.figure.Figure
        Four panels.
    """
    shape, cell_px = visible.image_shape, visible.cell_px
    captions = [_summary(visible), *atlas_line(atlas)]
    view = None if alignment is None else alignment.view
    page = PanelPage(
        shape,
        None if view is None else view.pixel_size_mm,
        f"Projections in cells of {cell_px} px, before and after depth",
        _HEADINGS,
        captions,
        None if view is None else view.pose,
        columns=2,
        right_in=BAR_IN,
    )
    figure, (last, layers, nearest, depth) = page.draw()
    cells = _grids(projections, visible, len(regions))
    grids, step, extent = thin_out(last, *cells)
    cells_px = step * cell_px
    extent = (-0.5, (extent[1] + 0.5) * cell_px - 0.5, (extent[2] + 0.5) * cell_px - 0.5, -0.5)
    last_region, counts, nearest_region, right, depth_mm = grids
    show_pixels(last, _colored(last_region, regions), extent=extent)
    show_pixels(nearest, _colored(nearest_region, regions), extent=extent)
    _name_regions(figure, nearest, nearest_region, right, cells_px, regions)
    # Scales are those of all cells, drawn or not.
    _draw_layers(figure, layers, counts, int(cells[1].max()), extent)
    _draw_depth_map(figure, depth, depth_mm, cells[4], extent)
    return figure


def _grids(
    projections: Projections, visible: VisibleSamples, n_regions: int
) -> tuple[NDArray[Any], ...]:
    """Return what is drawn of each cell, as images with one pixel for each.

    These are the last region before depth decides, the number of regions, the nearest region,
    whether that lies on the right, and its depth.
    """
    cell_px = visible.cell_px
    shape = tuple(-(-length // cell_px) for length in projections.image_shape)
    region, cell = _before(projections, cell_px)
    last = np.full(shape, -1, dtype=np.int32)
    # Written in the order of the regions: a later one stays on top.
    order = np.argsort(region, kind="stable")
    last.ravel()[cell[order]] = region[order]
    counts = np.zeros(shape, dtype=np.int32)
    stops = np.cumsum(np.bincount(region, minlength=n_regions + 1))
    for label in range(1, n_regions + 1):
        own = np.zeros(counts.size, dtype=bool)
        own[cell[order[stops[label - 1] : stops[label]]]] = True
        counts += own.reshape(shape)
    nearest = visible.samples
    place = cell_numbers(nearest, projections.image_shape, cell_px)
    nearest, place = nearest.take(place >= 0), place[place >= 0]
    found = np.full(shape, -1, dtype=np.int32)
    right, depth_mm = np.zeros(shape, dtype=bool), np.full(shape, np.nan)
    found.ravel()[place] = nearest.region
    right.ravel()[place] = nearest.right
    depth_mm.ravel()[place] = nearest.depth_mm
    return last, counts, found, right, depth_mm


def _before(projections: Projections, cell_px: int) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return region and cell of all samples on the image, those of hidden regions included."""
    samples, hidden, shape = projections.samples, projections.hidden, projections.image_shape
    cell = cell_numbers(samples, shape, cell_px)
    row, col = np.divmod(hidden.pixel.astype(np.int64), shape[1])
    behind = row // cell_px * -(-shape[1] // cell_px) + col // cell_px
    region = np.concatenate([samples.region[cell >= 0], hidden.region])
    return region, np.concatenate([cell[cell >= 0], behind])


def _colored(grid: NDArray[np.int32], regions: RegionSet) -> NDArray[np.uint8]:
    table = color_table(OFF_BRAIN, TISSUE, *(region_color(region) for region in regions))
    return np.asarray(table[grid + 1])


def _name_regions(
    figure: Figure,
    axes: Axes,
    grid: NDArray[np.int32],
    right: NDArray[np.bool_],
    cell_px: int,
    regions: RegionSet,
) -> None:
    """Write names where regions are nearest, once for each hemisphere."""
    parts = split_hemispheres(np.maximum(grid, 0), np.where(right, RIGHT, LEFT))
    width, height = figure.get_size_inches()
    box = axes.get_position()
    size_in = (box.width * width, box.height * height)
    names, _ = place_names([name_part(part, regions) for part in parts], grid.shape, size_in)
    in_px = [
        attrs.evolve(
            name, x_px=(name.x_px + 0.5) * cell_px - 0.5, y_px=(name.y_px + 0.5) * cell_px - 0.5
        )
        for name in names
    ]
    draw_names(axes, in_px, on_image=False)


def _summary(visible: VisibleSamples) -> str:
    seen = sum(v.n_visible > 0 for v in visible.visibility)
    hidden = [v.acronym for v in visible.visibility if v.n_visible == 0 and v.n_projected > 0]
    text = f"{seen} of {len(visible.visibility)} regions are nearest to the camera somewhere."
    return f"{text} Hidden altogether: {', '.join(hidden)}." if hidden else text


def _draw_layers(
    figure: Figure,
    axes: Axes,
    counts: NDArray[np.int32],
    most: int,
    extent: tuple[float, ...],
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import BoundaryNorm, ListedColormap

    most = max(1, most)
    shades = colormaps["magma_r"](np.linspace(0.08, 0.95, most))[:, :3]
    cmap = ListedColormap(np.vstack([OFF_BRAIN, shades]))
    norm = BoundaryNorm(np.arange(-0.5, most + 1), most + 1)
    show_pixels(axes, counts, cmap=cmap, norm=norm, extent=extent, vmin=None, vmax=None)
    draw_color_bar(figure, axes, cmap, norm, whole_numbers=True)


def _draw_depth_map(
    figure: Figure,
    axes: Axes,
    depth_mm: NDArray[np.float64],
    all_mm: NDArray[np.float64],
    extent: tuple[float, ...],
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    cmap = colormaps["viridis_r"].with_extremes(bad=OFF_BRAIN)
    known = all_mm[np.isfinite(all_mm)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    norm = Normalize(low, high if high > low else low + 1.0)
    masked = np.ma.masked_invalid(depth_mm)
    show_pixels(axes, masked, cmap=cmap, norm=norm, extent=extent, vmin=None, vmax=None)
    draw_color_bar(figure, axes, cmap, norm)


def draw_color_bar(
    figure: Figure, axes: Axes, cmap: Colormap, norm: Normalize, whole_numbers: bool = False
) -> None:
    """Put a colour bar to the right of a panel, whose heading names the unit.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The page.
    axes : matplotlib.axes.Axes
        The panel, with `BAR_IN` of room to its right.
    cmap, norm : matplotlib.colors.Colormap, matplotlib.colors.Normalize
        Colours, and the values they stand for.
    whole_numbers : bool
        Whether only whole numbers stand beside it.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import MaxNLocator

    width, height = figure.get_size_inches()
    box = axes.get_position()
    bar_height = max(float(box.height * height), LEAST_BAR_IN)
    place = (box.x1 * width + 0.07, (1 - box.y1) * height, 0.09, bar_height)
    # As many numbers as fit one below the other.
    most = max(1, min(8, int(bar_height / 0.2)))
    ticks = MaxNLocator(most, steps=[1, 2, 5, 10], integer=whole_numbers)
    bar = figure.colorbar(ScalarMappable(norm, cmap), cax=add_axes(figure, *place), ticks=ticks)
    outline: Any = bar.outline
    outline.set_linewidth(0.5)
    bar.ax.minorticks_off()
