"""Pages with one small image for each region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np

from brainreg3d.geometry import Pose
from brainreg3d.views.compass import COMPASS_IN, draw_compass
from brainreg3d.views.layout import (
    LINE_IN,
    MARGIN_IN,
    Grid,
    add_text,
    new_figure,
    shorten,
    wrap_text,
)
from brainreg3d.views.sheet import draw_scale_bar, image_axes, image_size_in
from brainreg3d.views.style import GREY, SMALL_PT, TITLE_PT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAGE_IN = 7.0
_GAP_IN = 0.16
LEAST_BAR_IN = 0.42


@attrs.frozen
class PanelPage:
    """A title, equal panels with two lines of text above each, and captions.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns) of the image in every panel.
    pixel_size_mm : tuple of float or None
        (row, column) size of a pixel; None leaves the scale bar out.
    title : str
        Above everything.
    headings : sequence of (str, str)
        For each panel what stands above it: a bold line and a plain one.
    captions : sequence of str
        Lines at the bottom, wrapped where too long.
    pose : Pose or None
        For the compass.
    columns : int or None
        Panels in a row; chosen by their number and shape when not given.
    right_in : float
        Space kept free to the right of each image, for a colour bar.
    """

    shape: tuple[int, int]
    pixel_size_mm: tuple[float, float] | None
    title: str
    headings: Sequence[tuple[str, str]]
    captions: Sequence[str] = ()
    pose: Pose | None = None
    columns: int | None = None
    right_in: float = 0.0

    def _grid(self, top_in: float) -> tuple[Grid, tuple[float, float]]:
        """Return the grid of panels, and how large the image is drawn in each."""
        aspect = self.shape[1] / self.shape[0]
        if self.pixel_size_mm is not None:
            aspect *= self.pixel_size_mm[1] / self.pixel_size_mm[0]
        count = len(self.headings)
        columns = self.columns or int(np.clip(np.ceil(np.sqrt(count / min(aspect, 1.6))), 2, 5))
        columns = min(columns, max(count, 2))
        width = (_PAGE_IN - (columns - 1) * _GAP_IN) / columns
        room = width - self.right_in
        height = float(np.clip(room / aspect, 0.3, 1.3 * room))
        image = image_size_in(self.shape, self.pixel_size_mm or (1.0, 1.0), (room, height))
        gap = (_GAP_IN, 2 * LINE_IN + 0.22)
        return Grid(count, columns, (width, image[1]), gap, MARGIN_IN, top_in), image

    def draw(self) -> tuple[Figure, list[Axes]]:
        """Return a figure with empty panels.

        Returns
        -------
        figure : matplotlib.figure.Figure
            The page.
        axes : list of matplotlib.axes.Axes
            One for each heading, in pixel coordinates.
        """
        titles = wrap_text(self.title, _PAGE_IN, TITLE_PT, "bold")
        lines = [line for text in self.captions for line in wrap_text(text, _PAGE_IN)]
        top = MARGIN_IN + 0.22 * len(titles) + 2 * LINE_IN + 0.12
        grid, image = self._grid(top)
        strip = 0.14 + (COMPASS_IN if self.pose is not None else 0.28)
        # A colour bar may reach below a very flat image.
        below = max(0.0, LEAST_BAR_IN - image[1]) if self.right_in else 0.0
        bottom = top + grid.height_in + below + strip
        figure = new_figure(_PAGE_IN + 2 * MARGIN_IN, bottom + LINE_IN * len(lines) + MARGIN_IN)
        for place, line in enumerate(titles):
            add_text(
                figure, MARGIN_IN, MARGIN_IN + 0.22 * place, line, size=TITLE_PT, weight="bold"
            )
        axes = [
            self._panel(figure, place, image, head)
            for place, head in zip(grid, self.headings, strict=True)
        ]
        if self.pixel_size_mm is not None and axes:
            draw_scale_bar(axes[grid.columns * (grid.rows - 1)], self.shape, self.pixel_size_mm)
        if self.pose is not None:
            left = MARGIN_IN + _PAGE_IN - COMPASS_IN
            draw_compass(figure, self.pose, left, top + grid.height_in + below + 0.07)
        for place, line in enumerate(lines):
            add_text(figure, MARGIN_IN, bottom + LINE_IN * place, line, color=GREY)
        return figure, axes

    def _panel(
        self,
        figure: Figure,
        place_in: tuple[float, float],
        image_in: tuple[float, float],
        heading: tuple[str, str],
    ) -> Axes:
        left, top = place_in
        columns = self._grid(0.0)[0].columns
        room = (_PAGE_IN - (columns - 1) * _GAP_IN) / columns
        bold, plain = heading
        add_text(figure, left, top - 2 * LINE_IN - 0.07, shorten(bold, room), weight="bold")
        add_text(figure, left, top - LINE_IN - 0.07, shorten(plain, room, SMALL_PT), color=GREY)
        return image_axes(figure, (left, top, *image_in), self.shape)
