"""The alignment window driven by injected events, without a screen; pictures are measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from brainreg3d import offscreen

pytestmark = pytest.mark.gui

PROGRAM = Path(__file__).parents[1] / "data" / "injected_window.py"
HIDE_KEYS = ["key", "h"]  # their list lies over the image in a window as small as this
LEVEL = {"center_mm": [5.7, 7.0, 8.0]}
TILTED = {
    "center_mm": [7.2, 7.5, 7.6],
    "yaw_deg": 90.0,
    "pitch_deg": -6.0,
    "roll_deg": 12.0,
}
WIDTH_MM, HEIGHT_MM = 200 * 0.025, 120 * 0.025


@pytest.fixture
def drive(tmp_path):
    """Return a function that makes gestures and returns the outcome and the pictures."""
    environment, reason = offscreen.working_environment()
    if environment is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI is expected to render offscreen: {reason}")
        pytest.skip(reason)

    def run(gestures, pose=LEVEL, distance_mm=230.0, **more):
        job = {"pose": pose, "distance_mm": distance_mm, "gestures": [HIDE_KEYS, *gestures], **more}
        (tmp_path / "gestures.json").write_text(json.dumps(job))
        subprocess.run(
            [sys.executable, str(PROGRAM), str(tmp_path)],
            check=True,
            env={**os.environ, **environment},
            timeout=120,
        )
        pictures = {p.stem: plt.imread(p)[..., :3] for p in tmp_path.glob("*.png")}
        return json.loads((tmp_path / "outcome.json").read_text()), pictures

    return run


def edge_box(picture):
    """Return (left, right, top, bottom) of the image's yellow outline, in pixels."""
    yellow = np.all(np.abs(picture - (1.0, 0.82, 0.35)) < 0.04, axis=-1)
    yellow[:, :12] = False
    rows, cols = (np.flatnonzero(yellow.sum(axis=axis) > 60) for axis in (1, 0))
    return cols[0], cols[-1], rows[0], rows[-1]


def mm_per_px(picture):
    left, right, top, bottom = edge_box(picture)
    # the line is two pixels wide, half of it outside
    across, down = WIDTH_MM / (right - left - 1), HEIGHT_MM / (bottom - top - 1)
    assert across == pytest.approx(down, rel=0.01)
    return across


def bar_px(picture):
    """Return how long the scale bar is, at the lower left."""
    white = (picture[560:590, 10:300] > 0.8).all(axis=-1)
    return int(white.sum(axis=1).max())


def rotation(angles):
    return Rotation.from_euler("ZXY", angles, degrees=True)


def test_a_drag_moves_the_image_by_what_the_picture_shows(drive):
    drag = ["drag", "Left", [[400, 300], [430, 280], [470, 240]]]
    outcome, pictures = drive([["picture", "before"], drag, ["picture", "after"]])
    scale = mm_per_px(pictures["before"])
    expected = np.add(LEVEL["center_mm"], [70 * scale, 60 * scale, 0.0])
    np.testing.assert_allclose(outcome["center_mm"], expected, atol=0.015)
    before, after = edge_box(pictures["before"]), edge_box(pictures["after"])
    np.testing.assert_allclose(np.subtract(after, before), (70, 70, -60, -60), atol=1)


@pytest.mark.parametrize("distance_mm", [None, 25.0])
def test_a_drag_is_exact_under_tilt_and_strong_perspective(drive, distance_mm):
    drag = ["drag", "Left", [[350, 330], [450, 300]]]
    outcome, pictures = drive([["picture", "before"], drag], TILTED, distance_mm)
    scale = mm_per_px(pictures["before"])
    angles = [TILTED["yaw_deg"], TILTED["pitch_deg"], TILTED["roll_deg"]]
    along = rotation(angles).apply([100 * scale, 30 * scale, 0.0])
    np.testing.assert_allclose(outcome["center_mm"], np.add(TILTED["center_mm"], along), atol=0.015)
    np.testing.assert_allclose(outcome["angles_deg"], angles, atol=1e-9)


def test_a_right_drag_turns_by_the_angle_of_the_pointer(drive):
    # the image's centre is the middle of the window, half-way between pixels
    turn = ["drag", "Right", [[600, 300], [570, 200], [400 + 173, 300 - 100]]]
    outcome, _ = drive([turn])
    angle = np.degrees(np.arctan2(99.5, 173.5) - np.arctan2(-0.5, 200.5))
    assert outcome["angles_deg"][0] == pytest.approx(angle, abs=0.2)
    assert outcome["center_mm"] == LEVEL["center_mm"]


def test_keys_do_what_they_say(drive):
    keys = [["key", "Right"]] * 3 + [["key", "Up", "shift"]] * 5
    keys += [["key", "bracketleft"]] * 4 + [["key", "i"]] * 2 + [["key", "l"]] * 3
    keys += [["key", "Prior"]] * 2 + [["key", "plus", "shift"]] * 4
    outcome, _ = drive(keys)
    # tilts are about the axes of the screen, which the image's turn leaves where they are
    turned = Rotation.from_euler("Z", 4, degrees=True)
    pitched = Rotation.from_rotvec(np.radians([2, 0, 0]))
    rolled = Rotation.from_rotvec(np.radians(3) * pitched.apply([0, 1, 0]))
    expected = rolled * pitched * turned
    assert (rotation(outcome["angles_deg"]).inv() * expected).magnitude() < np.radians(0.01)
    towards = expected.apply([0, 0, 1])
    center = np.add(LEVEL["center_mm"], [0.3, 0.05, 0]) + 0.2 * towards
    np.testing.assert_allclose(outcome["center_mm"], center, atol=1e-6)
    np.testing.assert_allclose(outcome["pixel_size_mm"], 0.025 * 1.01**4, rtol=1e-9)


def test_keys_that_mean_something_to_vtk_alone_mean_nothing_here(drive):
    """VTK ends the program at e, draws wires at w and s, goes stereo at 3 and resets at r."""
    gestures = [["picture", "before"], *[["key", key] for key in "ew3"], ["picture", "after"]]
    outcome, pictures = drive([*gestures, ["key", "r"], ["picture", "reset"]])
    assert outcome["status"] == "placing"
    np.testing.assert_array_equal(pictures["after"], pictures["before"])
    np.testing.assert_array_equal(pictures["reset"], pictures["before"])


def test_scale_by_wheel_only_when_unlocked(drive):
    wheel = [["wheel", 5]]
    outcome, _ = drive(wheel, locked=True)
    assert outcome["pixel_size_mm"] == [0.025, 0.025]
    assert "u unlocks" in outcome["message"]
    outcome, _ = drive([["key", "u"], *wheel, ["wheel", -2, "shift"]], locked=True)
    np.testing.assert_allclose(outcome["pixel_size_mm"], 0.025 * 1.01**5 / 1.001**2, rtol=1e-9)


def test_zoom_and_pan_leave_the_image_where_it_is(drive):
    gestures = [["picture", "before"], ["wheel", 3, "ctrl"], ["picture", "near"]]
    gestures += [["drag", "Middle", [[400, 300], [430, 260]]], ["picture", "panned"]]
    outcome, pictures = drive(gestures)
    assert outcome["center_mm"] == LEVEL["center_mm"]
    assert outcome["pixel_size_mm"] == [0.025, 0.025]
    ratio = mm_per_px(pictures["before"]) / mm_per_px(pictures["near"])
    assert ratio == pytest.approx(1.1**3, rel=0.01)
    moved = np.subtract(edge_box(pictures["panned"]), edge_box(pictures["near"]))
    np.testing.assert_allclose(moved, (30, 30, -40, -40), atol=1)


def test_looking_around_turns_the_brain_only_and_comes_back(drive):
    around = [["key", "v"], ["drag", "Left", [[400, 300], [500, 380]]], ["picture", "around"]]
    gestures = [["picture", "before"], *around, ["key", "v"], ["picture", "after"]]
    outcome, pictures = drive(gestures)
    assert outcome["center_mm"] == LEVEL["center_mm"]
    assert outcome["angles_deg"] == [0, 0, 0]
    assert np.abs(pictures["around"] - pictures["before"]).mean() > 0.02
    np.testing.assert_array_equal(pictures["after"], pictures["before"])


def test_pictures_do_not_flicker(drive):
    _, pictures = drive([["picture", "one"], ["picture", "two"], ["picture", "three"]])
    np.testing.assert_array_equal(pictures["one"], pictures["two"])
    np.testing.assert_array_equal(pictures["one"], pictures["three"])


def test_the_picture_shows_the_image_upright_and_unmirrored(drive):
    """The bright quarter of the image is its top left; so it is on the screen, at any pose."""
    opaque = [["key", "period"]] * 5 + [["key", "o"]]
    _, pictures = drive([*opaque, ["picture", "a"], ["key", "f"], ["picture", "b"]], TILTED)
    for name, bright in [("a", (0, 0)), ("b", (0, 1))]:
        left, right, top, bottom = edge_box(pictures[name])
        inside = pictures[name][top + 4 : bottom - 3, left + 4 : right - 3].mean(axis=-1)
        half = np.array(inside.shape) // 2
        quarters = [[inside[: half[0], : half[1]], inside[: half[0], half[1] :]]]
        quarters += [[inside[half[0] :, : half[1]], inside[half[0] :, half[1] :]]]
        means = np.array([[q.mean() for q in row] for row in quarters])
        assert np.unravel_index(means.argmax(), (2, 2)) == bright


def test_right_is_right_and_anterior_is_up_seen_from_above(drive):
    """The marks 1 mm to the right and 1 mm in front of bregma are balls where they should be."""
    _, pictures = drive([["key", "b"], ["key", "o"], ["picture", "above"]])
    picture = pictures["above"]
    left, right, top, bottom = edge_box(picture)
    scale = mm_per_px(picture)

    def is_marked(ml_mm, ap_mm):
        # bregma of the ibl preset: ML 5.739 mm, AP 5.4 mm from the front of a box of 13.2 mm
        col = (left + right) / 2 + (5.739 + ml_mm - LEVEL["center_mm"][0]) / scale
        row = (top + bottom) / 2 - (13.2 - 5.4 + ap_mm - LEVEL["center_mm"][1]) / scale
        around = picture[round(row) - 2 : round(row) + 3, round(col) - 2 : round(col) + 3]
        # lit balls: the hue is that of the marks, the brightness is not; the midline is over some
        return np.mean(around[..., 0] > 1.6 * around[..., 1:].max(axis=-1)) > 0.5

    assert is_marked(0, 0)
    assert is_marked(1, 0)
    assert not is_marked(-1, 0)
    assert is_marked(0, 1)
    assert not is_marked(0, -1)


def test_undo_after_many_gestures_brings_the_start_back(drive):
    gestures = [["drag", "Left", [[400, 300], [450, 320]]], ["key", "j"], ["key", "bracketright"]]
    gestures += [["key", "f"], ["key", "plus"], *[["key", "z"]] * 5]
    outcome, _ = drive(gestures, TILTED)
    assert outcome["center_mm"] == TILTED["center_mm"]
    assert outcome["angles_deg"] == [90.0, -6.0, 12.0]
    assert outcome["pixel_size_mm"] == [0.025, 0.025]
    assert not outcome["mirrored"]


@pytest.mark.parametrize(
    ("gesture", "status"),
    [
        (["key", "Return"], "accepted"),
        (["key", "KP_Enter"], "accepted"),
        (["key", "Escape"], "cancelled"),
        (["key", "q"], "cancelled"),
        (["exit"], "cancelled"),
    ],
)
def test_the_window_ends_as_it_should(drive, gesture, status):
    outcome, _ = drive([gesture, ["key", "Right"]])
    assert outcome["status"] == status
    assert outcome["center_mm"] == LEVEL["center_mm"]  # what comes after the end does not count


def test_landmarks_are_clicked_taken_back_and_fitted(drive):
    clicks = [["drag", "Left", [[x, y]]] for x, y in ((400, 220), (420, 310), (400, 380))]
    gestures = [["picture", "a"], ["key", "p"]]
    gestures += [clicks[0], clicks[1], ["key", "z"], clicks[2]]
    outcome, pictures = drive(gestures)
    assert list(outcome["landmarks"]) == ["bregma", "lambda"]
    assert "OB_left" in outcome["message"]
    scale = mm_per_px(pictures["a"])
    # both were clicked on the column of the image's middle, 160 screen pixels apart
    (row_a, col_a), (row_b, col_b) = outcome["landmarks"].values()
    assert (col_a, col_b) == pytest.approx((99.5, 99.5), abs=0.6)
    assert (row_b - row_a) * 0.025 == pytest.approx(160 * scale, rel=0.01)
    fitted, _ = drive([*gestures, ["key", "Return"]])
    assert fitted["status"] == "placing"
    assert "Fitted 2 landmarks" in fitted["message"]
    # bregma of the ibl preset: AP 5.4 mm from the front, ML 5.739 mm
    assert fitted["center_mm"][0] == pytest.approx(5.739, abs=0.05)
    # lambda lies behind bregma and was clicked below it, so anterior is up
    assert fitted["angles_deg"][0] == pytest.approx(0.0, abs=1.0)
    # 4.2 mm of the brain between them on 160 screen pixels of the image
    ratio = np.divide(fitted["pixel_size_mm"], 0.025)
    np.testing.assert_allclose(ratio, 4.2 / (160 * scale), rtol=0.02)


def test_a_camera_fixed_in_the_atlas_stays_where_it_is_while_the_image_tilts(drive):
    outcome, _ = drive([["key", "i"]] * 10, focal_point_mm=[0.0, 0.0, 230.0])
    assert outcome["angles_deg"][1] == pytest.approx(10.0, abs=1e-6)
    assert outcome["camera_mm"] == pytest.approx(230.0 * np.cos(np.radians(10)), rel=1e-9)


@pytest.mark.parametrize("distance_mm", [230.0, None])
def test_a_human_brain_looks_like_a_mouse_brain(drive, distance_mm):
    """All lengths fourteen times as large: a box of 185 mm, near its surface and from afar."""
    gestures = [["picture", "near"], ["wheel", -60, "ctrl"], ["picture", "far"]]
    gestures += [["key", "v"], ["picture", "aside"], ["wheel", -60], ["picture", "smallest"]]
    usual = {"distance_mm": distance_mm}
    _, mouse = drive(gestures, **usual)
    _, human = drive(gestures, share=14.0, **usual)
    assert list(mouse) == list(human)
    for name, picture in mouse.items():
        # Pose and scale are written at the edges; bregma and its like are the mouse's only.
        off = np.abs(picture - human[name])[110:490, 180:620].max(axis=-1) > 0.1
        assert off.mean() < 0.03, name
        brain = picture[110:490, 180:620].std(axis=-1) > 0.02
        assert brain.mean() > 0.001, name
    # At the same place of the screen the bar is 10 mm and a share of it.
    lengths = [bar_px(picture) for picture in (mouse["far"], human["far"])]
    assert min(lengths) > 20


def test_the_window_can_start_with_a_camera_of_the_users(drive):
    cam = {"pos": [5.7, -40.0, 30.0], "focal_point": [5.7, 7.0, 5.0], "viewup": [0, 0, 1]}
    outcome, pictures = drive([["picture", "a"], ["key", "v"], ["picture", "b"]], cam=cam)
    assert outcome["center_mm"] == LEVEL["center_mm"]
    assert np.abs(pictures["a"] - pictures["b"]).mean() > 0.02
