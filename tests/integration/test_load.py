"""`BrainReg3D.load`: results come back from their files, and only the rest is computed."""

import copy
import hashlib
import json
import pickle
import shutil

import attrs
import numpy as np
import pytest
import tifffile
import tiny_brain
from tiny_brain import VISIBLE, make_atlas

from brainreg3d import BrainReg3D, LocalTemplateSource, Pose, steps
from brainreg3d.cli import main
from brainreg3d.errors import (
    AlignmentError,
    BrainReg3DError,
    DownloadError,
    ImageError,
    InputError,
    MissingFileError,
    PlanError,
    RegionError,
)
from brainreg3d.io import http_transfer
from brainreg3d.steps import PixelLabeller, Projector

SHAPE = (48, 40)
TILTED = Pose((2.1, 3.4, 4.1), 12.0, -8.0, 6.0, mirrored=True)
WINDOW = np.zeros(SHAPE, np.uint8)
WINDOW[6:42, 4:30] = 1


def atlas_source(study):
    return LocalTemplateSource(
        annotation=study / "atlas" / "labels.nrrd",
        structures=study / "atlas" / "structures.json",
        template=study / "atlas" / "grey.nrrd",
    )


@pytest.fixture
def study(tmp_path):
    """A folder with an image, a window mask, an atlas and nothing else."""
    folder = tmp_path / "study"
    (folder / "atlas").mkdir(parents=True)
    tiny_brain.source(folder / "atlas")
    noise = np.random.default_rng(0).integers(0, 99, (3, *SHAPE), dtype=np.uint16)
    tifffile.imwrite(folder / "mouse.tif", noise, photometric="minisblack")
    tifffile.imwrite(folder / "window.tif", WINDOW)
    return folder


def run(study, kind=BrainReg3D, **options):
    usual = {
        "frame": 1, "pixel_size_mm": (0.15, 0.1), "alignment": TILTED, "camera_distance_mm": 31.0,
        "brain_regions": VISIBLE, "template_source": atlas_source(study),
    }  # fmt: skip
    if isinstance(options.get("window_mask"), str):
        options["window_mask"] = study / "window.tif"
    return kind(study / "mouse.tif", **usual | options).run()


def without_surface_of_ant():
    """The brain with MARK wherever ANT was, but for voxels deep inside that nobody sees."""
    volume = tiny_brain.make_volume()
    volume[volume == 11] = 30
    volume[5:7, 10:12, 8:10] = 11
    return volume


@pytest.fixture
def forbid(monkeypatch):
    """Let steps, rays or the atlas raise when they are used."""

    def refuse(*_, **__):
        message = "this was stored, and is computed again"
        raise AssertionError(message)

    def forbid_these(*what):
        for kind in what:
            monkeypatch.setattr(kind, "compute", refuse)
        for place in ("cast_rays", "cast_first_hits"):
            for module in ("steps.project", "maps", "coordinates", "raycast"):
                monkeypatch.setattr(f"brainreg3d.{module}.{place}", refuse, raising=False)

    return forbid_these


LABELLING = (steps.Projector, steps.DepthResolver, steps.PixelLabeller)
SOURCES = (steps.TemplateSource, steps.LocalTemplateSource, steps.RegionSelector)

OPTIONS = [
    {},
    {"label_values": "ids"},
    {"split_hemispheres": True},
    {"split_hemispheres": True, "label_values": "ids"},
    {"window_mask": "window.tif"},
    {"window_mask": "window.tif", "split_hemispheres": True},
    {"label_depth_um": 300.0},
    {"label_depth_um": 300.0, "along": "normal"},
    {"hemisphere": "left"},
    {"hemisphere": "right", "occluders": "regions", "split_hemispheres": True},
    {"method": "original"},
    {"method": "surface"},
    {"overlap": "deepest", "brain_regions": ["CTX", "MARK", "SUB"]},
    {"brain_regions": ["ANT", "POST", "SUB-rest", "DEEP"], "label_values": "ids"},
    {"brain_regions": "all"},
    {"camera_distance_mm": None},
    {"pose_sigma_mm": 0.2, "pose_sigma_deg": 3.0},
    {"output_dir": "results", "stem": "other"},
]


def test_what_the_run_has_said_is_not_said_again(study, log):
    run(study, pose_sigma_mm=0.1, brain_regions=["ANT", "DEEP"])
    assert any("DEEP is not seen" in m for m in log)
    log.clear()
    again = BrainReg3D.load(study)
    assert again.hemisphere.any()
    assert again.confidence.any()
    assert log == []
    assert "DEEP" in again.unseen


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_everything_comes_back_and_what_is_stored_is_not_computed(study, options):
    if "output_dir" in options:
        options = options | {"output_dir": study / options["output_dir"]}
    result = run(study, **options)
    with pytest.MonkeyPatch.context() as patch:
        for kind in (*LABELLING, *SOURCES):
            patch.setattr(kind, "compute", lambda *_, **__: pytest.fail("computed again"))
        again = BrainReg3D.load(result.files["run"].parent)
        assert result.labels.any()
        assert np.array_equal(again.labels, result.labels)
        assert again.labels.dtype == result.labels.dtype
        assert np.array_equal(again.masks, result.masks)
        assert again.unseen == result.unseen
        assert again.files == result.files
        for region in result.regions:
            assert np.array_equal(again.mask(region.acronym), result.mask(region.acronym))
        assert again.alignment.view == result.alignment.view
        assert again.alignment.bregma == result.alignment.bregma
        assert np.array_equal(again.image.pixels, result.image.pixels)
        assert again.image.stem == result.image.stem
        assert (again.image.sha256, again.image.frame) == (result.image.sha256, 1)
    assert again.regions == result.regions
    assert again.atlas.full_name == result.atlas.full_name
    assert np.array_equal(again.hemisphere, result.hemisphere)
    assert np.array_equal(again.depth_mm, result.depth_mm, equal_nan=True)
    for name in ("ccf", "incidence_deg", "area_mm2"):
        assert np.array_equal(getattr(again, name), getattr(result, name), equal_nan=True), name
    for ours, theirs in (
        (again.projections.samples, result.projections.samples),
        (again.visible.samples, result.visible.samples),
    ):
        for column, other in zip(
            attrs.astuple(ours, recurse=False), attrs.astuple(theirs, recurse=False), strict=True
        ):
            assert np.array_equal(column, other, equal_nan=column.dtype.kind == "f")
    assert again.visible.visibility == result.visible.visibility
    if "pose_sigma_mm" in options:
        assert np.array_equal(again.confidence, result.confidence)
    sigma = {"position_mm": 0.2, "tilt_deg": 3.0, "n_draws": 4}
    assert np.array_equal(again.confidence_for(**sigma), result.confidence_for(**sigma))


def test_a_loaded_result_is_drawn(study):
    run(study)
    figure = BrainReg3D.load(study).plot_overlay()
    assert any("ANT" in text.get_text() for axes in figure.axes for text in axes.texts)


def test_the_files_are_what_the_result_shows(study):
    """The label image and the table are read by hand, apart from any code that wrote them."""
    run(study, split_hemispheres=True)
    again = BrainReg3D.load(study)
    picture = tifffile.imread(study / "mouse_labels.tif")
    for place, acronym in enumerate(VISIBLE):
        left, right = picture == 2 * place + 1, picture == 2 * place + 2
        assert np.array_equal(again.mask(acronym), left | right)
        assert (again.hemisphere[left] == 1).all()
        assert (again.hemisphere[right] == 2).all()


@pytest.mark.parametrize(
    "name",
    ["", "mouse_run.json", "mouse_alignment.json", "mouse_labels.tif", "mouse_masks.tif",
     "mouse_regions.csv", "mouse.tif", "mouse_rois.zip"],
)  # fmt: skip
def test_any_file_of_the_run_leads_to_it(study, name):
    result = run(study)
    again = BrainReg3D.load(study / name)
    assert np.array_equal(again.labels, result.labels)
    assert again.files == result.files


@pytest.mark.parametrize(
    "name", ["mouse_2.tif", "mouse_2_alignment.json", "mouse_2_labels.tif", "mouse_late_masks.tif"]
)
@pytest.mark.parametrize("there", [True, False])
def test_another_session_whose_name_starts_alike_does_not_lead_to_it(study, name, there):
    run(study)
    if there and not name.endswith(".json"):
        (study / name).write_bytes((study / "mouse.tif").read_bytes())
    with pytest.raises(MissingFileError, match=name):
        BrainReg3D.load(study / name)


def test_how_the_pose_came_about_is_remembered(study):
    result = run(study)
    assert BrainReg3D.load(study).alignment.source == result.alignment.source == "pose"
    path = study / "mouse_alignment.json"
    run(study, alignment=path)
    again = BrainReg3D.load(study).alignment
    assert again.source == "file"
    assert again.file.samefile(path)
    content = json.loads(path.read_text())
    content["pose"]["yaw_deg"] += 1
    path.write_text(json.dumps(content))
    assert BrainReg3D.load(study).alignment.source == "file"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])  # noqa: S301
def test_loaded_results_can_be_copied_and_sent_to_other_processes(study, copied):
    result = run(study)
    again = copied(BrainReg3D.load(study))
    assert np.array_equal(again.labels, result.labels)
    assert np.array_equal(again.image.pixels, result.image.pixels)
    assert np.array_equal(again.hemisphere, result.hemisphere)
    looked_at = BrainReg3D.load(study)
    assert looked_at.state.labels.labels.any()
    again = copy.deepcopy(looked_at)
    assert np.array_equal(again.depth_mm, result.depth_mm, equal_nan=True)


def test_of_several_runs_one_has_to_be_named(study):
    first = run(study)
    second = run(study, stem="mouse_2", brain_regions=["ANT"])
    with pytest.raises(MissingFileError, match=r"mouse_2_run\.json, mouse_run\.json"):
        BrainReg3D.load(study)
    assert np.array_equal(BrainReg3D.load(study / "mouse_labels.tif").labels, first.labels)
    again = BrainReg3D.load(study / "mouse_2_labels.tif")
    assert np.array_equal(again.labels, second.labels)
    assert again.masks.shape[0] == 1


def test_files_that_are_gone_are_not_listed(study):
    result = run(study)
    result.files["masks"].unlink()
    again = BrainReg3D.load(study)
    assert set(again.files) == set(result.files) - {"masks"}
    assert np.array_equal(again.masks, result.masks)


@pytest.mark.parametrize("lost", ["mouse_labels.tif", "mouse_regions.csv"])
def test_what_is_lost_is_made_again(study, lost):
    result = run(study, split_hemispheres=True)
    (study / lost).unlink()
    again = BrainReg3D.load(study)
    assert np.array_equal(again.labels, result.labels)
    assert np.array_equal(again.hemisphere, result.hemisphere)
    assert again.unseen == result.unseen


def test_a_moved_study_opens(study, tmp_path):
    result = run(study, window_mask="window.tif")
    moved = tmp_path / "archive" / "2024"
    moved.parent.mkdir()
    shutil.move(study, moved)
    again = BrainReg3D.load(moved)
    assert np.array_equal(again.labels, result.labels)
    assert np.array_equal(again.hemisphere, result.hemisphere)
    assert np.array_equal(again.image.pixels, result.image.pixels)


# Files that were changed by hand


def test_a_label_image_that_was_painted_on_is_not_believed(study, log):
    result = run(study)
    picture = tifffile.imread(study / "mouse_labels.tif")
    picture[:5] = 1
    tifffile.imwrite(study / "mouse_labels.tif", picture, imagej=True)
    again = BrainReg3D.load(study)
    assert np.array_equal(again.labels, result.labels)
    assert any("mouse_labels.tif" in m and "labelled again" in m for m in log)


def test_a_label_image_that_was_cut_short_is_not_believed(study, log):
    result = run(study)
    content = (study / "mouse_labels.tif").read_bytes()
    (study / "mouse_labels.tif").write_bytes(content[: len(content) // 2])
    assert np.array_equal(BrainReg3D.load(study).labels, result.labels)
    assert any("mouse_labels.tif" in m for m in log)


def test_masks_that_were_painted_on_are_named(study, log):
    result = run(study)
    (study / "mouse_masks.tif").write_bytes(b"other")
    assert np.array_equal(BrainReg3D.load(study).masks, result.masks)
    assert any("mouse_masks.tif" in m for m in log)


def test_a_table_that_went_through_a_spreadsheet_is_not_needed(study, log):
    result = run(study)
    table = (study / "mouse_regions.csv").read_text()
    (study / "mouse_regions.csv").write_text(table.replace(",", ";"))
    again = BrainReg3D.load(study)
    assert np.array_equal(again.labels, result.labels)
    assert any("mouse_regions.csv" in m for m in log)


def test_an_alignment_that_was_moved_by_hand_counts(study, log):
    run(study)
    path = study / "mouse_alignment.json"
    content = json.loads(path.read_text())
    content["pose"]["center_mm"][0] += 0.4
    path.write_text(json.dumps(content))
    again = BrainReg3D.load(study)
    moved = Pose((2.5, 3.4, 4.1), 12.0, -8.0, 6.0, mirrored=True)
    assert again.alignment.view.pose == moved
    assert any("mouse_alignment.json" in m for m in log)
    log.clear()
    other = run(study, alignment=moved, output_dir=study / "other")
    assert np.array_equal(again.labels, other.labels)


def test_an_alignment_whose_words_alone_were_changed_keeps_the_labels(study, forbid):
    result = run(study)
    path = study / "mouse_alignment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"history": ["checked"]}))
    forbid(*LABELLING)
    again = BrainReg3D.load(study)
    assert np.array_equal(again.labels, result.labels)
    assert again.alignment.extra["history"] == ["checked"]


def test_a_window_mask_that_was_changed_counts(study, log):
    run(study, window_mask="window.tif")
    other = np.zeros(SHAPE, np.uint8)
    other[20:30, 10:30] = 1
    tifffile.imwrite(study / "window.tif", other)
    again = BrainReg3D.load(study)
    assert not again.labels[other == 0].any()
    assert again.labels[other == 1].any()
    assert any("window.tif" in m and "changed" in m for m in log)


def test_an_annotation_that_was_changed_counts(study, log):
    run(study)
    tiny_brain.write_nrrd(study / "atlas" / "labels.nrrd", without_surface_of_ant())
    again = BrainReg3D.load(study)
    assert not again.mask("ANT").any()
    assert again.mask("MARK").sum() > 100
    assert any("labels.nrrd" in m and "changed" in m for m in log)


def test_files_that_cannot_be_used_say_so(study):
    run(study)
    path = study / "mouse_run.json"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"mouse_run\.json.*JSON"):
        BrainReg3D.load(study)
    content = json.loads(whole)
    for name in ("alignment", "image", "steps", "brain_regions"):
        path.write_text(json.dumps({k: v for k, v in content.items() if k != name}))
        with pytest.raises(InputError, match=r"mouse_run\.json is damaged"):
            BrainReg3D.load(study)
    for name in ("alignment", "image", "steps", "outputs"):
        path.write_text(json.dumps(content | {name: 7}))
        with pytest.raises(InputError, match=r"mouse_run\.json is damaged"):
            BrainReg3D.load(study)
    path.write_text(whole)
    (study / "mouse_alignment.json").write_text('{"schema": "brainreg3d/alignment/1"}')
    with pytest.raises(AlignmentError, match=r"mouse_alignment\.json.*center_mm"):
        BrainReg3D.load(study)


def test_what_is_no_run_says_so(study, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError, match="found none"):
        BrainReg3D.load(tmp_path / "empty")
    run(study, output_dir=tmp_path / "many" / "day1")
    with pytest.raises(MissingFileError, match=r"found none.*such as day1; name one"):
        BrainReg3D.load(tmp_path / "many")
    with pytest.raises(MissingFileError, match="no run file"):
        BrainReg3D.load(study / "mouse.tif")
    with pytest.raises(MissingFileError, match="There is no file"):
        BrainReg3D.load(study / "gone_run.json")
    volume = BrainReg3D(
        volume=tiny_brain.make_template(), volume_spacing_mm=tiny_brain.SPACING_MM,
        volume_orientation="lpi", template_source=atlas_source(study),
    )  # fmt: skip
    del volume
    (study / "x_registration.json").write_text('{"schema": "brainreg3d/registration/1"}')
    with pytest.raises(InputError, match="registered volume"):
        BrainReg3D.load(study / "x_registration.json")


# Arguments given anew


@pytest.mark.parametrize(
    "changes",
    [{"brain_regions": ["ANT", "SUB"]}, {"hemisphere": "right"}, {"label_depth_um": 500.0},
     {"method": "original"}, {"camera_distance_mm": None}, {"pixel_size_mm": (0.12, 0.1)},
     {"window_mask": WINDOW}, {"occluders": "regions"}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_arguments_given_anew_are_as_those_of_a_run(study, changes):
    run(study)
    again = BrainReg3D.load(study, **changes)
    other = run(study, output_dir=study / "other", **changes)
    assert np.array_equal(again.labels, other.labels)
    assert np.array_equal(again.hemisphere, other.hemisphere)
    assert [r.id for r in again.regions] == [r.id for r in other.regions]
    assert again.unseen == other.unseen


@pytest.mark.parametrize(
    "changes",
    [{"brain_regions": list(VISIBLE)}, {"hemisphere": "both"}, {"method": "exact"},
     {"bregma": "wfield"}, {"camera_distance_mm": 31.0}, {"pose_sigma_mm": 0.1}],
    ids=str,
)  # fmt: skip
def test_arguments_that_change_no_label_label_nothing(study, changes, forbid):
    result = run(study)
    forbid(*LABELLING, *SOURCES)
    again = BrainReg3D.load(study, **changes)
    assert np.array_equal(again.labels, result.labels)
    if "bregma" in changes:
        assert again.alignment.bregma == "wfield"
    if "pose_sigma_mm" in changes:
        assert again.pose_sigma.position_mm == (0.1, 0.1)


def test_the_same_atlas_from_elsewhere_keeps_the_labels(study, tmp_path, forbid):
    result = run(study)
    shutil.copytree(study / "atlas", tmp_path / "elsewhere" / "atlas")
    shutil.rmtree(study / "atlas")
    forbid(*LABELLING)
    again = BrainReg3D.load(study, template_source=atlas_source(tmp_path / "elsewhere"))
    assert np.array_equal(again.labels, result.labels)
    assert again.regions == result.regions


def test_another_atlas_labels_anew(study):
    run(study)
    again = BrainReg3D.load(study, atlas=make_atlas(without_surface_of_ant()))
    assert not again.mask("ANT").any()
    assert "ANT" in again.unseen


def test_another_atlas_for_a_run_is_warned_about(study, log):
    run(study, template_source=None, atlas=make_atlas())
    BrainReg3D.load(study, atlas=make_atlas(without_surface_of_ant()))
    assert not any("made with" in message for message in log)
    BrainReg3D.load(study, atlas=attrs.evolve(make_atlas(), name="other_mouse"))
    assert any("not atlas other_mouse" in message for message in log)


def test_what_cannot_be_given_is_named(study):
    run(study)
    with pytest.raises(PlanError, match=r"'hemispheres'.*hemisphere"):
        BrainReg3D.load(study, hemispheres="left")
    with pytest.raises(PlanError, match=r"'output_dir'"):
        BrainReg3D.load(study, output_dir="x")
    with pytest.raises(InputError, match="hemisphere"):
        BrainReg3D.load(study, hemisphere="middle")
    with pytest.raises(RegionError, match="ANTT"):
        BrainReg3D.load(study, brain_regions=["ANTT"])
    with pytest.raises(InputError, match="not both"):
        BrainReg3D.load(study, atlas=make_atlas(), template_source=atlas_source(study))


# Images that are not there


def test_an_image_that_is_gone_is_missed_by_pictures_alone(study):
    result = run(study)
    image = result.image.pixels
    (study / "mouse.tif").unlink()
    again = BrainReg3D.load(study)
    assert again.image is None
    assert np.array_equal(again.depth_mm, result.depth_mm, equal_nan=True)
    with pytest.raises(BrainReg3DError, match="image="):
        again.plot_overlay()
    assert again._repr_png_() is None
    whole = BrainReg3D.load(study, image=image)
    assert np.array_equal(whole.labels, result.labels)
    assert np.array_equal(whole.image.pixels, image)


def test_an_image_of_another_shape_is_refused(study):
    run(study)
    with pytest.raises(AlignmentError, match=r"\(48, 40\)"):
        BrainReg3D.load(study, image=np.zeros((40, 48)))
    tifffile.imwrite(study / "mouse.tif", np.zeros((3, 9, 9), np.uint16), photometric="minisblack")
    with pytest.raises(ImageError, match=r"mouse\.tif.*\(9, 9\)"):
        _ = BrainReg3D.load(study).image.pixels


# An alignment alone


def test_an_alignment_alone_is_enough(study, tmp_path):
    result = run(study)
    path = tmp_path / "alone" / "any_name.json"
    path.parent.mkdir()
    shutil.copy(result.files["alignment"], path)
    again = BrainReg3D.load(path, template_source=atlas_source(study), brain_regions=VISIBLE)
    assert again.image is None
    assert np.array_equal(again.labels, result.labels)
    assert np.array_equal(again.hemisphere, result.hemisphere)
    assert np.array_equal(again.ccf, result.ccf, equal_nan=True)
    assert again.alignment.view == result.alignment.view
    assert again.files == {"alignment": path}
    shutil.copy(study / "mouse.tif", path.parent / "mouse.tif")
    whole = BrainReg3D.load(
        path.parent / "any_name.json", template_source=atlas_source(study), brain_regions=VISIBLE
    )
    assert np.array_equal(whole.image.pixels, result.image.pixels), "the frame counts, too"


def test_an_alignment_alone_names_its_atlas(tmp_path):
    tifffile.imwrite(tmp_path / "mouse.tif", np.zeros(SHAPE, np.uint8))
    reg = BrainReg3D(
        tmp_path / "mouse.tif", pixel_size_mm=(0.2, 0.2), alignment=Pose((6.0, 7.0, 8.0), 20.0),
        atlas="phantom_100um",
    )  # fmt: skip
    result = reg.run()
    for kind in ("run", "labels", "masks", "regions"):
        result.files[kind].unlink()
    again = BrainReg3D.load(tmp_path)
    assert again.atlas.full_name == "phantom_100um"
    assert again.labels.any()
    assert np.array_equal(again.labels, result.labels), "the default regions"


def test_an_alignment_alone_of_an_unknown_atlas_says_so(study, tmp_path):
    result = run(study)
    path = shutil.copy(result.files["alignment"], tmp_path / "a_alignment.json")
    digest = hashlib.sha256((study / "atlas" / "labels.nrrd").read_bytes()).hexdigest()
    words = rf"a_alignment\.json was made with .* local files.*{digest}.*--annotation FILE "
    with pytest.raises(MissingFileError, match=words + r".*template_source="):
        BrainReg3D.load(path)
    content = json.loads(path.read_text())
    content["atlas"] = {"name": "my_rat", "resolution_um": 39}
    path.write_text(json.dumps(content))
    with pytest.raises(MissingFileError, match=r"my_rat_39um.*--annotation.*There is no atlas"):
        BrainReg3D.load(path)


def lone_alignment(folder, atlas=None):
    content = {
        "schema": "brainreg3d/alignment/1", "pose": {"center_mm": [6.0, 7.0, 8.0]},
        "image": {"shape": SHAPE, "pixel_size_mm": [0.2, 0.2]},
    }  # fmt: skip
    path = folder / "lone.json"
    path.write_text(json.dumps(content if atlas is None else content | {"atlas": atlas}))
    return path


def test_files_that_were_allens_own_are_recognised(tmp_path):
    """By the hash of annotation_25.nrrd that BrainGlobe's tests publish."""
    digest = "c620cbcc562183e4dcd40250d440130501781f74b41de35b1c1bdabace290c42"
    path = lone_alignment(tmp_path, {"name": "local", "annotation_sha256": digest})
    with pytest.raises(MissingFileError, match="--atlas allen_mouse_25um has it"):
        BrainReg3D.load(path)


def test_an_alignment_that_names_no_atlas_says_so_without_a_network(tmp_path, monkeypatch, capsys):
    """Allen's is the usual one; what fails is not what its user has asked for."""
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("BRAINREG3D_ALLEN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(http_transfer, "PAUSES_S", (0.01, 0.01))
    path = lone_alignment(tmp_path)
    words = (
        r"lone\.json does not say in which atlas .* allen_mouse_25um is taken.*--annotation FILE "
        r"--structures FILE.*template_source=.*no connection.*brainreg3d fetch"
    )
    with pytest.raises(DownloadError, match=words):
        BrainReg3D.load(path)
    (tmp_path / "cells.csv").write_text("row,col\n1,2\n")
    np.save(tmp_path / "frames.npy", np.zeros((2, *SHAPE)))
    out = tmp_path / "out.csv"
    for words in (["lookup", tmp_path / "cells.csv"], ["traces", tmp_path / "frames.npy"]):
        assert main([*map(str, words), "--alignment", str(path), "-o", str(out)]) == 1
        said = capsys.readouterr().err
        assert "does not say in which atlas" in said
        assert "--annotation FILE --structures FILE" in said
        assert not out.exists()
    named = lone_alignment(tmp_path, {"name": "allen_mouse", "resolution_um": 50})
    with pytest.raises(DownloadError, match=r"was made with the atlas allen_mouse_50um.*--atlas"):
        BrainReg3D.load(named)


def test_an_alignment_of_a_pose_alone_needs_the_image(study, tmp_path):
    path = tmp_path / "pose.json"
    pose = {"center_mm": [2.1, 3.4, 4.1], "yaw_deg": 0, "pitch_deg": 0, "roll_deg": 0}
    path.write_text(json.dumps({"schema": "brainreg3d/alignment/1", "pose": pose}))
    usual = {"template_source": atlas_source(study), "brain_regions": VISIBLE}
    with pytest.raises(InputError, match="image="):
        BrainReg3D.load(path, **usual)
    again = BrainReg3D.load(path, image=np.zeros(SHAPE), pixel_size_mm=(0.1, 0.1), **usual)
    other = run(study, alignment=path, pixel_size_mm=(0.1, 0.1), camera_distance_mm=230.0)
    assert np.array_equal(again.labels, other.labels)


# Steps of one's own


class Shifted(PixelLabeller):
    """Moves labels down by some rows."""

    rows: int = 3

    def compute(self, *, regions, visible, projections=None, window_mask=None, atlas=None):
        plain = super().compute(
            regions=regions, visible=visible, projections=projections, window_mask=window_mask,
            atlas=atlas,
        )  # fmt: skip
        return attrs.evolve(plain, labels=np.roll(plain.labels, self.rows, axis=0))


class MyReg3D(BrainReg3D):
    PixelLabeller = Shifted
    _DEFAULT_BRAIN_REGIONS = ("ANT", "POST")


class Few(MyReg3D):
    PixelLabeller = Shifted(rows=7)


@pytest.mark.parametrize("kind", [MyReg3D, Few])
def test_steps_of_ones_own_are_used(study, kind, log):
    result = run(study, kind, brain_regions=None)
    again = kind.load(study)
    assert np.array_equal(again.labels, result.labels)
    assert np.array_equal(again.depth_mm, result.depth_mm, equal_nan=True)
    (study / "mouse_labels.tif").unlink()
    assert np.array_equal(kind.load(study).labels, result.labels), "with the rows of the run"
    assert not any("not at hand" in m for m in log)


def test_stored_labels_of_unknown_steps_come_back_with_a_warning(study, log):
    result = run(study, MyReg3D)
    again = BrainReg3D.load(study)
    assert np.array_equal(again.labels, result.labels)
    assert any("Shifted" in m and "not at hand" in m for m in log)


def test_sides_that_belong_to_other_labels_are_warned_about(study, log):
    """The class of the run is not at hand, so what is computed now is not what was stored."""
    run(study, MyReg3D)
    again = BrainReg3D.load(study)
    log.clear()
    assert again.hemisphere.any()
    assert any("another label than in the file" in m for m in log)


def test_the_registration_of_a_volume_comes_back(study):
    run(study)
    path = study / "mouse_run.json"
    matrix = np.arange(16.0).reshape(4, 4)
    registration = {
        "orientation": "SAR", "atlas_to_volume_mm": matrix.tolist(), "metric_value": -0.5,
        "overlap": 0.9, "covered": 0.8, "warnings": ["faint"],
    }  # fmt: skip
    path.write_text(json.dumps(json.loads(path.read_text()) | {"registration": registration}))
    again = BrainReg3D.load(study).registration
    assert np.array_equal(again.matrix, matrix)
    assert (again.directions, again.overlap, again.warnings) == ("SAR", 0.9, ("faint",))


def test_a_step_that_takes_the_place_of_the_runs_labels_anew(study):
    plain = run(study)
    again = MyReg3D.load(study)
    assert np.array_equal(again.labels, np.roll(plain.labels, 3, axis=0))


class NeedsImage(Projector):
    def compute(self, *, atlas, regions, alignment, image):
        assert image.pixels.any()
        return super().compute(atlas=atlas, regions=regions, alignment=alignment)


class ByImage(BrainReg3D):
    Projector = NeedsImage


def test_a_step_that_needs_the_image_misses_it(study):
    result = run(study, ByImage)
    assert np.array_equal(ByImage.load(study).hemisphere, result.hemisphere)
    (study / "mouse.tif").unlink()
    again = ByImage.load(study)
    assert np.array_equal(again.labels, result.labels)
    with pytest.raises(MissingFileError, match=r"NeedsImage.*'image'"):
        _ = again.hemisphere


# Going on with a result


def test_a_loaded_result_is_exported_as_the_first(study):
    result = run(study, split_hemispheres=True, pose_sigma_mm=0.1)
    first = result.export("masks,labels,csv,geojson", study / "first")
    (study / "mouse.tif").rename(study / "elsewhere.tif")
    second = BrainReg3D.load(study).export("masks,labels,csv,geojson", study / "second")
    assert set(first) == set(second)
    for kind, path in first.items():
        assert path.read_bytes() == second[kind].read_bytes(), kind


def test_files_of_a_loaded_result_go_to_the_others(study):
    run(study, output_dir=study / "results", stem="day1")
    written = BrainReg3D.load(study / "results").export("geojson")
    assert [path.parent for path in written.values()] == [study / "results"]
    assert all(path.name.startswith("day1_") for path in written.values())


def test_labels_that_disagree_with_the_regions_are_not_served(study):
    """A table of another run beside a label image with the right hash cannot pass unnoticed."""
    result = run(study)
    path = study / "mouse_run.json"
    other = run(study, brain_regions=VISIBLE[::-1], output_dir=study / "other")
    shutil.copy(other.files["regions"], study / "mouse_regions.csv")
    content = json.loads(path.read_text())
    content["outputs"]["regions"]["sha256"] = json.loads(other.files["run"].read_text())["outputs"][
        "regions"
    ]["sha256"]
    path.write_text(json.dumps(content))
    again = BrainReg3D.load(study)
    assert np.array_equal(again.labels, result.labels)


def test_what_is_given_anew_is_what_further_files_record(study):
    """A report repeats the labels that it shows, not those of the run."""
    run(study)
    changes = {"brain_regions": ["ANT", "MARK"], "overlap": "deepest", "pose_sigma_mm": 0.2}
    loaded = BrainReg3D.load(study, **changes)
    record = loaded.export_content().run
    assert record["brain_regions"] == ["ANT", "MARK"]
    assert (record["pose_sigma_mm"], record["pose_sigma_deg"]) == (0.2, 0.0)
    parameters = {entry["slot"]: entry["parameters"] for entry in record["steps"]}
    assert parameters["RegionSelector"]["overlap"] == "deepest"
    same = BrainReg3D.load(study).export_content().run
    written = json.loads((study / "mouse_run.json").read_text())
    assert {**same, "outputs": written["outputs"]} == written


def test_no_steps_are_recorded_for_what_they_cannot_repeat(study):
    run(study)
    record = BrainReg3D.load(study, camera_distance_mm=15.0).export_content().run
    assert "steps" not in record
    masked = BrainReg3D.load(study, window_mask=WINDOW)
    assert "steps" not in masked.export_content().run
    assert masked.export_content().run["window_mask"]["file"] is None


def test_an_alignment_of_another_atlas_put_in_place_is_warned_about(study, log):
    run(study, template_source=None, atlas=make_atlas())
    path = study / "mouse_alignment.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "atlas": {"name": "other_mouse"}}))
    assert BrainReg3D.load(study, atlas=make_atlas()).ccf is not None
    assert any("other_mouse" in message for message in log)
