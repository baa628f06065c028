"""Samples quantised to cells, before and after the nearest one is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import LEFT, RIGHT, Alignment, Projections, Samples, VisibleSamples
from brainreg3d.views.layout import add_axes
from brainreg3d.views.names import Piece, draw_names, place_names
from brainreg3d.views.outlines import split_hemispheres
from brainreg3d.views.panels import LEAST_BAR_IN, PanelPage
from brainreg3d.views.regions_on_image import TISSUE
from brainreg3d.views.sheet import show_pixels
from brainreg3d.views.style import OFF_BRAIN, atlas_line, region_color, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

_BAR_IN = 0.5
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
    rows, cols = (-(-length // cell_px) for length in shape)
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
        right_in=_BAR_IN,
    )
    figure, (last, layers, nearest, depth) = page.draw()
    extent = (-0.5, cols * cell_px - 0.5, rows * cell_px - 0.5, -0.5)
    before = _cells(projections.samples, cell_px, (rows, cols))
    after = _cells(visible.samples, cell_px, (rows, cols))
    n_regions = len(regions)
    show_pixels(last, _colored(_last_region(before, n_regions), regions), extent=extent)
    show_pixels(nearest, _colored(_last_region(after, n_regions), regions), extent=extent)
    _name_regions(figure, nearest, after, regions)
    _draw_layers(figure, layers, _count_regions(before, n_regions), extent)
    _draw_depth_map(figure, depth, _depth_map(after), extent)
    return figure


class _CellTable:
    """Samples with the cell each falls into."""

    def __init__(self, samples: Samples, cell: NDArray[np.int64], shape: tuple[int, int]) -> None:
        self.samples, self.cell, self.shape = samples, cell, shape


def _cells(samples: Samples, cell_px: int, shape: tuple[int, int]) -> _CellTable:
    row = np.floor((samples.y_px + 0.5) / cell_px).astype(np.int64)
    col = np.floor((samples.x_px + 0.5) / cell_px).astype(np.int64)
    inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
    return _CellTable(samples.take(inside), row[inside] * shape[1] + col[inside], shape)


def _last_region(table: _CellTable, n_regions: int) -> NDArray[np.int64]:
    """Return the last region of each cell; -1 without samples, 0 for other tissue alone."""
    grid = np.full(table.shape[0] * table.shape[1], -1, dtype=np.int64)
    for region in range(n_regions + 1):
        grid[table.cell[table.samples.region == region]] = region
    return grid.reshape(table.shape)


def _count_regions(table: _CellTable, n_regions: int) -> NDArray[np.int64]:
    grid = np.zeros(table.shape[0] * table.shape[1], dtype=np.int64)
    for region in range(1, n_regions + 1):
        grid[np.unique(table.cell[table.samples.region == region])] += 1
    return grid.reshape(table.shape)


def _depth_map(table: _CellTable) -> NDArray[np.float64]:
    grid = np.full(table.shape[0] * table.shape[1], np.nan)
    grid[table.cell] = table.samples.depth_mm
    return grid.reshape(table.shape)


def _colored(grid: NDArray[np.int64], regions: RegionSet) -> NDArray[np.float64]:
    table = np.array([OFF_BRAIN, TISSUE, *(region_color(region) for region in regions)])
    return np.asarray(table[grid + 1])


def _name_regions(figure: Figure, axes: Axes, table: _CellTable, regions: RegionSet) -> None:
    """Write names where regions are nearest, once for each hemisphere."""
    grid = _last_region(table, len(regions))
    right = np.zeros(grid.size, dtype=bool)
    right[table.cell] = table.samples.right
    hemisphere = np.where(right, RIGHT, LEFT).reshape(grid.shape)
    parts = split_hemispheres(np.maximum(grid, 0), hemisphere)
    pieces = [
        Piece(regions[label - 1].acronym, mask, region_color(regions[label - 1]))
        for label, _, mask in parts
    ]
    width, height = figure.get_size_inches()
    box = axes.get_position()
    names, _ = place_names(pieces, grid.shape, (box.width * width, box.height * height))
    left, stop, _, _ = axes.images[0].get_extent()
    cell_px = (stop - left) / grid.shape[1]
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
    figure: Figure, axes: Axes, counts: NDArray[np.int64], extent: tuple[float, ...]
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import BoundaryNorm, ListedColormap

    most = max(1, int(counts.max()))
    shades = colormaps["magma_r"](np.linspace(0.08, 0.95, most))[:, :3]
    cmap = ListedColormap(np.vstack([OFF_BRAIN, shades]))
    norm = BoundaryNorm(np.arange(-0.5, most + 1), most + 1)
    show_pixels(axes, counts, cmap=cmap, norm=norm, extent=extent, vmin=None, vmax=None)
    _color_bar(figure, axes, cmap, norm, whole_numbers=True)


def _draw_depth_map(
    figure: Figure, axes: Axes, depth_mm: NDArray[np.float64], extent: tuple[float, ...]
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    cmap = colormaps["viridis_r"].with_extremes(bad=OFF_BRAIN)
    known = depth_mm[np.isfinite(depth_mm)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    norm = Normalize(low, high if high > low else low + 1.0)
    masked = np.ma.masked_invalid(depth_mm)
    show_pixels(axes, masked, cmap=cmap, norm=norm, extent=extent, vmin=None, vmax=None)
    _color_bar(figure, axes, cmap, norm)


def _color_bar(
    figure: Figure, axes: Axes, cmap: Colormap, norm: Normalize, whole_numbers: bool = False
) -> None:
    """Put a colour bar to the right of a panel, whose heading names the unit."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import MaxNLocator

    width, height = figure.get_size_inches()
    box = axes.get_position()
    bar_height = max(float(box.height * height), LEAST_BAR_IN)
    place = (box.x1 * width + 0.07, (1 - box.y1) * height, 0.09, bar_height)
    # As many numbers as fit one below the other.
    ticks = MaxNLocator(max(1, min(8, int(bar_height / 0.2))), integer=whole_numbers)
    bar = figure.colorbar(ScalarMappable(norm, cmap), cax=add_axes(figure, *place), ticks=ticks)
    outline: Any = bar.outline
    outline.set_linewidth(0.5)
    bar.ax.minorticks_off()
