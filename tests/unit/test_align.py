"""Precedence: argument, then alignment file, then the image's metadata, then the default."""

import json
from pathlib import Path

import attrs
import numpy as np
import pytest
from tiny_brain import BOX_MM

from brainreg3d.atlas import select_regions
from brainreg3d.errors import AlignmentError, AlignmentNeeded, InputError, MissingFileError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.state import Image
from brainreg3d.steps import ManualAligner

POSE = Pose((2.0, 3.0, 4.0), 5.0, 6.0, 7.0, mirrored=True)
SHAPE = (24, 20)


@pytest.fixture
def align(tiny_atlas, tmp_path):
    def run(alignment=POSE, metadata=None, given=None, image_sha="a", **parameters):
        image = Image(np.zeros(SHAPE), "m", image_sha, None, metadata)
        if isinstance(alignment, dict):
            path = tmp_path / "a.json"
            content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE)}
            path.write_text(json.dumps(content | alignment))
            alignment = path
        return ManualAligner(alignment=alignment, **parameters).compute(
            image=image, atlas=tiny_atlas, regions=select_regions(tiny_atlas, ["ANT"]),
            pixel_size_mm=given,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("given", "stored", "metadata", "expected"),
    [
        ((0.1, 0.2), [0.3, 0.4], (0.5, 0.6), (0.1, 0.2)),
        (None, [0.3, 0.4], (0.5, 0.6), (0.3, 0.4)),
        (None, None, (0.5, 0.6), (0.5, 0.6)),
        (None, None, None, (0.015, 0.015)),
        ((0.1, 0.2), None, (0.5, 0.6), (0.1, 0.2)),
    ],
)
def test_precedence_of_the_pixel_size(align, log, given, stored, metadata, expected):
    file = {} if stored is None else {"image": {"pixel_size_mm": stored}}
    result = align(file, metadata, given)
    assert result.view.pixel_size_mm == expected
    sources = sum(size is not None for size in (given, stored, metadata))
    assert bool(log) == (sources != 1)  # contradictions, or nothing known at all


@pytest.mark.parametrize(("stored", "warned"), [(0.1009, False), (0.1012, True), (0.0988, True)])
def test_contradictions_above_one_percent_are_warned_about(align, log, stored, warned):
    align({"image": {"pixel_size_mm": [stored, 0.1]}}, None, (0.1, 0.1))
    assert any("pixel height" in message for message in log) == warned


@pytest.mark.parametrize(
    ("stored", "parameters", "expected"),
    [
        (None, {}, Camera(230.0)),
        ({"distance_mm": 50}, {}, Camera(50.0)),
        ({"distance_mm": None}, {}, Camera(None)),
        ({"distance_mm": 50}, {"camera_distance_mm": None}, Camera(None)),
        ({"distance_mm": 50}, {"camera_distance_mm": 50.2}, Camera(50.2)),
        ({"distance_mm": None}, {"camera_distance_mm": 20}, Camera(20.0)),
        ({"principal_point_px": [1, 2]}, {}, Camera(230.0, (1, 2))),
        ({"distance_mm": 9, "principal_point_px": [1, 2]}, {}, Camera(9.0, (1, 2))),
        ({"distance_mm": 9, "principal_point_px": [1, 2]}, {"principal_point_px": (3, 4)},
         Camera(9.0, (3, 4))),
        ({"distance_mm": 9, "principal_point_px": [1, 2]}, {"camera_distance_mm": 8},
         Camera(8.0, (1, 2))),
    ],
    ids=str,
)  # fmt: skip
def test_precedence_of_the_camera(align, stored, parameters, expected):
    result = align({} if stored is None else {"camera": stored}, given=(0.1, 0.1), **parameters)
    assert result.view.camera == expected


def test_a_focal_point_is_fixed_in_the_world(align):
    result = align(given=(0.1, 0.1), focal_point_mm=(1.0, 2.0, 50.0))
    assert np.allclose(result.view.camera_position_mm, (3.0, 5.0, 54.0))
    turned = align(attrs.evolve(POSE, yaw_deg=90.0), given=(0.1, 0.1), focal_point_mm=(1, 2, 50))
    assert np.allclose(turned.view.camera_position_mm, (3.0, 5.0, 54.0))


def test_where_it_came_from(align):
    assert align(given=(0.1, 0.1)).source == "pose"
    from_file = align(
        {"history": ["by hand"], "landmarks": [1], "bregma": "wfield"}, given=(0.1, 0.1)
    )
    assert from_file.source == "file"
    assert from_file.view.pose == POSE
    assert dict(from_file.extra) == {"history": ["by hand"], "landmarks": [1]}
    assert from_file.bregma == "wfield"
    assert align({"bregma": "wfield"}, given=(0.1, 0.1), bregma="community").bregma == "community"
    assert align(given=(0.1, 0.1)).bregma == "ibl"


def test_another_image(align, log):
    align({"image": {"sha256": "a", "shape": [24, 20]}}, given=(0.1, 0.1))
    assert not log
    align({"image": {"sha256": "b"}}, given=(0.1, 0.1))
    assert any("another image" in message for message in log)
    with pytest.raises(AlignmentError, match=r"\(20, 24\)"):
        align({"image": {"shape": [20, 24]}}, given=(0.1, 0.1))


@pytest.mark.parametrize(
    ("made_with", "used", "warned"),
    [
        ("allen_mouse", "tiny", True),
        ("phantom", "local", True),
        ("local", "whs_sd_rat", True),
        ("allen_mouse", "local", False),  # files of Allen's that the user has
        ("local", "allen_mouse", False),
        ("local", "local", False),
    ],
)
def test_another_atlas_is_warned_about(tiny_atlas, tmp_path, log, made_with, used, warned):
    atlas = attrs.evolve(tiny_atlas, name=used)
    recorded = {"name": made_with}
    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE), "atlas": recorded}
    (tmp_path / "a.json").write_text(json.dumps(content))
    ManualAligner(alignment=tmp_path / "a.json").compute(
        image=Image(np.zeros(SHAPE), "m", "a"), atlas=atlas,
        regions=select_regions(atlas, ["ANT"]), pixel_size_mm=(0.1, 0.1),
    )  # fmt: skip
    assert any("same brain" in message for message in log) == warned


@pytest.mark.parametrize(
    ("recorded", "warned"),
    [
        ({"annotation_sha256": "other"}, True),
        ({"annotation_sha256": "other", "name": "tiny"}, True),
        ({"annotation_sha256": "mine"}, False),
        ({"annotation_sha256": ""}, False),
        ({"annotation_sha256": "other", "resolution_um": 1}, False),
        ({}, False),
    ],
    ids=str,
)
def test_another_annotation_of_the_same_atlas_is_warned_about(
    tiny_atlas, tmp_path, log, recorded, warned
):
    atlas = attrs.evolve(tiny_atlas, sha256={"annotation": "mine"})
    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE), "atlas": recorded}
    (tmp_path / "a.json").write_text(json.dumps(content))
    ManualAligner(alignment=tmp_path / "a.json").compute(
        image=Image(np.zeros(SHAPE), "m", "a"), atlas=atlas,
        regions=select_regions(atlas, ["ANT"]), pixel_size_mm=(0.1, 0.1),
    )  # fmt: skip
    assert any("another annotation" in message for message in log) == warned


class Window:
    def __init__(self, answer):
        self.answer = answer

    def ask(self, scene):
        self.scene, self.start = scene, scene.start
        return self.answer(scene.start)


def test_the_window_starts_on_the_brain_with_what_was_given(align):
    window = Window(lambda start: start)
    result = align(None, given=(0.1, 0.1), window=window, camera_distance_mm=77)
    assert window.start.pose.center_mm[0] == BOX_MM[0] / 2
    assert window.start.camera.distance_mm == 77
    assert window.start.pixel_size_mm == (0.1, 0.1)
    assert result.source == "window"
    assert result.view == window.start


@pytest.mark.parametrize(
    ("given", "metadata", "default", "known"),
    [
        (None, None, None, False),
        ((0.1, 0.1), None, None, True),
        (None, (0.1, 0.1), None, True),
        (None, None, (2.0, 2.4), True),
    ],
)
def test_the_window_knows_whether_the_scale_is_a_guess(align, given, metadata, default, known):
    window = Window(lambda start: start)
    align(None, metadata, given, window=window, default_image_dims_mm=default)
    assert window.scene.pixel_size_known == known


def test_the_window_shows_the_bregma_that_is_recorded(align):
    window = Window(lambda start: start)
    result = align(None, given=(0.1, 0.1), window=window, bregma="community")
    assert window.scene.bregma == result.bregma == "community"
    assert align(None, given=(0.1, 0.1), window=window, default_bregma="wfield").bregma == "wfield"
    assert window.scene.bregma == "wfield"


def test_the_window_starts_at_an_earlier_alignment(align, tmp_path):
    (tmp_path / "earlier.json").write_text(json.dumps({
        "schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE), "bregma": "wfield",
        "image": {"shape": [24, 20], "pixel_size_mm": [0.2, 0.3]},
        "camera": {"distance_mm": 40, "principal_point_px": [1, 2]},
    }))  # fmt: skip
    window = Window(lambda start: attrs.evolve(start, pose=attrs.evolve(start.pose, yaw_deg=9)))
    result = align(None, window=window, start=tmp_path / "earlier.json")
    assert window.start == ImageView(SHAPE, (0.2, 0.3), POSE, Camera(40.0, (1, 2)))
    assert window.scene.pixel_size_known
    assert result.view.pose.yaw_deg == 9
    assert result.bregma == "wfield"
    align(None, given=(0.1, 0.1), window=window, start=POSE, camera_distance_mm=None)
    assert window.start == ImageView(SHAPE, (0.1, 0.1), POSE, Camera(None))


def test_an_earlier_alignment_of_another_shape_gives_the_place_alone(align, tmp_path):
    """Binned by two: pixel size and principal point do not hold any more, the place does."""
    (tmp_path / "earlier.json").write_text(json.dumps({
        "schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE),
        "image": {"shape": [48, 40], "pixel_size_mm": [0.2, 0.3]},
        "camera": {"distance_mm": 40, "principal_point_px": [1, 2]},
    }))  # fmt: skip
    window = Window(lambda start: start)
    align(None, (0.4, 0.6), window=window, start=tmp_path / "earlier.json")
    assert window.start == ImageView(SHAPE, (0.4, 0.6), POSE, Camera(40.0))


def test_the_camera_of_an_earlier_alignment_wins_over_a_default_focal_point(align, tmp_path):
    (tmp_path / "earlier.json").write_text(json.dumps({
        "schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE),
        "camera": {"distance_mm": 40},
    }))  # fmt: skip
    window = Window(lambda start: start)
    options = {"window": window, "default_focal_point_mm": (1.0, 2.0, 50.0)}
    result = align(None, given=(0.1, 0.1), start=tmp_path / "earlier.json", **options)
    assert window.scene.focal_point_mm is None
    assert result.view.camera == Camera(40.0)
    elsewhere = align(None, given=(0.1, 0.1), start=POSE, **options)
    assert window.scene.focal_point_mm == (1.0, 2.0, 50.0)
    assert np.allclose(elsewhere.view.camera_position_mm, np.add(POSE.center_mm, (1, 2, 50)))


def test_a_start_that_is_not_there_is_noticed_before_the_atlas_is_loaded(tmp_path):
    aligner = ManualAligner(start=tmp_path / "gone.json", window=Window(lambda start: start))
    with pytest.raises(MissingFileError, match=r"gone\.json"):
        aligner.check_source()


def test_the_image_starts_where_that_of_the_earlier_session_lies(align):
    """At its own scale: the zoom may have changed."""
    earlier = ImageView((24, 20), (0.2, 0.2), POSE, Camera(55.0, (3, 4)))
    window = Window(lambda start: start)
    align(None, given=(0.1, 0.15), window=window, matched_view=earlier)
    assert window.start == ImageView(SHAPE, (0.1, 0.15), POSE, Camera(55.0, (3, 4)))
    assert window.scene.matched_view == earlier
    elsewhere = Pose((1.0, 1.0, 1.0))
    align(None, given=(0.1, 0.15), window=window, matched_view=earlier, start=elsewhere)
    assert window.start.pose == elsewhere


@pytest.mark.parametrize(
    "wrong", [{"anterior": "north"}, {"hemisphere": "top"}, {"tilt": "steep"}], ids=str
)
def test_words_that_say_nothing_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ManualAligner(**wrong)


def test_how_it_starts_takes_no_part_in_results():
    assert ManualAligner(anterior="left", tilt="surface").parameters() == (
        ManualAligner().parameters()
    )


def test_no_window(align):
    with pytest.raises(AlignmentNeeded) as error:
        align(None)
    for way in ("--alignment FILE", "--landmarks FILE", "--web", "brainreg3d transfer"):
        assert way in str(error.value)


@pytest.mark.parametrize("alignment", [5, (1, 2, 3), {"center_mm": [1, 2, 3]}])
def test_what_is_no_alignment(alignment):
    with pytest.raises(InputError, match="alignment"):
        ManualAligner(alignment=alignment)


def test_a_path_may_be_a_string():
    assert ManualAligner(alignment="a.json").alignment == Path("a.json")
