"""Known sizes of cortical areas seen from above."""

import numpy as np
import pytest

from brainreg3d import BrainReg3D, Pose

# Both sides, mm², seen from above in parallel light on the CCFv3 2017 annotation.
AREAS_MM2 = {
    "MOp": 6.9, "MOs": 12.8, "VISp": 8.75, "SSp-bfd": 5.1, "RSPd": 5.0, "RSPagl": 3.1,
    "SSp-ul": 2.8, "SSp-m": 2.5, "SSs": 2.5, "SSp-ll": 2.1, "VISa": 1.8,
}  # fmt: skip
# Right-side centroids, ML from the midline at 5.7 mm and AP (anterior +) from AP 5.4 mm.
CENTROIDS_MM = {
    "MOp": (2.11, 1.06), "MOs": (1.12, 1.83), "VISp": (2.63, -3.79), "SSp-bfd": (3.60, -1.28),
    "RSPd": (0.58, -2.29), "RSPagl": (1.15, -2.60), "SSp-ul": (2.68, 0.14), "SSp-m": (3.71, 0.95),
    "SSs": (4.56, -1.01), "SSp-ll": (1.89, -0.39), "VISa": (2.14, -1.80),
}  # fmt: skip
PIXEL_MM = 0.025


@pytest.fixture(scope="module")
def from_above(real_atlas):
    shape = (528, 456)  # rows along AP, columns along ML: the whole box
    return BrainReg3D(
        np.zeros(shape, np.uint8),
        pixel_size_mm=(PIXEL_MM, PIXEL_MM),
        alignment=Pose((5.7, 6.6, 8.0)),
        camera_distance_mm=None,
        atlas=real_atlas,
        brain_regions=list(AREAS_MM2),
    ).run()


@pytest.mark.parametrize("area", AREAS_MM2)
def test_area(area, from_above):
    measured = from_above.mask(area).sum() * PIXEL_MM**2
    assert measured == pytest.approx(AREAS_MM2[area], rel=0.05)


@pytest.mark.parametrize("area", CENTROIDS_MM)
def test_centroid(area, from_above):
    right = from_above.mask(area) & (from_above.hemisphere == 2)
    rows, cols = np.nonzero(right)
    ml = (cols.mean() + 0.5) * PIXEL_MM - 5.7
    ap = 5.4 - (rows.mean() + 0.5) * PIXEL_MM
    assert (ml, ap) == pytest.approx(CENTROIDS_MM[area], abs=0.05)


def test_both_sides_are_seen_alike(from_above):
    left, right = (np.count_nonzero(from_above.labels[from_above.hemisphere == s]) for s in (1, 2))
    assert left == pytest.approx(right, rel=0.02)
