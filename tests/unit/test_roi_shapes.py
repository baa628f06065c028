"""Which pixels shapes cover, against other ways to find out."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from skimage.draw import line
from skimage.measure import points_in_poly

from brainreg3d.borders import label_borders
from brainreg3d.lookup.shapes import fill_ellipse, fill_rectangle, fill_rings, trace_lines

SIZE = 24


def picture(pixels, size=SIZE):
    """Paint pixels, and see to it that none is there twice."""
    rows, cols = pixels
    painted = np.zeros((size, size), np.int64)
    np.add.at(painted, (rows, cols), 1)
    assert painted.max(initial=0) <= 1
    return painted.astype(bool)


def centers(size=SIZE):
    rows, cols = np.mgrid[:size, :size]
    return cols + 0.5, rows + 0.5


@given(
    st.lists(
        st.tuples(st.floats(0, SIZE, width=32), st.floats(0, SIZE, width=32)),
        min_size=3,
        max_size=8,
        unique=True,
    ),
    st.integers(0, 2**31),
)
def test_polygons_hold_the_centres_that_lie_inside(corners, seed):
    # A little noise, so that no centre lies on an edge and every rule is the same.
    noise = np.random.default_rng(seed).normal(0, 1e-3, (len(corners), 2))
    ring = np.clip(np.array(corners) + noise, 0, SIZE)
    x, y = centers()
    inside = points_in_poly(np.stack([x.ravel(), y.ravel()], axis=1), ring).reshape(x.shape)
    assert np.array_equal(picture(fill_rings([ring])), inside)


@given(arrays(np.bool_, (9, 9)))
def test_outlines_of_pixels_hold_these_pixels(mask):
    """Corners between pixels, holes and parts that touch at a corner included."""
    rings = [r for pieces in label_borders(mask.astype(np.uint8)).values() for p in pieces
             for r in p.rings]  # fmt: skip
    assert np.array_equal(picture(fill_rings(rings), 9), mask)


def test_triangles_side_by_side_share_no_pixel_and_leave_none():
    """All corners and edges run through pixel centres here."""
    corners = [(0.5, 0.5), (20.5, 0.5), (20.5, 20.5), (0.5, 20.5)]
    whole = picture(fill_rings([np.array(corners)]))
    counts = np.zeros(whole.shape, int)
    middle = (10.5, 10.5)
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        counts += picture(fill_rings([np.array([start, end, middle])]))
    assert whole.sum() == 400
    assert np.array_equal(counts, whole)


def test_centres_on_edges_are_as_imagej_has_them():
    """Its PolygonFiller: outside on a left boundary, inside on a right one."""
    ends_right = picture(fill_rings([np.array([(0, 0), (4, 4), (0, 4)])]))
    begins_left = picture(fill_rings([np.array([(0, 0), (4, 0), (4, 4)])]))
    rows, cols = np.mgrid[:SIZE, :SIZE]
    square = (rows < 4) & (cols < 4)
    assert np.array_equal(ends_right, square & (cols <= rows))
    assert np.array_equal(begins_left, square & (cols > rows))


def test_a_hole_is_left_out():
    outer = np.array([(2, 2), (12, 2), (12, 12), (2, 12)])
    inner = np.array([(5, 5), (8, 5), (8, 8), (5, 8)])
    found = picture(fill_rings([outer, inner]))
    assert found.sum() == 100 - 9
    assert not found[5:8, 5:8].any()


def test_nothing_is_inside_of_less_than_a_triangle():
    assert fill_rings([])[0].size == 0
    assert fill_rings([np.array([(1, 1), (5, 5)])])[0].size == 0
    assert fill_rings([np.array([(1, 1), (5, 5), (9, 9)])])[0].size == 0
    assert fill_ellipse(2, 2, 0, 5)[0].size == 0
    assert fill_rectangle(2, 2, 0, 5)[0].size == 0


@given(st.floats(0, 6), st.floats(0, 6), st.floats(0.1, 16), st.floats(0.1, 16))
def test_ellipses_hold_the_centres_that_lie_inside(left, top, width, height):
    x, y = centers()
    off = ((x - left - width / 2) / (width / 2)) ** 2 + ((y - top - height / 2) / (height / 2)) ** 2
    found = picture(fill_ellipse(left, top, width, height))
    sure = np.abs(off - 1) > 1e-9
    assert np.array_equal(found[sure], (off < 1)[sure])


def test_a_disc_has_its_area():
    rows, cols = fill_ellipse(0, 0, 2000, 2000)
    assert rows.size == pytest.approx(np.pi * 1000**2, rel=1e-4)
    assert (rows.mean(), cols.mean()) == pytest.approx((999.5, 999.5))


@given(st.floats(0, 6), st.floats(0, 6), st.floats(0.1, 16), st.floats(0.1, 16))
def test_rectangles_hold_the_centres_that_lie_inside(left, top, width, height):
    x, y = centers()
    inside = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
    near = np.minimum(np.abs(x - left - width), np.abs(y - top - height)) < 1e-9
    found = picture(fill_rectangle(left, top, width, height))
    assert np.array_equal(found[~near], inside[~near])


def test_rounded_corners_are_left_out():
    rows, _ = fill_rectangle(0, 0, 1000, 600, arc=200)
    assert rows.size == pytest.approx(1000 * 600 - (4 - np.pi) * 100**2, rel=1e-4)


@given(*[st.integers(0, SIZE - 1)] * 4)
def test_lines_have_the_pixels_that_they_pass(row, col, last_row, last_col):
    found = picture(trace_lines(np.array([(col, row), (last_col, last_row)])))
    rows, cols = line(row, col, last_row, last_col)
    assert found.sum() == len(rows)
    assert found[row, col]
    assert found[last_row, last_col]
    # Where a line passes midway between two pixels, either of them may be taken.
    other = picture((rows, cols))
    for r, c in zip(*np.nonzero(found & ~other), strict=True):
        around = other[max(0, r - 1) : r + 2, max(0, c - 1) : c + 2]
        assert around.any()


def test_a_line_with_corners_has_each_pixel_once():
    found = picture(trace_lines(np.array([(2, 2), (10, 2), (10, 9), (2, 2)])))
    assert found[2, 2:11].all()
    assert found[2:10, 10].all()
