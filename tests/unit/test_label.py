import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d.atlas import select_regions
from brainreg3d.errors import InputError
from brainreg3d.state import Samples, Visibility, VisibleSamples
from brainreg3d.steps import PixelLabeller

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
        if np.hypot(x - col, y - row)[nearest].min() > gap:
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
