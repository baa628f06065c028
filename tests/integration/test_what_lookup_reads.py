"""What the command ``lookup`` reads: it holds where nothing else is said, and is never replaced."""

import click
import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
import tifffile
import tiny_brain
from tiny_brain import STRUCTURES, VISIBLE

from brainreg3d import BrainReg3D, LocalTemplateSource, Pose
from brainreg3d.cli import main
from brainreg3d.cli.main import brainreg3d
from brainreg3d.cli.result_options import RELABELLING_OPTION_NAMES

SHAPE = (60, 40)
IN_MARK = "row,col\n16,29\n"  # MARK lies in ANT, on the right


@pytest.fixture
def study(tmp_path):
    """A run, its image and the files of its atlas."""
    (tmp_path / "atlas").mkdir()
    tiny_brain.source(tmp_path / "atlas")
    lines = [f"{i},{acronym},{name},{parent or ''}\n" for i, acronym, name, parent in STRUCTURES]
    table = "id,acronym,name,parent_structure_id\n" + "".join(lines)
    (tmp_path / "atlas" / "structures.csv").write_text(table)
    tifffile.imwrite(tmp_path / "mouse.tif", np.zeros(SHAPE, np.uint8))
    (tmp_path / "cells.csv").write_text(IN_MARK)
    run(tmp_path)
    return tmp_path


def run(folder, structures="structures.json", **options):
    source = LocalTemplateSource(
        annotation=folder / "atlas" / "labels.nrrd", structures=folder / "atlas" / structures
    )
    usual = {
        "pixel_size_mm": (0.1, 0.1), "alignment": Pose((2.0, 3.6, 4.0)), "brain_regions": VISIBLE,
        "camera_distance_mm": None, "template_source": source,
    }  # fmt: skip
    return BrainReg3D(folder / "mouse.tif", **usual | options).run()


def look_up(study, alignment, output, *words):
    line = ["lookup", study / "cells.csv", "--alignment", alignment, "-o", output, *words]
    return main([str(word) for word in line])


def file_options():
    options = {option.name: option for option in brainreg3d.commands["lookup"].params}
    paths = [n for n in RELABELLING_OPTION_NAMES if isinstance(options[n].type, click.Path)]
    assert {"annotation", "structures", "template", "window_mask"} <= set(paths)
    return ["--" + name.replace("_", "-") for name in paths]


@pytest.mark.parametrize("option", file_options())
def test_no_file_that_labels_are_made_with_is_replaced(option, study, capsys):
    (study / "mine.csv").write_text("mine")
    (study / "other name.csv").hardlink_to(study / "mine.csv")
    for output in ("mine.csv", "other name.csv"):
        assert look_up(study, study, study / output, option, study / "mine.csv") == 2
        assert f"{output} is read from" in capsys.readouterr().err
    assert (study / "mine.csv").read_text() == "mine"


def test_files_that_could_be_tables_are_used_and_kept(study, capsys):
    """Structures of a CSV file, given to the command or by the run, and an image named so."""
    structures, mask = study / "atlas" / "structures.csv", study / "mask.csv"
    iio.imwrite(mask, np.ones(SHAPE, np.uint8), extension=".png")
    run(study, structures="structures.csv", output_dir=study / "again")
    before = {path: path.read_bytes() for path in (structures, mask)}
    chosen = ["--annotation", study / "atlas" / "labels.nrrd", "--structures", structures]
    for alignment, output, words in (
        (study, structures, chosen),
        (study, mask, ["--window-mask", mask]),
        (study / "again", structures, []),
        (study / "again" / "mouse_alignment.json", structures, []),
    ):
        assert look_up(study, alignment, output, *words) == 2
        assert "read from" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in before} == before
        assert look_up(study, alignment, study / "table.csv", *words) == 0
        assert pd.read_csv(study / "table.csv")["region"].tolist() == ["MARK"]


def test_a_run_that_is_opened_by_its_image_is_kept(study):
    table = study / "mouse_regions.csv"
    before = table.read_bytes()
    assert look_up(study, study / "mouse.tif", table) == 2
    assert table.read_bytes() == before
    assert look_up(study, study / "mouse.tif", study / "table.csv") == 0


def test_what_overlaps_in_the_run_may_overlap(study):
    """The help of both commands says so; `run` has another default."""
    run(study, brain_regions=["CTX", "MARK"], overlap="deepest", output_dir=study / "nested")
    for words in ([], ["--hemisphere", "right"]):
        assert look_up(study, study / "nested", study / "table.csv", *words) == 0
        assert pd.read_csv(study / "table.csv")["region"].tolist() == ["MARK"]
    assert look_up(study, study / "nested", study / "table.csv", "--overlap", "error") == 1
    for name, default in {"lookup": "as the run", "traces": "as the run", "run": "error"}.items():
        options = {option.name: option for option in brainreg3d.commands[name].params}
        assert options["overlap"].help.endswith(f"[default: {default}]")
