"""The phantom's synthetic image, and the truth that it is compared with."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.sources import phantom

REGIONS = ("MOp", "MOs", "SSp", "SSs", "PTLp", "VIS", "RSP", "ACA", "ORB", "OLF")


@pytest.fixture(scope="module")
def atlas():
    return phantom.make_phantom_atlas(50)


@pytest.fixture(scope="module")
def view():
    return phantom.demo_view()


@pytest.fixture(scope="module")
def image(atlas, view):
    return phantom.render_phantom_image(atlas, view)


@pytest.fixture(scope="module")
def label_of_id():
    tree = phantom.phantom_structures()
    return {
        identifier: label
        for label, acronym in enumerate(REGIONS, 1)
        for identifier in tree.descendants(tree.find(acronym).id)
    }


def marker_px(view):
    row, col, _ = view.project(phantom.MARKER_CENTER_MM)
    return round(float(row)), round(float(col))


def test_image_is_a_frame_of_the_view(image, view):
    assert image.shape == view.shape
    assert image.dtype == np.uint16
    assert image.min() > 0
    assert image.max() < 65535


def test_image_is_deterministic_and_follows_its_seed(atlas, view, image):
    assert np.array_equal(image, phantom.render_phantom_image(atlas, view))
    assert not np.array_equal(image, phantom.render_phantom_image(atlas, view, seed=1))


def test_marker_is_bright_on_the_animals_right(image, view):
    row, col = marker_px(view)
    _, midline, _ = view.project((5.7, *phantom.MARKER_CENTER_MM[1:]))
    assert col > midline + 30
    spot = image[row - 5 : row + 6, col - 5 : col + 6].mean()
    other = image[row - 5 : row + 6, int(2 * midline) - col - 5 : int(2 * midline) - col + 6].mean()
    assert spot > 1.3 * other


def test_mirrored_camera_shows_the_marker_on_the_other_side(atlas, view):
    mirrored = attrs.evolve(view, pose=attrs.evolve(view.pose, mirrored=True))
    image = phantom.render_phantom_image(atlas, mirrored)
    row, col = marker_px(mirrored)
    assert col < view.shape[1] / 2
    assert image[row - 5 : row + 6, col - 5 : col + 6].mean() > 1.3 * np.median(image)


def test_noise_is_that_of_a_camera(atlas, view, image):
    def wiggle(frame):
        return np.diff(frame[100:250, 150:300].astype(float), axis=0).std()

    assert 0.003 < wiggle(image) / image.mean() < 0.1


def test_window_is_one_piece_in_the_middle_of_the_frame(view):
    from scipy.ndimage import label

    mask = phantom.phantom_window_mask(view)
    assert mask.shape == view.shape
    assert mask.dtype == bool
    assert label(mask)[1] == 1
    assert 0.6 < mask.mean() < 0.95
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert not border.any()


def test_window_is_darker_or_brighter_than_the_bone(image, view):
    mask = phantom.phantom_window_mask(view)
    assert np.median(image[mask]) > 1.2 * np.median(image[~mask])


def test_image_of_nothing_is_no_error(atlas):
    away = ImageView((40, 50), (0.05, 0.05), Pose(center_mm=(60.0, 60.0, 9.0)))
    assert phantom.render_phantom_image(atlas, away).shape == (40, 50)


def test_demo_sees_marker_and_regions(view, label_of_id):
    labels = phantom.true_labels(view, {**label_of_id, phantom.MARKER_ID: 99}, step_mm=0.05)
    seen = set(np.unique(labels).tolist())
    assert 99 in seen
    assert {REGIONS.index(a) + 1 for a in ("MOp", "MOs", "SSp", "PTLp", "VIS", "RSP")} <= seen


@pytest.mark.parametrize("camera", [Camera(None), Camera(30.0)])
def test_truth_agrees_with_the_voxels(atlas, label_of_id, camera):
    pose = Pose(center_mm=(6.2, 6.5, 8.3), yaw_deg=20, pitch_deg=-8, roll_deg=12)
    view = ImageView((110, 120), (0.07, 0.07), pose, camera)
    truth = phantom.true_labels(view, label_of_id)
    # An independent look at the voxels: points along each ray, nearest voxel, first tissue.
    rays = view.rays()
    start = 0.0 if camera.distance_mm is None else camera.distance_mm - 3.0
    t = np.arange(start, start + 9.0, 0.02)
    labels = np.zeros(truth.size, dtype=int)
    table = np.array([label_of_id.get(int(i), 0) for i in atlas.annotation.ids])
    open_rays = np.ones(truth.size, dtype=bool)
    for distance in t:
        points = rays.origins_mm + distance * rays.directions
        index = atlas.grid.voxel_indices(np.broadcast_to(points, (truth.size, 3)))
        inside = open_rays & np.all((index >= 0) & (index < atlas.grid.shape), axis=1)
        found = np.zeros(truth.size, dtype=int)
        found[inside] = atlas.annotation.index[tuple(index[inside].T)]
        hit = found > 0
        labels[hit] = table[found[hit]]
        open_rays &= ~hit
    agreement = (labels.reshape(truth.shape) == truth).mean()
    assert agreement > 0.97


def test_truth_at_voxel_centres_is_the_annotation():
    annotation = phantom.make_phantom_annotation(100)
    rng = np.random.default_rng(5)
    index = rng.integers(0, annotation.index.shape, size=(20_000, 3))
    points = annotation.grid.voxel_centers_mm(index)
    truth = phantom.phantom_structure_at(points)
    assert np.array_equal(truth, annotation.ids[annotation.index[tuple(index.T)]])
    assert phantom.phantom_structure_at(points.reshape(100, 200, 3)).shape == (100, 200)


def test_truth_needs_a_step(view):
    with pytest.raises(InputError, match="step_mm is a positive number"):
        phantom.true_labels(view, {}, step_mm=0.0)
