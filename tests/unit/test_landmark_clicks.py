"""Clicking landmarks, without a window."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import attrs
import numpy as np
import pytest

from brainreg3d import Camera, ImageView, Pose, load_atlas
from brainreg3d.gui.controller import AlignmentController
from brainreg3d.gui.landmark_clicks import LandmarkClicks
from brainreg3d.landmarks import LANDMARKS_MM, Landmark, positions_mm

START = ImageView((200, 200), (0.05, 0.05), Pose((5.7, 7.0, 8.0)), Camera(230.0))


def make(atlas=None, **options):
    controller = AlignmentController(START, **options)
    return controller, LandmarkClicks(SimpleNamespace(atlas=atlas, bregma="ibl"), controller)


def test_it_always_says_which_landmark_comes_next():
    controller, clicks = make(scale_locked=True)
    controller.apply_key("plus")
    assert "locked" in controller.message
    clicks.apply_key("p")
    assert controller.message == ""  # which would hide the prompt
    assert clicks.name in clicks.prompt()
    clicks.apply_key("Return")
    assert "at least two" in controller.message
    clicks.click(3.0, 4.0)
    assert controller.message == ""
    clicks.apply_key("z")
    clicks.apply_key("z")
    assert "no landmark" in controller.message
    clicks.apply_key("Right")
    assert controller.message == ""


def test_a_click_beside_the_image_is_none():
    """Its edges lie half a pixel beyond the centres of its 200 x 200 outer pixels."""
    controller, clicks = make()
    clicks.apply_key("p")
    name = clicks.name
    for row, col in ((-0.6, 5), (199.6, 5), (5, -0.6), (5, 199.6), (1e6, 1e6), (np.nan, 5)):
        clicks.click(row, col)
        assert clicks.points_px == {}
        assert (clicks.name, "beside the image" in controller.message) == (name, True)
        assert name in controller.message
    clicks.click(-0.4, 199.4)
    assert clicks.points_px == {name: (-0.4, 199.4)}
    assert controller.message == ""


def test_landmarks_are_clicked_from_in_front():
    controller, clicks = make()
    controller.apply_key("v")
    assert controller.looking_around
    clicks.apply_key("p")
    assert not controller.looking_around
    clicks.apply_key("p")
    assert not controller.looking_around


def test_keys_of_other_things_keep_their_meaning_and_messages():
    controller, clicks = make()
    controller.message = "something"
    assert not clicks.apply_key("z")
    assert controller.message == "something"
    clicks.apply_key("p")
    assert not clicks.apply_key("bracketleft")


def test_names_go_round_and_undo_goes_back_to_the_last_one():
    _, clicks = make()
    clicks.apply_key("p")
    first = clicks.name
    clicks.apply_key("Left")
    clicks.apply_key("Tab")
    assert clicks.name == first
    clicks.apply_key("Tab", shift=True)
    last = clicks.name
    clicks.click(1.0, 2.0)
    assert clicks.name == first
    clicks.click(3.0, 4.0)
    assert clicks.points_px == {last: (1.0, 2.0), first: (3.0, 4.0)}
    clicks.apply_key("BackSpace")
    assert clicks.name == first
    assert clicks.points_px == {last: (1.0, 2.0)}


def test_what_the_file_holds_is_true_of_the_pose_in_it():
    """Bregma and lambda clicked 84 pixels apart, which are 4.2 mm: the image stays upright."""
    controller, clicks = make(atlas=load_atlas("phantom_100um"))
    clicks.apply_key("p")
    for row in (60.0, 144.0):
        clicks.click(row, 99.5)
    clicks.apply_key("Return")
    assert not clicks.active
    assert controller.pose.yaw_deg == pytest.approx(0.0, abs=1.0)
    extra = clicks.extra_of(controller.view)
    assert [entry["name"] for entry in extra["landmarks"]] == ["bregma", "lambda"]
    controller.apply_key("Right")
    assert clicks.extra_of(controller.view) == {}
    controller.undo()
    assert clicks.extra_of(controller.view) == extra


def test_a_pose_that_the_camera_cannot_see_is_not_taken_for_fitted(monkeypatch):
    """A camera that is fixed in the atlas, above; the landmarks turn the image upside down."""
    below = attrs.evolve(START, pose=Pose((5.7, 7.0, 1.0), 0.0, 180.0, 0.0))
    monkeypatch.setattr(
        "brainreg3d.gui.landmark_clicks.fit_pose", lambda *_, **__: SimpleNamespace(view=below)
    )
    controller, clicks = make(SimpleNamespace(annotation=None), focal_point_mm=(0.0, 0.0, 230.0))
    before = controller.view
    for row in (60.0, 144.0):
        clicks.click(row, 99.5)
    assert clicks.fit() is None
    assert controller.view == before
    assert "face away" in controller.message
    assert clicks.extra_of(controller.view) == {}


@pytest.mark.parametrize("bregma", ["ibl", "community"])  # the one level, the other inclined
def test_the_next_landmark_is_shown_where_the_fit_takes_it_to_lie(monkeypatch, bregma):
    from brainreg3d.gui import pins

    shown = []
    monkeypatch.setattr(pins, "sphere_actor", lambda point_mm, *_: shown.append(point_mm))
    monkeypatch.setattr(pins, "label_at", MagicMock())
    atlas = load_atlas("phantom_100um")
    drawn = pins.Pins(MagicMock(), SimpleNamespace(atlas=atlas, bregma=bregma))
    _, clicks = make()
    clicks.apply_key("p")
    names = []
    for _ in LANDMARKS_MM:
        names.append(clicks.name)
        drawn.draw(START, clicks)
        clicks.choose(+1)
    truth = positions_mm([Landmark(0, 0, name) for name in names], atlas.annotation, bregma)
    assert np.array(shown) == pytest.approx(truth, abs=1e-9)
