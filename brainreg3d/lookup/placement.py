"""Where a recording lies in the aligned image."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError
from brainreg3d.recorded_part import covered_area, first_pixel


@attrs.frozen
class Placement:
    """Where a recording lies in the aligned image.

    Parameters
    ----------
    binning : int
        Pixels of the image along each side of a pixel of the recording.
    origin : tuple of int
        (row, column) in the image of the first pixel of the recording.
    """

    binning: int
    origin: tuple[int, int]

    @classmethod
    def of(
        cls,
        image_shape: tuple[int, int],
        recording_shape: tuple[int, int] | None,
        binning: int,
        crop_origin: Sequence[int] | None,
    ) -> Placement:
        """Check what was said, against the recording where its shape is known.

        Parameters
        ----------
        image_shape : tuple of int
            (rows, columns) of the image.
        recording_shape : tuple of int or None
            Of the recording.
        binning : int
            From 1.
        crop_origin : sequence of int or None
            (row, column) in pixels of the image; None for a recording of the whole image.

        Returns
        -------
        Placement
            Ready to be used.

        Raises
        ------
        InputError
            If a number makes no sense, or the recording does not fit the image.
        """
        origin = first_pixel(binning, crop_origin)
        if recording_shape is not None:
            covered_area(image_shape, recording_shape, binning, crop_origin)
        elif binning > max(image_shape):
            message = (
                f"With binning {binning} a pixel of the recording is larger than the aligned "
                f"image, {image_shape[0]} x {image_shape[1]}; check binning (--binning)."
            )
            raise InputError(message)
        return cls(int(binning), origin)

    def in_image(self, places_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return positions in the image.

        Parameters
        ----------
        places_px : numpy.ndarray, shape (N, 2)
            (row, column) in the recording, pixel centres at integers.

        Returns
        -------
        numpy.ndarray, shape (N, 2)
            The same in the image: origin + (position + 1/2) * binning - 1/2.
        """
        return np.asarray(self.origin) + (places_px + 0.5) * self.binning - 0.5
