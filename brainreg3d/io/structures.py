"""Structure files: Allen's JSON, BrainGlobe's JSON, and CSV tables."""

from __future__ import annotations

import colorsys
import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from brainreg3d.atlas.structures import Structure, StructureTree
from brainreg3d.errors import AtlasError, MissingFileError

Color = tuple[int, int, int]

_GOLDEN_RATIO = 0.6180339887498949  # turns of the hue that never come close to repeating

# The first of each is the canonical name; the others are what Allen, BrainGlobe and people write.
_COLUMNS = {
    "id": ("id", "structure_id", "identifier"),
    "acronym": ("acronym", "abbreviation", "abbrev", "abbr"),
    "name": ("name", "safe_name", "full_name", "structure_name"),
    "parent_id": ("parent_id", "parent_structure_id", "parent_identifier", "parent"),
    "path": ("structure_id_path", "root_identifier_path", "id_path"),
    "hex": ("color_hex_triplet", "color_hex", "hex", "color", "colour"),
    "rgb": ("rgb_triplet", "rgb"),
    "red": ("red", "r"),
    "green": ("green", "g"),
    "blue": ("blue", "b"),
}
_FIELD_OF_COLUMN = {name: field for field, names in _COLUMNS.items() for name in names}


def read_structures(path: str | Path) -> StructureTree:
    """Read a structure file.

    Parameters
    ----------
    path : path-like
        Allen's structure graph (JSON, ``{"msg": [root]}`` with nested ``children``, or the root
        itself), BrainGlobe's ``structures.json``, or a CSV table with the columns ``id``,
        ``acronym``, ``name`` and one of ``parent_id``, ``parent_structure_id`` and
        ``structure_id_path``, with ``color_hex_triplet`` or ``red``, ``green`` and ``blue`` if
        there are colours.

    Returns
    -------
    StructureTree
        In the order of the file. A node with id 0 ("universe") is left out, because 0 means no
        structure in an annotation; what lies below it becomes a root.

    Raises
    ------
    MissingFileError
        If there is no such file.
    AtlasError
        If the file is malformed or its tree does not fit together.
    """
    path = Path(path)
    if not path.exists():
        message = f"There is no file {path}; expected a structure file (JSON or CSV)."
        raise MissingFileError(message)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"Cannot read the structure file {path}: {error}."
        raise AtlasError(message) from error
    is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "[")
    try:
        records = _json_records(text) if is_json else _csv_records(text)
        return structure_tree(records)
    except AtlasError as error:
        message = f"Structure file {path}: {error}"
        raise AtlasError(message) from error


def structure_tree(records: Iterable[Mapping[str, Any]]) -> StructureTree:
    """Make a tree of records as BrainGlobe, Allen or a table hold them.

    Parameters
    ----------
    records : iterable of mapping
        One for each structure, in any of the spellings that `read_structures` knows; values may
        be text.

    Returns
    -------
    StructureTree
        The tree.

    Raises
    ------
    AtlasError
        If a record lacks something, or the tree does not fit together.
    """
    structures = []
    for place, record in enumerate(records):
        fields = _fields(record)
        identifier = _integer(fields.get("id"))
        if identifier is None:
            message = f"structure number {place + 1} has no id; got {dict(record)!r:.120}."
            raise AtlasError(message)
        if identifier == 0:
            continue
        acronym = str(fields.get("acronym") or "").strip()
        if not acronym:
            message = f"the structure with id {identifier} has no acronym."
            raise AtlasError(message)
        name = str(fields.get("name") or "").strip() or acronym
        color = _color(fields) or distinct_color(place)
        structures.append(Structure(identifier, acronym, name, color, _parent(fields, identifier)))
    return StructureTree(structures)


def distinct_color(place: int) -> Color:
    """Return a colour for structures that have none.

    Parameters
    ----------
    place : int
        Number of the structure in its file.

    Returns
    -------
    tuple of int
        Red, green and blue, 0 to 255; neighbours in the file get hues far apart.
    """
    hue = (place * _GOLDEN_RATIO) % 1.0
    saturation, value = (0.45, 0.65, 0.85)[place % 3], (0.95, 0.8)[place // 3 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _json_records(text: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"this is not valid JSON ({error})."
        raise AtlasError(message) from error
    if isinstance(content, dict) and "msg" in content:
        content = content["msg"]
    nodes = [content] if isinstance(content, dict) else content
    if not isinstance(nodes, list) or not nodes:
        message = (
            'expected a list of structures, a root with "children", or Allen\'s {"msg": [root]}; '
            f"got {content!r:.80}."
        )
        raise AtlasError(message)
    return _flattened(nodes)


def _flattened(nodes: list[Any]) -> list[dict[str, Any]]:
    """Return nested nodes as a list, parents before children, in the order of the file."""
    records = []
    waiting: list[tuple[Any, Any]] = [(node, None) for node in reversed(nodes)]
    while waiting:
        node, parent = waiting.pop()
        if not isinstance(node, dict):
            message = f"expected each structure to be an object with id and acronym; got {node!r}."
            raise AtlasError(message)
        children = node.get("children") or []
        if not isinstance(children, list):
            message = f'expected "children" to be a list; got {children!r:.80}.'
            raise AtlasError(message)
        record = {key: value for key, value in node.items() if key != "children"}
        if parent is not None:
            record["parent_id"] = parent
        records.append(record)
        waiting.extend((child, node.get("id")) for child in reversed(children))
    return records


def _csv_records(text: str) -> list[dict[str, Any]]:
    first_line = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    rows = csv.DictReader(io.StringIO(text.lstrip("\r\n")), delimiter=delimiter)
    columns = [_column(name) for name in rows.fieldnames or []]
    fields = {_FIELD_OF_COLUMN.get(column) for column in columns}
    missing = [field for field in ("id", "acronym", "name") if field not in fields]
    if not {"parent_id", "path"} & fields:
        missing.append("parent_id (or parent_structure_id, or structure_id_path)")
    if missing:
        message = f"the table has no column {', '.join(missing)}; its columns are {columns}."
        raise AtlasError(message)
    try:
        return [dict(row) for row in rows if any(row.values())]
    except csv.Error as error:
        message = f"this is not a valid CSV table ({error})."
        raise AtlasError(message) from error


def _column(name: object) -> str:
    return re.sub(r"[\s\-]+", "_", str(name).strip().lower())


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record under canonical names; of two spellings the more usual one counts."""
    by_column = {_column(key): value for key, value in record.items()}
    found: dict[str, Any] = {}
    for field, names in _COLUMNS.items():
        for name in names:
            if by_column.get(name) not in (None, ""):
                found[field] = by_column[name]
                break
    return found


def _integer(value: Any) -> int | None:
    """Return a whole number that may be written as "997" or, by pandas, as "997.0"."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    return int(text.split(".")[0]) if re.fullmatch(r"-?\d+(\.0*)?", text) else None


def _parent(fields: Mapping[str, Any], identifier: int) -> int | None:
    path = fields.get("path")
    if "parent_id" not in fields and path is not None:
        text = path if isinstance(path, str) else " ".join(str(step) for step in path)
        steps = [int(step) for step in re.findall(r"\d+", text)]
        if steps and steps[-1] == identifier:
            steps.pop()
        parent: int | None = steps[-1] if steps else None
    else:
        parent = _integer(fields.get("parent_id"))
    # 0 is "universe", and tables write -1 for the root's parent.
    return parent if parent is not None and parent > 0 else None


def _color(fields: Mapping[str, Any]) -> Color | None:
    if "hex" in fields:
        # Spreadsheets drop leading zeros: 019399 becomes 19399.
        digits = str(fields["hex"]).strip().lstrip("#").zfill(6)
        if re.fullmatch(r"[0-9A-Fa-f]{6}", digits):
            red, green, blue = bytes.fromhex(digits)
            return red, green, blue
    channels = [_integer(fields.get(name)) for name in ("red", "green", "blue")]
    if "rgb" in fields:
        triplet = fields["rgb"]
        text = triplet if isinstance(triplet, str) else " ".join(str(c) for c in triplet)
        channels = [int(channel) for channel in re.findall(r"\d+", text)]
    if len(channels) == 3 and all(c is not None and 0 <= c <= 255 for c in channels):
        red, green, blue = (int(channel) for channel in channels if channel is not None)
        return red, green, blue
    return None
