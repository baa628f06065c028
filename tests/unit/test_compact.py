import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.errors import AtlasError

SPACING = (0.1, 0.1, 0.1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_ids_come_back_exactly(seed):
    draw = np.random.default_rng(seed)
    pool = draw.integers(0, 2**32 - 1, int(draw.integers(1, 400)), dtype=np.uint32)
    volume = draw.choice(pool, tuple(draw.integers(1, 9, 3))) * (draw.random() < 0.9)
    volume = volume.astype(np.uint32)
    annotation = compact_annotation(volume, SPACING)
    assert np.array_equal(annotation.to_ids(), volume)
    assert annotation.ids[0] == 0
    assert np.all(np.diff(annotation.ids.astype(np.int64)) > 0)
    assert set(annotation.ids.tolist()) == set(np.unique(volume).tolist()) | {0}


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "u8", ">u4", "f4", "f8"])
def test_any_type_that_holds_whole_numbers(dtype):
    volume = np.arange(60).reshape(3, 4, 5).astype(dtype)
    assert np.array_equal(
        compact_annotation(volume, SPACING).to_ids(), np.arange(60).reshape(3, 4, 5)
    )


@pytest.mark.parametrize("order", ["C", "F", "flipped"])
def test_any_layout_in_memory(order):
    volume = np.random.default_rng(0).integers(0, 2**31, (4, 5, 6))
    given_as = {"C": volume, "F": np.asfortranarray(volume), "flipped": volume[::-1, ::-1]}[order]
    assert np.array_equal(compact_annotation(given_as, SPACING).to_ids(), given_as)


def test_many_ids():
    """65,536 is the most; one more is refused."""
    volume = np.arange(65536, dtype=np.uint32).reshape(16, 64, 64) * np.uint32(60001)
    assert np.array_equal(compact_annotation(volume, SPACING).to_ids(), volume)
    more = np.arange(1, 65536 + 65, dtype=np.uint32).reshape(-1, 8, 8)
    with pytest.raises(AtlasError, match="65536"):
        compact_annotation(more, SPACING)


@pytest.mark.parametrize(
    "volume",
    [
        np.full((2, 2, 2), 1.5),
        np.full((2, 2, 2), np.nan),
        np.full((2, 2, 2), np.inf),
        np.full((2, 2, 2), -1),
        np.full((2, 2, 2), -1.0),
        np.full((2, 2, 2), 2**32),
        np.full((2, 2, 2), 1e12),
        np.zeros((2, 2)),
        np.zeros((2, 2, 2, 3)),
        np.zeros((2, 2, 2), complex),
        np.full((2, 2, 2), "a"),
    ],
    ids=lambda v: f"{v.ndim}D {v.flat[0]}",
)
def test_what_is_no_annotation(volume):
    with pytest.raises(AtlasError):
        compact_annotation(volume, SPACING)


def test_the_largest_id():
    """2³² − 1 is a 32-bit number, and the table's own mark for an empty slot."""
    volume = np.zeros((2, 2, 2), np.uint32)
    volume[0, 1, 1] = 2**32 - 1
    try:
        annotation = compact_annotation(volume, SPACING)
    except AtlasError:
        return
    assert np.array_equal(annotation.to_ids(), volume)


def test_an_array_to_fill():
    volume = np.arange(8, dtype=np.uint32).reshape(2, 2, 2) * 7
    out = np.zeros((2, 2, 2), np.uint16)
    annotation = compact_annotation(volume, SPACING, out)
    assert np.array_equal(annotation.to_ids(), volume)
    assert np.shares_memory(annotation.index, out)
