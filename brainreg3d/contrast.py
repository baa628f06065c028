"""Contrast for looking at an image; the data are never changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BINS = 256
_BACKGROUND_SHARE = 10  # a bin with more than 1/10 of all pixels is background or saturation
_NOISE_SHARE = 5000  # a bin with up to 1/5000 of all pixels is an outlier


def auto_contrast(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the grey values to show as black and as white, as ImageJ's "Auto" picks them.

    Parameters
    ----------
    pixels : numpy.ndarray
        Intensities of any real type; values that are not finite are left out.

    Returns
    -------
    low, high : float
        In units of the pixels; equal only when all pixels are.

    Notes
    -----
    The rule of ``ij.plugin.frame.ContrastAdjuster.autoAdjust`` at its first press: a histogram of
    256 bins (the values themselves for 8-bit images, otherwise from the smallest to the largest
    value) is searched from both ends for the first bin that holds more than 1/5000 of the pixels,
    bins with more than a tenth of them being passed over as background. When nothing, or just one
    bin, is left, the full range is shown.

    References
    ----------
    Schneider, C. A., Rasband, W. S., Eliceiri, K. W. (2012). NIH Image to ImageJ: 25 years of
    image analysis. Nature Methods 9, 671-675.
    """
    values = np.asarray(pixels).ravel()
    is_8_bit = values.dtype == np.uint8
    values = values[np.isfinite(values)].astype(np.float64)
    if values.size == 0:
        return 0.0, 0.0
    smallest, largest = float(values.min()), float(values.max())
    start, stop = (0.0, float(_BINS)) if is_8_bit else (smallest, largest)
    if stop - start < 2 * _BINS * np.spacing(max(abs(start), abs(stop))):
        return smallest, largest  # as good as constant: there are no numbers between for bins
    counts, _ = np.histogram(values, bins=_BINS, range=(start, stop))
    limit, threshold = values.size // _BACKGROUND_SHARE, values.size // _NOISE_SHARE
    kept = np.flatnonzero((counts <= limit) & (counts > threshold))
    if kept.size < 2:
        return smallest, largest
    bin_width = (stop - start) / _BINS
    return start + float(kept[0]) * bin_width, start + float(kept[-1]) * bin_width


def contrast_limits(pixels: NDArray[Any], automatic: bool = True) -> tuple[float, float]:
    """Return the intensities that are shown as black and as white.

    Parameters
    ----------
    pixels : numpy.ndarray
        Intensities of any real type.
    automatic : bool
        Whether to take `auto_contrast`, or the smallest and the largest value.

    Returns
    -------
    tuple of float
        (black, white).
    """
    if automatic:
        return auto_contrast(pixels)
    return float(np.min(pixels)), float(np.max(pixels))


def to_grey(pixels: NDArray[Any], automatic: bool = True) -> NDArray[np.float64]:
    """Return an image as grey levels from 0 to 1.

    Parameters
    ----------
    pixels : numpy.ndarray
        Intensities of any real type.
    automatic : bool
        As for `contrast_limits`.

    Returns
    -------
    numpy.ndarray of float64
        A new array; values beyond the contrast limits are clipped, and a constant image is
        mid-grey.
    """
    low, high = contrast_limits(pixels, automatic)
    if high <= low:
        return np.full(np.shape(pixels), 0.5)
    grey = (np.asarray(pixels, dtype=np.float64) - low) / (high - low)
    return np.clip(np.nan_to_num(grey), 0.0, 1.0)
