"""The marker on the right comes out on the right, by whatever path it went in and out."""

import csv

import numpy as np
import pytest
import tifffile
import tiny_brain
from tiny_brain import BOX_MM, make_atlas, make_volume

from brainreg3d import BrainReg3D, Pose, load_atlas
from brainreg3d.steps import TemplateSource

SHAPE = (72, 40)
PIXEL_MM = 0.1
REGIONS = ["ANT", "POST", "MARK", "BULB"]
# MARK fills x from 2.6 to 3.2 mm and y from 4.5 to 5.4 mm.
MARK_COLUMNS, MARK_ROWS = (26, 31), (18, 26)


def place(kind, folder):
    if kind == "arrays":
        return TemplateSource(atlas=make_atlas())
    return tiny_brain.source(folder, kind)


def register(step, folder, **options):
    # The original's cells of 10 pixels need more of them to find a marker of 3 × 3 voxels.
    finer = 6 if options.get("method") == "original" else 1
    pose = Pose((BOX_MM[0] / 2, BOX_MM[1] / 2, BOX_MM[2]), mirrored=options.pop("mirrored", False))
    return BrainReg3D(
        np.zeros((SHAPE[0] * finer, SHAPE[1] * finer), np.uint8), alignment=pose,
        pixel_size_mm=(PIXEL_MM / finer, PIXEL_MM / finer),
        camera_distance_mm=None, template_source=step, brain_regions=REGIONS, output_dir=folder,
        **options,
    ).run()  # fmt: skip


def extent(mask):
    rows, cols = np.nonzero(mask)
    return (cols.min(), cols.max()), (rows.min(), rows.max())


KINDS = ["arrays", "nrrd", "nifti RAS", "nifti LAS", "tiff"]


@pytest.mark.parametrize("method", ["exact", "original"])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_marker_is_on_the_right(kind, mirrored, method, tmp_path):
    (tmp_path / "atlas").mkdir()
    out = tmp_path / "out"
    result = register(place(kind, tmp_path / "atlas"), out, mirrored=mirrored, method=method)
    mask = tifffile.imread(result.files["masks"])[REGIONS.index("MARK")]
    if mirrored:  # a mirrored image shows the right side on its left
        mask = mask[:, ::-1]
    if method == "exact":
        assert extent(mask) == (MARK_COLUMNS, MARK_ROWS)
    else:  # only roughly there
        columns, rows = (np.mean(places) / 6 for places in extent(mask))
        assert columns == pytest.approx(np.mean(MARK_COLUMNS), abs=1.5)
        assert rows == pytest.approx(np.mean(MARK_ROWS), abs=1.5)
    with result.files["regions"].open(newline="") as file:
        row = next(r for r in csv.DictReader(file) if r["acronym"] == "MARK")
    column = float(row["centroid_col_px"])
    assert (column > (mask.shape[1] - 1) / 2) != mirrored


@pytest.mark.parametrize("kind", KINDS)
def test_an_atlas_read_from_files_is_the_one_that_was_written(kind, tmp_path):
    atlas = place(kind, tmp_path).compute()
    assert np.array_equal(atlas.annotation.to_ids(), make_volume())
    assert atlas.grid.spacing_mm == pytest.approx(tiny_brain.SPACING_MM)


def path_to(identifier):
    parents = {entry[0]: entry[3] for entry in tiny_brain.STRUCTURES}
    path = [identifier]
    while parents[path[0]] is not None:
        path.insert(0, parents[path[0]])
    return path


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("orientation", ["asr", "asl"])
def test_the_marker_of_an_installed_brainglobe_atlas(orientation, mirrored, tmp_path, monkeypatch):
    """The letters name the corner where the array starts: asr is the mirror image of asl."""
    from brainglobe_writer import write_brainglobe_atlas

    (tmp_path / "bg").mkdir()
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path / "bg"))
    stacks = [tiny_brain.as_ccf(v) for v in (make_volume(), tiny_brain.make_template())]
    if orientation == "asr":
        stacks = [stack[:, :, ::-1] for stack in stacks]
    z, y, x = (size * 1000 for size in tiny_brain.SPACING_MM)
    nodes = [(i, acronym, name, path_to(i)) for i, acronym, name, _ in tiny_brain.STRUCTURES]
    write_brainglobe_atlas(
        tmp_path / "bg", "tiny_mouse_250um", *map(np.ascontiguousarray, stacks), nodes, (y, z, x),
        orientation,
    )  # fmt: skip
    step = TemplateSource(atlas="tiny_mouse_250um")
    assert np.array_equal(step.compute().annotation.to_ids(), make_volume())
    result = register(step, tmp_path / "out", mirrored=mirrored)
    mask = tifffile.imread(result.files["masks"])[REGIONS.index("MARK")]
    assert extent(mask[:, ::-1] if mirrored else mask) == (MARK_COLUMNS, MARK_ROWS)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("side", "there"), [("left", False), ("right", True), ("both", True)])
def test_one_hemisphere(side, there, mirrored, tmp_path):
    step = TemplateSource(atlas=make_atlas())
    result = register(step, tmp_path, hemisphere=side, mirrored=mirrored)
    assert result.mask("MARK").any() == there
    columns = np.nonzero(result.mask("ANT"))[1]
    if side != "both":
        on_the_left_of_the_image = (side == "left") != mirrored
        assert np.all((columns < SHAPE[1] / 2) == on_the_left_of_the_image)
    if not there:
        assert "left" in result.unseen["MARK"]
    assert np.any(result.hemisphere == 1)
    assert np.any(result.hemisphere == 2)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("method", ["exact", "original"])
def test_hemispheres_apart(mirrored, method, tmp_path):
    step = TemplateSource(atlas=make_atlas())
    result = register(step, tmp_path, split_hemispheres=True, mirrored=mirrored, method=method)
    with tifffile.TiffFile(result.files["masks"]) as tif:
        masks = dict(zip(tif.imagej_metadata["Labels"], tif.asarray(), strict=True))
    assert masks["MARK_right"].any()
    assert not masks["MARK_left"].any()
    right_columns = np.nonzero(masks["POST_right"])[1].mean()
    left_columns = np.nonzero(masks["POST_left"])[1].mean()
    assert (right_columns > left_columns) != mirrored


def test_the_other_hemisphere_still_hides(tmp_path):
    """From the left, the left half of the brain hides the right one."""
    pose = Pose((0.0, 3.6, 2.0), yaw_deg=0, roll_deg=-90)
    for hemisphere, seen in (("right", False), ("left", True)):
        result = BrainReg3D(
            np.zeros((40, 72), np.uint8), pixel_size_mm=(0.1, 0.1), alignment=pose,
            camera_distance_mm=None, atlas=make_atlas(), brain_regions=["SUB", "ANT"],
            hemisphere=hemisphere,
        ).run()  # fmt: skip
        assert result.labels.any() == seen


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_phantoms_marker(mirrored, tmp_path):
    """The only structure of the phantom that lies on one side only lies on the right."""
    atlas = load_atlas("phantom_100um")
    ids = atlas.annotation.to_ids()
    half = ids.shape[2] // 2
    sides = {
        int(i): (np.any(ids[:, :, :half] == i), np.any(ids[:, :, half:] == i))
        for i in atlas.annotation.ids[1:]
    }
    one_sided = [i for i, (left, right) in sides.items() if left != right]
    assert one_sided, "the phantom has no marker"
    assert all(sides[i] == (False, True) for i in one_sided)
    x, y, z = atlas.grid.box_mm
    for identifier in one_sided:
        result = BrainReg3D(
            np.zeros((264, 228), np.uint8), pixel_size_mm=(0.05, 0.05), camera_distance_mm=None,
            alignment=Pose((x / 2, y / 2, z), mirrored=mirrored), atlas=atlas,
            brain_regions=[identifier], occluders="regions", output_dir=tmp_path,
            split_hemispheres=True,
        ).run()  # fmt: skip
        left, right = tifffile.imread(result.files["masks"])
        assert not left.any()
        assert right.any()
        column = np.nonzero(right)[1].mean()
        assert (column > 113.5) != mirrored
