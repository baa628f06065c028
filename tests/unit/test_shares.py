"""Shares of cells against a loop over all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainreg3d.atlas import Annotation
from brainreg3d.atlas.shares import cell_shares, cells_along


@given(st.integers(0, 2**32 - 1))
def test_shares_are_counts_of_voxels(seed):
    draw = np.random.default_rng(seed)
    shape, voxels = draw.integers(1, 12, 3), draw.integers(1, 5, 3)
    index = draw.integers(0, 4, shape).astype(np.uint16)
    annotation = Annotation(index, np.arange(4, dtype=np.uint32), (0.1, 0.1, 0.1))
    member = draw.random(4) < 0.5
    low = draw.integers(-3, 6, 3)
    high = low + draw.integers(1, 8, 3)
    found = cell_shares(annotation, member, voxels, low, high)
    assert found.shape == tuple(high - low)
    assert found.dtype == np.float32
    for place in np.ndindex(found.shape):
        start = (low + place) * voxels
        box = tuple(slice(max(a, 0), max(a + n, 0)) for a, n in zip(start, voxels, strict=True))
        expected = np.count_nonzero(member[index[box]]) / voxels.prod()
        assert found[place] == pytest.approx(expected, abs=1e-6)
    assert cells_along(annotation, voxels).tolist() == np.ceil(shape / voxels).tolist()
