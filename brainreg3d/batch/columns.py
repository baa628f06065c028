"""The columns of a table of sessions, and what their cells mean to `BrainReg3D`."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brainreg3d.errors import InputError

COLUMNS: dict[str, str] = {
    "session": "text",
    "image": "path",
    "animal": "text",
    "group": "text",
    "alignment": "path",
    "landmarks": "path",
    "reference": "text",
    "reference_alignment": "path",
    "reference_frame": "integer",
    "image_dims_mm": "pair",
    "image_width_mm": "number",
    "image_height_mm": "number",
    "pixel_size_mm": "pair",
    "pixel_width_mm": "number",
    "pixel_height_mm": "number",
    "frame": "integer",
    "atlas": "text",
    "regions": "any",
    "overlap": "text",
    "camera_distance_mm": "distance",
    "principal_point_px": "pair",
    "principal_point_row_px": "number",
    "principal_point_col_px": "number",
    "bregma": "text",
    "method": "text",
    "occluders": "text",
    "label_depth_um": "number",
    "along": "text",
    "hemisphere": "text",
    "window_mask": "path",
    "stem": "text",
    "formats": "any",
    "label_values": "text",
    "split_hemispheres": "yes or no",
    "pose_sigma_mm": "number",
    "pose_sigma_deg": "number",
}
"""Columns of a table, and what their cells hold."""

_PAIRS = {
    "image_dims_mm": ("image_width_mm", "image_height_mm"),
    "pixel_size_mm": ("pixel_height_mm", "pixel_width_mm"),
    "principal_point_px": ("principal_point_row_px", "principal_point_col_px"),
}
"""Arguments of `BrainReg3D` that take two columns."""

_OTHER_NAMES = {"brain_regions": "regions", "mouse": "animal"}
_OF_THE_BATCH = (
    *("session", "image", "animal", "group"),
    *("reference", "reference_alignment", "reference_frame"),
)
INSTEAD_OF_EACH_OTHER = (
    {"alignment", "landmarks", "reference", "reference_alignment", "reference_frame"},
    {"image_dims_mm", "pixel_size_mm"},
    {"atlas", "template_source"},
)
"""Arguments of which a row that gives one takes the place of all that are given for all rows."""

_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_PARALLEL = ("none", "parallel")


def column_name(text: str) -> str:
    """Return the name of a column as `COLUMNS` spells it.

    Parameters
    ----------
    text : str
        As a header spells it.

    Returns
    -------
    str
        In lower case with underscores, whether it is known or not.
    """
    name = "_".join(text.strip().lower().replace("-", " ").split())
    return _OTHER_NAMES.get(name, name)


def is_note(text: str) -> bool:
    """Tell whether a column is for people only.

    Parameters
    ----------
    text : str
        As a header spells it.

    Returns
    -------
    bool
        True for names that start with "note".
    """
    return text.strip().lower().startswith("note")


def is_nothing(value: Any) -> bool:
    """Tell whether a cell of a table in memory is empty.

    Parameters
    ----------
    value : object
        The cell.

    Returns
    -------
    bool
        True for None, NaN, the two of pandas, and blanks.
    """
    if isinstance(value, str):
        return not value.strip()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas may not be there
        return True
    return isinstance(value, float) and math.isnan(value)


def read_cells(
    cells: Mapping[str, Any], folder: Path, *, decimal_comma: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a row says.

    Parameters
    ----------
    cells : mapping of str to object
        By column.
    folder : pathlib.Path
        What relative paths start from.
    decimal_comma : bool
        Whether a number may be written as ``6,25``.

    Returns
    -------
    of_the_batch : dict
        Session, image, group and reference.
    arguments : dict
        The rest, as arguments of `BrainReg3D`.

    Raises
    ------
    InputError
        If a cell holds something else than its column says, or only one of a pair is given.
    """
    values = {
        name: _value(name, COLUMNS[name], cell, folder, decimal_comma)
        for name, cell in cells.items()
    }
    arguments = {name: value for name, value in values.items() if name not in _OF_THE_BATCH}
    for argument, pair in _PAIRS.items():
        given = [name for name in pair if name in arguments]
        if given and argument in arguments:
            message = f"{argument} and {given[0]} say the same; keep one of them."
            raise InputError(message)
        if len(given) == 1:
            other = next(name for name in pair if name not in given)
            message = f"{given[0]} goes with {other}, which is not given."
            raise InputError(message)
        if given:
            arguments[argument] = tuple(arguments.pop(name) for name in pair)
    if "regions" in arguments:
        arguments["brain_regions"] = arguments.pop("regions")
    return {name: values[name] for name in _OF_THE_BATCH if name in values}, arguments


def _value(name: str, kind: str, cell: Any, folder: Path, decimal_comma: bool) -> Any:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a column of integers with gaps is one of floats to pandas
    text = str(cell).strip()
    if kind == "path":
        return _path(cell, folder)
    if kind == "distance" and text.lower() in _PARALLEL:
        return None
    if kind in ("number", "distance", "pair") and decimal_comma and "." not in text:
        text = text.replace(",", ".")
    if kind == "pair":
        return _pair(name, cell if isinstance(cell, list | tuple) else text.split())
    if kind in ("number", "distance", "integer"):
        return _number(name, text, whole=kind == "integer")
    if kind == "yes or no":
        if text.lower() not in _YES_NO:
            message = f"{name} is yes or no; got {text!r}."
            raise InputError(message)
        return _YES_NO[text.lower()]
    return cell if kind == "any" else text


def _number(name: str, text: str, *, whole: bool = False) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (whole and not number.is_integer()):
        message = f"{name} is a {'whole ' if whole else ''}number; got {text!r}."
        raise InputError(message)
    return int(number) if whole else number


def _pair(name: str, items: Sequence[Any]) -> tuple[float, float]:
    if len(items) != 2:
        message = f"{name} is two numbers; got {' '.join(map(str, items))!r}."
        raise InputError(message)
    first, second = (_number(name, str(item)) for item in items)
    return first, second


def _path(cell: Any, folder: Path) -> Any:
    """Return an absolute path; an object that is no path, such as a pose, as it is."""
    return path_from(cell, folder) if isinstance(cell, str | Path) else cell


def path_from(text: str | Path, folder: Path) -> Path:
    """Return a path that a table names.

    Parameters
    ----------
    text : str or pathlib.Path
        As it stands there; ``~`` is the home folder. Backslashes part folders, as a table from
        Windows writes them, unless a file has them in its name.
    folder : pathlib.Path
        What relative paths start from.

    Returns
    -------
    pathlib.Path
        The path, whether it exists or not.
    """
    named = str(text).strip()
    with contextlib.suppress(OSError):  # a name that no file can have
        if "\\" in named and not (folder / named).exists():
            named = named.replace("\\", "/")
    path = Path(named)
    with contextlib.suppress(RuntimeError):  # "~name" where nobody has that name may be a file
        path = path.expanduser()
    return folder / path
