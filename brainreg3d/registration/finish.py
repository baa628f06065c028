"""From the basin to the last micrometre."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.registration.ascend import Ascender
from brainreg3d.registration.nearest import follow_shape
from brainreg3d.registration.polish import Polished, polish
from brainreg3d.registration.refine import Level, refine
from brainreg3d.registration.rotations import angles_between_deg
from brainreg3d.registration.search import PoseScorer
from brainreg3d.registration.tissue import Tissue

_TRUSTED_EXPLANATION = 0.8
"""Least share of the variance that least squares must explain to have the last word."""
_COMPARED_SHELL_MM = 0.3
_FARTHEST_MM, _FARTHEST_DEG, _ABOUT_AS_GOOD = 0.4, 4.0, 0.9
"""How far least squares may go from where the search ended, and what it may lose there."""

_FIRST_STEP, _CONFIRMING_STEP = 0.4, 0.05
"""Length of the optimiser's first step, in voxels."""
_CONFIRMING_ITERATIONS = 40


@attrs.frozen(eq=False)
class Finished:
    """Where a registration ended.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        From fixed to moving points, mm.
    top : numpy.ndarray, shape (4, 4)
        Where mutual information is largest, on which a verdict rests: `matrix` itself, or a pose
        near it if the brain has another shape.
    iterations : int
        Of ITK's optimiser.
    stop_condition : str
        Why it ended.
    explained : float
        Share of the moving variance that the fixed grey values explain.
    """

    matrix: NDArray[np.float64]
    top: NDArray[np.float64]
    iterations: int
    stop_condition: str
    explained: float


def finish(
    levels: list[Level],
    moving_tissue: Tissue,
    scorer: PoseScorer,
    start: NDArray[np.float64],
    metric: str,
    options: dict[str, Any],
) -> Finished:
    """Finish in the most precise way that can be trusted, and by the metric.

    Least squares is the most precise by far where it explains nearly everything, mutual
    information on a smooth landscape elsewhere, and the pose nearest to a stretched one where the
    brain has another shape. ITK's descent then starts there: it confirms that the optimum of its
    own metric is near. The other metrics are ITK's alone.

    Parameters
    ----------
    levels : list of Level
        The volumes, coarse to fine.
    moving_tissue : Tissue
        What the moving volume shows.
    scorer : PoseScorer
        Tells whether least squares left the basin.
    start : numpy.ndarray, shape (4, 4)
        A pose in the right basin.
    metric : {"MI", "MSE", "CC", "AntsCC"}
        What was asked for.
    options : dict
        ``max_iterations``, ``seed`` and ``progress_callback`` of `refine`.

    Returns
    -------
    Finished
        Where it ended.
    """
    finest = levels[-1]
    polished = _polish(finest, moving_tissue, scorer, start)
    if polished.explained >= _TRUSTED_EXPLANATION:
        found = top = polished.matrix
        words = f"least squares, {polished.iterations} iterations"
    elif metric == "MI":
        ascender = Ascender(finest.fixed, finest.near_tissue, finest.moving)
        ascended = ascender.climb(start)
        top = ascended.matrix
        found = follow_shape(ascender, finest, moving_tissue, top)
        words = f"a smooth climb, {ascended.iterations} iterations"
    else:
        return _descend(levels, start, metric, _FIRST_STEP, polished.explained, options)
    few = {**options, "max_iterations": min(options["max_iterations"], _CONFIRMING_ITERATIONS)}
    confirmed = _descend([finest], found, metric, _CONFIRMING_STEP, polished.explained, few)
    return attrs.evolve(
        confirmed,
        matrix=found,
        top=top,
        stop_condition=f"{confirmed.stop_condition} (after {words})",
    )


def _polish(
    level: Level, moving_tissue: Tissue, scorer: PoseScorer, start: NDArray[np.float64]
) -> Polished:
    """Return what least squares comes to; it explains nothing if it left the basin."""

    def shown(points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        return moving_tissue.contains(points_mm, _COMPARED_SHELL_MM)

    polished = polish(level.fixed, level.near_tissue, level.moving, shown, start)
    moved = (polished.matrix - start) @ np.append(scorer.center_mm, 1.0)
    turned = angles_between_deg(polished.matrix[:3, :3], start[:3, :3])
    if (
        np.linalg.norm(moved) > _FARTHEST_MM
        or turned > _FARTHEST_DEG
        or scorer.score(polished.matrix) < _ABOUT_AS_GOOD * scorer.score(start)
    ):
        return attrs.evolve(polished, matrix=start, explained=0.0)
    return polished


def _descend(
    levels: list[Level],
    start: NDArray[np.float64],
    metric: str,
    first_step: float,
    explained: float,
    options: dict[str, Any],
) -> Finished:
    matrix, iterations, stop_condition = start, 0, ""
    for level in levels:
        step_mm = first_step * level.fixed.voxel_mm
        refined = refine(level, matrix, metric, first_step_mm=step_mm, **options)
        matrix, stop_condition = refined.matrix, refined.stop_condition
        iterations += refined.iterations
    return Finished(matrix, matrix, iterations, stop_condition, explained)
