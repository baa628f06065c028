"""Matching images by their vessels, against vessels drawn at known places."""

import concurrent.futures

import numpy as np
import pytest
import scipy.fft
import vessel_images as vi
from hypothesis import given
from hypothesis import strategies as st

from brainreg3d.errors import ImageError, InputError
from brainreg3d.matching import match_images
from brainreg3d.matching.plane_map import PlaneMap, decompose, fit_similarity, similarity
from brainreg3d.matching.search import SCALE_STEP, scale_steps
from brainreg3d.matching.vessels import vessel_map


@pytest.fixture(scope="module")
def lines():
    return vi.tree(1)


@pytest.fixture(scope="module")
def old(lines):
    return vi.spoil(vi.draw(lines), 0)


@pytest.mark.parametrize(
    ("turn", "scale", "shift"),
    [(0, 1, (0, 0)), (15, 1.05, (-20, 30)), (-12, 0.95, (25, 10)), (170, 1.0, (8, -15))],
)
def test_a_moved_image_is_found(lines, old, turn, scale, shift):
    truth = vi.similarity(turn, scale, shift)
    new = vi.spoil(vi.draw(vi.changed(lines, 9), truth), 3)
    match = match_images(new, old)
    assert match.trusted
    assert not match.doubt
    assert not match.mirrored
    assert vi.error_px(match.matrix, truth) < 1.0
    assert abs(match.rotation_deg - turn) < 0.4
    assert match.scale == pytest.approx(scale, rel=0.005)
    assert np.allclose(match.translation_px, shift, atol=1.0)
    assert match.quality > 0.5
    assert match.runner_up < 0.2
    corner = match.to_old([[0, 0], [5, 7]])
    assert np.allclose(corner, match.matrix @ [0, 0, 1] + [[0, 0], match.matrix[:, :2] @ [5, 7]])


def test_a_mirrored_image_is_found_and_said_to_be_mirrored(lines, old):
    truth = vi.similarity(20, 1.02, (5, -9), mirrored=True)
    match = match_images(vi.spoil(vi.draw(lines, truth), 4), old)
    assert match.trusted
    assert match.mirrored
    assert vi.error_px(match.matrix, truth) < 1.0
    assert match.quality > match.mirror_quality + 0.3


def test_a_turned_camera(lines, old):
    match = match_images(np.rot90(old), old)
    # np.rot90 puts what was at (row, column) at (last column - column, row).
    assert np.allclose(match.to_old([299, 0]), (0, 0), atol=0.5)
    assert np.allclose(match.to_old([0, 239]), (239, 299), atol=0.5)
    assert match.trusted


def test_another_binning(lines, old):
    new = old.reshape(120, 2, 150, 2).mean((1, 3))
    truth = np.array([[2, 0, 0.5], [0, 2, 0.5]])
    match = match_images(new, old)
    assert match.trusted
    assert vi.error_px(match.matrix, truth, new.shape) < 0.5
    assert match.scale == pytest.approx(2, rel=0.003)
    known = match_images(
        new, old, moving_pixel_size_mm=(0.042, 0.042), fixed_pixel_size_mm=(0.02, 0.02)
    )
    assert known.scale == pytest.approx(0.04 / 0.042, rel=0.003)
    assert vi.error_px(known.matrix, truth, new.shape) < 0.5


def test_a_scale_that_nobody_expects(lines, old):
    truth = vi.similarity(30, 0.6, (10, 5))
    match = match_images(
        vi.draw(lines, truth), old, moving_pixel_size_mm=(0.02, 0.02),
        fixed_pixel_size_mm=(0.02, 0.02),
    )  # fmt: skip
    assert match.trusted
    assert vi.error_px(match.matrix, truth) < 1.0


def test_pixels_that_are_not_square(lines, old):
    stretched = np.repeat(old, 2, axis=1)  # twice as many columns, half as wide
    match = match_images(
        stretched, old, moving_pixel_size_mm=(0.02, 0.01), fixed_pixel_size_mm=(0.02, 0.02)
    )
    assert match.trusted
    assert match.scale == pytest.approx(1, rel=0.003)
    truth = np.array([[1, 0, 0], [0, 0.5, -0.25]])
    assert vi.error_px(match.matrix, truth, stretched.shape) < 0.2


@pytest.mark.parametrize(
    "convert",
    [
        lambda image: (image // 257).astype(np.uint8),
        lambda image: np.minimum(image, np.percentile(image, 60)),
        lambda image: image.astype(np.float32) / 65535 - 7,
        lambda image: image.astype(np.int64) * 1_000_000,
    ],
    ids=["8 bits", "saturated", "reals", "large integers"],
)
def test_other_grey_values_change_little(old, convert):
    match = match_images(convert(old), old)
    assert match.trusted
    assert vi.error_px(match.matrix, vi.similarity(0, 1, (0, 0))) < 0.3


def test_another_animal_in_the_same_window_is_refused(old):
    sinus = np.column_stack([np.linspace(0, 240, 900), np.full(900, 150.0), np.full(900, 3.0)])
    here, there = (vi.spoil(vi.draw([sinus, *vi.tree(seed)]), seed) for seed in (1, 2))
    match = match_images(there, here)
    assert not match.trusted
    assert match.doubt
    assert match.quality < 0.25


def test_what_shows_no_brain_is_refused(old):
    # The window's rim and its noise, and nothing at all.
    for image in (vi.spoil(vi.with_rim(np.full(vi.SHAPE, 0.8)), 5), np.full(vi.SHAPE, 9)):
        match = match_images(image, old)
        assert not match.trusted
        assert match.doubt


def test_a_pattern_that_repeats_is_refused():
    rows, cols = np.indices(vi.SHAPE)
    lattice = 1000 - 300.0 * ((rows % 24 < 3) | (cols % 24 < 3))
    assert not match_images(lattice, lattice).trusted


def test_threads_change_nothing(old, lines):
    new = vi.spoil(vi.draw(lines, vi.similarity(5, 1.01, (3, 4))), 8)
    alone = match_images(new, old)
    with scipy.fft.set_workers(3), concurrent.futures.ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda _: match_images(new, old), range(2)))
    for match in together:
        assert match.matrix.tobytes() == alone.matrix.tobytes()
        assert match.quality == alone.quality


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.full((50, 50), np.nan), "NaN"),
        (np.zeros((50, 50, 3)), "rows x columns"),
        (np.zeros((10, 50)), "at least 32"),
        (np.full((50, 50), "a"), "grey"),
    ],
)
def test_what_is_no_image(old, bad, said):
    with pytest.raises(ImageError, match=said):
        match_images(bad, old)
    with pytest.raises(ImageError, match=said):
        match_images(old, bad)


def test_an_impossible_pixel_size(old):
    with pytest.raises(InputError, match="mm"):
        match_images(old, old, moving_pixel_size_mm=(20, 20))


def test_vessels_are_seen_in_any_light(lines):
    light = vi.draw(lines)
    vessels = vessel_map(vi.spoil(light, 2).astype(np.float32))
    dimmer = vessel_map(vi.spoil(light, 6).astype(np.float32))
    inner = np.s_[60:180, 60:240]
    dark = light[inner] < np.quantile(light[inner], 0.05)
    assert vessels.ridge[inner][dark].mean() > 0.3
    assert vessels.ridge[inner][~dark].mean() < 0.02
    assert np.corrcoef(vessels.ridge[inner].ravel(), dimmer.ridge[inner].ravel())[0, 1] > 0.7
    assert vessels.brain[inner].mean() > 0.97


@given(
    turn=st.floats(-179, 179), scale=st.floats(0.3, 3), mirrored=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_similarities(turn, scale, mirrored, seed):
    linear = similarity(turn, scale, mirrored)
    assert np.allclose(decompose(linear), (turn, scale, mirrored))
    rng = np.random.default_rng(seed)
    here, there, points = rng.normal(size=2), rng.normal(size=2), rng.normal(size=(9, 2))
    one = PlaneMap.about(linear, here, there)
    assert np.allclose(one(here), there)
    assert np.allclose(one.inverse(one(points)), points)
    assert np.allclose((one @ one.inverse).matrix, [[1, 0, 0], [0, 1, 0]])
    if not mirrored:
        noisy = one(points) + rng.normal(0, 0.1, points.shape)
        weights = rng.uniform(0.1, 2, 9)
        found = fit_similarity(points, noisy, weights)
        # The same by solving the normal equations of (a, b, shift): rows a r - b c, b r + a c.
        r, c = points.T
        ones, zeros = np.ones(9), np.zeros(9)
        design = np.concatenate(
            [np.stack([r, -c, ones, zeros], 1), np.stack([c, r, zeros, ones], 1)]
        )
        root = np.sqrt(np.concatenate([weights, weights]))
        a, b, down, along = np.linalg.lstsq(
            design * root[:, None], noisy.T.ravel() * root, rcond=None
        )[0]
        assert np.allclose(found.matrix, [[a, -b, down], [b, a, along]])


def test_a_positive_turn_is_counter_clockwise_in_the_picture():
    right = similarity(90, 1) @ (0, 1)  # (row, column)
    assert np.allclose(right, (-1, 0))  # up: rows grow downwards


@given(low=st.floats(0.2, 0.99), high=st.floats(1.01, 5))
def test_no_scale_lies_far_from_all_that_are_tried(low, high):
    steps = np.array(scale_steps(low, high))
    for scale in np.geomspace(low, high, 50):
        assert np.abs(np.log(steps / scale)).min() <= np.log(SCALE_STEP) / 2 + 1e-9
