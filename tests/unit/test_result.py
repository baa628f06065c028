"""What a run gives back, made by hand."""

import numpy as np
import pytest

from brainreg3d.atlas import select_regions
from brainreg3d.result import Result
from brainreg3d.state import Labels, State


def test_masks_are_made_once_and_cannot_be_written_to(tiny_atlas):
    """`result.masks[i]` in a loop must not make all masks again for each."""
    labels = np.array([[0, 1, 2], [2, 2, 0]], np.uint16)
    state = State(
        regions=select_regions(tiny_atlas, ["ANT", "POST"]),
        labels=Labels(labels, labels.astype(np.uint8), labels.astype(np.float32)),
    )
    result = Result(state)
    assert result.masks is result.masks
    assert np.array_equal(result.masks, [labels == 1, labels == 2])
    with pytest.raises(ValueError, match="read-only"):
        result.masks[0, 0, 0] = True
