"""The outlines in the window against the labels of a run, which they are a promise of."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, distance_transform_edt
from tiny_brain import VISIBLE

from brainreg3d import BrainReg3D, Camera, ImageView, Pose
from brainreg3d.atlas import select_regions
from brainreg3d.gui.outlines import region_outlines

SHAPE = (700, 560)
COARSE_PX = 700 / 220  # pixels of the image for each of the outlines
VIEWS = {
    "level": ImageView(SHAPE, (0.01, 0.01), Pose((2.0, 3.4, 3.5)), Camera(None)),
    "tilted": ImageView(
        SHAPE, (0.01, 0.012), Pose((2.1, 3.4, 3.6), 12.0, -8.0, 16.0, mirrored=True),
        Camera(20.0, (150.0, 420.0)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_they_run_along_the_borders_of_the_labels(tiny_atlas, view):
    result = BrainReg3D(
        np.zeros(SHAPE), atlas=tiny_atlas, alignment=view, brain_regions=VISIBLE
    ).run(until="PixelLabeller")  # fmt: skip
    regions = select_regions(tiny_atlas, VISIBLE)
    seen = 0
    for outline in region_outlines(view, tiny_atlas, regions):
        inside = result.labels == outline.place + 1
        # Pixels on either side of the border; a region that goes on has none at the image's edge.
        border = inside ^ binary_erosion(inside, border_value=1)
        points = np.concatenate(outline.lines_px)
        rows, cols = np.clip(np.rint(points).astype(int), 0, np.array(SHAPE) - 1).T
        off = distance_transform_edt(~border)[rows, cols]
        assert np.percentile(off, 95) < 1.5 * COARSE_PX
        assert off.max() < 3 * COARSE_PX
        drawn = np.ones(SHAPE, bool)
        drawn[rows, cols] = False
        assert np.percentile(distance_transform_edt(drawn)[border], 95) < 2 * COARSE_PX
        if outline.middle_px is not None:
            row, col = np.rint(outline.middle_px).astype(int)
            assert inside[row, col], "its name stands on it"
            seen += 1
    assert seen >= 3


def test_regions_that_are_not_seen_have_none(tiny_atlas):
    away = ImageView((50, 60), (0.05, 0.05), Pose((90.0, 90.0, 9.0)))
    assert region_outlines(away, tiny_atlas, select_regions(tiny_atlas, VISIBLE)) == []


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1)])
def test_images_one_pixel_wide(tiny_atlas, shape):
    view = ImageView(shape, (0.005, 0.005), Pose((2.0, 3.4, 3.5)))
    found = region_outlines(view, tiny_atlas, select_regions(tiny_atlas, VISIBLE))
    assert len(found) >= 1
    assert all(outline.lines_px == () for outline in found), "a line has no inside"


def test_an_image_far_larger_than_the_brain(tiny_atlas):
    """Its coarse pixels are larger than pixels may be, which is nobody's business."""
    view = ImageView((900, 900), (0.5, 0.5), Pose((2.0, 3.4, 3.5)))
    for outline in region_outlines(view, tiny_atlas, select_regions(tiny_atlas, VISIBLE)):
        for line in outline.lines_px:
            assert np.abs(line - 449.5).max() < 20
