"""Reading tables of sessions, also as spreadsheet programs write them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from brainreg3d.batch.columns import COLUMNS, column_name, is_note, is_nothing
from brainreg3d.errors import InputError, MissingFileError, did_you_mean
from brainreg3d.io.spreadsheet_text import read_spreadsheet_text


@attrs.frozen
class Row:
    """One row of a table of sessions.

    Parameters
    ----------
    place : str
        How messages call it, such as ``"line 4"``.
    cells : mapping of str to object
        By column, a key of `COLUMNS`; what was not given is left out.
    decimal_comma : bool
        Whether a number may be written as ``6,25``.
    """

    place: str
    cells: Mapping[str, Any]
    decimal_comma: bool = False


def read_table(sessions: Any) -> tuple[list[Row], Path]:
    """Read a table of sessions.

    Parameters
    ----------
    sessions : path-like, pandas.DataFrame or iterable of mapping
        A CSV file, separated by commas, semicolons or tabs; or the table itself.

    Returns
    -------
    rows : list of Row
        Without empty ones.
    folder : pathlib.Path
        What relative paths start from: the folder of the file, or the current one.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is no table, has no rows, a column is unknown or stands twice, or a row has more
        cells than there are columns.
    """
    if isinstance(sessions, str | Path):
        path = Path(sessions)
        rows, folder = _read_file(path), path.parent
    else:
        rows, folder = _read_objects(sessions), Path()
    if not rows:
        message = "The table has no sessions; expected a row for each, with at least its image."
        raise InputError(message)
    return rows, folder.absolute()


def _read_file(path: Path) -> list[Row]:
    if not path.is_file():
        wrong = f"{path} is a folder" if path.is_dir() else f"There is no table {path}"
        message = f"{wrong}; expected a CSV file with a row for each session."
        raise MissingFileError(message)
    table = read_spreadsheet_text(path)
    if not table.text:
        message = f"{path} is empty; expected a header and a row for each session."
        raise InputError(message)
    reader = csv.reader(table.lines(), delimiter=table.separator)
    try:
        names = _header(next(reader), str(path))
        rows = []
        for values in reader:
            place = f"line {table.n_lines_before + reader.line_num}"
            rows.append(_row(names, values, f"{place} of {path.name}", table.separator != ","))
    except csv.Error as error:
        message = f"{path} is no table ({error}); expected a CSV file."
        raise InputError(message) from error
    return [row for row in rows if row.cells]


def _header(cells: Iterable[Any], what: str) -> list[str | None]:
    """Return what each column is; None for notes and columns without a name."""
    names: list[str | None] = []
    for cell in cells:
        text = str(cell).strip()
        name = column_name(text)
        if not text or is_note(text):
            names.append(None)
        elif name not in COLUMNS:
            message = (
                f"{what} has a column {text!r}, which is not known.{did_you_mean(name, COLUMNS)} "
                f"Known are {', '.join(COLUMNS)}; columns whose names start with note are left "
                f"alone."
            )
            raise InputError(message)
        elif name in names:
            message = f"{what} has the column {text!r} twice; keep one of them."
            raise InputError(message)
        else:
            names.append(name)
    if "image" not in names:
        shown = ", ".join(repr(str(cell)) for cell in cells)
        message = f"{what} has no column image; its columns are {shown}."
        raise InputError(message)
    return names


def _row(names: list[str | None], values: list[str], place: str, decimal_comma: bool) -> Row:
    beyond = [value for value in values[len(names) :] if value.strip()]
    if beyond:
        message = (
            f"{place} has {len(values)} cells, but there are {len(names)} columns; put text that "
            f'holds the separator into quotes, such as "VISp,VISl".'
        )
        raise InputError(message)
    pairs = zip(names, values, strict=False)
    cells = {name: text for name, value in pairs if name and (text := value.strip())}
    return Row(place, cells, decimal_comma)


def _read_objects(sessions: Any) -> list[Row]:
    """Read a table that is in memory."""
    if hasattr(sessions, "to_dict") and hasattr(sessions, "columns"):
        _header(sessions.columns, "The table")
        records = sessions.to_dict("records")
    else:
        records = list(sessions) if isinstance(sessions, Iterable) else [sessions]
    rows = []
    for number, record in enumerate(records, 1):
        place = f"row {number}"
        if not isinstance(record, Mapping):
            message = (
                f"sessions is a CSV file, a DataFrame or a list of dicts; {place} is {record!r}."
            )
            raise InputError(message)
        names = _header(record, f"{place[0].upper()}{place[1:]}")
        pairs = zip(names, record.values(), strict=True)
        cells = {name: value for name, value in pairs if name and not is_nothing(value)}
        if cells:
            rows.append(Row(place, cells))
    return rows
