"""What the window makes of an image before it shows it."""

import tracemalloc

import numpy as np
import pytest

from brainreg3d.gui.stage import _texture


def test_a_huge_image_takes_no_huge_memory():
    pixels = np.zeros((12_000, 4_000), np.uint8)
    pixels[:, 2_000:] = 255
    tracemalloc.start()
    try:
        shown = _texture(pixels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(shown.shape) <= 4096
    assert shown[:, : shown.shape[1] // 2].max() == 0
    assert shown[:, shown.shape[1] // 2 :].min() == 255
    assert peak < 4 * pixels.nbytes  # a copy of it in double precision alone would be 8


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (4096, 4), (4097, 4)])
def test_any_shape_can_be_shown(shape):
    shown = _texture(np.zeros(shape))
    assert shown.dtype == np.uint8
    assert min(shown.shape) >= 1
    assert max(shown.shape) <= 4096
