"""Refining a pose with ITK, by the metric that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import RegistrationFailed
from brainreg3d.registration.images import PhysicalImage, shrink
from brainreg3d.registration.tissue import Tissue

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation

HISTOGRAM_BINS = 50
NEIGHBOURHOOD_RADIUS = 2
RELAXATION = 0.75
_ROOM = 0.25
_SMALLEST_STEP = 0.02
"""Where to stop, as a share of the first step."""
_SHELL_MM = 0.4
_SAMPLES = {"MI": 12_000, "MSE": 12_000, "CC": 12_000, "AntsCC": 3_000}
"""More samples cost time and gain nothing: what is left is the bias of the interpolation."""


@attrs.frozen(eq=False)
class Level:
    """Both volumes at one resolution, cropped to their tissue.

    Parameters
    ----------
    fixed, moving : PhysicalImage
        float32.
    near_tissue : numpy.ndarray of bool
        Voxels of `fixed` that are compared: tissue and a thin shell around it.
    """

    fixed: PhysicalImage
    moving: PhysicalImage
    near_tissue: NDArray[np.bool_]


@attrs.frozen(eq=False)
class Refined:
    """Where ITK's optimiser ended.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        From fixed to moving points, mm.
    iterations : int
        Iterations done.
    stop_condition : str
        In ITK's words.
    """

    matrix: NDArray[np.float64]
    iterations: int
    stop_condition: str


def make_level(
    fixed: PhysicalImage,
    fixed_tissue: Tissue,
    moving: PhysicalImage,
    moving_tissue: Tissue,
    voxel_mm: float,
) -> Level:
    """Bring both volumes to one resolution, each on its own grid.

    Parameters
    ----------
    fixed, moving : PhysicalImage
        The whole volumes.
    fixed_tissue, moving_tissue : Tissue
        What to crop to.
    voxel_mm : float
        Voxel size to come close to from below.

    Returns
    -------
    Level
        The finer volume is averaged down to the coarser one, never the other way round.
    """
    parts = []
    for image, tissue in ((fixed, fixed_tissue), (moving, moving_tissue)):
        part = shrink(image.filling_box(*tissue.box_mm, tissue.background), voxel_mm)
        parts.append(part.with_data(np.clip(part.data, *_usual_range(tissue))))
    return Level(parts[0], parts[1], fixed_tissue.near(parts[0], _SHELL_MM))


def refine(
    level: Level,
    start: NDArray[np.float64],
    metric: str,
    *,
    first_step_mm: float,
    max_iterations: int,
    seed: int,
    progress_callback: Callable[[Any], object] | None = None,
) -> Refined:
    """Descend to the metric's optimum next to a pose.

    The motion is described by angles about the middle of the fixed tissue, on top of the start:
    small angles, wherever the start is, so that no orientation meets the Euler angles' poles.

    Parameters
    ----------
    level : Level
        The volumes.
    start : numpy.ndarray, shape (4, 4)
        Pose to start from.
    metric : {"MI", "MSE", "CC", "AntsCC"}
        What to optimise.
    first_step_mm : float
        Length of the first step.
    max_iterations : int
        Most iterations.
    seed : int
        Of the samples.
    progress_callback : callable, optional
        Called with ITK's registration method once per iteration, in the calling thread.

    Returns
    -------
    Refined
        The pose.

    Raises
    ------
    RegistrationFailed
        If the volumes do not meet at the start.
    """
    import SimpleITK as sitk  # noqa: N813

    method, motion = _method(level, start, metric, seed)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=first_step_mm,
        minStep=_SMALLEST_STEP * first_step_mm,
        numberOfIterations=max_iterations,
        relaxationFactor=RELAXATION,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    raised: list[BaseException] = []
    iterations = 0

    def count() -> None:  # ITK's own counter is one ahead when a step gets too small
        nonlocal iterations
        iterations += 1

    method.AddCommand(sitk.sitkIterationEvent, count)
    if progress_callback is not None:
        method.AddCommand(sitk.sitkIterationEvent, _guarded(progress_callback, method, raised))
    try:
        method.Execute(level.fixed.to_sitk(), level.moving.to_sitk())
    except RuntimeError as error:
        if not raised:
            reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
            message = f"The optimiser could not work with these volumes: {reason}"
            raise RegistrationFailed(message) from error
    if raised:
        raise raised[0]
    return Refined(
        start @ _matrix(motion),
        iterations,
        method.GetOptimizerStopConditionDescription(),
    )


def metric_value(level: Level, matrix: NDArray[np.float64], metric: str, seed: int) -> float:
    """Return ITK's value of a metric at a pose; smaller is better."""
    method, _ = _method(level, matrix, metric, seed)
    return float(method.MetricEvaluate(level.fixed.to_sitk(), level.moving.to_sitk()))


def _usual_range(tissue: Tissue) -> tuple[float, float]:
    """Return grey values beyond which lie only specks, which would use up a histogram's bins."""
    low, high = np.percentile(tissue.image.data[tissue.mask], (0.5, 99.5))
    low, high = min(low, tissue.background), max(high, tissue.background)
    return float(low - _ROOM * (high - low)), float(high + _ROOM * (high - low))


def _method(
    level: Level, start: NDArray[np.float64], metric: str, seed: int
) -> tuple[sitk.ImageRegistrationMethod, sitk.Euler3DTransform]:
    import SimpleITK as sitk  # noqa: N813

    method = sitk.ImageRegistrationMethod()
    if metric == "MI":
        method.SetMetricAsMattesMutualInformation(HISTOGRAM_BINS)
    elif metric == "MSE":
        method.SetMetricAsMeanSquares()
    elif metric == "CC":
        method.SetMetricAsCorrelation()
    else:
        method.SetMetricAsANTSNeighborhoodCorrelation(NEIGHBOURHOOD_RADIUS)
    share = min(1.0, _SAMPLES[metric] / level.near_tissue.sum())
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(share, seed)
    mask = level.fixed.with_data(level.near_tissue.astype(np.uint8)).to_sitk()
    method.SetMetricFixedMask(mask)
    # Central differences where a sample lies, instead of gradient images of whole volumes.
    method.SetMetricUseFixedImageGradientFilter(False)
    method.SetMetricUseMovingImageGradientFilter(False)
    method.SetInterpolator(sitk.sitkLinear)
    # Several work units sum in the order in which they end: the result would change from run
    # to run, and with the number of cores.
    method.SetNumberOfWorkUnits(1)
    initial = sitk.AffineTransform(3)
    initial.SetMatrix(start[:3, :3].ravel().tolist())
    initial.SetTranslation(start[:3, 3].tolist())
    method.SetMovingInitialTransform(initial)
    motion = sitk.Euler3DTransform()
    center = level.fixed.points_mm(np.argwhere(level.near_tissue).mean(axis=0))
    motion.SetCenter(center.tolist())
    method.SetInitialTransform(motion, inPlace=True)
    return method, motion


def _guarded(
    callback: Callable[[Any], object], method: sitk.ImageRegistrationMethod, raised: list[Any]
) -> Callable[[], None]:
    """Wrap a callback so that what it raises stops the registration and is raised after it."""

    def call() -> None:
        try:
            callback(method)
        except BaseException as error:  # raised again, outside of ITK
            raised.append(error)
            method.StopRegistration()

    return call


def _matrix(transform: sitk.Euler3DTransform) -> NDArray[np.float64]:
    rotation = np.array(transform.GetMatrix()).reshape(3, 3)
    center = np.array(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = np.array(transform.GetTranslation()) + center - rotation @ center
    return matrix
