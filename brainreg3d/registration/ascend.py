"""Climbing mutual information with an exact gradient on a smooth landscape.

ITK's descent draws other samples and reads linear interpolation, whose kinks hold it up where the
landscape is flat, so that it ends in other places from other starts. A quasi-Newton method climbs
the smooth landscape in a few steps.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.registration.images import PhysicalImage
from brainreg3d.registration.landscape import POINTS, InformationLandscape, spline_of

_SMOOTHING_MM = 0.1
"""Little enough not to move the top, enough to take the roughness of noise off the landscape."""

_MOST_ITERATIONS = 40
_UNIT_MM = 0.1
"""What the optimiser takes as 1, so that its first trial step stays in the basin."""
_FLAT_ENOUGH, _SMALL_GAIN, _SMALL_AFFINE_GAIN = 1e-5, 1e-7, 1e-5


@attrs.frozen(eq=False)
class Ascended:
    """Where the climb ended.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        From fixed to moving points, mm.
    information : float
        Mutual information there in nats.
    iterations : int
        How many steps it took.
    """

    matrix: NDArray[np.float64]
    information: float
    iterations: int


class Ascender:
    """Climbs to the top of mutual information next to poses of two volumes.

    Parameters
    ----------
    fixed, moving : PhysicalImage
        float32, free of specks that would use up the bins.
    near_tissue : numpy.ndarray of bool
        Voxels of `fixed` to compare.
    points : int
        How many voxels to compare at most.
    """

    def __init__(
        self,
        fixed: PhysicalImage,
        near_tissue: NDArray[np.bool_],
        moving: PhysicalImage,
        points: int = POINTS,
    ) -> None:
        self._volumes = (_smoothed(fixed), near_tissue, _smoothed(moving))
        self._coefficients = spline_of(self._volumes[2])
        self._points = points

    def climb(self, start: NDArray[np.float64]) -> Ascended:
        """Return the top next to a pose."""
        landscape = self._landscape(start)
        change, information, iterations = _climb(landscape.at, start, 6, _SMALL_GAIN)
        return Ascended(start @ landscape.motion(change), information, iterations)

    def climb_affine(self, start: NDArray[np.float64], voxels: NDArray[np.bool_]) -> Ascended:
        """Return the top next to a pose if the fixed volume may stretch and shear, too."""
        landscape = self._landscape(start, voxels)
        change, information, iterations = _climb(landscape.at_affine, start, 12, _SMALL_AFFINE_GAIN)
        return Ascended(start @ landscape.affine(change), information, iterations)

    def information(self, matrix: NDArray[np.float64]) -> float:
        """Return mutual information at a pose in nats, weighed by the share of known points.

        Unlike what a climb ends with, it can be compared between poses: one that leaves most of
        the brain beyond the moving volume gains nothing by it.
        """
        landscape = self._landscape(matrix)
        information, _ = landscape.at(matrix, np.zeros(6))
        return information * landscape.known

    def information_among(self, voxels: NDArray[np.bool_], matrix: NDArray[np.float64]) -> float:
        """Return mutual information at a pose in nats, of some voxels of the fixed volume.

        Of no voxels at all it is 0.
        """
        if not voxels.any():
            return 0.0
        return self._landscape(matrix, voxels).at(matrix, np.zeros(6))[0]

    def _landscape(
        self, start: NDArray[np.float64], voxels: NDArray[np.bool_] | None = None
    ) -> InformationLandscape:
        fixed, near_tissue, moving = self._volumes
        return InformationLandscape(
            fixed,
            near_tissue if voxels is None else voxels,
            moving,
            start,
            coefficients=self._coefficients,
            points=self._points,
        )


def _climb(
    at: Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    start: NDArray[np.float64],
    size: int,
    small_gain: float,
) -> tuple[NDArray[np.float64], float, int]:
    """Return the change of a pose at the top, the information there, and the steps to it."""
    from scipy import optimize

    def loss(change: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        information, slope = at(start, change * _UNIT_MM)
        return -information, -slope * _UNIT_MM

    found = optimize.minimize(
        loss,
        np.zeros(size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MOST_ITERATIONS, "gtol": _FLAT_ENOUGH, "ftol": small_gain},
    )
    return found.x * _UNIT_MM, -float(found.fun), int(found.nit)


def _smoothed(image: PhysicalImage) -> PhysicalImage:
    from scipy import ndimage

    sigma = _SMOOTHING_MM / np.array(image.spacing_mm)
    return image.with_data(ndimage.gaussian_filter(image.data, sigma))
