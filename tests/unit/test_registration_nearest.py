"""The pose of a brain that is longer or wider than the template."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy import optimize

from brainreg3d.registration import PhysicalImage, register_rigid
from brainreg3d.registration.nearest import nearest_pose
from brainreg3d.registration.rotations import rotation_from_euler_deg

STRETCH = np.diag([1.0, 1.09, 0.97])


def _distances_mm(matrix, images_mm, points_mm):
    return np.linalg.norm(points_mm @ matrix[:3, :3].T + matrix[:3, 3] - images_mm, axis=1)


@pytest.mark.parametrize("mirrored", [False, True])
def test_no_pose_is_nearer_than_the_nearest(mirrored):
    rng = np.random.default_rng(3)
    points_mm = rng.normal(size=(500, 3)) * (1, 3, 2) + (5, -4, 3)
    affine = np.eye(4)
    affine[:3, :3] = rotation_from_euler_deg((20, -30, 50)) @ (
        np.eye(3) + rng.normal(0, 0.08, (3, 3))
    )
    if mirrored:
        affine[:3, 0] *= -0.3
    affine[:3, 3] = (1, 2, 3)
    images_mm = points_mm @ affine[:3, :3].T + affine[:3, 3]
    nearest = nearest_pose(affine, points_mm)
    assert nearest[:3, :3] @ nearest[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(nearest[:3, :3]) == pytest.approx(1)

    def loss(numbers):
        pose = np.eye(4)
        pose[:3, :3] = rotation_from_euler_deg(numbers[:3] * 10)
        pose[:3, 3] = numbers[3:]
        return np.mean(_distances_mm(pose, images_mm, points_mm) ** 2)

    starts = [np.r_[rng.uniform(-18, 18, 3), 0, 0, 0] for _ in range(12)]
    least = min(optimize.minimize(loss, start, method="BFGS").fun for start in starts)
    assert np.mean(_distances_mm(nearest, images_mm, points_mm) ** 2) == pytest.approx(
        least, rel=1e-4
    )


def test_a_longer_brain_is_laid_so_that_all_of_it_is_near(allen_dir):
    """The template itself, stretched and turned, in another contrast, clearest in front."""
    file = sitk.ReadImage(str(allen_dir / "average_template_100.nrrd"))
    array = sitk.GetArrayFromImage(file).transpose(1, 2, 0)[::-1, ::-1]
    template = PhysicalImage(np.ascontiguousarray(array).astype(np.float32), (0.1, 0.1, 0.1))
    brain = np.argwhere(template.data > 0.3 * np.quantile(template.data, 0.9))[::20]
    points_mm = template.points_mm(brain)
    center = points_mm.mean(axis=0)
    truth = np.eye(4)
    truth[:3, :3] = rotation_from_euler_deg((8, -5, 12)) @ STRETCH
    truth[:3, 3] = (8.0, 8.0, 6.0) - truth[:3, :3] @ center
    inverse = np.linalg.inv(truth)
    transform = sitk.AffineTransform(inverse[:3, :3].ravel().tolist(), inverse[:3, 3].tolist())
    volume = sitk.GetArrayFromImage(
        sitk.Resample(
            template.to_sitk(), (160, 160, 120), transform, sitk.sitkLinear, (0, 0, 0), (0.1,) * 3
        )
    )
    noise = np.random.default_rng(0).normal(size=volume.shape)
    towards_back = np.linspace(1.0, 0.1, 160)[:, None]  # what is seen best is not the middle
    volume = np.where(volume > 0, 600 - volume, 0) + 150 * towards_back * noise
    result = register_rigid(template, PhysicalImage(volume.astype(np.float32), (0.1, 0.1, 0.1)))
    best = nearest_pose(truth, points_mm)
    best_mm = points_mm @ best[:3, :3].T + best[:3, 3]
    assert _distances_mm(result.matrix, best_mm, points_mm).mean() < 0.01
