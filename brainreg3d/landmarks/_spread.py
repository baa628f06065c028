"""From the information in landmarks to the spread of a pose."""

from __future__ import annotations

import attrs
import numpy as np

from brainreg3d.geometry import ImageView
from brainreg3d.landmarks._model import Model, jacobian
from brainreg3d.landmarks._problem import (
    CLICK_NOISE_MM,
    SCALE,
    TILT_A,
    TILT_B,
    Array,
)
from brainreg3d.landmarks._solve import Solution
from brainreg3d.landmarks._tilts import spread_over_tilts
from brainreg3d.landmarks.result import PoseSpread

PLANE_DEPTH_MM = 0.5
"""How uncertain it is (1 sigma) at which depth of the brain the pixel size was measured."""


WIDE_TILT_DEG, FEW_LANDMARKS = 2.0, 8
"""Above the one and below the other, all tilts are looked at rather than those near the best."""


def covariance(solution: Solution) -> Array:
    """Return the covariance of the free unknowns.

    Parameters
    ----------
    solution : Solution
        The fit.

    Returns
    -------
    numpy.ndarray, shape (N, N)
        In the order of ``solution.unknowns``.
    """
    data, prior = solution.information()
    return np.asarray(np.linalg.pinv(data + prior, hermitian=True), dtype=np.float64)


def tilt_deg(solution: Solution, matrix: Array) -> float:
    """Return the standard deviation of the tilt in its least certain direction.

    Parameters
    ----------
    solution : Solution
        The fit, with the tilt free.
    matrix : numpy.ndarray, shape (N, N)
        Covariance of its unknowns.

    Returns
    -------
    float
        In degrees.
    """
    places = [solution.unknowns.index(TILT_A), solution.unknowns.index(TILT_B)]
    worst = np.linalg.eigvalsh(matrix[np.ix_(places, places)])[-1]
    return float(np.degrees(np.sqrt(worst)))


def best_tilt_by_data_deg(solution: Solution) -> float:
    """Return how well the landmarks alone fix the tilt in its most certain direction.

    Parameters
    ----------
    solution : Solution
        The fit, with the tilt free.

    Returns
    -------
    float
        Standard deviation in degrees; infinite when they say nothing.
    """
    data, _ = solution.information()
    tilts = [solution.unknowns.index(TILT_A), solution.unknowns.index(TILT_B)]
    rest = [place for place in range(len(data)) if place not in tilts]
    cross = data[np.ix_(tilts, rest)]
    left = data[np.ix_(tilts, tilts)] - cross @ np.linalg.pinv(data[np.ix_(rest, rest)]) @ cross.T
    most = float(np.linalg.eigvalsh(left)[-1])
    return float(np.degrees(1 / np.sqrt(most))) if most > 1e-9 else np.inf


def pose_spread(solution: Solution) -> PoseSpread:
    """Return the spread of the numbers of a pose.

    Parameters
    ----------
    solution : Solution
        The fit.

    Returns
    -------
    PoseSpread
        By propagation of the unknowns' covariance.
    """
    matrix = covariance(solution)
    middle = solution.model.view(solution.x)
    has_tilt, has_scale = TILT_A in solution.unknowns, SCALE in solution.unknowns
    by_unknowns = jacobian(
        lambda x: _numbers(solution.model, x, middle), solution.x, solution.unknowns
    )
    by_depth = _by_depth(solution, matrix, by_unknowns, middle) * PLANE_DEPTH_MM
    spread = by_unknowns @ matrix @ by_unknowns.T + np.outer(by_depth, by_depth)
    tilt = tilt_deg(solution, matrix) if has_tilt else None
    wide = None
    if tilt is not None and (tilt > WIDE_TILT_DEG or _n_landmarks(solution) < FEW_LANDMARKS):
        wide = spread_over_tilts(solution)
        known = _given_tilt(solution, by_unknowns[:3])
        spread[:3, :3] = known + wide.center_mm2 + np.outer(by_depth[:3], by_depth[:3])
    sigma = np.sqrt(np.maximum(np.diag(spread), 0.0)).tolist()
    plane = middle.pose.axes[:2]
    along, down = np.sqrt(np.diag(plane @ spread[:3, :3] @ plane.T)).tolist()
    return PoseSpread(
        position_mm=(along, down),
        center_mm=(sigma[0], sigma[1], sigma[2]),
        yaw_deg=wide.yaw_deg if wide else sigma[3],
        pitch_deg=(wide.pitch_deg if wide else sigma[4]) if has_tilt else None,
        roll_deg=(wide.roll_deg if wide else sigma[5]) if has_tilt else None,
        tilt_deg=wide.tilt_deg if wide else tilt,
        scale=(wide.scale if wide else sigma[6]) if has_scale else None,
    )


def _n_landmarks(solution: Solution) -> int:
    return len(solution.model.problem.points_mm)


def _given_tilt(solution: Solution, by_unknowns: Array) -> Array:
    """Return the covariance of numbers if the tilt were known."""
    data, prior = solution.information()
    rest = [k for k, name in enumerate(solution.unknowns) if name not in (TILT_A, TILT_B)]
    matrix = np.linalg.pinv((data + prior)[np.ix_(rest, rest)], hermitian=True)
    return np.asarray(by_unknowns[:, rest] @ matrix @ by_unknowns[:, rest].T)


def _numbers(model: Model, x: Array, middle: ImageView) -> Array:
    """Return centre, turns against a view in between, and the logarithm of the pixel size."""
    pose, start = model.view(x).pose, middle.pose
    turned = np.array([pose.yaw_deg, pose.pitch_deg, pose.roll_deg])
    turned = turned - (start.yaw_deg, start.pitch_deg, start.roll_deg)
    wrapped = (turned + 180.0) % 360.0 - 180.0  # no jump where an angle starts anew
    return np.concatenate([pose.center_mm, wrapped, [x[SCALE]]])


def _by_depth(solution: Solution, matrix: Array, by_unknowns: Array, middle: ImageView) -> Array:
    """Return how the numbers of the pose change with the depth of the image plane.

    The depth is given, not fitted: a plane at another depth moves itself, and through the
    perspective what is fitted.
    """
    model, x = solution.model, solution.x
    lower, higher = (
        attrs.evolve(
            model, problem=attrs.evolve(model.problem, depth_mm=model.problem.depth_mm + step)
        )
        for step in (-0.05, 0.05)
    )
    seen = (higher.data(x) - lower.data(x)) / 0.1
    itself = (_numbers(higher, x, middle) - _numbers(lower, x, middle)) / 0.1
    pull = jacobian(model.data, x, solution.unknowns).T @ seen
    fitted = -matrix @ pull * (CLICK_NOISE_MM / solution.noise_mm) ** 2
    return np.asarray(itself + by_unknowns @ fitted)


def tilts_with_points_deg(solution: Solution, points_mm: Array) -> Array:
    """Return how certain the tilt would be with one more landmark.

    Parameters
    ----------
    solution : Solution
        The fit, with the tilt free.
    points_mm : numpy.ndarray, shape (N, 3)
        Where that landmark might lie.

    Returns
    -------
    numpy.ndarray, shape (N,)
        Standard deviation in degrees of the tilt in its least certain direction.
    """
    data, prior = solution.information()
    rows = jacobian(
        lambda x: solution.model.project(x, points_mm).ravel(), solution.x, solution.unknowns
    ).reshape(len(points_mm), 2, -1)
    more = rows.transpose(0, 2, 1) @ rows / solution.noise_mm**2
    matrices = np.linalg.pinv(data + prior + more, hermitian=True)
    tilts = [solution.unknowns.index(TILT_A), solution.unknowns.index(TILT_B)]
    worst = np.linalg.eigvalsh(matrices[:, tilts][:, :, tilts])[:, -1]
    return np.asarray(np.degrees(np.sqrt(worst)))


def with_tilt(solution: Solution) -> Solution:
    """Return the same fit as if its tilt had been free.

    Parameters
    ----------
    solution : Solution
        The fit.

    Returns
    -------
    Solution
        For asking what would determine the tilt.
    """
    if TILT_A in solution.unknowns:
        return solution
    return attrs.evolve(solution, unknowns=[*solution.unknowns, TILT_A, TILT_B])
