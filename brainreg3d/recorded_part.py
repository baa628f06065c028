"""Which part of an image a recording covers."""

from __future__ import annotations

from numpy.typing import ArrayLike

from brainreg3d._arrays import finite_numbers, is_whole
from brainreg3d.errors import InputError, RecordingError

_LARGEST_LIKELY_BINNING = 16


def covered_area(
    image_shape: tuple[int, ...],
    frame_shape: tuple[int, int],
    binning: int,
    crop_origin: ArrayLike | None,
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return which part of the aligned image a recording covers.

    Parameters
    ----------
    image_shape, frame_shape : tuple of int
        (rows, columns) of the image and of the recording.
    binning : int
        Pixels of the image along each side of one of the recording.
    crop_origin : array_like of int, optional
        (row, column) of the first pixel of the recording, in pixels of the image.

    Returns
    -------
    origin, size : tuple of int
        (rows, columns), in pixels of the image.

    Raises
    ------
    RecordingError
        If the recording does not fit the image.
    InputError
        If an argument cannot be used.
    """
    origin = first_pixel(binning, crop_origin)
    size = (frame_shape[0] * int(binning), frame_shape[1] * int(binning))
    if crop_origin is None:
        if any(full // binning != n for full, n in zip(image_shape, frame_shape, strict=True)):
            raise RecordingError(_misfit(image_shape, frame_shape, binning))
        return origin, size
    if any(a + n > full for a, n, full in zip(origin, size, image_shape, strict=True)):
        message = (
            f"A recording of {_size(frame_shape)} pixels at crop_origin {origin} with binning "
            f"{binning} reaches pixel {_size((origin[0] + size[0], origin[1] + size[1]))} of an "
            f"aligned image of {_size(image_shape)}; check crop_origin (--crop-origin) and "
            f"binning (--binning)."
        )
        raise RecordingError(message)
    return origin, size


def first_pixel(binning: int, crop_origin: ArrayLike | None) -> tuple[int, int]:
    """Return where a recording starts in the aligned image.

    Parameters
    ----------
    binning, crop_origin
        As for `covered_area`.

    Returns
    -------
    tuple of int
        (row, column).

    Raises
    ------
    InputError
        If one of them cannot be used.
    """
    if not is_whole(binning) or binning < 1:
        message = f"binning is a whole number from 1; got {binning!r}."
        raise InputError(message)
    numbers = finite_numbers((0, 0) if crop_origin is None else crop_origin, 2)
    if numbers is None or any(number != int(number) or number < 0 for number in numbers):
        message = f"crop_origin is (row, column), whole numbers from 0; got {crop_origin!r}."
        raise InputError(message)
    return int(numbers[0]), int(numbers[1])


def _misfit(image_shape: tuple[int, ...], frame_shape: tuple[int, int], binning: int) -> str:
    said = f" with binning {binning}" if binning != 1 else ""
    text = (
        f"The recording is {_size(frame_shape)} pixels (rows x columns){said}, the aligned image "
        f"{_size(image_shape)}"
    )
    likely = [full // n for full, n in zip(image_shape, frame_shape, strict=True)]
    fits = likely[0] == likely[1] != 0
    if fits and all(
        full // likely[0] == n for full, n in zip(image_shape, frame_shape, strict=True)
    ):
        n = likely[0]
        return f"{text}; this looks like binning {n}: say binning={n} (--binning {n})."
    advice = _advice_on_scale(image_shape, frame_shape)
    if advice:
        return f"{text}{advice}"
    if all(n * binning <= full for full, n in zip(image_shape, frame_shape, strict=True)):
        return (
            f"{text}. If it is a part of the image, say where it starts: crop_origin=(row, "
            f"column) (--crop-origin ROW COL); if its pixels are larger, binning=N (--binning N)."
        )
    if frame_shape == tuple(image_shape[::-1]):
        return f"{text}: rows and columns are swapped. Turn the recording as the image is."
    if frame_shape[0] == image_shape[1]:
        return (
            f"{text}. Expected (frames, rows, columns); if the frames lie along the last axis, put "
            f"them first: np.moveaxis(recording, -1, 0)."
        )
    return f"{text}. Place an image of the whole recording, or crop the recording to the image."


def _advice_on_scale(image_shape: tuple[int, ...], frame_shape: tuple[int, int]) -> str:
    """Say what helps where pixels are larger and some reach over the edge, or smaller."""
    for n in range(2, _LARGEST_LIKELY_BINNING + 1):
        if frame_shape == tuple(-(-full // n) for full in image_shape):
            rows, cols = (full // n for full in image_shape)
            return (
                f"; this looks like binning {n}, with pixels that reach over the edge of the "
                f"image. Leave them out, recording[:, :{rows}, :{cols}], and say binning={n} "
                f"(--binning {n})."
            )
        if frame_shape == tuple(n * full for full in image_shape):
            return (
                f": its pixels are {n} times finer. Average {n} x {n} of them, or place a frame "
                f"of the recording instead."
            )
    return ""


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]}"
