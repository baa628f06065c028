"""Robust least squares for the pose."""

from __future__ import annotations

import attrs
import numpy as np

from brainreg3d.landmarks._model import Model, jacobian
from brainreg3d.landmarks._problem import (
    CLICK_NOISE_MM,
    COLUMN,
    ROW,
    SCALE,
    TILT_A,
    TILT_B,
    YAW,
    Array,
    Problem,
)

SOFT_LIMIT = 3.0
"""Residuals beyond this, in units of the click noise, count less and less."""

PRIOR_CLICKS = 4.0
"""The assumed click noise weighs as much as this many residuals: enough to keep two or three
landmarks that happen to agree from looking exact."""

_SMALL_LEAN_DEG = 3.0


@attrs.frozen(eq=False)
class Solution:
    """A pose that fits.

    Parameters
    ----------
    model : Model
        What was solved.
    x : numpy.ndarray, shape (6,)
        The unknowns at the best fit.
    unknowns : list of int
        Which of them were free.
    misfit : float
        Sum of squares, large residuals softened.
    """

    model: Model
    x: Array
    unknowns: list[int]
    misfit: float

    @property
    def sum_of_squares(self) -> float:
        """Of the landmarks' residuals alone, in units of the assumed click noise."""
        return float(np.sum(self.model.data(self.x) ** 2))

    @property
    def freedom(self) -> int:
        """Residuals less unknowns, 0 at least."""
        return max(0, self.model.data(self.x).size - len(self.unknowns))

    @property
    def noise_mm(self) -> float:
        """Click noise along each axis: the residuals' own, held near what is assumed.

        The mean of a scaled inverse chi-square distribution whose prior is the assumed noise
        (A. Gelman et al., "Bayesian Data Analysis", 3rd edition 2013, section 2.6).
        """
        total = PRIOR_CLICKS + self.sum_of_squares
        return float(CLICK_NOISE_MM * np.sqrt(total / (PRIOR_CLICKS + self.freedom)))

    def information(self) -> tuple[Array, Array]:
        """Return how well landmarks, and the prior, determine the free unknowns.

        Returns
        -------
        data, prior : numpy.ndarray, shape (N, N)
            Inverse covariances.
        """
        by_data = jacobian(self.model.data, self.x, self.unknowns)
        data = by_data.T @ by_data * (CLICK_NOISE_MM / self.noise_mm) ** 2
        if TILT_A not in self.unknowns:
            return data, np.zeros_like(data)
        by_prior = jacobian(self.model.prior, self.x, self.unknowns)
        return data, by_prior.T @ by_prior


def in_plane(problem: Problem) -> list[int]:
    """Return the unknowns that two landmarks determine.

    Parameters
    ----------
    problem : Problem
        What is to be solved.

    Returns
    -------
    list of int
        Position, yaw, and the pixel size if it is not known.
    """
    return [COLUMN, ROW, YAW] if problem.scale_known else [COLUMN, ROW, YAW, SCALE]


def solve(problem: Problem, mirrored: bool, *, tilt: bool, one_start: bool = False) -> Solution:
    """Find the pose that fits best.

    Parameters
    ----------
    problem : Problem
        Landmarks and camera.
    mirrored : bool
        Whether the image is mirrored.
    tilt : bool
        Whether the tilt is free; it is as expected otherwise.
    one_start : bool
        Whether to start from the expected tilt alone.

    Returns
    -------
    Solution
        The better one of the two that fit landmarks which lie nearly in a plane.
    """
    model, start = _start(problem, mirrored)
    unknowns = in_plane(problem) + ([TILT_A, TILT_B] if tilt else [])
    found = refine(Solution(model, start, unknowns, np.inf))
    if not tilt or one_start:
        return found
    opposite = _opposite_tilt(found)
    if opposite is None:
        return found
    return min(found, refine(opposite), key=lambda solution: round(solution.misfit, 6))


def refine(guess: Solution) -> Solution:
    """Improve a pose until it fits best.

    Parameters
    ----------
    guess : Solution
        Where to start, and which unknowns are free.

    Returns
    -------
    Solution
        The next local minimum.
    """
    from scipy.optimize import least_squares  # slow to import

    model, unknowns = guess.model, guess.unknowns
    tilt = TILT_A in unknowns

    def residuals(free: Array) -> Array:
        x = guess.x.copy()
        x[unknowns] = free
        off = model.data(x)
        return np.concatenate([off, model.prior(x)]) if tilt else off

    result = least_squares(
        residuals, guess.x[unknowns], loss="soft_l1", f_scale=SOFT_LIMIT, max_nfev=100
    )
    x = guess.x.copy()
    x[unknowns] = result.x
    return attrs.evolve(guess, x=x, misfit=2.0 * float(result.cost))


def _opposite_tilt(solution: Solution) -> Solution | None:
    """Return the other pose that explains landmarks that lie nearly in a plane, as a guess.

    From far away a plane that leans one way looks like one that leans as much the other way; only
    the landmarks' distance from that plane tells them apart.
    """
    from scipy.spatial.transform import Rotation  # slow to import

    model, x = solution.model, solution.x
    rotation = model.rotation(x)
    seen = (model.problem.points_mm - model.problem.anchor_mm) @ rotation
    normal = np.linalg.svd(seen, full_matrices=False)[2][2]
    lean = np.arctan2(np.hypot(normal[0], normal[1]), abs(normal[2]))
    if lean < np.radians(_SMALL_LEAN_DEG):
        return None
    axis = np.array([-normal[1], normal[0], 0.0]) * np.sign(normal[2] or 1.0)
    back = Rotation.from_rotvec(axis / np.linalg.norm(axis) * 2 * lean).as_matrix()
    turned = x.copy()
    turned[[TILT_A, TILT_B, YAW]] = 0.0
    return attrs.evolve(
        solution, model=attrs.evolve(model, base=rotation @ back), x=turned, misfit=np.inf
    )


def _start(problem: Problem, mirrored: bool) -> tuple[Model, Array]:
    """Return a model and its start: for the expected tilt, yaw and scale follow in closed form.

    Seen along the view axis the landmarks and the clicks differ by a similarity, which as a
    complex factor is the solution of a linear equation.
    """
    from scipy.spatial.transform import Rotation  # slow to import

    up = problem.expected_up
    axis = np.array([-up[1], up[0], 0.0])
    sine = np.linalg.norm(axis)
    align = axis / sine * np.arctan2(sine, up[2]) if sine > 1e-12 else np.zeros(3)
    leaning = Rotation.from_rotvec(align).as_matrix()
    seen = (problem.points_mm - problem.anchor_mm) @ leaning
    clicked = problem.clicked_mm
    centered = clicked - clicked.mean(axis=0)
    points = seen[:, 0] - 1j * seen[:, 1]
    clicks = (-1.0 if mirrored else 1.0) * centered[:, 0] + 1j * centered[:, 1]
    factor = np.sum(clicks * points.conj()) / max(float(np.sum(np.abs(points) ** 2)), 1e-12)
    x = np.zeros(6)
    x[COLUMN], x[ROW] = clicked.mean(axis=0)
    if not problem.scale_known:
        x[SCALE] = -np.log(max(abs(factor), 1e-6))
    about_view = Rotation.from_rotvec([0.0, 0.0, float(np.angle(factor))]).as_matrix()
    return Model(problem, leaning @ about_view, mirrored), x
