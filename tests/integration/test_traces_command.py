"""Signals of regions as a user makes them: the command, memory, a cluster."""

import json
import os
import shutil
import subprocess
import sys

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from recordings import NAMES, cut_file, make_result, means, stripes, write

from brainreg3d import BrainReg3D, load_atlas, region_traces
from brainreg3d.cli import main
from brainreg3d.errors import InputError, RecordingCutShort
from brainreg3d.sources.phantom import demo_view, render_phantom_image
from brainreg3d.traces import blocks as block_module

ATLAS = "phantom_50um"
REGIONS = ("VIS", "SSp", "MOp", "VISp2/3")
N_FRAMES = 8


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on the phantom, and its folder."""
    folder = tmp_path_factory.mktemp("run")
    atlas, view = load_atlas(ATLAS), demo_view()
    tifffile.imwrite(folder / "mouse.tif", render_phantom_image(atlas, view))
    result = BrainReg3D(
        folder / "mouse.tif", alignment=view.pose, pixel_size_mm=view.pixel_size_mm, atlas=ATLAS,
        brain_regions=REGIONS[:3],
    ).run()  # fmt: skip
    return result, folder


@pytest.fixture(scope="module")
def recording(run):
    result, folder = run
    shape = (N_FRAMES, *result.labels.shape)
    frames = np.random.default_rng(0).integers(0, 60000, shape).astype(np.uint16)
    tifffile.imwrite(folder / "recording.tif", frames, bigtiff=True)
    return folder / "recording.tif", frames


def traces(recording, folder, output, *more):
    line = ("traces", recording, "--alignment", folder / "mouse_alignment.json", "-o", output)
    return main([str(word) for word in (*line, *more)])


def test_a_column_for_each_region(run, recording, tmp_path, capsys):
    result, folder = run
    path, frames = recording
    assert traces(path, folder, tmp_path / "t.csv") == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table.columns) == ["frame", *REGIONS[:3]]
    assert table["frame"].tolist() == list(range(N_FRAMES))
    for name in REGIONS[:3]:
        expected = frames[:, result.mask(name)].mean(axis=1)
        np.testing.assert_allclose(table[name], expected, rtol=1e-12)
    out = capsys.readouterr().out
    assert f"{N_FRAMES} frames" in out
    for path in tmp_path.iterdir():
        assert f"Wrote {path}" in out


def test_parquet_sides_and_changes(run, recording, tmp_path):
    result, folder = run
    path, frames = recording
    words = ("--statistic", "dff", "--statistic", "median", "--split-hemispheres")
    words += ("--baseline", "percentile:20")
    assert traces(path, folder, tmp_path / "t.parquet", *words) == 0
    mask = result.mask("SSp") & (result.hemisphere == 2)
    signal = frames[:, mask].mean(axis=1)
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert list(table.columns[:3]) == ["frame", "VIS_L", "VIS_R"]
    np.testing.assert_allclose(
        table["SSp_R"], signal / np.percentile(signal, 20) - 1, rtol=1e-9, atol=1e-12
    )
    medians = pd.read_parquet(tmp_path / "t_median.parquet")
    np.testing.assert_array_equal(medians["SSp_R"], np.median(frames[:, mask], axis=1))
    info = json.loads((tmp_path / "t_info.json").read_text())
    assert info["baseline"] == "percentile 20 of all frames"


def test_the_alignment_file_alone(run, recording, tmp_path):
    """Without the other files of the run pixels are labelled by the options."""
    result, folder = run
    path, frames = recording
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(folder / "mouse_alignment.json", alone)
    words = ("--atlas", ATLAS, "--regions", "VIS,VISp2/3", "--overlap", "deepest")
    assert traces(path, alone, tmp_path / "t.csv", "--atlas", ATLAS, "--regions", "VIS,SSp") == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table.columns) == ["frame", "VIS", "SSp"]
    expected = frames[:, result.mask("VIS")].mean(axis=1)
    np.testing.assert_allclose(table["VIS"], expected, rtol=1e-12)
    assert traces(path, alone, tmp_path / "u.csv", *words) == 0
    assert pd.read_csv(tmp_path / "u.csv").columns[2] == "VISp2/3"


def test_certain_pixels_count_more(run, tmp_path):
    view = demo_view()
    small = BrainReg3D(
        np.zeros((36, 42), np.uint8), pixel_size_mm=np.multiply(view.pixel_size_mm, 10),
        atlas=ATLAS, alignment=view.pose, brain_regions=REGIONS[:3], pose_sigma_mm=0.3,
        stem="mouse", output_dir=tmp_path,
    ).run()  # fmt: skip
    frames = np.random.default_rng(0).integers(0, 60000, (4, 36, 42)).astype(np.uint16)
    np.save(tmp_path / "r.npy", frames)
    words = ("--weights", "confidence", "--atlas", ATLAS)
    assert traces(tmp_path / "r.npy", tmp_path, tmp_path / "t.csv", *words) == 0
    mask = small.mask("VIS")
    weights = small.confidence[mask].astype(float)
    assert weights.min() < weights.max()
    expected = (frames[:, mask] * weights).sum(axis=1) / weights.sum()
    table = pd.read_csv(tmp_path / "t.csv")
    np.testing.assert_allclose(table["VIS"], expected, rtol=1e-9)


def test_a_binned_recording(run, tmp_path, capsys):
    result, folder = run
    height, width = (n // 4 for n in result.labels.shape)
    frames = np.random.default_rng(1).random((5, height, width)).astype(np.float32)
    np.save(tmp_path / "binned.npy", frames)
    assert traces(tmp_path / "binned.npy", folder, tmp_path / "t.csv") == 1
    assert "--binning 4" in capsys.readouterr().err
    assert traces(tmp_path / "binned.npy", folder, tmp_path / "t.csv", "--binning", 4) == 0
    enlarged = np.repeat(np.repeat(frames, 4, 1), 4, 2)
    mask = result.mask("MOp")[: 4 * height, : 4 * width]
    expected = enlarged[:, mask].mean(axis=1, dtype=float)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "t.csv")["MOp"], expected, rtol=1e-9)


def test_a_cropped_recording(run, recording, tmp_path):
    result, folder = run
    _, frames = recording
    part = frames[:, 50:250, 30:330]
    zarr.create_array(tmp_path / "part.zarr", data=part, chunks=(3, 200, 300))
    words = ("--crop-origin", 50, 30)
    assert traces(tmp_path / "part.zarr", folder, tmp_path / "t.csv", *words) == 0
    expected = part[:, result.mask("SSp")[50:250, 30:330]].mean(axis=1)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "t.csv")["SSp"], expected, rtol=1e-12)


def test_a_recording_cut_short_fails_and_is_kept_so_far(run, recording, tmp_path, capsys):
    result, folder = run
    path, frames = recording
    cut = tmp_path / "cut.tif"
    cut.write_bytes(path.read_bytes()[: int(0.45 * path.stat().st_size)])
    assert traces(cut, folder, tmp_path / "t.csv") == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "cut.tif" in err
    assert f"expected {N_FRAMES} frames, 3 could be read" in err
    assert str(tmp_path / "t_partial.csv") in err
    table = pd.read_csv(tmp_path / "t_partial.csv")
    np.testing.assert_allclose(table["VIS"], frames[:3, result.mask("VIS")].mean(axis=1))
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize("name", ["mouse_alignment.json", "mouse_regions.csv", "mouse"])
def test_files_of_the_run_are_never_replaced(name, run, recording, capsys):
    _, folder = run
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert traces(recording[0], folder, folder / name) == 1
    assert "Error" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


TABLES = ["t.csv", "t_median.csv", "t_pixels.csv", "t_info.json"]
KEPT = ["t_partial.csv", "t_partial_median.csv", "t_partial_info.json"]  # of what breaks off


@pytest.mark.parametrize("name", [*TABLES, *KEPT])
@pytest.mark.parametrize("option", ["--annotation", "--structures", "--template", "--window-mask"])
def test_files_that_labels_are_made_with_are_never_replaced(
    option, name, run, recording, tmp_path, capsys
):
    # That tables of that name are the command's own makes no difference.
    info = tmp_path / ("t_partial_info.json" if name in KEPT else "t_info.json")
    info.write_text('{"schema": "brainreg3d/traces/1"}')
    if name != info.name:
        (tmp_path / name).write_text("mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    words = (option, tmp_path / name, "--statistic", "mean", "--statistic", "median")
    assert traces(recording[0], run[1], tmp_path / "t.csv", *words) == 1
    assert f"{name} is read, and would be replaced" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_window_mask_named_like_a_table_is_used_and_kept(run, recording, tmp_path):
    result, folder = run
    path, frames = recording
    window = np.zeros(result.labels.shape, np.uint8)
    window[: len(window) // 2] = 1
    mask = tmp_path / "mask.csv"
    iio.imwrite(mask, window, extension=".png")  # by its content an image
    before = mask.read_bytes()
    words = ("--window-mask", mask)
    assert traces(path, folder, mask, *words) == 1
    assert mask.read_bytes() == before
    assert traces(path, folder, tmp_path / "t.csv", *words) == 0
    expected = frames[:, result.mask("SSp") & (window > 0)].mean(axis=1)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "t.csv")["SSp"], expected, rtol=1e-12)


def test_a_table_among_the_results_can_be_made_again(run, recording):
    _, folder = run
    assert traces(recording[0], folder, folder / "signals.csv") == 0
    first = (folder / "signals.csv").read_bytes()
    assert traces(recording[0], folder, folder / "signals.csv") == 0
    assert (folder / "signals.csv").read_bytes() == first


def test_help_and_what_is_missing(run, tmp_path, capsys):
    assert main(["traces", "--help"]) == 0
    text = capsys.readouterr().out
    for option in ("--alignment", "--binning", "--crop-origin", "--scheduler", "--baseline"):
        assert option in text
    assert main(["traces", "gone.tif"]) == 2
    assert traces(tmp_path / "gone.tif", run[1], tmp_path / "t.csv") == 1
    assert "There is no file" in capsys.readouterr().err


# Memory ----------------------------------------------------------------------------------------

PEAK = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[2])
from recordings import make_result, stripes
from brainreg3d import region_traces
table = region_traces(sys.argv[1], make_result(stripes((512, 512))))
assert len(table) == 1500
status = Path("/proc/self/status").read_text().split()
print(int(status[status.index("VmHWM:") + 1]) * 1024)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", ["r.npy", "r.tif"])
def test_a_recording_larger_than_the_memory_that_is_used(name, tmp_path):
    """Peak memory stays below half the file; most of it are the libraries."""
    path, shape = tmp_path / name, (1500, 512, 512)
    if name.endswith(".npy"):
        np.lib.format.open_memmap(path, "w+", np.uint16, shape).flush()
    else:
        tifffile.memmap(path, shape=shape, dtype=np.uint16, bigtiff=True).flush()
    assert path.stat().st_size > 780_000_000
    data = os.path.join(os.path.dirname(__file__), "..", "data")
    done = subprocess.run(
        [sys.executable, "-c", PEAK, path, data], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 390_000_000


# A cluster -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield made


@pytest.mark.parametrize("kind", ["pages", "deflate", "zarr 3", "chunked hdf5"])
def test_a_cluster_gives_the_same_bits(kind, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(block_module, "_BLOCK_BYTES", 1 << 13)
    frames = np.random.default_rng(0).random((24, 30, 40)).astype(np.float32)
    result = make_result(stripes(frames.shape[1:]))
    path = write(kind, tmp_path, frames)
    far = region_traces(path, result, scheduler=cluster.scheduler_address)
    near = region_traces(path, result)
    assert far.to_numpy().tobytes() == near.to_numpy().tobytes()
    np.testing.assert_allclose(far, means(frames, result.labels, len(NAMES)), rtol=1e-6)


def test_the_command_on_a_cluster(cluster, run, recording, tmp_path):
    _, folder = run
    words = ("--scheduler", cluster.scheduler_address)
    assert traces(recording[0], folder, tmp_path / "far.csv", *words) == 0
    assert traces(recording[0], folder, tmp_path / "near.csv") == 0
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "near.csv").read_bytes()


def test_arrays_in_memory_on_a_cluster(cluster):
    from distributed import Client

    frames = np.random.default_rng(0).random((9, 30, 40))
    result = make_result(stripes(frames.shape[1:]))
    with Client(cluster, set_as_default=False) as client:
        table = region_traces(frames, result, scheduler=client)
        assert client.status == "running"  # it is the user's
    np.testing.assert_allclose(table, means(frames, result.labels, len(NAMES)), rtol=1e-12)


def test_a_recording_cut_short_on_a_cluster(cluster, tmp_path):
    frames = np.random.default_rng(0).integers(0, 99, (24, 30, 40)).astype(np.uint16)
    result = make_result(stripes(frames.shape[1:]))
    cut = cut_file(write("deflated pages", tmp_path, frames), 20_000)
    output = tmp_path / "t.csv"
    with pytest.raises(RecordingCutShort, match="could be read") as caught:
        region_traces(cut, result, scheduler=cluster.scheduler_address, output=output)
    n_read = len(caught.value.traces)
    assert 5 < n_read < 24
    kept = pd.read_csv(tmp_path / "t_partial.csv", index_col="frame")
    np.testing.assert_allclose(kept, means(frames[:n_read], result.labels, len(NAMES)))


def test_a_worker_that_dies_is_replaced(cluster, tmp_path):
    frames = np.random.default_rng(0).random((12, 30, 40))
    result = make_result(stripes(frames.shape[1:]))
    mark = str(tmp_path / "died")

    def die_once(block, block_id=None):
        if block_id[0] == 5 and not os.path.exists(mark):
            open(mark, "w").close()
            os._exit(1)
        return block

    array = da.from_array(frames, chunks=(1, -1, -1)).map_blocks(die_once, dtype=float)
    table = region_traces(array, result, scheduler=cluster.scheduler_address)
    assert os.path.exists(mark)
    np.testing.assert_allclose(table, means(frames, result.labels, len(NAMES)), rtol=1e-12)


def test_what_workers_do_not_see_is_no_damage(cluster):
    """Workers may lack the folder that a recording is in on this machine."""
    here = os.getpid()

    def open_here(block):
        if os.getpid() != here:
            message = "no such folder"
            raise FileNotFoundError(message)
        return block

    frames = np.random.default_rng(0).random((6, 30, 40))
    array = da.from_array(frames, chunks=(2, -1, -1)).map_blocks(open_here, dtype=float)
    with pytest.raises(InputError, match=r"workers cannot read .* same path"):
        region_traces(array, make_result(stripes((30, 40))), scheduler=cluster.scheduler_address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", 17])
def test_no_scheduler_answers(address, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("brainreg3d.traces.stream._SCHEDULER_SECONDS", 1)
    frames = np.zeros((2, 30, 40))
    with pytest.raises(InputError, match="scheduler"):
        region_traces(frames, make_result(stripes((30, 40))), scheduler=address)


def test_without_distributed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"brainreg3d\[cluster\]"):
        region_traces(
            np.zeros((2, 30, 40)), make_result(stripes((30, 40))), scheduler="tcp://127.0.0.1:9"
        )
