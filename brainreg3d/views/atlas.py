"""An atlas in three planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, find_bregma
from brainreg3d.views.layout import LINE_IN, MARGIN_IN, add_axes, add_text, new_figure
from brainreg3d.views.letters import draw_edge_letters
from brainreg3d.views.planes import (
    AXIS_NAMES,
    CCF_BOX,
    PLANES,
    Plane,
    informative_point_mm,
    slice_plane,
)
from brainreg3d.views.style import GREY, INK, TITLE_PT, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAGE_IN = 7.4
_LEFT_IN, _GAP_IN = 0.5, 0.55
_ENOUGH_VALUES = 1e6


@styled
def draw_atlas(atlas: Atlas, *, bregma: str = "ibl") -> Figure:
    """Draw template and annotation of an atlas in three planes.

    Parameters
    ----------
    atlas : Atlas
        What to draw; its template is loaded if it has one.
    bregma : str
        Name of the preset from which millimetres are counted, in an atlas that fills the CCF's box.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. The planes go through the point at which each of them meets the most
        structures, in the right hemisphere.
    """
    box = np.array(atlas.grid.box_mm)
    point = informative_point_mm(atlas)
    in_ccf = atlas.grid.same_box(CCF_BOX)
    origin = find_bregma(bregma).position_mm(box) if in_ccf else None
    page = _Page.fit(box, 1 if atlas.template is None else 2)
    figure = new_figure(_PAGE_IN, page.height_in)
    add_text(figure, MARGIN_IN, MARGIN_IN, atlas.title, size=TITLE_PT, weight="bold")
    if atlas.template is not None:
        low, high = _template_limits(atlas.template.data)
        _draw_row(figure, page, 0, "Template", point, origin)
        for axes, plane in zip(figure.axes[-3:], PLANES, strict=True):
            pixels = slice_plane(atlas.template.data, atlas.template.grid, plane, point)
            _show(axes, pixels, plane, box, origin, cmap="gray", vmin=low, vmax=high)
    colors = _color_table(atlas)
    _draw_row(figure, page, page.rows - 1, "Annotation", point, origin)
    for axes, plane in zip(figure.axes[-3:], PLANES, strict=True):
        index = slice_plane(atlas.annotation.volume, atlas.grid, plane, point)
        _show(axes, colors[index], plane, box, origin)
    for axes, plane in zip(figure.axes, PLANES * page.rows, strict=True):
        _mark(axes, plane, point, origin)
    text = _caption(None if origin is None else bregma, point, box)
    add_text(figure, MARGIN_IN, page.height_in - MARGIN_IN - LINE_IN, text, color=GREY)
    return figure


def _caption(bregma: str | None, point_mm: NDArray[np.float64], box_mm: NDArray[np.float64]) -> str:
    """Say where millimetres are counted from."""
    dashed = "Dashed: where the other two planes cut."
    if bregma is None:
        return f"Distances in mm from the left, posterior, lower corner of the atlas. {dashed}"
    preset = find_bregma(bregma)
    if preset.keeps_axes:
        text = f"Distances in mm from bregma ({bregma}; yellow, projected onto each plane)."
        return f"{text} {dashed}"
    # Its axes are tilted against the planes, so that no ruler along them can show its numbers.
    x, y, z = preset.from_atlas_mm(point_mm, box_mm)
    where = f"x {x:+.2f}, AP {y:+.2f}, z {z:+.2f} mm".replace("-", "−")
    text = f"mm from bregma (yellow) along the atlas's axes. By {bregma}, tilted and scaled,"
    return f"{text} the dashed lines meet at {where}."


@attrs.frozen
class _Page:
    """Where the three columns of panels are, in inches."""

    scale: float
    lefts: tuple[float, ...]
    tops: tuple[float, ...]
    sizes: tuple[tuple[float, float], ...]
    height_in: float

    @property
    def rows(self) -> int:
        return len(self.tops)

    @classmethod
    def fit(cls, box_mm: NDArray[np.float64], rows: int) -> _Page:
        widths = [float(box_mm[plane.across]) for plane in PLANES]
        heights = [float(box_mm[plane.up]) for plane in PLANES]
        room = _PAGE_IN - MARGIN_IN - _LEFT_IN - 2 * _GAP_IN
        scale = min(room / sum(widths), 3.2 / max(heights))
        lefts, left = [], _LEFT_IN
        for width in widths:
            lefts.append(left)
            left += width * scale + _GAP_IN
        row = max(heights) * scale + 0.75
        tops = tuple(MARGIN_IN + 0.22 + 2 * LINE_IN + 0.15 + row * place for place in range(rows))
        sizes = tuple((w * scale, h * scale) for w, h in zip(widths, heights, strict=True))
        bottom = tops[-1] + max(heights) * scale + 0.45
        return cls(scale, tuple(lefts), tops, sizes, bottom + LINE_IN + MARGIN_IN)


def _draw_row(
    figure: Figure,
    page: _Page,
    row: int,
    what: str,
    point_mm: NDArray[np.float64],
    origin_mm: NDArray[np.float64] | None,
) -> None:
    """Add the empty panels of one row with their headings."""
    offset = np.zeros(3) if origin_mm is None else origin_mm
    for plane, left, size in zip(PLANES, page.lefts, page.sizes, strict=True):
        top = page.tops[row]
        axis = AXIS_NAMES[plane.normal]
        where = f"{axis} {point_mm[plane.normal] - offset[plane.normal]:+.2f} mm"
        heading = f"{what}: {where}".replace("-", "−")
        add_text(figure, left, top - 2 * LINE_IN - 0.04, heading, weight="bold")
        add_text(figure, left, top - LINE_IN - 0.04, plane.name, color=GREY)
        add_axes(figure, left, top, *size)


def _show(
    axes: Axes,
    pixels: NDArray[Any],
    plane: Plane,
    box_mm: NDArray[np.float64],
    origin_mm: NDArray[np.float64] | None,
    **kwargs: Any,
) -> None:
    offset = np.zeros(3) if origin_mm is None else origin_mm
    first, last = -offset[plane.across], box_mm[plane.across] - offset[plane.across]
    if plane.reverse:
        first, last = last, first
    low, high = -offset[plane.up], box_mm[plane.up] - offset[plane.up]
    axes.imshow(pixels, extent=(first, last, low, high), aspect="auto", **kwargs)
    axes.set_xlabel(f"{AXIS_NAMES[plane.across]} (mm)", labelpad=1)
    axes.set_ylabel(f"{AXIS_NAMES[plane.up]} (mm)", labelpad=1)


def _mark(
    axes: Axes,
    plane: Plane,
    point_mm: NDArray[np.float64],
    origin_mm: NDArray[np.float64] | None,
) -> None:
    """Draw the letters of the directions, the other planes and bregma."""
    offset = np.zeros(3) if origin_mm is None else origin_mm
    axes.set_autoscale_on(False)
    across, up = (point_mm - offset)[[plane.across, plane.up]]
    axes.axvline(across, color="#d62728", lw=0.6, ls=(0, (4, 3)))
    axes.axhline(up, color="#d62728", lw=0.6, ls=(0, (4, 3)))
    draw_edge_letters(axes, plane)
    if origin_mm is not None:
        axes.plot(
            [0], [0], marker="o", ms=4, mfc="#ffd400", mec=INK, mew=0.6, clip_on=False, gid="bregma"
        )


def _color_table(atlas: Atlas) -> NDArray[np.float64]:
    """Return the colour of each entry of the annotation's table; nothing is white."""
    table = np.ones((atlas.annotation.ids.size, 3))
    for place, identifier in enumerate(atlas.annotation.ids.tolist()):
        if identifier in atlas.structures:
            table[place] = np.array(atlas.structures[identifier].rgb) / 255
    return table


def _template_limits(data: NDArray[Any]) -> tuple[float, float]:
    """Return grey values for black and white that leave bright fibres and cerebellum visible."""
    # About a million values tell as much as the billion of a template of 10 µm.
    step = max(2, round((data.size / _ENOUGH_VALUES) ** (1 / 3)))
    coarse = np.asarray(data[::step, ::step, ::step], dtype=np.float64)
    tissue = coarse[coarse > coarse.min()]
    if tissue.size == 0:
        return float(coarse.min()), float(coarse.min()) + 1.0
    return float(coarse.min()), float(np.percentile(tissue, 99.8))
