"""What lies on disk after a run, read back with other tools than those that wrote it."""

import csv
import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from PIL import ImageSequence
from tiny_brain import BOX_MM, POST_ID, STRUCTURES, VISIBLE, make_atlas, source

from brainreg3d import BrainReg3D, Pose
from brainreg3d.errors import OutputError
from brainreg3d.steps import NOT_GIVEN

SHAPE = (72, 40)  # one pixel for 0.1 mm, the whole box
ABOVE = Pose((BOX_MM[0] / 2, BOX_MM[1] / 2, BOX_MM[2]))
IDS = {acronym: identifier for identifier, acronym, _, _ in STRUCTURES}
ASKED = [*VISIBLE, "DEEP"]  # DEEP is hidden


@pytest.fixture
def image(tmp_path):
    folder = tmp_path / "session"
    folder.mkdir()
    tifffile.imwrite(folder / "brain.tif", np.arange(72 * 40, dtype=np.uint16).reshape(SHAPE))
    return folder / "brain.tif"


def register(image, **options):
    usual = {
        "pixel_size_mm": (0.1, 0.1), "alignment": ABOVE, "camera_distance_mm": None,
        "atlas": make_atlas(), "brain_regions": ASKED,
    }  # fmt: skip
    return BrainReg3D(image, **usual | options)


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


def test_the_files_of_a_run_lie_beside_the_image(image):
    reg = register(image)
    result = reg.run()
    names = {"brain_masks.tif", "brain_labels.tif", "brain_regions.csv", "brain_alignment.json",
             "brain_run.json"}  # fmt: skip
    assert {path.name for path in image.parent.iterdir()} == names | {"brain.tif"}
    assert {path.name for path in result.files.values()} == names
    assert reg.mask_path == image.with_name("brain_masks.tif")


def test_masks_are_an_imagej_stack_of_0_and_1(image):
    result = register(image, pixel_size_mm=(0.1, 0.08)).run()
    with tifffile.TiffFile(result.files["masks"]) as tif:
        assert tif.is_imagej
        assert tif.series[0].axes == "ZYX"
        stack = tif.asarray()
        assert tif.imagej_metadata["Labels"] == ASKED
        assert tif.imagej_metadata["unit"] == "mm"
        assert tif.imagej_metadata["slices"] == len(ASKED)
        x, y = (tif.pages[0].tags[name].value for name in ("XResolution", "YResolution"))
        assert x[0] / x[1] == pytest.approx(1 / 0.08, rel=1e-5)
        assert y[0] / y[1] == pytest.approx(1 / 0.1, rel=1e-5)
    assert stack.dtype == np.uint8
    assert stack.shape == (len(ASKED), *SHAPE)
    assert set(np.unique(stack)) == {0, 1}
    assert np.array_equal(stack.astype(bool), result.masks)
    assert not stack[ASKED.index("DEEP")].any()  # hidden: there, and empty


def test_another_reader_sees_the_same_masks_unflipped(image):
    """Pillow reads row 0 as the top, as ImageJ does."""
    result = register(image).run()
    with PillowImage.open(result.files["masks"]) as stack:
        frames = [np.array(frame) for frame in ImageSequence.Iterator(stack)]
    assert np.array_equal(np.array(frames) > 0, result.masks)
    top = frames[ASKED.index("BULB")]
    rows, cols = np.nonzero(top)
    # BULB: y from 5.7 to 6.6 of 7.2 mm, so rows 6 to 14 from the top; x from 1.2 to 2.4 mm
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (6, 14, 12, 23)


def test_the_label_image_holds_the_labels(image):
    result = register(image).run()
    stored = tifffile.imread(result.files["labels"])
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, result.labels)


def test_ids_of_nine_digits_are_exact(image):
    result = register(image, label_values="ids").run()
    stored = tifffile.imread(result.files["labels"])
    assert stored.dtype == np.uint32
    expected = np.array([0, *(IDS[name] for name in ASKED)], np.uint32)[result.labels]
    assert np.array_equal(stored, expected)
    assert POST_ID > 2**24
    assert POST_ID in stored
    with PillowImage.open(result.files["labels"]) as picture:
        assert picture.size == SHAPE[::-1]
    labels = {row["acronym"]: int(row["label"]) for row in table(result.files["regions"])}
    assert labels == {name: IDS[name] for name in ASKED}


def check_table(result, pixel_mm=(0.1, 0.1)):
    """Work out the table again from the label image and the masks."""
    stored = tifffile.imread(result.files["labels"])
    masks = tifffile.imread(result.files["masks"])
    rows = table(result.files["regions"])
    assert len(rows) == len(masks)
    for row, mask in zip(rows, masks, strict=True):
        at = np.argwhere(mask)
        assert int(row["n_pixels"]) == len(at)
        assert float(row["area_mm2"]) == pytest.approx(len(at) * pixel_mm[0] * pixel_mm[1])
        assert int(row["id"]) == IDS[row["acronym"]]
        assert row["name"] == next(s[2] for s in STRUCTURES if s[1] == row["acronym"])
        if len(at) == 0:
            assert row["centroid_row_px"] == row["centroid_col_px"] == row["mean_depth_mm"] == ""
            continue
        assert np.all(stored[mask > 0] == int(row["label"]))
        assert float(row["centroid_row_px"]) == pytest.approx(at[:, 0].mean(), abs=1e-3)
        assert float(row["centroid_col_px"]) == pytest.approx(at[:, 1].mean(), abs=1e-3)
    return rows


def test_the_table_says_what_the_pictures_show(image):
    rows = check_table(register(image).run())
    assert [row["acronym"] for row in rows] == ASKED
    assert [row["label"] for row in rows] == ["1", "2", "3", "4", "5"]
    by_name = {row["acronym"]: row for row in rows}
    # All tops lie at z = 3.5 mm, the image plane at 4 mm.
    for name in VISIBLE:
        assert float(by_name[name]["mean_depth_mm"]) == pytest.approx(0.5, abs=1e-4)
    # MARK: 3 voxels of 0.2 mm by 3 of 0.3 mm
    assert float(by_name["MARK"]["area_mm2"]) == pytest.approx(0.6 * 0.9)
    assert float(by_name["ANT"]["area_mm2"]) == pytest.approx(3.2 * 2.7 - 0.6 * 0.9)
    red, green, blue = ((f * IDS["MARK"]) % 256 for f in (37, 91, 53))
    assert by_name["MARK"]["color"] == f"#{red:02x}{green:02x}{blue:02x}"
    assert "ANT" in by_name["DEEP"]["unseen"] or "POST" in by_name["DEEP"]["unseen"]


@pytest.mark.parametrize("label_values", ["index", "ids"])
def test_hemispheres_apart(image, label_values):
    result = register(image, split_hemispheres=True, label_values=label_values).run()
    rows = check_table(result)
    assert [(row["acronym"], row["hemisphere"]) for row in rows] == [
        (name, side) for name in ASKED for side in ("left", "right")
    ]
    with tifffile.TiffFile(result.files["masks"]) as tif:
        names = tif.imagej_metadata["Labels"]
    assert names == [f"{name}_{side}" for name in ASKED for side in ("left", "right")]
    masks = dict(zip(names, tifffile.imread(result.files["masks"]), strict=True))
    left = np.arange(SHAPE[1]) < SHAPE[1] / 2
    assert not masks["MARK_left"].any()
    assert masks["MARK_right"].any()
    assert not masks["ANT_left"][:, ~left].any()
    assert not masks["ANT_right"][:, left].any()
    both = masks["ANT_left"].astype(bool) | masks["ANT_right"].astype(bool)
    assert np.array_equal(both, result.mask("ANT"))
    if label_values == "index":
        values = [int(row["label"]) for row in rows]
        assert len(set(values)) == len(values)


def test_provenance_names_and_hashes_everything(image, tmp_path):
    (tmp_path / "atlas").mkdir()
    mask = np.ones(SHAPE, np.uint8)
    reg = register(image, atlas=None, template_source=source(tmp_path / "atlas"), window_mask=mask)
    result = reg.run()
    text = result.files["run"].read_text()
    run = json.loads(text)
    assert str(tmp_path) not in text  # relative paths only, so that equal runs are equal
    assert run["image"]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert run["image"]["file"] == "brain.tif"
    for kind, entry in run["outputs"].items():
        path = image.parent / entry["file"]
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), kind
    atlas_file = tmp_path / "atlas" / "labels.nrrd"
    digest = hashlib.sha256(atlas_file.read_bytes()).hexdigest()
    assert run["atlas"]["sha256"]["annotation"] == digest
    assert run["brain_regions"] == ASKED
    assert run["method"] == "exact"
    assert [step["slot"] for step in run["steps"]][-1] == "MaskWriter"
    assert run["window_mask"]["sha256"]
    assert run["brainreg3d"]
    assert run["packages"]["numpy"] == np.__version__


def test_alignment_files_hold_what_the_design_says(image):
    result = register(image, camera_distance_mm=33.0, principal_point_px=(5, 6)).run()
    stored = json.loads(result.files["alignment"].read_text())
    assert stored["schema"] == "brainreg3d/alignment/1"
    assert stored["pose"] == {
        "center_mm": list(ABOVE.center_mm), "yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0,
        "mirrored": False,
    }  # fmt: skip
    assert stored["image"]["shape"] == [72, 40]
    assert stored["image"]["pixel_size_mm"] == [0.1, 0.1]
    assert stored["image"]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert stored["camera"] == {"distance_mm": 33.0, "principal_point_px": [5.0, 6.0]}
    assert stored["bregma"] == "ibl"
    assert stored["atlas"]["name"] == "tiny"


def test_a_second_run_gives_the_same_bytes(image):
    first = contents(register(image).run().files["masks"].parent)
    assert contents(register(image).run().files["masks"].parent) == first


WHOLE_RUN = """
import sys
from brainreg3d import BrainReg3D, Pose, LocalTemplateSource
image, atlas, out, method = sys.argv[1:]
BrainReg3D(
    image, pixel_size_mm=(0.1, 0.1), alignment=Pose((2.0, 3.6, 4.0), 10, 5, -5), output_dir=out,
    template_source=LocalTemplateSource(annotation=atlas + "/labels.nrrd",
                                        structures=atlas + "/structures.json"),
    brain_regions=["ANT", "POST", "MARK"], method=method,
).run()
"""


@pytest.mark.parametrize("method", ["exact", "original"])
def test_processes_with_other_threads_give_the_same_bytes(image, tmp_path, method):
    (tmp_path / "atlas").mkdir()
    source(tmp_path / "atlas")
    outputs = []
    for threads in ("1", "3"):
        folder = tmp_path / f"threads_{threads}"
        variables = ("BRAINREG3D_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(variables, threads), "PYTHONHASHSEED": threads}
        command = [sys.executable, "-c", WHOLE_RUN, image, tmp_path / "atlas", folder, method]
        subprocess.run(command, env=env, check=True, capture_output=True)
        outputs.append(contents(folder))
    assert len(outputs[0]) == 5
    assert outputs[0] == outputs[1]


def fail_at(monkeypatch, name, error):
    """Let one kind of file fail while it is written."""
    from brainreg3d.steps import write

    def broken(*_, **__):
        raise error

    monkeypatch.setattr(write, name, broken)


@pytest.mark.parametrize("name", ["write_mask_stack", "write_label_image", "write_table",
                                  "write_json"])  # fmt: skip
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_failure_while_writing_changes_nothing(image, monkeypatch, name, number):
    register(image).run()
    before = contents(image.parent)
    fail_at(monkeypatch, name, OSError(number, os.strerror(number)))
    with pytest.raises(OutputError) as error:
        register(image, brain_regions=["ANT"]).run()
    assert isinstance(error.value, OSError)
    assert os.strerror(number).lower() in str(error.value).lower()
    assert "\n" not in str(error.value)
    assert contents(image.parent) == before


@pytest.mark.parametrize("name", ["write_table", "write_json"])
def test_other_errors_while_writing_change_nothing(image, monkeypatch, name):
    register(image).run()
    before = contents(image.parent)
    fail_at(monkeypatch, name, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        register(image, brain_regions=["ANT"]).run()
    assert contents(image.parent) == before


@pytest.mark.parametrize("suffix", ["_masks.tif", "_regions.csv", "_run.json"])
def test_a_folder_in_the_place_of_a_file_changes_nothing(image, suffix):
    """Files appear all together or not at all, also when one of them cannot be moved in."""
    register(image).run()
    blocked = image.with_name(f"brain{suffix}")
    blocked.unlink()
    blocked.mkdir()
    before = contents(image.parent)
    with pytest.raises(OutputError):
        register(image, brain_regions=["ANT"]).run()
    assert contents(image.parent) == before


def test_an_output_folder_is_made(image, tmp_path):
    result = register(image, output_dir=tmp_path / "new" / "deep").run()
    assert result.files["masks"] == tmp_path / "new" / "deep" / "brain_masks.tif"
    assert [path.name for path in image.parent.iterdir()] == ["brain.tif"]


def test_an_output_folder_that_is_a_file(image):
    with pytest.raises(OutputError, match="file"):
        register(image, output_dir=image).run()
    with pytest.raises(OutputError, match="file"):
        register(image, output_dir=image / "below").run()


def test_an_output_folder_that_cannot_be_written(image, tmp_path):
    locked = Path("/proc/self")  # nobody can write here, not even root
    if os.geteuid():
        locked = tmp_path / "locked"
        locked.mkdir()
        locked.chmod(0o500)
    elif not locked.is_dir():
        pytest.skip("root can write everywhere")
    with pytest.raises(OutputError, match="output_dir"):
        register(image, output_dir=locked / "results").run()


def test_an_unwritable_folder_is_noticed_before_the_work(image):
    calls = []

    class Slow(BrainReg3D.Projector):
        def compute(self, *, atlas, regions, alignment):
            calls.append(1)
            return super().compute(atlas=atlas, regions=regions, alignment=alignment)

    reg = register(image, output_dir=image)
    reg.Projector = Slow
    with pytest.raises(OutputError):
        reg.run()
    assert not calls


def test_the_earlier_alignment_is_kept_when_another_is_used(image, log):
    register(image).run()
    first = image.with_name("brain_alignment.json").read_bytes()
    register(image, alignment=Pose((2.5, 3.0, 4.0))).run()
    kept = [path.read_bytes() for path in image.parent.glob("brain_alignment_*.json")]
    assert kept == [first]
    assert any("kept" in message for message in log)
    register(image, alignment=Pose((2.6, 3.0, 4.0))).run()
    assert len(list(image.parent.glob("brain_alignment*.json"))) == 3


def test_the_same_alignment_is_not_kept_twice(image):
    register(image).run()
    register(image).run()
    assert len(list(image.parent.glob("brain_alignment*.json"))) == 1


def by_hand(image, name):
    """Write a short alignment file, as a user would."""
    content = {
        "schema": "brainreg3d/alignment/1", "pose": attrs.asdict(ABOVE),
        "landmarks": {"note": "mine"}, "history": ["by hand"],
    }  # fmt: skip
    mine = image.with_name(name)
    mine.write_text(json.dumps(content))
    return mine


@pytest.mark.parametrize("name", ["brain_alignment.json", "elsewhere.json"])
def test_the_users_own_alignment_file_is_never_touched(image, name):
    mine = by_hand(image, name)
    before = mine.read_bytes()
    files = register(image, alignment=mine, camera_distance_mm=NOT_GIVEN).run().files
    assert mine.read_bytes() == before
    assert files["alignment"].is_file()
    stored = json.loads(files["run"].read_text())
    digest = hashlib.sha256(files["alignment"].read_bytes()).hexdigest()
    assert stored["outputs"]["alignment"]["sha256"] == digest


@pytest.mark.parametrize("name", ["brain_alignment.json", "elsewhere.json"])
def test_the_saved_alignment_is_the_one_that_was_used(image, name):
    mine = by_hand(image, name)
    before = mine.read_bytes()
    register(image, alignment=mine, camera_distance_mm=99.0).run()
    kept = mine if name == "elsewhere.json" else image.with_name("brain_alignment_1.json")
    assert kept.read_bytes() == before
    saved = json.loads(image.with_name("brain_alignment.json").read_text())
    assert saved["camera"]["distance_mm"] == 99.0
    assert saved["landmarks"] == {"note": "mine"}
    stored = json.loads(image.with_name("brain_run.json").read_text())
    assert stored["alignment"]["camera"]["distance_mm"] == 99.0
    assert stored["alignment"]["landmarks"] == {"note": "mine"}


def test_another_bregma_is_written_down(image):
    """Not only reported against: a run that follows takes up the file."""
    saved = register(image).run().files["alignment"]
    before = saved.read_bytes()
    again = {"alignment": saved, "camera_distance_mm": NOT_GIVEN}
    register(image, **again).run()
    assert saved.read_bytes() == before
    register(image, **again, bregma="wfield").run()
    assert json.loads(saved.read_text())["bregma"] == "wfield"
    assert image.with_name("brain_alignment_1.json").read_bytes() == before


def test_a_bregma_that_a_file_leaves_open_is_the_default(image):
    mine = by_hand(image, "brain_alignment.json")
    before = mine.read_bytes()
    usual = {"alignment": mine, "camera_distance_mm": NOT_GIVEN}
    register(image, **usual, bregma="ibl").run()
    assert mine.read_bytes() == before
    register(image, **usual, bregma="cortexlab").run()
    assert json.loads(mine.read_text())["bregma"] == "cortexlab"


def test_landmarks_of_an_earlier_alignment_are_not_lost(image):
    """The same pose, typed in: the file that is replaced says where it comes from."""
    mine = by_hand(image, "brain_alignment.json")
    before = mine.read_bytes()
    register(image, alignment=ABOVE).run()
    assert "landmarks" not in json.loads(mine.read_text())
    assert image.with_name("brain_alignment_1.json").read_bytes() == before


def test_the_alignment_of_a_run_gives_the_same_labels_again(image, tmp_path):
    pose = Pose((2.1, 3.3, 3.9), 12.3456789, -7.1, 3.3, mirrored=True)
    first = register(image, alignment=pose, camera_distance_mm=21.7).run()
    again = BrainReg3D(
        image, alignment=first.files["alignment"], atlas=make_atlas(), brain_regions=ASKED,
        output_dir=tmp_path / "again",
    ).run()  # fmt: skip
    assert np.array_equal(first.labels, again.labels)


def test_an_array_is_not_written_without_a_folder(log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = register(np.zeros(SHAPE)).run()
    assert result.labels.any()
    assert not result.files
    assert any("output_dir" in message for message in log)
    assert not list(tmp_path.iterdir())
    written = register(np.zeros(SHAPE), output_dir=tmp_path).run()
    assert written.files["masks"].is_file()


def test_names_with_dots_and_spaces(tmp_path):
    image = tmp_path / "mouse 1.day.2.tif"
    tifffile.imwrite(image, np.zeros(SHAPE, np.uint8))
    files = register(image).run().files
    assert files["masks"].name == "mouse 1.day.2_masks.tif"
    assert all(path.is_file() for path in files.values())


def test_a_file_that_is_read_is_never_replaced(image):
    mask = image.with_name("brain_labels.tif")  # the labels of an earlier run, as a window mask
    tifffile.imwrite(mask, np.ones(SHAPE, np.uint8))
    before = mask.read_bytes()
    with pytest.raises(OutputError, match="brain_labels"):
        register(image, window_mask=mask).run()
    assert mask.read_bytes() == before
