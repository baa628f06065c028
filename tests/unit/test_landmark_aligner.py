"""LandmarkAligner: from a file of landmarks to an alignment."""

from __future__ import annotations

import json

import attrs
import numpy as np
import pytest

from brainreg3d import BrainReg3D, Pose
from brainreg3d.errors import InputError, MissingFileError
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.io.alignment import read_alignment, write_alignment
from brainreg3d.landmarks import (
    LANDMARKS_MM,
    BrainHull,
    Landmark,
    LandmarkFile,
    landmark_report,
    positions_mm,
)
from brainreg3d.sources import load_atlas
from brainreg3d.state import Image
from brainreg3d.steps import LandmarkAligner

SIZE_MM = (0.06, 0.06)
SHAPE = (200, 210)


@pytest.fixture(scope="module")
def atlas():
    return load_atlas("phantom_100um")


@pytest.fixture(scope="module")
def truth(atlas):
    height = BrainHull.of(atlas.annotation).below_mm(5.9, 7.1)[0, 2]
    return ImageView(SHAPE, SIZE_MM, Pose((5.9, 7.1, height), 8.0, -4.0, 7.0), Camera(150.0))


@pytest.fixture(scope="module")
def image():
    pixels = np.random.default_rng(0).integers(0, 200, SHAPE).astype(np.uint8)
    return Image(pixels, "mouse", "ab" * 32)


def _entries(atlas, truth, names=tuple(LANDMARKS_MM), bregma="ibl"):
    points = positions_mm([Landmark(0, 0, name) for name in names], atlas.annotation, bregma)
    rows, cols, _ = truth.project(points)
    return [
        {"name": name, "row": float(row), "col": float(col)}
        for name, row, col in zip(names, rows, cols, strict=True)
    ]


@pytest.fixture
def landmarks_file(tmp_path, atlas, truth):
    path = tmp_path / "mouse_landmarks.json"
    path.write_text(json.dumps({"landmarks": _entries(atlas, truth)}))
    return path


def _tilt_between(view, other):
    return np.degrees(np.arccos(min(1.0, view.pose.view_axis @ other.pose.view_axis)))


def test_a_file_of_landmarks_becomes_an_alignment(atlas, image, truth, landmarks_file):
    step = LandmarkAligner(landmarks=landmarks_file, camera_distance_mm=150)
    found = step.compute(image=image, atlas=atlas, pixel_size_mm=SIZE_MM)
    assert _tilt_between(found.view, truth) < 0.3
    assert found.view.camera == truth.camera
    assert found.view.pixel_size_mm == SIZE_MM
    np.testing.assert_allclose(found.view.pose.center_mm, truth.pose.center_mm, atol=0.05)
    assert (found.source, found.file, found.bregma) == ("landmarks", landmarks_file, "ibl")
    assert found.image_sha256 == image.sha256
    assert "10 landmarks of mouse_landmarks.json" in found.extra["history"][0]


def test_a_list_of_landmarks_does_the_same(atlas, image, truth, landmarks_file):
    entries = [Landmark(**entry) for entry in _entries(atlas, truth)]
    one = LandmarkAligner(landmarks=entries).compute(image=image, atlas=atlas)
    other = LandmarkAligner(landmarks=str(landmarks_file)).compute(image=image, atlas=atlas)
    assert one.view == other.view


def test_the_alignment_file_tells_landmarks_and_spread(tmp_path, atlas, image, landmarks_file):
    found = LandmarkAligner(landmarks=landmarks_file).compute(image=image, atlas=atlas)
    path = tmp_path / "mouse_alignment.json"
    write_alignment(path, found, image, atlas)
    content = json.loads(path.read_text())
    assert set(content["uncertainty"]) >= {"center_mm", "yaw_deg", "pitch_deg", "roll_deg", "scale"}
    assert 0.1 < content["uncertainty"]["roll_deg"] < 3.0
    first = content["landmarks"][0]
    assert first["name"] == "bregma"
    assert first["residual_mm"] < 0.01
    again = read_alignment(path)
    assert again.pose == found.view.pose
    lines = landmark_report(again.extra)
    assert lines == landmark_report(found.extra)
    assert len(lines) == 12  # what they are, ten landmarks, the spread
    assert "bregma" in lines[1]
    assert "roll" in lines[-1]
    assert "scale" in lines[-1]


def test_there_is_nothing_to_report_without_landmarks():
    assert landmark_report({}) == []


def test_sizes_given_win_over_those_of_the_file_and_these_over_the_image(atlas, image, truth):
    entries = tuple(Landmark(**entry) for entry in _entries(atlas, truth))
    in_image = attrs.evolve(image, pixel_size_mm=(0.0602, 0.0602))
    in_file = LandmarkFile(entries, pixel_size_mm=(0.0601, 0.0601))

    def size(landmarks, picture, given=None):
        step = LandmarkAligner(landmarks=landmarks, camera_distance_mm=150)
        view = step.compute(image=picture, atlas=atlas, pixel_size_mm=given).view
        return view.pixel_size_mm

    assert size(in_file, in_image, SIZE_MM) == SIZE_MM
    assert size(in_file, in_image) == (0.0601, 0.0601)
    assert size(list(entries), in_image) == (0.0602, 0.0602)
    fitted = size(list(entries), image)
    np.testing.assert_allclose(fitted, SIZE_MM, rtol=0.004)
    assert fitted != SIZE_MM


def test_the_bregma_of_the_file_holds_unless_another_is_given(atlas, image, truth):
    entries = tuple(Landmark(**entry) for entry in _entries(atlas, truth, bregma="wfield"))
    found = LandmarkFile(entries, bregma="wfield")
    step = LandmarkAligner(landmarks=found, camera_distance_mm=150)
    alignment = step.compute(image=image, atlas=atlas)
    assert alignment.bregma == "wfield"
    other = step.replace(bregma="ibl").compute(image=image, atlas=atlas)
    assert other.bregma == "ibl"
    # Their bregmas lie 39 µm apart along the left-right axis.
    shift = np.subtract(other.view.pose.center_mm, alignment.view.pose.center_mm)
    assert shift[0] == pytest.approx(0.039, abs=0.015)


def test_doubts_are_logged_and_kept(atlas, image, truth, log):
    entries = [Landmark(**entry) for entry in _entries(atlas, truth, ("bregma", "lambda"))]
    found = LandmarkAligner(landmarks=entries).compute(image=image, atlas=atlas)
    assert any("cannot fix the tilt" in message for message in log)
    assert any("cannot fix the tilt" in line for line in found.extra["history"])
    assert found.extra["uncertainty"]["roll_deg"] is None
    assert "tilt not fitted" in landmark_report(found.extra)[-1]


def test_landmarks_of_another_image_are_warned_about(atlas, image, truth, log):
    entries = [Landmark(**entry) for entry in _entries(atlas, truth)]
    far = [attrs.evolve(lm, row=lm.row + 1000, name="OB_left") for lm in entries[:1]]
    LandmarkAligner(landmarks=[*entries, *far]).compute(image=image, atlas=atlas)
    assert any("OB_left" in message and "far beyond the image" in message for message in log)


def test_a_plane_that_faces_the_surface_is_expected_when_asked_for(atlas, image, truth):
    names = ("MOp_right", "SS_right")
    entries = [Landmark(**entry) for entry in _entries(atlas, truth, names)]
    step = LandmarkAligner(landmarks=entries, facing="surface")
    up = -step.compute(image=image, atlas=atlas).view.pose.view_axis
    assert up[0] > 0.7  # these lie on the right side of the brain
    along = LandmarkAligner(landmarks=entries, facing=(0.6, 0, 0.8))
    np.testing.assert_allclose(
        along.compute(image=image, atlas=atlas).view.pose.view_axis, [-0.6, 0, -0.8], atol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"landmarks": 3}, "a file of landmarks, or a list"),
        ({"landmarks": []}, "a file of landmarks, or a list"),
        ({"landmarks": "a.json", "facing": "down"}, '"up", "surface"'),
        ({"landmarks": "a.json", "facing": (0, 0, 0)}, '"up", "surface"'),
        ({"landmarks": "a.json", "focal_point_mm": (0, 0, 230)}, "camera_distance_mm=230"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        LandmarkAligner(**arguments)


def test_a_missing_file_is_named(atlas, image, tmp_path):
    step = LandmarkAligner(landmarks=tmp_path / "nowhere.json")
    with pytest.raises(MissingFileError, match=r"nowhere\.json"):
        step.compute(image=image, atlas=atlas)


def test_a_whole_run_without_a_window(tmp_path, image, landmarks_file):
    registration = BrainReg3D(
        image=image.pixels,
        atlas="phantom_100um",
        brain_regions=["MOp", "VIS"],
        pixel_size_mm=SIZE_MM,
        output_dir=tmp_path,
        stem="mouse",
    )
    registration.ManualAligner = LandmarkAligner(landmarks=landmarks_file, camera_distance_mm=150)
    result = registration.run()
    assert result.alignment.source == "landmarks"
    assert (result.labels > 0).any()
    stored = read_alignment(tmp_path / "mouse_alignment.json")
    assert stored.pose == result.alignment.view.pose
    assert len(stored.extra["landmarks"]) == 10
