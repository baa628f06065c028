"""All overlays of a batch side by side, to be looked over at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.batch.record import TILE_NAME
from brainreg3d.batch.summary import DONE, FAILED, SessionOutcome
from brainreg3d.batch.tile import TILE_IN
from brainreg3d.views.figures import save_figure
from brainreg3d.views.layout import (
    LINE_IN,
    MARGIN_IN,
    add_axes,
    add_text,
    new_figure,
    shorten,
    wrap_text,
)
from brainreg3d.views.style import DPI, GREY, INK, OFF_BRAIN, TEXT_PT, TITLE_PT, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHEET_NAME = "batch_overlays"
TILES_ON_A_SHEET = 48
_MOST_COLUMNS = 6
_GAP_IN = 0.18
_CAPTION_IN = 0.18 + LINE_IN
_HEAD_IN = 0.34
_MOST_LINES = 9
_BOLD = 0.84  # of the width of a line; bold letters are that much wider
_BAD = "#a01c1c"


@attrs.frozen(eq=False)
class _Tile:
    """A picture, or none, with what is written above and below it."""

    outcome: SessionOutcome
    picture: NDArray[np.uint8] | None

    @property
    def height_in(self) -> float:
        return TILE_IN[1] * 0.6 if self.picture is None else self.picture.shape[0] / DPI


def write_contact_sheets(outcomes: Sequence[SessionOutcome], output_dir: Path) -> list[Path]:
    """Write the sheets ``batch_overlays.png``, ``batch_overlays_2.png``, ...

    Parameters
    ----------
    outcomes : sequence of SessionOutcome
        All sessions, in order.
    output_dir : pathlib.Path
        Of the batch; sheets of an earlier one that had more are removed.

    Returns
    -------
    list of pathlib.Path
        The sheets.
    """
    pages = range(0, len(outcomes), TILES_ON_A_SHEET)
    written = []
    for number, start in enumerate(pages, 1):
        chosen = outcomes[start : start + TILES_ON_A_SHEET]
        title = f"Overlays of {len(outcomes)} session{'s' if len(outcomes) != 1 else ''}"
        if len(pages) > 1:
            title += f", {start + 1} to {start + len(chosen)}"
        figure = draw_contact_sheet(chosen, output_dir, title)
        path = output_dir / f"{SHEET_NAME}{'' if number == 1 else f'_{number}'}.png"
        written.append(save_figure(figure, path))
    number = len(pages) + 1
    while (old := output_dir / f"{SHEET_NAME}_{number}.png").is_file():
        old.unlink()
        number += 1
    return written


@styled
def draw_contact_sheet(
    outcomes: Sequence[SessionOutcome], output_dir: Path, title: str = "Overlays"
) -> Figure:
    """Draw the overlays of some sessions; one that failed has its reason instead.

    Parameters
    ----------
    outcomes : sequence of SessionOutcome
        At least one.
    output_dir : pathlib.Path
        Holds their folders.
    title : str
        Above them.

    Returns
    -------
    matplotlib.figure.Figure
        The sheet.
    """
    tiles = [_tile(outcome, output_dir) for outcome in outcomes]
    n_columns = min(_MOST_COLUMNS, max(1, int(np.ceil(np.sqrt(len(tiles))))))
    rows = [tiles[start : start + n_columns] for start in range(0, len(tiles), n_columns)]
    heights = [max(tile.height_in for tile in row) for row in rows]
    width = n_columns * TILE_IN[0] + (n_columns - 1) * _GAP_IN + 2 * MARGIN_IN
    below = MARGIN_IN + _HEAD_IN
    total = below + sum(heights) + len(rows) * (_CAPTION_IN + _GAP_IN) + MARGIN_IN - _GAP_IN
    figure = new_figure(width, total)
    head = shorten(title, width - 2 * MARGIN_IN, TITLE_PT)
    add_text(figure, MARGIN_IN, MARGIN_IN, head, size=TITLE_PT, weight="bold")
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            _draw_tile(figure, tile, MARGIN_IN + column * (TILE_IN[0] + _GAP_IN), below, height)
        below += height + _CAPTION_IN + _GAP_IN
    return figure


def _tile(outcome: SessionOutcome, output_dir: Path) -> _Tile:
    path = output_dir / outcome.name / TILE_NAME
    if outcome.status != DONE or not path.is_file():
        return _Tile(outcome, None)
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return _Tile(outcome, np.asarray(picture.convert("RGB")))
    except OSError:  # damaged in a way that left its size
        return _Tile(outcome, None)


def _draw_tile(figure: Figure, tile: _Tile, left: float, top: float, height: float) -> None:
    outcome = tile.outcome
    width = TILE_IN[0]
    failed = outcome.status == FAILED
    name = shorten(outcome.name, width * _BOLD, TEXT_PT)
    color = _BAD if failed else INK
    add_text(figure, left, top, name, size=TEXT_PT, weight="bold", color=color)
    add_text(figure, left, top + 0.15, shorten(_caption(outcome), width), color=GREY)
    top += _CAPTION_IN
    if tile.picture is not None:
        # Dot for dot, or outlines would blur.
        dots = (round(left * DPI), round(figure.bbox.height - top * DPI - tile.picture.shape[0]))
        figure.figimage(tile.picture, *dots, zorder=1)
        return
    axes: Any = add_axes(figure, left, top, width, height)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(OFF_BRAIN)
    for spine in axes.spines.values():
        spine.set_visible(False)
    lines = wrap_text(outcome.reason or "no picture", width - 0.2)
    shown = lines[: min(_MOST_LINES, max(1, int((height - 0.16) / LINE_IN)))]
    if len(shown) < len(lines):
        shown[-1] = shorten(f"{shown[-1]} {lines[len(shown)]}", width - 0.2)
    for number, line in enumerate(shown):
        add_text(figure, left + 0.1, top + 0.1 + number * LINE_IN, line, color=color)


def _caption(outcome: SessionOutcome) -> str:
    """Return the line below a name."""
    if outcome.status != DONE:
        return outcome.status
    summary = outcome.record.get("summary", {})
    parts = []
    if "labelled_share" in summary:
        parts.append(f"{summary['labelled_share']:.0%} labelled")
        parts.append(f"{summary['n_seen']} of {summary['n_regions']} regions seen")
    n_warnings = len(outcome.record.get("warnings", []))
    if n_warnings:
        parts.append(f"{n_warnings} warning{'s' if n_warnings > 1 else ''}")
    return "; ".join(parts)
