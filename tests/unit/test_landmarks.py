"""Landmarks as they are named, placed in the brain, and read from files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from brainreg3d.atlas import BREGMA_PRESETS
from brainreg3d.errors import InputError, MissingFileError
from brainreg3d.landmarks import (
    LANDMARKS_MM,
    BrainHull,
    Landmark,
    find_landmark,
    fit_ellipse,
    positions_mm,
    read_landmarks,
)
from brainreg3d.sources import load_atlas

BOX_MM = (11.4, 13.2, 8.0)


@pytest.fixture(scope="module")
def annotation():
    return load_atlas("phantom_100um").annotation


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "landmarks.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return read_landmarks(path)

    return read


# --- names -----------------------------------------------------------------------------------


def test_names_do_not_depend_on_case_and_typing_errors_are_met_with_a_proposal():
    assert find_landmark("BREGMA ") == "bregma"
    assert Landmark(1, 2, "ob_Left").name == "OB_left"
    with pytest.raises(InputError, match="Did you mean OB_left"):
        Landmark(1, 2, "OB_lfet")


def test_the_catalogue_is_symmetric_and_anterior_is_positive():
    for name, (ml, ap) in LANDMARKS_MM.items():
        if name.endswith("_left"):
            assert LANDMARKS_MM[name.replace("_left", "_right")] == (-ml, ap)
            assert ml < 0
    assert LANDMARKS_MM["lambda"] == (0.0, -4.2)
    assert LANDMARKS_MM["OB_center"] == (0.0, 3.45)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, '"name"'),
        ({"stereotaxic_mm": [1]}, "ml, ap"),
        ({"stereotaxic_mm": [1900, -3000]}, "not µm"),
        ({"ccf_um": [1, 2]}, "ap, dv, ml"),
        ({"ccf_um": [1, 2, 3], "stereotaxic_mm": [1, 2]}, "both"),
        ({"name": "bregma", "row": float("nan")}, "finite"),
        ({"name": "bregma", "row": 10**400}, "finite"),
        ({"name": ["bregma"]}, "is a text"),
        ({"name": 5, "ccf_um": [1, 2, 3]}, "is a text"),
        ({"name": "w", "stereotaxic_mm": [1, 2], "diameter_mm": -3}, "positive"),
    ],
)
def test_a_landmark_that_makes_no_sense_is_refused(arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        Landmark(**{"row": 1, "col": 2, **arguments})


# --- places ----------------------------------------------------------------------------------


def test_ccf_coordinates_are_taken_as_they_are(annotation):
    point = positions_mm([Landmark(0, 0, ccf_um=(5400, 332, 5739))], annotation, "ibl")[0]
    np.testing.assert_allclose(point, [5.739, 13.2 - 5.4, 8.0 - 0.332])


def test_stereotaxic_coordinates_with_a_depth_are_taken_as_they_are(annotation):
    point = positions_mm([Landmark(0, 0, stereotaxic_mm=(1, -2, -3))], annotation, "wfield")[0]
    np.testing.assert_allclose(point, [5.7 + 1, 13.2 - 5.4 - 2, 8.0 - 3])


def test_places_are_dropped_straight_down_onto_the_hull(annotation):
    hull = BrainHull.of(annotation)
    marks = [Landmark(0, 0, "bregma"), Landmark(0, 0, stereotaxic_mm=(2.5, -1.5))]
    points = positions_mm(marks, annotation, "ibl")
    expected = hull.below_mm([5.739, 5.739 + 2.5], [13.2 - 5.4, 13.2 - 5.4 - 1.5])
    np.testing.assert_allclose(points, expected, atol=1e-4)


def test_a_tilted_convention_drops_along_its_own_vertical(annotation):
    preset = BREGMA_PRESETS["community"]
    point = positions_mm([Landmark(0, 0, stereotaxic_mm=(1.5, -3.0))], annotation, "community")[0]
    back = preset.from_atlas_mm(point, BOX_MM)
    np.testing.assert_allclose(back[:2], [1.5, -3.0], atol=1e-6)
    hull = BrainHull.of(annotation)
    np.testing.assert_allclose(hull.below_mm(point[0], point[1])[0], point, atol=1e-3)


@pytest.mark.parametrize("bregma", list(BREGMA_PRESETS))
def test_every_named_landmark_lies_on_the_hull_in_every_convention(annotation, bregma):
    """Also those on the very outline of the brain, which a line straight down just misses."""
    marks = [Landmark(0, 0, name) for name in LANDMARKS_MM]
    points = positions_mm(marks, annotation, bregma)
    wanted = [(ml, ap, 0.0) for ml, ap in LANDMARKS_MM.values()]
    places = BREGMA_PRESETS[bregma].from_atlas_mm(points, BOX_MM)
    beside = np.linalg.norm(places[:, :2] - np.array(wanted)[:, :2], axis=1)
    assert beside.max() < 0.4
    assert np.all(beside[[0, 1, 3, 5]] < 1e-6)  # those on the midline lie far from the outline
    hull = BrainHull.of(annotation)
    inside = points - 0.05 * hull.normals(points)
    up = hull.first_hit_mm(inside, [0, 0, 1.0], start_mm=0.0)
    np.testing.assert_allclose(up, inside, atol=1e-6)  # just inside: a ray meets it at its start


def test_real_landmarks_lie_at_the_height_of_the_brain(real_atlas):
    names = ["bregma", "lambda", "RSP_base", "OB_center"]
    points = positions_mm([Landmark(0, 0, n) for n in names], real_atlas.annotation, "wfield")
    depth = 8.0 - points[:, 2]
    # From the annotation beside the fissure, by eye: 0.65 mm at bregma, 0.2 at the highest point.
    np.testing.assert_allclose(depth, [0.66, 0.58, 0.21, 2.25], atol=0.12)


@pytest.mark.parametrize(
    ("landmark", "complaint"),
    [
        (Landmark(0, 0, "spot", stereotaxic_mm=(9, 0)), "spot at ML 9, AP 0"),
        (Landmark(0, 0, ccf_um=(20000, 100, 100)), "outside of the atlas"),
        (Landmark(0, 0, stereotaxic_mm=(0, 0, 30)), "outside of the atlas"),
    ],
)
def test_a_landmark_off_the_brain_is_refused_by_name(annotation, landmark, complaint):
    with pytest.raises(InputError, match=complaint):
        positions_mm([Landmark(0, 0, "bregma"), landmark], annotation, "ibl")


# --- our own file ----------------------------------------------------------------------------


def test_our_file_holds_names_stereotaxic_and_ccf_places(read):
    found = read(
        {
            "landmarks": [
                {"name": "Bregma", "row": 120.5, "col": 200.0},
                {"stereotaxic_mm": [2.0, -1.0], "row": 1, "col": 2},
                {"name": "my spot", "ccf_um": [5400, 500, 7000], "row": 3, "col": 4},
            ],
            "bregma": "wfield",
        }
    )
    assert found.bregma == "wfield"
    assert found.pixel_size_mm is None
    first, second, third = found.landmarks
    assert (first.name, first.row, first.col) == ("bregma", 120.5, 200.0)
    assert second.stereotaxic_mm == (2.0, -1.0)
    assert (third.label, third.ccf_um) == ("my spot", (5400.0, 500.0, 7000.0))


def _good():
    return {"landmarks": [{"name": "bregma", "row": 1, "col": 2}]}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("no json", "is not a JSON text"),
        ('{"landmarks": [{"name": "bregma", "row": 1, "row": 9, "col": 2}]}', "'row' stands twice"),
        ('{"landmarks": [{"name": "bregma", "row": NaN, "col": 2}]}', "NaN is not finite"),
        ([], "an object in braces"),
        ({"landmarks": []}, "a list of at least one"),
        ({**_good(), "bergma": "ibl"}, "unknown key 'bergma'.*Did you mean bregma"),
        ({**_good(), "bregma": "ilb"}, "Unknown bregma 'ilb'"),
        ({**_good(), "resolution": 0.02}, "unknown key 'resolution'.*Known keys: .*pixel_size_mm"),
        ({**_good(), "pixel_size_mm": 3}, "two numbers"),
        ({"landmarks": [{"name": "bregma", "row": 1}]}, r"landmark 1 \('bregma'\): .*\"col\""),
        ({"landmarks": [{"name": "bregma", "rwo": 1, "col": 2}]}, "Did you mean row"),
        ({"landmarks": [{"name": "bregam", "row": 1, "col": 2}]}, "Did you mean bregma"),
        ({"landmarks": ["bregma"]}, "landmark 1: expected a landmark to be an object"),
        ({"landmarks": [{"window": {"diameter_mm": 3}, "outline": []}]}, "at least 5 points"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_a_hint(read, content, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        read(content)
    assert "landmarks.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"nowhere\.json"):
        read_landmarks(tmp_path / "nowhere.json")


# --- wfield's file ---------------------------------------------------------------------------

NAMES = ["OB_left", "OB_center", "OB_right", "RSP_base"]
X_MM, Y_MM = [-1.95, 0.0, 1.95, 0.0], [-3.45, -3.45, -3.45, 3.2]


def _wfield(**more):
    im_x = [320 + x / 0.0194 for x in X_MM]
    im_y = [270 + y / 0.0194 for y in Y_MM]
    return {
        "bregma_offset": [320, 270],
        "landmarks": {"color": ["#fc9d03"] * 4, "name": NAMES, "x": X_MM, "y": Y_MM},
        "landmarks_im": {"color": ["#fc9d03"] * 4, "name": NAMES, "x": im_x, "y": im_y},
        "resolution": 0.0194,
        **more,
    }


def test_wfields_y_grows_to_posterior_and_its_x_runs_along_columns(read):
    found = read(_wfield())
    assert found.bregma == "wfield"
    assert found.pixel_size_mm == (0.0194, 0.0194)
    rsp = next(landmark for landmark in found.landmarks if landmark.name == "RSP_base")
    assert rsp.stereotaxic_mm == (0.0, -3.2)  # behind bregma
    assert rsp.row > 270  # and further down in the image
    assert rsp.col == pytest.approx(320)
    left = found.landmarks[0]
    assert left.stereotaxic_mm == (-1.95, 3.45)
    assert left.col < 320


def test_wfields_file_without_pixels_has_them_by_its_offset(read):
    content = _wfield()
    direct = read(content).landmarks
    del content["landmarks_im"]
    for one, other in zip(read(content).landmarks, direct, strict=True):
        assert (one.row, one.col) == pytest.approx((other.row, other.col))


def test_parts_of_wfields_file_that_are_null_are_as_good_as_missing(read):
    nothing = {"landmarks_match": None, "transform": None}
    assert read(_wfield(**nothing)) == read(_wfield())
    by_offset = read(_wfield(**nothing, landmarks_im=None)).landmarks
    assert [lm.col for lm in by_offset] == pytest.approx([320 + x / 0.0194 for x in X_MM])


def test_what_was_clicked_in_wfield_wins_and_leaves_the_scale_open(read):
    clicked = {"name": NAMES[::-1], "x": [1, 2, 3, 4], "y": [5, 6, 7, 8]}
    found = read(_wfield(landmarks_match=clicked))
    assert found.pixel_size_mm is None
    assert [(lm.name, lm.col, lm.row) for lm in found.landmarks] == [
        ("OB_left", 4, 8),
        ("OB_center", 3, 7),
        ("OB_right", 2, 6),
        ("RSP_base", 1, 5),
    ]


def test_wfields_transform_moves_the_landmarks_into_the_raw_image(read):
    """As wfield itself draws its regions on the raw image: transform @ (x, y, 1)."""
    transform = [[0.0, -2.0, 10.0], [2.0, 0.0, 20.0], [0.0, 0.0, 1.0]]
    found = read(_wfield(transform=transform))
    plain = read(_wfield())
    assert found.pixel_size_mm is None
    for moved, before in zip(found.landmarks, plain.landmarks, strict=True):
        assert moved.col == pytest.approx(-2 * before.row + 10)
        assert moved.row == pytest.approx(2 * before.col + 20)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"landmarks": {"name": NAMES}}, '"landmarks"'),
        ({"landmarks_im": {"name": ["other"], "x": [1], "y": [2]}}, "no landmark has both"),
        ({"landmarks_im": {"name": NAMES, "x": [1], "y": [2]}}, "differ in length"),
        ({"landmarks_im": {"name": ["OB_left"], "x": ["a"], "y": [2]}}, "no finite number"),
        ({"resolution": -1}, "mm per pixel"),
        ({"transform": [1, 2]}, "3 x 3"),
    ],
)
def test_a_broken_wfield_file_is_refused(read, more, complaint):
    with pytest.raises(InputError, match=complaint):
        read(_wfield(**more))


# --- windows ---------------------------------------------------------------------------------


def _ellipse_points(center, radii, turn_deg, angles_deg):
    angles = np.radians(angles_deg)
    turn = np.radians(turn_deg)
    along, across = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
    rows = center[0] + along * np.cos(turn) - across * np.sin(turn)
    cols = center[1] + along * np.sin(turn) + across * np.cos(turn)
    return np.stack([rows, cols], axis=1)


@pytest.mark.parametrize("turn_deg", [0, 30, 110])
@pytest.mark.parametrize("radii", [(80.0, 80.0), (90.0, 60.0)])
def test_an_ellipse_is_found_from_its_outline(radii, turn_deg):
    points = _ellipse_points((150.0, 220.0), radii, turn_deg, np.arange(0, 360, 40))
    found = fit_ellipse(points)
    assert (found.row, found.col) == pytest.approx((150.0, 220.0), abs=1e-6)
    assert (found.long_px, found.short_px) == pytest.approx((2 * max(radii), 2 * min(radii)))


def test_an_ellipse_is_found_from_noisy_points():
    rng = np.random.default_rng(0)
    points = _ellipse_points((150.0, 220.0), (90.0, 80.0), 20, np.arange(0, 360, 20))
    found = fit_ellipse(points + rng.normal(size=points.shape))
    assert (found.row, found.col) == pytest.approx((150.0, 220.0), abs=1.5)
    assert found.long_px == pytest.approx(180.0, abs=4)


@pytest.mark.parametrize(
    "outline",
    [
        None,
        [[1, 2]] * 4,
        [[1, 2]] * 8,
        [[i, 2 * i] for i in range(9)],
        [[i, i * i] for i in range(-4, 5)],
        [["a", 1]] * 6,
        [[1, 2], [3], [4, 5], [5, 6], [7, 8]],
        [[1, 2], [3, 4], 5],
    ],
)
def test_what_is_no_ellipse_is_refused(outline):
    with pytest.raises(InputError, match="outline"):
        fit_ellipse(outline)


def test_a_window_becomes_a_landmark_at_its_centre(read):
    points = _ellipse_points((150.0, 220.0), (100.0, 95.0), 0, np.arange(0, 360, 30))
    window = {"center_stereotaxic_mm": [2.5, -2.0], "diameter_mm": 4.0}
    found = read({"landmarks": [{"window": window, "outline": points.tolist()}]}).landmarks[0]
    assert (found.row, found.col) == pytest.approx((150.0, 220.0))
    assert found.stereotaxic_mm == (2.5, -2.0)
    assert (found.diameter_mm, found.diameter_px) == pytest.approx((4.0, 200.0))
    with pytest.raises(InputError, match="center_stereotaxic_mm"):
        read({"landmarks": [{"window": {}, "outline": points.tolist()}]})
