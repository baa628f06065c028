"""Masks of groups of sessions: where all, any, or which share of them show a region."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
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


@attrs.frozen(eq=False)
class Member:
    """What a session brings into its group.

    Parameters
    ----------
    name : str
        The session.
    labels : numpy.ndarray of uint16, 2D
        0 for no region, else 1 + place in `acronyms`.
    acronyms : tuple of str
        Its regions.
    pixel_size_mm : tuple of float
        (row, column) size of an element of `labels`.
    atlas : str
        The atlas in words.
    """

    name: str
    labels: NDArray[np.uint16]
    acronyms: tuple[str, ...]
    pixel_size_mm: tuple[float, float]
    atlas: str


@attrs.frozen(eq=False)
class GroupMasks:
    """How many sessions of a group show each region at each place.

    Parameters
    ----------
    acronyms : tuple of str
        All regions that any session asked for, in the order in which they first occur.
    count : numpy.ndarray of uint16, shape (R, H, W)
        Sessions.
    n_sessions : int
        In the group.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    atlas : str
        The atlas in words.
    """

    acronyms: tuple[str, ...]
    count: NDArray[np.uint16]
    n_sessions: int
    pixel_size_mm: tuple[float, float]
    atlas: str

    @property
    def intersection(self) -> NDArray[np.bool_]:
        """Where all sessions show the region, shape (R, H, W)."""
        return np.asarray(self.count == self.n_sessions)

    @property
    def union(self) -> NDArray[np.bool_]:
        """Where any session shows the region, shape (R, H, W)."""
        return np.asarray(self.count > 0)

    @property
    def share(self) -> NDArray[np.float32]:
        """In which share of the sessions the region is shown, shape (R, H, W), from 0 to 1."""
        return (self.count / np.float32(self.n_sessions)).astype(np.float32)


def combine(members: Iterable[Member], acronyms: Sequence[str]) -> GroupMasks:
    """Count sessions that show a region at a place.

    Parameters
    ----------
    members : iterable of Member
        At least one. They are taken one by one, so that they need not all be in memory.
    acronyms : sequence of str
        All regions of any of them.

    Returns
    -------
    GroupMasks
        The counts.

    Raises
    ------
    InputError
        If they cannot be laid on each other.
    """
    places = {name: place for place, name in enumerate(acronyms)}
    first: Member | None = None
    count = np.empty(0, dtype=np.uint16)
    n_sessions = 0
    for member in members:
        if first is None:
            first, count = member, np.zeros((len(acronyms), *member.labels.shape), np.uint16)
        _check_same(first, member)
        rows, cols = np.nonzero(member.labels)
        place = np.array([places[name] for name in member.acronyms])
        count[place[member.labels[rows, cols] - 1], rows, cols] += 1
        n_sessions += 1
    if first is None:
        message = "No session is done."
        raise InputError(message)
    return GroupMasks(tuple(acronyms), count, n_sessions, first.pixel_size_mm, first.atlas)


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


def _check_same(first: Member, other: Member) -> None:
    for what, one, another in (
        ("atlases", first.atlas, other.atlas),
        ("shapes", first.labels.shape, other.labels.shape),
        ("pixel sizes", first.pixel_size_mm, other.pixel_size_mm),
    ):
        same = np.allclose(one, another, rtol=1e-6) if what == "pixel sizes" else one == another
        if not same:
            message = (
                f"{first.name} and {other.name} have different {what} ({one} and {another}), "
                f"so that they cannot be laid on each other."
            )
            raise InputError(message)


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
    shape = (masks.count.shape[1], masks.count.shape[2])
    with atomic_files("masks of a group") as files:
        for what in ("intersection", "union"):
            write_mask_stack(
                files.temporary(paths[what]),
                getattr(masks, what),
                masks.acronyms,
                shape,
                masks.pixel_size_mm,
                f"{info}; {what}",
            )
        share = files.temporary(paths["share"])
        write_share_stack(share, masks.share, masks.acronyms, masks.pixel_size_mm, f"{info}; share")
    return list(paths.values())


def _areas(group: str, masks: GroupMasks) -> list[dict[str, Any]]:
    """Return rows of a table; areas are flat, in the plane of the masks."""
    area_mm2 = masks.pixel_size_mm[0] * masks.pixel_size_mm[1]
    counts = (np.count_nonzero(mask, axis=(1, 2)) for mask in (masks.intersection, masks.union))
    inner, outer = (count * area_mm2 for count in counts)
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
