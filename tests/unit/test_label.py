import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d.atlas import select_regions
from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.state import Alignment, Projections, Samples, Visibility, VisibleSamples
from brainreg3d.steps import DepthResolver, PixelLabeller, Projector

SHAPE = (14, 19)


def visible_of(region, x, y, depth=None, right=None, cell_px=1, n_regions=2):
    n = len(region)
    samples = Samples(
        np.asarray(region, np.uint16), np.zeros(n, np.uint32), np.asarray(x, float),
        np.asarray(y, float), np.zeros(n) if depth is None else np.asarray(depth, float),
        np.zeros(n, bool) if right is None else np.asarray(right, bool),
    )  # fmt: skip
    reports = tuple(Visibility(name, 1, 1) for name in ["ANT", "POST", "MARK"][:n_regions])
    return VisibleSamples(samples, SHAPE, cell_px, reports)


def samples_of(region, x, depth, right):
    n = len(region)
    return Samples(
        np.asarray(region, np.uint16), np.zeros(n, np.uint32), np.asarray(x, float), np.zeros(n),
        np.asarray(depth, float), np.asarray(right, bool),
    )  # fmt: skip


def label(atlas, visible, window_mask=None, **parameters):
    names = [report.acronym for report in visible.visibility]
    return PixelLabeller(**parameters).compute(
        regions=select_regions(atlas, names), visible=visible, window_mask=window_mask
    )


def test_one_sample_a_pixel_passes_through(tiny_atlas):
    draw = np.random.default_rng(0)
    chosen = draw.random(SHAPE) < 0.6
    y, x = np.nonzero(chosen)
    region = draw.integers(0, 3, len(x))
    depth = draw.random(len(x))
    right = draw.random(len(x)) < 0.5
    result = label(tiny_atlas, visible_of(region, x, y, depth, right))
    expected = np.zeros(SHAPE, int)
    expected[y, x] = region
    assert np.array_equal(result.labels, expected)
    assert result.labels.dtype.kind == "u"
    sides = np.zeros(SHAPE, int)
    sides[y, x] = np.where(right, 2, 1)
    assert np.array_equal(result.hemisphere, sides)
    assert np.array_equal(np.isnan(result.depth_mm), ~chosen)
    assert np.allclose(result.depth_mm[y, x], depth)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 11]), st.sampled_from([1.5, 4, 100]))
def test_votes_of_the_nearest(tiny_atlas, seed, n_neighbors, gap):
    """By hand: distances in scaled coordinates, ties of votes to the nearest of the winners."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(2, 40))
    x, y = draw.uniform(0, SHAPE[1] - 1, n), draw.uniform(0, SHAPE[0] - 1, n)
    region = draw.integers(0, 3, n)
    visible = visible_of(region, x, y, cell_px=2)
    result = label(tiny_atlas, visible, n_neighbors=n_neighbors, max_gap_px=float(gap))
    for row, col in itertools.product(range(SHAPE[0]), range(SHAPE[1])):
        scaled = np.hypot((x - col) / x.std(), (y - row) / y.std())
        nearest = np.argsort(scaled)[:n_neighbors]
        if np.hypot(x - col, y - row).min() > gap:
            assert result.labels[row, col] == 0
            assert result.hemisphere[row, col] == 0
            continue
        votes = region[nearest].tolist()
        most = max(votes.count(v) for v in votes)
        winner = next(v for v in votes if votes.count(v) == most)
        assert result.labels[row, col] == winner


def test_the_gap_is_one_and_a_half_cells_by_default(tiny_atlas):
    result = label(tiny_atlas, visible_of([1], [0.0], [0.0], cell_px=4), n_neighbors=11)
    rows, cols = np.nonzero(result.labels)
    assert np.hypot(rows, cols).max() <= 6
    assert result.labels[6, 0] == 1
    assert result.labels[7, 0] == 0
    assert result.labels[0, 6] == 1


def test_the_gap_is_that_to_the_nearest_sample_in_pixels(tiny_atlas):
    """A cloud 100 times as wide as high: scaled to unit variance, "nearest" is another sample."""
    x, y = [2.0, 4.0, 6.0, 18.0, 0.0, 9.0], [5.0, 5.02, 4.98, 5.0, 5.2, 5.15]
    gap = 2.9
    result = label(tiny_atlas, visible_of([1] * 6, x, y, cell_px=2), max_gap_px=gap)
    rows, cols = np.indices(SHAPE)
    distance = np.hypot(rows[..., None] - y, cols[..., None] - x).min(axis=-1)
    assert np.array_equal(result.labels == 1, distance <= gap)


def test_pixels_outside_the_window_have_no_region(tiny_atlas):
    y, x = np.indices(SHAPE).reshape(2, -1)
    mask = np.zeros(SHAPE, bool)
    mask[3:8, 4:9] = True
    result = label(tiny_atlas, visible_of(np.ones(len(x)), x, y), window_mask=mask)
    assert np.array_equal(result.labels == 1, mask)
    assert np.array_equal(result.hemisphere > 0, mask)
    assert np.array_equal(np.isfinite(result.depth_mm), mask)


def test_one_hemisphere_only(tiny_atlas):
    y, x = np.indices(SHAPE).reshape(2, -1)
    right = x >= 10
    visible = visible_of(np.where(right, 1, 2), x, y, right=right)
    for side, name, wanted in (("right", "POST", x >= 10), ("left", "ANT", x < 10)):
        result = label(tiny_atlas, visible, hemisphere=side)
        assert np.array_equal(result.labels > 0, wanted.reshape(SHAPE))
        assert side in result.unseen[name]
        assert np.array_equal(result.hemisphere, np.where(right, 2, 1).reshape(SHAPE))


def projected(atlas, regions, **view):
    """Project and resolve the tiny brain, 40 x 72 pixels of 0.1 mm seen from above."""
    view = {"shape": (72, 40), "pose": Pose((2.0, 3.6, 4.0)), "camera": Camera(None), **view}
    alignment = Alignment(ImageView(pixel_size_mm=(0.1, 0.1), **view))
    chosen = select_regions(atlas, regions)
    projections = Projector().compute(atlas=atlas, regions=chosen, alignment=alignment)
    visible = DepthResolver().compute(atlas=atlas, regions=chosen, projections=projections)
    return {"atlas": atlas, "regions": chosen, "projections": projections, "visible": visible}


def test_reasons_in_the_half_that_is_labelled(tiny_atlas, log):
    """MARK lies on the right, DEEP below ANT in the left half and right of the midline too."""
    results = projected(tiny_atlas, ["MARK", "DEEP", "BULB"])
    unseen = PixelLabeller(hemisphere="left").compute(**results).unseen
    assert unseen["MARK"] == "seen only in the right hemisphere, not in the left"
    assert unseen["DEEP"] == "hidden by CTX (100%)"
    assert "BULB" not in unseen
    assert not any("No region is visible" in message for message in log)


def test_a_region_seen_on_one_side_and_hidden_on_the_other(tiny_atlas):
    """What hides it there is named: five samples of POST on the left, behind ANT and tissue."""
    left, right = [False] * 5, [True] * 4
    front = samples_of([1, 1, 1, 0, 0, 2, 2, 2, 2], range(9), [1.0] * 9, left + right)
    behind = samples_of([2] * 5, range(5), [3.0] * 5, left)
    reports = (Visibility("ANT", 3, 3), Visibility("POST", 9, 4))
    visible = VisibleSamples(front, SHAPE, 1, reports)
    projections = Projections(Samples.concatenate([front, behind]), SHAPE, "test")
    result = PixelLabeller(hemisphere="left").compute(
        regions=select_regions(tiny_atlas, ["ANT", "POST"]), visible=visible,
        projections=projections,
    )  # fmt: skip
    assert result.unseen == {"POST": "hidden by ANT (60%), other tissue (40%)"}


def test_reasons_in_the_window(tiny_atlas, log):
    """A window over the right half of the rows behind ANT shows POST alone."""
    results = projected(tiny_atlas, ["ANT", "MARK", "DEEP", "POST"])
    window = np.zeros((72, 40), bool)
    window[48:, 20:] = True  # y below 2.4 mm; ANT begins at 3 mm, DEEP ends at 2.7 mm
    unseen = PixelLabeller().compute(**results, window_mask=window).unseen
    assert "POST" not in unseen
    assert unseen["ANT"] == unseen["MARK"] == "seen only outside the imaging window"
    assert unseen["DEEP"].startswith("hidden by ")
    assert not any("No region is visible" in message for message in log)


def test_an_image_that_sees_no_region_at_all_is_warned_of(tiny_atlas, log):
    """As a whole; regions beside the window or in the other half do not count as unseen."""
    window = np.zeros((72, 40), bool)
    results = projected(tiny_atlas, ["ANT"])
    assert set(PixelLabeller().compute(**results, window_mask=window).unseen) == {"ANT"}
    assert not any("No region is visible" in message for message in log)
    results = projected(tiny_atlas, ["ANT"], pose=Pose((40.0, 3.6, 4.0)))
    assert PixelLabeller().compute(**results).unseen == {"ANT": "outside the image"}
    assert any("No region is visible" in message for message in log)


def test_more_neighbours_than_samples(tiny_atlas):
    visible = visible_of([1, 2], [1.0, 17.0], [7.0, 7.0], cell_px=10)
    result = label(tiny_atlas, visible, n_neighbors=99)
    # both vote with one voice each: the nearer one wins
    assert result.labels[7, 1] == 1
    assert result.labels[7, 17] == 2


def test_no_samples_at_all(tiny_atlas, log):
    for parameters in ({}, {"n_neighbors": 11}):
        result = label(tiny_atlas, visible_of([], [], []), **parameters)
        assert not result.labels.any()
        assert set(result.unseen) == {"ANT", "POST"}
    assert any("No region is visible" in message for message in log)


@pytest.mark.parametrize("positions", [([3.0, 9.0], [5.0, 5.0]), ([4.0, 4.0], [5.0, 5.0])])
def test_samples_on_one_line_do_not_divide_by_zero(tiny_atlas, positions):
    result = label(tiny_atlas, visible_of([1, 1], *positions, cell_px=10), n_neighbors=3)
    assert set(np.unique(result.labels)) <= {0, 1}
    assert result.labels[5, 4] == 1


@pytest.mark.parametrize(
    "parameters",
    [{"n_neighbors": 0}, {"n_neighbors": 1.5}, {"max_gap_px": 0.0}, {"max_gap_px": float("nan")},
     {"max_gap_px": float("inf")}, {"hemisphere": "right side"}],
    ids=str,
)  # fmt: skip
def test_bad_parameters(parameters):
    with pytest.raises(InputError, match=next(iter(parameters))):
        PixelLabeller(**parameters)
