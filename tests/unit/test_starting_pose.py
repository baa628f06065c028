"""Where an image starts: against solids whose surface and normals are known as formulas."""

import attrs
import numpy as np
import pytest

from brainreg3d.atlas import Annotation, Atlas, Structure, StructureTree
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.steps.starting_pose import starting_pose

# An egg that is longer than wide and wider than high, as a brain; asymmetric along y on purpose.
SPACING_MM, SHAPE = 0.1, (60, 130, 110)
MIDDLE_MM = np.array([5.5, 6.3, 2.0])
RADII_MM = np.array([4.4, 5.6, 3.4])
CORTEX_ID, OTHER_ID = 315, 512
CAMERA = Camera(230.0)
WORDS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}  # (column, row)


def egg(cortex_from_mm=None):
    z, y, x = np.indices(SHAPE)
    points = (np.stack([x, y, z], axis=-1) + 0.5) * SPACING_MM
    inside = (((points - MIDDLE_MM) / RADII_MM) ** 2).sum(axis=-1) < 1
    index = inside.astype(np.uint16)
    if cortex_from_mm is not None:
        low, high = cortex_from_mm
        index[inside & ((points[..., 1] < low) | (points[..., 1] > high))] = 2
    ids = np.array([0, CORTEX_ID, OTHER_ID][: index.max() + 1], np.uint32)
    tree = StructureTree([
        Structure(997, "root", "root", (255, 255, 255), None),
        Structure(CORTEX_ID, "Isocortex", "Isocortex", (0, 200, 0), 997),
        Structure(OTHER_ID, "CB", "Cerebellum", (0, 0, 200), 997),
    ])  # fmt: skip
    return Atlas("egg", Annotation(index, ids, (SPACING_MM,) * 3), tree)


@pytest.fixture(scope="module")
def atlas():
    return egg()


def normal_at(points):
    """The gradient of an ellipsoid's equation."""
    gradient = (np.asarray(points) - MIDDLE_MM) / RADII_MM**2
    return gradient / np.linalg.norm(gradient, axis=-1, keepdims=True)


def patch_seen(view, n=60):
    """Where rays meet the egg: a quadratic equation for each."""
    rows = np.linspace(-0.5, view.shape[0] - 0.5, n)
    cols = np.linspace(-0.5, view.shape[1] - 0.5, n)
    plane = view.pixel_to_plane_mm(*np.meshgrid(rows, cols)).reshape(-1, 3)
    camera = np.asarray(view.pose.center_mm) - view.camera.distance_mm * view.pose.view_axis
    ways = (plane - camera) / np.linalg.norm(plane - camera, axis=1, keepdims=True)
    start, way = (camera - MIDDLE_MM) / RADII_MM, ways / RADII_MM
    a, b, c = (way**2).sum(1), 2 * (way @ start), (start**2).sum() - 1
    root = b**2 - 4 * a * c
    hit = root > 0
    along = (-b[hit] - np.sqrt(root[hit])) / (2 * a[hit])
    return camera + along[:, None] * ways[hit]


def degrees_between(one, other):
    return np.degrees(np.arccos(np.clip(np.dot(one, other), -1, 1)))


def start(atlas, dims_mm=(6.25, 4.0), shape=(80, 100), camera=CAMERA, **words):
    size = (dims_mm[1] / shape[0], dims_mm[0] / shape[1])
    return starting_pose(atlas, shape, size, camera, **words), size


@pytest.mark.parametrize("hemisphere", ["both", "left", "right"])
@pytest.mark.parametrize("anterior", WORDS)
@pytest.mark.parametrize("tilt", [None, "surface"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_it_lies_on_the_surface_with_anterior_where_the_word_says(
    atlas, hemisphere, anterior, tilt, mirrored
):
    pose, _ = start(atlas, hemisphere=hemisphere, anterior=anterior, tilt=tilt, mirrored=mirrored)
    center = np.array(pose.center_mm)
    on_surface = (((center - MIDDLE_MM) / RADII_MM) ** 2).sum()
    assert abs(on_surface - 1) < 0.05
    side = {"left": -1, "both": 0, "right": 1}[hemisphere]
    assert np.sign(round(center[0] - MIDDLE_MM[0], 3)) == side
    # Anterior is +y: projected onto the picture it points exactly as the word says.
    shown = np.array([pose.col_axis[1], pose.row_axis[1]])
    shown /= np.linalg.norm(shown)
    assert np.allclose(shown, WORDS[anterior], atol=1e-4)
    assert pose.mirrored == mirrored
    # And the animal's right lies a quarter turn clockwise from it, unless the image is mirrored.
    column, row = WORDS[anterior]
    clockwise = np.array([-row, column]) * (-1 if mirrored else 1)
    right = np.array([pose.col_axis[0], pose.row_axis[0]])
    assert clockwise @ right > 0.8
    assert pose.view_axis[2] < -0.8, "it looks down at the brain"


def test_anterior_right_over_the_right_half_has_lateral_down(atlas):
    pose, size = start(atlas, anterior="right", hemisphere="right", tilt="surface")
    assert pose.yaw_deg == 90
    view = ImageView((80, 100), size, pose, CAMERA)
    lateral = np.add(pose.center_mm, (0.5, 0, 0))
    anterior = np.add(pose.center_mm, (0, 0.5, 0))
    assert view.project(lateral)[0] > view.center_px[0] + 5
    assert view.project(anterior)[1] > view.center_px[1] + 5


@pytest.mark.parametrize("hemisphere", ["both", "left", "right"])
def test_without_tilt_it_faces_along_the_normal_under_its_centre(atlas, hemisphere):
    pose, _ = start(atlas, hemisphere=hemisphere)
    assert degrees_between(-pose.view_axis, normal_at(pose.center_mm)) < 1.5


@pytest.mark.parametrize("hemisphere", ["both", "left", "right"])
@pytest.mark.parametrize("anterior", ["up", "right"])
@pytest.mark.parametrize("dims_mm", [(6.25, 4.0), (8.0, 8.0), (1.0, 1.0)])
@pytest.mark.parametrize("camera", [CAMERA, Camera(25.0)], ids=["far", "near"])
def test_the_tilt_is_the_mean_normal_of_the_patch_that_is_seen(
    atlas, hemisphere, anterior, dims_mm, camera
):
    pose, size = start(
        atlas, dims_mm, camera=camera, hemisphere=hemisphere, anterior=anterior, tilt="surface"
    )
    view = ImageView((80, 100), size, pose, camera)
    mean = normal_at(patch_seen(view)).mean(axis=0)
    mean /= np.linalg.norm(mean)
    assert degrees_between(-pose.view_axis, mean) < 1.5


def test_a_large_image_of_one_half_is_tilted_less_than_its_centre(atlas):
    """It sees the flatter middle as well, so the tilt of the patch is another than the point's."""
    local, _ = start(atlas, (8.0, 8.0), hemisphere="right")
    whole, _ = start(atlas, (8.0, 8.0), hemisphere="right", tilt="surface")
    assert degrees_between(local.view_axis, whole.view_axis) > 0.5


def test_over_the_midline_it_does_not_lean_to_a_side(atlas):
    index = atlas.annotation.index.copy()
    index[:, :, 90:] = 0  # a piece of the right side is missing
    lopsided = attrs.evolve(
        atlas, annotation=Annotation(index, atlas.annotation.ids, (SPACING_MM,) * 3)
    )
    for tilt in (None, "surface"):
        pose, _ = start(lopsided, tilt=tilt)
        assert pose.center_mm[0] == MIDDLE_MM[0]
        assert (pose.yaw_deg, pose.roll_deg) == (0, 0)


def test_it_starts_over_the_middle_of_the_cortex():
    """The rear and the front are no cortex: the middle of what is left is seen from above."""
    whole, _ = start(egg())
    assert abs(whole.center_mm[1] - MIDDLE_MM[1]) < 0.05
    partly, _ = start(egg(cortex_from_mm=(6.0, 9.0)))
    assert 7.2 < partly.center_mm[1] < 7.5  # wider towards its rear
    right, _ = start(egg(), hemisphere="right")
    # The centroid of half an ellipse lies 4 r / (3 pi) from its straight side.
    assert abs(right.center_mm[0] - MIDDLE_MM[0] - 4 / (3 * np.pi) * RADII_MM[0]) < 0.15


def test_the_resolution_of_the_atlas_does_not_matter(atlas):
    coarse = attrs.evolve(
        atlas,
        annotation=Annotation(
            atlas.annotation.index[1::2, 1::2, 1::2], atlas.annotation.ids, (2 * SPACING_MM,) * 3
        ),
    )
    for hemisphere in ("both", "right"):
        one, _ = start(atlas, hemisphere=hemisphere, tilt="surface")
        other, _ = start(coarse, hemisphere=hemisphere, tilt="surface")
        assert np.linalg.norm(np.subtract(one.center_mm, other.center_mm)) < 0.1
        assert degrees_between(one.view_axis, other.view_axis) < 1.5


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_brains_of_other_sizes(atlas, factor):
    scaled = attrs.evolve(
        atlas,
        annotation=Annotation(
            atlas.annotation.index, atlas.annotation.ids, (SPACING_MM * factor,) * 3
        ),
    )
    one, _ = start(atlas, hemisphere="left", tilt="surface")
    other, _ = start(
        scaled, (6.25 * factor, 4.0 * factor), camera=Camera(230.0 * factor),
        hemisphere="left", tilt="surface",
    )  # fmt: skip
    assert np.allclose(np.array(other.center_mm) / factor, one.center_mm, atol=0.08)
    assert degrees_between(one.view_axis, other.view_axis) < 1.5


def test_half_a_brain(atlas):
    index = atlas.annotation.index.copy()
    index[:, :, : SHAPE[2] // 2 + 8] = 0
    half = attrs.evolve(
        atlas, annotation=Annotation(index, atlas.annotation.ids, (SPACING_MM,) * 3)
    )
    for hemisphere in ("both", "left", "right"):
        pose, _ = start(half, hemisphere=hemisphere, tilt="surface")
        assert np.all(np.isfinite(pose.center_mm))
        assert pose.center_mm[0] > MIDDLE_MM[0]


def test_an_atlas_without_a_cortex(tiny_atlas):
    pose, _ = start(tiny_atlas, (2.0, 2.0), tilt="surface")
    assert pose.center_mm[0] == pytest.approx(2.0)
    assert 3.0 < pose.center_mm[2] < 4.0


def test_the_same_every_time(atlas):
    assert start(atlas, hemisphere="right", tilt="surface") == start(
        atlas, hemisphere="right", tilt="surface"
    )


@pytest.mark.real_data
def test_the_real_brain(real_atlas):
    """The middle of the dorsal cortex lies about a millimetre behind bregma (AP 5.4, ML 5.7)."""
    both, _ = start(real_atlas, tilt="surface")
    x, y, z = both.center_mm
    assert x == pytest.approx(5.7)
    assert 5.4 + 0.3 < 13.2 - y < 5.4 + 1.7
    assert 0 < 8.0 - z < 0.9, "above the fissure, not in it"
    assert -20 < both.pitch_deg < 0, "the CCF sits nose-down"
    right, _ = start(real_atlas, anterior="right", hemisphere="right", tilt="surface")
    # Facing the primary somatosensory cortex, which slopes down to the side by 20 to 30 degrees.
    assert 1.5 < right.center_mm[0] - 5.7 < 3.5
    lateral_slope = np.degrees(np.arctan2(-right.view_axis[0], -right.view_axis[2]))
    assert 12 < lateral_slope < 35
    left, _ = start(real_atlas, anterior="right", hemisphere="left", tilt="surface")
    assert np.allclose(left.center_mm[0] + right.center_mm[0], 11.4, atol=0.05)
    assert degrees_between(left.view_axis * (-1, 1, 1), right.view_axis) < 1
