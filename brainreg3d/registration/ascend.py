"""Climbing mutual information with an exact gradient on a smooth landscape.

ITK's descent draws other samples and reads linear interpolation, whose kinks hold it up where the
landscape is flat, so that it ends in other places from other starts. Here the same points are
read from a cubic spline each time, which a quasi-Newton method climbs in a few steps.

References
----------
.. [1] P. Thévenaz and M. Unser, "Optimization of mutual information for multiresolution image
   registration", IEEE Transactions on Image Processing 9 (2000) 2083-2099.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.registration.images import PhysicalImage, map_points
from brainreg3d.registration.rotations import rotation_from_vector
from brainreg3d.registration.spline import cubic_slopes, cubic_weights, sample_spline

_POINTS = 60_000
_SMOOTHING_MM = 0.1
"""Little enough not to move the top, enough to take the roughness of noise off the landscape."""

_FIXED_BINS, _MOVING_BINS = 32, 32
_MOST_ITERATIONS = 40
_UNIT_MM = 0.1
"""What the optimiser takes as 1, so that its first trial step stays in the basin."""
_FLAT_ENOUGH, _SMALL_GAIN = 1e-5, 1e-7
_ROOM_VOXELS, _FEWEST_POINTS = 1.0, 1000
_SEED = 40


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


@njit()
def _information(bins, values, low, per_bin):  # type: ignore[no-untyped-def]
    """Return mutual information and its derivative by each value, times the count of points."""
    joint = np.full((_FIXED_BINS, _MOVING_BINS), 1e-9)
    count = 0
    for i in range(len(values)):
        if np.isnan(values[i]):
            continue
        place = min(max((values[i] - low) / per_bin, 0.0), _MOVING_BINS - 4.001)
        first = int(place)
        weights = cubic_weights(place - first)
        for k in range(4):
            joint[bins[i], first + k] += weights[k]
        count += 1
    joint /= joint.sum()
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    logs = np.empty_like(joint)
    information = 0.0
    for a in range(_FIXED_BINS):
        for b in range(_MOVING_BINS):
            logs[a, b] = np.log(joint[a, b] / (rows[a] * columns[b]))
            information += joint[a, b] * logs[a, b]
    slopes = np.zeros(len(values))
    for i in range(len(values)):
        if np.isnan(values[i]):
            continue
        place = (values[i] - low) / per_bin
        if place <= 0.0 or place >= _MOVING_BINS - 4.001:
            continue
        first = int(place)
        changes = cubic_slopes(place - first)
        for k in range(4):
            slopes[i] += changes[k] * logs[bins[i], first + k] / per_bin
    return information, slopes / max(count, 1)


def ascend(
    fixed: PhysicalImage,
    near_tissue: NDArray[np.bool_],
    moving: PhysicalImage,
    start: NDArray[np.float64],
) -> Ascended:
    """Climb to the top of mutual information next to a pose.

    Parameters
    ----------
    fixed, moving : PhysicalImage
        float32, free of specks that would use up the bins.
    near_tissue : numpy.ndarray of bool
        Voxels of `fixed` to compare.
    start : numpy.ndarray, shape (4, 4)
        Pose to start from.

    Returns
    -------
    Ascended
        The pose at the top.
    """
    from scipy import optimize

    fixed, moving = (_smoothed(image) for image in (fixed, moving))
    landscape = InformationLandscape(fixed, near_tissue, moving, start)

    def loss(change: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        information, slope = landscape.at(start, change * _UNIT_MM)
        return -information, -slope * _UNIT_MM

    found = optimize.minimize(
        loss,
        np.zeros(6),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MOST_ITERATIONS, "gtol": _FLAT_ENOUGH, "ftol": _SMALL_GAIN},
    )
    matrix = start @ landscape.motion(found.x * _UNIT_MM)
    return Ascended(matrix, -float(found.fun), int(found.nit))


class InformationLandscape:
    """Mutual information as a smooth function of a motion on top of a pose.

    Parameters
    ----------
    fixed, near_tissue, moving, start
        As of `ascend`.
    """

    def __init__(
        self,
        fixed: PhysicalImage,
        near_tissue: NDArray[np.bool_],
        moving: PhysicalImage,
        start: NDArray[np.float64],
    ) -> None:
        from scipy import ndimage

        indices = np.argwhere(near_tissue)
        indices = indices[_well_inside(moving, fixed.points_mm(indices), start)]
        rng = np.random.default_rng(_SEED)
        indices = indices[np.sort(rng.permutation(len(indices))[:_POINTS])]
        values = fixed.data[tuple(indices.T)].astype(float)
        low, high = values.min(), values.max()
        place = (values - low) / max(high - low, 1e-12) * _FIXED_BINS
        self._bins = np.minimum(place.astype(np.int64), _FIXED_BINS - 1)
        points = fixed.points_mm(indices)
        self._center = points.mean(axis=0)
        self._offsets = points - self._center
        self._radius = float(np.sqrt(np.mean(self._offsets**2)))
        self._moving = moving
        self._coefficients = ndimage.spline_filter(moving.data, output=np.float32, mode="mirror")
        self._low = float(moving.data.min())
        self._per_bin = max(float(moving.data.max()) - self._low, 1e-12) / (_MOVING_BINS - 4)

    def motion(self, change: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a motion of the fixed volume, given in mm: three turns at its radius, a shift."""
        rotation = rotation_from_vector(change[:3] / self._radius)
        motion = np.eye(4)
        motion[:3, :3] = rotation
        motion[:3, 3] = self._center - rotation @ self._center + change[3:]
        return motion

    def at(
        self, start: NDArray[np.float64], change: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return mutual information in nats at a motion on top of a pose, and its gradient."""
        motion = self.motion(change)
        matrix = start @ motion
        per_mm = 1 / self._moving.spacing_xyz_mm
        to_index = np.ascontiguousarray((matrix[:3, :3] * per_mm[:, None])[::-1])
        origin = self._moving.indices(matrix[:3, :3] @ self._center + matrix[:3, 3])
        values, gradients = sample_spline(self._offsets, self._coefficients, to_index, origin)
        information, slopes = _information(self._bins, values, self._low, self._per_bin)
        # Derivative by a shift of the fixed points after their turn.
        by_point = slopes[:, None] * gradients[:, ::-1] * per_mm
        by_shift = map_points(start[:3, :3].T, by_point)
        turned = map_points(motion[:3, :3], self._offsets)
        by_turn = np.cross(turned, by_shift).sum(axis=0)
        left = _left_jacobian(change[:3] / self._radius)
        return information, np.concatenate([left.T @ by_turn / self._radius, by_shift.sum(axis=0)])


def _smoothed(image: PhysicalImage) -> PhysicalImage:
    from scipy import ndimage

    sigma = _SMOOTHING_MM / np.array(image.spacing_mm)
    return image.with_data(ndimage.gaussian_filter(image.data, sigma))


def _well_inside(
    moving: PhysicalImage, points_mm: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which fixed points stay on the moving grid; at its edge the loss would jump."""
    indices = moving.indices(map_points(start, points_mm))
    room = np.minimum(indices, np.array(moving.data.shape) - 1 - indices)
    inside = np.asarray(np.all(room >= _ROOM_VOXELS, axis=1))
    if np.count_nonzero(inside) >= _FEWEST_POINTS:
        return inside
    return np.asarray(np.all(room >= 0, axis=1))


def _left_jacobian(vector_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how a rotation vector's change turns what is already turned by it."""
    angle = float(np.linalg.norm(vector_rad))
    x, y, z = vector_rad
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-6:
        return np.asarray(np.eye(3) + cross / 2)
    first, second = (1 - np.cos(angle)) / angle**2, (angle - np.sin(angle)) / angle**3
    return np.asarray(np.eye(3) + first * cross + second * cross @ cross)
