"""Sessions laid on each other: how many of them show a region at a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError


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
