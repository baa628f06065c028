"""Least squares to the last micrometre, where one contrast explains the other.

Mutual information is sure but blunt: interpolation alone moves its top by a few micrometres. Once
the brain is found, the grey value that the moving volume shows can be predicted from the fixed
one: by the mean grey value that goes with each fixed one, times a slowly varying light. What is
left over is made small by inverse compositional Gauss-Newton steps with Huber's weights, so
that specks and cuts pull little. Weights that fall to zero are no good here: edges that lie beside
their counterparts count as outliers then, and the pose drifts to where more of them do.

References
----------
.. [1] S. Baker and I. Matthews, "Lucas-Kanade 20 years on: a unifying framework", International
   Journal of Computer Vision 56 (2004) 221-255.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.registration.images import PhysicalImage, map_points
from brainreg3d.registration.rotations import rotation_from_vector
from brainreg3d.registration.spline import sample_spline

_POINTS = 60_000
_BINS = 48
_HUBER = 2.0
"""Residuals above this many standard deviations pull no harder than that."""
_THIRD_QUARTILE = 1.1503
"""Of a standard Gaussian's absolute values."""

_MOST_ITERATIONS = 20
_SMALLEST_STEP_MM = 1e-4
_ENOUGH_TO_TELL, _HOPELESS = 8, 0.6
"""Below this share of the variance after so many steps another contrast, or another brain, is
looked at: more steps would only take time."""
_FEWEST_POINTS = 1000
_SEED = 30


@attrs.frozen(eq=False)
class Polished:
    """What least squares came to.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        From fixed to moving points, mm.
    explained : float
        Share of the moving grey values' variance that the fixed ones explain, up to 1.
    iterations : int
        How many steps it took.
    converged : bool
        Whether the last step was below a tiny length.
    """

    matrix: NDArray[np.float64]
    explained: float
    iterations: int
    converged: bool


def polish(
    fixed: PhysicalImage,
    near_tissue: NDArray[np.bool_],
    moving: PhysicalImage,
    shown: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    start: NDArray[np.float64],
) -> Polished:
    """Improve a pose that is right to a fraction of a voxel or two.

    Parameters
    ----------
    fixed, moving : PhysicalImage
        float32, of about the same resolution.
    near_tissue : numpy.ndarray of bool
        Voxels of `fixed` to compare.
    shown : callable
        Tells which moving points, shape (N, 3), lie in moving tissue or near it; where the brain
        is missing there is nothing to compare.
    start : numpy.ndarray, shape (4, 4)
        Pose to start from.

    Returns
    -------
    Polished
        The pose, and how well the volumes explain each other there.
    """
    from scipy import ndimage

    problem = _Problem.of(fixed, near_tissue)
    comparable = shown(map_points(start, problem.points_mm))
    light = np.ones(len(comparable))
    coefficients = ndimage.spline_filter(moving.data, order=3, output=np.float32, mode="mirror")
    scale = 1 / moving.spacing_xyz_mm
    matrix, explained, step_mm = start.copy(), 0.0, np.inf
    iteration = 0
    while iteration < _MOST_ITERATIONS and step_mm > _SMALLEST_STEP_MM:
        if iteration == _ENOUGH_TO_TELL and explained < _HOPELESS:
            break
        to_index = np.ascontiguousarray((matrix[:3, :3] * scale[:, None])[::-1])
        image = matrix[:3, :3] @ problem.center_mm + matrix[:3, 3]
        seen, _ = sample_spline(problem.offsets_mm, coefficients, to_index, moving.indices(image))
        seen[~comparable] = np.nan
        change, light, explained = problem.step(seen, light)
        step_mm = float(np.abs(change[:3]).max() * problem.radius_mm + np.abs(change[3:]).max())
        matrix = matrix @ np.linalg.inv(problem.motion(change))
        iteration += 1
    return Polished(matrix, explained, iteration, step_mm <= _SMALLEST_STEP_MM)


@attrs.frozen(eq=False)
class _Problem:
    """The fixed side: points, their grey values and how these change with a motion."""

    center_mm: NDArray[np.float64]
    offsets_mm: NDArray[np.float64]
    values: NDArray[np.float64]
    bins: NDArray[np.int64]
    bin_values: NDArray[np.float64]
    derivatives: NDArray[np.float64]  # of the grey value by the six numbers of a motion
    light: NDArray[np.float64]
    radius_mm: float

    @classmethod
    def of(cls, fixed: PhysicalImage, near_tissue: NDArray[np.bool_]) -> _Problem:
        from scipy import ndimage

        indices = np.argwhere(near_tissue)
        if len(indices) > _POINTS:
            rng = np.random.default_rng(_SEED)
            indices = indices[np.sort(rng.choice(len(indices), _POINTS, replace=False))]
        place = tuple(indices.T)
        values = fixed.data[place].astype(float)
        points = fixed.points_mm(indices)
        center = points.mean(axis=0)
        offsets = points - center
        coefficients = ndimage.spline_filter(fixed.data, order=3, mode="mirror")
        gradient = np.stack(
            [
                _spline_gradient(coefficients, 2 - axis)[place] / fixed.spacing_mm[2 - axis]
                for axis in range(3)
            ],
            axis=1,
        )
        derivatives = np.concatenate([np.cross(offsets, gradient), gradient], axis=1)
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
        bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
        _, bins = np.unique(bins, return_inverse=True)  # where grey values are few, some are empty
        bin_values = np.bincount(bins, values) / np.bincount(bins)
        radius = float(np.abs(offsets).max())
        x, y, z = (offsets / radius).T
        light = np.stack(
            [np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, y * z, z * x], axis=1
        )
        return cls(center, offsets, values, bins, bin_values, derivatives, light, radius)

    def motion(self, change: NDArray[np.float64]) -> NDArray[np.float64]:
        rotation = rotation_from_vector(change[:3])
        motion = np.eye(4)
        motion[:3, :3] = rotation
        motion[:3, 3] = self.center_mm - rotation @ self.center_mm + change[3:]
        return motion

    @property
    def points_mm(self) -> NDArray[np.float64]:
        return self.center_mm + self.offsets_mm

    def step(
        self, seen: NDArray[np.float64], light: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return the motion of the fixed volume that explains what is seen, the light, how well."""
        known = np.isfinite(seen)
        if np.count_nonzero(known) < _FEWEST_POINTS:
            return np.zeros(6), light, 0.0
        seen = np.where(known, seen, 0.0)
        means, _ = self._curve(seen, light, known.astype(float))
        weights = self._weights(seen - means * light, known)
        parts = _solve(self.light * means[:, None], seen, weights)
        light = np.einsum("ni,i->n", self.light, parts)
        means, slopes = self._curve(seen, light, weights)
        residual = seen - means * light
        weights = self._weights(residual, known)
        change = _solve(self.derivatives * (slopes * light)[:, None], residual, weights)
        mean = np.average(seen, weights=weights)
        explained = 1 - np.sum(weights * residual**2) / np.sum(weights * (seen - mean) ** 2)
        return change, light, float(explained)

    def _weights(
        self, residual: NDArray[np.float64], known: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        width = _HUBER * np.quantile(np.abs(residual[known]), 0.75) / _THIRD_QUARTILE
        return np.asarray(known * np.minimum(1.0, width / np.maximum(np.abs(residual), 1e-12)))

    def _curve(
        self, seen: NDArray[np.float64], light: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean seen grey value that goes with each fixed one, and its slope."""
        total = np.bincount(self.bins, weights * light * light, len(self.bin_values)) + 1e-12
        means = np.bincount(self.bins, weights * light * seen, len(self.bin_values)) / total
        if len(means) < 2:  # a template of true and false tells nothing of slopes
            return means[self.bins], np.zeros(len(self.bins))
        slopes = np.gradient(means, self.bin_values)
        return np.interp(self.values, self.bin_values, means), slopes[self.bins]


def _solve(
    columns: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weighted least squares solution; a direction without information stays 0."""
    weighted = columns * weights[:, None]
    # Unlike a matrix product, einsum sums in one order, whatever the number of threads.
    products = np.einsum("ni,nj->ij", weighted, columns)
    return np.asarray(np.linalg.lstsq(products, np.einsum("ni,n->i", weighted, target), 1e-10)[0])


def _spline_gradient(coefficients: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the derivative at the voxels of a cubic spline along one axis."""
    from scipy import ndimage

    out = ndimage.correlate1d(coefficients, [-0.5, 0.0, 0.5], axis=axis, mode="mirror")
    for other in {0, 1, 2} - {axis}:
        out = ndimage.correlate1d(out, [1 / 6, 4 / 6, 1 / 6], axis=other, mode="mirror")
    return np.asarray(out)
