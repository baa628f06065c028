"""All formats of one run, read back by the libraries that users read them with."""

import hashlib
import json
from datetime import datetime

import numpy as np
import pandas as pd
import pynwb
import pytest
import tifffile
from exported import read_contours, read_rois
from PIL import Image as PillowImage
from tiny_brain import BOX_MM, VISIBLE, make_atlas, source

from brainreg3d import BrainReg3D, Pose, load_registration_result
from brainreg3d.atlas import RegionSet
from brainreg3d.cli import main
from brainreg3d.errors import BrainReg3DError
from brainreg3d.steps import MaskWriter

SHAPE = (72, 40)
FORMATS = ("masks", "labels", "csv", "rois", "geojson", "ome", "wfield", "nwb", "preview")
ABOVE = Pose((BOX_MM[0] / 2, BOX_MM[1] / 2, BOX_MM[2]), yaw_deg=7.0)


@pytest.fixture
def image(tmp_path):
    (tmp_path / "session").mkdir()
    path = tmp_path / "session" / "brain.tif"
    tifffile.imwrite(path, np.arange(72 * 40, dtype=np.uint16).reshape(SHAPE))
    return path


def register(image, **options):
    usual = {
        "pixel_size_mm": (0.1, 0.1), "alignment": ABOVE, "camera_distance_mm": None,
        "atlas": make_atlas(), "brain_regions": [*VISIBLE, "DEEP"], "formats": FORMATS,
    }  # fmt: skip
    return BrainReg3D(image, **usual | options).run()


def check_all(result, files):
    """Compare what each library reads with the labels of the result."""
    labels, sides = result.labels, np.where(result.labels > 0, result.hemisphere, 0)
    names = RegionSet(result.regions).file_names
    for read in (read_rois(files["rois"], labels.shape, names),
                 read_contours(files["geojson"], labels.shape)):  # fmt: skip
        np.testing.assert_array_equal(read[0], labels)
        np.testing.assert_array_equal(read[1], sides)
    np.testing.assert_array_equal(tifffile.imread(files["ome"]), labels)
    signed = np.load(files["wfield_atlas"])
    np.testing.assert_array_equal(signed, np.where(sides == 2, -labels.astype(int), labels))
    areas = pd.read_csv(files["wfield_names"], keep_default_na=False).set_index("label")["name"]
    for number in np.unique(signed[signed != 0]):
        acronym = result.regions[abs(number) - 1].acronym
        assert areas[number] == f"{acronym}_{'left' if number > 0 else 'right'}"
    with pynwb.NWBHDF5IO(str(files["nwb"]), "r") as io:
        nwbfile = io.read()
        pictures = nwbfile.processing["ophys"]["brain_region_images"]
        np.testing.assert_array_equal(pictures["labels"].data[:], labels)
        found = nwbfile.lab_meta_data["localization"]
        coordinates = found.anatomical_coordinates_images["brain_surface"]
        np.testing.assert_allclose(coordinates.get_coordinates(), result.ccf, rtol=1e-6)
        acronyms = np.array(["", *(region.acronym for region in result.regions)], object)
        np.testing.assert_array_equal(coordinates.brain_region[:], acronyms[labels])
        ids = found.brain_region_masks["brain_region_masks"]._to_image(*labels.shape)
    structure_ids = np.array([0, *(region.id for region in result.regions)])
    np.testing.assert_array_equal(ids, structure_ids[labels])


def test_every_format_is_the_label_image(image):
    result = register(image)
    assert len(np.unique(result.labels)) == 5
    check_all(result, result.files)
    with PillowImage.open(result.files["preview"]) as picture:
        assert min(picture.size) > 300


@pytest.mark.parametrize(
    "options",
    [
        {"hemisphere": "left"},
        {"split_hemispheres": True, "label_values": "index"},
        {"label_values": "ids"},
        {"window_mask": np.hypot(*(np.indices(SHAPE) - np.array([36, 20])[:, None, None])) < 17},
        {"brain_regions": "all"},
        {"brain_regions": ["DEEP"]},  # hidden: no region has a pixel
    ],
    ids=["left", "split", "ids", "window", "all", "none"],
)
def test_with_options_that_change_what_is_labelled(image, options):
    result = register(image, **options)
    check_all(result, result.files)
    rows = pd.read_csv(result.files["regions"])
    assert set(rows["acronym"]) == {region.acronym for region in result.regions}
    count = len(json.loads(result.files["geojson"].read_text())["features"])
    seen = {(label, side) for label, side in zip(
        result.labels[result.labels > 0], result.hemisphere[result.labels > 0], strict=True
    )}  # fmt: skip
    assert count == len(seen), "a contour for each part with a pixel, and no other"


def test_equal_runs_give_equal_files(image, tmp_path):
    first = register(image, output_dir=tmp_path / "first", pose_sigma_mm=0.1)
    second = register(image, output_dir=tmp_path / "second", pose_sigma_mm=0.1)
    for kind, path in first.files.items():
        if kind != "run":  # which records where it was read from
            assert path.read_bytes() == second.files[kind].read_bytes(), kind


def test_the_run_file_knows_every_file(image):
    result = register(image)
    recorded = json.loads(result.files["run"].read_text())["outputs"]
    assert set(recorded) == set(result.files) - {"run"}
    for kind, entry in recorded.items():
        content = (image.parent / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest(), kind


def test_exports_of_an_earlier_run_are_those_of_the_run(image, tmp_path):
    (tmp_path / "atlas").mkdir()
    local = {"atlas": None, "template_source": source(tmp_path / "atlas")}
    result = register(image, **local)
    again = load_registration_result(result.files["run"])
    files = again.export(FORMATS, tmp_path / "later")
    for kind, path in files.items():
        assert path.read_bytes() == result.files[kind].read_bytes(), kind
    replaced = again.export("rois", tmp_path / "later")
    assert replaced["rois"].read_bytes() == files["rois"].read_bytes(), "not appended"


def test_results_whose_image_is_gone(image, tmp_path):
    (tmp_path / "atlas").mkdir()
    local = {"atlas": None, "template_source": source(tmp_path / "atlas")}
    result = register(image, output_dir=tmp_path / "out", **local)
    image.unlink()
    alone = load_registration_result(result.files["run"])
    assert alone.image is None
    others = tuple(name for name in FORMATS if name != "preview")
    check_all(result, alone.export(others, tmp_path / "later"))
    before = {p.name: p.read_bytes() for p in (tmp_path / "later").iterdir()}
    with pytest.raises(BrainReg3DError, match=r"image=\.\.\."):
        alone.export("rois,preview", tmp_path / "later", stem="brain")
    after = {p.name: p.read_bytes() for p in (tmp_path / "later").iterdir()}
    assert after == before, "all files or none"


def test_masks_open_in_imagej_as_a_labelled_z_stack(image):
    result = register(image)
    with tifffile.TiffFile(result.files["masks"]) as tif:
        assert tif.is_imagej
        assert tif.series[0].axes == "ZYX"
        known = tif.imagej_metadata
        assert known["slices"] == len(result.regions)
        assert known["Labels"] == [region.acronym for region in result.regions]


def test_what_the_user_knows_of_the_session_reaches_the_file(image):
    from brainreg3d.export.nwb import NwbExporter

    def run_with(exporter):
        class Mine(BrainReg3D):
            MaskWriter = MaskWriter(formats="nwb", exporters={"nwb": exporter})

        return Mine(
            image, pixel_size_mm=(0.1, 0.1), alignment=ABOVE, atlas=make_atlas(),
            brain_regions=VISIBLE,
        ).run()  # fmt: skip

    result = run_with(NwbExporter(subject={"subject_id": "M1"}))
    with pynwb.NWBHDF5IO(str(result.files["nwb"]), "r") as io:
        assert io.read().subject.subject_id == "M1"
    with pytest.raises(BrainReg3DError, match="time zone"):
        run_with(NwbExporter(session_start_time=datetime(2024, 5, 6)))


def test_wrong_names_are_refused_before_anything_is_done(image, capsys):
    words = ["run", str(image), "--pixel-size-mm", "0.1", "0.1", "--formats", "rois,geojso"]
    assert main([*words, "--atlas", "phantom_100um"]) == 1
    message = capsys.readouterr().err
    assert "no format 'geojso'" in message
    assert "Did you mean geojson?" in message
    assert [path.name for path in image.parent.iterdir()] == ["brain.tif"]


@pytest.fixture(scope="module")
def real_result(widefield_dir, real_source, tmp_path_factory):
    return BrainReg3D(
        widefield_dir / "sample_image.tif",
        alignment=widefield_dir / "sample_image_alignment.json",
        template_source=real_source,
        brain_regions="areas",
        output_dir=tmp_path_factory.mktemp("real"),
        formats=FORMATS,
    ).run()


def test_the_real_sample_in_every_format(real_result):
    assert len(np.unique(real_result.labels)) > 10
    check_all(real_result, real_result.files)


def test_the_real_sample_passes_the_inspectors(real_result):
    from nwbinspector import Importance, inspect_nwbfile

    path = str(real_result.files["nwb"])
    messages = list(inspect_nwbfile(nwbfile_path=path))
    assert [m for m in messages if m.importance.value >= Importance.CRITICAL.value] == []
    with pynwb.NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        (space,) = nwbfile.lab_meta_data["localization"].spaces.values()
        assert type(space).__name__ == "AllenCCFv3Space"
        assert nwbfile.subject.species == "Mus musculus"
