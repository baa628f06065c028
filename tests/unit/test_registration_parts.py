"""Parts of the registration engine: images, tissue, rotations, splines, mutual information."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from brainreg3d.errors import InputError, RegistrationFailed
from brainreg3d.registration.images import PhysicalImage, shrink
from brainreg3d.registration.landscape import InformationLandscape
from brainreg3d.registration.rotations import (
    angles_between_deg,
    axis_rotations,
    rotation_from_euler_deg,
    rotation_from_vector,
    spread_rotations,
)
from brainreg3d.registration.spline import sample_spline
from brainreg3d.registration.tissue import find_tissue, otsu_threshold


def _center_of_mass_mm(image):
    return image.points_mm(ndimage.center_of_mass(np.asarray(image.data, dtype=float)))


@pytest.fixture
def blob():
    """An off-centre Gaussian on an anisotropic grid with an origin of its own."""
    spacing, origin = np.array([0.05, 0.02, 0.04]), np.array([3.0, -2.0, 1.0])
    z, y, x = np.indices((48, 90, 60)) * spacing[:, None, None, None]
    data = 1000 * np.exp(-((z - 1.2) ** 2 + (y - 0.8) ** 2 + (x - 1.1) ** 2) / 0.02)
    return PhysicalImage(data.astype(np.uint16), spacing, origin)


def test_shrinking_moves_nothing(blob):
    small = shrink(blob, 0.1)
    assert small.data.dtype == np.float32
    assert small.spacing_mm == pytest.approx((0.1, 0.1, 0.08))
    np.testing.assert_allclose(_center_of_mass_mm(small), _center_of_mass_mm(blob), atol=1e-3)


def test_shrinking_is_the_mean_of_blocks(blob):
    small = shrink(blob, 0.1)
    expected = blob.data[:2, :5, :2].astype(float).mean()
    assert small.data[0, 0, 0] == pytest.approx(expected)
    assert small.data.mean() == pytest.approx(blob.data.mean(), rel=1e-4)


def test_coarse_axes_are_left_alone():
    image = PhysicalImage(np.ones((4, 30, 30)), (0.5, 0.05, 0.05))
    assert shrink(image, 0.1).spacing_mm == pytest.approx((0.5, 0.1, 0.1))


def test_cropping_and_padding_move_nothing(blob):
    center = _center_of_mass_mm(blob)
    low, high = blob.points_mm((2, 3, 4)), blob.points_mm((47, 88, 58))
    np.testing.assert_allclose(
        _center_of_mass_mm(blob.cropped_to_box(low, high)), center, atol=1e-3
    )
    wide = blob.filling_box(low - 0.5, high + 0.5, 0)
    np.testing.assert_allclose(_center_of_mass_mm(wide), center, atol=1e-3)
    assert np.all(wide.points_mm((0, 0, 0)) <= low - 0.4)


def test_itk_sees_the_same_points(blob):
    itk_image = blob.to_sitk()
    point = itk_image.TransformIndexToPhysicalPoint((7, 5, 3))
    np.testing.assert_allclose(point, blob.points_mm((3, 5, 7)))
    assert itk_image[7, 5, 3] == blob.data[3, 5, 7]


@pytest.mark.parametrize("data", [np.zeros(3), np.zeros((4, 4)), np.zeros((2, 2, 2, 2))])
def test_images_have_three_axes(data):
    with pytest.raises(InputError, match="three axes"):
        PhysicalImage(data, (1, 1, 1))


@pytest.mark.parametrize("spacing", [(0, 1, 1), (-1, 1, 1), (np.nan, 1, 1), (1, 1)])
def test_spacings_are_positive(spacing):
    with pytest.raises(InputError, match="three"):
        PhysicalImage(np.zeros((2, 2, 2)), spacing)


def test_every_orientation_has_a_rotation_near():
    spread = spread_rotations(2000)
    for wanted in Rotation.random(200, random_state=0).as_matrix():
        assert angles_between_deg(spread, wanted).min() < 17


def test_rotations_agree_with_scipy():
    for rotation in spread_rotations(50):
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
    vector = np.array([0.3, -1.1, 0.7])
    np.testing.assert_allclose(
        rotation_from_vector(vector), Rotation.from_rotvec(vector).as_matrix(), atol=1e-12
    )
    ours = {tuple(matrix.ravel()) for matrix in axis_rotations()}
    theirs = {
        tuple(matrix.ravel()) for matrix in np.round(Rotation.create_group("O").as_matrix()) + 0.0
    }
    assert {tuple(np.array(matrix) + 0.0) for matrix in ours} == theirs


def test_euler_angles_are_itks():
    import SimpleITK as sitk  # noqa: N813

    transform = sitk.Euler3DTransform()
    transform.SetRotation(*np.radians([20.0, -50.0, 110.0]))
    expected = np.array(transform.GetMatrix()).reshape(3, 3)
    np.testing.assert_allclose(rotation_from_euler_deg((20, -50, 110)), expected, atol=1e-12)


def test_splines_are_scipys():
    data = np.random.default_rng(0).random((12, 13, 14))
    coefficients = ndimage.spline_filter(data, mode="mirror").astype(np.float32)
    points = np.random.default_rng(1).uniform(2, 9, (500, 3))
    values, _ = sample_spline(points, coefficients, np.eye(3)[::-1], np.zeros(3))
    expected = ndimage.map_coordinates(data, points[:, ::-1].T, mode="mirror")
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_points_off_the_grid_are_not_known():
    values, gradients = sample_spline(
        np.array([[-1.0, 5, 5], [5, 5, 40]]),
        np.ones((10, 10, 10), np.float32),
        np.eye(3),
        np.zeros(3),
    )
    assert np.isnan(values).all()
    assert not gradients.any()


def test_otsu_is_skimages():
    from skimage.filters import threshold_otsu

    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(10, 2, 5000), rng.normal(40, 5, 3000)])
    assert otsu_threshold(values) == pytest.approx(threshold_otsu(values), abs=1.5)


def _ball(shape, spacing, center, radius):
    grid = np.indices(shape) * np.array(spacing)[:, None, None, None]
    return np.sum((grid - np.array(center)[:, None, None, None]) ** 2, axis=0) < radius**2


@pytest.mark.parametrize("noise", [0, 15])
def test_tissue_is_found_on_a_large_noisy_canvas(noise):
    ball = _ball((120, 100, 110), (0.2, 0.2, 0.2), (6, 14, 15), 3.0)
    data = 100.0 * ball + np.random.default_rng(0).normal(20, noise, ball.shape)
    tissue = find_tissue(PhysicalImage(data, (0.2, 0.2, 0.2)), "the volume")
    assert tissue.volume_mm3 == pytest.approx(4 / 3 * np.pi * 27, rel=0.1)
    np.testing.assert_allclose(tissue.center_mm, (15, 14, 6), atol=0.05)
    assert not tissue.cut_sides.any()


def test_dark_tissue_on_a_bright_background():
    ball = _ball((50, 50, 50), (0.2,) * 3, (5, 5, 5), 3.0)
    tissue = find_tissue(PhysicalImage(100.0 - 60 * ball, (0.2,) * 3), "the volume")
    assert tissue.volume_mm3 == pytest.approx(4 / 3 * np.pi * 27, rel=0.1)


def test_a_cut_through_tissue_is_noticed():
    ball = _ball((50, 50, 50), (0.2,) * 3, (5, 0, 5), 3.0)
    tissue = find_tissue(PhysicalImage(100.0 * ball, (0.2,) * 3), "the volume")
    expected = np.zeros((2, 3), dtype=bool)
    expected[0, 1] = True
    np.testing.assert_array_equal(tissue.cut_sides, expected)


def test_an_empty_mask_is_refused():
    image = PhysicalImage(np.random.default_rng(0).random((20, 20, 20)), (0.2,) * 3)
    with pytest.raises(RegistrationFailed, match="mask is empty"):
        find_tissue(image, "the volume", np.zeros(image.data.shape, dtype=bool))


def test_gradient_of_mutual_information():
    rng = np.random.default_rng(0)
    data = ndimage.gaussian_filter(rng.random((40, 40, 40)), 3).astype(np.float32) * 100
    image = PhysicalImage(data, (0.1, 0.1, 0.1))
    near = np.zeros(data.shape, dtype=bool)
    near[10:30, 10:30, 10:30] = True
    start = np.eye(4)
    start[:3, :3] = rotation_from_vector((0.02, -0.01, 0.03))
    landscape = InformationLandscape(image, near, image, start)
    change = np.array([0.03, -0.02, 0.05, 0.02, 0.03, -0.04])
    step = 1e-5
    expected = [
        (
            landscape.at(start, change + step * axis)[0]
            - landscape.at(start, change - step * axis)[0]
        )
        / (2 * step)
        for axis in np.eye(6)
    ]
    gradient = landscape.at(start, change)[1]
    np.testing.assert_allclose(gradient, expected, rtol=0.02, atol=0.01)
