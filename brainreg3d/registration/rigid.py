"""Rigid registration of a brain volume to a template, whatever its orientation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._logging import logger
from brainreg3d.errors import InputError, RegistrationFailed
from brainreg3d.registration.ascend import ascend
from brainreg3d.registration.images import PhysicalImage
from brainreg3d.registration.polish import Polished, polish
from brainreg3d.registration.refine import (
    Level,
    check_metric,
    make_level,
    metric_value,
    refine,
)
from brainreg3d.registration.rotations import (
    angles_between_deg,
    axis_rotations,
    rotation_from_euler_deg,
    spread_rotations,
)
from brainreg3d.registration.search import Pose, PoseScorer, apart, search
from brainreg3d.registration.tissue import Tissue, find_tissue
from brainreg3d.registration.verdict import Overlap, check_tissue, judge, measure_overlap

SEARCHES = ("global", "local")
ROTATIONS = 2000
_NARROW_DEG, _LOCAL_DEG = 60.0, 20.0
_COMPARISONS = 256
_BEYOND_REACH_DEG = 10.0
_COARSE_MM, _FINEST_MM = 0.2, 0.05
_TRUSTED_EXPLANATION = 0.8
"""Least share of the variance that least squares must explain to have the last word."""
_COMPARED_SHELL_MM = 0.3
_FARTHEST_MM, _FARTHEST_DEG, _ABOUT_AS_GOOD = 0.4, 4.0, 0.9
"""How far least squares may go from where the search ended, and what it may lose there."""

_FIRST_STEP, _CONFIRMING_STEP = 0.4, 0.05
"""Length of the optimiser's first step, in voxels."""
_CONFIRMING_ITERATIONS = 40


@attrs.frozen(eq=False)
class RigidResult:
    """A trusted rigid registration.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        Maps fixed points (x, y, z) in mm to points of the whole moving volume.
    metric_value : float
        ITK's value of the metric at the result; smaller is better.
    stop_condition : str
        Why the optimisation ended.
    iterations : int
        Iterations of the optimiser, all levels together.
    overlap : Overlap
        How the tissues lie on each other.
    information : float
        Mutual information at the result in nats, on which the verdict rests.
    basin_gap : float
        How many times better it is than at the best pose of another orientation.
    explained : float
        Share of the moving variance that the fixed grey values explain (least squares).
    warnings : tuple of str
        What is doubtful.
    duration_s : float
        Seconds taken.
    """

    matrix: NDArray[np.float64]
    metric_value: float
    stop_condition: str
    iterations: int
    overlap: Overlap
    information: float
    basin_gap: float
    explained: float
    warnings: tuple[str, ...]
    duration_s: float


def register_rigid(
    fixed: PhysicalImage,
    moving: PhysicalImage,
    *,
    metric: str = "MI",
    search: str = "global",
    max_iterations: int = 1000,
    initial_rotation_deg: ArrayLike = (0.0, 0.0, 0.0),
    known_orientation: ArrayLike | None = None,
    fixed_mask: NDArray[Any] | None = None,
    moving_mask: NDArray[Any] | None = None,
    progress_callback: Callable[[Any], object] | None = None,
    seed: int = 1,
) -> RigidResult:
    """Find the rotation and shift that lay a template onto a brain volume.

    The tissue of both volumes is found, thousands of orientations are compared by their mutual
    information, the best is refined by ITK with the metric asked for and, where one contrast
    explains the other, by least squares. The result is the same to the last bit whatever the
    number of threads.

    Parameters
    ----------
    fixed : PhysicalImage
        The template.
    moving : PhysicalImage
        The volume; its canvas may be much larger than the brain, noisy, or cut the brain off.
    metric : {"MI", "MSE", "CC", "AntsCC"}
        Mattes mutual information, mean squares, correlation or neighbourhood correlation.
    search : {"global", "local"}
        Try all orientations, or only those near the known one.
    max_iterations : int
        Most iterations of the optimiser at each level.
    initial_rotation_deg : array_like, shape (3,)
        Angles (rx, ry, rz) of ITK's Euler3DTransform from fixed to moving, about the middle of
        the brain. Other than zeros they narrow a global search to 60 degrees around them.
    known_orientation : array_like, shape (3, 3), optional
        Rotation from fixed to moving directions that is about right; narrows the search, too,
        and `initial_rotation_deg` comes on top of it.
    fixed_mask, moving_mask : numpy.ndarray of bool, optional
        Tissue of the volumes, on their own grids; found when not given.
    progress_callback : callable, optional
        Called with ITK's registration method once per iteration, in the calling thread.
    seed : int
        Of the optimiser's samples.

    Returns
    -------
    RigidResult
        The transform and how sure it is.

    Raises
    ------
    InputError
        If an argument or a volume cannot be used (a ValueError).
    RegistrationFailed
        If no transform can be trusted.
    """
    began = time.perf_counter()
    check_metric(metric)
    is_whole = isinstance(max_iterations, int | np.integer) and not isinstance(max_iterations, bool)
    if not is_whole or max_iterations < 1:
        message = f"max_iterations is a whole number from 1 on; got {max_iterations!r}."
        raise InputError(message)
    start, reach_deg = _narrowing(search, initial_rotation_deg, known_orientation)
    for image, name, mask in (
        (fixed, "the atlas", fixed_mask),
        (moving, "the volume", moving_mask),
    ):
        _check(image, name, mask)
    fixed_tissue = find_tissue(fixed, "the atlas", fixed_mask)
    moving_tissue = find_tissue(moving, "the volume", moving_mask)
    check_tissue(fixed_tissue, moving_tissue)
    scorer = PoseScorer(fixed_tissue, moving_tissue)
    best, other = _best_basins(scorer, start, reach_deg)
    _check_reach(best, start, reach_deg)
    judge(
        measure_overlap(fixed_tissue, moving_tissue, best.matrix(scorer.center_mm)),
        best.information,
        other,
    )
    finest = max(fixed.voxel_mm, moving.voxel_mm, _FINEST_MM)
    levels = [
        make_level(fixed, fixed_tissue, moving, moving_tissue, size)
        for size in sorted({max(_COARSE_MM, finest), finest}, reverse=True)
    ]
    options = {
        "max_iterations": max_iterations,
        "seed": seed,
        "progress_callback": progress_callback,
    }
    start_matrix = best.matrix(scorer.center_mm)
    polished = _polish(levels[-1], moving_tissue, scorer, start_matrix)
    finished = _finish(levels, start_matrix, polished, metric, options)
    matrix = finished.matrix
    overlap = measure_overlap(fixed_tissue, moving_tissue, matrix)
    information = scorer.score(matrix)
    warnings = judge(overlap, information, other)
    for warning in warnings:
        logger.warning("%s", warning)
    return RigidResult(
        matrix=matrix,
        metric_value=metric_value(levels[-1], matrix, metric, seed),
        stop_condition=finished.stop_condition,
        iterations=finished.iterations,
        overlap=overlap,
        information=information,
        basin_gap=information / max(other, 1e-9),
        explained=finished.explained,
        warnings=warnings,
        duration_s=time.perf_counter() - began,
    )


def _check_reach(best: Pose, start: NDArray[np.float64], reach_deg: float) -> None:
    """Refuse a pose that climbed far out of the orientations that were to be searched."""
    away_deg = float(angles_between_deg(best.rotation[None], start)[0])
    if away_deg > reach_deg + _BEYOND_REACH_DEG:
        message = (
            f"The volume does not lie as its orientation, or initial_rotation_deg, says: it fits "
            f"best {away_deg:.0f}° away from there. Correct the orientation, or leave it out to "
            f"have it found."
        )
        raise RegistrationFailed(message)


def _narrowing(
    search_mode: str, angles_deg: ArrayLike, orientation: ArrayLike | None
) -> tuple[NDArray[np.float64], float]:
    """Return the rotation to search around, and how far from it to search, in degrees."""
    if search_mode not in SEARCHES:
        message = f"Expected search to be one of {', '.join(SEARCHES)}; got {search_mode!r}."
        raise InputError(message)
    angles = np.asarray(angles_deg, dtype=float).ravel()
    if angles.size != 3 or not np.all(np.isfinite(angles)):
        message = (
            f"initial_rotation_deg is three angles (rx, ry, rz) in degrees; got {angles_deg!r}."
        )
        raise InputError(message)
    start = rotation_from_euler_deg(angles)
    if orientation is not None:
        known = np.asarray(orientation, dtype=float)
        if known.shape != (3, 3) or not np.allclose(known @ known.T, np.eye(3), atol=1e-6):
            message = f"known_orientation is a 3 x 3 rotation matrix; got {orientation!r}."
            raise InputError(message)
        start = start @ known
    if search_mode == "local":
        return start, _LOCAL_DEG
    narrowed = orientation is not None or bool(angles.any())
    return start, _NARROW_DEG if narrowed else 180.0


def _check(image: PhysicalImage, name: str, mask: NDArray[Any] | None) -> None:
    data = image.data
    if data.size == 0 or data.dtype.kind not in "buif":
        message = (
            f"Expected {name} to be a volume of numbers; got shape {data.shape} of {data.dtype}."
        )
        raise InputError(message)
    low, high = float(data.min()), float(data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        message = (
            f"There are NaN or infinite voxels in {name}; replace them first, for example by 0."
        )
        raise InputError(message)
    if low == high:
        message = f"All voxels of {name} have the same value; there is nothing to register."
        raise InputError(message)
    if min(data.shape) < 2:
        message = f"A volume needs several slices; {name} has the shape {data.shape} (Z, Y, X)."
        raise InputError(message)
    if mask is not None and np.shape(mask) != data.shape:
        message = f"The mask of {name} has the shape {np.shape(mask)}; expected {data.shape}."
        raise InputError(message)


def _best_basins(
    scorer: PoseScorer, start: NDArray[np.float64], reach_deg: float
) -> tuple[Pose, float]:
    """Return the best pose within reach, and the information of the best other orientation."""
    rotations = np.concatenate([axis_rotations(), spread_rotations(ROTATIONS)])
    away = angles_between_deg(rotations, start)
    near = np.concatenate([start[None], rotations[away <= reach_deg]])
    poses = search(scorer, near)
    others = poses[1:]
    if reach_deg < 180:
        far = spread_rotations(_COMPARISONS)
        others = apart([poses[0], *search(scorer, far), *others])[1:]
    return poses[0], max((pose.information for pose in others), default=0.0)


@attrs.frozen(eq=False)
class _Finished:
    matrix: NDArray[np.float64]
    iterations: int
    stop_condition: str
    explained: float


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


def _finish(
    levels: list[Level],
    start: NDArray[np.float64],
    polished: Polished,
    metric: str,
    options: dict[str, Any],
) -> _Finished:
    """Finish in the most precise way that can be trusted, and by the metric.

    Least squares is the most precise by far where it explains nearly everything, mutual
    information on a smooth landscape elsewhere. ITK's descent then starts there: it confirms
    that the optimum of its own metric is near. The other metrics are ITK's alone.
    """
    finest = levels[-1]
    if polished.explained >= _TRUSTED_EXPLANATION:
        found, words = polished.matrix, f"least squares, {polished.iterations} iterations"
    elif metric == "MI":
        ascended = ascend(finest.fixed, finest.near_tissue, finest.moving, start)
        found, words = ascended.matrix, f"a smooth climb, {ascended.iterations} iterations"
    else:
        return _descend(levels, start, metric, _FIRST_STEP, polished.explained, options)
    few = {**options, "max_iterations": min(options["max_iterations"], _CONFIRMING_ITERATIONS)}
    confirmed = _descend([finest], found, metric, _CONFIRMING_STEP, polished.explained, few)
    return attrs.evolve(
        confirmed, matrix=found, stop_condition=f"{confirmed.stop_condition} (after {words})"
    )


def _descend(
    levels: list[Level],
    start: NDArray[np.float64],
    metric: str,
    first_step: float,
    explained: float,
    options: dict[str, Any],
) -> _Finished:
    matrix, iterations, stop_condition = start, 0, ""
    for level in levels:
        step_mm = first_step * level.fixed.voxel_mm
        refined = refine(level, matrix, metric, first_step_mm=step_mm, **options)
        matrix, stop_condition = refined.matrix, refined.stop_condition
        iterations += refined.iterations
    return _Finished(matrix, iterations, stop_condition, explained)
