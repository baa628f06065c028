"""The command line as a user meets it: exit codes, two-line errors, options that arrive."""

import csv
import json
import os
import subprocess
import sys

import attrs
import numpy as np
import pytest
import tifffile
import tiny_brain
from tiny_brain import POST_ID, VISIBLE

from brainreg3d import BrainReg3D, LocalTemplateSource, Pose, load_registration_result
from brainreg3d.cli import main

SHAPE = (72, 40)
POSE = Pose((2.1, 3.5, 4.0), 4.0, -3.0, 2.0)


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    (folder / "atlas").mkdir(parents=True)
    tiny_brain.source(folder / "atlas")
    tifffile.imwrite(folder / "mouse.tif", np.arange(2880, dtype=np.uint16).reshape(SHAPE))
    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE)}
    (folder / "mine.json").write_text(json.dumps(content))
    return folder


def words(study, *more, image="mouse.tif"):
    atlas = study / "atlas"
    usual = [
        "run", study / image, "--alignment", study / "mine.json", "--pixel-size-mm", 0.1, 0.1,
        "--annotation", atlas / "labels.nrrd", "--structures", atlas / "structures.json",
        "--template", atlas / "grey.nrrd", "--regions", ",".join(VISIBLE),
    ]  # fmt: skip
    return [str(word) for word in (*usual, *more)]


def test_a_run_writes_what_the_class_gives(study, capsys):
    assert main(words(study)) == 0
    out = capsys.readouterr().out
    for name in VISIBLE:
        assert name in out
    assert str(study / "mouse_masks.tif") in out
    atlas = study / "atlas"
    result = BrainReg3D(
        study / "mouse.tif", pixel_size_mm=(0.1, 0.1), alignment=POSE, brain_regions=VISIBLE,
        template_source=LocalTemplateSource(
            annotation=atlas / "labels.nrrd", structures=atlas / "structures.json"
        ),
        output_dir=study / "class",
    ).run()  # fmt: skip
    assert result.labels.any()
    assert np.array_equal(tifffile.imread(study / "mouse_labels.tif"), result.labels)


OPTIONS = [
    (["--method", "original"], {"method": "original"}),
    (["--occluders", "regions"], {"occluders": "regions"}),
    (["--label-depth-um", "900", "--along", "normal"],
     {"label_depth_um": 900.0, "along": "normal"}),
    (["--hemisphere", "left"], {"hemisphere": "left"}),
    (["--camera-distance-mm", "15"], {"camera_distance_mm": 15.0}),
    (["--camera-distance-mm", "none"], {"camera_distance_mm": None}),
    (["--principal-point-px", "3", "4", "--camera-distance-mm", "15"],
     {"principal_point_px": (3, 4), "camera_distance_mm": 15.0}),
    (["--regions", f"MARK, {POST_ID},Front tip"], {"brain_regions": ["MARK", POST_ID, "BULB"]}),
    (["--label-values", "ids"], {"label_values": "ids"}),
    (["--split-hemispheres"], {"split_hemispheres": True}),
    (["--bregma", "wfield"], {"bregma": "wfield"}),
]  # fmt: skip


@pytest.mark.parametrize(("more", "given"), OPTIONS, ids=lambda value: str(value)[:40])
def test_options_reach_the_class(study, more, given):
    assert main(words(study, *more, "--output-dir", str(study / "line"))) == 0
    atlas = study / "atlas"
    usual = {
        "pixel_size_mm": (0.1, 0.1), "alignment": study / "mine.json", "brain_regions": VISIBLE,
    }  # fmt: skip
    BrainReg3D(
        study / "mouse.tif", output_dir=study / "class",
        template_source=LocalTemplateSource(
            annotation=atlas / "labels.nrrd", structures=atlas / "structures.json",
            template=atlas / "grey.nrrd",
        ),
        **usual | given,
    ).run()  # fmt: skip
    for kind in ("masks.tif", "labels.tif", "regions.csv", "alignment.json"):
        one, other = (study / d / f"mouse_{kind}" for d in ("line", "class"))
        assert one.read_bytes() == other.read_bytes(), kind


def test_how_uncertain_the_pose_is(study, capsys):
    """Said on the command line, or by the alignment of an image that is quick to draw again."""
    assert main(words(study)) == 0
    assert "Confidence" not in capsys.readouterr().out

    assert main(words(study, "--pose-sigma-mm", 0.2, "--pose-sigma-deg", 3)) == 0
    out = capsys.readouterr().out
    result = load_registration_result(study / "mouse_run.json")
    expected = result.confidence_for(position_mm=0.2, yaw_deg=3, tilt_deg=3)
    part = (expected[result.labels > 0] >= 0.95).mean()
    assert 0.1 < part < 0.9
    assert f"Confidence: {part:.0%} of the labelled pixels" in out
    assert "0.2 mm within the image plane, 3° of yaw" in out

    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE)}
    (study / "mine.json").write_text(json.dumps(content | {"uncertainty": {"yaw_deg": 3}}))
    assert main(words(study)) == 0
    assert "Confidence" in (out := capsys.readouterr().out)
    assert "1 sigma: 3° of yaw" in out
    assert main(words(study, "--method", "original")) == 0  # each draw would take as long as a run
    assert "Confidence" not in capsys.readouterr().out

    assert main(words(study, "--pose-sigma-mm", -0.2)) == 1
    assert "pose_sigma_mm is a 1-sigma" in capsys.readouterr().err


def test_a_region_name_with_a_comma(study):
    tree = study / "atlas" / "structures.json"
    tree.write_text(tree.read_text().replace("Anterior area", "Area, layer 1"))
    assert main(words(study, "--regions", "Area, layer 1, BULB")) == 0
    with (study / "mouse_regions.csv").open(encoding="utf-8") as file:
        assert [row["acronym"] for row in csv.DictReader(file)] == ["ANT", "BULB"]


def test_frame_image_dims_and_window_mask(study):
    stack = np.zeros((5, *SHAPE), np.uint16)
    tifffile.imwrite(study / "stack.tif", stack, photometric="minisblack")
    mask = np.zeros(SHAPE, np.uint8)
    mask[:30] = 1
    tifffile.imwrite(study / "window.tif", mask)
    line = words(
        study, "--frame", 3, "--window-mask", study / "window.tif", "--image-dims-mm", 4, 7.2,
        image="stack.tif",
    )  # fmt: skip
    at = line.index("--pixel-size-mm")
    del line[at : at + 3]
    assert main(line) == 0
    labels = tifffile.imread(study / "stack_labels.tif")
    assert labels[:30].any()
    assert not labels[30:].any()
    run = json.loads((study / "stack_run.json").read_text())
    assert run["image"]["frame"] == 3
    assert run["alignment"]["image"]["pixel_size_mm"] == [0.1, 0.1]


def test_the_pixel_size_falls_back_to_the_files_own(study):
    tifffile.imwrite(
        study / "own.tif", np.zeros(SHAPE, np.uint16), imagej=True, resolution=(8, 10),
        metadata={"unit": "mm"},
    )  # fmt: skip
    line = words(study, image="own.tif")
    at = line.index("--pixel-size-mm")
    del line[at : at + 3]
    assert main(line) == 0
    run = json.loads((study / "own_run.json").read_text())
    assert run["alignment"]["image"]["pixel_size_mm"] == pytest.approx([0.1, 0.125])


ERRORS = [
    (["--regions", "ANTT"], "ANT"),
    (["--method", "exactly"], "exact"),
    (["--hemisphere", "middle"], "left"),
    (["--occluders", "none"], "tissue"),
    (["--alignment", "gone.json"], "gone.json"),
    (["--annotation", "gone.nrrd"], "gone.nrrd"),
    (["--structures", "gone.json"], "gone.json"),
    (["--window-mask", "gone.tif"], "gone.tif"),
    (["--frame", "7"], "frame"),
    (["--frame", "first"], "first"),
    (["--pixel-size-mm", "0", "0"], "pixel"),
    (["--pixel-size-mm", "-1", "1"], "pixel"),
    (["--pixel-size-mm", "nan", "1"], "pixel"),
    (["--pixel-size-mm", "0.1"], ""),
    (["--camera-distance-mm", "far"], "far"),
    (["--camera-distance-mm", "-5"], "positive"),
    (["--output-dir", "mouse.tif"], "file"),
    (["--label-values", "names"], "ids"),
    (["--atlas", "allen_mouse_25um"], "not both"),
    (["--image-dims-mm", "4", "7.2"], "not both"),
    (["--no-such-option"], "no-such-option"),
]


@pytest.mark.parametrize(("more", "expected"), ERRORS, ids=lambda value: str(value)[:40])
def test_errors_are_short_and_on_stderr(study, capsys, monkeypatch, more, expected):
    monkeypatch.chdir(study)
    before = sorted(path.name for path in study.rglob("*"))
    code = main(words(study, *more))
    captured = capsys.readouterr()
    assert code not in (0, None)
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    usage = [line for line in lines if not line.startswith(("Usage:", "Try "))]
    assert 1 <= len([line for line in usage if line]) <= 2
    assert "Traceback" not in captured.err
    assert expected in captured.err
    assert sorted(path.name for path in study.rglob("*")) == before


def test_debug_shows_the_traceback(study, capsys):
    code = main(words(study, "--regions", "ANTT", "--debug"))
    captured = capsys.readouterr()
    assert code == 1
    assert "Traceback" in captured.err
    assert "RegionError" in captured.err


def test_an_unexpected_error_is_not_a_traceback_either(study, capsys, monkeypatch):
    def broken(self, *_, **__):
        message = "a bug\nover two lines"
        raise RuntimeError(message)

    monkeypatch.setattr(BrainReg3D, "run", broken)
    assert main(words(study)) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert "--debug" in captured.err
    assert len(captured.err.strip().splitlines()) <= 2


def test_an_interrupt_is_not_success(study, capsys, monkeypatch):
    def interrupted(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(BrainReg3D, "run", interrupted)
    assert main(words(study)) == 130


def test_warnings_go_to_stderr(study, capsys):
    (study / "mine.json").write_text(
        json.dumps({"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [99, 99, 4]}})
    )
    assert main(words(study)) == 0
    captured = capsys.readouterr()
    assert "No region is visible" in captured.err
    assert "No region is visible" not in captured.out


def test_regions_lists_what_there_is(study, capsys):
    atlas = study / "atlas"
    line = ["regions", "--annotation", str(atlas / "labels.nrrd"),
            "--structures", str(atlas / "structures.json")]  # fmt: skip
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "MARK" in out
    assert str(POST_ID) in out
    assert "VOID" not in out
    assert main([*line, "--under", "CTX"]) == 0
    out = capsys.readouterr().out
    assert "MARK" in out
    assert "DEEP" not in out
    assert main([*line, "posterior"]) == 0
    assert "MARK" not in capsys.readouterr().out
    assert main([*line, "--under", "CTXX"]) == 1
    assert "CTX" in capsys.readouterr().err


def test_show_draws_an_earlier_run(study, capsys):
    assert main(words(study)) == 0
    target = study / "picture.png"
    assert main(["show", str(study / "mouse_run.json"), "--save", str(target)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")
    assert main(["show", str(study / "gone_run.json"), "--save", str(target)]) == 1


@pytest.mark.parametrize("what", ["image", "labels"])
def test_show_replaces_no_file_of_the_run(study, capsys, what):
    assert main(words(study)) == 0
    record = json.loads((study / "mouse_run.json").read_text())
    names = {"image": study / record["image"]["file"], "labels": study / "mouse_labels.tif"}
    before = names[what].read_bytes()
    assert main(["show", str(study / "mouse_run.json"), "--save", str(names[what])]) != 0
    assert "another name" in capsys.readouterr().err
    assert names[what].read_bytes() == before


def test_show_draws_an_image_that_was_moved(study, capsys):
    assert main(words(study)) == 0
    record = json.loads((study / "mouse_run.json").read_text())
    moved = (study / record["image"]["file"]).rename(study / "moved.tif")
    line = ["show", str(study / "mouse_run.json"), "--save", str(study / "picture.png")]
    assert main(line) == 1
    assert "--image" in capsys.readouterr().err
    assert main([*line, "--image", str(moved)]) == 0
    assert (study / "picture.png").is_file()


@pytest.mark.parametrize("line", [["--help"], ["--version"], ["run", "--help"]], ids=str)
def test_help_is_success(line, capsys):
    assert main(line) == 0
    assert capsys.readouterr().out


def test_regions_proposes_what_may_have_been_meant(study, capsys):
    atlas = study / "atlas"
    files = ["--annotation", atlas / "labels.nrrd", "--structures", atlas / "structures.json"]
    for pattern, meant in (("PSOT", "POST"), ("Bulp", "BULB")):
        assert main([str(word) for word in ("regions", pattern, *files)]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert f"Did you mean {meant}" in err


def test_an_unknown_command_fails(capsys):
    assert main(["runn", "x"]) != 0


# Whole processes -------------------------------------------------------------------------------


def process(study, *arguments, **env):
    names = {"DISPLAY", "WAYLAND_DISPLAY"}
    clean = {key: value for key, value in os.environ.items() if key not in names}
    return subprocess.run(
        [sys.executable, *arguments], cwd=study, env=clean | env, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def test_python_m_runs_an_image(study):
    line = words(study)[1:]
    done = process(study, "-m", "brainreg3d", *line)
    assert done.returncode == 0, done.stderr
    assert (study / "mouse_masks.tif").is_file()
    assert "mouse_masks.tif" in done.stdout


def test_python_m_fails_with_a_code_and_two_lines(study):
    done = process(study, "-m", "brainreg3d", "gone.tif", "--alignment", "mine.json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert 1 <= len(done.stderr.strip().splitlines()) <= 2
    assert "gone.tif" in done.stderr


def test_no_image_and_no_screen(study):
    done = process(study, "-m", "brainreg3d")
    assert done.returncode != 0
    assert "IMAGE" in done.stderr
    assert "Traceback" not in done.stderr


def test_verbose_without_a_screen_saves_pictures(study):
    done = process(study, "-m", "brainreg3d", *words(study, "--verbose")[1:])
    assert done.returncode == 0, done.stderr
    names = [path.stem for path in sorted((study / "mouse_plots").glob("*.png"))]
    for part in ("atlas", "image", "projections", "depth", "labels", "overlay", "masks"):
        assert any(part in name for name in names), (part, names)


def test_pictures_do_not_change_what_is_written(study, capsys):
    assert main(words(study, "--output-dir", str(study / "plain"))) == 0
    assert main(words(study, "--save-plots", "--output-dir", str(study / "drawn"))) == 0
    assert f"Pictures are in {study / 'drawn' / 'mouse_plots'}\n" in capsys.readouterr().out
    files = sorted(path.name for path in (study / "plain").iterdir())
    assert len(files) == 5
    for name in files:
        assert (study / "plain" / name).read_bytes() == (study / "drawn" / name).read_bytes()
