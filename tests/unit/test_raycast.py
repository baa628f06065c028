"""The walk through voxels against slab intersection of every single voxel."""

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d import BrainReg3D, load_atlas
from brainreg3d.atlas import Annotation
from brainreg3d.atlas.block_search import find_blocks
from brainreg3d.geometry import Camera, ImageView, Pose, Rays
from brainreg3d.raycast import cast_first_hits, cast_label_hits, cast_label_pixels


def every_voxel(volume, spacing_zyx, origin, direction, start):
    """Return (distance, value, x index) of all voxels that a ray passes through, nearest first.

    Each voxel is a box of its own, cut by three pairs of planes.
    """
    found = []
    for z, y, x in np.argwhere(volume > 0):
        low = np.array([x * spacing_zyx[2], y * spacing_zyx[1], z * spacing_zyx[0]])
        high = low + np.array(spacing_zyx)[::-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (low - origin) / direction, (high - origin) / direction
        enter = np.fmax.reduce(np.append(np.fmin(one, other), start))
        leave = np.fmin.reduce(np.fmax(one, other))
        if leave - enter > 1e-9:
            found.append((enter, int(volume[z, y, x]), int(x)))
    return sorted(found)


def annotation_of(volume, spacing):
    ids = np.arange(int(volume.max()) + 1, dtype=np.uint32)
    return Annotation(volume.astype(np.uint16), ids, spacing)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_first_hits_of_random_rays(seed):
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(1, 6, 3))
    spacing = tuple(draw.uniform(0.05, 0.5, 3))
    volume = draw.integers(0, 4, shape) * (draw.random(shape) < draw.uniform(0.1, 1))
    box = np.array(shape[::-1]) * np.array(spacing)[::-1]
    targets = draw.random((25, 3)) * box * 1.1
    origins = targets + draw.normal(size=(25, 3)) * draw.choice([0.1, 3.0])
    directions = targets - origins
    directions[::5, draw.integers(3)] = 0.0  # along a plane of the grid
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    start = draw.choice([0.0, -np.inf])
    hits = cast_first_hits(annotation_of(volume, spacing), Rays(origins, directions, start))
    for i in range(25):
        truth = every_voxel(volume, spacing, origins[i], directions[i], start)
        if not truth:
            assert hits.index[i] == 0
            assert np.isnan(hits.distance_mm[i])
            continue
        distance, value, x = truth[0]
        assert hits.distance_mm[i] == pytest.approx(distance, abs=1e-9)
        assert hits.index[i] == value
        assert hits.right[i] == (x + 0.5 >= shape[2] / 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_hits_of_each_label_whatever_lies_before_it(seed):
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(2, 6, 3))
    spacing = tuple(draw.uniform(0.05, 0.5, 3))
    volume = draw.integers(0, 6, shape)
    box = np.array(shape[::-1]) * np.array(spacing)[::-1]
    origins = np.full((10, 3), 5.0) * draw.normal(size=(10, 3))
    directions = draw.random((10, 3)) * box - origins
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    label_of_index = np.array([0, 1, 1, 2, 3, 0], np.uint16)
    annotation = annotation_of(np.minimum(volume, 5), spacing)
    label_of_index = label_of_index[: annotation.ids.size]
    hits = cast_label_hits(annotation, Rays(origins, directions, 0.0), label_of_index, [1, 3])
    expected = []
    for i in range(10):
        passed = every_voxel(volume, spacing, origins[i], directions[i], 0.0)
        for label in (1, 3):
            own = [d for d, value, _ in passed if label_of_index[value] == label]
            expected += [(i, label, own[0])] if own else []
    found = list(zip(hits.ray, hits.label, hits.distance_mm, strict=True))
    assert [entry[:2] for entry in found] == [entry[:2] for entry in expected]
    assert np.allclose([entry[2] for entry in found], [entry[2] for entry in expected], atol=1e-9)


def test_a_slab_under_a_tilted_parallel_view_has_known_depths():
    """A slab with its top at z = 2: depth along the view is (center_z - 2) / cos(tilt), ±offset."""
    volume = np.zeros((30, 40, 40), int)
    volume[5:20] = 1
    spacing = (0.1, 0.1, 0.1)
    tilt = 25.0
    view = ImageView((21, 21), (0.02, 0.02), Pose((2.0, 2.0, 3.0), pitch_deg=tilt), Camera(None))
    hits = cast_first_hits(annotation_of(volume, spacing), view.rays())
    points = view.pixel_to_plane_mm(*np.indices(view.shape)).reshape(-1, 3)
    expected = (points[:, 2] - 2.0) / np.cos(np.deg2rad(tilt))
    assert np.allclose(hits.distance_mm, expected, atol=1e-9)
    assert np.all(hits.index == 1)


def test_a_box_under_a_near_camera_has_its_known_outline():
    """A box's top face, 2 mm below the image plane and 10 mm from the camera, shrinks by 0.8."""
    volume = np.zeros((40, 40, 40), int)
    volume[0:20, 10:30, 15:25] = 1  # top at z = 2; x from 1.5 to 2.5, y from 1 to 3
    camera = Camera(8.0)
    view = ImageView((301, 301), (0.01, 0.01), Pose((2.0, 2.0, 4.0)), camera)
    hits = cast_first_hits(annotation_of(volume, (0.1, 0.1, 0.1)), view.rays())
    seen = hits.index.reshape(view.shape) > 0
    rows, cols = np.nonzero(seen)
    # half extents 0.5 and 1 mm at depth 2: 0.4 and 0.8 mm on the plane, 40 and 80 px
    assert (cols.min(), cols.max()) == pytest.approx((150 - 40, 150 + 40), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((150 - 80, 150 + 80), abs=1)
    assert seen.sum() == pytest.approx(81 * 161, rel=0.02)


def test_a_ball_has_the_area_and_depth_of_a_ball():
    grid = np.moveaxis(np.indices((80, 80, 80)), 0, -1) + 0.5 - 40
    volume = (np.linalg.norm(grid, axis=-1) < 30).astype(int)
    for pose in (Pose((2, 2, 4)), Pose((2, 2, 2), 30, 20, -30), Pose((2, 2, 2), 0, 90, 45)):
        view = ImageView((160, 160), (0.02, 0.02), pose, Camera(None))
        hits = cast_first_hits(annotation_of(volume, (0.05, 0.05, 0.05)), view.rays())
        area = np.count_nonzero(hits.index) * 0.02**2
        corner = 0.05 * np.sqrt(3) / 2  # a voxel belongs to the ball when its centre does
        assert np.pi * (1.5 - corner) ** 2 < area < np.pi * (1.5 + corner) ** 2
        nearest = np.nanmin(hits.distance_mm)
        top = (np.array([2, 2, 2]) - pose.center_mm) @ pose.view_axis - 1.5
        assert nearest == pytest.approx(top, abs=0.05)


def test_a_camera_inside_tissue_sees_what_surrounds_it():
    volume = np.ones((4, 4, 4), int)
    rays = Rays(np.array([[0.21, 0.17, 0.2]]), np.array([[0.0, 0.0, -1.0]]), 0.0)
    hits = cast_first_hits(annotation_of(volume, (0.1, 0.1, 0.1)), rays)
    assert hits.distance_mm[0] == 0.0
    assert hits.index[0] == 1


def test_only_what_is_opaque_stops_a_ray():
    volume = np.zeros((3, 1, 1), int)
    volume[:, 0, 0] = [3, 2, 1]
    rays = Rays(np.array([[0.5, 0.5, 10.0]]), np.array([[0.0, 0.0, -1.0]]), 0.0)
    annotation = annotation_of(volume, (1.0, 1.0, 1.0))
    assert cast_first_hits(annotation, rays).index[0] == 1
    opaque = np.array([False, False, False, True])
    hits = cast_first_hits(annotation, rays, opaque)
    assert (hits.index[0], hits.distance_mm[0]) == (3, 9.0)


def test_the_number_of_threads_changes_nothing(monkeypatch):
    draw = np.random.default_rng(0)
    annotation = annotation_of(draw.integers(0, 3, (20, 20, 20)), (0.1, 0.1, 0.1))
    view = ImageView((260, 200), (0.01, 0.01), Pose((1, 1, 2), 10, 20, 30), Camera(30))
    tables = []
    for count in (1, 7):
        monkeypatch.setenv("BRAINREG3D_NUM_THREADS", str(count))
        hits = cast_first_hits(annotation, view.rays())
        tables.append(hits.index.tobytes() + hits.distance_mm.tobytes() + hits.right.tobytes())
    assert tables[0] == tables[1]


def test_the_number_of_threads_changes_no_result(monkeypatch):
    """Of any cast, nor of labels and maps, nor of the table of blocks that rays jump by."""
    atlas = load_atlas("phantom_100um")
    view = ImageView((200, 260), (0.03, 0.03), Pose((5.7, 7.5, 8.0), 10, 20, 15), Camera(30))
    draw, found = np.random.default_rng(1), []
    label_of_index = draw.integers(0, 4, atlas.annotation.ids.size).astype(np.uint16)
    opaque = draw.random(label_of_index.size) < 0.5
    some = np.sort(draw.choice(200 * 260, 30_000, replace=False))
    for count in (1, 2, 7):
        monkeypatch.setenv("BRAINREG3D_NUM_THREADS", str(count))
        fresh = attrs.evolve(atlas.annotation, blocks=None)
        own = attrs.evolve(atlas, annotation=fresh)
        blocks = find_blocks(fresh.index)
        arrays = [blocks.ends, blocks.entries]
        for rays in (view, view.rays()):
            casts = [(rays,), (rays, opaque), (rays, opaque, some)]
            for hits in (cast_first_hits(fresh, *arguments) for arguments in casts):
                arrays += [hits.index, hits.distance_mm, hits.right]
            for numbers in (None, some):
                hits = cast_label_hits(fresh, rays, label_of_index, [1, 3], numbers)
                arrays += [hits.ray, hits.label, hits.index, hits.distance_mm, hits.right]
                arrays += cast_label_pixels(fresh, rays, label_of_index, [2], numbers)
        for method, options in (("exact", {"label_depth_um": 300, "along": "normal"}),
                                ("exact", {}), ("surface", {}), ("original", {})):  # fmt: skip
            result = BrainReg3D(
                np.zeros(view.shape, np.uint8), alignment=view.pose, camera_distance_mm=30,
                pixel_size_mm=view.pixel_size_mm, atlas=own, brain_regions=["MOp", "VIS", "SSp"],
                method=method, **options,
            ).run(until="PixelLabeller")  # fmt: skip
            assert result.labels.any()
            arrays += [result.labels, result.hemisphere, result.depth_mm]
        arrays += [result.ccf, result.incidence_deg, result.area_mm2]
        assert all(array.size > 100 for array in arrays)
        found.append([array.tobytes() for array in arrays])
    assert found[0] == found[1] == found[2]
