"""Reading the text of tables as spreadsheet programs save them."""

from __future__ import annotations

import io
from pathlib import Path

import attrs

from brainreg3d._logging import logger
from brainreg3d.errors import InputError

_SEPARATORS = (",", ";", "\t")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@attrs.frozen
class SpreadsheetText:
    """A table from its header on.

    Parameters
    ----------
    text : str
        Header and rows; empty where there are none.
    separator : str
        What parts columns. Where it is no comma, numbers may have decimal ones.
    n_lines_before : int
        Lines of the file before the header.
    """

    text: str
    separator: str
    n_lines_before: int

    def lines(self) -> io.StringIO:
        """Return what `csv.reader` takes: lines may end in any of the three ways.

        Returns
        -------
        io.StringIO
            All lines.
        """
        return io.StringIO(self.text, newline=None)


def read_spreadsheet_text(path: Path) -> SpreadsheetText:
    """Read a table as text.

    Parameters
    ----------
    path : pathlib.Path
        In UTF-8, UTF-16 with its mark, or else Windows-1252, which is warned about. Commas,
        semicolons or tabs part columns, or what a first line ``sep=`` says.

    Returns
    -------
    SpreadsheetText
        From the first line that is not empty.

    Raises
    ------
    InputError
        If the file cannot be read or is no text.
    """
    lines = _decoded(path).splitlines(keepends=True)
    first = 0
    separator = None
    if lines and lines[0].lower().startswith("sep="):  # Excel's own hint
        separator, first = lines[0][4:].strip("\r\n"), 1
    while first < len(lines) and not lines[first].strip(" \t\r\n;,"):
        first += 1
    if separator is None or len(separator) != 1:
        header = lines[first] if first < len(lines) else ""
        separator = max(_SEPARATORS, key=header.count)
    return SpreadsheetText("".join(lines[first:]), separator, first)


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"Cannot read the table {path}: {error.strerror or error}."
        raise InputError(message) from error
    if b"\0" in content and not content.startswith(_UTF_16_MARKS):
        message = f"{path} is no text; save the table as CSV."
        raise InputError(message)
    try:
        if content.startswith(_UTF_16_MARKS):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        logger.warning("%s is not UTF-8; it is read as Windows-1252, as Excel writes it.", path)
        return content.decode("cp1252", errors="replace")
