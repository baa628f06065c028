"""Masks of groups of sessions: where all, any, or which share of them show a region."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
from brainreg3d.batch.group_masks import GroupMasks, Member, combine
from brainreg3d.batch.record import LABELS_NAME
from brainreg3d.errors import InputError, OutputError
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.masks import write_mask_stack, write_share_stack, write_table

SPACES = ("ccf", "image")
ALL = "all"
"""Name of the group when the table names none."""

_TABLE_NAME = "batch_groups.csv"
_KINDS = ("intersection", "union", "share")
_UNSAFE = re.compile(r"[^\w.-]+")


def write_groups(
    groups: Mapping[str, Sequence[str]],
    records: Mapping[str, Mapping[str, Any]],
    output_dir: Path,
    space: str = "ccf",
) -> tuple[list[Path], list[str]]:
    """Write the masks of all groups, and a table of their areas.

    Parameters
    ----------
    groups : mapping of str to sequence of str
        Names of sessions that are done, by group.
    records : mapping of str to mapping
        Their records.
    output_dir : pathlib.Path
        Of the batch.
    space : {"ccf", "image"}
        Where sessions are laid on each other: in the brain as seen from above, or pixel on pixel.

    Returns
    -------
    files : list of pathlib.Path
        What was written.
    problems : list of str
        Why groups have no masks.
    """
    written: list[Path] = []
    problems: list[str] = []
    table: list[dict[str, Any]] = []
    starts: set[str] = set()
    earlier = _earlier_files(output_dir)
    for group, names in groups.items():
        try:
            acronyms = dict.fromkeys(a for name in names for a in _acronyms(records[name]))
            members = (_member(name, output_dir, records[name], space) for name in names)
            masks = combine(members, list(acronyms))
            written += _write_masks(_file_start(group, starts), masks, output_dir)
        except (InputError, OutputError) as error:
            problems.append(f"No masks of the group {group!r}: {error}")
            continue
        table += _areas(group, masks)
    if table:
        path = output_dir / _TABLE_NAME
        with atomic_files("the table of groups") as files:
            write_table(files.temporary(path), table)
        written.append(path)
    for path in set(earlier).difference(written):
        path.unlink(missing_ok=True)
    return written, problems


def _member(name: str, output_dir: Path, record: Mapping[str, Any], space: str) -> Member:
    array = "top" if space == "ccf" else "pixels"
    try:
        with np.load(output_dir / name / LABELS_NAME) as content:
            labels = content[array]
    except (OSError, KeyError, ValueError) as error:
        message = f"{name} has no labels to go by ({error})."
        raise InputError(message) from error
    summary = record["summary"]
    if space == "ccf":
        ap_um, ml_um = record["top_view_um"]
        size = (ap_um / 1000.0, ml_um / 1000.0)
    else:
        size = (summary["pixel_height_mm"], summary["pixel_width_mm"])
    return Member(name, labels, _acronyms(record), size, record["atlas"])


def _acronyms(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(region["acronym"] for region in record["regions"])


def _earlier_files(output_dir: Path) -> list[Path]:
    """Return what an earlier start wrote; its groups may not be groups any more."""
    table = output_dir / _TABLE_NAME
    try:
        with table.open(newline="", encoding="utf-8") as file:
            groups = dict.fromkeys(row["group"] for row in csv.DictReader(file))
    except (OSError, KeyError, ValueError):
        return []
    starts: set[str] = set()
    paths = (_paths(_file_start(group, starts), output_dir) for group in groups)
    return [table, *(path for by_kind in paths for path in by_kind.values())]


def _paths(start: str, output_dir: Path) -> dict[str, Path]:
    return {what: output_dir / f"{start}_{what}.tif" for what in _KINDS}


def _file_start(group: str, taken: set[str]) -> str:
    """Return how names of the files of a group start, unlike those of other groups."""
    start = name = f"group_{_UNSAFE.sub('-', group)}"
    number = 1
    while name.lower() in taken:
        number += 1
        name = f"{start}-{number}"
    taken.add(name.lower())
    return name


def _write_masks(start: str, masks: GroupMasks, output_dir: Path) -> list[Path]:
    paths = _paths(start, output_dir)
    info = f"brainreg3d {__version__}; atlas {masks.atlas}; {masks.n_sessions} sessions"
    stacks: dict[str, tuple[Callable[..., None], Iterator[NDArray[Any]]]] = {
        "share": (write_share_stack, masks.shares()),  # first, as the largest: it may be too large
        "intersection": (write_mask_stack, masks.intersections()),
        "union": (write_mask_stack, masks.unions()),
    }
    with atomic_files("masks of a group") as files:
        for what, (write, pages) in stacks.items():
            size_mm, about = masks.pixel_size_mm, f"{info}; {what}"
            place = files.temporary(paths[what])
            write(place, pages, masks.acronyms, masks.shape, size_mm, about)
    return list(paths.values())


def _areas(group: str, masks: GroupMasks) -> list[dict[str, Any]]:
    """Return rows of the table of groups."""
    inner, outer = masks.areas_mm2()
    return [
        {
            "group": group,
            "n_sessions": masks.n_sessions,
            "acronym": acronym,
            "intersection_mm2": f"{inner[n]:.6f}",
            "union_mm2": f"{outer[n]:.6f}",
        }
        for n, acronym in enumerate(masks.acronyms)
    ]
