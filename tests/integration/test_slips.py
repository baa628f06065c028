"""Slips that a newcomer makes, each answered by what to do about it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import attrs
import numpy as np
import pytest

from brainreg3d import BrainReg3D, Camera, ImageView, Pose
from brainreg3d.cli import main
from brainreg3d.errors import AlignmentError
from brainreg3d.steps import ManualAligner, TransferAligner

GOOD = Pose((5.7, 7.0, 8.0))


@pytest.fixture
def image():
    return np.random.default_rng(1).integers(0, 999, (60, 90)).astype(np.uint16)


def test_swapped_width_and_height_are_noticed(image, caplog):
    BrainReg3D(image, (6.0, 9.0), alignment=GOOD, atlas="phantom_100um").run(until="ManualAligner")
    assert "swapped" in caplog.text
    caplog.clear()
    BrainReg3D(image, (9.0, 6.0), alignment=GOOD, atlas="phantom_100um").run(until="ManualAligner")
    assert "swapped" not in caplog.text


def test_pixels_that_are_oblong_either_way_are_believed(image, caplog):
    BrainReg3D(image, (9.0, 3.0), alignment=GOOD, atlas="phantom_100um").run(until="ManualAligner")
    assert "swapped" not in caplog.text


@pytest.mark.parametrize(("depth", "is_slip"), [(0.3, True), (4.9, True), (5, False), (0, False)])
def test_a_depth_in_millimetres_is_noticed(image, caplog, depth, is_slip):
    registration = BrainReg3D(image, (9.0, 6.0), alignment=GOOD, atlas="phantom_100um")
    registration.label_depth_um = depth
    registration.run(until="Projector")
    assert (f"{depth:g} mm would be label_depth_um={1000 * depth:g}" in caplog.text) == is_slip


def test_a_centre_in_micrometres_is_refused(image):
    pose = Pose((5700.0, 7000.0, 8000.0))
    registration = BrainReg3D(image, (9.0, 6.0), alignment=pose, atlas="phantom_100um")
    with pytest.raises(AlignmentError, match="µm, or from bregma"):
        registration.run()


def test_an_image_beside_the_brain_is_not(image):
    registration = BrainReg3D(image, (9.0, 6.0), alignment=Pose((-5.0, 7.0, 30.0)))
    registration.atlas = "phantom_100um"
    assert registration.run(until="ManualAligner").alignment is not None


def test_warnings_reach_a_script_that_does_not_configure_logging():
    code = (
        "import numpy as np; from brainreg3d import BrainReg3D, Pose;"
        "BrainReg3D(np.zeros((20, 20)), alignment=Pose((5.7, 7, 8)), atlas='phantom_100um')"
        ".run(until='ManualAligner')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "No pixel size is known" in done.stderr
    assert done.stdout == ""


def test_the_new_image_as_its_own_reference_is_refused(image, tmp_path):
    path, record = tmp_path / "day2.npy", tmp_path / "day1_alignment.json"
    np.save(path, image)
    content = {
        "schema": "brainreg3d/alignment/1",
        "image": {"shape": [60, 90], "pixel_size_mm": [0.1, 0.1], "sha256": "0" * 64,
                  "file": "day1.tif"},
        "pose": {"center_mm": [5.7, 7.0, 8.0]},
    }  # fmt: skip
    record.write_text(json.dumps(content))
    registration = BrainReg3D(path, atlas="phantom_100um", output_dir=tmp_path)
    registration.ManualAligner = TransferAligner(reference=path, from_alignment=record)
    with pytest.raises(AlignmentError, match=r"day1\.tif"):
        registration.run()


def test_an_alignment_of_another_image_is_named(image, tmp_path, caplog):
    record = tmp_path / "other.json"
    content = {
        "schema": "brainreg3d/alignment/1",
        "image": {"shape": [60, 90], "pixel_size_mm": [0.1, 0.1], "sha256": "0" * 64,
                  "file": "day1.tif"},
        "pose": {"center_mm": [5.7, 7.0, 8.0]},
    }  # fmt: skip
    record.write_text(json.dumps(content))
    BrainReg3D(image, alignment=record, atlas="phantom_100um").run(until="ManualAligner")
    assert "day1.tif" in caplog.text


def test_a_mistyped_command_is_not_taken_for_an_image(capsys):
    assert main(["aline", "x.tif"], default_command="run") == 2
    assert "align" in capsys.readouterr().err


def test_the_scale_of_an_earlier_session_is_where_a_new_image_starts(image):
    class Window:
        scene = None

        def ask(self, scene):
            self.scene = scene
            return scene.start

    window = Window()
    earlier = ImageView((60, 90), (0.1, 0.1), GOOD, Camera(200.0))
    registration = BrainReg3D(image, atlas="phantom_100um", window=window)
    registration.ManualAligner = ManualAligner(matched_view=earlier)
    registration.run(until="ManualAligner")
    assert window.scene.start.pixel_size_mm == (0.1, 0.1)
    assert not window.scene.pixel_size_known
    assert window.scene.start == attrs.evolve(earlier)


@pytest.fixture(autouse=True)
def heard(caplog):
    caplog.set_level(logging.WARNING, logger="brainreg3d")
