"""Finding landmarks that cannot be right: a wrong name, a wrong side, a slip of the mouse."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from brainreg3d.landmarks._problem import Problem
from brainreg3d.landmarks._solve import PRIOR_CLICKS, Solution, solve

_SUSPECT = 3.5  # distance from the click, in units of the click noise
_MOST_WRONG = 3
_WRONG = 1e-3  # chance of calling any of the landmarks wrong when all are right


def solve_without_wrong(
    problem: Problem, mirrored: bool, *, tilt: bool
) -> tuple[Solution, NDArray[np.bool_]]:
    """Find the pose that fits best, without landmarks that cannot be right.

    Up to three landmarks at a time are left out if the others fit so much better without them that
    an F test gives this less than one chance in a thousand; at least four stay, and more than half.

    Parameters
    ----------
    problem : Problem
        Landmarks and camera.
    mirrored : bool
        Whether the image is mirrored.
    tilt : bool
        Whether the tilt is free.

    Returns
    -------
    solution : Solution
        Of the landmarks that were used.
    used : numpy.ndarray of bool, shape (N,)
        Which ones.
    """
    n = len(problem.points_mm)
    used = np.ones(n, dtype=bool)
    solution = solve(problem, mirrored, tilt=tilt)
    while (fewer := _without_wrong(problem, solution, used, tilt)) is not None:
        used = fewer
        solution = solve(problem.subset(used), mirrored, tilt=tilt)
    return solution, used


def _without_wrong(
    problem: Problem, whole: Solution, used: NDArray[np.bool_], tilt: bool
) -> NDArray[np.bool_] | None:
    """Return which landmarks are left when the fewest that are surely wrong go; None for none."""
    mirrored, n = whole.model.mirrored, int(used.sum())
    best, kept = whole, used
    for n_left_out in range(1, _MOST_WRONG + 1):
        if n - n_left_out < max(4, len(used) // 2 + 1) or _looks_right(best):
            return None
        trials = []
        for number in np.flatnonzero(kept):
            others = kept.copy()
            others[number] = False
            trial = solve(problem.subset(others), mirrored, tilt=tilt, one_start=True)
            trials.append((trial, others))
        best, kept = min(trials, key=lambda trial: round(trial[0].misfit, 6))
        if _explain(whole, best, n_left_out, math.comb(n, n_left_out)):
            return kept
    return None


def _looks_right(solution: Solution) -> bool:
    """Tell whether no landmark is far off, as a quick look before the test."""
    n = len(solution.model.problem.points_mm)
    off = solution.model.data(solution.x)[: 2 * n].reshape(n, 2)
    return bool(np.hypot(*off.T).max() < _SUSPECT)


def _explain(whole: Solution, without: Solution, n_left_out: int, n_ways: int) -> bool:
    """Tell whether the landmarks that were left out explain why the whole fits badly."""
    from scipy.special import fdtrc  # slow to import

    freedom = without.freedom + PRIOR_CLICKS
    variance = (without.sum_of_squares + PRIOR_CLICKS) / freedom
    gain = (whole.sum_of_squares - without.sum_of_squares) / (2 * n_left_out)
    return bool(fdtrc(2 * n_left_out, freedom, max(gain / variance, 0.0)) * n_ways < _WRONG)
