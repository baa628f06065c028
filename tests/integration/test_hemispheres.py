"""Left and right of an atlas whose midline is crooked, against its own volume of hemispheres."""

import brainglobe_writer
import numpy as np
import pytest
import tifffile

from brainreg3d import BrainReg3D, Pose, load_atlas
from brainreg3d.geometry import Camera
from brainreg3d.steps.starting_pose import starting_pose

SHAPE = (18, 10, 24)  # axes start anterior, superior and right
SIZE_MM = 0.5
SIDES = ("both", "left", "right")
STRUCTURES = [(1, "root", "root", [1]), (5, "A", "Area", [1, 5]), (6, "B", "Other", [1, 6])]


def make_volumes():
    """An area that lies on a slope, another one in front of it, and hemispheres."""
    ap, dv, rl = np.indices(SHAPE)
    inside = (rl > 1) & (rl < 22) & (ap > 1) & (ap < 16) & (dv >= 2 + rl % 3) & (dv < 9)
    labels = np.where(inside, np.where(ap < 7, 6, 5), 0).astype(np.uint32)
    right = rl < 6 + ap // 2 + dv // 4
    return labels, np.where(right, 2, 1).astype(np.uint8)


@pytest.fixture(params=["write_brainglobe_atlas", "write_tiff_atlas"])
def atlas(request, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path / "bg"))
    (tmp_path / "bg").mkdir()
    labels, sides = make_volumes()
    write = getattr(brainglobe_writer, request.param)
    write(tmp_path / "bg", "crooked_500um", labels, labels, STRUCTURES, (500.0,) * 3, "asr", sides)
    return "crooked_500um"


def seen_from_above(depth_voxels=0):
    """What lies on top of each column, and its side: rows from the front, columns from the left."""
    labels, sides = make_volumes()
    seen, side = np.zeros((2, SHAPE[0], SHAPE[2]), int)
    for ap in range(SHAPE[0]):
        for rl in range(SHAPE[2]):
            tissue = np.flatnonzero(labels[ap, :, rl])
            if tissue.size:
                at = tissue[0] + depth_voxels
                column = SHAPE[2] - 1 - rl
                seen[ap, column], side[ap, column] = labels[ap, at, rl], sides[ap, at, rl]
    return seen, side


def run(atlas, folder, finer=1, **options):
    """Look straight down on it, one pixel for each column of voxels, or so many along each side."""
    length, height, width = np.multiply(SHAPE, SIZE_MM)
    return BrainReg3D(
        np.zeros((SHAPE[0] * finer, SHAPE[2] * finer), np.uint8),
        alignment=Pose((width / 2, length / 2, height)),
        pixel_size_mm=(SIZE_MM / finer, SIZE_MM / finer),
        camera_distance_mm=None,
        atlas=atlas,
        brain_regions=["A", "B"],
        output_dir=folder,
        **options,
    ).run()


@pytest.mark.parametrize("depth_voxels", [0, 2])
def test_masks_of_each_side(atlas, depth_voxels, tmp_path):
    seen, side = seen_from_above(depth_voxels)
    options = {"label_depth_um": depth_voxels * 1000 * SIZE_MM}
    result = run(atlas, tmp_path / "both", split_hemispheres=True, **options)
    assert np.array_equal(result.hemisphere[seen > 0], side[seen > 0])
    # In the middle of the box the sides would be others.
    middle = np.where(np.arange(SHAPE[2]) >= SHAPE[2] // 2, 2, 1)
    assert np.mean(side[seen > 0] != np.broadcast_to(middle, seen.shape)[seen > 0]) > 0.05
    written = tifffile.imread(result.files["masks"]) > 0
    expected = [(seen == i) & (side == s) for i in (5, 6) for s in (1, 2)]
    assert np.array_equal(written, expected)
    for name, value in (("left", 1), ("right", 2)):
        one = run(atlas, tmp_path / name, hemisphere=name, **options)
        assert np.array_equal(one.mask("A"), (seen == 5) & (side == value))


@pytest.mark.parametrize(
    "options", [{"method": "surface"}, {"method": "original", "finer": 11}], ids=str
)
def test_meshes_know_the_sides_too(atlas, options, tmp_path):
    """Up to a voxel: the nearest tissue tells."""
    seen, side = seen_from_above()
    result = run(atlas, tmp_path, **options)
    finer = options.get("finer", 1)
    found = result.hemisphere[finer // 2 :: finer, finer // 2 :: finer]
    compared = (seen > 0) & (found > 0)
    assert compared.sum() > 0.8 * (seen > 0).sum()
    wrong = compared & (found != side)
    rows, columns = np.nonzero(wrong)
    for row, column in zip(rows, columns, strict=True):
        beside = side[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        assert {1, 2} <= set(beside.ravel())


def test_regions_are_what_they_are_without_sides(atlas):
    labels, _ = make_volumes()
    loaded = load_atlas(atlas)
    assert sorted({*loaded.annotation.ids.tolist()}) == [0, 5, 6]
    for acronym, identifier in (("A", 5), ("B", 6), ("root", None)):
        members = loaded.structures.descendants(loaded.structures.find(acronym).id)
        mask = loaded.annotation.mask(members)[::-1, ::-1, ::-1].transpose(1, 0, 2)
        assert np.array_equal(mask, labels > 0 if identifier is None else labels == identifier)


@pytest.mark.parametrize("columns_on_right", [8, 12, 15])
def test_an_image_starts_over_the_midline_of_the_atlas(columns_on_right, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path / "bg"))
    (tmp_path / "bg").mkdir()
    labels, _ = make_volumes()
    sides = np.where(np.indices(SHAPE)[2] < columns_on_right, 2, 1).astype(np.uint8)
    brainglobe_writer.write_tiff_atlas(
        tmp_path / "bg", "off_500um", labels, labels, STRUCTURES, (500.0,) * 3, "asr", sides
    )
    given = load_atlas("off_500um"), (60, 80), (0.1, 0.1), Camera(230.0)
    middle = (SHAPE[2] - columns_on_right) * SIZE_MM
    over = {side: starting_pose(*given, hemisphere=side).center_mm[0] for side in SIDES}
    assert over["both"] == pytest.approx(middle, abs=SIZE_MM / 2)
    # Tissue ends two voxels before the box, and is as long everywhere.
    assert over["left"] == pytest.approx((middle + 2 * SIZE_MM) / 2, abs=SIZE_MM / 2)
    right_end = (SHAPE[2] - 2) * SIZE_MM
    assert over["right"] == pytest.approx((middle + right_end) / 2, abs=SIZE_MM / 2)
