"""NWB files, read back by pynwb and looked at by nwbinspector."""

import sys
from datetime import UTC, datetime

import attrs
import numpy as np
import pynwb
import pytest
from exported import NAMES, PIXEL_MM, label_images, make_content, write
from hypothesis import given, settings
from tiny_brain import POST_ID, make_atlas

from brainreg3d.errors import InputError
from brainreg3d.export.nwb import NwbExporter, add_to_nwb
from brainreg3d.sources import load_atlas

ATLAS = make_atlas()
LANDMARKS = [
    {"row": 3.0, "col": 4.5, "name": "lambda", "residual_mm": 0.1, "used": True},
    {"row": 7.0, "col": 1.0, "stereotaxic_mm": [1.5, -2.0]},
]


def read(path, look):
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        return look(io.read())


def ask(nwbfile):
    """Return what the tests look at, as arrays."""
    found = nwbfile.lab_meta_data["localization"]
    (coordinates,) = found.anatomical_coordinates_images.values()
    (masks,) = found.brain_region_masks.values()
    images = nwbfile.processing["ophys"]["brain_region_images"]
    return {
        "pictures": {name: picture.data[:] for name, picture in images.images.items()},
        "coordinates": coordinates.get_coordinates(),
        "names": None if coordinates.brain_region is None else coordinates.brain_region[:],
        "of": coordinates.image.name,
        "space": coordinates.space,
        "masks": masks.to_dataframe(),
        "ids": masks._to_image(*coordinates.x.shape),
        "regions": nwbfile.processing["ophys"]["brain_regions"].to_dataframe(),
    }


@settings(max_examples=15)
@given(label_images())
def test_labels_names_and_masks_are_the_label_image(tmp_path_factory, drawn):
    labels, hemisphere = drawn
    content = make_content(labels, hemisphere, atlas=ATLAS)
    path = write(NwbExporter(), content, tmp_path_factory.mktemp("nwb"))["nwb"]
    found = read(path, ask)
    np.testing.assert_array_equal(found["pictures"]["labels"], labels)
    np.testing.assert_array_equal(found["pictures"]["hemisphere"], hemisphere)
    np.testing.assert_array_equal(found["pictures"]["image"], content.image.pixels)
    np.testing.assert_array_equal(found["names"], np.array(["", *NAMES], object)[labels])
    ids = np.array([0, *(region.id for region in content.regions)])
    np.testing.assert_array_equal(found["ids"], ids[labels])
    masks = found["masks"]
    np.testing.assert_array_equal(hemisphere[masks["y"], masks["x"]], masks["hemisphere"])
    assert (
        found["regions"].loc[found["regions"].acronym == "POST", "structure_id"].item() == POST_ID
    )


@pytest.fixture(scope="module")
def made():
    return make_content(np.random.default_rng(0).integers(0, 4, (40, 50)), atlas=ATLAS)


def test_coordinates_are_those_of_the_surface(made, tmp_path):
    found = read(write(NwbExporter(), made, tmp_path)["nwb"], ask)
    expected = made.maps.ccf
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(found["coordinates"], expected, rtol=1e-6)
    assert found["of"] == "image"
    space = found["space"]
    assert (space.orientation, space.units) == ("PIR", "um")
    assert "nterior-superior-left" in space.origin
    assert space.extent[:].tolist() == pytest.approx([7200, 4000, 4000]), "AP, DV, ML"


@pytest.mark.parametrize(("synthetic", "kind"), [(True, "Space"), (False, "AllenCCFv3Space")])
def test_allens_space_for_allens_atlas(tmp_path, synthetic, kind):
    """The phantom has Allen's box and shows no brain; a real atlas with that box is the CCF's."""
    atlas = attrs.evolve(load_atlas("phantom_100um"), synthetic=synthetic)
    content = attrs.evolve(make_content(np.ones((4, 5), int), atlas=ATLAS), atlas=atlas)
    space = read(
        write(NwbExporter(), content, tmp_path)["nwb"],
        lambda file: next(iter(file.lab_meta_data["localization"].spaces.values())),
    )
    assert type(space).__name__ == kind
    assert space.orientation == "PIR"


def test_landmarks(made, tmp_path):
    alignment = attrs.evolve(made.alignment, extra={"landmarks": LANDMARKS})
    content = attrs.evolve(made, alignment=alignment)
    path = write(NwbExporter(), content, tmp_path)["nwb"]

    def look(nwbfile):
        registration = nwbfile.lab_meta_data["atlas_registration"]
        return registration.landmarks.to_dataframe(), registration.source_image.name

    table, image = read(path, look)
    assert image == "image"
    assert table["source_x"].tolist() == [4.5, 1.0]
    assert table["source_y"].tolist() == [3.0, 7.0]
    assert table["landmark_labels"].tolist() == ["lambda", ""]
    assert table["place"].tolist() == ["by its name", "stereotaxic_mm 1.5, -2"]
    assert table["residual_mm"][0] == pytest.approx(0.1)


def test_nwbinspector_finds_nothing_critical(made, tmp_path):
    from nwbinspector import Importance, inspect_nwbfile

    path = write(NwbExporter(), made, tmp_path)["nwb"]
    messages = list(inspect_nwbfile(nwbfile_path=str(path)))
    worst = [m for m in messages if m.importance.value >= Importance.CRITICAL.value]
    assert worst == []
    assert pynwb.validate(path=str(path)) == []


def test_equal_runs_give_equal_bytes(made, tmp_path):
    written = []
    for name in ("first", "another_folder"):
        (tmp_path / name).mkdir()
        written.append(write(NwbExporter(), made, tmp_path / name)["nwb"].read_bytes())
    assert written[0] == written[1]


def test_what_the_user_knows_of_the_session(made, tmp_path):
    start = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    exporter = NwbExporter(
        session_start_time=start,
        subject={"subject_id": "M12", "age": "P90D", "sex": "F"},
        session={"experimenter": ["Doe, Jane"]},
    )
    path = write(exporter, made, tmp_path)["nwb"]
    known = read(
        path,
        lambda file: (file.session_start_time, file.subject.subject_id, file.experimenter),
    )
    assert known == (start, "M12", ("Doe, Jane",))


def test_without_an_image_the_labels_stand_for_it(tmp_path):
    content = make_content(np.ones((4, 5), int), atlas=ATLAS, with_image=False)
    found = read(write(NwbExporter(), content, tmp_path)["nwb"], ask)
    assert found["of"] == "labels"
    assert "image" not in found["pictures"]


def test_large_images_do_without_names_for_each_pixel(monkeypatch, tmp_path):
    monkeypatch.setattr("brainreg3d.export.nwb_content._MOST_NAMED_PIXELS", 19)
    found = read(
        write(NwbExporter(), make_content(np.ones((4, 5), int), atlas=ATLAS), tmp_path)["nwb"], ask
    )
    assert found["names"] is None
    assert len(found["masks"]) == 20


class Result:
    def __init__(self, content):
        self.export_content = lambda: content


def test_into_the_file_of_a_recording(made, tmp_path):
    nwbfile = pynwb.NWBFile("a session", "id", datetime(2024, 5, 6, tzinfo=UTC))
    nwbfile.create_processing_module("ophys", "of the recording")
    add_to_nwb(nwbfile, Result(made))
    path = tmp_path / "session.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(nwbfile)
    found = read(path, ask)
    np.testing.assert_array_equal(found["pictures"]["labels"], made.labels.labels)
    with pytest.raises(InputError, match="holds a result already"):
        add_to_nwb(nwbfile, Result(made))


@pytest.mark.parametrize("name", ["pynwb", "ndx_anatomical_localization"])
def test_what_to_install(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    words = rf'needs {name.replace("_", "-")}.*pip install "brainreg3d\[nwb\]"'
    with pytest.raises(InputError, match=words):
        NwbExporter().check()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"session_start_time": datetime(2024, 5, 6)}, "time zone"),
        ({"subject": {"agee": "P90D"}}, "agee"),
        ({"session": {"experimentr": "x"}}, "experimentr"),
    ],
)
def test_what_nwb_does_not_take_is_said_before_the_run(options, words):
    with pytest.raises(InputError, match=words):
        NwbExporter(**options).check()


def test_pixel_size(made, tmp_path):
    path = write(NwbExporter(), made, tmp_path)["nwb"]
    per_cm = read(
        path, lambda file: file.processing["ophys"]["brain_region_images"]["image"].resolution
    )
    assert per_cm == pytest.approx(10 / np.mean(PIXEL_MM))
