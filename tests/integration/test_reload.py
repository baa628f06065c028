"""Opening an earlier registration."""

import json
import shutil

import numpy as np
import pytest
import tifffile
import tiny_brain
from tiny_brain import VISIBLE, make_atlas

from brainreg3d import BrainReg3D, Pose, load_registration_result
from brainreg3d.errors import BrainReg3DError, InputError, MissingFileError
from brainreg3d.steps import NOT_GIVEN

SHAPE = (48, 40)
TILTED = Pose((2.1, 3.4, 4.1), 12.0, -8.0, 6.0, mirrored=True)


@pytest.fixture
def study(tmp_path):
    """A folder with an image, an atlas and nothing else."""
    folder = tmp_path / "study"
    (folder / "atlas").mkdir(parents=True)
    tiny_brain.source(folder / "atlas")
    noise = np.random.default_rng(0).integers(0, 99, (3, *SHAPE), dtype=np.uint16)
    tifffile.imwrite(folder / "mouse.tif", noise, photometric="minisblack")
    return folder


def run(study, **options):
    from brainreg3d import LocalTemplateSource

    usual = {
        "frame": 1, "pixel_size_mm": (0.15, 0.1), "alignment": TILTED, "camera_distance_mm": 31.0,
        "principal_point_px": (20, 21), "brain_regions": VISIBLE,
        "template_source": LocalTemplateSource(
            annotation=study / "atlas" / "labels.nrrd",
            structures=study / "atlas" / "structures.json",
            template=study / "atlas" / "grey.nrrd",
        ),
    }  # fmt: skip
    return BrainReg3D(study / "mouse.tif", **usual | options).run()


@pytest.mark.parametrize(
    "sigmas", [{"pose_sigma_mm": 0.2, "pose_sigma_deg": 3}, {"pose_sigma_deg": 4.0}], ids=str
)
def test_what_the_user_said_of_the_pose_comes_back(study, sigmas):
    result = run(study, **sigmas)
    again = load_registration_result(result.files["run"])
    assert np.array_equal(again.confidence, result.confidence)
    assert result.confidence.min() < 0.9
    content = json.loads(result.files["run"].read_text())
    assert {name: content[name] for name in sigmas} == sigmas
    other = run(study, pose_sigma_mm=0.01, output_dir=study / "other")
    assert not np.array_equal(other.confidence, again.confidence)


def test_runs_of_earlier_versions_say_nothing_of_it(study):
    file = run(study).files["run"]
    content = json.loads(file.read_text())
    assert (content.pop("pose_sigma_mm"), content.pop("pose_sigma_deg")) == (None, None)
    file.write_text(json.dumps(content))
    again = load_registration_result(file)
    with pytest.raises(AttributeError, match="pose_sigma_mm"):
        _ = again.confidence


OPTIONS = [
    {},
    {"method": "original"},
    {"method": "original", "occluders": "tissue"},
    {"hemisphere": "right", "occluders": "regions"},
    {"output_dir": "elsewhere"},
    {"brain_regions": [11, "Posterior area"]},
    {"split_hemispheres": True, "label_values": "ids"},
    {"camera_distance_mm": None, "principal_point_px": None},
    {
        "focal_point": (3.0, 2.0, 40.0),
        "camera_distance_mm": NOT_GIVEN,
        "principal_point_px": None,
    },
    {"bregma": "wfield"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_labels_come_back(study, options):
    if "output_dir" in options:
        options = options | {"output_dir": study / options["output_dir"]}
    result = run(study, **options)
    for path in (result.files["run"], result.files["alignment"], result.files["run"].parent):
        before = sorted(p.name for p in study.rglob("*"))
        again = load_registration_result(path)
        assert np.array_equal(again.labels, result.labels)
        assert np.array_equal(again.hemisphere, result.hemisphere)
        assert [r.id for r in again.regions] == [r.id for r in result.regions]
        assert np.array_equal(again.image.pixels, result.image.pixels)
        assert again.alignment.view.pose == TILTED
        assert again.alignment.bregma == result.alignment.bregma
        assert sorted(p.name for p in study.rglob("*")) == before, "reloading wrote something"


def test_the_window_mask_comes_back(study):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 5:35] = 1
    tifffile.imwrite(study / "window.tif", mask)
    result = run(study, window_mask=study / "window.tif")
    assert result.labels.any()
    again = load_registration_result(result.files["run"])
    assert np.array_equal(again.labels, result.labels)


def test_a_window_mask_given_as_an_array_is_not_silently_lost(study):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 5:35] = 1
    result = run(study, window_mask=mask)
    again = load_registration_result(result.files["run"])
    assert np.array_equal(again.labels, result.labels)
    with pytest.raises(BrainReg3DError, match="window mask"):
        _ = again.hemisphere
    with pytest.raises(BrainReg3DError, match="window mask"):
        again.confidence_for(position_mm=0.1)
    whole = load_registration_result(result.files["run"], window_mask=mask)
    assert np.array_equal(whole.hemisphere, result.hemisphere)


def test_a_moved_study_opens(study, tmp_path):
    result = run(study)
    moved = tmp_path / "archive" / "2024"
    moved.parent.mkdir()
    shutil.move(study, moved)
    again = load_registration_result(moved / "mouse_run.json")
    assert np.array_equal(again.labels, result.labels)


def test_an_image_moved_beside_the_run_file_is_found(study, tmp_path):
    result = run(study, output_dir=study / "results")
    shutil.move(study / "mouse.tif", study / "results" / "mouse.tif")
    again = load_registration_result(study / "results")
    assert np.array_equal(again.labels, result.labels)


def test_a_changed_image_warns(study, log):
    run(study)
    tifffile.imwrite(
        study / "mouse.tif", np.zeros((3, *SHAPE), np.uint16), photometric="minisblack"
    )
    again = load_registration_result(study)
    assert not again.image.pixels.any()
    assert any("mouse.tif" in message and "changed" in message for message in log)


def test_a_named_atlas_comes_back(tmp_path):
    tifffile.imwrite(tmp_path / "mouse.tif", np.zeros(SHAPE, np.uint8))
    result = BrainReg3D(
        tmp_path / "mouse.tif", pixel_size_mm=(0.2, 0.2), alignment=Pose((6.0, 7.0, 8.0), 20.0),
        atlas="phantom_100um", brain_regions=["MOp", "VIS"],
    ).run()  # fmt: skip
    again = load_registration_result(tmp_path)
    assert again.atlas.full_name == "phantom_100um"
    assert result.labels.any()
    assert np.array_equal(again.labels, result.labels)


def test_an_atlas_of_arrays_has_to_be_given_again(tmp_path):
    tifffile.imwrite(tmp_path / "mouse.tif", np.zeros(SHAPE, np.uint8))
    result = BrainReg3D(
        tmp_path / "mouse.tif", pixel_size_mm=(0.2, 0.2), alignment=Pose((2, 3.6, 4.0)),
        atlas=make_atlas(), brain_regions=VISIBLE,
    ).run()  # fmt: skip
    lost = load_registration_result(tmp_path)
    assert np.array_equal(lost.labels, result.labels), "they need no atlas"
    assert np.array_equal(lost.mask("ANT"), result.mask("ANT"))
    with pytest.raises(MissingFileError, match=r"tiny.*made in memory.*atlas=") as caught:
        _ = lost.hemisphere
    assert "brainglobe" not in str(caught.value), "it is no name that could be installed"
    again = load_registration_result(tmp_path, atlas=make_atlas())
    assert again.labels.any()
    assert np.array_equal(again.labels, result.labels)


def test_an_atlas_that_moved_is_given_by_its_source(study, tmp_path):
    from brainreg3d import LocalTemplateSource

    result = run(study)
    shutil.move(study / "atlas", tmp_path / "moved")
    lost = load_registration_result(study)
    assert np.array_equal(lost.masks, result.masks), "they need no atlas"
    with pytest.raises(MissingFileError, match=r"labels\.nrrd.*template_source="):
        _ = lost.ccf
    source = LocalTemplateSource(
        annotation=tmp_path / "moved" / "labels.nrrd",
        structures=tmp_path / "moved" / "structures.json",
    )
    again = load_registration_result(study, template_source=source)
    assert np.array_equal(again.labels, result.labels)


def test_what_cannot_be_opened(study, tmp_path):
    with pytest.raises(MissingFileError):
        load_registration_result(tmp_path / "gone_run.json")
    with pytest.raises(MissingFileError):
        load_registration_result(study)  # no run file in it yet
    (tmp_path / "a_run.json").write_text("not json")
    with pytest.raises(InputError, match="JSON"):
        load_registration_result(tmp_path / "a_run.json")
    for content in ({"schema": "something/1"}, [1, 2], {"schema": "brainreg3d/run/1"}):
        (tmp_path / "a_run.json").write_text(json.dumps(content))
        with pytest.raises(InputError, match="run"):
            load_registration_result(tmp_path / "a_run.json")
    result = run(study)
    (study / "mouse.tif").unlink()
    again = load_registration_result(result.files["run"])
    assert again.image is None
    with pytest.raises(BrainReg3DError, match="image="):
        again.plot_overlay()


def test_an_array_cannot_come_back_and_says_so(tmp_path):
    picture = np.random.default_rng(0).random(SHAPE)
    result = BrainReg3D(
        picture, pixel_size_mm=(0.2, 0.2), alignment=Pose((2, 3.6, 4.0)),
        atlas=make_atlas(), brain_regions=VISIBLE, output_dir=tmp_path,
    ).run()  # fmt: skip
    again = load_registration_result(tmp_path, atlas=make_atlas())
    assert again.image is None
    assert np.array_equal(again.labels, result.labels)
    assert np.array_equal(again.ccf, result.ccf, equal_nan=True)
    with pytest.raises(BrainReg3DError, match=r"array.*image="):
        again.plot_overlay()
    whole = load_registration_result(tmp_path, atlas=make_atlas(), image=picture)
    assert np.array_equal(whole.image.pixels, picture)
    whole.plot_overlay()


def test_match_to_is_chainable(study):
    reg = BrainReg3D(study / "mouse.tif", frame=0)
    tifffile.imwrite(study / "earlier.tif", np.zeros(SHAPE, np.uint8))
    assert reg.match_to(study / "earlier.tif") is reg
    with pytest.raises(MissingFileError):
        reg.match_to(study / "gone.tif")


def test_a_reopened_result_can_be_drawn(study):
    run(study)
    figure = load_registration_result(study).plot_overlay()
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert any("ANT" in text for text in texts)
