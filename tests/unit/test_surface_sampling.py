"""Surfaces sampled at every pixel, against spheres, boxes and single triangles."""

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_brain import make_atlas

from brainreg3d import BrainReg3D, load_atlas
from brainreg3d.atlas import select_regions
from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.rasterize import SurfaceBuffer
from brainreg3d.state import Alignment
from brainreg3d.steps import DepthResolver, PixelLabeller, Projector, surface_sampling

RADIUS_MM, CENTER_MM, VOXEL_MM = 1.5, np.array([2.0, 2.0, 2.0]), 0.1
SPHERE_VIEWS = [
    pytest.param(Pose((2.0, 2.0, 4.0)), Camera(None), 0.03, id="from above, fine pixels"),
    pytest.param(Pose((2.0, 2.0, 4.0)), Camera(6.0), 0.05, id="a near camera"),
    pytest.param(Pose((2.0, 2.0, 2.0), 30, 25, -40), Camera(8.0), 0.05, id="tilted, plane inside"),
    pytest.param(Pose((2.0, 2.0, 4.0)), Camera(None), 0.4, id="pixels of four voxels"),
]


@pytest.fixture(scope="module")
def ball():
    """A ball of POST whose right half (x > 2 mm) is ANT."""
    z, y, x = (np.indices((40, 40, 40)) + 0.5) * VOXEL_MM
    inside = (x - 2) ** 2 + (y - 2) ** 2 + (z - 2) ** 2 <= RADIUS_MM**2
    volume = np.where(inside, np.where(x > 2, 11, 312_782_593), 0).astype(np.uint32)
    return make_atlas(volume, (VOXEL_MM,) * 3, "ball")


def sample(atlas, names, view, **parameters):
    projector = Projector(sampling="surface", **parameters)
    return projector.compute(
        atlas=atlas, regions=select_regions(atlas, names), alignment=Alignment(view)
    )


def rays_of(view):
    """Start and direction of every pixel's ray, from the definition of the view."""
    rows, cols = np.indices(view.shape)
    points = view.pixel_to_plane_mm(rows, cols)
    if view.camera.distance_mm is None:
        return points - 20 * view.pose.view_axis, np.broadcast_to(view.pose.view_axis, points.shape)
    start = np.broadcast_to(view.camera_position_mm, points.shape)
    way = points - start
    return start, way / np.linalg.norm(way, axis=-1, keepdims=True)


@pytest.mark.parametrize(("pose", "camera", "pixel_mm"), SPHERE_VIEWS)
def test_a_sphere_is_seen_where_it_is_without_holes(ball, pose, camera, pixel_mm):
    """Every ray that passes well inside the sphere has a sample, at the depth of the sphere."""
    n_px = int(3.6 / pixel_mm)
    view = ImageView((n_px, n_px + 3), (pixel_mm, pixel_mm), pose, camera)
    samples = sample(ball, ["ANT", "POST"], view).samples
    depth = np.full(view.shape, np.nan)
    right = np.zeros(view.shape, bool)
    place = samples.y_px.astype(int), samples.x_px.astype(int)
    depth[place], right[place] = samples.depth_mm, samples.right
    region = np.zeros(view.shape, int)
    region[place] = samples.region
    start, way = rays_of(view)
    to_center = CENTER_MM - start
    along = (to_center * way).sum(axis=-1)
    passes_mm = np.linalg.norm(to_center - along[..., None] * way, axis=-1)
    inside, outside = passes_mm < RADIUS_MM - VOXEL_MM, passes_mm > RADIUS_MM + VOXEL_MM
    assert inside.sum() > 30
    assert not np.isnan(depth[inside]).any()
    assert np.isnan(depth[outside]).all()
    t = along - np.sqrt(np.maximum(RADIUS_MM**2 - passes_mm**2, 0))
    points = start + t[..., None] * way
    truth = (points - np.array(pose.center_mm)) @ pose.view_axis
    steep = np.sqrt(1 - (passes_mm / RADIUS_MM) ** 2, where=inside, out=np.ones(view.shape))
    assert np.all(np.abs(depth - truth)[inside] * steep[inside] < VOXEL_MM)
    clear = inside & (np.abs(points[..., 0] - 2) > 2 * VOXEL_MM)
    assert np.array_equal(region[clear] == 1, points[clear][:, 0] > 2)
    assert np.array_equal(right[clear], points[clear][:, 0] > 2)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 3.0, 40.0]))
def test_triangles_are_drawn_where_rays_meet_them(seed, distance_mm):
    """Against the intersection of every ray with every triangle's plane."""
    draw = np.random.default_rng(seed)
    pose = Pose((0, 0, 0), *draw.uniform(-60, 60, 3).tolist(), bool(seed % 2))
    view = ImageView((13, 17), (0.1, 0.12), pose, Camera(distance_mm))
    local = draw.uniform(-1, 1, (6, 3, 3)) * (1.2, 1.0, 1.5)
    corners = local @ pose.axes
    buffer = SurfaceBuffer(view)
    for kind, triangle in enumerate(corners, 1):
        buffer.draw(triangle, np.array([[0, 1, 2]]), kind)
    start, way = rays_of(view)
    nearest = np.full(view.shape, np.inf)
    kinds = np.zeros(view.shape, int)
    close = np.zeros(view.shape, bool)
    for kind, (a, b, c) in enumerate(corners, 1):
        matrix = np.stack(
            [np.broadcast_to(b - a, way.shape), np.broadcast_to(c - a, way.shape), -way], -1
        )
        u, v, t = np.moveaxis(np.linalg.solve(matrix, (start - a)[..., None])[..., 0], -1, 0)
        margin = np.minimum(np.minimum(u, v), 1 - u - v)
        depth = (start + t[..., None] * way - np.array(pose.center_mm)) @ pose.view_axis
        met = (margin >= 0) & (t > 0)
        close |= np.abs(margin) < 1e-6
        kinds = np.where(met & (depth < nearest), kind, kinds)
        nearest = np.where(met & (depth < nearest), depth, nearest)
    assert np.array_equal(buffer.kinds[~close], kinds[~close])
    met = ~close & (kinds > 0)
    assert np.allclose(buffer.depth_mm[met], nearest[met], atol=1e-7)
    assert np.all(np.isinf(buffer.depth_mm[~close & (kinds == 0)]))


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0.5, 40.0, 1e5]))
def test_of_surfaces_that_touch_the_lower_kind_is_seen(seed, distance_mm):
    """Two triangles share an edge that runs over the middles of pixels: their depths are equal
    but for rounding, in whatever order and however the corners are numbered."""
    draw = np.random.default_rng(seed)
    pose = Pose(tuple(draw.uniform(0, 9, 3)), *draw.uniform(-60, 60, 3).tolist())
    view = ImageView((11, 15), (0.1, 0.12), pose, Camera(distance_mm))
    start, way = rays_of(view)
    along = draw.uniform(0.1, 0.3, 4) + (20.0 if distance_mm is None else distance_mm)
    one, other = (start[5, c] + t * way[5, c] for c, t in zip((1, 13), along[:2], strict=True))
    sides = [start[r, 7] + t * way[r, 7] for r, t in zip((0, 10), along[2:], strict=True)]
    found = []
    for kinds in ((2, 5), (5, 2)):
        for turn in range(3):
            buffer = SurfaceBuffer(view)
            for kind in kinds:
                corners = np.roll([one, other, sides[kind == 5]], turn, axis=0)
                buffer.draw(corners, np.array([[0, 1, 2]]), kind)
            assert buffer.kinds[5, 2:13].tolist() == [2] * 11
            assert set(buffer.kinds[4, 6:9].tolist()) == {2}
            assert set(buffer.kinds[6, 6:9].tolist()) == {5}
            found.append((buffer.kinds.tobytes(), np.round(buffer.depth_mm, 6).tobytes()))
    assert len({kinds for kinds, _ in found}) == 1


@pytest.mark.parametrize("spacing_um", [1, 200, 400])
def test_a_layer_one_voxel_thin_is_sampled_everywhere(spacing_um):
    """A layer of ANT within SUB, one voxel of 0.1 mm thick, wherever it lies between others."""
    for place in range(20, 24):
        volume = np.zeros((40, 30, 30), np.uint32)
        volume[5:place, 1:29, 1:29] = 20
        volume[place, 1:29, 1:29] = 11
        atlas = make_atlas(volume, (0.1, 0.1, 0.1), "layer")
        view = ImageView((30, 30), (0.06, 0.06), Pose((1.5, 1.5, 4.0), 10, 4, -3), Camera(None))
        samples = sample(atlas, ["ANT", "SUB"], view, mesh_spacing_um=spacing_um).samples
        assert len(samples) == 900, "no hole"
        assert set(samples.region.tolist()) == {1}
        points = view.pixel_to_plane_mm(samples.y_px, samples.x_px)
        points += samples.depth_mm[:, None] * view.pose.view_axis
        assert np.allclose(points[:, 2], 0.1 * (place + 1), atol=1e-5)


def test_flat_voxels_are_thinned_out_along_their_short_sides():
    """Voxels 1 mm high and 0.05 mm wide: the block stays where it is, at whatever spacing."""
    volume = np.zeros((4, 60, 60), np.uint32)
    volume[:3, 7:53, 7:53] = 11
    atlas = make_atlas(volume, (1.0, 0.05, 0.05), "flat")
    view = ImageView((20, 20), (0.05, 0.05), Pose((1.5, 1.5, 4.0)), Camera(None))
    for spacing_um in (1, 100, 500, 100_000):
        samples = sample(atlas, ["ANT"], view, mesh_spacing_um=spacing_um).samples
        assert len(samples) == 400
        assert np.allclose(samples.depth_mm, 1.0, atol=1e-6)


@pytest.mark.parametrize("width", [20, 21])
@pytest.mark.parametrize("sampling", ["rays", "surface", "vertices"])
def test_the_middle_plane_of_an_odd_number_of_voxels_is_right(sampling, width):
    """A slab of POST, voxels 0.2 mm wide: voxel x // 2 and those beyond it belong to the right."""
    volume = np.zeros((10, 30, width), np.uint32)
    volume[:8] = 312_782_593
    atlas = make_atlas(volume, (0.25, 0.3, 0.2), "slab")
    view = ImageView((50, 100), (0.05, 0.04), Pose((width / 10, 4.5, 4.0)), Camera(None))
    projector = Projector(sampling=sampling, label_depth_um=300 if sampling == "rays" else 0)
    regions = select_regions(atlas, ["POST"])
    samples = projector.compute(atlas=atlas, regions=regions, alignment=Alignment(view)).samples
    x_mm = width / 10 + (samples.x_px - 49.5) * 0.04
    assert len(samples) > 300
    clear = np.abs(x_mm - width // 2 * 0.2) > 1e-6
    assert np.array_equal(samples.right[clear], x_mm[clear] > width // 2 * 0.2)
    assert samples.right[~clear].all()
    if sampling == "rays":
        plain = Projector().first_samples(atlas=atlas, regions=regions, view=view)
        assert np.array_equal(samples.right, plain.right)


def test_blocks_do_not_show(tiny_atlas, monkeypatch):
    view = ImageView((60, 50), (0.1, 0.09), Pose((2.0, 3.6, 4.0), 20, 15, -20), Camera(9.0))
    one, other = [], []
    for size, found in ((200, one), (5, other)):
        monkeypatch.setattr(surface_sampling, "_BLOCK_VOXELS", size)
        samples = sample(tiny_atlas, ["ANT", "POST", "MARK"], view).samples
        found += [
            getattr(samples, name) for name in ("region", "x_px", "y_px", "depth_mm", "right")
        ]
    assert len(one[0]) > 500
    for a, b in zip(one[:3], other[:3], strict=True):
        assert np.array_equal(a, b)
    assert np.allclose(one[3], other[3], atol=1e-9)


def test_the_order_of_regions_does_not_matter(tiny_atlas):
    view = ImageView((72, 40), (0.1, 0.1), Pose((2.0, 3.6, 4.0)), Camera(None))
    one = sample(tiny_atlas, ["ANT", "POST"], view).samples
    other = sample(tiny_atlas, ["POST", "ANT"], view).samples
    assert np.array_equal(one.structure_id, other.structure_id)
    assert np.array_equal(one.region, np.array([0, 2, 1])[other.region])


def test_nothing_is_sampled_off_the_image(tiny_atlas):
    """The image sees the front end alone; the volume reaches far beyond its edges."""
    view = ImageView((20, 20), (0.1, 0.1), Pose((2.0, 6.0, 4.0)), Camera(None))
    samples = sample(tiny_atlas, ["ANT", "BULB"], view).samples
    assert len(samples)
    assert samples.y_px.min() >= 0
    assert samples.y_px.max() <= 19
    assert set(np.unique(samples.region)) <= {0, 1, 2}
    away = attrs.evolve(view, pose=Pose((2.0, 30.0, 4.0)))
    assert len(sample(tiny_atlas, ["ANT"], away).samples) == 0


def test_what_hides_a_region_is_said(tiny_atlas):
    """DEEP lies below ANT: with tissue it has no pixel, and alone it is seen."""
    view = ImageView((72, 40), (0.1, 0.1), Pose((2.0, 3.6, 4.0)), Camera(None))
    regions = select_regions(tiny_atlas, ["DEEP"])
    projections = sample(tiny_atlas, ["DEEP"], view)
    visible = DepthResolver().compute(atlas=tiny_atlas, regions=regions, projections=projections)
    assert visible.visibility[0].n_visible == 0
    assert visible.visibility[0].n_projected > 0
    alone = sample(tiny_atlas, ["DEEP"], view, occluders="regions").samples
    assert set(alone.region.tolist()) == {1}
    # DEEP: x 0.8 to 2.0, y 1.8 to 2.7 mm; its edges are cut by half a voxel at most
    assert abs(len(alone) * 0.01 - 1.2 * 0.9) < 2 * (1.2 * 0.15 + 0.9 * 0.1)


def test_a_camera_close_by_or_inside_does_no_harm(tiny_atlas):
    """Blocks around the camera cannot be projected as boxes, and are still looked at.

    The tissue reaches up to z = 3.5 mm, and the image lies at 3.2.
    """
    for distance in (0.1, 0.28, 0.32, 0.4, 0.6, 1.4):
        view = ImageView((30, 30), (0.05, 0.05), Pose((2.0, 3.6, 3.2)), Camera(distance))
        samples = sample(tiny_atlas, ["ANT", "POST"], view).samples
        rays = (
            Projector()
            .compute(
                atlas=tiny_atlas,
                regions=select_regions(tiny_atlas, ["ANT", "POST"]),
                alignment=Alignment(view),
            )
            .samples
        )
        assert len(samples) == len(rays) == 900
        assert samples.depth_mm.min() > -distance, "in front of the camera"
        if distance > 0.3:
            assert np.mean(samples.region == rays.region) > 0.95
            assert np.allclose(samples.depth_mm, rays.depth_mm, atol=0.26)
        else:  # inside: there is no surface where rays begin, and some farther on
            assert np.all(rays.depth_mm == pytest.approx(-distance))
            assert np.all(samples.depth_mm > rays.depth_mm + 0.01)


@pytest.mark.parametrize("yaw", [0.0, 40.0])
@pytest.mark.parametrize("n_neighbors", [1, 5])
def test_it_agrees_with_rays_on_a_brain(yaw, n_neighbors):
    atlas = load_atlas("phantom_50um")
    found = []
    for slots in ({}, {"Projector": Projector(sampling="surface"),
                       "PixelLabeller": PixelLabeller(n_neighbors=n_neighbors)}):  # fmt: skip
        run = BrainReg3D(
            np.zeros((125, 200), np.uint8), pixel_size_mm=(0.03, 0.03), atlas=atlas,
            alignment=Pose((7.6, 8.0, 8.2), yaw, 5.0, 15.0),
        )  # fmt: skip
        for name, step in slots.items():
            setattr(run, name, step)
        found.append(run.run(until="PixelLabeller"))
    truth, surface = found
    inside = truth.hemisphere > 0
    assert inside.sum() > 10_000
    assert np.mean(surface.labels[inside] == truth.labels[inside]) >= 0.985
    assert np.mean((surface.hemisphere > 0) == inside) >= 0.995
    both = inside & (surface.hemisphere > 0)
    assert np.median(np.abs(surface.depth_mm - truth.depth_mm)[both]) < 0.05


def test_deeper_tissue_needs_rays():
    with pytest.raises(InputError, match="surface"):
        Projector(sampling="surface", label_depth_um=100)
