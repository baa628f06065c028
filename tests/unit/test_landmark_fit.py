"""The pose from landmarks, and how sure it is, against poses that are known."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.landmarks import LANDMARKS_MM, BrainHull, Landmark, fit_pose, positions_mm
from brainreg3d.sources import load_atlas

SIZE_MM = 0.03
SHAPE = (400, 420)
NOISE_MM = 0.1
WFIELD_FOUR = ("OB_left", "OB_center", "OB_right", "RSP_base")
# With the ten names these are the thirteen landmarks of the requirement.
THREE_MORE = ((2.5, -1.0), (-2.5, -1.0), (2.6, -3.8))


@pytest.fixture(scope="module")
def annotation():
    return load_atlas("phantom_50um").annotation


@pytest.fixture(scope="module")
def places(annotation):
    """The thirteen landmarks: what to call each, and where it lies."""
    names = [{"name": name} for name in LANDMARKS_MM]
    names += [{"stereotaxic_mm": place} for place in THREE_MORE]
    points = positions_mm([Landmark(0, 0, **name) for name in names], annotation, "ibl")
    return names, points


def _some(places, *wanted):
    names, points = places
    chosen = [i for i, name in enumerate(names) if name.get("name") in wanted]
    return [names[i] for i in chosen], points[chosen]


def _clicks(places, view, rng=None, noise_mm=NOISE_MM):
    """Return the landmarks as they would be clicked under a true view."""
    names, points = places
    rows, cols, _ = view.project(points)
    if rng is not None:
        rows = rows + rng.normal(size=rows.size) * noise_mm / view.pixel_size_mm[0]
        cols = cols + rng.normal(size=cols.size) * noise_mm / view.pixel_size_mm[1]
    return [Landmark(r, c, **name) for r, c, name in zip(rows, cols, names, strict=True)]


def _view(annotation, *, yaw=0.0, pitch=0.0, roll=0.0, mirrored=False, camera=None, at=(5.9, 7.3)):
    """Return a view whose middle lies on the brain's hull, as a fit places it."""
    camera = camera or Camera(230.0)
    height = BrainHull.of(annotation).below_mm(*at)[0, 2]
    pose = Pose((*at, height), yaw, pitch, roll, mirrored)
    return ImageView(SHAPE, (SIZE_MM, SIZE_MM), pose, camera)


def _apart(view, other):
    """Return how far two views are from each other: tilt, yaw (degrees), middle (mm)."""
    tilt = np.degrees(np.arccos(np.clip(view.pose.view_axis @ other.pose.view_axis, -1, 1)))
    yaw = (view.pose.yaw_deg - other.pose.yaw_deg + 180) % 360 - 180
    offset = np.subtract(view.pose.center_mm, other.pose.center_mm)
    return tilt, yaw, offset @ other.pose.axes[:2].T


# --- without noise ---------------------------------------------------------------------------


@pytest.mark.parametrize("scale_known", [True, False])
@pytest.mark.parametrize(
    "truth",
    [
        {},
        {"yaw": 90.0, "pitch": 6.0, "roll": -9.0},
        {"yaw": -170.0, "roll": 25.0},
        {"pitch": -20.0, "roll": 12.0, "mirrored": True},
        {"roll": 8.0, "camera": Camera(None)},
        {"roll": 8.0, "camera": Camera(40.0)},
        {"pitch": 8.0, "camera": Camera(60.0, (150.0, 300.0))},
    ],
    ids=repr,
)
def test_an_exact_set_of_landmarks_gives_back_the_view(annotation, places, truth, scale_known):
    view = _view(annotation, **truth)
    fit = fit_pose(
        _clicks(places, view),
        annotation,
        SHAPE,
        pixel_size_mm=view.pixel_size_mm if scale_known else None,
        camera=view.camera,
    )
    assert fit.view.pose.mirrored == view.pose.mirrored
    assert fit.view.camera == view.camera
    tilt, yaw, middle = _apart(fit.view, view)
    assert tilt < 0.2  # the weak prior pulls a little
    assert abs(yaw) < 0.2
    assert np.abs(middle).max() < 0.02
    assert fit.residuals_mm.max() < 0.01
    if camera_is_near(view) or scale_known:
        height = (np.subtract(fit.view.pose.center_mm, view.pose.center_mm)) @ view.pose.view_axis
        assert abs(height) < 0.03
    np.testing.assert_allclose(fit.view.pixel_size_mm, view.pixel_size_mm, rtol=2e-3)


def camera_is_near(view):
    return view.camera.distance_mm is not None and view.camera.distance_mm < 100


def test_the_middle_of_the_image_lies_on_the_brain(annotation, places):
    fit = fit_pose(_clicks(places, _view(annotation, roll=10.0)), annotation, SHAPE)
    center = np.array(fit.view.pose.center_mm)
    camera = fit.view.camera_position_mm
    hit = BrainHull.of(annotation).first_hit_mm(camera, center - camera)[0]
    np.testing.assert_allclose(hit, center, atol=0.005)


def test_residuals_are_what_the_view_itself_says(annotation, places):
    rng = np.random.default_rng(4)
    camera = Camera(60.0, (150.0, 300.0))
    landmarks = _clicks(places, _view(annotation, pitch=8.0, mirrored=True, camera=camera), rng)
    fit = fit_pose(landmarks, annotation, SHAPE, camera=camera)
    rows, cols, _ = fit.view.project(positions_mm(landmarks, annotation, "ibl"))
    clicked = np.array([[landmark.row, landmark.col] for landmark in landmarks])
    np.testing.assert_allclose(fit.residuals_px, clicked - np.stack([rows, cols], 1), atol=1e-6)
    off_mm = np.linalg.norm(fit.residuals_px, axis=1) * fit.view.pixel_size_mm[0]
    np.testing.assert_allclose(fit.residuals_mm, off_mm)
    # The best fit: no other pose nearby has smaller residuals.
    for change in ({"yaw_deg": 0.3}, {"roll_deg": 1.5}, {"pitch_deg": -1.5}):
        moved = {k: getattr(fit.view.pose, k) + v for k, v in change.items()}
        other = attrs.evolve(fit.view, pose=attrs.evolve(fit.view.pose, **moved))
        r, c, _ = other.project(fit.positions_mm)
        assert np.sum((clicked - np.stack([r, c], 1)) ** 2) > np.sum(fit.residuals_px**2)


def test_the_same_landmarks_give_the_same_numbers(annotation, places):
    landmarks = _clicks(places, _view(annotation, roll=5.0), np.random.default_rng(0))
    one, other = (fit_pose(landmarks, annotation, SHAPE) for _ in range(2))
    assert one.view == other.view
    assert one.uncertainty() == other.uncertainty()


# --- the requirement -------------------------------------------------------------------------


def _as_ccf(places):
    """Give the places themselves, which is faster than dropping names onto the hull each time."""
    box = (11.4, 13.2, 8.0)
    names = [
        {"ccf_um": ((box[1] - y) * 1000, (box[2] - z) * 1000, x * 1000)} for x, y, z in places[1]
    ]
    return names, places[1]


def test_thirteen_landmarks_give_tilt_and_position_and_an_honest_spread(annotation, places):
    """200 draws of pose and of 0.1 mm click noise along each axis of the image."""
    rng = np.random.default_rng(7)
    tilts, middles, covered = [], [], []
    for _ in range(200):
        yaw, pitch, roll = rng.uniform(-180, 180), rng.uniform(-12, 12), rng.uniform(-15, 15)
        at = (5.7 + rng.uniform(-0.6, 0.6), 7.2 + rng.uniform(-0.6, 0.6))
        view = _view(annotation, yaw=yaw, pitch=pitch, roll=roll, at=at)
        fit = fit_pose(
            _clicks(_as_ccf(places), view, rng),
            annotation,
            SHAPE,
            pixel_size_mm=view.pixel_size_mm,
            mirrored=False,
        )
        tilt, turned, middle = _apart(fit.view, view)
        tilts.append(tilt)
        middles.append(np.linalg.norm(middle))
        off = [fit.view.pose.pitch_deg - pitch, fit.view.pose.roll_deg - roll, turned, *middle]
        spread = fit.spread
        sigma = [spread.pitch_deg, spread.roll_deg, spread.yaw_deg, *spread.position_mm]
        covered.append(np.abs(off) <= sigma)
    assert np.mean(np.array(tilts) < 4.0) >= 0.95
    assert np.mean(np.array(middles) < 0.15) >= 0.95
    share = np.mean(covered, axis=0)
    assert np.all((share >= 0.60) & (share <= 0.76)), share


def test_four_dorsal_landmarks_leave_the_tilt_open_and_say_what_to_add(annotation, places):
    rng = np.random.default_rng(3)
    four = _some(places, *WFIELD_FOUR)
    for _ in range(5):
        view = _view(annotation, roll=rng.uniform(-5, 5), pitch=rng.uniform(-5, 5))
        landmarks = _clicks(four, view, rng)
        fit = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
        assert fit.free == ("position", "yaw", "tilt")
        assert 3.0 < fit.spread.tilt_deg < 15.0
        (warning,) = fit.warnings
        assert f"tilt is uncertain by {fit.spread.tilt_deg:.1f}°" in warning
        advised = [name for name in LANDMARKS_MM if f"Add {name} " in warning]
        assert advised[0].startswith(("SS", "MOp"))  # those on the side


def test_the_spread_of_few_landmarks_holds_the_truth_though_two_tilts_may_fit(annotation, places):
    """Four landmarks at nearly one height: the likely tilts form no bell about the best one."""
    rng = np.random.default_rng(5)
    four = _as_ccf(_some(places, *WFIELD_FOUR))
    covered, errors, spreads = [], [], []
    for _ in range(80):
        pitch, roll = rng.uniform(-8, 8), rng.uniform(-8, 8)
        view = _view(annotation, pitch=pitch, roll=roll, yaw=rng.uniform(-180, 180))
        fit = fit_pose(
            _clicks(four, view, rng),
            annotation,
            SHAPE,
            pixel_size_mm=view.pixel_size_mm,
            mirrored=False,
        )
        off = np.array([fit.view.pose.pitch_deg - pitch, fit.view.pose.roll_deg - roll])
        sigma = np.array([fit.spread.pitch_deg, fit.spread.roll_deg])
        covered.append(np.abs(off) <= sigma)
        errors.append(off)
        spreads.append(sigma)
    assert np.all((np.mean(covered, axis=0) > 0.6) & (np.mean(covered, axis=0) < 0.92))
    true_size = np.sqrt(np.mean(np.square(errors), axis=0))
    stated = np.sqrt(np.mean(np.square(spreads), axis=0))
    assert np.all((stated / true_size > 0.8) & (stated / true_size < 1.5))


def test_looking_at_all_tilts_agrees_with_the_bell_where_there_is_one(
    annotation, places, monkeypatch
):
    from brainreg3d.landmarks import _spread

    view = _view(annotation, pitch=5.0, roll=-9.0, yaw=35.0)
    for scale_known in (True, False):
        landmarks = _clicks(places, view, np.random.default_rng(8))
        size = view.pixel_size_mm if scale_known else None
        bell = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=size).spread
        monkeypatch.setattr(_spread, "WIDE_TILT_DEG", 0.0)
        wide = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=size).spread
        monkeypatch.undo()
        assert wide != bell
        for name in ("position_mm", "center_mm", "yaw_deg", "pitch_deg", "roll_deg", "tilt_deg"):
            np.testing.assert_allclose(getattr(wide, name), getattr(bell, name), rtol=0.12)
        if not scale_known:
            assert wide.scale == pytest.approx(bell.scale, rel=0.1)


def test_the_landmark_that_is_advised_does_what_is_said(annotation, places):
    view = _view(annotation, roll=4.0, pitch=-3.0)
    rng = np.random.default_rng(11)
    landmarks = _clicks(_some(places, *WFIELD_FOUR), view, rng)
    before = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
    name = before.warnings[0].split("Add ")[1].split()[0]
    promised = float(before.warnings[0].split("bring it to ")[1].split("°")[0])
    spreads = {}
    for other in set(LANDMARKS_MM) - set(WFIELD_FOUR):
        more = landmarks + _clicks(_some(places, other), before.view)
        fit = fit_pose(more, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm, mirrored=False)
        spreads[other] = fit.spread.tilt_deg
    assert spreads[name] == pytest.approx(promised, rel=0.35)
    assert spreads[name] < 1.25 * min(spreads.values())
    assert spreads["bregma"] > 1.3 * spreads[name]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_an_atlas_may_lack_the_places_of_names(annotation, count):
    index = annotation.index.copy()
    index[..., : index.shape[2] // 2] = 0
    right = attrs.evolve(annotation, index=index)
    names = [{"stereotaxic_mm": place} for place in ((0.5, 0), (0.6, -4), (4, -1.5), (3, 1.5))]
    points = positions_mm([Landmark(0, 0, **name) for name in names], right, "ibl")
    truth = _view(right, at=(7.9, 7.3))
    clicks = _clicks((names[:count], points[:count]), truth)
    fit = fit_pose(clicks, right, SHAPE, pixel_size_mm=(SIZE_MM, SIZE_MM))
    tilt, yaw, offset = _apart(fit.view, truth)
    assert max(tilt, abs(yaw)) < 0.1
    assert np.abs(offset).max() < 0.01
    assert any("Add" in warning for warning in fit.warnings)
    assert not any("left" in warning.split("Add")[-1] for warning in fit.warnings)


def test_noise_is_estimated_once_there_are_enough_landmarks(annotation, places):
    view = _view(annotation, roll=4.0)
    found = []
    for noise_mm in (0.02, 0.1, 0.25):
        landmarks = _clicks(places, view, np.random.default_rng(5), noise_mm)
        fit = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
        found.append((fit.noise_mm, fit.spread.tilt_deg))
    noise, tilt = np.array(found).T
    np.testing.assert_allclose(noise, [0.045, 0.1, 0.23], rtol=0.3)
    assert tilt[0] < 0.6 * tilt[1] < 0.5 * tilt[2]


# --- few landmarks ---------------------------------------------------------------------------


def test_two_landmarks_give_what_lies_in_the_plane(annotation, places):
    view = _view(annotation, yaw=30.0)
    pair = _clicks(_some(places, "bregma", "lambda"), view)
    known = fit_pose(pair, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
    assert known.free == ("position", "yaw")
    fitted = fit_pose(pair, annotation, SHAPE)
    assert fitted.free == ("position", "yaw", "scale")
    for fit in (known, fitted):
        assert (fit.view.pose.pitch_deg, fit.view.pose.roll_deg) == (0, 0)
        tilt, yaw, middle = _apart(fit.view, view)
        assert tilt < 1e-6
        assert abs(yaw) < 0.1
        assert np.abs(middle).max() < 0.02
        assert fit.spread.tilt_deg is None
        assert any("cannot fix the tilt" in w and "Add " in w for w in fit.warnings)
        assert any("whether the image is mirrored" in w for w in fit.warnings)
    np.testing.assert_allclose(fitted.view.pixel_size_mm, view.pixel_size_mm, rtol=3e-3)


def test_a_tilt_that_is_expected_is_kept_when_landmarks_cannot_tell(annotation, places):
    up = np.array([0.3, 0.1, 1.0]) / np.linalg.norm([0.3, 0.1, 1.0])
    pair = _clicks(_some(places, "bregma", "lambda"), _view(annotation))
    fit = fit_pose(pair, annotation, SHAPE, expected_up=up)
    np.testing.assert_allclose(fit.view.pose.view_axis, -up, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [([], "two landmarks or more"), ([1.0], "two landmarks or more"), ([1.0, 1.0], "too close")],
)
def test_too_few_landmarks_are_refused(annotation, rows, complaint):
    with pytest.raises(InputError, match=complaint):
        fit_pose([Landmark(row, 5.0, "bregma") for row in rows], annotation, SHAPE)


@pytest.mark.parametrize("up", [(0, 0, 0), (0, np.nan, 1), "up", (0, 1)])
def test_what_is_no_direction_is_refused(annotation, places, up):
    clicks = _clicks(_some(places, "bregma", "lambda"), _view(annotation))
    with pytest.raises(InputError, match="direction"):
        fit_pose(clicks, annotation, SHAPE, expected_up=up)


def test_landmarks_on_one_line_cannot_tell_a_mirror(annotation, places):
    line = _some(places, "bregma", "lambda", "RSP_base", "OB_center")
    fit = fit_pose(_clicks(line, _view(annotation)), annotation, SHAPE)
    assert not fit.view.pose.mirrored
    assert any("whether the image is mirrored" in warning for warning in fit.warnings)
    said = fit_pose(_clicks(line, _view(annotation)), annotation, SHAPE, mirrored=True)
    assert said.view.pose.mirrored
    assert not any("mirrored" in warning for warning in said.warnings)


def test_a_mirrored_image_is_noticed_and_said(annotation, places):
    landmarks = _clicks(places, _view(annotation, yaw=20.0, mirrored=True))
    fit = fit_pose(landmarks, annotation, SHAPE)
    assert fit.view.pose.mirrored
    (warning,) = (warning for warning in fit.warnings if "mirrored image" in warning)
    assert "left and right are swapped in their names, or row" in warning


def _swapped(landmarks):
    return [attrs.evolve(lm, row=lm.col, col=lm.row) for lm in landmarks]


SIX = ("OB_left", "OB_center", "OB_right", "RSP_base", "bregma", "MOp_left")


@pytest.mark.parametrize("scale_known", [True, False])
def test_swapped_rows_and_columns_come_to_mind_first_for_an_upright_image(
    annotation, places, scale_known
):
    """They are a mirror image turned by 90 degrees: the residuals cannot tell."""
    size = (SIZE_MM, SIZE_MM) if scale_known else None
    fit = fit_pose(
        _swapped(_clicks(places, _view(annotation))), annotation, SHAPE, pixel_size_mm=size
    )
    (warning,) = (warning for warning in fit.warnings if "mirrored image" in warning)
    assert "row and column are swapped in their positions, or left" in warning


def test_swapped_rows_and_columns_are_named_where_clicks_lie_beside_the_image(annotation, places):
    shape = (220, 420)
    view = attrs.evolve(_view(annotation, at=(5.7, 7.6)), shape=shape)
    landmarks = _clicks(places, view)
    inside = [lm for lm in landmarks if 0 <= lm.row < 220 and 0 <= lm.col < 420]
    assert max(lm.col for lm in inside) > 220
    fit = fit_pose(_swapped(inside), annotation, shape)
    assert len(fit.warnings) == 1
    assert "Rows and columns of the landmarks are swapped" in fit.warnings[0]
    assert not any("swapped" in warning for warning in fit_pose(inside, annotation, shape).warnings)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("wanted", [None, SIX], ids=["thirteen", "six"])
def test_swapped_rows_and_columns_are_named_where_the_mirror_is_known(
    annotation, places, wanted, seed
):
    """Seen from below, with the ventral side up, they would fit."""
    chosen = places if wanted is None else _some(places, *wanted)
    truth = _view(annotation, yaw=-15.0, pitch=4.0)
    landmarks = _clicks(chosen, truth, np.random.default_rng(seed))
    options = {"pixel_size_mm": (SIZE_MM, SIZE_MM), "mirrored": False}
    fit = fit_pose(_swapped(landmarks), annotation, SHAPE, **options)
    assert any(
        "the other side of the brain" in warning and "or row and column are swapped" in warning
        for warning in fit.warnings
    )
    good = fit_pose(landmarks, annotation, SHAPE, **options)
    assert not any("swapped" in warning for warning in good.warnings)


def test_a_wrong_name_is_no_swap_of_rows_and_columns(annotation, places):
    landmarks = _clicks(places, _view(annotation, yaw=10.0))
    names = [{"name": lm.name} for lm in landmarks[:2]]
    landmarks[:2] = [
        attrs.evolve(lm, **name) for lm, name in zip(landmarks[:2], names[::-1], strict=True)
    ]
    fit = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=(SIZE_MM,) * 2, mirrored=False)
    assert not any("Rows and columns" in warning for warning in fit.warnings)
    assert any("left out" in warning for warning in fit.warnings)


# --- mistakes --------------------------------------------------------------------------------


def test_a_wrong_landmark_is_left_out_and_named(annotation, places):
    view = _view(annotation, roll=6.0)
    rng = np.random.default_rng(2)
    landmarks = _clicks(places, view, rng)
    good = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
    slipped = attrs.evolve(landmarks[5], col=landmarks[5].col + 1.5 / SIZE_MM)
    bad = [*landmarks[:5], slipped, *landmarks[6:]]
    fit = fit_pose(bad, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
    assert fit.used.tolist() == [number != 5 for number in range(13)]
    (warning,) = fit.warnings
    assert "RSP_base lies 1." in warning
    assert "left out" in warning
    assert _apart(fit.view, good.view)[0] < 2.0
    assert sum("left out" in line for line in fit.report()) == 2  # its line, and the warning


def test_two_swapped_names_are_left_out(annotation, places):
    view = _view(annotation, roll=6.0)
    landmarks = _clicks(places, view, np.random.default_rng(2))
    left, right = landmarks[2], landmarks[4]
    assert (left.name, right.name) == ("OB_left", "OB_right")
    landmarks[2] = attrs.evolve(left, row=right.row, col=right.col)
    landmarks[4] = attrs.evolve(right, row=left.row, col=left.col)
    fit = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
    assert np.flatnonzero(~fit.used).tolist() == [2, 4]
    assert _apart(fit.view, view)[0] < 4.0


def test_a_landmark_given_twice_is_named(annotation, places):
    clicks = _clicks(places, _view(annotation))
    again = attrs.evolve(clicks[1], row=clicks[1].row + 2)
    fit = fit_pose([*clicks, again], annotation, SHAPE, pixel_size_mm=(SIZE_MM, SIZE_MM))
    (warning,) = fit.warnings
    assert "lambda is given 2 times" in warning
    assert fit.used.all()


def test_landmarks_that_are_right_stay_in(annotation, places):
    rng = np.random.default_rng(9)
    for _ in range(15):
        view = _view(annotation, roll=rng.uniform(-10, 10))
        fit = fit_pose(_clicks(places, view, rng), annotation, SHAPE, mirrored=False)
        assert fit.used.all()


def test_few_landmarks_that_contradict_each_other_are_called_that(annotation, places):
    four = _some(places, *WFIELD_FOUR)
    landmarks = _clicks(four, _view(annotation))
    landmarks[1] = attrs.evolve(landmarks[1], row=landmarks[1].row + 2.0 / SIZE_MM)
    fit = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=(SIZE_MM, SIZE_MM))
    assert fit.used.all()
    assert any("do not fit together" in warning for warning in fit.warnings)


def test_a_pixel_size_that_landmarks_contradict_is_warned_about(annotation, places):
    landmarks = _clicks(places, _view(annotation, roll=3.0), np.random.default_rng(1))
    fit = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=(0.033, 0.033))
    assert not any("do not fit together" in warning for warning in fit.warnings)
    message = next(warning for warning in fit.warnings if "a pixel is" in warning)
    assert "0.033 mm" in message
    assert abs(float(message.split("pixel is ")[1].split()[0]) - SIZE_MM) < 0.0006


# --- windows and other brains ----------------------------------------------------------------


def test_the_outline_of_a_round_window_gives_a_place_and_the_scale(annotation, places):
    view = _view(annotation)
    center = Landmark(0, 0, "window", stereotaxic_mm=(2.5, -2.0))
    row, col, _ = (float(v[0]) for v in view.project(positions_mm([center], annotation, "ibl")))
    bregma = _clicks(_some(places, "bregma", "lambda"), view)
    window = attrs.evolve(center, row=row, col=col, diameter_mm=4.0, diameter_px=4.0 / SIZE_MM)
    fit = fit_pose([*bregma, window], annotation, SHAPE)
    np.testing.assert_allclose(fit.view.pixel_size_mm, view.pixel_size_mm, rtol=0.005)
    assert np.abs(_apart(fit.view, view)[2]).max() < 0.05
    # Twice as many pixels across, against clicks that leave the scale to the window.
    without = fit_pose([*bregma, attrs.evolve(window, diameter_mm=None)], annotation, SHAPE)
    assert fit.spread.scale < without.spread.scale


def test_the_real_brain(real_atlas):
    annotation = real_atlas.annotation
    names = [{"name": name} for name in LANDMARKS_MM]
    marks = [Landmark(0, 0, **name) for name in names]
    points = positions_mm(marks, annotation, "ibl")
    view = _view(annotation, yaw=12.0, pitch=-5.0, roll=9.0)
    landmarks = _clicks((names, points), view, np.random.default_rng(0), 0.02)
    fit = fit_pose(landmarks, annotation, SHAPE, pixel_size_mm=view.pixel_size_mm)
    tilt, yaw, middle = _apart(fit.view, view)
    assert tilt < 1.0
    assert abs(yaw) < 0.5
    assert np.abs(middle).max() < 0.05
