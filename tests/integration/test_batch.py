"""Many sessions: some broken, stopped at any point, on processes and on a cluster."""

import contextlib
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import many_sessions
import numpy as np
import pandas as pd
import pytest
import tifffile
from many_sessions import ATLAS, BROKEN, Deadly, Faulty, make_study, read_rows, write_table

from brainreg3d import BrainReg3D
from brainreg3d.batch import run_batch
from brainreg3d.batch.worker import STARTER
from brainreg3d.cli import main
from brainreg3d.errors import BrainReg3DError

COUNT = 40
N_DONE = COUNT - len(BROKEN)
WAIT_S = 120
RECORD = "batch_session.json"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The table of 40 sessions, three of them broken; nobody may change it."""
    return make_study(tmp_path_factory.mktemp("study") / "data", COUNT)


def command(table, folder, *more):
    words = ["batch", table, "--output-dir", folder, "--atlas", ATLAS, "--workers", "2", *more]
    if "--scheduler" in more:
        del words[words.index("--workers") : words.index("--workers") + 2]
    return [str(word) for word in words]


@pytest.fixture(scope="module")
def whole(study):
    """The folder of a batch that nothing interrupted, its exit code and what it printed."""
    folder = study.parent.parent / "whole"
    done = subprocess.run(
        [sys.executable, "-m", "brainreg3d", *command(study, folder)],
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    return folder, done


def content_of(folder):
    """Return all files below a folder with their bytes."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def same_content(folder, other):
    one, another = content_of(folder), content_of(other)
    assert one.keys() == another.keys()
    assert not [name for name in one if one[name] != another[name]]


def test_broken_sessions_do_not_stop_the_others(study, whole):
    folder, done = whole
    assert done.returncode == 1
    assert f"{N_DONE} of {COUNT} sessions are done: {N_DONE} run now, 0 kept" in done.stdout
    rows = read_rows(folder / "batch_summary.csv")
    assert [row["session"] for row in rows] == [f"day{n:02d}" for n in range(COUNT)]
    for number, row in enumerate(rows):
        assert row["status"] == ("failed" if number in BROKEN else "done")
        assert BROKEN.get(number, "") in row["reason"]
        assert bool(row["reason"]) == (number in BROKEN)
        assert (folder / row["session"] / RECORD).exists() == (number not in BROKEN)
    failed = [line for line in done.stderr.splitlines() if line.startswith("Failed: ")]
    assert len(failed) == len(BROKEN)
    assert "Traceback" not in done.stderr


def test_a_session_is_what_run_gives(study, whole, tmp_path):
    folder, _ = whole
    row = read_rows(study)[8]
    result = BrainReg3D(
        study.parent / row["image"],
        image_dims_mm=(float(row["image_width_mm"]), float(row["image_height_mm"])),
        alignment=study.parent / row["alignment"],
        atlas=ATLAS,
        output_dir=tmp_path,
    ).run()
    assert result.labels.any()
    for path in tmp_path.iterdir():
        if not path.name.endswith("run.json"):  # it holds paths relative to itself
            assert path.read_bytes() == (folder / "day08" / path.name).read_bytes()
    (line,) = (r for r in read_rows(folder / "batch_summary.csv") if r["session"] == "day08")
    assert float(line["labelled_share"]) == pytest.approx(np.mean(result.labels > 0), abs=1e-4)
    assert int(line["n_seen"]) == sum(result.mask(r.acronym).any() for r in result.regions)
    pose = many_sessions.pose_of(8)
    assert [float(line[f"center_{axis}_mm"]) for axis in "xyz"] == list(pose.center_mm)
    assert float(line["roll_deg"]) == pose.roll_deg


def test_the_contact_sheet_shows_every_session(whole):
    from PIL import Image

    folder, _ = whole
    with Image.open(folder / "batch_overlays.png") as picture:
        sheet = np.asarray(picture.convert("RGB"))
    for number in (0, 19, 39):
        with Image.open(folder / f"day{number:02d}" / "batch_overlay.png") as picture:
            tile = np.asarray(picture.convert("RGB"))
        height, width = tile.shape[:2]
        windows = np.lib.stride_tricks.sliding_window_view(sheet[..., 0], 40, axis=1)
        starts = np.argwhere((windows == tile[0, :40, 0]).all(axis=-1))
        assert any(
            np.array_equal(sheet[row : row + height, col : col + width], tile)
            for row, col in starts
        )


def wait_for(condition, what):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def children_of(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def start_and_kill(words, folder, n_before):
    """Kill a batch with SIGKILL once some sessions are done, and see its workers go too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "brainreg3d", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: len(list(folder.glob(f"*/{RECORD}"))) >= n_before, "the first sessions")
    workers = children_of(process.pid)
    assert process.poll() is None, "the batch ended before it was killed"
    process.kill()
    process.wait()
    wait_for(lambda: not any(map(is_alive, workers)), "orphaned workers to end")
    return workers


def check_nothing_is_half_written(folder):
    for path in folder.rglob("*"):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix == ".tif":
            with tifffile.TiffFile(path) as tif:
                assert tif.asarray().ndim in (2, 3)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".csv":
            assert read_rows(path)
    states = {row["status"] for row in read_rows(folder / "batch_summary.csv")}
    assert states <= {"done", "failed", "waiting"}


def stamps(folder):
    """Return what changes when a file of a finished session is written again."""
    done = [path.parent for path in folder.glob(f"*/{RECORD}")]
    files = (path for session in done for path in session.iterdir())
    return {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in files if p.name[0] != "."}


def counts_in(text):
    found = re.search(r"(\d+) of (\d+) sessions are done: (\d+) run now, (\d+) kept", text)
    return [int(number) for number in found.groups()]


@pytest.mark.slow
def test_killed_half_way_it_goes_on_with_the_rest(study, whole, capsys):
    folder = whole[0].with_name("killed")  # run files hold paths relative to themselves
    workers = start_and_kill(command(study, folder), folder, 12)
    assert len(workers) >= 2 or sys.platform != "linux"
    check_nothing_is_half_written(folder)
    before = stamps(folder)
    n_before = len({path.parent for path in before})
    assert 12 <= n_before < N_DONE
    # What a killed run leaves at the worst: half a file under a temporary name.
    names = (f"day{number:02d}" for number in range(COUNT) if number not in BROKEN)
    rest = next(folder / name for name in names if not (folder / name / RECORD).exists())
    rest.mkdir(exist_ok=True)
    (rest / f".{rest.name}_masks.k2_j9x0a.tif").write_bytes(b"half")
    of_the_user = rest / ".notes.20260101.txt"
    of_the_user.write_text("mine")

    assert main(command(study, folder)) == 1
    assert counts_in(capsys.readouterr().out) == [N_DONE, COUNT, N_DONE - n_before, n_before]
    after = stamps(folder)
    assert all(after[path] == stamp for path, stamp in before.items())
    assert list(folder.rglob(".*")) == [of_the_user]
    of_the_user.unlink()
    same_content(folder, whole[0])


@contextlib.contextmanager
def local_cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.mark.slow
def test_a_cluster_does_the_same_though_a_worker_is_killed(study, whole):
    folder = whole[0].with_name("cluster")
    with local_cluster() as cluster:
        words = command(study, folder, "--scheduler", cluster.scheduler_address)
        start_and_kill(words, folder, 8)
        check_nothing_is_half_written(folder)
        seen = []

        def kill_a_worker(outcome):
            seen.append(outcome.name)
            if len(seen) == len(BROKEN) + 3:
                os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

        summary = run_batch(
            study, folder, atlas=ATLAS, scheduler=cluster.scheduler_address,
            on_outcome=kill_a_worker,
        )  # fmt: skip
    assert len(seen) > len(BROKEN) + 3
    assert len(summary.done) == N_DONE
    assert len(summary.kept) >= 8
    assert set(summary.failed) == {f"day{number:02d}" for number in BROKEN}
    same_content(folder, whole[0])


@pytest.mark.slow
def test_a_session_that_kills_every_worker_is_given_up(few, tmp_path):
    dask = pytest.importorskip("dask")
    (few.parent / "day01.deadly").write_text("always")
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), local_cluster() as cluster:
        summary = run_batch(
            few, tmp_path / "out", atlas=ATLAS, registration=Deadly,
            scheduler=cluster.scheduler_address,
        )  # fmt: skip
    assert set(summary.done) == {"day00", "day02", "day03"}
    assert "Every worker that ran it died" in summary.reasons["day01"]


def test_a_cluster_that_is_not_there(study, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("brainreg3d.batch.cluster._CONNECT_S", 0.5)
    with pytest.raises(BrainReg3DError, match=r"No scheduler answers at tcp://127\.0\.0\.1:9"):
        run_batch(study, tmp_path, atlas=ATLAS, scheduler="tcp://127.0.0.1:9")
    states = {row["status"] for row in read_rows(tmp_path / "batch_summary.csv")}
    assert states == {"failed", "waiting"}


@pytest.mark.parametrize("address", ["", "hello world", "tcp://host", "8786"])
def test_what_is_no_address_is_refused_at_once(study, tmp_path, address):
    pytest.importorskip("distributed")
    with pytest.raises(BrainReg3DError, match="A scheduler has an address such as"):
        run_batch(study, tmp_path, atlas=ATLAS, scheduler=address)


def test_without_distributed_the_extra_is_named(study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BrainReg3DError, match=r'pip install "brainreg3d\[cluster\]"'):
        run_batch(study, tmp_path, atlas=ATLAS, scheduler="tcp://127.0.0.1:9")


@pytest.fixture
def few(tmp_path):
    """A table of four sound sessions."""
    return make_study(tmp_path / "few", 4, broken=())


@pytest.mark.slow
def test_a_process_that_dies_takes_only_its_session_along(few, tmp_path):
    (few.parent / "day01.deadly").write_text("always")
    (few.parent / "day02.deadly").write_text("once")
    output = tmp_path / "out"
    summary = run_batch(few, output, atlas=ATLAS, registration=Deadly, workers=2)
    assert set(summary.done) == {"day00", "day02", "day03"}
    assert "SIGKILL" in summary.reasons["day01"]
    assert not (few.parent / "day02.deadly").exists()
    assert not list(output.rglob(".*"))


def test_errors_that_nobody_expects_are_reported_with_their_place(few, tmp_path):
    summary = run_batch(few, tmp_path / "out", atlas=ATLAS, registration=Faulty, workers=1)
    assert set(summary.failed) == {f"day{n:02d}" for n in range(4)}
    assert "Unexpected KeyError" in summary.reasons["day00"]
    assert "a key that is not there" in (tmp_path / "out/day00/batch_error.txt").read_text()


class Counting(BrainReg3D):
    """A registration that tells how many threads it may use."""

    def run(self, **options):
        """Leave the number beside the results."""
        from brainreg3d._threads import count_threads

        result = super().run(**options)
        (self.output_dir / "threads").write_text(str(count_threads()))
        return result


@pytest.mark.parametrize(("workers", "share"), [(2, "3"), (100, "3"), (None, "3"), (1, "6")])
def test_processes_share_the_threads_that_are_allowed(few, tmp_path, monkeypatch, workers, share):
    monkeypatch.setenv("BRAINREG3D_NUM_THREADS", "6")
    write_table(few, read_rows(few)[:2])  # no more processes than sessions
    run_batch(few, tmp_path / "out", atlas=ATLAS, registration=Counting, workers=workers)
    found = [path.read_text() for path in (tmp_path / "out").glob("*/threads")]
    assert found == [share, share]


class Choosy(BrainReg3D):
    """A registration that stumbles over the image of one session."""

    def plan(self):
        """Fail for day01 before anything runs."""
        if self.image.stem == "day01":
            raise ZeroDivisionError
        return super().plan()


def test_an_error_before_the_run_stops_no_other_session(few, tmp_path):
    summary = run_batch(few, tmp_path / "out", atlas=ATLAS, registration=Choosy, workers=2)
    assert summary.reasons == {"day01": "Unexpected ZeroDivisionError: ZeroDivisionError"}
    assert set(summary.done) == {"day00", "day02", "day03"}


def ran_again(table, output, **more):
    summary = run_batch(table, output, atlas=ATLAS, workers=2, **more)
    assert not summary.failed
    return set(summary.done) - set(summary.kept)


@pytest.mark.slow
def test_only_what_changed_is_run_again(few, tmp_path):
    output, rows = tmp_path / "out", read_rows(few)
    assert len(ran_again(few, output)) == 4
    assert ran_again(few, output) == set()
    tifffile.imwrite(few.parent / "day00.tif", many_sessions.make_image(77))
    assert ran_again(few, output) == {"day00"}
    many_sessions.save_alignment(few.parent / "day01.json", many_sessions.pose_of(77))
    assert ran_again(few, output) == {"day01"}
    rows[2]["image_width_mm"] = "9.1"
    write_table(few, rows)
    assert ran_again(few, output) == {"day02"}
    (output / "day03" / "day03_labels.tif").unlink()
    assert ran_again(few, output) == {"day03"}
    assert len(ran_again(few, output, hemisphere="left")) == 4
    assert ran_again(few, output, hemisphere="left") == set()


def test_check_finds_damage_that_leaves_the_size(few, tmp_path):
    output = tmp_path / "out"
    ran_again(few, output)
    path = output / "day03" / "day03_masks.tif"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert ran_again(few, output) == set()
    assert ran_again(few, output, check=True) == {"day03"}
    assert path.read_bytes() == content


def test_broken_rows_are_tried_again(few, tmp_path):
    output, image = tmp_path / "out", few.parent / "day01.tif"
    content = image.read_bytes()
    image.unlink()
    assert run_batch(few, output, atlas=ATLAS, workers=2).failed == ("day01",)
    image.write_bytes(content)
    assert ran_again(few, output) == {"day01"}


def test_an_atlas_that_is_not_there_fails_its_sessions_alone(few, tmp_path):
    rows = read_rows(few)
    for number, row in enumerate(rows):
        row["atlas"] = "phantom_1um" if number == 2 else ""
    write_table(few, rows)
    summary = run_batch(few, tmp_path / "out", atlas=ATLAS, workers=2)
    assert summary.failed == ("day02",)
    assert "no atlas 'phantom_1um'" in summary.reasons["day02"]


@pytest.mark.slow
def test_a_table_in_memory_and_one_result_for_all_ways_to_say_it(few, tmp_path):
    frame = pd.read_csv(few)
    folder = few.parent
    frame["image"] = [str(folder / name) for name in frame["image"]]
    frame["alignment"] = [str(folder / name) for name in frame["alignment"]]
    frame["frame"] = [np.nan] * 4
    frame["note for me"] = "keep"
    run_batch(few, tmp_path / "a", atlas=ATLAS, workers=2)
    summary = run_batch(frame, tmp_path / "b", atlas=ATLAS, workers=1)
    records = frame.drop(columns=["note for me", "frame"]).to_dict("records")
    run_batch(records, tmp_path / "c", workers=2, atlas=ATLAS)
    same_content(tmp_path / "a", tmp_path / "b")
    same_content(tmp_path / "a", tmp_path / "c")
    assert list(summary.table["status"]) == ["done"] * 4
    assert summary.is_complete


SCRIPT = """
import sys
from brainreg3d import BrainReg3D, steps
from brainreg3d.batch import run_batch

class Right(BrainReg3D):
    class PixelLabeller(steps.PixelLabeller):
        hemisphere = "right"

print(run_batch(sys.argv[1], sys.argv[2], registration=Right, atlas="{atlas}", workers=2).done)
"""


def test_a_script_needs_no_guard_and_may_hold_the_class(few, tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT.format(atlas=ATLAS))
    done = subprocess.run(
        [sys.executable, script, few, tmp_path / "out"],
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["('day00', 'day01', 'day02', 'day03')"], done.stderr
    run_batch(few, tmp_path / "same", atlas=ATLAS, hemisphere="right", workers=2)
    for name in ("labels.tif", "masks.tif"):
        one, other = (tmp_path / d / "day00" / f"day00_{name}" for d in ("out", "same"))
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_two_at_the_same_folder_do_not_meet(few, tmp_path):
    words = command(few, tmp_path / "out")
    pair = [
        subprocess.Popen(
            [sys.executable, "-m", "brainreg3d", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    out = [process.communicate(timeout=WAIT_S)[0] for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert sorted(counts_in(text)[2:] for text in out) == [[0, 4], [4, 0]]


@pytest.mark.parametrize("said", [b"", pickle.dumps(["a folder"])[:-5]], ids=["nothing", "half"])
def test_a_worker_whose_parent_is_gone_before_it_starts_says_nothing(said):
    line = [sys.executable, "-P", "-c", STARTER]
    done = subprocess.run(line, input=said, capture_output=True, timeout=WAIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_ctrl_c_stops_the_workers_and_leaves_a_table(few, tmp_path):
    folder = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "brainreg3d", *command(few, folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: len(children_of(process.pid)) == 2 or not Path("/proc").exists(), "workers")
    workers = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert "Interrupted." in told
    assert "Traceback" not in told
    assert not any(map(is_alive, workers))
    assert read_rows(folder / "batch_summary.csv")
