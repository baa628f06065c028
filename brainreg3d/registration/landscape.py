"""Mutual information as a smooth function of a motion, with its exact gradient.

The same points are read from a cubic spline each time, and counted in bins that overlap smoothly.

References
----------
.. [1] P. Thévenaz and M. Unser, "Optimization of mutual information for multiresolution image
   registration", IEEE Transactions on Image Processing 9 (2000) 2083-2099.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.registration.images import PhysicalImage, map_points
from brainreg3d.registration.rotations import rotation_from_vector
from brainreg3d.registration.spline import cubic_slopes, cubic_weights, sample_spline

POINTS = 60_000
"""How many voxels are compared."""

_FIXED_BINS, _MOVING_BINS = 32, 32
_ROOM_VOXELS, _FEWEST_POINTS = 1.0, 1000
_SEED = 40


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


class InformationLandscape:
    """Mutual information as a smooth function of a motion on top of a pose.

    Parameters
    ----------
    fixed, near_tissue, moving, start
        As of `Ascender`, and a pose to start from.
    coefficients : numpy.ndarray, optional
        Of the cubic spline through `moving`, where they are known already.
    points : int
        How many voxels to compare at most.

    Attributes
    ----------
    known : float
        Share of the voxels near tissue that lie on the moving grid at `start`.
    """

    def __init__(
        self,
        fixed: PhysicalImage,
        near_tissue: NDArray[np.bool_],
        moving: PhysicalImage,
        start: NDArray[np.float64],
        *,
        coefficients: NDArray[np.float32] | None = None,
        points: int = POINTS,
    ) -> None:
        near = np.argwhere(near_tissue)
        indices = near[_well_inside(moving, fixed.points_mm(near), start)]
        self.known = len(indices) / max(len(near), 1)
        rng = np.random.default_rng(_SEED)
        indices = indices[np.sort(rng.permutation(len(indices))[:points])]
        values = fixed.data[tuple(indices.T)].astype(float)
        low, high = values.min(), values.max()
        place = (values - low) / max(high - low, 1e-12) * _FIXED_BINS
        self._bins = np.minimum(place.astype(np.int64), _FIXED_BINS - 1)
        points_mm = fixed.points_mm(indices)
        self._center = points_mm.mean(axis=0)
        self._offsets = points_mm - self._center
        self._radius = float(np.sqrt(np.mean(self._offsets**2)))
        self._moving = moving
        self._coefficients = spline_of(moving) if coefficients is None else coefficients
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
        information, by_shift = self._by_shift(start, motion)
        turned = map_points(motion[:3, :3], self._offsets)
        by_turn = np.cross(turned, by_shift).sum(axis=0)
        left = _left_jacobian(change[:3] / self._radius)
        return information, np.concatenate([left.T @ by_turn / self._radius, by_shift.sum(axis=0)])

    def affine(self, change: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an affine map of the fixed volume, given in mm: nine at its radius, a shift."""
        linear = np.eye(3) + change[:9].reshape(3, 3) / self._radius
        affine = np.eye(4)
        affine[:3, :3] = linear
        affine[:3, 3] = self._center - linear @ self._center + change[9:]
        return affine

    def at_affine(
        self, start: NDArray[np.float64], change: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the same as `at` for an affine map on top of a pose."""
        information, by_shift = self._by_shift(start, self.affine(change))
        by_linear = np.einsum("ni,nj->ij", by_shift, self._offsets) / self._radius
        return information, np.concatenate([by_linear.ravel(), by_shift.sum(axis=0)])

    def _by_shift(
        self, start: NDArray[np.float64], motion: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return mutual information and its derivative by a shift of each moved fixed point."""
        matrix = start @ motion
        per_mm = 1 / self._moving.spacing_xyz_mm
        to_index = np.ascontiguousarray((matrix[:3, :3] * per_mm[:, None])[::-1])
        origin = self._moving.indices(matrix[:3, :3] @ self._center + matrix[:3, 3])
        values, gradients = sample_spline(self._offsets, self._coefficients, to_index, origin)
        information, slopes = _information(self._bins, values, self._low, self._per_bin)
        by_point = slopes[:, None] * gradients[:, ::-1] * per_mm
        return information, map_points(start[:3, :3].T, by_point)


def spline_of(image: PhysicalImage) -> NDArray[np.float32]:
    """Return the coefficients of the cubic spline through the voxels of an image."""
    from scipy import ndimage

    return np.asarray(ndimage.spline_filter(image.data, output=np.float32, mode="mirror"))


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
