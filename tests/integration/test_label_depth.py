"""Labels from below the surface, against the phantom's shape and the real annotation's file."""

import json

import numpy as np
import pytest
import tifffile
from phantom_surface import first_points
from slow_march import STEP_MM, _march_ccf, label_volume, pixel_rays, read_allen, read_descendants

from brainreg3d import BrainReg3D, Pose, load_atlas, load_registration_result
from brainreg3d.errors import BrainReg3DError, InputError
from brainreg3d.sources.phantom import phantom_structure_at

SHAPE = (40, 50)
PIXEL_MM = (0.11, 0.1)
# center_mm, yaw, pitch, roll, mirrored; distance of the camera
POSES = {
    "from above": (((7.0, 7.0, 8.0), 0.0, 0.0, 0.0, False), 230.0),
    "tilted": (((7.4, 6.5, 7.5), 30.0, 10.0, 25.0, True), 20.0),
    "parallel": (((4.0, 6.5, 7.5), -100.0, 5.0, -20.0, False), None),
}


@pytest.fixture(scope="module")
def phantom():
    return load_atlas("phantom_50um")


def run(atlas, where, until="PixelLabeller", **options):
    pose, distance_mm = where
    usual = {
        "alignment": Pose(*pose), "camera_distance_mm": distance_mm, "pixel_size_mm": PIXEL_MM,
        "brain_regions": ["Isocortex", "HPF", "fiber tracts"],
    }  # fmt: skip
    return BrainReg3D(np.zeros(SHAPE, np.uint8), atlas=atlas, **usual | options).run(until=until)


def structures_of_pixels(result):
    """What each pixel was labelled by, whatever region that is in; 0 also off the brain."""
    samples = result.projections.samples
    ids = np.zeros(SHAPE, np.uint32)
    ids[samples.y_px.astype(int), samples.x_px.astype(int)] = samples.structure_id
    return ids.ravel()


def true_surface(where, row_shift=0.0, col_shift=0.0):
    """Return the points of the phantom's continuous surface that pixels see, and their rays."""
    (center, *angles), distance_mm = where
    pose = (center, *angles)
    starts, ways, _ = pixel_rays(SHAPE, PIXEL_MM, pose, distance_mm)
    if row_shift or col_shift:
        down = (starts + ways)[SHAPE[1]] - (starts + ways)[0]
        along = (starts + ways)[1] - (starts + ways)[0]
        starts = starts + row_shift * down + col_shift * along
    near = starts + np.maximum(0.0, (np.asarray(center) - starts) @ ways[0] - 2.0)[:, None] * ways
    return first_points(near, ways, 9.0), ways


def within_one_structure(points, margin_mm):
    """Tell where nothing else lies around a point, so that voxels cannot matter."""
    ids = phantom_structure_at(points)
    steps = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)])
    around = phantom_structure_at(points[:, None] + margin_mm * steps)
    return (around == ids[:, None]).all(axis=1)


@pytest.mark.parametrize("depth_um", [250, 500, 1500])
@pytest.mark.parametrize("name", POSES)
def test_along_the_ray_against_the_shape_of_the_phantom(name, depth_um, phantom):
    where = POSES[name]
    result = run(phantom, where, label_depth_um=depth_um)
    found = structures_of_pixels(result)
    surface, ways = true_surface(where)
    deep = np.nan_to_num(surface + depth_um / 1000 * ways)
    # Where a ray comes in at a slant, voxels move the surface a long way along it.
    sure = ~np.isnan(surface[:, 0]) & (result.incidence_deg.ravel() < 60)
    sure &= within_one_structure(deep, 0.06)
    expected = phantom_structure_at(deep)
    assert sure.sum() > 120
    assert np.mean(found[sure] == expected[sure]) > 0.995
    assert np.mean(found[sure] == structures_of_pixels(run(phantom, where))[sure]) < 0.9


@pytest.mark.parametrize("depth_um", [300, 900])
@pytest.mark.parametrize("name", ["tilted", "parallel"])
def test_along_the_normal_against_the_shape_of_the_phantom(name, depth_um, phantom):
    """The true normal is across two short lines on the surface of the continuous shape."""
    where = POSES[name]
    result = run(phantom, where, label_depth_um=depth_um, along="normal")
    surface, ways = true_surface(where)
    shift = 0.3  # pixels
    down = true_surface(where, row_shift=shift)[0] - true_surface(where, row_shift=-shift)[0]
    along = true_surface(where, col_shift=shift)[0] - true_surface(where, col_shift=-shift)[0]
    normal = np.cross(down, along)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    normal *= np.sign((normal * ways).sum(axis=1, keepdims=True))
    angle = np.degrees(np.arccos((normal * ways).sum(axis=1)))
    smooth = (np.abs(angle - result.incidence_deg.ravel()) < 10) & (angle < 60)
    assert smooth.sum() > 0.7 * np.isfinite(angle).sum()
    deep = np.nan_to_num(surface + depth_um / 1000 * normal)
    sure = smooth & within_one_structure(deep, 0.08)
    assert sure.sum() > 100
    found = structures_of_pixels(result)
    assert np.mean(found[sure] == phantom_structure_at(deep)[sure]) > 0.98
    other = structures_of_pixels(run(phantom, where, label_depth_um=depth_um))
    assert np.mean(found[smooth] == other[smooth]) < 0.95, "it is not the same as along the ray"


@pytest.mark.parametrize("name", POSES)
def test_the_surface_stays_what_it_is(name, phantom):
    plain, deep = run(phantom, POSES[name]), run(phantom, POSES[name], label_depth_um=600)
    assert np.array_equal(plain.depth_mm, deep.depth_mm, equal_nan=True)
    assert np.array_equal(plain.hemisphere > 0, deep.hemisphere > 0)
    assert not np.array_equal(plain.labels, deep.labels)


@pytest.fixture(scope="module")
def allen_volume(allen_dir):
    """Structure ids as the file has them, axes (ML, DV, AP)."""
    return read_allen(allen_dir / "annotation_25.nrrd")


@pytest.mark.real_data
@pytest.mark.parametrize("depth_um", [100, 400, 2500])
@pytest.mark.parametrize("name", POSES)
def test_the_real_annotation_voxel_by_voxel(name, depth_um, real_atlas, allen_volume):
    """March through the file, go on from where tissue begins, and look the voxel up."""
    where = POSES[name]
    result = run(real_atlas, where, label_depth_um=depth_um)
    (center, *angles), distance_mm = where
    starts, ways, _ = pixel_rays(SHAPE, PIXEL_MM, (center, *angles), distance_mm)
    tissue = (allen_volume != 0).astype(np.uint8)
    box = np.array([11.4, 13.2, 8.0])
    met, _, surface = _march_ccf(tissue, starts, ways, 0.025, box, STEP_MM, True)

    def voxels(points):
        x, y, z = np.nan_to_num(points).T
        place = np.floor(np.stack([x, 8.0 - z, 13.2 - y]) / 0.025).astype(int)
        size = np.array(allen_volume.shape)[:, None]
        inside = np.all((place >= 0) & (place < size), axis=0)
        return np.where(inside, allen_volume[tuple(np.where(inside, place, 0))], 0)

    # A step of the march may begin up to its length behind the face of the voxel.
    deep = [surface + (depth_um / 1000 - shift * STEP_MM) * ways for shift in (0.0, 1.0)]
    expected, other = (voxels(points) for points in deep)
    found = structures_of_pixels(result)
    sure = (met > 0) & (expected == other)
    assert sure.sum() > 0.75 * (met > 0).sum() > 500
    differs = np.flatnonzero(sure & (found != expected))
    # A ray that grazes a corner may miss it in steps.
    assert differs.size <= 0.003 * sure.sum()


@pytest.mark.real_data
def test_regions_of_the_real_annotation(real_atlas, allen_dir, allen_volume):
    """Half a millimetre down lie regions, not only structures; the deep one is not seen above."""
    regions = ["VIS", "SSp", "MOp", "HPF", "fiber tracts"]
    where = POSES["from above"]
    result = run(real_atlas, where, label_depth_um=1200, brain_regions=regions)
    members = read_descendants(allen_dir / "structure_graph.json")
    table = label_volume(structures_of_pixels(result), [members(name) for name in regions])
    table = table.reshape(SHAPE)
    assert np.array_equal(result.labels, np.where(table == 255, 0, table))
    assert result.mask("HPF").any()
    assert not run(real_atlas, where, brain_regions=regions).mask("HPF").any()


def test_depth_zero_is_the_first_hit_to_the_bit(phantom, tmp_path):
    files = []
    for folder, options in (("a", {}), ("b", {"label_depth_um": 0, "along": "ray"})):
        result = run(
            phantom, POSES["tilted"], None, output_dir=tmp_path / folder, stem="m", **options
        )
        files.append({k: p.read_bytes() for k, p in result.files.items()})
    assert files[0].keys() == {"masks", "labels", "regions", "alignment", "run"}
    assert files[0] == files[1]


def test_below_the_brain_there_is_no_region(tiny_atlas):
    """The tiny brain is 3 mm high; what is seen of it is still seen."""
    options = {
        "alignment": Pose((2.0, 3.6, 4.0)), "camera_distance_mm": None, "pixel_size_mm": (0.2, 0.2),
        "brain_regions": ["ANT", "POST", "SUB"],
    }  # fmt: skip
    picture = np.zeros((36, 20))
    shallow = BrainReg3D(picture, atlas=tiny_atlas, label_depth_um=1000, **options).run("Projector")
    assert set(np.unique(shallow.projections.samples.region)) >= {3}
    for along in ("ray", "normal"):
        reg = BrainReg3D(picture, atlas=tiny_atlas, label_depth_um=9000, along=along, **options)
        result = reg.run("PixelLabeller")
        assert not result.labels.any()
        assert np.isfinite(result.depth_mm).sum() > 200
        assert set(result.unseen) == {"ANT", "POST", "SUB"}


def test_label_and_side_are_those_of_the_same_voxel(phantom):
    """A ray that crosses the midline on its way down labels the other side."""
    where = (((5.6, 6.5, 8.0), 0.0, 0.0, -40.0, False), None)
    plain, deep = run(phantom, where), run(phantom, where, label_depth_um=3000)
    crossed = (plain.hemisphere > 0) & (plain.hemisphere != deep.hemisphere)
    assert crossed.any()
    ccf = plain.ccf
    (pose, _) = where
    way = Pose(*pose).view_axis
    x = ccf[..., 2] / 1000 + 3.0 * way[0]
    seen = plain.hemisphere > 0
    assert np.array_equal(deep.hemisphere[seen] == 2, x[seen] >= 5.7)


@pytest.mark.parametrize("along", ["ray", "normal"])
def test_where_there_is_no_tissue_the_side_is_that_of_the_surface(along, tiny):
    """Rays that lean to the right leave a thin sheet of tissue on the other side of the middle."""
    volume = np.zeros((60, 20, 40), np.uint32)
    volume[50:52] = 11
    atlas = tiny.make_atlas(volume, (0.1, 0.1, 0.1))
    result = BrainReg3D(
        np.zeros((10, 30)), atlas=atlas, alignment=Pose((1.7, 1.0, 5.2), 0.0, 0.0, -40.0),
        pixel_size_mm=(0.05, 0.05), camera_distance_mm=None, brain_regions=["ANT"],
        label_depth_um=1500, along=along,
    ).run(until="PixelLabeller")  # fmt: skip
    assert not result.labels.any(), "1.5 mm below a sheet of 0.2 mm there is nothing"
    x_mm = result.ccf[..., 2] / 1000
    assert 30 < np.count_nonzero(x_mm < 2.0) < 270
    clear = np.abs(x_mm - 2.0) > 1e-6
    assert np.array_equal(result.hemisphere[clear] == 2, x_mm[clear] > 2.0)


def test_where_only_regions_hide_it_is_counted_from_their_surface(tiny):
    """Level layers of a millimetre each, seen at 60 degrees through a layer of glass."""
    volume = np.zeros((60, 120, 120), np.uint32)
    for top, identifier in ((50, 40), (40, 11), (20, 20)):  # BULB over ANT over SUB
        volume[:top] = identifier
    atlas = tiny.make_atlas(volume, (0.05, 0.05, 0.05))
    for along, expected in (("ray", "ANT"), ("normal", "SUB")):
        result = BrainReg3D(
            np.zeros((20, 20)), atlas=atlas, alignment=Pose((3.0, 3.0, 2.0), 30.0, 0.0, 60.0),
            pixel_size_mm=(0.05, 0.05), camera_distance_mm=None, brain_regions=["ANT", "SUB"],
            occluders="regions", label_depth_um=1200, along=along,
        ).run(until="PixelLabeller")  # fmt: skip
        assert result.mask(expected).all(), "1.2 mm straight down, or 0.6 mm along a ray"


@pytest.mark.parametrize("along", ["ray", "normal"])
def test_pictures_of_hidden_layers_do_not_change_labels(along, phantom):
    from brainreg3d.steps import Projector

    regions = ["MOp", "MOs", "SSp", "VIS", "HPF", "fiber tracts"]
    results = []
    for layers in ("visible", "all"):
        reg = BrainReg3D(
            np.zeros(SHAPE), atlas=phantom, alignment=Pose(*POSES["tilted"][0]),
            pixel_size_mm=PIXEL_MM, camera_distance_mm=20.0, brain_regions=regions,
        )  # fmt: skip
        reg.Projector = Projector(layers=layers, label_depth_um=1300, along=along)
        results.append(reg.run("PixelLabeller"))
    one, other = results
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.hemisphere, other.hemisphere)
    assert np.array_equal(one.depth_mm, other.depth_mm, equal_nan=True)
    assert one.unseen == other.unseen


def test_what_is_not_at_that_depth_says_so(tiny_atlas):
    result = BrainReg3D(
        np.zeros((36, 20)), atlas=tiny_atlas, alignment=Pose((2.0, 3.6, 4.0)),
        pixel_size_mm=(0.2, 0.2), brain_regions=["ANT", "POST", "SUB"], label_depth_um=1500,
    ).run(until="PixelLabeller")  # fmt: skip
    assert result.mask("SUB").any()
    assert "not 1500 µm below the surface" in result.unseen["ANT"]
    assert "SUB" in result.unseen["ANT"]


def test_the_run_file_records_it_and_brings_it_back(tmp_path):
    tifffile.imwrite(tmp_path / "mouse.tif", np.zeros(SHAPE, np.uint8))
    result = BrainReg3D(
        tmp_path / "mouse.tif", pixel_size_mm=(0.2, 0.2), alignment=Pose((6.0, 7.0, 8.0), 20.0),
        atlas="phantom_100um", brain_regions=["MOp", "VIS", "fiber tracts"],
        label_depth_um=1100, along="normal",
    ).run()  # fmt: skip
    steps = json.loads(result.files["run"].read_text(encoding="utf-8"))["steps"]
    (projector,) = (entry for entry in steps if entry["slot"] == "Projector")
    assert projector["parameters"]["label_depth_um"] == 1100
    assert projector["parameters"]["along"] == "normal"
    again = load_registration_result(tmp_path)
    assert result.mask("fiber tracts").any()
    for name in ("labels", "hemisphere", "depth_mm", "ccf", "incidence_deg", "area_mm2"):
        assert np.array_equal(getattr(again, name), getattr(result, name), equal_nan=True), name


def test_only_what_is_touched_is_redone(tiny_atlas):
    reg = BrainReg3D(
        np.zeros((36, 20)), atlas=tiny_atlas, alignment=Pose((2.0, 3.6, 4.0)),
        pixel_size_mm=(0.2, 0.2), brain_regions=["ANT", "POST", "SUB"],
    )  # fmt: skip
    first = reg.run("PixelLabeller")
    reg.label_depth_um = 1500
    second = reg.run("PixelLabeller")
    assert second.alignment is first.alignment
    assert not first.mask("SUB").any()
    assert second.mask("SUB").any()


def test_the_original_method_has_no_depth(tiny_atlas):
    options = {"alignment": Pose((2.0, 3.6, 4.0)), "pixel_size_mm": (0.2, 0.2)}
    reg = BrainReg3D(
        np.zeros((36, 20)), atlas=tiny_atlas, method="original", label_depth_um=300, **options
    )
    with pytest.raises(InputError, match=r"method='exact'"):
        reg.plan()
    reg.label_depth_um = 0
    reg.plan()


@pytest.mark.parametrize("wrong", [-1, np.nan, np.inf, "deep", True, [300]])
def test_depths_of_nonsense_are_refused(wrong, tiny_atlas):
    with pytest.raises(InputError, match="label_depth_um is a number from 0 on"):
        BrainReg3D(np.zeros((9, 9)), atlas=tiny_atlas, label_depth_um=wrong).plan()


def test_other_ways_down_are_refused(tiny_atlas):
    with pytest.raises(BrainReg3DError, match="Did you mean normal"):
        BrainReg3D(np.zeros((9, 9)), atlas=tiny_atlas, along="normals").plan()
