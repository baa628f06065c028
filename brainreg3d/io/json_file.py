"""JSON files that people write by hand."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from brainreg3d.errors import InputError, MissingFileError, did_you_mean


def read_json(path: Path, name: str, error: type[InputError] = InputError) -> Any:
    """Read a JSON file, more strictly than Python's reader.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name : str
        What it should be, such as ``"alignment file"``.
    error : type
        What is raised if it cannot be read.

    Returns
    -------
    object
        What it holds.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is no JSON, holds a key twice, or NaN or infinity; of the class `error`.
    """
    if not path.is_file():
        message = f"There is no {name} {path}. Check the path."
        raise MissingFileError(message)
    try:
        # Some editors put a byte-order mark before the text.
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, OSError) as problem:
        message = f"{path} is not a JSON text file ({problem}); expected a JSON {name}."
        raise error(message) from problem


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its keys; one that stands twice would otherwise win silently."""
    content = dict(pairs)
    if len(content) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        message = f"the key {repeated!r} stands twice"
        raise ValueError(message)
    return content


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity: Python reads them, but they are no JSON and no measure either."""
    message = f"{name} is not finite, hence no number of JSON; use null, or leave the key out"
    raise ValueError(message)


def check_keys(
    section: Any, known: Collection[str], where: str, error: type[InputError] = InputError
) -> None:
    """Refuse what is no object of JSON, and keys that nothing would read.

    Parameters
    ----------
    section : object
        A part of a file.
    known : collection of str
        The keys that it may have.
    where : str
        What it is called in messages.
    error : type
        What is raised.

    Raises
    ------
    InputError
        If it is no object, or has another key; of the class `error`.
    """
    if not isinstance(section, dict):
        message = f"expected {where} to be an object in braces; got {section!r}."
        raise error(message)
    unknown = [key for key in section if key not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known)
        message = f"unknown key {unknown[0]!r} in {where}.{hint} Known keys: {', '.join(known)}."
        raise error(message)
