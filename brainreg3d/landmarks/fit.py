"""The pose of an image from landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.atlas import Annotation, BregmaPreset, find_bregma
from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.geometry.view import check_pixel_size
from brainreg3d.landmarks._problem import SCALE, TILT_A, TILT_PRIOR_DEG, Array, Problem
from brainreg3d.landmarks._solve import Solution, refine, solve
from brainreg3d.landmarks._spread import best_tilt_by_data_deg, pose_spread
from brainreg3d.landmarks._wrong import solve_without_wrong
from brainreg3d.landmarks.doubts import doubts
from brainreg3d.landmarks.hull import BrainHull
from brainreg3d.landmarks.landmark import Landmark, positions_mm
from brainreg3d.landmarks.result import LandmarkFit

_NOMINAL_MM = 0.01
_LAYINGS = 3  # each brings the plane a hundred times closer
_MIN_SPAN_MM = 0.2
_MIN_SPAN_PX = 3.0
_TELLS_APART = 9.0  # difference of misfit, as of three standard deviations


def fit_pose(
    landmarks: Sequence[Landmark],
    annotation: Annotation,
    shape: tuple[int, int],
    *,
    pixel_size_mm: tuple[float, float] | None = None,
    camera: Camera | None = None,
    bregma: str = "ibl",
    mirrored: bool | None = None,
    expected_up: ArrayLike = (0.0, 0.0, 1.0),
) -> LandmarkFit:
    """Find the pose of an image from landmarks that were found in it.

    Two landmarks give position and yaw, and the pixel size if it is not known; with three or more
    the tilt is fitted too, if they determine it at all. Large residuals count less than by their
    square, and landmarks that cannot be right are left out and named.

    Parameters
    ----------
    landmarks : sequence of Landmark
        At least two.
    annotation : Annotation
        The brain.
    shape : tuple of int
        (rows, columns) of the image.
    pixel_size_mm : tuple of float, optional
        (row, column) size of a pixel; fitted when not given, as of square pixels.
    camera : Camera, optional
        Distance and principal point.
    bregma : str
        The preset that stereotaxic coordinates refer to.
    mirrored : bool, optional
        Whether the image is mirrored. When not given, the residuals decide if they can; it is
        taken as not mirrored if they cannot.
    expected_up : array_like, shape (3,)
        The direction, in the atlas frame, that the image plane is expected to face: straight up
        unless said otherwise. A tilt that is not fitted is this one, and a tilt that is fitted is
        held near it by a weak prior of 20° (1 sigma).

    Returns
    -------
    LandmarkFit
        Pose, residuals, spread and warnings.

    Raises
    ------
    InputError
        If there are fewer than two landmarks, or they coincide, or lie off the brain, or
        `expected_up` is no direction.

    Notes
    -----
    From far away the height of the image plane cannot be told: the middle of the image is laid on
    the brain's outer hull, so that the pixel size holds at the tissue. (Where the middle is seen
    beside the brain, the plane passes through the mean of the landmarks.)

    The click noise is estimated from the residuals with a prior of 0.1 mm that weighs as much as
    four of them, and the spread follows from the inverse of the normal equations.

    References
    ----------
    B. Triggs et al., "Bundle adjustment: a modern synthesis", 2000 (robust least squares and its
    covariance).
    """
    landmarks = tuple(landmarks)
    preset = find_bregma(bregma)
    problem = _problem(
        landmarks, annotation, shape, pixel_size_mm, camera or Camera(), preset, expected_up
    )
    solution, used, mirror_told = _choose_mirror(problem, mirrored)
    solution = _lay_on_hull(solution, annotation)
    view = _rounded(solution.model.view(solution.x))
    rows, cols, _ = view.project(problem.points_mm)
    fit = LandmarkFit(
        view=view,
        landmarks=landmarks,
        positions_mm=problem.points_mm,
        residuals_px=problem.pixels - np.stack([rows, cols], axis=1),
        used=used,
        free=_free(solution),
        spread=pose_spread(solution),
        noise_mm=solution.noise_mm,
    )
    found = doubts(fit, solution, annotation, preset, mirrored, mirror_told)
    return attrs.evolve(fit, warnings=tuple(found))


def _rounded(view: ImageView) -> ImageView:
    """Drop digits that mean nothing, so that the last bits of a machine do not show."""
    pose = view.pose
    x, y, z = (round(value, 6) for value in pose.center_mm)
    yaw, pitch, roll = (round(a, 6) for a in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
    row_mm, col_mm = (round(size, 9) for size in view.pixel_size_mm)
    pose = Pose((x, y, z), yaw, pitch, roll, pose.mirrored)
    return attrs.evolve(view, pose=pose, pixel_size_mm=(row_mm, col_mm))


def _free(solution: Solution) -> tuple[str, ...]:
    scale = ("scale",) if SCALE in solution.unknowns else ()
    tilt = ("tilt",) if TILT_A in solution.unknowns else ()
    return ("position", "yaw", *scale, *tilt)


def _problem(
    landmarks: tuple[Landmark, ...],
    annotation: Annotation,
    shape: tuple[int, int],
    pixel_size_mm: tuple[float, float] | None,
    camera: Camera,
    preset: BregmaPreset,
    expected_up: ArrayLike,
) -> Problem:
    """Place the landmarks in the atlas, once: this does not depend on the pose."""
    if len(landmarks) < 2:
        message = (
            f"A pose needs two landmarks or more, and six well spread ones to be certain; got "
            f"{len(landmarks)}."
        )
        raise InputError(message)
    points = positions_mm(landmarks, annotation, preset)
    pixels = np.array([[landmark.row, landmark.col] for landmark in landmarks])
    _check_span(points, pixels)
    windows = [(lm.diameter_px, lm.diameter_mm) for lm in landmarks if lm.diameter_mm is not None]
    up = _direction(expected_up)
    problem = Problem(
        points_mm=points,
        pixels=pixels,
        shape=shape,
        pixel_size_mm=check_pixel_size(pixel_size_mm or (_NOMINAL_MM, _NOMINAL_MM)),
        camera=camera,
        scale_known=pixel_size_mm is not None,
        windows=np.array([pair for pair in windows if pair[0] is not None]).reshape(-1, 2),
        expected_up=up,
    )
    flat = solve(problem, False, tilt=False), solve(problem, True, tilt=False)
    best = min(flat, key=lambda solution: solution.misfit)
    if not problem.scale_known:
        # Residuals are weighed in mm: take about the right pixel size from the start.
        size = best.model.view(best.x).pixel_size_mm
        problem = attrs.evolve(problem, pixel_size_mm=size)
    return attrs.evolve(problem, depth_mm=_depth_below_plane(best, annotation))


def _direction(value: ArrayLike) -> Array:
    numbers = finite_numbers(value, 3)
    if numbers is None or not any(numbers):
        message = f"expected_up is a direction (x, y, z) in the atlas frame; got {value!r}."
        raise InputError(message)
    return np.asarray(np.array(numbers) / np.linalg.norm(numbers))


def _depth_below_plane(solution: Solution, annotation: Annotation) -> float:
    """Return how deep the landmarks' mean lies when the middle of the image is on the hull."""
    view = solution.model.view(solution.x)
    center, camera = np.asarray(view.pose.center_mm), view.camera_position_mm
    direction = view.pose.view_axis if camera is None else center - camera
    hit = BrainHull.of(annotation).first_hit_mm(center, direction, start_mm=-np.inf)[0]
    if np.isnan(hit[0]):
        return 0.0
    return float((solution.model.problem.anchor_mm - hit) @ view.pose.view_axis)


def _lay_on_hull(solution: Solution, annotation: Annotation) -> Solution:
    """Move the image plane to the hull, and fit again what that changes."""
    for _ in range(_LAYINGS):
        depth = _depth_below_plane(solution, annotation)
        problem = attrs.evolve(solution.model.problem, depth_mm=depth)
        solution = refine(
            attrs.evolve(solution, model=attrs.evolve(solution.model, problem=problem))
        )
    return solution


def _check_span(points: Array, pixels: Array) -> None:
    span_mm = float(np.linalg.norm(np.ptp(points, axis=0)))
    span_px = float(np.linalg.norm(np.ptp(pixels, axis=0)))
    if span_mm < _MIN_SPAN_MM or span_px < _MIN_SPAN_PX:
        message = (
            f"The landmarks lie within {span_mm:.2f} mm and {span_px:.1f} pixels of each other, "
            f"too close to give a pose; take landmarks that lie far apart."
        )
        raise InputError(message)


def _choose_mirror(
    problem: Problem, mirrored: bool | None
) -> tuple[Solution, NDArray[np.bool_], bool]:
    """Solve with the mirror that fits better; tell whether the landmarks can tell."""
    if mirrored is not None:
        return *_solve_free(problem, mirrored), True
    plain, used = _solve_free(problem, False)
    turned, used_turned = _solve_free(problem, True)
    lead = (plain.misfit - turned.misfit) + 9.0 * (int(used_turned.sum()) - int(used.sum()))
    told = abs(lead) > _TELLS_APART
    if told and lead > 0:
        return turned, used_turned, told
    return plain, used, told


def _solve_free(problem: Problem, mirrored: bool) -> tuple[Solution, NDArray[np.bool_]]:
    """Free the tilt if there are landmarks for it, and hold it again if they say nothing."""
    if len(problem.points_mm) > 2:
        solution, used = solve_without_wrong(problem, mirrored, tilt=True)
        if best_tilt_by_data_deg(solution) < TILT_PRIOR_DEG:
            return solution, used
    return solve_without_wrong(problem, mirrored, tilt=False)
