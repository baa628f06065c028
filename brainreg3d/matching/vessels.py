"""What two images of one brain share: its vessels, whatever the light."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

# Lengths are in pixels of the working image, whose longer side has a few hundred.
_VESSEL_SIGMAS_PX = (1.2, 2.4, 4.8)  # half widths of the lines that are looked for
_AROUND_PX = 17  # windows that say what is usual around a pixel
_NO_LIGHT = 0.04  # of the range of grey values: keeps the logarithm of the dark finite
_REFLECTION = 0.08  # natural logarithm: tissue is never so much brighter than what is around it
_DARK = 0.10  # of the brightest light, smoothed: there is no brain
_EDGE_SIGMA = 0.022  # of the image's side
_EDGE_STEP = 7.0  # natural logarithm a side: a window's rim has 15, the slope of a brain 3
_THINNEST_BRAIN = 0.07  # of the image's side


@attrs.frozen(eq=False)
class VesselMap:
    """How much each pixel looks like a part of a vessel.

    Parameters
    ----------
    ridge : numpy.ndarray of float32, shape (H, W)
        High on dark lines, 0 on average around each pixel, 0 where there is no brain.
    brain : numpy.ndarray of float32, shape (H, W)
        1 where brain is seen; 0 on the rim of the window, in the dark and beyond the image.
    """

    ridge: NDArray[np.float32]
    brain: NDArray[np.float32]


def vessel_map(pixels: NDArray[np.float32]) -> VesselMap:
    """Find the vessels of an image.

    The logarithm makes differences of illumination and exposure sums, which second derivatives do
    not see. Vessels count the same whether they are thick or thin, in bright or dim light.

    Parameters
    ----------
    pixels : numpy.ndarray of float32, shape (H, W)
        Light in any unit.

    Returns
    -------
    VesselMap
        Of the same shape.

    Notes
    -----
    Dark lines are where the larger eigenvalue of the Hessian is high and the smaller one is not,
    at the best of several scales; derivatives are multiplied by the squared scale.

    References
    ----------
    Lindeberg, T. (1998). Edge detection and ridge detection with automatic scale selection.
    International Journal of Computer Vision 30, 117-154.
    """
    light = _logarithm(pixels)
    brain = _where_brain_is(light).astype(np.float32)
    # Reflections, bone chips and printed text are brighter than what is around them.
    light = np.minimum(light, _mean_around(light, brain) + np.float32(_REFLECTION))
    ridge = brain * np.max([_ridges(light, sigma) for sigma in _VESSEL_SIGMAS_PX], axis=0)
    typical = np.sqrt((ridge**2).sum() / max(float(brain.sum()), 1.0))
    usual = np.sqrt(_mean_around(ridge**2, brain)) + 0.5 * typical
    ridge = np.tanh(ridge / np.maximum(usual, 1e-6))
    return VesselMap((ridge - _mean_around(ridge, brain)) * brain, brain)


def _logarithm(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.percentile(pixels, (1.0, 98.0))
    share = (pixels - np.float32(low)) / np.float32(max(high - low, 1e-12))
    light: NDArray[np.float32] = np.log(np.maximum(share, 0.0) + np.float32(_NO_LIGHT))
    return light


def _where_brain_is(light: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Leave out the dark and steep changes of light.

    A window's rim is the strongest line in the image, it looks the same in all animals, and it
    need not move with the brain.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter  # slow to import

    side = float(np.sqrt(light.size))
    smooth = gaussian_filter(light, _EDGE_SIGMA * side, truncate=3.0, mode="nearest")
    edge = np.hypot(*np.gradient(smooth)) * side > _EDGE_STEP
    brain = np.pad((smooth > smooth.max() + np.log(_DARK)) & ~edge, 1)
    # What is left between two edges is rim.
    reach = _THINNEST_BRAIN * side / 2
    core = distance_transform_edt(brain) > reach
    if not core.any():
        return np.zeros(light.shape, dtype=bool)
    return np.asarray(distance_transform_edt(~core) < reach)[1:-1, 1:-1]


def _ridges(light: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter  # slow to import

    down, along, mixed = (
        gaussian_filter(light, sigma, order=order, truncate=3.0)
        for order in ((2, 0), (0, 2), (1, 1))
    )
    # The eigenvalues are mean + half and mean - half.
    mean, half = (down + along) / 2, np.hypot((down - along) / 2, mixed)
    strength = mean + half - np.abs(mean - half)
    scaled: NDArray[np.float32] = np.maximum(strength, 0.0) * np.float32(sigma**2)
    return scaled


def _mean_around(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weighted mean around each pixel."""
    from scipy.ndimage import gaussian_filter  # slow to import

    sigma = _AROUND_PX / 2
    total, weight = (
        gaussian_filter(part, sigma, mode="constant", truncate=2.5)
        for part in (values * weights, weights)
    )
    return np.asarray(total / np.maximum(weight, 1e-3))
