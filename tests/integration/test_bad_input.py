"""Bad input: one clear line, the right class, and nothing half-written."""

import json

import attrs
import numpy as np
import pytest
import tifffile
import tiny_brain
from tiny_brain import BOX_MM, VISIBLE, make_atlas

from brainreg3d import BrainReg3D, LocalTemplateSource, Pose
from brainreg3d.errors import (
    AlignmentError,
    AtlasError,
    BrainReg3DError,
    ImageError,
    InputError,
    MissingFileError,
    PlanError,
    RegionError,
)

SHAPE = (24, 20)
ABOVE = Pose((BOX_MM[0] / 2, BOX_MM[1] / 2, BOX_MM[2]))


@pytest.fixture(scope="module")
def atlas():
    return make_atlas()


@pytest.fixture
def image(tmp_path):
    tifffile.imwrite(tmp_path / "brain.tif", np.arange(480, dtype=np.uint16).reshape(SHAPE))
    return tmp_path / "brain.tif"


def refused(error_class, builtin, folder, make_and_run):
    """Check an error, and that the folder holds what it held before."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(error_class) as caught:
        make_and_run()
    error = caught.value
    assert isinstance(error, BrainReg3DError)
    assert isinstance(error, builtin)
    text = str(error)
    assert "\n" not in text
    assert len(text) > 20
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    return text


OPTIONS = [
    # what is given, error, built-in, words that the message holds
    ({"pixel_size_mm": (0, 0.1)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": (-0.1, 0.1)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": (float("nan"), 0.1)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": (float("inf"), 0.1)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": (15.6, 15.6)}, InputError, ValueError, "mm, not µm"),
    ({"pixel_size_mm": (1e-9, 1e-9)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": 0.1}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": ("a", "b")}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": (0.1, 0.1, 0.1)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": None, "image_dims_mm": (1, 2, 3)}, InputError, ValueError, "image_dims_mm"),
    ({"pixel_size_mm": None, "image_dims_mm": 5}, InputError, ValueError, "image_dims_mm"),
    ({"pixel_size_mm": None, "image_dims_mm": (4, 0)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": None, "image_dims_mm": (4, -2)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": None, "image_dims_mm": (4000, 2000)}, InputError, ValueError, "pixel"),
    ({"pixel_size_mm": None, "image_dims_mm": (np.nan, 2)}, InputError, ValueError, "pixel"),
    ({"image_dims_mm": (4, 7.2)}, InputError, ValueError, "not both"),
    ({"method": "exakt"}, InputError, ValueError, "exact"),
    ({"method": None}, InputError, ValueError, "exact"),
    ({"hemisphere": "rigth"}, InputError, ValueError, "right"),
    ({"hemisphere": 2}, InputError, ValueError, "right"),
    ({"occluders": "tisue"}, InputError, ValueError, "tissue"),
    ({"verbose": "yes"}, InputError, ValueError, "save"),
    ({"verbose": 2}, InputError, ValueError, "save"),
    ({"bregma": "lambda"}, InputError, ValueError, "ibl"),
    ({"label_values": "id"}, InputError, ValueError, "ids"),
    ({"split_hemispheres": "yes"}, InputError, ValueError, "split_hemispheres"),
    ({"camera_distance_mm": 0}, InputError, ValueError, "camera_distance_mm"),
    ({"camera_distance_mm": -230.0}, InputError, ValueError, "camera_distance_mm"),
    ({"camera_distance_mm": float("nan")}, InputError, ValueError, "camera_distance_mm"),
    ({"camera_distance_mm": "far"}, InputError, ValueError, "camera_distance_mm"),
    ({"principal_point_px": (1,)}, InputError, ValueError, "principal_point_px"),
    ({"principal_point_px": (1, np.inf)}, InputError, ValueError, "principal_point_px"),
    ({"focal_point": (0, 0)}, InputError, ValueError, "focal_point"),
    ({"focal_point": (0, 0, -50)}, InputError, ValueError, "behind"),
    ({"alignment": 5}, InputError, ValueError, "alignment"),
    ({"alignment": (1, 2, 3)}, InputError, ValueError, "alignment"),
    ({"alignment": "gone.json"}, MissingFileError, FileNotFoundError, "gone.json"),
    ({"window_mask": np.ones((3, 3))}, ImageError, ValueError, "(3, 3)"),
    ({"window_mask": np.zeros(SHAPE)}, ImageError, ValueError, "everywhere"),
    ({"window_mask": "gone.tif"}, MissingFileError, FileNotFoundError, "gone.tif"),
    ({"frame": 1}, ImageError, ValueError, "no frame 1"),
    ({"frame": -1}, ImageError, ValueError, "frame"),
    ({"brain_regions": []}, RegionError, ValueError, "No regions"),
    ({"brain_regions": ["ANTT"]}, RegionError, KeyError, "ANT"),
    ({"brain_regions": ["Anterior aera"]}, RegionError, KeyError, "Anterior area"),
    ({"brain_regions": [12345]}, RegionError, KeyError, "12345"),
    ({"brain_regions": ["VOID"]}, RegionError, KeyError, "no voxels"),
    ({"brain_regions": ["ANT", "POST", "ANT"]}, RegionError, KeyError, "twice"),
    ({"brain_regions": ["ANT", 11]}, RegionError, KeyError, "twice"),
    ({"brain_regions": ["CTX", "ANT"]}, RegionError, KeyError, "part of"),
    ({"brain_regions": ["DEEP", "SUB"]}, RegionError, KeyError, "part of"),
    ({"brain_regions": [None]}, RegionError, ValueError, "None"),
    ({"brain_regions": ""}, RegionError, ValueError, "No regions"),
    ({"brain_regions": 1.5}, InputError, ValueError, "1.5"),
    ({"image": None}, InputError, ValueError, "image"),
    ({"image": "gone.tif"}, MissingFileError, FileNotFoundError, "gone.tif"),
    ({"atlas": "allen_mouse_20um"}, AtlasError, ValueError, "allen_mouse_25um"),
    ({"atlas": 25}, AtlasError, ValueError, "25"),
    ({"atlas": None, "template_source": 3}, PlanError, TypeError, "TemplateSource"),
    ({"template_source": LocalTemplateSource(annotation="a.nrrd", structures="b.json")},
     InputError, ValueError, "not both"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "error", "builtin", "words"), OPTIONS, ids=[str(entry[0])[:60] for entry in OPTIONS]
)
def test_bad_arguments(image, tmp_path, atlas, given, error, builtin, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path))
    usual = {
        "image": image, "pixel_size_mm": (0.3, 0.2), "alignment": ABOVE, "atlas": atlas,
        "brain_regions": VISIBLE,
    }  # fmt: skip
    text = refused(error, builtin, tmp_path, lambda: BrainReg3D(**usual | given).run())
    assert words in text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (11, ["ANT"]),
        ("ANT", ["ANT"]),
        ("ANT,MARK", ["ANT", "MARK"]),
        (" 11 , MARK,", ["ANT", "MARK"]),
        (("Anterior area",), ["ANT"]),
        (np.array([11, 30]), ["ANT", "MARK"]),
        ({"ANT": 1}, ["ANT"]),
    ],
    ids=str,
)
def test_ways_to_name_regions(image, atlas, given, expected):
    reg = BrainReg3D(
        image, pixel_size_mm=(0.3, 0.2), alignment=ABOVE, atlas=atlas, brain_regions=given
    )
    assert [region.acronym for region in reg.run().regions] == expected


def test_all_wrong_regions_are_named_at_once(image, atlas, tmp_path):
    names = ["ANTT", "VOID", "CTX", "MARK"]
    reg = BrainReg3D(image, alignment=ABOVE, atlas=atlas, brain_regions=names)
    text = refused(RegionError, KeyError, tmp_path, reg.run)
    for word in ("ANTT", "VOID", "MARK"):
        assert word in text


def alignment_text(**changes):
    content = {
        "schema": "brainreg3d/alignment/1",
        "image": {"shape": list(SHAPE), "pixel_size_mm": [0.3, 0.2]},
        "pose": attrs.asdict(ABOVE),
        "camera": {"distance_mm": 230.0},
    } | changes
    return json.dumps({key: value for key, value in content.items() if value is not None})


POSE = attrs.asdict(ABOVE)
ALIGNMENTS = {
    "other schema": (alignment_text(schema="brainreg3d/alignment/2"), "alignment/1"),
    "no schema": (alignment_text(schema=None), "schema"),
    "other size": (alignment_text(image={"shape": [20, 24]}), "(24, 20)"),
    "shape of three": (alignment_text(image={"shape": [20, 24, 3]}), "shape"),
    "no pose": (alignment_text(pose=None), "center_mm"),
    "no centre": (alignment_text(pose={"yaw_deg": 3}), "center_mm"),
    "unknown key": (alignment_text(pose=POSE | {"yaw": 3}), "yaw_deg"),
    "unknown section": (alignment_text(kamera={}), "camera"),
    "unknown camera key": (alignment_text(camera={"distance": 3}), "distance_mm"),
    "NaN": (alignment_text(pose=POSE | {"yaw_deg": float("nan")}), "finite"),
    "NaN centre": (alignment_text(pose=POSE | {"center_mm": [1, float("nan"), 2]}), "finite"),
    "infinite": (alignment_text(camera={"distance_mm": float("inf")}), "not finite"),
    "negative distance": (alignment_text(camera={"distance_mm": -3}), "positive"),
    "true as angle": (alignment_text(pose=POSE | {"yaw_deg": True}), "degrees"),
    "true as coordinate": (alignment_text(pose=POSE | {"center_mm": [True, 1, 2]}), "center_mm"),
    "true as pixel size": (alignment_text(image={"pixel_size_mm": [True, True]}), "pixel"),
    "text as angle": (alignment_text(pose=POSE | {"yaw_deg": "east"}), "degrees"),
    "null angle": (alignment_text(pose=POSE | {"yaw_deg": None}), "degrees"),
    "mirrored in words": (alignment_text(pose=POSE | {"mirrored": "yes"}), "true or false"),
    "mirrored as number": (alignment_text(pose=POSE | {"mirrored": 1}), "true or false"),
    "pose as list": (alignment_text(pose=[1, 2, 3]), "pose"),
    "two numbers": (alignment_text(pose={"center_mm": [1, 2]}), "three"),
    "pixel size 0": (alignment_text(image={"pixel_size_mm": [0, 1]}), "pixel"),
    "unknown bregma": (alignment_text(bregma="lambda"), "ibl"),
    "bregma as number": (alignment_text(bregma=5), "ibl"),
    "a list": ("[1, 2]", "object"),
    "a number": ("3", "object"),
    "broken": (alignment_text()[:-5], "JSON"),
    "empty": ("", "JSON"),
    "no text": ("\x00\x01\x02", "JSON"),
    "history only": (json.dumps({"history": []}), "schema"),
}


@pytest.mark.parametrize("case", ALIGNMENTS)
def test_bad_alignment_files(image, tmp_path, atlas, case):
    text, words = ALIGNMENTS[case]
    (tmp_path / "mine.json").write_text(text)
    reg = BrainReg3D(image, alignment=tmp_path / "mine.json", atlas=atlas, brain_regions=VISIBLE)
    message = refused(AlignmentError, ValueError, tmp_path, reg.run)
    assert words in message


def test_an_alignment_that_is_a_picture(image, tmp_path, atlas):
    reg = BrainReg3D(image, alignment=image, atlas=atlas, brain_regions=VISIBLE)
    refused(AlignmentError, ValueError, tmp_path, reg.run)


def test_a_broken_alignment_beside_the_image_is_not_overwritten(image, tmp_path, atlas):
    (tmp_path / "brain_alignment.json").write_text(alignment_text()[:-5])
    reg = BrainReg3D(image, atlas=atlas, brain_regions=VISIBLE)
    refused(AlignmentError, ValueError, tmp_path, reg.run)


@pytest.mark.parametrize(
    "stack",
    [np.zeros((0, 7)), np.full((4, 5), np.nan), np.zeros((2, 3, 4, 5)), np.zeros((6, 4, 5))],
    ids=["0xN", "NaN", "4D", "3D"],
)
@pytest.mark.parametrize("as_file", [True, False])
def test_bad_images(tmp_path, atlas, stack, as_file):
    source = stack
    if as_file:
        source = tmp_path / "a.npy"
        np.save(source, stack)
    reg = BrainReg3D(
        source, pixel_size_mm=(0.1, 0.1), alignment=ABOVE, atlas=atlas, output_dir=tmp_path
    )
    refused(ImageError, ValueError, tmp_path, reg.run)


@pytest.mark.parametrize("method", ["exact", "original"])
@pytest.mark.parametrize(
    "pose",
    [Pose((500.0, 0, 0)), Pose((2.0, 3.6, -90.0)), Pose((2.0, 3.6, 6.0), pitch_deg=180.0),
     Pose((-1.0, 3.6, 2.0), roll_deg=-90.0)],
    ids=["beside", "below", "looking up and away", "from the left, looking in or out"],
)  # fmt: skip
def test_a_pose_off_the_brain_is_warned_about_and_written(image, atlas, pose, method, log):
    result = BrainReg3D(
        image, pixel_size_mm=(0.01, 0.01), alignment=pose, atlas=atlas, brain_regions=VISIBLE,
        camera_distance_mm=5.0, method=method,
    ).run()  # fmt: skip
    if result.labels.any():
        assert pose.roll_deg == -90.0  # the one that may look at the brain
        return
    assert any("No region is visible" in message for message in log)
    assert set(result.unseen) == set(VISIBLE)
    assert not tifffile.imread(result.files["masks"]).any()
    assert tifffile.imread(result.files["masks"]).shape == (len(VISIBLE), *SHAPE)
    assert not tifffile.imread(result.files["labels"]).any()


# Local atlases ---------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    tiny_brain.source(tmp_path)
    return tmp_path


def run_with(folder, **changes):
    options = {"annotation": "labels.nrrd", "structures": "structures.json",
               "template": "grey.nrrd"} | changes  # fmt: skip
    paths = {
        key: folder / value if isinstance(value, str) and "." in value else value
        for key, value in options.items()
        if value is not None
    }
    return BrainReg3D(
        np.zeros(SHAPE), pixel_size_mm=(0.3, 0.2), alignment=ABOVE, output_dir=folder / "out",
        template_source=LocalTemplateSource(**paths), brain_regions=VISIBLE,
    )  # fmt: skip


def test_the_files_as_they_are_work(files):
    assert run_with(files).run().labels.any()


def test_boxes_that_differ(files):
    wrong = tiny_brain.make_template()[:, :20]
    tiny_brain.write_nrrd(files / "short.nrrd", wrong)
    text = refused(AtlasError, ValueError, files, run_with(files, template="short.nrrd").run)
    assert "box" in text
    assert "7.2" in text
    assert "6" in text


def test_voxel_sizes_may_differ(files):
    finer = np.repeat(tiny_brain.make_template(), 2, axis=1)
    tiny_brain.write_nrrd(files / "fine.nrrd", finer, (0.25, 0.15, 0.2))
    result = run_with(files, template="fine.nrrd").run()
    assert result.atlas.grid.shape == (16, 24, 20)
    assert result.atlas.template.data.shape == (16, 48, 20)


@pytest.mark.parametrize(
    ("changes", "error", "builtin"),
    [
        ({"annotation": "gone.nrrd"}, MissingFileError, FileNotFoundError),
        ({"template": "gone.nrrd"}, MissingFileError, FileNotFoundError),
        ({"structures": "gone.json"}, MissingFileError, FileNotFoundError),
        ({"annotation": "structures.json"}, AtlasError, ValueError),
        ({"structures": "labels.nrrd"}, AtlasError, ValueError),
        ({"orientation": "XYZ"}, InputError, ValueError),
        ({"spacing_um": -25.0}, InputError, ValueError),
        ({"spacing_um": 1e6}, InputError, ValueError),
    ],
    ids=str,
)
def test_bad_local_atlases(files, changes, error, builtin):
    refused(error, builtin, files, run_with(files, **changes).run)


def test_volumes_that_are_no_volume(tmp_path, atlas):
    for volume, spacing, words in [
        (np.zeros((3, 4)), (1, 1, 1), "volume"),
        (np.ones((3, 4, 5)), None, "volume_spacing_mm"),
        (np.ones((3, 4, 5)), (1, 1, 1), "same value"),
        (np.full((3, 4, 5), np.nan), (1, 1, 1), "NaN"),
        (np.random.default_rng(0).random((3, 4, 5)), (1, 0, 1), "spacing"),
        (tmp_path / "gone.nii", None, "gone.nii"),
    ]:
        reg = BrainReg3D(volume=volume, volume_spacing_mm=spacing, atlas=atlas)
        text = refused((InputError, MissingFileError), (ValueError, OSError), tmp_path, reg.run)
        assert words in text
