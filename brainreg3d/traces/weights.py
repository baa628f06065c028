"""Which pixels of a recording belong to which column of the table, and how much they count."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError
from brainreg3d.recorded_part import covered_area
from brainreg3d.result import NotComputed, Result

SIDES = ("left", "right")
"""Hemispheres 1 and 2 of a result; columns end with their first letter."""


@attrs.frozen
class Column:
    """One column of the table: a region, or one side of it.

    Parameters
    ----------
    name : str
        Its header: the acronym, or ``VISp_L`` and ``VISp_R``.
    acronym : str
        Of the region.
    id : int
        Of the region in the atlas.
    side : str
        ``"both"``, ``"left"`` or ``"right"``.
    n_pixels_in_image : int
        Pixels of the aligned image.
    """

    name: str
    acronym: str
    id: int
    side: str
    n_pixels_in_image: int


@attrs.frozen(eq=False)
class Plan:
    """What is summed within one tile of a recording.

    Parameters
    ----------
    runs : numpy.ndarray of int64, shape (N, 5)
        Row, first pixel, pixel behind the last, column, place of the first weight.
    counts : numpy.ndarray of int64, shape (N,)
        How often each pixel of a run counts.
    weights : numpy.ndarray of float64 or None
        Instead of `counts`: one for each pixel of each run.
    first_runs : numpy.ndarray of int64, shape (C + 1,)
        Where the runs of each column start, when `by_column`.
    """

    runs: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    first_runs: NDArray[np.int64]

    def by_column(self) -> Plan:
        """Return the same with the runs of each column together."""
        order = np.argsort(self.runs[:, 3], kind="stable")
        return attrs.evolve(self, runs=self.runs[order], counts=self.counts[order])


@attrs.frozen(eq=False)
class Weighting:
    """The pixels of a recording that take part, ordered by row, column of the table and pixel.

    Parameters
    ----------
    columns : tuple of Column
        Of the table.
    rows, cols, members : numpy.ndarray of int64, shape (N,)
        Where a pixel lies in the recording, and its column of the table. With binning a pixel may
        be there several times.
    counts : numpy.ndarray of int64, shape (N,)
        Pixels of the aligned image that it stands for.
    weights : numpy.ndarray of float64, shape (N,), or None
        The sum of their weights.
    """

    columns: tuple[Column, ...]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    members: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64] | None

    @property
    def totals(self) -> NDArray[np.float64]:
        """Sum of counts or weights of each column, shape (C,)."""
        weights = self.counts if self.weights is None else self.weights
        return np.bincount(self.members, weights, len(self.columns)).astype(np.float64)

    @property
    def n_pixels(self) -> NDArray[np.int64]:
        """Pixels of the recording that take part in each column, shape (C,)."""
        return np.bincount(self.members, minlength=len(self.columns))

    @property
    def largest(self) -> int:
        """Pixels of the aligned image in the largest column."""
        return int(np.bincount(self.members, self.counts, 1).max(initial=0))

    def plan(self, rows: slice, cols: slice) -> Plan:
        """Return what is summed within a tile.

        Parameters
        ----------
        rows, cols : slice
            The tile, within the recording.

        Returns
        -------
        Plan
            In pixels of the tile.
        """
        inside = (self.rows >= rows.start) & (self.rows < rows.stop)
        inside &= (self.cols >= cols.start) & (self.cols < cols.stop)
        row, col = self.rows[inside] - rows.start, self.cols[inside] - cols.start
        member, counts = self.members[inside], self.counts[inside]
        breaks = np.ones(row.size, bool)
        breaks[1:] = (np.diff(row) != 0) | (np.diff(member) != 0) | (np.diff(col) != 1)
        if self.weights is None:
            breaks[1:] |= np.diff(counts) != 0
        first = np.flatnonzero(breaks)
        lengths = np.diff(np.append(first, row.size))
        runs = np.column_stack([row[first], col[first], col[first] + lengths, member[first], first])
        per_column = np.bincount(member[first], minlength=len(self.columns))
        weights = None if self.weights is None else self.weights[inside]
        return Plan(
            runs.astype(np.int64),
            counts[first],
            weights,
            np.concatenate([[0], np.cumsum(per_column)]).astype(np.int64),
        )


def make_weighting(
    result: Result,
    frame_shape: tuple[int, int],
    *,
    binning: int = 1,
    crop_origin: ArrayLike | None = None,
    split_hemispheres: bool = False,
    whole_bins: bool = False,
    weights: str | ArrayLike | None = None,
) -> Weighting:
    """Lay the labels of an image on the pixels of a recording.

    Parameters
    ----------
    result : Result
        With labels.
    frame_shape : tuple of int
        (rows, columns) of the recording.
    binning, crop_origin, split_hemispheres, whole_bins, weights
        As for `brainreg3d.region_traces`.

    Returns
    -------
    Weighting
        Its columns in the order of the result's regions.

    Raises
    ------
    RecordingError
        If the recording does not fit the image.
    InputError
        If an argument cannot be used.
    NotComputed
        If the result has no labels, or no confidence that was asked for.
    """
    if result.labels is None or result.regions is None:
        message = "The run ended before pixels were labelled; call run() without until=."
        raise NotComputed(message)
    member_of_pixel = result.labels.astype(np.int64) - 1
    if split_hemispheres:
        if result.hemisphere is None:
            message = "The result does not say on which side pixels lie."
            raise NotComputed(message)
        side = result.hemisphere.astype(np.int64) - 1
        known = (member_of_pixel >= 0) & (side >= 0)
        member_of_pixel = np.where(known, 2 * member_of_pixel + side, -1)
    columns = _columns(result, member_of_pixel, split_hemispheres)
    origin, size = covered_area(member_of_pixel.shape, frame_shape, binning, crop_origin)
    area = tuple(slice(start, start + length) for start, length in zip(origin, size, strict=True))
    members = member_of_pixel[area]
    row, col = np.nonzero(members >= 0)
    weight = _weights(result, weights)
    return _gather(
        columns,
        (row // binning, col // binning, members[row, col]),
        None if weight is None else weight[area][row, col],
        frame_shape,
        n_whole=binning**2 if whole_bins else 1,
    )


def _columns(result: Result, members: NDArray[np.int64], split: bool) -> tuple[Column, ...]:
    sides = SIDES if split else ("both",)
    regions = result.regions or ()
    sizes = np.bincount(members[members >= 0], minlength=len(regions) * len(sides))
    return tuple(
        Column(
            region.acronym + (f"_{side[0].upper()}" if split else ""),
            region.acronym,
            region.id,
            side,
            int(sizes[len(sides) * place + number]),
        )
        for place, region in enumerate(regions)
        for number, side in enumerate(sides)
    )


def _gather(
    columns: tuple[Column, ...],
    pixels: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    weight: NDArray[np.float64] | None,
    frame_shape: tuple[int, int],
    n_whole: int,
) -> Weighting:
    """Join what falls on the same pixel of the recording in the same column."""
    row, col, member = pixels
    width = frame_shape[1]
    # The key orders by row, then column of the table, then pixel, so that runs lie together.
    key = (row * len(columns) + member) * width + col
    weights = None
    if weight is None:
        keys, counts = np.unique(key, return_counts=True)  # far faster without the inverse
        kept = counts >= n_whole
    else:
        keys, place, counts = np.unique(key, return_inverse=True, return_counts=True)
        weights = np.bincount(place, weight, keys.size)
        kept = (counts >= n_whole) & (weights > 0)
    keys = keys[kept]
    return Weighting(
        columns,
        keys // (width * len(columns)),
        keys % width,
        keys // width % len(columns),
        counts[kept].astype(np.int64),
        None if weights is None else weights[kept],
    )


def _weights(result: Result, given: str | ArrayLike | None) -> NDArray[np.float64] | None:
    if given is None:
        return None
    if isinstance(given, str):
        if given != "confidence":
            message = f'weights is "confidence" or an array of the image\'s shape; got {given!r}.'
            raise InputError(message)
        given = result.confidence
    shape = () if result.labels is None else result.labels.shape
    try:
        weight: NDArray[Any] = np.asarray(given)
    except ValueError as error:
        message = f"weights are numbers, one for each pixel of the aligned image: {error}"
        raise InputError(message) from error
    if weight.shape != shape or weight.dtype.kind not in "buif":
        message = (
            f"weights are numbers, one for each pixel of the aligned image, shape {shape}; got "
            f"{weight.dtype} of shape {weight.shape}."
        )
        raise InputError(message)
    weight = weight.astype(np.float64)
    if not np.all(np.isfinite(weight)) or np.any(weight < 0):
        message = "weights are finite and not negative; some are neither."
        raise InputError(message)
    return weight
