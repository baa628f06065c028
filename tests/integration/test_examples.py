"""The examples run, headless, and do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9]*.py"))
SECONDS = 120


def run(script, folder):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, script, "--output-dir", folder],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each example prints, and its folder; each runs once."""
    made = {}

    def get(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            (script,) = [script for script in SCRIPTS if name in script.stem]
            made[name] = run(script, folder), folder
        return made[name]

    return get


def test_examples_are_numbered_without_gaps():
    numbers = [int(script.name[:2]) for script in SCRIPTS]
    assert numbers == list(range(1, len(SCRIPTS) + 1))
    assert numbers


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_prints_little(script, printed):
    text, _ = printed(script.stem[3:])
    assert 1 <= len(text.splitlines()) <= 20


def test_one_line_writes_all_files(printed):
    _, folder = printed("one_line")
    written = {path.name for path in folder.iterdir()}
    suffixes = ("masks.tif", "labels.tif", "regions.csv", "alignment.json", "run.json")
    assert {f"window_{suffix}" for suffix in suffixes} <= written


def test_margins_take_pixels_away(printed):
    text, _ = printed("custom_step")
    shares = [float(share) for share in re.findall(r"([\d.]+)%", text)]
    assert len(shares) == 3
    assert shares[0] > shares[1] > shares[2] > 0


def test_more_tilt_left_out_changes_more_labels(printed):
    text, _ = printed("tilted_window")
    changed = [float(share) for share in re.findall(r"([\d.]+)% of the pixels", text)]
    assert changed[0] == 0
    assert 0 < changed[1] < changed[2]


def test_only_the_flickering_side_shows_a_signal(printed):
    text, folder = printed("mean_signals")
    deviation = dict(re.findall(r"(\w+):.*deviation ([\d.]+)", text))
    # A sine of amplitude 1 deviates by 1 / sqrt(2); the rest is averaged noise.
    assert float(deviation["VIS_right"]) == pytest.approx(2**-0.5, abs=0.02)
    assert max(float(v) for k, v in deviation.items() if k != "VIS_right") < 0.05
    assert (folder / "signals.csv").read_text().startswith("# time_s,VIS_left,VIS_right")


def test_signals_of_regions_show_where_it_gets_brighter(printed):
    text, folder = printed("region_signals")
    change = dict(re.findall(r"(\w+): .*largest change (-?[\d.]+)%", text))
    assert float(change["VIS_R"]) == pytest.approx(10, abs=0.5)
    assert max(float(v) for k, v in change.items() if k != "VIS_R") < 0.5
    header = (folder / "signals_dff.csv").read_text().splitlines()[0]
    assert header == "frame,VIS_L,VIS_R,SSp_L,SSp_R"
    # Half of VIS gets brighter, so the whole does by half as much.
    assert 3 < float(re.search(r"binned .* ([\d.]+)%", text)[1]) < 7


def test_cells_lie_where_the_brain_has_their_regions(printed):
    """Just below the surface at its position, the annotation itself has the region of each cell."""
    import numpy as np
    import pandas as pd

    from brainreg3d import load_atlas
    from brainreg3d.sources.phantom import demo_view

    text, folder = printed("regions_of_cells")
    table = pd.read_csv(folder / "cells.csv", keep_default_na=False)
    assert len(table) == 40
    assert sum(int(n) for n in re.findall(r": (\d+) cells", text)) == (table["region"] != "").sum()
    atlas = load_atlas("phantom_50um")
    volume = atlas.annotation.ids[np.asarray(atlas.annotation.index)]
    inner = table[table["distance_to_border_mm"].replace("", "nan").astype(float) > 0.1]
    assert len(inner) > 10
    rays = demo_view().rays_at(inner["row_px"].to_numpy(), inner["col_px"].to_numpy())
    ccf_mm = inner[["ap_um", "dv_um", "ml_um"]].astype(float).to_numpy() / 1000
    surface_mm = np.column_stack([ccf_mm[:, 2], 13.2 - ccf_mm[:, 0], 8.0 - ccf_mm[:, 1]])
    below = ((surface_mm + 0.01 * rays.directions) / 0.05).astype(int)
    for cell, (x, y, z) in zip(inner.itertuples(), below, strict=True):
        found = volume[z, y, x]
        assert int(found) in atlas.structures.descendants(int(cell.region_id))
        assert cell.hemisphere == ("right" if float(cell.ml_um) > 5700 else "left")


def test_the_benchmark_of_projections_runs(tmp_path):
    script = EXAMPLES.parent / "benchmarks" / "projection.py"
    methods = ["rays", "march", "surface", "vertices"]
    options = ["--phantom", "100", "--sizes", "0", "--rounds", "1", "--methods", *methods]
    done = subprocess.run(
        [sys.executable, script, *options],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    rows = [row.split(" | ") for row in done.stdout.splitlines() if row.startswith("| 100 ")]
    right = {row[2]: float(row[-1].rstrip(" |").rstrip("%")) for row in rows}
    assert list(right) == methods
    assert right["rays"] == 100
    assert right["rays"] > right["surface"] > right["vertices"]


def test_the_benchmark_of_signals_runs(tmp_path):
    script = EXAMPLES.parent / "benchmarks" / "traces.py"
    options = ["--gigabytes", "0.01", "--rounds", "1", "--formats", "tiff", "zarr", "hdf5"]
    done = subprocess.run(
        [sys.executable, script, *options],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    rows = [row.strip("| ").split(" | ") for row in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["tiff", "zarr", "hdf5"]
    assert max(float(row[-1]) for row in rows) < 1e-6
