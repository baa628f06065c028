import itertools

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from brainreg3d.errors import InputError
from brainreg3d.geometry import (
    Camera,
    ImageView,
    Pose,
    VolumeGrid,
    atlas_mm_to_ccf_um,
    ccf_um_to_atlas_mm,
    parse_directions,
    reorient_to_atlas,
    to_ccf_layout,
)

angles = st.floats(-180, 180)
places = st.tuples(*[st.floats(-20, 20)] * 3)
poses = st.builds(Pose, places, angles, angles, angles, st.booleans())
distances = st.none() | st.floats(5, 500)
sizes = st.tuples(st.floats(0.005, 0.2), st.floats(0.005, 0.2))
shapes = st.tuples(st.integers(1, 30), st.integers(1, 30))
principals = st.none() | st.tuples(st.floats(-50, 80), st.floats(-50, 80))
cameras = st.builds(Camera, distances, principals)
views = st.builds(ImageView, shapes, sizes, poses, cameras)


def defined_axes(pose):
    """The definition, written out: R = from_euler("ZXY", ...), intrinsic, scipy."""
    turn = Rotation.from_euler("ZXY", [pose.yaw_deg, pose.pitch_deg, pose.roll_deg], degrees=True)
    columns = turn.apply([-1.0, 0, 0] if pose.mirrored else [1.0, 0, 0])
    return np.array([columns, turn.apply([0, -1.0, 0]), turn.apply([0, 0, -1.0])])


@given(poses)
def test_axes_are_those_of_the_definition(pose):
    assert np.allclose(pose.axes, defined_axes(pose), atol=1e-12)
    assert np.allclose([pose.col_axis, pose.row_axis, pose.view_axis], pose.axes)


@given(poses)
def test_axes_are_orthonormal_and_handed(pose):
    assert np.allclose(pose.axes @ pose.axes.T, np.eye(3), atol=1e-12)
    # columns x rows points along the view for an image that is not mirrored
    handed = np.cross(pose.col_axis, pose.row_axis) @ pose.view_axis
    assert handed == pytest.approx(-1.0 if pose.mirrored else 1.0)


def test_all_angles_zero_is_seen_from_above_with_left_on_the_left():
    pose = Pose((0, 0, 0))
    assert np.allclose(pose.col_axis, [1, 0, 0])  # columns grow to the animal's right
    assert np.allclose(pose.row_axis, [0, -1, 0])  # rows grow to posterior
    assert np.allclose(pose.view_axis, [0, 0, -1])  # looks down


def test_yaw_90_puts_anterior_to_the_right_and_the_right_side_down():
    """As the written definition says; see also the words of the next test."""
    pose = Pose((0, 0, 0), yaw_deg=90)
    row, col, _ = ImageView((101, 101), (0.1, 0.1), pose, Camera(None)).project([0, 3, 0])
    assert (row, col) == pytest.approx((50, 80))  # a point in front lies to the right
    row, col, _ = ImageView((101, 101), (0.1, 0.1), pose, Camera(None)).project([3, 0, 0])
    assert (row, col) == pytest.approx((80, 50))  # a point on the animal's right lies below


@pytest.mark.parametrize("yaw", [10.0, 90.0, -60.0])
def test_yaw_turns_the_image_counter_clockwise_seen_from_above(yaw):
    """From above, x to the right and y up, the image's right edge turns by +yaw."""
    col_axis = Pose((0, 0, 0), yaw_deg=yaw).col_axis
    assert np.rad2deg(np.arctan2(col_axis[1], col_axis[0])) == pytest.approx(yaw)


def test_pitch_raises_the_anterior_edge_and_roll_lowers_the_right_edge():
    view = ImageView((11, 11), (0.5, 0.5), Pose((0, 0, 0), pitch_deg=20))
    assert view.pixel_to_plane_mm(0, 5)[2] > 0.5  # anterior edge
    assert view.pixel_to_plane_mm(10, 5)[2] < -0.5
    view = ImageView((11, 11), (0.5, 0.5), Pose((0, 0, 0), roll_deg=20))
    assert view.pixel_to_plane_mm(5, 10)[2] < -0.5  # right edge
    assert view.pixel_to_plane_mm(5, 0)[2] > 0.5


def test_pixels_lie_where_the_definition_puts_them():
    pose = Pose((1.0, 2.0, 3.0), 25, -10, 15, mirrored=True)
    view = ImageView((7, 12), (0.03, 0.05), pose)
    columns, rows, _ = defined_axes(pose)
    for r, c in itertools.product((0, 3, 6), (0, 5, 11)):
        expected = [1.0, 2.0, 3.0] + (c - 5.5) * 0.05 * columns + (r - 3) * 0.03 * rows
        assert np.allclose(view.pixel_to_plane_mm(r, c), expected, atol=1e-12)


@given(views, st.floats(-20, 40), st.floats(-20, 40))
def test_projection_of_a_point_of_the_plane_is_its_pixel(view, row, col):
    found_row, found_col, depth = view.project(view.pixel_to_plane_mm(row, col))
    assert (found_row, found_col) == pytest.approx((row, col), abs=1e-6)
    assert depth == pytest.approx(0, abs=1e-9)


@given(views, st.floats(0.0, 30.0))
def test_points_along_a_ray_project_onto_its_pixel(view, beyond_mm):
    rays = view.rays()
    rows, cols = np.indices(view.shape).reshape(2, -1)
    reach = 0.0 if view.camera.distance_mm is None else view.camera.distance_mm
    points = rays.origins_mm + (reach + beyond_mm + 0.1) * rays.directions
    found_rows, found_cols, depth = view.project(points)
    assert np.allclose(found_rows, rows, atol=1e-5)
    assert np.allclose(found_cols, cols, atol=1e-5)
    assert np.all(depth > -reach)


@given(views)
def test_rays_are_unit_vectors_that_start_at_the_camera(view):
    rays = view.rays()
    assert np.allclose(np.linalg.norm(rays.directions, axis=1), 1)
    assert np.all(rays.directions @ view.pose.view_axis > 0)  # into the brain
    if view.camera.distance_mm is None:
        assert np.allclose(rays.directions, view.pose.view_axis)
        assert rays.start_mm == -np.inf
    else:
        foot = view.pixel_to_plane_mm(*view.principal_point_px)
        expected = foot - view.camera.distance_mm * defined_axes(view.pose)[2]
        assert np.allclose(rays.origins_mm, expected, atol=1e-9)
        assert rays.start_mm == 0.0


@given(views, places)
def test_a_camera_at_infinity_is_a_parallel_one(view, point):
    parallel = attrs.evolve(view, camera=Camera(None))
    far = attrs.evolve(view, camera=Camera(1e8))
    for one, other in zip(parallel.project(point), far.project(point), strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("distance_mm", [1.0001e8, 1e15, 1e300])
def test_a_camera_too_far_away_to_compute_with_is_refused(distance_mm):
    with pytest.raises(InputError, match=r"at most 1e\+08 mm. Use None for parallel rays"):
        Camera(distance_mm)


def test_points_behind_the_camera_are_not_projected():
    view = ImageView((5, 5), (0.1, 0.1), Pose((0, 0, 0)), Camera(10.0))
    row, col, depth = view.project([0, 0, 10.001])
    assert np.isnan(row)
    assert np.isnan(col)
    assert depth == pytest.approx(-10.001)


@given(views, places)
def test_a_camera_fixed_in_the_world(view, offset):
    _, _, view_axis = defined_axes(view.pose)
    position = np.asarray(view.pose.center_mm) + offset
    distance = -np.dot(offset, view_axis)
    if distance < 0.5:
        if distance <= 0:
            with pytest.raises(InputError, match="behind"):
                view.with_camera_at(position)
        return
    moved = view.with_camera_at(position)
    assert moved.camera.distance_mm == pytest.approx(distance)
    assert np.allclose(moved.camera_position_mm, position, atol=1e-6)
    # every ray passes through that point and its pixel
    rays = moved.rays()
    rows, cols = np.indices(view.shape).reshape(2, -1)
    pixels = view.pixel_to_plane_mm(rows, cols)
    assert np.allclose(np.cross(pixels - position, rays.directions), 0, atol=1e-6)


@given(places, st.tuples(*[st.floats(3, 20)] * 3))
def test_ccf_and_back(point, box):
    assert np.allclose(ccf_um_to_atlas_mm(atlas_mm_to_ccf_um(point, box), box), point, atol=1e-9)


def test_ccf_corners():
    """The anterior-superior-left corner of the Allen box is CCF 0."""
    box = (11.4, 13.2, 8.0)
    assert np.allclose(atlas_mm_to_ccf_um([0.0, 13.2, 8.0], box), 0)
    assert np.allclose(ccf_um_to_atlas_mm([5400, 332, 5739], box), [5.739, 7.8, 7.668])


ALL_DIRECTIONS = [
    "".join(letters)
    for axes in itertools.permutations(["SI", "AP", "RL"])
    for letters in itertools.product(*axes)
]


@pytest.mark.parametrize("directions", ALL_DIRECTIONS)
def test_each_of_the_48_orientations(directions):
    """Voxel (z, y, x) of the atlas is looked up in the turned array by its letters alone."""
    shape = {"S": 2, "A": 3, "R": 4}
    opposite = {"I": "S", "P": "A", "L": "R"}
    file_shape = [shape[opposite.get(letter, letter)] for letter in directions]
    volume = np.arange(24).reshape(file_shape)
    turned = reorient_to_atlas(volume, directions)
    assert turned.shape == (2, 3, 4)
    for z, y, x in itertools.product(range(2), range(3), range(4)):
        place = {"S": z, "A": y, "R": x}
        index = []
        for letter in directions:
            axis = opposite.get(letter, letter)
            forward = letter == axis
            index.append(place[axis] if forward else shape[axis] - 1 - place[axis])
        assert turned[z, y, x] == volume[tuple(index)]


def test_48_orientations_are_all_and_to_ccf_is_the_inverse():
    assert len(set(ALL_DIRECTIONS)) == 48
    volume = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(reorient_to_atlas(to_ccf_layout(volume), "PIR"), volume)
    assert to_ccf_layout(volume).shape == (3, 2, 4)


@pytest.mark.parametrize("directions", ["", "PI", "PIP", "PIRS", "pir", "PIX", "AAA", "asr"])
def test_wrong_orientations_are_refused(directions):
    with pytest.raises(InputError, match="orientation"):
        parse_directions(directions)


def test_voxels_of_a_grid():
    grid = VolumeGrid((16, 24, 20), (0.25, 0.3, 0.2))
    assert grid.box_mm == (4.0, 7.2, 4.0)
    assert grid.resolution_um == (250.0, 300.0, 200.0)
    assert np.allclose(grid.voxel_centers_mm([0, 0, 0]), [0.1, 0.15, 0.125])
    assert np.allclose(grid.voxel_centers_mm([15, 23, 19]), [3.9, 7.05, 3.875])


@given(st.tuples(*[st.integers(1, 50)] * 3), st.tuples(*[st.floats(0.01, 1)] * 3), st.data())
def test_voxel_of_its_centre(shape, spacing, data):
    grid = VolumeGrid(shape, spacing)
    index = data.draw(st.tuples(*[st.integers(0, n - 1) for n in shape]))
    assert tuple(grid.voxel_indices(grid.voxel_centers_mm(index))) == index


def test_same_box_does_not_ask_for_the_same_voxels():
    assert VolumeGrid((320, 528, 456), [0.025] * 3).same_box(VolumeGrid((80, 132, 114), [0.1] * 3))
    assert not VolumeGrid((10, 10, 10), [1.0] * 3).same_box(VolumeGrid((10, 10, 11), [1.0] * 3))


def test_same_box_allows_for_rounding_to_whole_voxels():
    fine = VolumeGrid((100, 100, 103), [0.1] * 3)  # 10.3 mm are 25.75 voxels of 0.4 mm
    assert fine.same_box(VolumeGrid((25, 25, 26), [0.4] * 3))
    assert not fine.same_box(VolumeGrid((25, 25, 25), [0.4] * 3))


@pytest.mark.parametrize(
    "arguments",
    [
        {"center_mm": (1, 2)},
        {"center_mm": (1, 2, float("nan"))},
        {"center_mm": "here"},
        {"center_mm": None},
        {"center_mm": (1, 2, 3), "yaw_deg": float("inf")},
        {"center_mm": (1, 2, 3), "pitch_deg": True},
        {"center_mm": (1, 2, 3), "roll_deg": None},
        {"center_mm": (1, 2, 3), "mirrored": 1},
        {"center_mm": (1, 2, 3), "mirrored": "no"},
    ],
)
def test_a_pose_of_nonsense_is_refused(arguments):
    with pytest.raises(InputError):
        Pose(**arguments)


@pytest.mark.parametrize("size", [(0, 1), (-0.1, 0.1), (0.1,), (1.1, 0.1), (1e-5, 0.1), "small"])
def test_a_pixel_size_of_nonsense_is_refused(size):
    with pytest.raises(InputError, match="pixel"):
        ImageView((3, 3), size, Pose((0, 0, 0)))


@pytest.mark.parametrize("distance", [0, -1, float("nan"), float("inf"), True, "near"])
def test_a_camera_of_nonsense_is_refused(distance):
    with pytest.raises(InputError, match="camera_distance_mm"):
        Camera(distance)
