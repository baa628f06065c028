"""The brain in the window, as arrays."""

import numpy as np
import pytest
from tiny_brain import POST_ID, make_atlas

from brainreg3d.atlas import select_regions
from brainreg3d.gui.brain_scene import make_brain_scene, make_surfaces


def layered(spacing_mm, first=60):
    """A block of POST of a mouse's size, with a layer of ANT that is two voxels thick in it."""
    volume = np.zeros((80, 264, 228), np.uint32)
    volume[20:70, 20:240, 20:208] = POST_ID
    volume[first : first + 2, 30:230, 30:70] = 11
    return make_atlas(volume, (spacing_mm,) * 3, "layered")


@pytest.mark.parametrize("spacing_mm", [0.05, 0.7], ids=["mouse", "human"])
@pytest.mark.parametrize("first", [60, 61])
def test_a_layer_of_the_cortex_has_a_surface(spacing_mm, first):
    """A hundred micrometres of a mouse's brain, wherever voxels are sampled."""
    atlas = layered(spacing_mm, first)
    surfaces = make_surfaces(atlas.annotation, select_regions(atlas, ["POST", "ANT"]))
    assert set(surfaces) == {"POST", "ANT", ""}
    points = surfaces["ANT"].vertices_mm / spacing_mm
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    assert np.allclose(middle, (50, 130, first + 1), atol=1.5)
    assert np.allclose(np.ptp(points, axis=0)[:2], (40, 200), atol=4)


def test_marks_of_the_mouse_stand_on_the_mouse_only():
    for spacing_mm, names in ((0.05, {"bregma", "1 mm rostral", "1 mm lateral"}), (0.7, set())):
        atlas = layered(spacing_mm)
        scene = make_brain_scene(atlas, select_regions(atlas, ["POST"]), "ibl")
        assert names == set(scene.marks_mm) & {"bregma", "1 mm rostral", "1 mm lateral"}
        assert len(scene.midline_mm) > 50
