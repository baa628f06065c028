"""Where pixels see the surface, at which angle, and how much of it."""

import json
import subprocess
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
from phantom_surface import area_seen_from_above, first_points

from brainreg3d import BrainReg3D, Pose, load_atlas
from brainreg3d.atlas import select_regions
from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.coordinates import ccf_to_pixel, pixel_to_ccf
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.maps import MAX_INCIDENCE_DEG, SurfaceMaps
from brainreg3d.normals import SurfaceNormals, surface_normals
from brainreg3d.raycast import cast_first_hits
from brainreg3d.result import Result
from brainreg3d.state import Alignment, State

VIEWS = {
    "from above": ImageView((60, 80), (0.1, 0.08), Pose((6.0, 7.0, 8.0)), Camera(230.0)),
    "tilted": ImageView(
        (60, 80), (0.1, 0.08), Pose((7.0, 7.0, 7.5), 25.0, -15.0, 30.0, mirrored=True),
        Camera(12.0, (12, 70)),
    ),
    "parallel": ImageView(
        (60, 80), (0.1, 0.08), Pose((4.0, 7.0, 7.5), -120.0, 20.0, -35.0), Camera(None)
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def phantom():
    return load_atlas("phantom_50um")


def maps_of(view, atlas):
    return SurfaceMaps(view, atlas.annotation)


def looking_at(point, pose, camera, shape=(200, 200), pixel_size_mm=(0.03, 0.025)):
    """An image whose plane lies a millimetre before a point, which is in its middle."""
    center = np.asarray(point) - pose.view_axis
    return ImageView(shape, pixel_size_mm, attrs.evolve(pose, center_mm=tuple(center)), camera)


@pytest.mark.parametrize("name", VIEWS)
def test_the_surface_of_a_pixel_projects_back_to_it(name, phantom):
    view = VIEWS[name]
    ccf = maps_of(view, phantom).ccf
    seen = ~np.isnan(ccf[..., 0])
    assert ccf.shape == (60, 80, 3)
    assert seen.sum() > 1000
    rows, cols = np.indices(view.shape)
    back = ccf_to_pixel(view, phantom.grid.box_mm, ccf)
    assert np.abs(back - np.stack([rows, cols], axis=-1))[seen].max() < 1e-6
    assert np.isnan(ccf[~seen]).all()
    assert np.array_equal(ccf, pixel_to_ccf(view, phantom.annotation, rows, cols), equal_nan=True)


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_nan_and_what_is_not(name, phantom):
    maps = maps_of(VIEWS[name], phantom)
    seen = ~np.isnan(maps.ccf[..., 0])
    assert np.array_equal(np.isfinite(maps.incidence_deg), seen)
    steep = seen & (maps.incidence_deg > MAX_INCIDENCE_DEG)
    assert np.array_equal(np.isfinite(maps.area_mm2), seen & ~steep)
    assert MAX_INCIDENCE_DEG == 85
    assert (maps.area_mm2[seen & ~steep] > 0).all()


def test_steep_surface_has_no_area(phantom):
    """From the side a brain has a rim."""
    view = ImageView((80, 100), (0.1, 0.1), Pose((9.0, 6.5, 5.0), 0, 0, 60.0), Camera(None))
    maps = maps_of(view, phantom)
    assert (maps.incidence_deg > 85).sum() > 10
    assert np.isnan(maps.area_mm2[maps.incidence_deg > 85]).all()


def surface_points(view, annotation):
    """Where pixels see the surface, from all rays of the image at once."""
    rays, hits = view.rays(), cast_first_hits(annotation, view)
    points = rays.origins_mm + hits.distance_mm[:, None] * rays.directions
    return points[hits.index > 0]


def slab(spacing_mm=(0.05, 0.05, 0.05)):
    """A block of tissue with a flat top at z = 2 mm, 6 × 6 mm wide."""
    shape = [round(length / size) for length, size in zip((3, 6, 6), spacing_mm, strict=True)]
    volume = np.zeros(shape, np.uint32)
    volume[: round(2 / spacing_mm[0])] = 7
    return compact_annotation(volume, spacing_mm)


@pytest.mark.parametrize("camera", [Camera(8.0), Camera(15.0, (3, 40)), Camera(None)], ids=repr)
@pytest.mark.parametrize("tilt", [0.0, 45.0, 60.0])
def test_a_flat_surface_under_any_camera(tilt, camera):
    """The corners of a pixel, followed down to the plane by hand, are corners of what it sees."""
    pose = Pose((0, 0, 0), 30.0, 0.0, tilt)
    view = looking_at((3.0, 3.0, 2.0), pose, camera, (21, 25), (0.06, 0.05))
    maps = SurfaceMaps(view, slab())
    rows, cols = np.mgrid[-0.5:21, -0.5:25]
    rays = view.rays_at(rows.ravel(), cols.ravel())
    height = (2.0 - rays.origins_mm[:, 2:]) / rays.directions[:, 2:]
    corners = (rays.origins_mm + height * rays.directions)[:, :2].reshape(22, 26, 2)
    one, other = corners[1:, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, 1:]
    expected = np.abs(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]) / 2
    assert np.allclose(maps.area_mm2, expected, rtol=1e-4)
    directions = np.broadcast_to(view.rays().directions, (21 * 25, 3))
    angle = np.degrees(np.arccos(-directions[:, 2])).reshape(21, 25)
    assert np.allclose(maps.incidence_deg, angle, atol=1e-3)
    if camera.distance_mm is None:
        assert np.allclose(maps.area_mm2, 0.06 * 0.05 / np.cos(np.radians(tilt)), rtol=1e-5)


@pytest.mark.parametrize("spacing_mm", [(0.05, 0.05, 0.05), (0.025, 0.1, 0.04)])
def test_a_sphere(spacing_mm):
    """Incidence is the angle from the point that faces the camera; caps have a known area."""
    shape = [round(4.6 / size) for size in spacing_mm]
    z, y, x = ((np.arange(n) + 0.5) * size - 2.3 for n, size in zip(shape, spacing_mm, strict=True))
    inside = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 < 4.0
    annotation = compact_annotation(inside.astype(np.uint32), spacing_mm)
    view = looking_at((2.3, 2.3, 2.3), Pose((0, 0, 0), 40.0, 25.0, 20.0), Camera(None), (120, 150))
    maps = SurfaceMaps(view, annotation)
    rows, cols = np.indices(view.shape)
    off_axis = np.hypot((rows - 59.5) * 0.03, (cols - 74.5) * 0.025)
    inner = off_axis < 1.95
    angle = np.degrees(np.arcsin(off_axis[inner] / 2.0))
    error = np.abs(maps.incidence_deg[inner] - angle)
    assert np.median(error) < 1.5
    assert np.quantile(error, 0.99) < 5
    for edge_deg, within in ((60, 0.01), (70, 0.03)):  # rays meet the corners of voxels first
        cap = off_axis < 2.0 * np.sin(np.radians(edge_deg))
        true_area_mm2 = 2 * np.pi * 4.0 * (1 - np.cos(np.radians(edge_deg)))
        assert maps.area_mm2[cap].sum() == pytest.approx(true_area_mm2, rel=within)


TILTS = [(0, 0, 0), (45, 0, 0), (0, 45, 10), (0, -45, 0), (30, 30, -70), (-20, -20, 0)]
BARREL_MM = ((8.0, 5.0), (10.6, 8.5))


@pytest.fixture(scope="module")
def barrel(phantom):
    """The right barrel field: its true area, and points on its surface."""
    (region,) = select_regions(phantom, ["SSp-bfd"])
    return area_seen_from_above(region.structure_ids, *BARREL_MM)


@pytest.mark.parametrize("camera", [Camera(None), Camera(230.0), Camera(15.0, (80, 120))], ids=repr)
@pytest.mark.parametrize(("roll", "pitch", "yaw"), TILTS)
def test_the_area_of_a_region_is_that_of_its_true_surface(
    roll, pitch, yaw, camera, phantom, barrel
):
    true_area_mm2, points = barrel
    pose = Pose((0, 0, 0), yaw, pitch, roll)
    view = looking_at(points.mean(axis=0), pose, camera)
    rows, cols, _ = view.project(points)
    assert rows.min() > 0
    assert rows.max() < 199
    assert cols.min() > 0
    assert cols.max() < 199
    # Fully visible: on the way from the camera to each point there is nothing else.
    sample = points[::97]
    start = sample - 3 * pose.view_axis
    if camera.distance_mm is not None:
        way = sample - view.camera_position_mm
        start = sample - 3 * way / np.linalg.norm(way, axis=1, keepdims=True)
    way = (sample - start) / 3
    assert np.abs(first_points(start, way, 3.2) - sample).max() < 0.1

    maps = maps_of(view, phantom)
    result = BrainReg3D(
        np.zeros(view.shape, np.uint8), alignment=view.pose, atlas=phantom,
        pixel_size_mm=view.pixel_size_mm, camera_distance_mm=camera.distance_mm,
        principal_point_px=camera.principal_point_px, brain_regions=["SSp-bfd"],
    ).run(until="PixelLabeller")  # fmt: skip
    own = result.mask("SSp-bfd") & (result.hemisphere == 2)
    assert np.array_equal(result.area_mm2, maps.area_mm2, equal_nan=True)
    assert np.nansum(result.area_mm2[own]) == pytest.approx(true_area_mm2, rel=0.02)


def test_normals_do_not_depend_on_which_others_are_asked_for(phantom):
    points = surface_points(VIEWS["tilted"], phantom.annotation)
    all_of_them = surface_normals(phantom.annotation, points)
    assert np.allclose(np.linalg.norm(all_of_them, axis=1), 1)
    few = np.random.default_rng(0).choice(len(points), 40, replace=False)
    for chosen in (few, few[:1]):
        assert np.array_equal(
            surface_normals(phantom.annotation, points[chosen]), all_of_them[chosen]
        )


@pytest.mark.parametrize("spacing_mm", [(0.05, 0.05, 0.05), (0.02, 0.1, 0.04)])
def test_normals_are_the_gradient_of_smoothed_tissue(spacing_mm):
    """Against the whole volume, filtered and looked up by scipy."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    draw = np.random.default_rng(3)
    shape = [round(2.4 / size) for size in spacing_mm]
    blobs = gaussian_filter(draw.normal(size=shape), 0.2 / np.array(spacing_mm))
    tissue = blobs > 0
    annotation = compact_annotation(tissue.astype(np.uint32), spacing_mm)
    coarse = np.maximum(1, (0.05 / np.array(spacing_mm) + 1e-6).astype(int))  # half of 100 µm
    z, y, x = (int(n) for n in coarse)
    cells = tissue.reshape(shape[0] // z, z, shape[1] // y, y, shape[2] // x, x).mean((1, 3, 5))
    cell_mm, pad = coarse * spacing_mm, 20
    expected = np.empty((500, 3))
    points = draw.uniform(0, 2.4, (500, 3))
    places = (points[:, ::-1] / cell_mm - 0.5 + pad).T
    for axis in range(3):
        order = [int(axis == other) for other in range(3)]
        field = gaussian_filter(np.pad(cells, pad), 0.1 / cell_mm, order)
        expected[:, 2 - axis] = -map_coordinates(field, places, order=1) / cell_mm[axis]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(surface_normals(annotation, points), expected, atol=2e-3)


def test_tissue_is_smoothed_once_for_images_that_lie_close_together(phantom, monkeypatch):
    """What is kept changes nothing: fresh copies of the annotation give the same, bit for bit."""
    import scipy.ndimage

    filtered, smooth = [], scipy.ndimage.gaussian_filter
    monkeypatch.setattr(
        scipy.ndimage, "gaussian_filter", lambda *a, **k: filtered.append(a) or smooth(*a, **k)
    )
    own, draw = attrs.evolve(phantom.annotation), np.random.default_rng(5)
    for number in range(12):
        center = tuple(np.array([7.0, 7.0, 8.0]) + draw.normal(0, 0.1, 3))
        view = ImageView((15, 20), (0.12, 0.1), Pose(center, *draw.normal(0, 2, 3)), Camera(230.0))
        points = surface_points(view, own)
        normals = surface_normals(own, points)
        assert np.isfinite(normals).mean() > 0.99
        before = len(filtered)
        fresh = surface_normals(attrs.evolve(phantom.annotation), points)
        del filtered[before:]
        assert np.array_equal(normals, fresh), number
    assert len(filtered) <= 3 * 3, "the first, a wider part, and one more at most"
    surface_normals(own, points, own.ids == own.ids[3])
    assert len(filtered) > before, "another tissue has another surface"


def test_what_is_too_large_is_not_kept(phantom, monkeypatch):
    from brainreg3d import normals

    points = surface_points(VIEWS["tilted"], phantom.annotation)
    kept = surface_normals(phantom.annotation, points)
    own = attrs.evolve(phantom.annotation)
    monkeypatch.setattr(normals, "_MOST_BYTES_KEPT", 1000)
    for part in (points[:50], points, points[50:90]):
        surface_normals(own, part)
    assert np.array_equal(surface_normals(own, points), kept)
    assert normals._kept.get(own, (own.ids != 0).tobytes()) is None


def test_points_given_in_blocks(phantom):
    points = surface_points(VIEWS["tilted"], phantom.annotation)
    normals = SurfaceNormals(phantom.annotation, iter(np.array_split(points, 7)))
    found = np.concatenate([normals.at(block) for block in np.array_split(points, 3)])
    assert np.array_equal(found, surface_normals(phantom.annotation, points))


@pytest.mark.slow
@pytest.mark.parametrize("camera_mm", [0, 30])
def test_maps_of_a_large_image_take_little_more_than_their_own_memory(camera_mm):
    """All rays of this image with their points, as they were once listed, take 190 MB and more."""
    program = Path(__file__).parents[1] / "data" / "memory_of_maps.py"
    done = subprocess.run(
        [sys.executable, program, str(camera_mm)], capture_output=True, text=True, check=True
    )
    beside = json.loads(done.stdout)
    for name in ("distance_mm", "ccf", "incidence_deg", "area_mm2"):
        assert beside[name] < 60, name
    for name in ("along the ray", "along the normal"):
        assert beside[name] < beside["samples"] + 60, name


def test_normals_of_nothing(tiny_atlas):
    points = np.array([[np.nan, 1, 1], [-50.0, 0, 0], [2.0, 3.0, 3.5]])
    normals = surface_normals(tiny_atlas.annotation, points)
    assert np.isnan(normals[:2]).all()
    assert np.allclose(normals[2], (0, 0, 1), atol=0.02), "up, from the flat top"
    assert surface_normals(tiny_atlas.annotation, np.empty((0, 3))).shape == (0, 3)
    assert np.isnan(surface_normals(tiny_atlas.annotation, points[:2])).all()


def run(atlas, **options):
    usual = {
        "alignment": Pose((2.1, 3.4, 3.9), 12.0, -8.0, 16.0), "pixel_size_mm": (0.2, 0.2),
        "camera_distance_mm": 25, "brain_regions": ["ANT", "POST"],
    }  # fmt: skip
    image = np.zeros((30, 24))
    return BrainReg3D(image, atlas=atlas, **usual | options).run(until="PixelLabeller")


def test_maps_agree_with_labels_on_where_the_brain_is(tiny_atlas):
    result = run(tiny_atlas)
    off = result.hemisphere == 0
    assert 0 < off.sum() < off.size
    for values in (result.ccf[..., 0], result.incidence_deg, result.depth_mm):
        assert np.array_equal(np.isnan(values), off)
    assert result.ccf.dtype == np.float64
    assert result.area_mm2.shape == result.incidence_deg.shape == (30, 24)


@pytest.mark.parametrize("method", ["exact", "surface"])
def test_sides_and_depths_are_known_where_something_is_seen(method, tiny_atlas):
    """Not outside the window, nor, where only regions hide, beside the regions."""
    window = np.zeros((30, 24), bool)
    window[8:20, 5:18] = True
    plain = run(tiny_atlas, method=method)
    masked = run(tiny_atlas, method=method, window_mask=window)
    alone = run(tiny_atlas, method=method, occluders="regions", brain_regions=["MARK"])
    for result, seen in (
        (masked, window & (plain.hemisphere > 0)), (alone, alone.mask("MARK")),
    ):  # fmt: skip
        assert 0 < seen.sum() < (plain.hemisphere > 0).sum()
        assert np.array_equal(result.hemisphere > 0, seen)
        assert np.array_equal(np.isfinite(result.depth_mm), seen)
        assert np.array_equal(np.isfinite(result.ccf[..., 0]), np.isfinite(plain.ccf[..., 0]))


@pytest.mark.parametrize(
    "options", [{"method": "original"}, {"occluders": "regions"}, {"label_depth_um": 400}], ids=str
)
def test_the_surface_is_the_surface_however_pixels_are_labelled(options, tiny_atlas):
    plain, other = run(tiny_atlas), run(tiny_atlas, **options)
    for name in ("ccf", "incidence_deg", "area_mm2"):
        assert np.array_equal(getattr(plain, name), getattr(other, name), equal_nan=True), name


def test_maps_are_made_once_when_asked_for_and_cannot_be_written_to(tiny_atlas, monkeypatch):
    from brainreg3d import maps

    calls = []
    cast = maps.cast_first_hits
    monkeypatch.setattr(maps, "cast_first_hits", lambda *a: calls.append(1) or cast(*a))
    result = run(tiny_atlas)
    assert not calls
    for name in ("area_mm2", "incidence_deg", "ccf"):
        values = getattr(result, name)
        assert values is getattr(result, name)
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1
    assert len(calls) == 1


def test_no_maps_before_the_image_is_placed(tiny_atlas):
    for state in (State(), State(atlas=tiny_atlas)):
        result = Result(state)
        assert (result.ccf, result.incidence_deg, result.area_mm2) == (None, None, None)
    placed = Result(State(atlas=tiny_atlas, alignment=Alignment(VIEWS["parallel"])))
    assert placed.ccf.shape == (60, 80, 3)
    assert placed.labels is None


def test_a_camera_inside_the_brain_sees_no_area_of_it(phantom):
    view = ImageView((20, 20), (0.05, 0.05), Pose((5.0, 7.0, 3.0)), Camera(1.0))
    maps = maps_of(view, phantom)
    assert np.array_equal(maps.distance_mm, np.zeros((20, 20))), "rays begin within tissue"
    assert np.isnan(maps.incidence_deg).all()
    assert np.isnan(maps.area_mm2).all()


def test_the_picture_shows_the_maps_with_their_units(tiny_atlas):
    from brainreg3d.pictures import drawings_of

    result = run(tiny_atlas)
    figure = dict(drawings_of("labels", result.state))["11_maps"]()
    texts = " ".join(text.get_text() for text in figure.texts)
    for word in ("degrees", "µm²", "mm below the image plane", f"{np.nansum(result.area_mm2):.2f}"):
        assert word in texts
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 3
    shown = pictures[0].images[0].get_array()
    assert np.array_equal(shown.mask, np.isnan(result.incidence_deg))
    assert np.array_equal(shown.compressed(), result.incidence_deg[~shown.mask])


def test_the_picture_of_an_image_beside_the_brain(tiny_atlas):
    from brainreg3d.pictures import drawings_of

    result = run(tiny_atlas, alignment=Pose((90.0, 3.4, 3.9)))
    figure = dict(drawings_of("labels", result.state))["11_maps"]()
    assert any("sees no brain" in text.get_text() for text in figure.texts)
