"""Colours and names of regions in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from brainreg3d.atlas import Region
from brainreg3d.views.layout import LINE_IN, add_text, shorten, text_width_in
from brainreg3d.views.style import INK, SMALL_PT, region_color

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SWATCH_IN = 0.11


@attrs.frozen
class Legend:
    """Colours, acronyms and full names of regions in columns.

    Parameters
    ----------
    regions : tuple of Region
        In order, down the columns.
    columns : int
        Number of columns.
    acronym_in, column_in : float
        Widths in inches: of the acronyms, and of a whole column.
    """

    regions: tuple[Region, ...]
    columns: int
    acronym_in: float
    column_in: float

    @classmethod
    def fit(cls, regions: Sequence[Region], width_in: float) -> Legend:
        """Return a legend with as many columns as there is room for.

        Parameters
        ----------
        regions : sequence of Region
            What to name.
        width_in : float
            Room there is.

        Returns
        -------
        Legend
            Not wider than that.
        """
        regions = tuple(regions)
        if not regions:
            return cls((), 1, 0.0, width_in)
        acronym = max(text_width_in(r.acronym, SMALL_PT, "bold") for r in regions) + 0.08
        name = max(text_width_in(r.name, SMALL_PT) for r in regions) + 0.2
        columns = max(1, min(len(regions), int(width_in // (_SWATCH_IN + 0.06 + acronym + name))))
        return cls(regions, columns, acronym, width_in / columns)

    @property
    def rows(self) -> int:
        """Number of lines."""
        return -(-len(self.regions) // self.columns)

    @property
    def height_in(self) -> float:
        """Height with the space below."""
        return self.rows * LINE_IN + 0.08 if self.regions else 0.0

    def draw(self, figure: Figure, left_in: float, top_in: float) -> None:
        """Draw the legend.

        Parameters
        ----------
        figure : matplotlib.figure.Figure
            Where to draw.
        left_in, top_in : float
            Upper left corner in inches from that of the figure.
        """
        from matplotlib.patches import Rectangle

        total_width, total_height = figure.get_size_inches()
        for place, region in enumerate(self.regions):
            column, row = divmod(place, self.rows)
            left, top = left_in + column * self.column_in, top_in + row * LINE_IN
            corner = (left / total_width, 1 - (top + _SWATCH_IN + 0.005) / total_height)
            size = (_SWATCH_IN / total_width, _SWATCH_IN / total_height)
            color = region_color(region)
            figure.add_artist(Rectangle(corner, *size, facecolor=color, edgecolor=INK, lw=0.4))
            left += _SWATCH_IN + 0.06
            add_text(figure, left, top, region.acronym, weight="bold")
            room = self.column_in - _SWATCH_IN - 0.06 - self.acronym_in - 0.1
            add_text(figure, left + self.acronym_in, top, shorten(region.name, room))
