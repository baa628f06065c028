import attrs
import numpy as np
import pytest
from tiny_brain import POST_ID, SPACING_MM, make_volume

from brainreg3d.atlas import select_regions
from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.state import Alignment
from brainreg3d.steps import DepthResolver, Projector

SHAPE = (72, 40)
VIEW = ImageView(SHAPE, (0.1, 0.1), Pose((2.0, 3.6, 4.0)), Camera(None))


def project(atlas, regions, view=VIEW, **parameters):
    step = Projector(**parameters)
    return step.compute(
        atlas=atlas, regions=select_regions(atlas, regions), alignment=Alignment(view)
    )


def columns_from_above(members):
    """First voxel from the top of each column whose id is one of `members`."""
    volume = make_volume()[::-1]  # top first
    hit = np.isin(volume, list(members))
    first = hit.argmax(axis=0)
    found = hit.any(axis=0)
    ids = np.take_along_axis(volume, first[None], 0)[0]
    depth = first * SPACING_MM[0]
    return found, ids, depth


def test_one_ray_a_pixel_meets_what_lies_on_top(tiny_atlas):
    """Pixels of 0.1 mm over voxels of 0.2 × 0.3 mm: each falls well inside one column."""
    samples = project(tiny_atlas, ["ANT", "POST", "MARK", "BULB"]).samples
    everything = set(np.unique(make_volume())) - {0}
    found, ids, depth = columns_from_above(everything)
    # the middle of a pixel of row r lies at y = 7.2 - (r + 1/2) / 10
    y = ((7.2 - (samples.y_px + 0.5) * 0.1) / 0.3).astype(int)
    x = ((samples.x_px + 0.5) * 0.1 / 0.2).astype(int)
    assert len(samples) == np.count_nonzero(found) * 6  # six pixels to a column
    assert np.array_equal(samples.structure_id, ids[y, x])
    assert np.allclose(samples.depth_mm, depth[y, x], atol=1e-9)
    assert np.array_equal(samples.right, x >= 10)
    expected = {11: 1, POST_ID: 2, 30: 3, 40: 4}
    assert np.array_equal(samples.region, [expected.get(int(i), 0) for i in samples.structure_id])


def test_only_regions_occlude_when_asked(tiny_atlas):
    samples = project(tiny_atlas, ["DEEP"], occluders="regions").samples
    found, ids, depth = columns_from_above({21})
    assert set(ids[found]) == {21}
    assert len(samples) == np.count_nonzero(found) * 6
    assert np.allclose(samples.depth_mm, depth[found][0])
    assert np.all(samples.region == 1)


def test_regions_that_no_pixel_sees_first_are_projected_too(tiny_atlas):
    """DEEP (label 2) lies below ANT; its pixels are known from the columns of the volume."""
    projections = project(tiny_atlas, ["ANT", "DEEP"])
    hidden = projections.hidden
    found, _, _ = columns_from_above({21})
    row, col = np.divmod(hidden.pixel, SHAPE[1])
    # the middle of a pixel of row r lies at y = 7.2 - (r + 1/2) / 10
    y, x = ((7.2 - (row + 0.5) * 0.1) / 0.3).astype(int), ((col + 0.5) * 0.1 / 0.2).astype(int)
    assert len(hidden) == np.count_nonzero(found) * 6
    assert len(set(hidden.pixel.tolist())) == len(hidden)
    assert np.all(found[y, x])
    assert np.all(hidden.region == 2)
    assert np.array_equal(hidden.right, x >= 10)
    assert not np.any(projections.samples.region == 2)


def test_what_hides_regions_in_large_images_is_known_from_a_share_of_the_rays(tiny_atlas):
    """SUB and DEEP lie below all that is seen; the columns of the volume tell the shares."""
    large = ImageView((1440, 1000), (0.005, 0.004), Pose((2.0, 3.6, 4.0)), Camera(None))
    names = ["ANT", "POST", "MARK", "BULB", "SUB", "DEEP"]
    regions = select_regions(tiny_atlas, names, overlap="deepest")
    step = Projector()
    projections = step.compute(atlas=tiny_atlas, regions=regions, alignment=Alignment(large))
    visible = DepthResolver().compute(atlas=tiny_atlas, regions=regions, projections=projections)
    _, on_top, _ = columns_from_above({11, POST_ID, 30, 40, 20, 21})
    name_of = {11: "ANT", POST_ID: "POST", 30: "MARK", 40: "BULB"}
    for report, own in ((visible.visibility[4], 20), (visible.visibility[5], 21)):
        found, _, _ = columns_from_above({own})
        hiders = on_top[found & (on_top != own)]
        shares = {name: np.mean(hiders == label) for label, name in name_of.items()}
        assert report.n_visible == 0
        told = dict(report.hidden_by)
        assert told == pytest.approx({n: s for n, s in shares.items() if s}, abs=0.01)
    n_all = np.count_nonzero(columns_from_above({20})[0]) * 60 * 50  # pixels of a column
    assert np.count_nonzero(projections.hidden.region == 5) < n_all / 3


def test_no_hidden_region_is_overlooked_where_few_rays_are_followed(tiny_atlas, monkeypatch):
    from brainreg3d.steps import hidden

    every = project(tiny_atlas, ["ANT", "DEEP"]).hidden
    monkeypatch.setattr(hidden, "_MOST_RAYS", 2)  # both of them at the edge of the tissue
    few = project(tiny_atlas, ["ANT", "DEEP"]).hidden
    assert len(every)
    for name in ("region", "pixel", "right"):
        assert np.array_equal(getattr(few, name), getattr(every, name))


@pytest.mark.parametrize("cell_px", [1, 4])
def test_hidden_regions_are_reported_alike_with_and_without_all_layers(tiny_atlas, cell_px):
    tilted = attrs.evolve(VIEW, pose=Pose((2.0, 3.6, 5.0), 20, 25, -15), camera=Camera(9.0))
    names = ["ANT", "DEEP", "MARK"]
    regions = select_regions(tiny_atlas, names)
    reports = []
    for layers in ("visible", "all"):
        projections = project(tiny_atlas, names, view=tilted, layers=layers)
        resolver = DepthResolver(cell_px=cell_px)
        visible = resolver.compute(atlas=tiny_atlas, regions=regions, projections=projections)
        reports.append([report for report in visible.visibility if report.n_visible == 0])
    assert any(report.n_projected > 0 for report in reports[0])
    assert reports[0] == reports[1]


def test_a_camera_within_the_tissue_is_warned_of(tiny_atlas, log):
    """The tissue reaches up to z = 3.5 mm; ANT lies below the middle of the image."""
    low = attrs.evolve(VIEW, pose=Pose((2.0, 4.0, 2.0)), camera=Camera(1.3))
    project(tiny_atlas, ["ANT"], view=low)
    assert len(log) == 1
    assert "inside the brain (in ANT" in log[0]
    log.clear()
    for distance in (1.7, 230.0, None):
        project(tiny_atlas, ["ANT"], view=attrs.evolve(low, camera=Camera(distance)))
    assert not log


def test_all_layers_are_the_first_hit_of_each_region(tiny_atlas):
    samples = project(tiny_atlas, ["ANT", "SUB"], layers="all").samples
    below = samples.take(samples.region == 2)
    found, _, depth = columns_from_above({20, 21})
    y = ((7.2 - (below.y_px + 0.5) * 0.1) / 0.3).astype(int)
    x = ((below.x_px + 0.5) * 0.1 / 0.2).astype(int)
    assert len(below) == np.count_nonzero(found) * 6
    assert np.allclose(below.depth_mm, depth[y, x])


def test_vertices_lie_on_the_surface_of_the_region(tiny_atlas):
    samples = project(tiny_atlas, ["MARK"], sampling="vertices", occluders="regions").samples
    assert len(samples)
    # MARK: x 2.6 to 3.2, y 4.5 to 5.4, z 3.25 to 3.5 mm, give or take half a voxel
    x, y = (samples.x_px + 0.5) * 0.1, 7.2 - (samples.y_px + 0.5) * 0.1
    assert x.min() == pytest.approx(2.6, abs=0.11)
    assert x.max() == pytest.approx(3.2, abs=0.11)
    assert y.min() == pytest.approx(4.5, abs=0.16)
    assert y.max() == pytest.approx(5.4, abs=0.16)
    assert samples.depth_mm.min() == pytest.approx(0.5, abs=0.13)
    assert samples.depth_mm.max() == pytest.approx(0.75, abs=0.13)
    assert np.all(samples.right)
    assert np.all(samples.region == 1)


def test_vertices_outside_the_image_are_left_out(tiny_atlas):
    far = attrs.evolve(VIEW, pose=Pose((2.0, 30.0, 4.0)))
    samples = project(tiny_atlas, ["ANT"], view=far, sampling="vertices").samples
    assert len(samples) == 0
    part = attrs.evolve(VIEW, pose=Pose((2.0, 6.0, 4.0)))
    samples = project(tiny_atlas, ["ANT"], view=part, sampling="vertices").samples
    assert len(samples) > 0
    assert samples.y_px.min() >= -0.5
    assert samples.y_px.max() < SHAPE[0] - 0.5


def test_vertices_of_other_tissue_join_as_region_0(tiny_atlas):
    tissue = project(tiny_atlas, ["MARK"], sampling="vertices", occluders="tissue").samples
    only = project(tiny_atlas, ["MARK"], sampling="vertices", occluders="regions").samples
    assert np.count_nonzero(tissue.region == 1) == len(only)
    assert np.count_nonzero(tissue.region == 0) > len(only)


@pytest.mark.parametrize("sampling", ["rays", "vertices"])
def test_depth_is_measured_from_the_image_plane_along_the_view(tiny_atlas, sampling):
    """Lifting the image plane by 1 mm adds 1 mm; the camera's distance does not matter."""
    for camera in (Camera(None), Camera(1000.0)):
        low = attrs.evolve(VIEW, camera=camera)
        high = attrs.evolve(low, pose=Pose((2.0, 3.6, 5.0)))
        top = [
            project(tiny_atlas, ["ANT"], view=view, sampling=sampling).samples.depth_mm.min()
            for view in (low, high)
        ]
        assert top[1] - top[0] == pytest.approx(1.0, abs=1e-9)


def test_an_image_plane_inside_the_brain_gives_negative_depths(tiny_atlas):
    inside = attrs.evolve(VIEW, pose=Pose((2.0, 3.6, 2.0)))
    samples = project(tiny_atlas, ["ANT"], view=inside).samples
    assert samples.depth_mm.min() == pytest.approx(-1.5)


@pytest.mark.parametrize(
    "parameters",
    [{"sampling": "points"}, {"occluders": "all"}, {"layers": "some"}, {"mesh_spacing_um": 0},
     {"mesh_spacing_um": 2.5}],
    ids=str,
)  # fmt: skip
def test_bad_parameters(parameters):
    with pytest.raises(InputError, match=next(iter(parameters))):
        Projector(**parameters)
