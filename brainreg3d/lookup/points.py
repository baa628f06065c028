"""Points in a table: one line for each."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from brainreg3d.errors import InputError
from brainreg3d.io.spreadsheet_text import read_spreadsheet_text
from brainreg3d.lookup.rois import Roi, Rois, gather, point

_NAMES = ("name", "label", "roi", "id")
_PAIRS = (
    ("row", "col"), ("row", "column"), ("row_px", "col_px"), ("row_px", "column_px"),
    ("y", "x"), ("y_px", "x_px"),
)  # fmt: skip


def read_points(path: Path) -> Rois:
    """Read points from a CSV.

    Parameters
    ----------
    path : pathlib.Path
        With a header: ``row`` and ``col`` in pixels, or ``y`` and ``x``, which are the same: rows
        count down and columns to the right, and the centre of the first pixel is (0, 0). A column
        ``name`` is optional. Commas, semicolons or tabs part columns; with the last two, numbers
        may have decimal commas.

    Returns
    -------
    Rois
        One pixel each; without names they are numbered from 1.

    Raises
    ------
    InputError
        If a column is missing, or a value is no number.
    """
    try:
        text = read_spreadsheet_text(path)
        table = list(csv.reader(text.lines(), delimiter=text.separator))
    except (ValueError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        message = f"{path} cannot be read as a table ({error}); expected a CSV with a header."
        raise InputError(message) from error
    fields = [field.strip().lower() for field in (table[0] if table else [])]
    row_place, col_place = _places(fields, path)
    name_place = next((fields.index(name) for name in _NAMES if name in fields), None)
    rois: list[Roi] = []
    for number, cells in enumerate(table[1:], text.n_lines_before + 2):
        if not any(cell.strip() for cell in cells):
            continue
        if text.separator != ",":
            # A comma within a cell is a decimal one, but for names.
            cells = [
                cell.replace(",", ".") if place in (row_place, col_place) else cell
                for place, cell in enumerate(cells)
            ]
        row, col = (_number(cells, place, fields, path, number) for place in (row_place, col_place))
        rois.append(point(_name(cells, name_place, len(rois) + 1), "point", row, col))
    if not rois:
        message = f"{path} holds no points, only a header."
        raise InputError(message)
    return gather(rois)


def _places(fields: Sequence[str], path: Path) -> tuple[int, int]:
    found = [pair for pair in _PAIRS if set(pair) <= set(fields)]
    if len(found) != 1:
        problem = "both of" if found else "none of"
        message = (
            f"{path} has the columns {', '.join(fields) or 'none'}; expected row and col, or y and "
            f"x, in pixels; got {problem} them."
        )
        raise InputError(message)
    doubled = [name for name in found[0] if fields.count(name) > 1]
    if doubled:
        message = f"{path} has more than one column {doubled[0]!r}; expected each once."
        raise InputError(message)
    return fields.index(found[0][0]), fields.index(found[0][1])


def _number(
    cells: Sequence[str], place: int, fields: Sequence[str], path: Path, line: int
) -> float:
    text = cells[place].strip() if place < len(cells) else ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1 << 30:
        message = (
            f"Line {line} of {path}: {fields[place]} is {text!r}; expected a number of pixels."
        )
        raise InputError(message)
    return value


def _name(cells: Sequence[str], place: int | None, number: int) -> str:
    text = cells[place].strip() if place is not None and place < len(cells) else ""
    return text or str(number)
