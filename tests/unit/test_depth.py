import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d.atlas import select_regions
from brainreg3d.errors import InputError
from brainreg3d.state import Projections, Samples
from brainreg3d.steps import DepthResolver

SHAPE = (23, 31)


def samples_of(region, ids, x, y, depth):
    return Samples(
        np.asarray(region, np.uint16), np.asarray(ids, np.uint32), np.asarray(x, float),
        np.asarray(y, float), np.asarray(depth, float), np.zeros(len(region), bool),
    )  # fmt: skip


def resolve(atlas, samples, regions, cell_px):
    return DepthResolver(cell_px=cell_px).compute(
        atlas=atlas, regions=select_regions(atlas, regions),
        projections=Projections(samples, SHAPE, "test"),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 5, 10, 50]))
def test_the_nearest_of_each_cell_is_kept(tiny_atlas, seed, cell_px):
    draw = np.random.default_rng(seed)
    n = int(draw.integers(0, 400))
    ids = np.array([20, 11, 30])
    region = draw.integers(0, 3, n)
    samples = samples_of(
        region, ids[region], draw.uniform(-0.5, SHAPE[1] - 0.5001, n),
        draw.uniform(-0.5, SHAPE[0] - 0.5001, n), draw.integers(0, 50, n) / 10,
    )  # fmt: skip
    visible = resolve(tiny_atlas, samples, ["ANT", "MARK"], cell_px)
    nearest = {}
    for i in range(n):  # cell = floor((x + 1/2) / cell_px), by hand
        cell = tuple(
            int((position + 0.5) // cell_px) for position in (samples.y_px[i], samples.x_px[i])
        )
        key = (samples.depth_mm[i], int(samples.structure_id[i]))
        nearest[cell] = min(nearest.get(cell, key), key)
    kept = visible.samples
    cells = [
        (int((kept.y_px[i] + 0.5) // cell_px), int((kept.x_px[i] + 0.5) // cell_px))
        for i in range(len(kept))
    ]
    assert cells == sorted(nearest)
    for i, cell in enumerate(cells):
        assert (kept.depth_mm[i], int(kept.structure_id[i])) == nearest[cell]
    for place, (name, identifier) in enumerate([("ANT", 11), ("MARK", 30)], 1):
        report = visible.visibility[place - 1]
        assert report.acronym == name
        own = {
            (int((samples.y_px[i] + 0.5) // cell_px), int((samples.x_px[i] + 0.5) // cell_px))
            for i in range(n)
            if samples.region[i] == place
        }
        assert report.n_projected == len(own)
        assert report.n_visible == sum(nearest[cell][1] == identifier for cell in own)


@pytest.mark.parametrize("cell_px", [1, 3, 10])
def test_samples_off_the_image_do_not_count(tiny_atlas, cell_px):
    """A projector of one's own may give any; none may turn up in a cell at the other edge."""
    draw = np.random.default_rng(cell_px)
    n, (rows, cols) = 300, SHAPE
    region = draw.integers(0, 3, n)
    inside = samples_of(
        region, np.array([20, 11, 30])[region], draw.uniform(-0.5, cols - 0.501, n),
        draw.uniform(-0.5, rows - 0.501, n), draw.random(n),
    )  # fmt: skip
    away = [-0.51, -7.0, 1e9, -1e9, np.nan, np.inf]
    x = [*away, cols - 0.5, cols + 40.0, *[3.0] * 6, 4.0]
    y = [*[3.0] * 8, *away[:5], rows - 0.5, 4.0]
    depth = [*[-5.0] * 14, np.nan]  # nearer than all others; the last lies at no depth
    outside = samples_of([1] * 15, [11] * 15, x, y, depth)
    alone = resolve(tiny_atlas, inside, ["ANT", "MARK"], cell_px)
    together = resolve(tiny_atlas, Samples.concatenate([outside, inside]), ["ANT", "MARK"], cell_px)
    for name in ("region", "structure_id", "x_px", "y_px", "depth_mm"):
        assert np.array_equal(getattr(alone.samples, name), getattr(together.samples, name))
    assert together.visibility == alone.visibility


def test_order_of_samples_does_not_matter(tiny_atlas):
    draw = np.random.default_rng(5)
    n = 3000
    region = draw.integers(0, 3, n)
    samples = samples_of(
        region, np.array([20, 11, 30])[region], draw.integers(0, 31, n), draw.integers(0, 23, n),
        draw.integers(0, 3, n),
    )  # fmt: skip
    one = resolve(tiny_atlas, samples, ["ANT", "MARK"], 3).samples
    other = resolve(tiny_atlas, samples.take(draw.permutation(n)), ["ANT", "MARK"], 3).samples
    for name in ("region", "structure_id", "x_px", "y_px", "depth_mm"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_what_hides_a_region_is_named_with_its_share(tiny_atlas):
    """DEEP in four cells; POST before it in three, BULB in one."""
    samples = samples_of(
        [1] * 4 + [0] * 3 + [2], [21] * 4 + [312_782_593] * 3 + [40], [0, 1, 2, 3, 0, 1, 2, 3],
        [0] * 8, [5] * 4 + [1] * 4,
    )  # fmt: skip
    report = resolve(tiny_atlas, samples, ["DEEP", "BULB"], 1).visibility[0]
    assert (report.n_projected, report.n_visible) == (4, 0)
    # seen from DEEP (below SUB), the posterior area is "CTX"; BULB is asked for by its own name
    assert dict(report.hidden_by) == {"CTX": pytest.approx(0.75), "BULB": pytest.approx(0.25)}
    assert report.hidden_by[0][0] == "CTX"


def test_no_samples_at_all(tiny_atlas):
    visible = resolve(tiny_atlas, samples_of([], [], [], [], []), ["ANT"], 10)
    assert len(visible.samples) == 0
    assert visible.visibility[0].n_projected == 0


@pytest.mark.parametrize("cell_px", [0, -1, 2.5, True, "10", None])
def test_bad_cells(cell_px):
    with pytest.raises(InputError, match="cell_px"):
        DepthResolver(cell_px=cell_px)
