"""What a table or a picture must never replace: the files of the run that it is made from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def files_of_run(alignment: Path) -> list[Path]:
    """Return the files that a run wrote and read, and the alignment that it is opened by.

    Parameters
    ----------
    alignment : pathlib.Path
        Alignment file, or another file or the folder of a run.

    Returns
    -------
    list of pathlib.Path
        Whether they exist or not. Tables that were made from a run earlier are not among them,
        so that they can be made again.
    """
    from brainreg3d.steps.write import FILE_NAMES

    ends = tuple(FILE_NAMES.values())
    if alignment.is_dir():
        files = [path for path in alignment.iterdir() if path.name.endswith(ends)]
    else:
        stem = alignment.name
        for suffix in ends:
            stem = stem.removesuffix(suffix)
        stems = {stem: None, alignment.stem: None}  # a run is opened by its image, too
        files = [alignment, *(alignment.with_name(one + end) for one in stems for end in ends)]
    read = [path for file in files if file.suffix == ".json" for path in _recorded(file)]
    return [*files, *read]


def _recorded(file: Path) -> list[Path]:
    """Return the files that a run file names: image, masks, atlas, landmarks."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return []  # whoever opens the run says what is wrong with it
    return [file.parent / name for name in _names(content)]


def _names(content: Any) -> Iterator[str]:
    if isinstance(content, list):
        for item in content:
            yield from _names(item)
    elif isinstance(content, dict):
        if isinstance(name := content.get("file"), str) and "\0" not in name:
            yield name
        for item in content.values():
            yield from _names(item)
