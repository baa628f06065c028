"""Rigid registration of a brain volume to a template, whatever its orientation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._logging import logger
from brainreg3d.errors import RegistrationFailed
from brainreg3d.registration.arguments import (
    check_iterations,
    check_metric,
    narrowing,
    usable,
)
from brainreg3d.registration.basins import BEYOND_REACH_DEG, find_basin
from brainreg3d.registration.finish import finish
from brainreg3d.registration.images import PhysicalImage
from brainreg3d.registration.refine import Level, make_level, metric_value
from brainreg3d.registration.rotations import angles_between_deg
from brainreg3d.registration.search import PoseScorer
from brainreg3d.registration.tissue import Tissue, find_tissue
from brainreg3d.registration.verdict import Overlap, check_tissue, judge, measure_overlap

_COARSE_MM, _FINEST_MM = 0.2, 0.05


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
        Mutual information in nats where it is largest, at the result or next to it; the verdict
        rests on it.
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
    check_iterations(max_iterations)
    start, reach_deg = narrowing(search, initial_rotation_deg, known_orientation)
    fixed = usable(fixed, "the atlas", fixed_mask)
    moving = usable(moving, "the volume", moving_mask)
    fixed_tissue = find_tissue(fixed, "the atlas", fixed_mask)
    moving_tissue = find_tissue(moving, "the volume", moving_mask)
    check_tissue(fixed_tissue, moving_tissue)
    levels = _coarse_to_fine(fixed, fixed_tissue, moving, moving_tissue)
    scorer = PoseScorer(fixed_tissue, moving_tissue)
    basin = find_basin(scorer, levels[0], (fixed_tissue, moving_tissue), start, reach_deg)
    _check_reach(basin.matrix[:3, :3], start, reach_deg)
    judge(measure_overlap(fixed_tissue, moving_tissue, basin.matrix), basin.evidence(scorer))
    options = {
        "max_iterations": max_iterations,
        "seed": seed,
        "progress_callback": progress_callback,
    }
    finished = finish(levels, moving_tissue, scorer, basin.matrix, metric, options)
    matrix = finished.matrix
    overlap = measure_overlap(fixed_tissue, moving_tissue, matrix)
    evidence = basin.evidence(scorer, finished.top)
    warnings = judge(overlap, evidence)
    for warning in warnings:
        logger.warning("%s", warning)
    return RigidResult(
        matrix=matrix,
        metric_value=metric_value(levels[-1], matrix, metric, seed),
        stop_condition=finished.stop_condition,
        iterations=finished.iterations,
        overlap=overlap,
        information=evidence.information,
        basin_gap=evidence.gap,
        explained=finished.explained,
        warnings=warnings,
        duration_s=time.perf_counter() - began,
    )


def _coarse_to_fine(
    fixed: PhysicalImage, fixed_tissue: Tissue, moving: PhysicalImage, moving_tissue: Tissue
) -> list[Level]:
    """Return both volumes at the resolutions they are compared at; one, where they are coarse."""
    finest = max(fixed.voxel_mm, moving.voxel_mm, _FINEST_MM)
    sizes_mm = sorted({max(_COARSE_MM, finest), finest}, reverse=True)
    return [make_level(fixed, fixed_tissue, moving, moving_tissue, size) for size in sizes_mm]


def _check_reach(
    rotation: NDArray[np.float64], start: NDArray[np.float64], reach_deg: float
) -> None:
    """Refuse a pose that climbed far out of the orientations that were to be searched."""
    away_deg = float(angles_between_deg(rotation[None], start)[0])
    if away_deg > reach_deg + BEYOND_REACH_DEG:
        message = (
            f"The volume does not lie as its orientation, or initial_rotation_deg, says: it fits "
            f"best {away_deg:.0f}° away from there. Correct the orientation, or leave it out to "
            f"have it found."
        )
        raise RegistrationFailed(message)
