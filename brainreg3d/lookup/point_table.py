"""Points in a table: one line for each."""

from __future__ import annotations

import csv
import math
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np

from brainreg3d.errors import InputError
from brainreg3d.io.spreadsheet_text import read_spreadsheet_text
from brainreg3d.lookup.points import FARTHEST, PIXELS, UNITS_MM, Points
from brainreg3d.lookup.rois import Rois, gather, point

_NAMES = ("name", "label", "roi", "id")
_PLAIN = ("y", "x")
_PAIRS = {
    PIXELS: (
        ("row", "col"), ("row", "column"), ("row_px", "col_px"), ("row_px", "column_px"),
        _PLAIN, ("y_px", "x_px"),
    ),
    "mm": (_PLAIN, ("y_mm", "x_mm")),
    "um": (_PLAIN, ("y_um", "x_um"), ("y_\u03bcm", "x_\u03bcm")),
}  # fmt: skip
"""Columns that are taken, by what they count in; each name as `_field` returns it."""


def read_points(path: Path, unit: str = PIXELS) -> Rois | Points:
    """Read points from a CSV.

    Parameters
    ----------
    path : pathlib.Path
        With a header: ``row`` and ``col`` in pixels, or ``y`` and ``x``, which are the same: rows
        count down and columns to the right, and the centre of the first pixel is (0, 0). A column
        ``name`` is optional. Commas, semicolons or tabs part columns; with the last two, numbers
        may have decimal commas.
    unit : {"px", "mm", "um"}
        What they count in. ``y`` and ``x`` in mm or µm count from the outer corner of the first
        pixel, as those of the Results table of ImageJ do.

    Returns
    -------
    Rois or Points
        One pixel each; without names they are numbered from 1. Points where the unit is a length.

    Raises
    ------
    InputError
        If a column is missing, or a value is no number.
    """
    names, places, fields = _read_table(path, unit)
    if unit != PIXELS:
        return Points(names, np.array(places) * UNITS_MM[unit])
    found = zip(names, places, strict=True)
    rois = gather([point(name, "point", row, col) for name, (row, col) in found])
    perhaps_mm = _pairs_in(fields, PIXELS) == _pairs_in(fields, "mm") == [_PLAIN]
    return attrs.evolve(rois, perhaps_mm=perhaps_mm)


def _read_table(
    path: Path, unit: str
) -> tuple[tuple[str, ...], list[tuple[float, float]], list[str]]:
    """Return names of points, (row, column) or (y, x) of each, and the names of columns."""
    try:
        text = read_spreadsheet_text(path)
        table = list(csv.reader(text.lines(), delimiter=text.separator))
    except (ValueError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        message = f"{path} cannot be read as a table ({error}); expected a CSV with a header."
        raise InputError(message) from error
    fields = [_field(cell) for cell in (table[0] if table else [])]
    row_place, col_place = _places(fields, path, unit)
    name_place = next((fields.index(name) for name in _NAMES if name in fields), None)
    names: list[str] = []
    places: list[tuple[float, float]] = []
    for number, cells in enumerate(table[1:], text.n_lines_before + 2):
        if not any(cell.strip() for cell in cells):
            continue
        if text.separator != ",":
            # A comma within a cell is a decimal one, but for names.
            cells = [
                cell.replace(",", ".") if place in (row_place, col_place) else cell
                for place, cell in enumerate(cells)
            ]
        row, col = (
            _number(cells, place, fields, unit, f"Line {number} of {path}")
            for place in (row_place, col_place)
        )
        names.append(_name(cells, name_place, len(names) + 1))
        places.append((row, col))
    if not places:
        message = f"{path} holds no points, only a header."
        raise InputError(message)
    return tuple(names), places, fields


def _field(cell: str) -> str:
    """Return the name of a column as it is known here: the micro sign becomes the Greek letter."""
    return unicodedata.normalize("NFKC", cell).strip().lower()


def _pairs_in(fields: Sequence[str], unit: str) -> list[tuple[str, str]]:
    return [pair for pair in _PAIRS[unit] if set(pair) <= set(fields)]


def _places(fields: Sequence[str], path: Path, unit: str) -> tuple[int, int]:
    found = _pairs_in(fields, unit)
    if len(found) != 1:
        problem = "both of" if found else "none of"
        expected = "row and col, or y and x, in pixels" if unit == PIXELS else f"y and x in {unit}"
        message = (
            f"{path} has the columns {', '.join(fields) or 'none'}; expected {expected}; got "
            f"{problem} them."
        )
        if not found:
            fitting = [other for other in _PAIRS if len(_pairs_in(fields, other)) == 1]
            ways = [f"point_unit={other!r} (--point-unit {other})" for other in fitting]
            message += f" Say {' or '.join(ways)} to take these." if ways else ""
        raise InputError(message)
    doubled = [name for name in found[0] if fields.count(name) > 1]
    if doubled:
        message = f"{path} has more than one column {doubled[0]!r}; expected each once."
        raise InputError(message)
    return fields.index(found[0][0]), fields.index(found[0][1])


def _number(
    cells: Sequence[str], place: int, fields: Sequence[str], unit: str, where: str
) -> float:
    text = cells[place].strip() if place < len(cells) else ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > FARTHEST:
        words = "pixels" if unit == PIXELS else unit
        message = f"{where}: {fields[place]} is {text!r}; expected a number of {words}."
        raise InputError(message)
    return value


def _name(cells: Sequence[str], place: int | None, number: int) -> str:
    text = cells[place].strip() if place is not None and place < len(cells) else ""
    return text or str(number)
