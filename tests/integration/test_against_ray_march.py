"""Exact labels against a slow march through the annotation as it lies in its file."""

import attrs
import numpy as np
import pytest
from slow_march import label_volume, march

from brainreg3d import BrainReg3D, Pose
from brainreg3d.steps import Projector

DEFAULTS = BrainReg3D._DEFAULT_BRAIN_REGIONS
ALLEN_BOX_MM = (11.4, 13.2, 8.0)
SHAPE = (60, 80)


@attrs.frozen
class Scene:
    """One image with a random pose."""

    pose: tuple
    size_mm: tuple
    distance_mm: float | None
    principal_px: tuple | None


def random_scene(seed):
    """Tilt to 40°, yaw any, mirrored or not, 20 mm to parallel, anisotropic pixels."""
    draw = np.random.default_rng(seed)
    while True:
        pitch, roll = draw.uniform(-40, 40, 2)
        if np.cos(np.deg2rad(pitch)) * np.cos(np.deg2rad(roll)) > np.cos(np.deg2rad(40)):
            break
    center = (draw.uniform(3, 8.4), draw.uniform(4, 10.5), draw.uniform(6.5, 9))
    distance = [20.0, None, draw.uniform(25, 300)][seed % 3]
    principal = None
    if seed % 2:
        principal = (draw.uniform(-30, 90), draw.uniform(-30, 110))
    return Scene(
        (center, draw.uniform(-180, 180), pitch, roll, bool(draw.integers(2))),
        tuple(draw.uniform(0.02, 0.12, 2)),
        distance,
        principal,
    )


def package_labels(scene, source, **options):
    center, yaw, pitch, roll, mirrored = scene.pose
    options = {"brain_regions": DEFAULTS} | options
    return BrainReg3D(
        np.zeros(SHAPE, np.uint8),
        pixel_size_mm=scene.size_mm,
        alignment=Pose(center, yaw, pitch, roll, mirrored),
        camera_distance_mm=scene.distance_mm,
        principal_point_px=scene.principal_px,
        **source,
        **options,
    ).run()


def marched(scene, labels, res_mm=0.025, box_mm=ALLEN_BOX_MM, **options):
    return march(
        labels, res_mm, box_mm, SHAPE, scene.size_mm, scene.pose, scene.distance_mm,
        scene.principal_px, **options,
    )  # fmt: skip


@pytest.mark.parametrize("occluders", ["tissue", "regions"])
@pytest.mark.parametrize("seed", range(12))
def test_exact_labels_of_the_real_annotation(seed, occluders, real_atlas, allen_labels):
    scene = random_scene(seed)
    result = package_labels(scene, {"atlas": real_atlas}, occluders=occluders)
    truth, right, depth = marched(scene, allen_labels, tissue_hides=occluders == "tissue")
    expected = np.where(truth == 255, 0, truth)
    assert np.count_nonzero(expected) > 200, "the scene shows too little of the brain to tell"
    assert np.mean(result.labels == expected) >= 0.997
    tissue = truth > 0
    assert np.mean((result.hemisphere > 0) == tissue) >= 0.997
    both = tissue & (result.hemisphere > 0)
    assert np.mean((result.hemisphere == 2)[both] == right[both]) >= 0.997
    # The march sees a voxel at most a step late; elsewhere depths are those of the same face.
    apart = np.abs(result.depth_mm - depth)[both]
    assert np.mean(apart < 0.003) >= 0.98
    assert np.median(apart) < 0.002


@pytest.mark.parametrize("hemisphere", ["left", "right"])
def test_hemispheres_of_the_real_annotation(hemisphere, real_atlas, allen_labels):
    for seed in (2, 3):
        scene = random_scene(seed)
        result = package_labels(scene, {"atlas": real_atlas}, hemisphere=hemisphere)
        truth, right, _ = marched(scene, allen_labels)
        wanted = (truth != 255) & (right == (hemisphere == "right"))
        expected = np.where(wanted, truth, 0)
        assert expected.any()
        assert np.mean(result.labels == expected) >= 0.997


def test_order_of_regions_changes_numbers_only(real_atlas):
    scene = random_scene(4)
    one = package_labels(scene, {"atlas": real_atlas})
    other = package_labels(scene, {"atlas": real_atlas}, brain_regions=DEFAULTS[::-1])
    for name in DEFAULTS:
        assert np.array_equal(one.mask(name), other.mask(name))


@pytest.mark.parametrize("seed", range(20, 26))
def test_exact_labels_of_the_phantom(seed):
    """The phantom's volume is marched as an Allen volume made of its own voxel array."""
    from brainreg3d import load_atlas

    atlas = load_atlas("phantom_50um")
    ids = atlas.annotation.to_ids()
    members = [atlas.structures.descendants(atlas.structures.find(n).id) for n in ("MOp", "VIS")]
    volume = np.ascontiguousarray(ids[::-1, ::-1].transpose(2, 0, 1))  # (ML, DV, AP)
    labels = label_volume(volume, members)
    scene = random_scene(seed)
    result = package_labels(scene, {"atlas": atlas}, brain_regions=["MOp", "VIS"])
    truth, _, _ = marched(scene, labels, res_mm=0.05, box_mm=atlas.grid.box_mm)
    expected = np.where(truth == 255, 0, truth)
    assert expected.any()
    assert np.mean(result.labels == expected) >= 0.997


def test_pictures_of_all_layers_do_not_change_labels(real_atlas):
    scene = random_scene(1)
    usual = package_labels(scene, {"atlas": real_atlas})

    class EveryLayer(BrainReg3D):
        Projector = Projector(layers="all")

    center, yaw, pitch, roll, mirrored = scene.pose
    every = EveryLayer(
        np.zeros(SHAPE, np.uint8),
        pixel_size_mm=scene.size_mm,
        alignment=Pose(center, yaw, pitch, roll, mirrored),
        camera_distance_mm=scene.distance_mm,
        principal_point_px=scene.principal_px,
        atlas=real_atlas,
    ).run()
    assert np.array_equal(usual.labels, every.labels)
