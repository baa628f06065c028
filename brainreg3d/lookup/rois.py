"""ROIs as lists of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError

_MOST_PX = 1 << 30  # beyond any recording; larger numbers are damage


@attrs.frozen(eq=False)
class Rois:
    """ROIs of a recording: which pixels each has.

    Parameters
    ----------
    names : tuple of str
        One for each ROI.
    kinds : tuple of str
        What each is: ``"suite2p"``, ``"polygon"``, ``"point"``, ``"label"`` ...
    rows, cols : numpy.ndarray of int64, shape (N,)
        All pixels, those of the first ROI first; a ROI may have none.
    owners : numpy.ndarray of int64, shape (N,)
        The place of the ROI that each pixel belongs to.
    centers_px : numpy.ndarray, shape (R, 2)
        (row, column) of the middle of each ROI, pixel centres at integers; NaN without a pixel.
    columns : mapping of str to sequence
        What else is known of each ROI, for columns of their own.
    shape : tuple of int or None
        (rows, columns) of the recording, where the source of the ROIs says it.
    perhaps_mm : bool
        Whether they are from a table that does not say what it counts in, and may count in mm.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: NDArray[np.int64] = attrs.field(repr=False)
    cols: NDArray[np.int64] = attrs.field(repr=False)
    owners: NDArray[np.int64] = attrs.field(repr=False)
    centers_px: NDArray[np.float64] = attrs.field(repr=False)
    columns: Mapping[str, Sequence[Any]] = attrs.field(factory=dict, repr=False)
    shape: tuple[int, int] | None = None
    perhaps_mm: bool = False

    def __len__(self) -> int:
        return len(self.names)

    @property
    def n_pixels(self) -> NDArray[np.int64]:
        """Pixels of each ROI, shape (R,)."""
        return np.bincount(self.owners, minlength=len(self))


@attrs.frozen(eq=False)
class Roi:
    """One ROI.

    Parameters
    ----------
    name : str
        How it is called.
    kind : str
        What it is.
    rows, cols : numpy.ndarray of int64, shape (N,)
        Its pixels.
    center_px : tuple of float or None
        (row, column) of its middle; the mean of its pixels when not given.
    """

    name: str
    kind: str
    rows: NDArray[np.int64] = attrs.field(repr=False)
    cols: NDArray[np.int64] = attrs.field(repr=False)
    center_px: tuple[float, float] | None = None


def gather(rois: Sequence[Roi], columns: Mapping[str, Sequence[Any]] | None = None) -> Rois:
    """Put single ROIs together.

    Parameters
    ----------
    rois : sequence of Roi
        The ROIs.
    columns : mapping of str to sequence, optional
        What else is known of each.

    Returns
    -------
    Rois
        In the same order.
    """
    counts = [roi.rows.size for roi in rois]
    nothing = np.empty(0, np.int64)
    centers = [_center(roi) for roi in rois]
    return Rois(
        names=tuple(roi.name for roi in rois),
        kinds=tuple(roi.kind for roi in rois),
        rows=np.concatenate([nothing, *(roi.rows for roi in rois)]),
        cols=np.concatenate([nothing, *(roi.cols for roi in rois)]),
        owners=np.repeat(np.arange(len(rois)), counts),
        centers_px=np.array(centers, dtype=np.float64).reshape(-1, 2),
        columns=columns or {},
    )


def _center(roi: Roi) -> tuple[float, float]:
    if roi.center_px is not None:
        return roi.center_px
    if not roi.rows.size:
        return np.nan, np.nan
    return float(roi.rows.mean()), float(roi.cols.mean())


def point(name: str, kind: str, row: float, col: float) -> Roi:
    """Return a ROI of one pixel, the one that a position lies in.

    Parameters
    ----------
    name : str
        How it is called.
    kind : str
        What it is.
    row, col : float
        The position, pixel centres at integers.

    Returns
    -------
    Roi
        Its middle is the position itself.
    """
    at = np.floor(np.array([row, col]) + 0.5).astype(np.int64)
    return Roi(name, kind, at[:1], at[1:], (row, col))


def pixel_numbers(values: ArrayLike, where: str) -> NDArray[np.int64]:
    """Return pixel coordinates as whole numbers, or say what is wrong with them.

    Parameters
    ----------
    values : array_like
        Coordinates.
    where : str
        What they are, for the error message.

    Returns
    -------
    numpy.ndarray of int64, shape (N,)
        The same numbers.

    Raises
    ------
    InputError
        If some are not whole numbers.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        message = f"{where} is a list of whole numbers; got {array.dtype} of shape {array.shape}."
        raise InputError(message)
    if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        message = f"{where} holds numbers that are not whole; expected pixels."
        raise InputError(message)
    if array.size and max(abs(float(array.min())), abs(float(array.max()))) > _MOST_PX:
        message = f"{where} holds numbers beyond any image; the file is damaged."
        raise InputError(message)
    return array.astype(np.int64)
