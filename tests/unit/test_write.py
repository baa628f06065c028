"""MaskWriter on its own: made-up labels in, files out."""

import csv

import attrs
import numpy as np
import pytest
import tifffile

from brainreg3d.atlas import select_regions
from brainreg3d.errors import InputError, OutputError
from brainreg3d.geometry import ImageView, Pose
from brainreg3d.io.masks import write_label_volume, write_mask_stack
from brainreg3d.io.tiff_volumes import open_tiff
from brainreg3d.state import Alignment, Image, Labels
from brainreg3d.steps import MaskWriter
from brainreg3d.steps.region_table import mask_table

SHAPE = (9, 14)


def write(atlas, labels, folder, **parameters):
    depth = np.where(labels > 0, 0.25, np.nan).astype(np.float32)
    hemisphere = np.where(np.indices(SHAPE)[1] < 7, 1, 2).astype(np.uint8)
    return MaskWriter(output_dir=folder, **parameters).compute(
        image=Image(np.zeros(SHAPE), "mouse", "abc"),
        atlas=atlas,
        regions=select_regions(atlas, ["ANT", "POST", "MARK"]),
        alignment=Alignment(ImageView(SHAPE, (0.02, 0.03), Pose((1, 2, 3)))),
        labels=Labels(
            labels.astype(np.uint16), hemisphere, depth, {"MARK": "hidden by ANT (100%)"}
        ),
        provenance={"note": "x"},
    )


@pytest.fixture
def labels():
    out = np.zeros(SHAPE, np.uint16)
    out[1:4, 2:11] = 1
    out[5:8, 0:3] = 2
    return out


def rows_of(outputs):
    with outputs.files["regions"].open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_asymmetric_label_image_keeps_its_orientation(tiny_atlas, labels, tmp_path):
    outputs = write(tiny_atlas, labels, tmp_path)
    assert np.array_equal(tifffile.imread(outputs.files["labels"]), labels)
    stack = tifffile.imread(outputs.files["masks"])
    assert np.array_equal(stack, [labels == 1, labels == 2, labels == 3])


@pytest.mark.parametrize("stem", ["../up", "sub/mouse", "/mouse", "C:\\mouse", 3])
def test_a_stem_names_no_folder(tmp_path, stem):
    with pytest.raises(InputError, match="stem is how names of files start, without a folder"):
        MaskWriter(output_dir=tmp_path, stem=stem)


def test_no_more_masks_than_numbers(tiny_atlas):
    labels = np.full(SHAPE, 32768, np.uint16)
    found = Labels(labels, np.ones(SHAPE, np.uint8), np.zeros(SHAPE, np.float32))
    region = select_regions(tiny_atlas, ["ANT"])[0]
    table = mask_table([region] * 32768, found, split_hemispheres=False)
    assert table.rows[-1].n_pixels == labels.size
    with pytest.raises(OutputError, match="too few for 65536 masks"):
        mask_table([region] * 32768, found, split_hemispheres=True)


def test_the_table(tiny_atlas, labels, tmp_path):
    rows = rows_of(write(tiny_atlas, labels, tmp_path))
    assert [row["n_pixels"] for row in rows] == ["27", "9", "0"]
    assert float(rows[0]["area_mm2"]) == pytest.approx(27 * 0.02 * 0.03)
    assert (rows[0]["centroid_row_px"], rows[0]["centroid_col_px"]) == ("2.000", "6.000")
    assert float(rows[0]["mean_depth_mm"]) == pytest.approx(0.25)
    assert rows[2]["unseen"] == "hidden by ANT (100%)"
    assert {row["hemisphere"] for row in rows} == {"both"}


def test_sides_add_up(tiny_atlas, labels, tmp_path):
    outputs = write(tiny_atlas, labels, tmp_path, split_hemispheres=True)
    rows = rows_of(outputs)
    assert [int(row["n_pixels"]) for row in rows] == [15, 12, 9, 0, 0, 0]
    stack = tifffile.imread(outputs.files["masks"])
    assert [int(mask.sum()) for mask in stack] == [15, 12, 9, 0, 0, 0]
    picture = tifffile.imread(outputs.files["labels"])
    for row, mask in zip(rows, stack, strict=True):
        assert np.array_equal(picture == int(row["label"]), mask > 0)


def test_a_stem_of_ones_own(tiny_atlas, labels, tmp_path):
    outputs = write(tiny_atlas, labels, tmp_path, stem="other")
    assert {path.name.split("_")[0] for path in outputs.files.values()} == {"other"}


def test_one_region_gives_a_stack_of_one(tmp_path):
    mask = np.eye(5, dtype=bool)
    write_mask_stack(tmp_path / "one.tif", [mask], ["A"], (5, 5), (0.1, 0.1), "")
    with tifffile.TiffFile(tmp_path / "one.tif") as tif:
        assert tif.asarray().reshape(5, 5).tolist() == mask.astype(int).tolist()
        assert tif.imagej_metadata["Labels"] in (["A"], "A")


@pytest.mark.parametrize("count", [1, 3])
def test_a_stack_is_written_page_by_page_as_it_is_in_one_piece(tmp_path, count):
    """The same bytes as tifffile writes of the whole array; masks are asked for one by one."""
    stack = np.random.default_rng(count).random((count, 7, 11)) < 0.3
    names = [f"é{n}" for n in range(count)]
    write_mask_stack(tmp_path / "pages.tif", iter(stack), names, (7, 11), (0.02, 0.05), "info")
    metadata = {
        "axes": "ZYX", "Labels": names, "Info": "info", "unit": "mm", "min": 0.0, "max": 1.0,
    }  # fmt: skip
    tifffile.imwrite(
        tmp_path / "whole.tif", stack.astype(np.uint8), imagej=True, resolution=(20.0, 50.0),
        metadata=metadata,
    )  # fmt: skip
    assert (tmp_path / "pages.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()


@pytest.mark.parametrize("split", [False, True])
def test_every_number_of_the_table_is_that_of_its_mask(tiny_atlas, tmp_path, split):
    """Pixels of each page of the stack, counted and averaged one mask at a time."""
    draw = np.random.default_rng(7)
    labels = draw.integers(0, 4, SHAPE).astype(np.uint16)
    depth = np.where(labels > 0, draw.random(SHAPE), np.nan).astype(np.float32)
    hemisphere = draw.integers(0, 3, SHAPE).astype(np.uint8)
    outputs = MaskWriter(output_dir=tmp_path, split_hemispheres=split).compute(
        image=Image(np.zeros(SHAPE), "mouse", "abc"), atlas=tiny_atlas,
        regions=select_regions(tiny_atlas, ["ANT", "POST", "MARK", "BULB"]),
        alignment=Alignment(ImageView(SHAPE, (0.02, 0.03), Pose((1, 2, 3)))),
        labels=Labels(labels, hemisphere, depth), provenance={},
    )  # fmt: skip
    sides = ("left", "right") if split else ("both",)
    parts = [(place, side) for place in range(1, 5) for side in sides]
    stack, picture = (tifffile.imread(outputs.files[kind]) for kind in ("masks", "labels"))
    rows = rows_of(outputs)
    assert len(stack) == len(rows) == len(parts)
    for number, ((place, side), page, row) in enumerate(zip(parts, stack, rows, strict=True), 1):
        mask = labels == place
        if split:
            mask &= hemisphere == {"left": 1, "right": 2}[side]
        assert row["hemisphere"] == side
        assert np.array_equal(page, mask)
        assert np.array_equal(picture == number, mask)
        assert int(row["n_pixels"]) == mask.sum()
        if not mask.any():
            assert row["mean_depth_mm"] == row["centroid_row_px"] == ""
            continue
        y, x = np.nonzero(mask)
        assert float(row["centroid_row_px"]) == pytest.approx(y.mean(), abs=6e-4)
        assert float(row["centroid_col_px"]) == pytest.approx(x.mean(), abs=6e-4)
        assert float(row["mean_depth_mm"]) == pytest.approx(depth[mask].mean(), abs=6e-5)


def test_an_image_without_a_folder(tiny_atlas):
    with pytest.raises(OutputError, match="output_dir"):
        MaskWriter().target(Image(np.zeros(SHAPE), "mouse", "abc"), "masks")


def test_more_than_an_imagej_stack_can_hold(tmp_path):
    with pytest.raises(OutputError, match="4 GB"):
        write_mask_stack(tmp_path / "a.tif", [], ["A"] * 5000, (1000, 1000), (0.1, 0.1), "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("parameters", [{"label_values": "id"}, {"split_hemispheres": 1}], ids=str)
def test_bad_parameters(parameters):
    with pytest.raises(InputError, match=next(iter(parameters))):
        MaskWriter(**parameters)


@pytest.mark.parametrize("label_values", ["ids", "index"])
def test_an_atlas_whose_name_goes_beyond_ascii(tiny_atlas, labels, tmp_path, label_values):
    atlas = attrs.evolve(tiny_atlas, name="größe µm")
    outputs = write(atlas, labels, tmp_path, label_values=label_values)
    with tifffile.TiffFile(outputs.files["labels"]) as tif:
        said = tif.pages[0].description + str(tif.imagej_metadata)
    assert "größe µm" in said


def test_the_description_of_a_label_volume_goes_beyond_ascii(tmp_path):
    write_label_volume(tmp_path / "v.tif", np.zeros((2, 3, 4), np.uint32), (1.0, 1.0, 1.0), "größe")
    with tifffile.TiffFile(tmp_path / "v.tif") as tif:
        assert "größe; voxels of 1 x 1 x 1 mm" in tif.pages[0].description


def test_the_voxel_size_of_a_label_volume_is_shown_by_imagej(tmp_path):
    """ImageJ takes rows and columns from TIFF's tags, pages and the unit from the description."""
    labels = np.arange(3 * 4 * 5, dtype=np.uint32).reshape(3, 4, 5) + 614_454_277
    write_label_volume(tmp_path / "v.tif", labels, (0.05, 0.04, 0.02), "atlas")
    with tifffile.TiffFile(tmp_path / "v.tif") as tif:
        said, tags = tif.imagej_metadata, tif.pages[0].tags
        assert (said["unit"], said["spacing"], said["slices"]) == ("mm", 0.05, 3)
        columns, rows = (tags[name].value for name in ("XResolution", "YResolution"))
        assert columns[1] / columns[0] == pytest.approx(0.02)
        assert rows[1] / rows[0] == pytest.approx(0.04)
        assert tags["ResolutionUnit"].value == 1  # none: an inch or a cm would contradict the mm
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "v.tif"), labels)
    raw = open_tiff(tmp_path / "v.tif")
    assert (raw.spacing, raw.unit) == (pytest.approx((0.05, 0.04, 0.02)), "mm")


def test_names_of_regions_with_letters_beyond_ascii(tiny_atlas, labels, tmp_path):
    """ImageJ's labels are UTF-16; the names of an atlas of one's own may hold anything."""
    regions = select_regions(tiny_atlas, ["ANT"])
    odd = attrs.evolve(regions[0], acronym="Área/β 2", name='Ä, "quoted"\nname')
    view = ImageView(SHAPE, (0.02, 0.03), Pose((1, 2, 3)))
    outputs = MaskWriter(output_dir=tmp_path).compute(
        image=Image(np.zeros(SHAPE), "mouse", "abc"), atlas=tiny_atlas,
        regions=type(regions)((odd,)), alignment=Alignment(view),
        labels=Labels(labels, labels.astype(np.uint8), np.zeros(SHAPE, np.float32)),
        provenance={},
    )  # fmt: skip
    assert rows_of(outputs)[0]["acronym"] == "Área/β 2"
    with tifffile.TiffFile(outputs.files["masks"]) as tif:
        assert tif.imagej_metadata["Labels"] in (["Área/β 2"], "Área/β 2")
