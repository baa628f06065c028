"""Borders of labels, against Shapely's reading of the polygons."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapely.geometry import MultiPolygon, Polygon

from brainreg3d.borders import label_borders

LABELS = arrays(
    np.uint16,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.integers(0, 2) | st.sampled_from([0, 300]),
)


def shape_of(pieces):
    return MultiPolygon([Polygon(piece.outer, piece.holes) for piece in pieces])


def inside(shape, size):
    rows, cols = np.indices(size)
    return shapely.contains_xy(shape, (cols + 0.5).ravel(), (rows + 0.5).ravel()).reshape(size)


@given(LABELS)
def test_polygons_are_valid_and_enclose_exactly_their_pixels(labels):
    borders = label_borders(labels)
    assert list(borders) == [label for label in np.unique(labels) if label]
    for label, pieces in borders.items():
        shape = shape_of(pieces)
        assert shape.is_valid, shapely.is_valid_reason(shape)
        assert shape.area == (labels == label).sum()
        np.testing.assert_array_equal(inside(shape, labels.shape), labels == label)


@given(LABELS)
def test_outer_borders_and_holes_run_in_opposite_ways(labels):
    for pieces in label_borders(labels).values():
        for piece in pieces:
            # Shapely's axes grow to the right and up: clockwise on the screen is the other way.
            assert Polygon(piece.outer).exterior.is_ccw
            assert not any(Polygon(hole).exterior.is_ccw for hole in piece.holes)


@given(LABELS)
def test_corners_are_where_the_border_turns(labels):
    for pieces in label_borders(labels).values():
        for piece in pieces:
            for ring in piece.rings:
                steps = np.roll(ring, -1, axis=0) - ring
                assert ((steps != 0).sum(axis=1) == 1).all(), "along rows and columns in turn"
                assert ((steps[:, 0] != 0) != (np.roll(steps[:, 0], 1) != 0)).all()


def test_pixels_that_touch_at_a_corner_are_two_pieces():
    (first, second) = label_borders(np.eye(2, dtype=int))[1]
    assert first.outer.tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]
    assert second.outer.tolist() == [[1, 1], [2, 1], [2, 2], [1, 2]]


def test_a_ring_that_closes_at_a_corner_has_a_hole():
    """Walked round at one go its border would touch itself, which no polygon may."""
    labels = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]])
    (piece,) = label_borders(labels)[1]
    assert len(piece.holes) == 1
    assert Polygon(piece.outer).area - Polygon(piece.holes[0]).area == 7
    assert Polygon(piece.outer, piece.holes).is_valid


def test_an_island_in_a_hole_is_a_piece_of_its_own():
    labels = np.zeros((5, 5), int)
    labels[:, [0, -1]] = labels[[0, -1]] = labels[2, 2] = 7
    around, island = label_borders(labels)[7]
    assert [len(around.holes), len(island.holes)] == [1, 0]
    assert island.outer.min(axis=0).tolist() == [2, 2]


@pytest.mark.parametrize("shape", [(1, 1), (3, 4)])
def test_no_label_no_border(shape):
    assert label_borders(np.zeros(shape, np.uint16)) == {}
