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
from brainreg3d.state import Alignment, Image, Labels
from brainreg3d.steps import MaskWriter

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
        assert tif.pages[0].description.startswith("größe; voxels of 1 x 1 x 1 mm")


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
