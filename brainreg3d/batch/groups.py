"""Masks of groups of sessions: where all, any, or which share of them show a region."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
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

    Most regions are nowhere in most pixels: only where they are takes memory.

    Parameters
    ----------
    acronyms : tuple of str
        All regions that any session asked for, in the order in which they first occur.
    shape : tuple of int
        (rows, columns) of a mask.
    where : numpy.ndarray of int64, shape (N,)
        Flat indices into an array of shape (R, H, W), ascending.
    count : numpy.ndarray of uint32, shape (N,)
        How many sessions show that region in that pixel, from 1 on.
    n_sessions : int
        In the group.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    atlas : str
        The atlas in words.
    """

    acronyms: tuple[str, ...]
    shape: tuple[int, int]
    where: NDArray[np.int64]
    count: NDArray[np.uint32]
    n_sessions: int
    pixel_size_mm: tuple[float, float]
    atlas: str

    def intersections(self) -> Iterator[NDArray[np.bool_]]:
        """Yield where all sessions show a region, shape (H, W), for one after the other."""
        return (count == self.n_sessions for count in self._counts())

    def unions(self) -> Iterator[NDArray[np.bool_]]:
        """Yield where any session shows a region, shape (H, W), for one after the other."""
        return (count > 0 for count in self._counts())

    def shares(self) -> Iterator[NDArray[np.float32]]:
        """Yield in which share of the sessions a region is shown, shape (H, W), from 0 to 1."""
        return (count / np.float32(self.n_sessions) for count in self._counts())

    def areas_mm2(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the areas of intersections and unions, each of shape (R,).

        They are flat, in the plane of the masks.
        """
        region = self.where // (self.shape[0] * self.shape[1])
        chosen = region[self.count == self.n_sessions], region
        area_mm2 = self.pixel_size_mm[0] * self.pixel_size_mm[1]
        inner, outer = (np.bincount(r, minlength=len(self.acronyms)) for r in chosen)
        return np.multiply(inner, area_mm2), np.multiply(outer, area_mm2)

    def _counts(self) -> Iterator[NDArray[np.float32]]:
        size = self.shape[0] * self.shape[1]
        ends = np.searchsorted(self.where, size * np.arange(len(self.acronyms) + 1))
        for place, (start, end) in enumerate(pairwise(ends.tolist())):
            count = np.zeros(size, dtype=np.float32)  # exact up to millions of sessions
            count[self.where[start:end] - size * place] = self.count[start:end]
            yield count.reshape(self.shape)


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
    where, count = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32)
    n_sessions = 0
    for member in members:
        first = first or member
        _check_same(first, member)
        place = np.array([places[name] for name in member.acronyms], dtype=np.int64)
        pixels = np.flatnonzero(member.labels)
        region = place[member.labels.ravel()[pixels] - 1]
        where, count = _with(where, count, np.sort(region * member.labels.size + pixels))
        n_sessions += 1
    if first is None:
        message = "No session is done."
        raise InputError(message)
    n_rows, n_cols = first.labels.shape
    return GroupMasks(
        tuple(acronyms),
        (n_rows, n_cols),
        where,
        count,
        n_sessions,
        first.pixel_size_mm,
        first.atlas,
    )


def _with(
    where: NDArray[np.int64], count: NDArray[np.uint32], more: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Count further places, each once; both lists of places ascend."""
    slot = np.searchsorted(where, more)
    is_known = np.zeros(len(more), dtype=bool)
    inside = slot < len(where)
    is_known[inside] = where[slot[inside]] == more[inside]
    count[slot[is_known]] += 1
    new = ~is_known
    return np.insert(where, slot[new], more[new]), np.insert(count, slot[new], 1)


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
