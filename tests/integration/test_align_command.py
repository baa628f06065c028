"""`brainreg3d align`: every way to a pose, and that none is lost."""

import json
import os
import subprocess
import sys
import types
from typing import ClassVar

import attrs
import numpy as np
import pytest
import tifffile
import tiny_brain
from tiny_brain import BOX_MM, VISIBLE

from brainreg3d import BrainReg3D, Camera, ImageView, Pose, steps
from brainreg3d.cli import main
from brainreg3d.errors import AlignmentError, BrainReg3DError, InputError, MissingFileError

SHAPE = (48, 40)
PLACED = Pose((2.1, 3.5, 3.4), 4.0, -3.0, 2.0)
EARLIER = Pose((1.8, 3.2, 3.5), 8.0, 1.0, -2.0)


class Window:
    """Accepts a fixed pose, or cancels, and remembers what it was shown."""

    def __init__(self, pose=PLACED):
        self.pose, self.scenes = pose, []

    def ask(self, scene):
        self.scenes.append(scene)
        return None if self.pose is None else attrs.evolve(scene.start, pose=self.pose)

    @property
    def scene(self):
        return self.scenes[-1]


@pytest.fixture
def study(tmp_path, monkeypatch):
    folder = tmp_path / "study"
    (folder / "atlas").mkdir(parents=True)
    tiny_brain.source(folder / "atlas")
    pixels = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)
    tifffile.imwrite(folder / "mouse.tif", pixels)
    tifffile.imwrite(folder / "before.tif", pixels[::-1])
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return folder


@pytest.fixture
def on_screen(monkeypatch):
    """A window on the screen, without either."""

    def put(pose=PLACED):
        window = Window(pose)
        monkeypatch.setattr("brainreg3d.placement.default_window", lambda: window)
        return window

    return put


def words(study, *more, command="align", image="mouse.tif"):
    atlas = study / "atlas"
    usual = [
        command, study / image, "--pixel-size-mm", 0.1, 0.1, "--regions", ",".join(VISIBLE),
        "--annotation", atlas / "labels.nrrd", "--structures", atlas / "structures.json",
        "--template", atlas / "grey.nrrd",
    ]  # fmt: skip
    return [str(word) for word in (*usual, *more)]


def write_alignment(path, pose=EARLIER, **more):
    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(pose)}
    path.write_text(json.dumps(content | more))
    return path


def pose_in(path):
    stored = json.loads(path.read_text())["pose"]
    return Pose(**stored)


def files_in(study):
    return sorted(path.name for path in study.iterdir() if path.is_file())


def test_the_window_on_the_screen_is_the_default(study, on_screen, capsys):
    window = on_screen()
    target = study / "poses" / "mine.json"
    assert main(words(study, "-o", target)) == 0
    assert pose_in(target) == PLACED
    assert len(window.scenes) == 1
    assert str(target) in capsys.readouterr().out
    # Nothing else is computed or written.
    assert files_in(study) == ["before.tif", "mouse.tif"]
    assert [path.name for path in target.parent.iterdir()] == ["mine.json"]


def test_what_align_writes_is_what_run_reads(study, on_screen):
    on_screen()
    assert main(words(study, "-o", study / "mine.json", "--bregma", "wfield")) == 0
    content = json.loads((study / "mine.json").read_text())
    assert content["bregma"] == "wfield"
    assert content["image"]["pixel_size_mm"] == [0.1, 0.1]
    assert content["image"]["file"] == "mouse.tif"
    assert content["camera"]["distance_mm"] == 230.0
    assert main(words(study, "--alignment", study / "mine.json", command="run")) == 0
    assert pose_in(study / "mouse_alignment.json") == PLACED


@pytest.mark.parametrize("name", ["mouse.tif", "mouse.ome.tif"])
def test_without_a_name_it_is_written_where_run_finds_it(study, on_screen, name):
    (study / "mouse.tif").rename(study / name)
    on_screen()
    assert main(words(study, image=name)) == 0
    assert pose_in(study / "mouse_alignment.json") == PLACED
    window = on_screen(EARLIER)
    assert main(words(study, command="run", image=name)) == 0
    assert not window.scenes, "run asked again, though the alignment was saved"


def test_the_start_follows_the_words(study, on_screen):
    window = on_screen()
    more = ("--anterior", "left", "--hemisphere", "right", "--tilt", "surface")
    assert main(words(study, "-o", study / "a.json", *more)) == 0
    start = window.scene.start
    assert start.pose.center_mm[0] > BOX_MM[0] / 2
    assert start.pose.yaw_deg == -90
    assert start.pose.col_axis[1] < -0.9, "anterior to the left"
    assert window.scene.pixel_size_known
    with_run = on_screen()
    assert main(words(study, "--output-dir", study / "out", *more, command="run")) == 0
    assert with_run.scene.start == start


def test_web_opens_the_browser_instead(study, monkeypatch):
    window, ports = Window(), []
    module = types.ModuleType("brainreg3d.gui.web")
    module.WebWindow = lambda port, announce: ports.append(port) or window
    monkeypatch.setitem(sys.modules, "brainreg3d.gui.web", module)
    assert main(words(study, "-o", study / "a.json", "--web")) == 0
    assert len(window.scenes) == 1
    assert pose_in(study / "a.json") == PLACED
    line = words(study, "--output-dir", study / "out", "--web", "--port", 8123, command="run")
    assert main(line) == 0
    assert len(window.scenes) == 2
    assert ports == [0, 8123]


@pytest.mark.parametrize("command", ["run", "align"])
@pytest.mark.parametrize(
    ("more", "words_of_error"),
    [(["--port", 8123], "--web too"), (["--web", "--port", 70000], "70000")],
)
def test_a_port_that_makes_no_sense_is_refused(study, capsys, command, more, words_of_error):
    assert main(words(study, *more, command=command)) == 2
    assert words_of_error in capsys.readouterr().err


def test_from_corrects_an_earlier_alignment(study, on_screen):
    earlier = write_alignment(study / "earlier.json", bregma="wfield", camera={"distance_mm": 50})
    window = on_screen(attrs.evolve(EARLIER, yaw_deg=9.5))
    assert main(words(study, "-o", study / "a.json", "--from", earlier)) == 0
    assert window.scene.start.pose == EARLIER
    content = json.loads((study / "a.json").read_text())
    assert content["pose"]["yaw_deg"] == 9.5
    assert content["camera"]["distance_mm"] == 50
    assert content["bregma"] == "wfield"
    assert pose_in(earlier) == EARLIER


def test_a_file_can_be_corrected_in_place_and_is_kept(study, on_screen):
    mine = write_alignment(study / "mine.json")
    on_screen()
    assert main(words(study, "-o", mine, "--from", mine)) == 0
    assert pose_in(mine) == PLACED
    assert pose_in(study / "mine_1.json") == EARLIER


def test_an_alignment_beside_the_image_does_not_spare_the_window(study, on_screen):
    """Who calls align wants to place the image; who wants the saved pose calls run."""
    write_alignment(study / "mouse_alignment.json")
    window = on_screen()
    assert main(words(study)) == 0
    assert len(window.scenes) == 1
    assert pose_in(study / "mouse_alignment.json") == PLACED
    assert pose_in(study / "mouse_alignment_1.json") == EARLIER


def test_cancel_loses_nothing(study, on_screen, capsys):
    mine = write_alignment(study / "mine.json")
    before = mine.read_bytes()
    on_screen(None)
    assert main(words(study, "-o", mine)) == 1
    assert "cancelled" in capsys.readouterr().err
    assert mine.read_bytes() == before
    assert files_in(study) == ["before.tif", "mine.json", "mouse.tif"]


def test_an_interrupt_loses_nothing(study, on_screen, monkeypatch):
    mine = write_alignment(study / "mine.json")
    window = on_screen()

    def interrupt(scene):
        raise KeyboardInterrupt

    monkeypatch.setattr(window, "ask", interrupt)
    assert main(words(study, "-o", mine)) == 130
    assert pose_in(mine) == EARLIER
    assert files_in(study) == ["before.tif", "mine.json", "mouse.tif"]


@pytest.mark.parametrize("output", ["mouse.tif", "before.tif", "atlas/labels.nrrd", "atlas"])
def test_it_never_writes_over_what_it_reads(study, on_screen, capsys, output):
    window = on_screen()
    before = (study / "mouse.tif").read_bytes()
    more = ("--match-to", study / "before.tif")
    assert main(words(study, "-o", study / output, *more)) == 1
    assert not window.scenes, "found out only after the window"
    assert output.split("/")[-1] in capsys.readouterr().err
    assert (study / "mouse.tif").read_bytes() == before


def test_a_folder_that_cannot_be_written_to_is_found_before_the_window(study, on_screen):
    window = on_screen()
    assert main(words(study, "-o", study / "mouse.tif" / "a.json")) == 1
    assert not window.scenes


# An earlier session --------------------------------------------------------------------------


def test_match_to_shows_the_earlier_image_in_its_place(study, on_screen):
    write_alignment(
        study / "before_alignment.json",
        image={"shape": list(SHAPE), "pixel_size_mm": [0.12, 0.12]},
        camera={"distance_mm": 40},
    )
    window = on_screen()
    assert main(words(study, "-o", study / "a.json", "--match-to", study / "before.tif")) == 0
    scene = window.scene
    assert scene.matched_image == study / "before.tif"
    assert scene.matched_view.pose == scene.start.pose == EARLIER
    assert scene.matched_view.pixel_size_mm == (0.12, 0.12)
    assert scene.start.pixel_size_mm == (0.1, 0.1)
    assert scene.start.camera == scene.matched_view.camera
    again = on_screen()
    more = ("--output-dir", study / "out", "--match-to", study / "before.tif")
    assert main(words(study, *more, command="run")) == 0
    assert again.scene.matched_view == scene.matched_view


def test_words_about_the_start_have_no_effect_beside_an_alignment_and_that_is_said(
    study, on_screen, capsys
):
    earlier = write_alignment(study / "earlier.json")
    window = on_screen()
    more = ("--from", earlier, "--anterior", "left")
    assert main(words(study, "-o", study / "a.json", *more)) == 0
    assert window.scene.start.pose == EARLIER
    assert "anterior and tilt have no effect" in capsys.readouterr().err


def test_match_to_without_an_alignment_says_so(study, on_screen, capsys):
    window = on_screen()
    assert main(words(study, "-o", study / "a.json", "--match-to", study / "before.tif")) == 0
    assert window.scene.matched_view is None
    assert window.scene.matched_image == study / "before.tif"
    assert "before_alignment.json" in capsys.readouterr().err


def test_match_to_a_frame_of_a_stack(study, on_screen, tiny_atlas):
    window = on_screen()
    stack = np.random.default_rng(0).integers(0, 99, (3, *SHAPE), dtype=np.uint16)
    tifffile.imwrite(study / "before.tif", stack, photometric="minisblack")
    registration = BrainReg3D(
        study / "mouse.tif", atlas=tiny_atlas, pixel_size_mm=(0.1, 0.1), brain_regions=VISIBLE
    )
    registration.match_to(study / "before.tif", frame=2).align(study / "a.json")
    assert window.scene.matched_frame == 2


def test_match_to_takes_an_alignment_from_elsewhere(study):
    (study / "results").mkdir()
    file = write_alignment(study / "results" / "x.json", image={"pixel_size_mm": [0.1, 0.2]})
    registration = BrainReg3D(study / "mouse.tif").match_to(study / "before.tif", alignment=file)
    assert registration.matched_view.pose == EARLIER
    assert registration.matched_view.pixel_size_mm == (0.1, 0.2)
    with pytest.raises(MissingFileError, match=r"gone\.json"):
        registration.match_to(study / "before.tif", alignment=study / "gone.json")


def test_match_to_refuses_the_alignment_of_another_image(study):
    write_alignment(study / "before_alignment.json", image={"shape": [9, 9]})
    with pytest.raises(AlignmentError, match=r"\(9, 9\)"):
        BrainReg3D(study / "mouse.tif").match_to(study / "before.tif")


# Landmarks -------------------------------------------------------------------------------------

# On the phantom, since the bregma of the presets is a place in a brain of the mouse's size.
WIDE = (120, 160)
SEEN_FROM = ImageView(WIDE, (0.05, 0.05), Pose((6.2, 7.4, 7.6), 4.0, -6.0, 9.0), Camera(60.0))
POINTS_UM = [  # AP, DV, ML; about where the surface is
    (3400.0, 900.0, 4500.0), (3400.0, 900.0, 6900.0), (5500.0, 500.0, 5700.0),
    (5200.0, 1000.0, 8400.0), (7600.0, 600.0, 4400.0), (7600.0, 900.0, 8300.0),
    (6500.0, 1800.0, 9500.0),
]  # fmt: skip


@pytest.fixture
def landmarks(study):
    """Points seen from a known pose, in a file."""
    entries = []
    for number, (ap, dv, ml) in enumerate(POINTS_UM):
        point = (ml / 1000, 13.2 - ap / 1000, 8.0 - dv / 1000)
        row, col, _ = SEEN_FROM.project(point)
        off = 0.1 if number == 2 else 0.0  # px
        entries.append({"ccf_um": [ap, dv, ml], "row": float(row) + off, "col": float(col)})
    tifffile.imwrite(study / "wide.tif", np.zeros(WIDE, np.uint16))
    path = study / "points.json"
    path.write_text(json.dumps({"landmarks": entries, "bregma": "wfield"}))
    return path


def on_phantom(study, *more, command="align"):
    usual = [
        command, study / "wide.tif", "--pixel-size-mm", 0.05, 0.05, "--atlas", "phantom_100um",
        "--camera-distance-mm", 60, "--regions", "VISp,MOp",
    ]  # fmt: skip
    return [str(word) for word in (*usual, *more)]


def test_landmarks_give_the_pose_with_residuals_and_spread(study, landmarks, on_screen, capsys):
    window, target = on_screen(), study / "a.json"
    assert main(on_phantom(study, "-o", target, "--landmarks", landmarks)) == 0
    assert not window.scenes
    found = pose_in(target)
    assert np.linalg.norm(np.subtract(found.center_mm, SEEN_FROM.pose.center_mm)[:2]) < 0.05
    for angle in ("yaw_deg", "pitch_deg", "roll_deg"):
        assert abs(getattr(found, angle) - getattr(SEEN_FROM.pose, angle)) < 1.5
    content = json.loads(target.read_text())
    assert content["bregma"] == "wfield"
    assert len(content["landmarks"]) == len(POINTS_UM)
    printed = capsys.readouterr().out
    assert printed.count(" px ") == len(POINTS_UM)
    assert "Spread (1 sigma)" in printed
    report = json.loads((study / "a_landmarks_report.json").read_text())
    assert report["alignment"] == "a.json"
    assert report["uncertainty"] == content["uncertainty"]
    assert report["uncertainty"]["tilt_deg"] > 0
    residuals = [entry["residual_mm"] for entry in report["landmarks"]]
    assert len(residuals) == len(POINTS_UM)
    assert 0 < max(residuals) < 0.02  # mm; pixels are 0.05 mm wide


def test_an_alignment_file_written_by_hand_with_other_landmarks_is_no_trouble(study, capsys):
    """The key is free text to everyone but the step that writes it."""
    mine = write_alignment(study / "mine.json", landmarks=["by eye", 1])
    more = ("--alignment", mine, "--output-dir", study / "out")
    assert main(words(study, *more, command="run")) == 0
    assert "Wrote" in capsys.readouterr().out


def test_run_takes_landmarks_too(study, landmarks, capsys):
    assert main(on_phantom(study, "-o", study / "a.json", "--landmarks", landmarks)) == 0
    capsys.readouterr()
    assert main(on_phantom(study, "--landmarks", landmarks, command="run")) == 0
    assert pose_in(study / "wide_alignment.json") == pose_in(study / "a.json")
    out = capsys.readouterr().out
    assert "Spread" in out
    assert "residuals and the spread of the pose are in wide_alignment.json" in out
    content = json.loads((study / "wide_alignment.json").read_text())
    assert all("residual_mm" in entry for entry in content["landmarks"])
    assert content["uncertainty"]["yaw_deg"] > 0
    # and an alignment made so is used like any other
    again = ("--alignment", study / "a.json", "--output-dir", study / "out")
    assert main(on_phantom(study, *again, command="run")) == 0
    assert pose_in(study / "out" / "wide_alignment.json") == pose_in(study / "a.json")


@pytest.mark.parametrize(
    "more",
    [["--anterior", "up"], ["--from", "x.json"], ["--web"], ["--match-to", "before.tif"],
     ["--tilt", "surface"], ["--hemisphere", "left"]],
    ids=lambda more: more[0],
)  # fmt: skip
def test_options_of_the_window_are_refused_with_landmarks(study, landmarks, capsys, more):
    assert main(words(study, "-o", study / "a.json", "--landmarks", landmarks, *more)) == 2
    assert more[0] in capsys.readouterr().err
    assert not (study / "a.json").exists()


@pytest.mark.parametrize("content", [None, "{", '{"landmarks": []}', '{"marks": [1]}'])
def test_a_file_of_landmarks_that_is_none_is_found_before_the_atlas_is_loaded(study, content):
    class Never(steps.TemplateSource):
        def compute(self):
            message = "the atlas was loaded"
            raise AssertionError(message)

    if content is not None:
        (study / "points.json").write_text(content)
    registration = BrainReg3D(study / "mouse.tif", landmarks=study / "points.json")
    registration.TemplateSource = Never
    with pytest.raises(BrainReg3DError, match=r"points\.json"):
        registration.align(study / "a.json")


def test_landmarks_are_not_written_over(study, landmarks):
    before = landmarks.read_bytes()
    assert main(words(study, "-o", landmarks, "--landmarks", landmarks)) == 1
    assert landmarks.read_bytes() == before


def test_landmarks_and_an_alignment_contradict_each_other(study, landmarks, tiny_atlas):
    registration = BrainReg3D(
        study / "mouse.tif", atlas=tiny_atlas, alignment=EARLIER, landmarks=landmarks
    )
    with pytest.raises(InputError, match=r"alignment= or landmarks="):
        registration.run()


def test_defaults_of_a_class_hold_for_landmarks_too(study, landmarks):
    class Rig(BrainReg3D):
        _DEFAULT_BREGMA = "community"
        _DEFAULT_CAM: ClassVar = {"pos": (0, 0, 1)}  # of the window, which does not open

    points = json.loads(landmarks.read_text())
    del points["bregma"]
    landmarks.write_text(json.dumps(points))
    registration = Rig(
        study / "wide.tif", atlas="phantom_100um", pixel_size_mm=(0.05, 0.05), landmarks=landmarks
    )
    assert registration.align(study / "a.json").alignment.bregma == "community"


# No screen -------------------------------------------------------------------------------------


def process(study, *arguments, **env):
    names = {"DISPLAY", "WAYLAND_DISPLAY"}
    clean = {key: value for key, value in os.environ.items() if key not in names}
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "brainreg3d", *arguments], cwd=study, env=clean | env,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    after = os.times()
    used_s = after.children_user + after.children_system
    return done, used_s - before.children_user - before.children_system


@pytest.mark.parametrize("command", ["align", "run"])
def test_without_a_screen_the_error_comes_at_once_and_lists_the_ways(study, command):
    earlier = write_alignment(study / "earlier.json")
    more = ("--from", str(earlier)) if command == "align" else ()
    process(study, *words(study, *more, command=command))  # reads Python's own files once
    done, seconds_of_work = process(study, *words(study, *more, command=command))
    assert done.returncode == 1
    for way in ("--alignment", "--landmarks", "--web", "transfer"):
        assert way in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert seconds_of_work < 5  # half a second, on a quiet machine
    assert files_in(study) == ["before.tif", "earlier.json", "mouse.tif"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Wayland is Linux's")
def test_wayland_alone_is_no_screen_for_the_window(study):
    """VTK draws into memory there, in a window that nobody can see and that ends at once."""
    done, _ = process(study, *words(study), WAYLAND_DISPLAY="wayland-9731")
    assert done.returncode == 1
    assert "needs X11" in done.stderr
    assert "--web" in done.stderr
    assert "cancelled" not in done.stderr


def test_an_interrupted_file_dialog_is_no_crash(monkeypatch, capsys):
    def interrupt(title):
        raise KeyboardInterrupt

    monkeypatch.setattr("brainreg3d.gui.file_dialog.ask_for_file", interrupt)
    assert main([]) == 130
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("line", [[], ["--match-to"]], ids=["nothing", "an option without value"])
def test_nothing_to_do(study, line):
    done, _ = process(study, *line)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_arguments_and_screen_the_help_is_shown(study, capsys):
    assert main([]) == 2
    text = capsys.readouterr().err
    assert text.startswith("Usage: brainreg3d ")
    for command in ("align", "run", "demo"):
        assert f"\n  {command}" in text


@pytest.mark.parametrize("default", [None, "run"], ids=["brainreg3d", "python -m"])
def test_without_arguments_on_a_screen_a_file_dialog_opens(study, on_screen, monkeypatch, default):
    """And the image chosen is run, with the window."""
    asked, window = [], on_screen(None)
    monkeypatch.setattr(
        "brainreg3d.gui.file_dialog.ask_for_file",
        lambda title: asked.append(title) or study / "mouse.tif",
    )
    monkeypatch.setattr(BrainReg3D, "_DEFAULT_ATLAS", tiny_brain.make_atlas(), raising=True)
    monkeypatch.setattr(BrainReg3D, "_DEFAULT_BRAIN_REGIONS", VISIBLE)
    assert main([], default_command=default) == 1  # the window is cancelled
    assert len(asked) == 1
    assert window.scene.image.path == study / "mouse.tif"
    assert not window.scene.pixel_size_known


# Python ----------------------------------------------------------------------------------------


def test_align_in_python(study, tiny_atlas):
    window = Window()
    registration = BrainReg3D(
        study / "mouse.tif", atlas=tiny_atlas, pixel_size_mm=(0.1, 0.1), window=window,
        brain_regions=VISIBLE, start=EARLIER,
    )  # fmt: skip
    result = registration.align(study / "a.json")
    assert result.alignment.view.pose == PLACED
    assert result.labels is None
    assert window.scene.start.pose == EARLIER
    assert pose_in(study / "a.json") == PLACED
    # A run afterwards goes on from the pose that was placed.
    assert registration.run(until="PixelLabeller").alignment.view.pose == PLACED
    assert len(window.scenes) == 1
    with pytest.raises(InputError, match="give an image"):
        BrainReg3D().align(study / "b.json")


def test_an_array_can_be_placed_too(study, tiny_atlas):
    registration = BrainReg3D(
        np.zeros(SHAPE), atlas=tiny_atlas, pixel_size_mm=(0.1, 0.1), window=Window(),
        brain_regions=VISIBLE,
    )  # fmt: skip
    registration.align(study / "a.json")
    assert pose_in(study / "a.json") == PLACED


def test_align_with_a_pose_writes_its_file(study, tiny_atlas):
    BrainReg3D(
        study / "mouse.tif", atlas=tiny_atlas, pixel_size_mm=(0.1, 0.1), alignment=EARLIER,
        brain_regions=VISIBLE,
    ).align(study / "a.json")  # fmt: skip
    assert pose_in(study / "a.json") == EARLIER


def test_hemisphere_goes_with_an_aligner_that_knows_none(study, tiny_atlas):
    """It says which side is labelled; where an image starts is a hint."""
    from brainreg3d.state import Alignment
    from brainreg3d.steps import Aligner

    class Fixed(Aligner):
        def compute(self, *, image):
            from brainreg3d import ImageView

            return Alignment(ImageView(image.shape, (0.1, 0.1), PLACED))

    registration = BrainReg3D(
        study / "mouse.tif", atlas=tiny_atlas, brain_regions=VISIBLE, hemisphere="left",
        pixel_size_mm=(0.1, 0.1),
    )  # fmt: skip
    registration.ManualAligner = Fixed
    assert set(np.unique(registration.run().hemisphere)) >= {1, 2}
    registration.align(study / "a.json")
    assert pose_in(study / "a.json") == PLACED


def test_a_pose_is_kept_beside_the_image_when_another_writer_has_no_place_for_it(study, tiny_atlas):
    from brainreg3d.state import Outputs

    class Nothing(steps.Step):
        provides = "outputs"

        def compute(self, *, labels):
            return Outputs()

    window = Window()
    registration = BrainReg3D(
        study / "mouse.tif", atlas=tiny_atlas, pixel_size_mm=(0.1, 0.1), window=window,
        brain_regions=VISIBLE,
    )  # fmt: skip
    registration.MaskWriter = Nothing
    registration.run()
    assert pose_in(study / "mouse_alignment.json") == PLACED


def test_a_pose_that_cannot_be_saved_is_told(study, tiny_atlas, log, monkeypatch):
    """The disk was full, or the share gone, after minutes of work in the window."""

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("brainreg3d.io.alignment.write_json", full)
    registration = BrainReg3D(
        study / "mouse.tif", atlas=tiny_atlas, pixel_size_mm=(0.1, 0.1), window=Window(),
        brain_regions=VISIBLE,
    )  # fmt: skip
    with pytest.raises(BrainReg3DError, match="No space left"):
        registration.align(study / "a.json")
    assert repr(PLACED) in log[-1]
    monkeypatch.undo()
    registration.window = None
    registration.run()
    assert pose_in(study / "mouse_alignment.json") == PLACED
