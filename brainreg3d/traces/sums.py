"""What one block of a recording adds to the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.traces.kernels import find_medians, sum_floats, sum_integers, sum_weighted
from brainreg3d.traces.weights import Plan


@attrs.frozen(eq=False)
class Sums:
    """What a block adds to the table.

    Parameters
    ----------
    sums : numpy.ndarray of int64 or float64, shape (T, C)
        Over pixels, times their counts or weights.
    known : numpy.ndarray of float64, shape (T, C), or None
        Counts or weights of the pixels that are numbers; None where all are.
    medians : numpy.ndarray of float64, shape (T, C), or None
        When they were asked for.
    """

    sums: NDArray[Any]
    known: NDArray[np.float64] | None
    medians: NDArray[np.float64] | None


def join(pieces: Sequence[Sums]) -> Sums:
    """Return what consecutive frames add to the table.

    Parameters
    ----------
    pieces : sequence of Sums
        At least one.

    Returns
    -------
    Sums
        Of all frames.
    """
    known = [piece.known for piece in pieces if piece.known is not None]
    medians = [piece.medians for piece in pieces if piece.medians is not None]
    return Sums(
        np.concatenate([piece.sums for piece in pieces]),
        np.concatenate(known) if known else None,
        np.concatenate(medians) if medians else None,
    )


@attrs.frozen(eq=False)
class Job:
    """What is done with every block; it goes to the workers once.

    Parameters
    ----------
    plans : tuple of tuple of Plan
        For each tile, by its place along rows and columns.
    n_columns : int
        Of the table.
    largest : int
        Pixels of the aligned image in the largest column.
    with_medians : bool
        Whether medians are asked for.
    """

    plans: tuple[tuple[Plan, ...], ...]
    n_columns: int
    largest: int
    with_medians: bool

    def sums_of(self, frames: NDArray[Any], row: int, col: int) -> Sums:
        """Return what frames, cut to a tile, add to the table."""
        plan = self.plans[row][col]
        frames = _plain(frames)
        shape = (len(frames), self.n_columns)
        known: NDArray[np.float64] | None = None
        sums: NDArray[Any]
        if plan.weights is not None:
            sums, known = np.zeros(shape), np.zeros(shape)
            sum_weighted(frames, plan.runs, plan.weights, sums, known)
        elif frames.dtype.kind == "f":
            sums, known = np.zeros(shape), np.zeros(shape)
            sum_floats(frames, plan.runs, plan.counts, sums, known)
        else:
            sums = np.zeros(shape, np.int64)
            sum_integers(frames, plan.runs, plan.counts, sums)
        medians = self._medians(frames, plan) if self.with_medians else None
        return Sums(sums, known, medians)

    def _medians(self, frames: NDArray[Any], plan: Plan) -> NDArray[np.float64]:
        found = np.empty((len(frames), self.n_columns))
        plan = plan.by_column()
        find_medians(frames, plan.runs, plan.counts, plan.first_runs, self.largest, found)
        return found


def _plain(frames: NDArray[Any]) -> NDArray[Any]:
    """Return pixels of a type that is compiled for, which few are."""
    dtype = frames.dtype.newbyteorder("=")
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    elif dtype.itemsize > 8 or dtype == np.float16 or (dtype.kind in "ui" and dtype.itemsize == 8):
        dtype = np.dtype(np.float64)
    return np.ascontiguousarray(frames, dtype)
