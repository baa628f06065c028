"""Where a recording lies in the aligned image."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import InputError


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
        whole = isinstance(binning, int | np.integer) and not isinstance(binning, bool)
        if not whole or binning < 1:
            message = f"binning is a whole number from 1; got {binning!r}."
            raise InputError(message)
        numbers = finite_numbers((0, 0) if crop_origin is None else crop_origin, 2)
        if numbers is None or any(n != int(n) or n < 0 for n in numbers):
            message = f"crop_origin is (row, column), whole numbers from 0; got {crop_origin!r}."
            raise InputError(message)
        origin = int(numbers[0]), int(numbers[1])
        if recording_shape is not None:
            _check_fit(
                image_shape, recording_shape, int(binning), origin, is_whole=crop_origin is None
            )
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


def _check_fit(
    image: tuple[int, int],
    recording: tuple[int, int],
    binning: int,
    origin: tuple[int, int],
    *,
    is_whole: bool,
) -> None:
    pairs = list(zip(image, recording, origin, strict=True))
    fits = all(start + n * binning <= full for full, n, start in pairs)
    if fits and (not is_whole or all(full // binning == n for full, n, _ in pairs)):
        return
    message = (
        f"The ROIs were made on {recording[0]} x {recording[1]} pixels (rows x columns), which "
        f"with binning {binning} from {origin} on are not those of the aligned image, {image[0]} x "
        f"{image[1]}. Say how large the pixels are, binning=N (--binning N), and where they start "
        f"if they show a part, crop_origin=(row, column) (--crop-origin ROW COL)."
    )
    raise InputError(message)
