"""Which pixels of the aligned image ROIs stand for."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.lookup.placement import Placement
from brainreg3d.lookup.rois import Rois


@attrs.frozen(eq=False)
class Covered:
    """Pixels of the image that ROIs stand for: those on the image, and how many there are.

    Parameters
    ----------
    rows, cols, owners : numpy.ndarray of int64, shape (N,)
        Pixels on the image, and the place of the ROI that each belongs to.
    n_all : numpy.ndarray of int64, shape (R,)
        Pixels of the image that each ROI stands for, on it or not.
    n_outside : numpy.ndarray of int64, shape (R,)
        In pixels of ROIs; one that is partly outside counts as outside.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    owners: NDArray[np.int64]
    n_all: NDArray[np.int64]
    n_outside: NDArray[np.int64]

    @classmethod
    def of(cls, rois: Rois, placement: Placement, shape: tuple[int, int]) -> Covered:
        """Find the pixels.

        Parameters
        ----------
        rois : Rois
            In pixels of the recording.
        placement : Placement
            Where the recording lies in the image.
        shape : tuple of int
            (rows, columns) of the image.

        Returns
        -------
        Covered
            Those of the first ROI first.
        """
        binning = placement.binning
        steps = np.arange(binning)
        rows = (placement.origin[0] + rois.rows * binning)[:, None, None] + steps[:, None]
        cols = (placement.origin[1] + rois.cols * binning)[:, None, None] + steps[None, :]
        rows, cols = np.broadcast_arrays(rows, cols)
        on_image = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
        outside = ~on_image.all(axis=(1, 2))
        owners = np.broadcast_to(rois.owners[:, None, None], rows.shape)[on_image]
        return cls(
            rows[on_image],
            cols[on_image],
            owners,
            rois.n_pixels * binning**2,
            np.bincount(rois.owners[outside], minlength=len(rois)),
        )

    def counts(self, values: NDArray[Any], n_values: int) -> NDArray[np.int64]:
        """Count pixels of each ROI with each of a few values.

        Parameters
        ----------
        values : numpy.ndarray, shape (H, W)
            Whole numbers from 0 on.
        n_values : int
            How many there may be.

        Returns
        -------
        numpy.ndarray of int64, shape (R, n_values)
            Counts.
        """
        place = self.owners * n_values + values[self.rows, self.cols]
        counts = np.bincount(place, minlength=len(self.n_all) * n_values)
        return counts.reshape(-1, n_values)

    def means(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Average over each ROI.

        Parameters
        ----------
        values : numpy.ndarray, shape (N,)
            One for each pixel.

        Returns
        -------
        numpy.ndarray, shape (R,)
            NaN without a pixel on the image.
        """
        n_rois = len(self.n_all)
        sums = np.bincount(self.owners, values, n_rois)
        counts = np.bincount(self.owners, minlength=n_rois)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
