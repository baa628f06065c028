"""How uncertain a tilt is when few landmarks leave it wide, or leave two tilts.

A covariance describes a small bell around the best fit. Four landmarks at nearly one height fit
tilts that lie many degrees apart, and often two separate ones. So every tilt in reach is looked at:
for each, position, yaw and scale follow in closed form, and what is left of the misfit says how
likely it is.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.landmarks._model import Model
from brainreg3d.landmarks._problem import COLUMN, ROW, SCALE, TILT_PRIOR_DEG, Array
from brainreg3d.landmarks._solve import Solution

REACH_DEG = 45.0
STEP_DEG = 1.0


@attrs.frozen(eq=False)
class TiltSpread:
    """Root mean squares about the best fit, over all tilts by their likelihood.

    Parameters
    ----------
    yaw_deg, pitch_deg, roll_deg : float
        Of the angles of the pose.
    tilt_deg : float
        Of the tilt in its least certain direction.
    scale : float
        Of the logarithm of the pixel size.
    center_mm2 : numpy.ndarray, shape (3, 3)
        Covariance of the image's middle in the atlas frame, by the tilt alone.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    tilt_deg: float
    scale: float
    center_mm2: Array


def spread_over_tilts(solution: Solution) -> TiltSpread:
    """Return how uncertain a pose is, by all tilts that the landmarks allow.

    Parameters
    ----------
    solution : Solution
        The fit, with the tilt free.

    Returns
    -------
    TiltSpread
        Root mean squares.
    """
    model, x = solution.model, solution.x
    best = model.rotation(x)
    leaning = best @ _turns()
    points = model.problem.points_mm - model.problem.anchor_mm
    seen = points @ leaning  # (tilt, landmark, axis)
    clicks, along = _flat_clicks(model, x), seen[..., 0] - 1j * seen[..., 1]
    power = np.sum(np.abs(along) ** 2, axis=1)
    factor = np.sum(clicks * along.conj(), axis=1) / np.maximum(power, 1e-9)
    free_scale = SCALE in solution.unknowns
    if not free_scale:
        factor = factor / np.abs(factor) * np.exp(-x[SCALE])
    misfit = np.sum(np.abs(clicks - factor[:, None] * along) ** 2, axis=1) / solution.noise_mm**2
    apart = np.arccos(np.clip(leaning[..., 2] @ model.problem.expected_up, -1.0, 1.0))
    misfit += (apart / np.radians(TILT_PRIOR_DEG)) ** 2
    weight = np.exp(-0.5 * (misfit - misfit.min()))
    weight /= weight.sum()
    # Given the tilt, yaw and scale are uncertain by the clicks alone.
    given_tilt = float(weight @ (solution.noise_mm**2 / power))
    turn = np.angle(factor)
    angles = _wrapped(_angles(leaning, turn) - _angles(best[None], np.zeros(1)))
    yaw, pitch, roll = np.sqrt(weight @ angles**2 + [np.degrees(given_tilt**0.5) ** 2, 0.0, 0.0])
    change = -np.log(np.abs(factor)) - x[SCALE]
    moved = _centers(model, x, leaning, factor) - _centers(model, x, best[None], _factor(x))
    return TiltSpread(
        yaw_deg=float(yaw),
        pitch_deg=float(pitch),
        roll_deg=float(roll),
        tilt_deg=_worst_deg(leaning[..., 2] @ best, weight),
        scale=float(np.sqrt(weight @ change**2 + given_tilt)),
        center_mm2=(moved * weight[:, None]).T @ moved,
    )


def _turns() -> Array:
    """Return the rotation matrices of turns about all axes in the image plane, (N, 3, 3)."""
    from scipy.spatial.transform import Rotation  # slow to import

    ticks = np.arange(-REACH_DEG, REACH_DEG + STEP_DEG / 2, STEP_DEG)
    first, second = (part.ravel() for part in np.meshgrid(ticks, ticks))
    near = np.hypot(first, second) <= REACH_DEG
    turns = np.radians(np.stack([first, second, np.zeros_like(first)], axis=1)[near])
    return np.asarray(Rotation.from_rotvec(turns).as_matrix())


def _flat_clicks(model: Model, x: Array) -> NDArray[np.complex128]:
    """Return the clicks about their mean as a camera far away would have them, not mirrored.

    They are complex numbers: columns and, as the imaginary part, rows.
    """
    problem = model.problem
    far = attrs.evolve(problem.camera, distance_mm=None)
    flat = attrs.evolve(model, problem=attrs.evolve(problem, camera=far))
    clicked = flat.project(x, problem.points_mm) - (
        model.project(x, problem.points_mm) - problem.clicked_mm
    )
    centered = clicked - x[[COLUMN, ROW]]
    centered = centered - centered.mean(axis=0)
    return np.asarray((-1.0 if model.mirrored else 1.0) * centered[:, 0] + 1j * centered[:, 1])


def _factor(x: Array) -> NDArray[np.complex128]:
    """Return the similarity from the landmarks, seen along the view, to the clicks at the fit."""
    return np.array([np.exp(-x[SCALE]) + 0.0j])


def _centers(model: Model, x: Array, rotations: Array, factor: NDArray[np.complex128]) -> Array:
    """Return the image's middle against the landmarks' mean, for rotations and similarities."""
    column = -x[COLUMN] if model.mirrored else x[COLUMN]
    back = (column + 1j * x[ROW]) / factor
    columns, rows, up = rotations[..., 0], -rotations[..., 1], rotations[..., 2]
    across = back.real[:, None] * columns + back.imag[:, None] * rows
    return np.asarray(-across - model.problem.depth_mm * up)


def _angles(rotations: Array, turn: Array) -> Array:
    """Return (yaw, pitch, roll) in degrees of rotations (N, 3, 3) after turns about their view."""
    cos, sin = np.cos(turn), np.sin(turn)
    first = rotations[..., 0] * cos[:, None] + rotations[..., 1] * sin[:, None]
    second = rotations[..., 1] * cos[:, None] - rotations[..., 0] * sin[:, None]
    third = rotations[..., 2]
    yaw = np.arctan2(-second[:, 0], second[:, 1])
    pitch = np.arcsin(np.clip(second[:, 2], -1.0, 1.0))
    roll = np.arctan2(-first[:, 2], third[:, 2])
    return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=1)))


def _wrapped(degrees: Array) -> Array:
    return np.asarray((degrees + 180.0) % 360.0 - 180.0)


def _worst_deg(ups: Array, weight: Array) -> float:
    """Return the root mean square lean of directions (N, 3) against z, in the worst direction."""
    sine = np.hypot(ups[:, 0], ups[:, 1])
    lean = np.degrees(np.arctan2(sine, ups[:, 2])) / np.maximum(sine, 1e-12)
    leans = ups[:, :2] * lean[:, None]
    moment = (leans * weight[:, None]).T @ leans
    return float(np.sqrt(np.linalg.eigvalsh(moment)[-1]))
