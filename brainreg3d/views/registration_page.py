"""The page of a registration: rows of planes, columns before and after, text around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from brainreg3d.atlas import Region
from brainreg3d.views.layout import (
    LINE_IN,
    MARGIN_IN,
    add_text,
    new_figure,
    text_width_in,
    wrap_text,
)
from brainreg3d.views.legend import Legend
from brainreg3d.views.planes import PLANES
from brainreg3d.views.style import GREY, SMALL_PT, TEXT_PT, TITLE_PT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAGE_IN = 8.6
_MOST_HEIGHT_IN = 6.5
_GAPS_IN = (0.0, 0.08, 0.08 + 0.22, 0.08 + 0.22 + 0.08)  # the two pairs of columns stand apart
_ROW_IN = 0.1 + LINE_IN + 0.04
_WARNING_COLOR = "#b2182b"
_COLUMNS = ("Checkerboard: before", "Checkerboard: after", "Outlines: before", "Outlines: after")


@attrs.frozen
class RegistrationPage:
    """What stands around the panels of a registration.

    Parameters
    ----------
    box_mm : tuple of float
        Extent of the atlas box along (x, y, z).
    title : str
        Above everything.
    rows : tuple of str
        What stands above each plane.
    tints : tuple
        Colours (red, green, blue) of the template's and the volume's squares.
    legend : tuple of Region
        Structures whose outlines are drawn.
    captions, warnings, footer : tuple of str
        Lines below, wrapped where too long.
    """

    box_mm: tuple[float, float, float]
    title: str
    rows: tuple[str, ...]
    tints: tuple[tuple[float, float, float], tuple[float, float, float]]
    legend: tuple[Region, ...] = ()
    captions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()

    @property
    def _widths_mm(self) -> list[float]:
        return [self.box_mm[plane.across] for plane in PLANES]

    @property
    def _heights_mm(self) -> list[float]:
        return [self.box_mm[plane.up] for plane in PLANES]

    @property
    def _content_in(self) -> float:
        return _PAGE_IN - 2 * MARGIN_IN

    @property
    def _column_in(self) -> float:
        """Width of the widest panel."""
        return (self._content_in - _GAPS_IN[-1]) / len(_COLUMNS)

    @property
    def _inches_per_mm(self) -> float:
        """The same for all panels, so that lengths can be compared."""
        return min(self._column_in / max(self._widths_mm), _MOST_HEIGHT_IN / sum(self._heights_mm))

    @property
    def _title_lines(self) -> list[str]:
        return wrap_text(self.title, self._content_in, TITLE_PT, "bold")

    @property
    def _top_in(self) -> float:
        return MARGIN_IN + 0.22 * len(self._title_lines) + 0.08 + LINE_IN

    def place_in(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Return where a panel goes.

        Parameters
        ----------
        row, column : int
            Its place.

        Returns
        -------
        tuple of float
            (left, top, width, height) in inches from the upper left corner of the figure.
        """
        scale = self._inches_per_mm
        width, height = self._widths_mm[row] * scale, self._heights_mm[row] * scale
        left = MARGIN_IN + column * self._column_in + _GAPS_IN[column]
        above = sum(self._heights_mm[:row]) * scale
        top = self._top_in + above + (row + 1) * _ROW_IN
        return left, top, width, height

    def draw(self) -> Figure:
        """Return a figure with everything but the panels.

        Returns
        -------
        matplotlib.figure.Figure
            The page.
        """
        legend = Legend.fit(self.legend, self._content_in)
        lines = [
            (line, color)
            for texts, color in (
                (self.captions, GREY),
                (self.warnings, _WARNING_COLOR),
                (self.footer, GREY),
            )
            for text in texts
            for line in wrap_text(text, self._content_in)
        ]
        _, top, _, height = self.place_in(len(self.rows) - 1, 0)
        below = top + height + 0.42  # with room for the scale bar
        end = below + legend.height_in + LINE_IN * len(lines) + MARGIN_IN
        figure = new_figure(_PAGE_IN, end)
        for place, line in enumerate(self._title_lines):
            top = MARGIN_IN + 0.22 * place
            add_text(figure, MARGIN_IN, top, line, size=TITLE_PT, weight="bold")
        self._draw_headings(figure)
        self._draw_key(figure, below - 0.34)
        legend.draw(figure, MARGIN_IN, below)
        below += legend.height_in
        for place, (line, color) in enumerate(lines):
            add_text(figure, MARGIN_IN, below + LINE_IN * place, line, color=color)
        return figure

    def _draw_headings(self, figure: Figure) -> None:
        top = self._top_in - LINE_IN
        for column, words in enumerate(_COLUMNS):
            left = MARGIN_IN + column * self._column_in + _GAPS_IN[column]
            add_text(figure, left, top, words, size=TEXT_PT, weight="bold")
        for row, text in enumerate(self.rows):
            top = self.place_in(row, 0)[1] - LINE_IN - 0.02
            add_text(figure, MARGIN_IN, top, text, color=GREY)

    def _draw_key(self, figure: Figure, top_in: float) -> None:
        """Say which squares are which."""
        left = MARGIN_IN
        for color, name in zip(self.tints, ("template", "volume"), strict=True):
            add_text(figure, left, top_in, "■", color=color, size=TEXT_PT)
            left += 0.13
            add_text(figure, left, top_in + 0.005, name)
            left += text_width_in(name, SMALL_PT) + 0.15
