"""The brain's outer hull: compared with bodies of known shape and with the real annotation."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from brainreg3d.atlas import Annotation
from brainreg3d.errors import AtlasError
from brainreg3d.landmarks import BrainHull

BOX_MM = (11.4, 13.2, 8.0)
RESOLUTION_MM = 0.1


def _annotation(inside, size=RESOLUTION_MM):
    """Return what a function of position (x, y, z) says, as an annotation."""
    shape = [round(length / size) for length in BOX_MM[::-1]]
    z, y, x = ((np.arange(n) + 0.5) * size for n in shape)
    solid = inside(x, y[:, None], z[:, None, None])
    return Annotation(solid.astype(np.uint16), np.array([0, 997], np.uint32), (size,) * 3)


ELLIPSOID_CENTER, ELLIPSOID_AXES = np.array([5.7, 6.6, 3.5]), np.array([4.5, 5.5, 3.5])


def _ellipsoid(x, y, z):
    (a, b, c), (p, q, r) = ELLIPSOID_AXES, ELLIPSOID_CENTER
    return ((x - p) / a) ** 2 + ((y - q) / b) ** 2 + ((z - r) / c) ** 2 < 1


HEMISPHERE_RADIUS = 2.4


def _two_cylinders(x, y, z):
    """Two half brains that touch at the midline, with a groove between them and one across."""
    aside = HEMISPHERE_RADIUS - np.abs(x - 5.7)
    round_off = (z - 3.0) ** 2 + aside**2 < HEMISPHERE_RADIUS**2
    return round_off & (np.abs(y - 6.6) < 5) & ~((np.abs(y - 5.0) < 0.3) & (z > 4.6))


@pytest.fixture(scope="module")
def ellipsoid():
    return BrainHull.of(_annotation(_ellipsoid))


@pytest.fixture(scope="module")
def grooved():
    return BrainHull.of(_annotation(_two_cylinders))


def _analytic_hit(origins, directions):
    """Return where rays first meet the ellipsoid: the smaller root of a quadratic."""
    o, d = (origins - ELLIPSOID_CENTER) / ELLIPSOID_AXES, directions / ELLIPSOID_AXES
    a, b, c = (d * d).sum(1), (o * d).sum(1), (o * o).sum(1) - 1
    with np.errstate(invalid="ignore"):
        t = (-b - np.sqrt(b * b - a * c)) / a
    return origins + t[:, None] * directions


def test_rays_from_any_side_meet_a_smooth_body_within_about_half_a_voxel(ellipsoid):
    rng = np.random.default_rng(1)
    aims = ELLIPSOID_CENTER + rng.uniform(-0.6, 0.6, (500, 3)) * ELLIPSOID_AXES
    directions = rng.normal(size=(500, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = aims - 230.0 * directions
    error = np.linalg.norm(
        ellipsoid.first_hit_mm(origins, directions) - _analytic_hit(origins, directions), axis=1
    )
    assert np.percentile(error, 95) < 0.6 * RESOLUTION_MM
    assert error.max() < 1.5 * RESOLUTION_MM


def test_normals_are_those_of_the_body(ellipsoid):
    rng = np.random.default_rng(2)
    unit = rng.normal(size=(300, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    truth = unit / ELLIPSOID_AXES
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    found = ellipsoid.normals(ELLIPSOID_CENTER + unit * ELLIPSOID_AXES)
    off_deg = np.degrees(np.arccos(np.clip((found * truth).sum(1), -1, 1)))
    assert np.percentile(off_deg, 95) < 3.0


def test_the_surface_is_smooth_below_the_size_of_a_voxel(ellipsoid):
    y = np.linspace(5.0, 8.0, 601)  # 5 µm apart
    z = ellipsoid.below_mm(5.2, y)[:, 2]
    slope = np.gradient(z, y)
    assert np.abs(np.diff(slope)).max() < 0.05


def test_straight_down_meets_the_same_as_a_ray(ellipsoid):
    x, y = np.array([4.0, 5.7, 7.9]), np.array([5.0, 9.0, 7.0])
    rays = ellipsoid.first_hit_mm(np.stack([x, y, np.full(3, 50.0)], axis=1), [0, 0, -1])
    np.testing.assert_allclose(ellipsoid.below_mm(x, y), rays, atol=1e-6)
    np.testing.assert_allclose(ellipsoid.below_mm(x, y)[:, :2], np.stack([x, y], axis=1))


def test_the_fissure_and_clefts_across_are_bridged(grooved):
    top = 3.0 + HEMISPHERE_RADIUS
    y = np.array([3.0, 5.0, 8.0])  # the second lies in a cleft 0.6 mm wide and 0.8 mm deep
    for x in (5.7, 5.2, 5.7 + HEMISPHERE_RADIUS):
        np.testing.assert_allclose(grooved.below_mm(x, y)[:, 2], top, atol=0.06)


def test_rays_that_miss_give_nan_and_those_behind_are_not_met(ellipsoid):
    points = ellipsoid.first_hit_mm([[5.7, 6.6, 50], [0.1, 0.1, 50], [5.7, 6.6, 50]], [0, 0, 1])
    assert np.isnan(points).all()
    assert np.isnan(ellipsoid.below_mm(0.2, 0.2)).all()
    assert np.isnan(ellipsoid.first_hit_mm([5.7, 6.6, 50], [0, 0, 0])).all()
    assert ellipsoid.first_hit_mm(np.empty((0, 3)), np.empty((0, 3))).shape == (0, 3)


def test_a_parallel_camera_looks_from_infinitely_far(ellipsoid):
    inside = [5.7, 6.6, 3.5]
    first = ellipsoid.first_hit_mm(inside, [0, 0, -2.0], start_mm=-np.inf)
    np.testing.assert_allclose(first[0], [5.7, 6.6, 7.0], atol=0.05)
    np.testing.assert_allclose(ellipsoid.first_hit_mm(inside, [0, 0, -1.0])[0], inside, atol=1e-3)


def test_a_hull_is_made_once_and_goes_with_its_annotation():
    annotation = _annotation(_ellipsoid, 0.4)
    hull = BrainHull.of(annotation)
    assert BrainHull.of(annotation) is hull
    gone = weakref.ref(annotation)
    del annotation
    gc.collect()
    assert gone() is None


def test_an_empty_annotation_has_no_hull():
    with pytest.raises(AtlasError, match="no labelled voxel"):
        BrainHull.of(_annotation(lambda x, y, z: np.zeros((80, 132, 114), bool)))


def test_a_small_brain_with_unlike_voxels_that_fills_its_box(tiny, tiny_atlas):
    hull = BrainHull.of(tiny_atlas.annotation)
    x, y, _ = np.array(tiny.BOX_MM) / 2
    np.testing.assert_allclose(hull.below_mm(x, y)[0, 2], tiny.TOP_MM, atol=0.03)
    full = Annotation(np.ones((6, 8, 7), np.uint16), np.array([0, 5], np.uint32), (0.3, 0.2, 0.25))
    np.testing.assert_allclose(BrainHull.of(full).below_mm(0.8, 0.8)[0, 2], 1.8, atol=0.05)


def test_the_hull_lies_on_the_real_cortex_and_bridges_its_fissure(real_atlas):
    hull = BrainHull.of(real_atlas.annotation)
    index, size = real_atlas.annotation.index, 0.025
    highest = index.shape[0] - (index[::-1] != 0).argmax(axis=0)
    rng = np.random.default_rng(3)
    lateral, ap = rng.uniform(0.8, 3.4, 400), rng.uniform(-3.3, 2.2, 400)
    x, y = 5.7 + lateral * rng.choice([-1, 1], 400), 13.2 - 5.4 + ap
    tissue_mm = highest[(y / size).astype(int), (x / size).astype(int)] * size
    off = hull.below_mm(x, y)[:, 2] - tissue_mm
    assert abs(np.median(off)) < 0.025
    assert np.percentile(np.abs(off), 95) < 0.06
    # Over the midline it lies as high as the brain beside it, and the tissue far below.
    middle = hull.below_mm(5.7, 13.2 - 5.4 + np.array([0.0, -1.5, -3.2]))[:, 2]
    deep = highest[((13.2 - 5.4 + np.array([0.0, -1.5, -3.2])) / size).astype(int), 228] * size
    beside = hull.below_mm(5.2, 13.2 - 5.4 + np.array([0.0, -1.5, -3.2]))[:, 2]
    np.testing.assert_allclose(middle, beside, atol=0.05)
    assert np.all(middle - deep > 0.35)
