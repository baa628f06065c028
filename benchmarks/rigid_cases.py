"""Volumes with a known pose, made by code, to measure rigid registration on.

A case is the atlas template turned and shifted by a random rigid transform and sampled on a grid
of its own, then spoilt in one of several ways. Random numbers come from the number of the case
alone, so a case can be made again by itself.
"""

from __future__ import annotations

import functools
from pathlib import Path

import attrs
import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from brainreg3d.registration.images import PhysicalImage
from brainreg3d.registration.rotations import axis_rotations, rotation_from_vector

CATEGORIES = (
    "same",  # same contrast, turned by up to 45 degrees
    "orientations",  # any of the 24 axis orientations, turned by up to 15 degrees more
    "noisy_canvas",  # a canvas of 26 mm full of noise
    "missing",  # a quarter of the brain cut off, in any orientation
    "inverted",  # dark is bright, in half of the cases the background too
    "gamma_bias_noise",  # another gamma, uneven light, noise
    "anisotropic",  # voxels of 50 x 20 x 20 um
    "cropped",  # a view that ends within the brain
)
_CANVAS_MM = 26.0
_MARGIN_MM = 0.6
_TRE_POINTS = 4000


@attrs.frozen(eq=False)
class Case:
    """A volume and the pose at which it shows the template."""

    name: str
    category: str
    fixed: PhysicalImage
    moving: PhysicalImage
    truth: NDArray[np.float64]
    """4 x 4, from points of the template to points of the volume, mm."""
    brain_points_mm: NDArray[np.float64]

    def error_mm(self, matrix: NDArray[np.float64]) -> float:
        """Return the target registration error: mean distance over the voxels of the brain."""
        points = np.c_[self.brain_points_mm, np.ones(len(self.brain_points_mm))]
        return float(np.linalg.norm((points @ (matrix - self.truth).T)[:, :3], axis=1).mean())


@attrs.frozen(eq=False)
class Source:
    """A template that cases are made from."""

    fixed: PhysicalImage
    brain: NDArray[np.bool_]

    @functools.cached_property
    def points_mm(self) -> NDArray[np.float64]:
        """Centres of brain voxels, evenly thinned."""
        inside = np.argwhere(self.brain)
        chosen = np.random.default_rng(0).choice(len(inside), _TRE_POINTS, replace=False)
        return self.fixed.points_mm(inside[chosen])


def to_ras(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn an array read from one of Allen's files (ML, DV, AP) to RAS+ (Z, Y, X)."""
    return np.ascontiguousarray(array.transpose(1, 2, 0)[::-1, ::-1])


def allen_source(folder: Path) -> Source:
    """Return the average template at 100 um, its brain being what is annotated."""
    template = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "average_template_100.nrrd")))
    annotation = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "annotation_100.nrrd")))
    image = PhysicalImage(to_ras(template).astype(np.float32), (0.1, 0.1, 0.1))
    return Source(image, to_ras(annotation) > 0)


def phantom_source() -> Source:
    """Return the synthetic brain at 100 um."""
    from brainreg3d.sources.phantom import make_phantom_annotation, make_phantom_template

    annotation = make_phantom_annotation(100)
    template = make_phantom_template(annotation)
    image = PhysicalImage(template.data.astype(np.float32), (0.1, 0.1, 0.1))
    return Source(image, annotation.index > 0)


def make_case(source: Source, category: str, number: int, name: str = "") -> Case:
    """Make one case.

    Parameters
    ----------
    source : Source
        What it shows.
    category : str
        One of `CATEGORIES`.
    number : int
        Seed of all that is random in it.
    name : str
        Prefix of its name.
    """
    rng = np.random.default_rng([number, CATEGORIES.index(category)])
    rotation = _rotation(category, rng)
    spacing = (0.05, 0.02, 0.02) if category == "anisotropic" else (rng.uniform(0.06, 0.12),) * 3
    half = np.linalg.norm(np.ptp(source.points_mm, axis=0)) / 2
    center = (source.points_mm.min(axis=0) + source.points_mm.max(axis=0)) / 2
    reach = np.abs((source.points_mm - center) @ rotation.T).max(axis=0) + _MARGIN_MM
    if category == "noisy_canvas":
        size = np.full(3, _CANVAS_MM)
        target = size / 2 + rng.uniform(-1, 1, 3) * (size / 2 - half - _MARGIN_MM)
    else:
        size = 2 * reach + rng.uniform(0, 1.5, 3)
        target = reach + rng.uniform(0, 1, 3) * (size - 2 * reach)
    truth = np.eye(4)
    truth[:3, :3] = rotation
    truth[:3, 3] = target - rotation @ center
    array = sample(source.fixed, truth, spacing, size)
    moving = PhysicalImage(array, spacing)
    moving, truth = _spoil(moving, truth, source, category, rng)
    data = np.clip(np.rint(moving.data * 60), 0, 65535).astype(np.uint16)
    moving = PhysicalImage(data, spacing)
    return Case(
        f"{name}{category}-{number}", category, source.fixed, moving, truth, source.points_mm
    )


def sample(
    fixed: PhysicalImage,
    truth: NDArray[np.float64],
    spacing_mm: tuple[float, ...],
    size_mm: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return what a volume of that size shows of the template at a pose."""
    inverse = np.linalg.inv(truth)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(inverse[:3, :3].ravel().tolist())
    transform.SetTranslation(inverse[:3, 3].tolist())
    shape = [
        max(1, round(float(s / step))) for s, step in zip(size_mm, spacing_mm[::-1], strict=True)
    ]
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(shape)
    resampler.SetOutputSpacing(spacing_mm[::-1])
    many = np.prod(shape) > 3e7
    resampler.SetInterpolator(sitk.sitkLinear if many else sitk.sitkBSpline3)
    resampler.SetTransform(transform)
    return np.clip(sitk.GetArrayFromImage(resampler.Execute(fixed.to_sitk())), 0, None)


def _rotation(category: str, rng: np.random.Generator) -> NDArray[np.float64]:
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    if category in ("orientations", "missing"):
        turned = axis_rotations()[rng.integers(24)]
        return rotation_from_vector(axis * np.radians(rng.uniform(0, 15))) @ turned
    return rotation_from_vector(axis * np.radians(rng.uniform(5, 45)))


def _spoil(moving, truth, source, category, rng):
    data, scale = moving.data, float(np.percentile(source.fixed.data[source.brain], 95))
    if category == "noisy_canvas":
        data = np.abs(data + rng.normal(0, 0.15 * scale, data.shape).astype(np.float32))
    elif category == "missing":
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        brain = source.points_mm @ truth[:3, :3].T + truth[:3, 3]
        level = np.quantile(brain @ direction, 0.75)
        grid = np.indices(data.shape, sparse=True)
        along = sum(grid[axis] * moving.spacing_mm[axis] * direction[2 - axis] for axis in range(3))
        data = np.where(along > level, 0, data)
        data = np.abs(data + rng.normal(0, 0.03 * scale, data.shape))
    elif category == "inverted":
        everything = rng.random() < 0.5
        tissue = data > 0.08 * scale
        data = np.where(tissue | everything, np.clip(1.3 * scale - data, 0, None), 0)
    elif category == "gamma_bias_noise":
        data = scale * (np.clip(data, 0, None) / scale) ** rng.uniform(0.5, 2.0)
        grid = np.indices(data.shape, sparse=True)
        slope = rng.normal(size=3)
        slope *= 0.8 / np.abs(slope).sum()
        bias = 1 + sum(slope[a] * (grid[a] / data.shape[a] - 0.5) for a in range(3))
        data = np.abs(data * bias + rng.normal(0, 0.05 * scale, data.shape))
    elif category == "cropped":
        low, high = np.zeros(3, int), np.array(data.shape)
        for axis in rng.choice(3, rng.integers(1, 3), replace=False):
            cut = int(rng.uniform(0.12, 0.25) * data.shape[axis])
            if rng.random() < 0.5:
                low[axis] += cut
            else:
                high[axis] -= cut
        part = moving.cropped(low, high)
        truth = truth.copy()
        truth[:3, 3] -= part.origin_mm  # the view has its own origin
        data = np.ascontiguousarray(part.data)
    return moving.with_data(data), truth
