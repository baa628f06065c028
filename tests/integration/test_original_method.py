"""The original's method (vertices, 10 px cells, 11 neighbours) against the slow ray march."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from slow_march import march

from brainreg3d import BrainReg3D, Pose

DEFAULTS = BrainReg3D._DEFAULT_BRAIN_REGIONS
SHAPE = (251, 400)  # of the sample image
PIXEL_MM = (0.0156, 0.0156)
BOX_MM = (11.4, 13.2, 8.0)
GAP_PX = 15
MESH_PX = 4  # half a mesh voxel of 0.05 mm, and rounding


def original(atlas, center, yaw=0.0, **options):
    options = {"brain_regions": DEFAULTS, "method": "original"} | options
    return BrainReg3D(
        np.zeros(SHAPE, np.uint8),
        pixel_size_mm=PIXEL_MM,
        alignment=Pose(center, yaw),
        camera_distance_mm=230.0,
        atlas=atlas,
        **options,
    ).run()


def marched(labels, center, yaw=0.0, *, tissue_hides):
    pose = (center, yaw, 0, 0, False)
    truth, _, _ = march(
        labels, 0.025, BOX_MM, SHAPE, PIXEL_MM, pose, 230.0,
        tissue_hides=tissue_hides, step_mm=0.005,
    )  # fmt: skip
    return truth


@pytest.mark.parametrize("occluders", [None, "tissue"])
@pytest.mark.parametrize("center", [(7.6, 8.0, 8.2), (5.7, 8.0, 8.2), (9.5, 8.0, 8.2)])
def test_original_method_agrees_inside_the_brain(occluders, center, real_atlas, allen_labels):
    result = original(real_atlas, center, occluders=occluders)
    truth = marched(allen_labels, center, tissue_hides=occluders == "tissue")
    inside = truth > 0
    expected = np.where(truth == 255, 0, truth)
    assert np.mean(result.labels[inside] == expected[inside]) >= 0.88
    assert np.mean(result.labels[expected > 0] == expected[expected > 0]) >= 0.88


def test_its_default_agrees_with_all_tissue_where_the_sample_lies(real_atlas, allen_labels):
    for yaw in (0.0, 90.0):
        truth = marched(allen_labels, (7.6, 8.0, 8.2), yaw, tissue_hides=True)
        labels = original(real_atlas, (7.6, 8.0, 8.2), yaw).labels
        inside = truth > 0
        assert np.mean(labels[inside] == np.where(truth == 255, 0, truth)[inside]) >= 0.88


def test_original_method_knows_a_background(real_atlas, allen_labels):
    center = (9.5, 8.0, 8.2)  # the side of the brain runs through the image
    tissue = marched(allen_labels, center, tissue_hides=True) > 0
    off = distance_transform_edt(~tissue) > GAP_PX + MESH_PX
    assert off.sum() > 10_000
    assert not original(real_atlas, center).labels[off].any()


def test_original_method_ignores_the_order_of_regions(real_atlas):
    one = original(real_atlas, (8.0, 5.5, 8.0))
    other = original(real_atlas, (8.0, 5.5, 8.0), brain_regions=DEFAULTS[::-1])
    for name in DEFAULTS:
        assert np.array_equal(one.mask(name), other.mask(name)), name


@pytest.mark.parametrize("center", [(7.6, 8.0, 8.2), (9.5, 8.0, 8.2)])
def test_surfaces_sampled_at_every_pixel_have_no_holes(center, real_atlas, allen_labels):
    result = original(real_atlas, center, method="surface")
    truth = marched(allen_labels, center, tissue_hides=True)
    inside = truth > 0
    assert np.mean(result.labels[inside] == np.where(truth == 255, 0, truth)[inside]) >= 0.985
    assert np.mean((result.hemisphere > 0) == inside) >= 0.998
