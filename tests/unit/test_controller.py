"""The alignment controller, as maths: no window, no VTK."""

import subprocess
import sys

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from brainreg3d import Camera, ImageView, Pose
from brainreg3d.errors import InputError
from brainreg3d.gui import AlignmentController
from brainreg3d.gui.keys import BINDINGS, canonical_key
from brainreg3d.gui.screen import Screen

SIZE = (900, 600)

poses = st.builds(
    Pose,
    center_mm=st.tuples(st.floats(2, 9), st.floats(2, 11), st.floats(6, 9)),
    yaw_deg=st.floats(-180, 180),
    pitch_deg=st.floats(-60, 60),
    roll_deg=st.floats(-60, 60),
    mirrored=st.booleans(),
)
distances = st.one_of(st.none(), st.floats(12, 400))
views = st.builds(
    lambda pose, distance: ImageView((251, 400), (0.016, 0.0156), pose, Camera(distance)),
    poses,
    distances,
)
moves = st.lists(
    st.sampled_from([b for binding in BINDINGS for b in binding.keys if b not in "uvbocqp"]),
    max_size=25,
)
moves = moves.map(lambda keys: [k for k in keys if k not in ("enter", "escape")])


def make(**changes):
    pose = Pose((6.0, 7.0, 8.0), **changes)
    return AlignmentController(ImageView((100, 200), (0.02, 0.02), pose, Camera(230.0)))


def test_loads_no_vtk():
    code = (
        "import sys; from brainreg3d.gui import AlignmentController as C; from brainreg3d import *;"
        "c = C(ImageView((4, 5), (0.1, 0.1), Pose((1, 2, 3)))); c.apply_key('i');"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('vtk', 'vtkmodules', 'vedo', 'brainrender', 'matplotlib', 'trame')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("key", "shift", "offset"),
    [
        ("Right", False, (0.1, 0, 0)),
        ("Left", True, (-0.01, 0, 0)),
        ("ArrowUp", False, (0, 0.1, 0)),
        ("Down", False, (0, -0.1, 0)),
        ("Prior", False, (0, 0, 0.1)),
        ("PageDown", True, (0, 0, -0.01)),
    ],
)
def test_keys_shift_the_image_as_seen_from_above(key, shift, offset):
    controller = make()
    assert controller.apply_key(key, shift)
    moved = np.subtract(controller.pose.center_mm, (6.0, 7.0, 8.0))
    np.testing.assert_allclose(moved, offset, atol=1e-12)


def test_arrows_follow_the_screen_not_the_atlas():
    """An image whose anterior is to the right starts upright: its own right is the screen's."""
    controller = make(yaw_deg=90.0)
    controller.apply_key("Right")
    # at yaw 90 columns run to anterior
    np.testing.assert_allclose(controller.pose.center_mm, (6.0, 7.1, 8.0), atol=1e-12)


def test_arrows_still_follow_the_screen_after_a_turn():
    controller = make()
    for _ in range(30):
        controller.apply_key("bracketleft")
    assert controller.pose.yaw_deg == pytest.approx(30.0, abs=1e-9)
    controller.apply_key("Right")
    np.testing.assert_allclose(controller.pose.center_mm, (6.1, 7.0, 8.0), atol=1e-12)


@pytest.mark.parametrize(
    ("key", "angles"),
    [
        ("[", (1, 0, 0)),
        ("]", (-1, 0, 0)),
        ("i", (0, 1, 0)),
        ("k", (0, -1, 0)),
        ("j", (0, 0, -1)),
        ("l", (0, 0, 1)),
    ],
)
def test_turns_and_tilts_of_a_level_image_are_the_angles_of_the_pose(key, angles):
    controller = make()
    for _ in range(5):
        controller.apply_key(key)
    for _ in range(3):
        controller.apply_key(key.upper(), shift=True)
    pose = controller.pose
    got = (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    np.testing.assert_allclose(got, np.multiply(angles, 5.3), atol=1e-8)
    assert pose.center_mm == (6.0, 7.0, 8.0)


def test_tilting_raises_the_edge_that_is_named():
    controller = make(yaw_deg=90.0)
    controller.tilt(top_deg=4.0)
    top, bottom = controller.view.pixel_to_plane_mm([-0.5, 99.5], [99.5, 99.5])
    assert top[2] - bottom[2] == pytest.approx(2.0 * np.sin(np.radians(4)), abs=1e-9)
    controller.reset()
    controller.tilt(right_deg=4.0)
    left, right = controller.view.pixel_to_plane_mm([49.5, 49.5], [-0.5, 199.5])
    assert right[2] - left[2] == pytest.approx(4.0 * np.sin(np.radians(4)), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(views, st.floats(-179, 179), st.floats(-40, 40), st.floats(-40, 40))
def test_nothing_can_shear_an_image_or_change_its_handedness(view, turn, top, right):
    controller = AlignmentController(view)
    controller.rotate(turn)
    controller.tilt(top, right)
    axes = controller.pose.axes
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)
    # columns x rows points away from the viewer, along the view, unless mirrored
    handed = np.dot(np.cross(axes[0], axes[1]), axes[2])
    assert handed == pytest.approx(-1.0 if view.pose.mirrored else 1.0)
    np.testing.assert_allclose(controller.pose.center_mm, view.pose.center_mm, atol=0)
    assert controller.view.pixel_size_mm == view.pixel_size_mm


@settings(max_examples=60, deadline=None)
@given(views, st.floats(-179, 179), st.tuples(*[st.floats(0, 599)] * 4))
def test_a_drag_keeps_the_same_pixel_under_the_pointer(view, turn, points):
    controller = AlignmentController(view, size_px=SIZE)
    controller.rotate(turn)
    screen = controller.screen
    taken = screen.plane_point_mm(controller.view, *points[:2])
    pixel = controller.pixel_at(taken)
    axes = controller.pose.axes
    controller.begin_drag("move", taken)
    for share in (0.3, 0.8, 1.0):
        x, y = np.add(points[:2], share * np.subtract(points[2:], points[:2]))
        controller.drag_to(screen.plane_point_mm(controller.view, x, y))
    controller.end_drag()
    under = controller.screen.plane_point_mm(controller.view, *points[2:])
    np.testing.assert_allclose(controller.pixel_at(under), pixel, atol=1e-6)
    np.testing.assert_array_equal(controller.pose.axes, axes)


@settings(max_examples=60, deadline=None)
@given(views, st.floats(0, 360), st.floats(-170, 170), st.floats(0.5, 3.0))
def test_a_turning_drag_turns_by_the_angle_of_the_pointer_and_keeps_the_centre(
    view, start_deg, turn_deg, radius_mm
):
    controller = AlignmentController(view, size_px=SIZE)
    right, up, _ = controller.screen.axes(view)
    center = np.array(view.pose.center_mm)

    def pointer(angle_deg):
        a = np.radians(angle_deg)
        return center + radius_mm * (np.cos(a) * right + np.sin(a) * up)

    controller.begin_drag("rotate", pointer(start_deg))
    controller.drag_to(pointer(start_deg + turn_deg / 2))
    controller.drag_to(pointer(start_deg + turn_deg))
    controller.end_drag()
    assert controller.pose.center_mm == view.pose.center_mm
    # independent: the columns turned about the axis to the viewer
    towards = -view.pose.view_axis
    expected = Rotation.from_rotvec(np.radians(turn_deg) * towards).apply(view.pose.col_axis)
    np.testing.assert_allclose(controller.pose.col_axis, expected, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(views, moves)
def test_undo_brings_back_every_step_to_the_bit_and_redo_does_it_again(view, keys):
    controller = AlignmentController(view)
    history = [controller.view]
    for key in keys:
        controller.apply_key(key)
        if controller.view != history[-1] and key not in "zy":
            history.append(controller.view)
        elif key in "zy":
            history = [controller.view]  # start afresh: what follows is checked on its own
            controller = AlignmentController(controller.view)
    for earlier in reversed(history[:-1]):
        controller.undo()
        assert controller.view == earlier
    controller.undo()
    assert controller.message
    assert controller.view == history[0]
    for later in history[1:]:
        controller.redo()
        assert controller.view == later


def test_a_drag_is_one_step():
    controller = make()
    controller.begin_drag("move", (0, 0, 8.0))
    for x in range(10):
        controller.drag_to((x / 10, 0, 8.0))
    controller.end_drag()
    np.testing.assert_allclose(controller.pose.center_mm, (6.9, 7.0, 8.0))
    controller.apply_key("z")
    assert controller.pose.center_mm == (6.0, 7.0, 8.0)
    controller.apply_key("y")
    np.testing.assert_allclose(controller.pose.center_mm, (6.9, 7.0, 8.0))


def test_what_is_done_in_the_middle_of_a_drag_is_a_step_of_its_own():
    """A wheel turned, or landmarks fitted, with a button held down."""
    controller = make()
    controller.begin_drag("move", (0, 0, 8.0))
    controller.drag_to((0.5, 0, 8.0))
    controller.scale(2.0)
    controller.drag_to((0.9, 0, 8.0))
    controller.end_drag()
    assert controller.view.pixel_size_mm == (0.04, 0.04)
    assert controller.pose.center_mm == (6.5, 7.0, 8.0)
    controller.undo()
    assert controller.view.pixel_size_mm == (0.02, 0.02)
    assert controller.pose.center_mm == (6.5, 7.0, 8.0)
    controller.undo()
    assert controller.view == make().view
    controller.begin_drag("move", (0, 0, 8.0))
    controller.drag_to((0.5, 0, 8.0))
    controller.undo()
    assert not controller.is_dragging
    assert controller.view == make().view


def test_escape_during_a_drag_puts_the_image_back_and_only_then_cancels():
    controller = make()
    controller.begin_drag("move", (0, 0, 8.0))
    controller.drag_to((3, 0, 8.0))
    controller.apply_key("Escape")
    assert controller.status == "placing"
    assert controller.pose.center_mm == (6.0, 7.0, 8.0)
    controller.apply_key("Escape")
    assert controller.status == "cancelled"


def test_reset_can_be_undone():
    controller = make()
    controller.apply_key("i")
    tilted = controller.view
    controller.apply_key("r")
    assert controller.pose.pitch_deg == 0
    controller.apply_key("z")
    assert controller.view == tilted


def test_scale_is_locked_when_the_pixel_size_is_known():
    view = ImageView((100, 200), (0.02, 0.03), Pose((1, 2, 3)))
    controller = AlignmentController(view, scale_locked=True)
    controller.apply_key("plus", shift=True)
    assert controller.view == view
    assert "u unlocks" in controller.message
    controller.apply_key("u")
    controller.apply_key("plus", shift=True)
    np.testing.assert_allclose(controller.view.pixel_size_mm, (0.0202, 0.0303), rtol=1e-12)
    assert controller.pose == view.pose
    controller.apply_key("minus")
    np.testing.assert_allclose(controller.view.pixel_size_mm, (0.02, 0.03), rtol=1e-12)


def test_scaling_stops_at_impossible_pixels_without_an_error():
    controller = make()
    controller.scale(1e6)
    assert controller.view.pixel_size_mm == (0.02, 0.02)
    assert controller.message


def test_mirror_flips_columns_only():
    controller = make(yaw_deg=20, roll_deg=10)
    before = controller.pose.axes
    controller.apply_key("f")
    np.testing.assert_allclose(controller.pose.axes, before * [[-1], [1], [1]], atol=1e-12)


def test_opacity_stays_between_0_and_1():
    controller = make()
    for _ in range(30):
        controller.apply_key("period")
    assert controller.opacity == 1.0
    for _ in range(30):
        controller.apply_key("comma")
    assert controller.opacity == 0.0


def test_accepting_the_start_is_fine():
    controller = make()
    controller.apply_key("Return")
    assert controller.status == "accepted"


def test_unknown_keys_mean_nothing():
    controller = make()
    assert not controller.apply_key("F7")
    assert controller.status == "placing"


def test_a_view_of_another_image_is_refused():
    controller = make()
    with pytest.raises(InputError, match="does not fit"):
        controller.place(attrs.evolve(controller.view, shape=(3, 4)))


def test_keys_of_browsers_and_vtk_are_the_same():
    pairs = [("ArrowLeft", "Left"), ("PageUp", "Prior"), ("[", "bracketleft"), ("Enter", "Return")]
    for browser, vtk in pairs:
        assert canonical_key(browser) == canonical_key(vtk)


def test_every_key_shown_does_something():
    keys = [key for binding in BINDINGS for key in binding.keys if key != "p"]
    assert all(make().apply_key(key) for key in keys)


@settings(max_examples=60, deadline=None)
@given(views, st.tuples(st.floats(0, 899), st.floats(0, 599)), st.floats(0.5, 3))
def test_the_picture_shows_the_plane_where_the_screen_says(view, point, zoom):
    """The lens, evaluated as OpenGL does it, puts points where `Screen` puts them."""
    controller = AlignmentController(view, size_px=SIZE)
    controller.rotate(33.0)
    controller.pan_to(np.add(view.pose.center_mm, (0.3, -0.8, 0.2)))
    controller.zoom(zoom)
    on_plane = controller.screen.plane_point_mm(controller.view, *point)
    lens = controller.screen.lens(controller.view)
    forward = lens.foot_mm - lens.position_mm
    distance = np.linalg.norm(forward)
    forward = forward / distance
    right = np.cross(forward, lens.up)
    offset = on_plane - lens.position_mm
    depth = 1.0 if lens.parallel else (offset @ forward) / distance
    half = np.array([lens.half_height_mm * SIZE[0] / SIZE[1], lens.half_height_mm])
    ndc = np.array([offset @ right, offset @ lens.up]) / depth / half - lens.window_center
    px = (ndc + 1) / 2 * SIZE - 0.5
    np.testing.assert_allclose(px, point, atol=1e-5)
    back = controller.screen.screen_point_px(controller.view, on_plane)
    np.testing.assert_allclose(back, point, atol=1e-6)


def test_the_brain_stays_on_the_screen_while_the_image_moves():
    controller = make()
    before = controller.screen.plane_point_mm(controller.view, 10, 20)
    controller.apply_key("Right")
    controller.apply_key("[")
    np.testing.assert_allclose(
        controller.screen.plane_point_mm(controller.view, 10, 20), before, atol=1e-12
    )


def test_resizing_the_window_keeps_what_its_height_shows():
    view = make().view
    screen = Screen.fitting(view, (800, 400))
    larger = screen.resized((1000, 800))
    assert larger.mm_per_px * 800 == pytest.approx(screen.mm_per_px * 400)


def test_zooming_never_jumps_on_an_image_far_larger_than_a_brain():
    view = ImageView((900, 900), (0.5, 0.5), Pose((1, 2, 3)))
    screen = Screen.fitting(view, SIZE)
    assert screen.zoomed(1.1).mm_per_px == pytest.approx(screen.mm_per_px / 1.1)
    assert screen.zoomed(1 / 1.1).mm_per_px == screen.mm_per_px
