"""Figures laid out in inches from their upper left corner, and text that is measured."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from brainreg3d.views.style import DPI, PAPER, SMALL_PT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN_IN = 0.15
LINE_IN = 0.16
"""From one line of small text to the next."""


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure that can be drawn without a screen.

    Parameters
    ----------
    width_in, height_in : float
        Size in inches.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def add_axes(
    figure: Figure, left_in: float, top_in: float, width_in: float, height_in: float
) -> Axes:
    """Add axes at a place given in inches from the upper left corner of the figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Where to add them.
    left_in, top_in : float
        Upper left corner.
    width_in, height_in : float
        Size.

    Returns
    -------
    matplotlib.axes.Axes
        The new axes.
    """
    total_width, total_height = figure.get_size_inches()
    bottom_in = total_height - top_in - height_in
    place = (left_in / total_width, bottom_in / total_height)
    return figure.add_axes((*place, width_in / total_width, height_in / total_height))


def add_text(figure: Figure, left_in: float, top_in: float, text: str, **kwargs: Any) -> None:
    """Write text whose upper edge lies at a place in inches from the upper left corner.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Where to write.
    left_in, top_in : float
        Upper left corner of the text.
    text : str
        One line.
    **kwargs
        For `matplotlib.figure.Figure.text`.
    """
    width, height = figure.get_size_inches()
    options = {"size": SMALL_PT, "va": "top", "parse_math": False, **kwargs}
    figure.text(left_in / width, 1 - top_in / height, text, **options)


@functools.lru_cache(maxsize=4096)
def text_width_in(text: str, size_pt: float, weight: str = "normal") -> float:
    """Return how wide a line of text is drawn.

    Parameters
    ----------
    text : str
        One line.
    size_pt : float
        Font size in points.
    weight : str
        ``"normal"`` or ``"bold"``.

    Returns
    -------
    float
        Inches.
    """
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family="DejaVu Sans", size=size_pt, weight=weight)
    renderer: Any = RendererAgg
    width, _, _ = renderer(1, 1, DPI).get_text_width_height_descent(text, font, ismath=False)
    return float(width) / DPI


def wrap_text(
    text: str, width_in: float, size_pt: float = SMALL_PT, weight: str = "normal"
) -> list[str]:
    """Break a text into lines no wider than given, where words allow it.

    Parameters
    ----------
    text : str
        Words separated by blanks.
    width_in : float
        Greatest width in inches.
    size_pt : float
        Font size in points.
    weight : str
        ``"normal"`` or ``"bold"``.

    Returns
    -------
    list of str
        The lines.
    """
    lines: list[str] = []
    for word in _words_that_fit(text, width_in, size_pt, weight):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width_in(longer, size_pt, weight) <= width_in:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _words_that_fit(text: str, width_in: float, size_pt: float, weight: str) -> Iterator[str]:
    """Yield the words of a text, those wider than a line in pieces."""
    for word in text.split():
        while text_width_in(word, size_pt, weight) > width_in and len(word) > 1:
            fits = (n for n in range(len(word) - 1, 1, -1))
            cut = next((n for n in fits if text_width_in(word[:n], size_pt, weight) <= width_in), 1)
            yield word[:cut]
            word = word[cut:]
        yield word


def shorten(text: str, width_in: float, size_pt: float = SMALL_PT) -> str:
    """Return a text cut off with an ellipsis where it is too wide.

    Parameters
    ----------
    text : str
        One line.
    width_in : float
        Greatest width in inches.
    size_pt : float
        Font size in points.

    Returns
    -------
    str
        The text itself when it fits.
    """
    if text_width_in(text, size_pt) <= width_in:
        return text
    while text and text_width_in(f"{text}…", size_pt) > width_in:
        text = text[:-1].rstrip()
    return f"{text}…"


@attrs.frozen
class Grid:
    """Equal panels in rows, in inches from the upper left corner of a figure.

    Parameters
    ----------
    count : int
        Number of panels.
    columns : int
        Panels in a row.
    panel_in : tuple of float
        (width, height) of a panel.
    gap_in : tuple of float
        (horizontal, vertical) space between panels.
    left_in, top_in : float
        Upper left corner of the first panel.
    """

    count: int
    columns: int
    panel_in: tuple[float, float]
    gap_in: tuple[float, float]
    left_in: float
    top_in: float

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.count // self.columns)

    @property
    def height_in(self) -> float:
        """Height of all rows with the gaps between them."""
        return self.rows * self.panel_in[1] + (self.rows - 1) * self.gap_in[1]

    @property
    def width_in(self) -> float:
        """Width of a row with the gaps in it."""
        return self.columns * self.panel_in[0] + (self.columns - 1) * self.gap_in[0]

    def __iter__(self) -> Iterator[tuple[float, float]]:
        for place in range(self.count):
            row, column = divmod(place, self.columns)
            yield (
                self.left_in + column * (self.panel_in[0] + self.gap_in[0]),
                self.top_in + row * (self.panel_in[1] + self.gap_in[1]),
            )
