"""How certain labels are, against straight borders whose answer is known."""

import json

import attrs
import numpy as np
import pytest
import tifffile
from scipy.stats import norm
from tiny_brain import make_atlas

from brainreg3d import BrainReg3D, Pose, raycast
from brainreg3d.confidence import Certainty, label_confidence
from brainreg3d.errors import AlignmentError, InputError
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.io.alignment import read_alignment
from brainreg3d.pictures import confidence_drawings
from brainreg3d.pose_sigma import PoseSigma, given_sigma, sigma_of
from brainreg3d.result import NotComputed
from brainreg3d.state import Alignment
from brainreg3d.steps import PixelLabeller
from brainreg3d.views import draw_confidence

PIXEL_MM, SHAPE = 0.02, (50, 60)
CENTER_MM, BORDER_MM = (3.0, 3.0, 1.5), 3.1  # the slab's upper face lies 0.7 mm below the image
HEIGHT_MM = 0.7
MONTE_CARLO = 0.03  # of 128 draws


@pytest.fixture(scope="module")
def slab():
    """A slab of 6 x 6 x 0.8 mm: POST left of x = 3.1 mm, ANT right of it."""
    volume = np.full((8, 60, 60), 312_782_593, np.uint32)
    volume[:, :, 31:] = 11
    return make_atlas(volume, (0.1, 0.1, 0.1), "slab")


def run(atlas, **options):
    options = {
        "alignment": Pose(CENTER_MM), "pixel_size_mm": (PIXEL_MM,) * 2,
        "camera_distance_mm": None, "brain_regions": ["POST", "ANT"],
    } | options  # fmt: skip
    return BrainReg3D(np.zeros(SHAPE, np.uint8), atlas=atlas, **options).run(until="PixelLabeller")


@pytest.fixture(scope="module")
def result(slab):
    return run(slab)


def pixels_mm():
    """Where pixels lie along columns and rows from the centre of the image."""
    rows, cols = np.indices(SHAPE)
    return (cols - (SHAPE[1] - 1) / 2) * PIXEL_MM, (rows - (SHAPE[0] - 1) / 2) * PIXEL_MM


# x of what a pixel sees, from the centre of the image, when one number of the pose is off by e
SEEN = {
    "position_mm": lambda x, y, e: x + e,
    "yaw_deg": lambda x, y, e: x * np.cos(np.radians(e)) + y * np.sin(np.radians(e)),
    "tilt_deg": lambda x, y, e: x / np.cos(np.radians(e)) - HEIGHT_MM * np.tan(np.radians(e)),
    "scale": lambda x, y, e: x * np.exp(e),
    "height_mm": lambda x, y, e: x,
}


@pytest.mark.parametrize(
    ("name", "sigma"),
    [("position_mm", 0.1), ("yaw_deg", 8.0), ("tilt_deg", 6.0), ("scale", 0.2), ("height_mm", 0.2)],
)
def test_a_straight_border_is_as_uncertain_as_it_must_be(result, name, sigma):
    x, y = pixels_mm()
    border = BORDER_MM - CENTER_MM[0]
    errors = norm.ppf((np.arange(2000) + 0.5) / 2000) * sigma
    expected = np.zeros(SHAPE)
    for error in errors:
        expected += (SEEN[name](x, y, error) > border) == (x > border)
    confidence = result.confidence_for(**{name: sigma})
    assert confidence.dtype == np.float32
    assert np.abs(confidence - expected / len(errors)).max() < MONTE_CARLO
    assert np.any(expected < 1500) == (name != "height_mm")


def test_a_shift_gives_the_normal_distribution(result):
    x, _ = pixels_mm()
    distance = np.abs(x - (BORDER_MM - CENTER_MM[0]))
    confidence = result.confidence_for(position_mm=(0.15, 0.0))
    assert np.abs(confidence - norm.cdf(distance / 0.15)).max() < MONTE_CARLO
    assert np.all(result.confidence_for(position_mm=(0.0, 0.15)) == 1)  # along the border


def test_the_safe_core_keeps_its_distance_from_borders(result):
    x, _ = pixels_mm()
    core = result.safe_core(0.95, result.confidence_for(position_mm=0.15, n_draws=512))
    border = BORDER_MM - CENTER_MM[0]
    left, right = x[core[0]].max(), x[core[1]].min()
    assert border - left == pytest.approx(1.645 * 0.15, abs=PIXEL_MM)
    assert right - border == pytest.approx(1.645 * 0.15, abs=PIXEL_MM)
    assert not np.any(core & ~result.masks)
    assert np.array_equal(result.safe_core(0.0, np.zeros(SHAPE)), result.masks)


def test_certain_poses_keep_every_label_whatever_labels(slab):
    window = np.zeros(SHAPE, bool)
    window[10:30, 5:50] = True
    for options in (
        {}, {"method": "original"}, {"method": "surface"}, {"label_depth_um": 300},
        {"hemisphere": "right"}, {"window_mask": window}, {"brain_regions": ["ANT"]},
    ):  # fmt: skip
        result = run(slab, **options)
        assert result.masks.any(), options
        assert np.all(result.confidence_for(n_draws=2) == 1), options


def test_less_certain_poses_never_make_labels_more_certain(result):
    before = np.ones(SHAPE)
    for sigma in (0.02, 0.05, 0.1, 0.2):
        now = result.confidence_for(position_mm=sigma)
        assert np.all(now <= before)
        assert now.mean() < before.mean()
        before = now


def test_steps_of_ones_own_are_run_again(slab, log):
    """The same steps under another name: what is computed in another way has to be the same."""

    class Mine(PixelLabeller):
        pass

    reg = BrainReg3D(
        np.zeros(SHAPE, np.uint8), pixel_size_mm=(PIXEL_MM,) * 2, alignment=Pose(CENTER_MM),
        camera_distance_mm=None, atlas=slab, brain_regions=["POST", "ANT"], hemisphere="left",
    )  # fmt: skip
    sigma = {"position_mm": 0.1, "yaw_deg": 3.0, "tilt_deg": 4.0, "n_draws": 16}
    expected = reg.run(until="PixelLabeller").confidence_for(**sigma)
    reg.PixelLabeller = Mine
    mine = reg.run(until="PixelLabeller")
    said = len(log)
    assert said  # ANT lies in the right hemisphere
    assert np.array_equal(mine.confidence_for(**sigma), expected)
    assert expected.min() < 0.8
    assert len(log) == said


def test_other_methods_are_drawn_by_their_own_labels(slab):
    x, _ = pixels_mm()
    result = run(slab, method="surface")
    confidence = result.confidence_for(position_mm=(0.1, 0.0), n_draws=64)
    expected = norm.cdf(np.abs(x - (BORDER_MM - CENTER_MM[0])) / 0.1)
    assert np.abs(confidence - expected)[5:-5].max() < 0.1  # a vote moves borders by half a pixel


def options_of_labels():
    window = np.zeros(SHAPE, bool)
    window[10:30, 5:50] = True
    return {
        "exact": {},
        "perspective": {"camera_distance_mm": 2.0},
        "along the ray": {"label_depth_um": 300},
        "along the normal": {"label_depth_um": 300, "along": "normal"},
        "one side": {"hemisphere": "right"},
        "regions hide": {"occluders": "regions", "brain_regions": ["ANT"]},
        "window": {"window_mask": window},
        "surface": {"method": "surface"},
        "original": {"method": "original"},
    }


@pytest.mark.parametrize("name", options_of_labels())
def test_some_pixels_have_what_the_whole_map_has(slab, name):
    """In any order, some twice, with the rim of the image and places beyond it."""
    sigma = {"pose_sigma_mm": 0.1, "pose_sigma_deg": 4.0}
    options = options_of_labels()[name] | sigma
    whole = run(slab, **options).confidence
    assert whole.min() < 0.8
    draw = np.random.default_rng(0)
    rows, cols = (np.append(draw.integers(-3, n + 3, 200), [0, 0, n - 1, 17, 17]) for n in SHAPE)
    inside = (rows >= 0) & (rows < SHAPE[0]) & (cols >= 0) & (cols < SHAPE[1])
    result = run(slab, **options)
    found = result.confidence_at(rows, cols)
    assert found.dtype == np.float32
    assert np.array_equal(found[inside], whole[rows[inside], cols[inside]])
    assert np.isnan(found[~inside]).all()
    assert (~inside).any()
    assert result.confidence_at(17, 20) == whole[17, 20]
    assert np.array_equal(result.confidence_at([16.6, 17.4], 20), whole[[17, 17], 20])
    assert result.confidence_at([], []).shape == (0,)
    assert np.isnan(result.confidence_at([np.nan, np.inf], [3, -np.inf])).all()
    everything = result.confidence_at(*np.indices(SHAPE))
    assert np.array_equal(everything, whole)


def test_only_the_pixels_asked_for_are_drawn(slab, monkeypatch):
    """The map of a result that has one already is looked up, and steps of one's own draw it."""
    cast, counts = raycast.cast_first_hits, []

    def counted(*arguments):
        hits = cast(*arguments)
        counts.append(hits.index.size)
        return hits

    result, map_of_it = run(slab, pose_sigma_mm=0.1), run(slab, pose_sigma_mm=0.1).confidence
    monkeypatch.setattr(raycast, "cast_first_hits", counted)
    rows, cols = [3, 3, 9], [25, 25, 28]
    assert np.array_equal(result.confidence_at(rows, cols), map_of_it[rows, cols])
    assert counts == [2] * 128
    _ = result.confidence
    counts.clear()
    assert np.array_equal(result.confidence_at(rows, cols), map_of_it[rows, cols])
    assert counts == []

    class Mine(PixelLabeller):
        pass

    reg = BrainReg3D(
        np.zeros(SHAPE, np.uint8), pixel_size_mm=(PIXEL_MM,) * 2, alignment=Pose(CENTER_MM),
        camera_distance_mm=None, atlas=slab, brain_regions=["POST", "ANT"], pose_sigma_mm=0.1,
    )  # fmt: skip
    reg.PixelLabeller = Mine
    assert np.array_equal(
        reg.run(until="PixelLabeller").confidence_at(rows, cols), map_of_it[rows, cols]
    )


def test_draws_are_steady_and_centred():
    view = ImageView(SHAPE, (PIXEL_MM, PIXEL_MM), Pose((5, 6, 7), 10, 20, 30), Camera(230.0))
    sigma = PoseSigma(
        position_mm=(0.1, 0.2), height_mm=0.3, yaw_deg=1, pitch_deg=2, roll_deg=3, scale=0.01
    )
    views = list(sigma.views(view, 256))
    assert views == list(sigma.views(view, 256))
    assert views != list(sigma.views(view, 256, seed=1))
    moved = np.array([drawn.pose.center_mm for drawn in views]) - view.pose.center_mm
    numbers = np.column_stack([
        moved @ view.pose.axes.T,
        [[d.pose.yaw_deg, d.pose.pitch_deg, d.pose.roll_deg] for d in views],
        np.log([d.pixel_size_mm[0] / PIXEL_MM for d in views]),
    ])  # fmt: skip
    sigmas = np.array([0.1, 0.2, 0.3, 1, 2, 3, 0.01])
    middle = np.array([0, 0, 0, 10, 20, 30, 0])
    assert np.allclose(numbers.mean(axis=0), middle, atol=0.03 * sigmas)
    assert np.allclose(numbers.std(axis=0) / sigmas, 1, atol=0.05)
    correlations = np.corrcoef(numbers.T) - np.eye(7)
    assert np.abs(correlations).max() < 0.15
    assert all(drawn.camera == view.camera for drawn in views)


def test_what_is_known_of_the_pose_is_used(slab, result, tmp_path):
    """By the user's two numbers, else by the alignment file."""
    told = run(slab, pose_sigma_mm=0.1, pose_sigma_deg=2.0)
    expected = result.confidence_for(position_mm=0.1, yaw_deg=2.0, tilt_deg=2.0)
    assert np.array_equal(told.confidence, expected)
    assert told.confidence is told.confidence
    assert np.array_equal(told.safe_core(), told.masks & (expected >= 0.95))

    file = tmp_path / "image_alignment.json"
    content = {
        "schema": "brainreg3d/alignment/1",
        "image": {"pixel_size_mm": [PIXEL_MM, PIXEL_MM]},
        "pose": {"center_mm": CENTER_MM},
        "camera": {"distance_mm": None},
        "uncertainty": {
            "position_mm": [0.05, 0.1], "center_mm": [0.1, 0.1, 0.5], "yaw_deg": 3.0,
            "pitch_deg": None, "roll_deg": None, "tilt_deg": None, "scale": 0.02,
        },
    }  # fmt: skip
    file.write_text(json.dumps(content))
    options = {"alignment": file, "pixel_size_mm": None}
    options["camera_distance_mm"] = None
    read = run(slab, **options)
    known = result.confidence_for(position_mm=(0.05, 0.1), yaw_deg=3.0, scale=0.02)
    assert np.array_equal(read.confidence, known)
    told = run(slab, **options, pose_sigma_mm=0.2)
    assert np.array_equal(told.confidence, result.confidence_for(position_mm=0.2))


def test_nothing_known_is_said(slab, result):
    with pytest.raises(NotComputed, match="pose_sigma_mm"):
        _ = result.confidence
    with pytest.raises(NotComputed, match="confidence_for"):
        result.safe_core()
    with pytest.raises(NotComputed, match="pose_sigma_mm"):
        result.confidence_at(3, 4)
    early = BrainReg3D(
        np.zeros(SHAPE, np.uint8), pixel_size_mm=(PIXEL_MM,) * 2, alignment=Pose(CENTER_MM),
        atlas=slab, brain_regions=["ANT"], pose_sigma_mm=0.1,
    ).run(until="Projector")  # fmt: skip
    with pytest.raises(NotComputed, match="before pixels were labelled"):
        _ = early.confidence


VIEW = ImageView(SHAPE, (PIXEL_MM, PIXEL_MM), Pose(CENTER_MM, 90.0))


@pytest.mark.parametrize(
    ("uncertainty", "expected"),
    [
        ({"tilt_deg": 4.0, "yaw_deg": 1.0}, PoseSigma(yaw_deg=1, pitch_deg=4, roll_deg=4)),
        ({"tilt_deg": 4.0, "pitch_deg": 1.0, "roll_deg": 2.0}, PoseSigma(pitch_deg=1, roll_deg=2)),
        # at a yaw of 90 degrees columns run along the animal's y
        ({"center_mm": [0.1, 0.2, 9.0]}, PoseSigma(position_mm=(0.2, 0.1), height_mm=9.0)),
        (
            {"center_mm": [0.1, 0.2, 0.5], "position_mm": 0.3},
            PoseSigma(position_mm=0.3, height_mm=0.5),
        ),
        ({}, None),
        ({"yaw_deg": None}, None),
    ],
)
def test_the_uncertainty_of_an_alignment(uncertainty, expected):
    found = sigma_of(Alignment(VIEW, extra={"uncertainty": uncertainty}))
    if expected is None:
        assert found is None
        return
    assert np.allclose(
        np.hstack(attrs.astuple(found)), np.hstack(attrs.astuple(expected)), atol=1e-12
    )


WRONG_UNCERTAINTIES = [
    ({"yaw_dge": 1.0}, "yaw_dge.*Did you mean yaw_deg"),
    ({"yaw_deg": -1.0}, '"yaw_deg" of "uncertainty".*from 0 on; got -1.0'),
    ({"scale": "big"}, '"scale"'),
    ({"position_mm": [1.0, 2.0, 3.0]}, '"position_mm".* a number or two numbers'),
    ({"center_mm": [0.1, 0.2]}, '"center_mm".* three numbers'),
    ({"center_mm": [0.1, 0.2, "much"]}, '"center_mm".*much'),
    ({"center_mm": [0.1, -0.2, 0.1]}, '"center_mm".*from 0'),
    ({"center_mm": 0.1}, '"center_mm".* three numbers'),
    (0.1, "got 0.1.*center_mm"),
    ([], "object of 1-sigmas"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG_UNCERTAINTIES, ids=str)
def test_a_wrong_uncertainty_is_refused(tmp_path, wrong, words):
    with pytest.raises(AlignmentError, match=words):
        sigma_of(Alignment(VIEW, extra={"uncertainty": wrong}))
    content = {"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [1, 2, 3]}}
    file = tmp_path / "a.json"
    file.write_text(json.dumps(content | {"uncertainty": wrong}))
    with pytest.raises(AlignmentError, match=r"a\.json.*" + words):
        read_alignment(file)


def test_height_counts_under_perspective(slab, tmp_path):
    """A camera at 2 mm: 0.5 mm of height moves what the outer pixels see by a quarter."""
    x, _ = pixels_mm()
    content = {
        "schema": "brainreg3d/alignment/1", "pose": {"center_mm": CENTER_MM},
        "camera": {"distance_mm": 2.0}, "uncertainty": {"center_mm": [0.0, 0.0, 0.5]},
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(content))
    told = run(slab, alignment=tmp_path / "a.json", camera_distance_mm=2.0)
    border = BORDER_MM - CENTER_MM[0]
    errors = norm.ppf((np.arange(500) + 0.5) / 500) * 0.5
    # The camera stays 2 mm above the image; the slab's face lies 0.7 mm below it, more or less.
    truth = x * (2.0 + HEIGHT_MM) / 2.0 > border
    seen = [x * (2.0 + HEIGHT_MM + error) / 2.0 for error in errors]
    expected = np.mean([(each > border) == truth for each in seen], axis=0)
    assert np.abs(told.confidence - expected).max() < MONTE_CARLO
    assert expected.min() < 0.7


@pytest.mark.parametrize("size", [(0.02, 0.02), (1e-4, 0.5), (0.3, 1.0)])
def test_no_draw_leaves_the_pixel_sizes_that_may_be(size):
    view = ImageView(SHAPE, size, Pose(CENTER_MM))
    drawn = [d.pixel_size_mm for d in PoseSigma(scale=3.0, position_mm=1000.0).views(view, 64)]
    ratios = np.array(drawn) / size
    assert np.allclose(ratios[:, 0], ratios[:, 1])  # an image keeps its shape
    assert np.ptp(ratios[:, 0]) > 0.1


@pytest.mark.parametrize("wide", [5.0, 1e300])
@pytest.mark.parametrize("name", ["scale", "position_mm", "height_mm", "yaw_deg", "tilt_deg"])
def test_a_wide_spread_gives_an_answer(result, name, wide):
    """As a fit of landmarks that lie close together has it."""
    confidence = result.confidence_for(**{name: wide}, n_draws=16)
    assert 0 <= confidence.min() <= confidence.max() <= 1
    if name != "height_mm":  # the rays are parallel
        assert confidence.min() < 0.8


def test_bad_numbers(result):
    with pytest.raises(InputError, match="position_mm"):
        result.confidence_for(position_mm=-0.1)
    with pytest.raises(InputError, match="Pixel positions"):
        run(result.atlas, pose_sigma_mm=0.1).confidence_at([1, 2], [3, 4, 5])
    with pytest.raises(InputError, match="n_draws"):
        result.confidence_for(n_draws=0)
    with pytest.raises(InputError, match=r"^tilt_deg"):
        result.confidence_for(tilt_deg=-0.1)
    with pytest.raises(InputError, match=r"^pose_sigma_deg"):
        given_sigma(None, float("nan"))
    with pytest.raises(InputError, match=r"^pose_sigma_mm is a 1-sigma, a number"):
        given_sigma((0.1, 0.2), None)
    with pytest.raises(InputError, match="share"):
        result.safe_core(95, np.ones(SHAPE))
    with pytest.raises(InputError, match="shape"):
        result.safe_core(0.95, np.ones((3, 3)))


def test_the_picture_tells_what_is_safe(slab):
    result = run(slab, pose_sigma_mm=0.1)
    state = result.state
    assert confidence_drawings(state, Certainty.of(state, {}, None)) == []
    ((name, _),) = confidence_drawings(state, Certainty.of(state, {}, given_sigma(0.1, None)))
    assert name == "10_confidence"
    figure = draw_confidence(
        result.confidence, state.image, state.alignment, state.regions, state.labels,
        spread=str(given_sigma(0.1, None)), atlas=state.atlas,
    )  # fmt: skip
    texts = " ".join(text.get_text() for text in figure.texts)
    part = (result.confidence >= 0.95).mean()
    assert f"{part:.0%} of the pixels in regions are safe" in texts
    assert "0.1 mm within the image plane" in texts
    shown = figure.axes[0].images[0].get_array()
    assert np.array_equal(shown, result.confidence)


def test_verbose_saves_the_picture_where_something_is_known(slab, tmp_path, monkeypatch):
    monkeypatch.setattr("brainreg3d.pictures.drawings_of", lambda *_: [])  # the others take long
    for name, sigma in (("known", 0.1), ("unknown", None)):
        reg = BrainReg3D(
            np.zeros(SHAPE, np.uint8), pixel_size_mm=(PIXEL_MM,) * 2, alignment=Pose(CENTER_MM),
            camera_distance_mm=None, atlas=slab, brain_regions=["ANT"], stem=name,
            output_dir=tmp_path, verbose="save", pose_sigma_mm=sigma,
        )  # fmt: skip
        reg.run(until="PixelLabeller")
    assert [path.parent.name for path in tmp_path.rglob("10_confidence.png")] == ["known_plots"]


def test_poses_are_drawn_once_for_files_pictures_and_the_result(slab, tmp_path, monkeypatch):
    """A loaded result draws them again, and to the same end."""
    monkeypatch.setattr("brainreg3d.pictures.drawings_of", lambda *_: [])  # the others take long
    draws = []

    def counted(*arguments, **options):
        draws.append(arguments)
        return label_confidence(*arguments, **options)

    monkeypatch.setattr("brainreg3d.confidence.label_confidence", counted)
    monkeypatch.setattr("brainreg3d.result._certain.label_confidence", counted)
    reg = BrainReg3D(
        np.zeros(SHAPE, np.uint8), pixel_size_mm=(PIXEL_MM,) * 2, alignment=Pose(CENTER_MM),
        camera_distance_mm=None, atlas=slab, brain_regions=["ANT"], stem="once",
        output_dir=tmp_path, formats="labels,ome,report", verbose="save", pose_sigma_mm=0.1,
    )  # fmt: skip
    result = reg.run()
    with tifffile.TiffFile(tmp_path / "once_labels.ome.tif") as tif:
        written = [series.asarray() for series in tif.series]
    assert any(np.array_equal(picture, result.confidence) for picture in written)
    assert len(draws) == 1
    again = BrainReg3D.load(tmp_path, atlas=slab)
    assert np.array_equal(again.confidence, result.confidence)
    assert len(draws) == 2
