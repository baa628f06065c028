"""Signals of regions, against NumPy on the whole array."""

import json

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import NAMES, make_result, means, stripes

from brainreg3d import BrainReg3D, region_traces
from brainreg3d.errors import InputError, OutputError, RecordingCutShort, RecordingError
from brainreg3d.result import NotComputed, Result
from brainreg3d.state import State
from brainreg3d.traces import blocks as block_module

DTYPES = (
    "u1",
    "i1",
    "u2",
    "i2",
    ">u2",
    ">i2",
    "u4",
    "i4",
    "u8",
    "i8",
    "f2",
    "f4",
    ">f4",
    "f8",
    "?",
)
SHAPE = (12, 31, 43)
N = len(NAMES)


def noise(dtype="u2", shape=SHAPE, seed=0):
    draw = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "f":
        return (1000 * draw.standard_normal(shape)).astype(dtype)
    if kind == "b":
        return draw.random(shape) > 0.5
    limits = np.iinfo(dtype)
    return draw.integers(limits.min, limits.max, shape, np.dtype(dtype).newbyteorder("=")).astype(
        dtype
    )


@pytest.fixture
def result():
    return make_result(stripes(SHAPE[1:]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_pixels(dtype, result):
    frames = noise(dtype)
    table = region_traces(frames, result)
    np.testing.assert_allclose(table.to_numpy(), means(frames, result.labels, N), rtol=1e-9)


@settings(max_examples=60)
@given(
    data=st.data(),
    n_frames=st.integers(1, 5),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    binning=st.integers(1, 3),
    spare=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dtype=st.sampled_from(["u2", "f8"]),
    block_bytes=st.sampled_from([1, 64, 1 << 20]),
)
def test_any_labels_binning_and_blocks(
    data, n_frames, height, width, binning, spare, dtype, block_bytes
):
    """A pixel of a region takes the value of the larger one that it lies in."""
    seed = data.draw(st.integers(0, 2**16))
    draw = np.random.default_rng(seed)
    shape = (
        height * binning + min(spare[0], binning - 1),
        width * binning + min(spare[1], binning - 1),
    )
    labels = draw.integers(0, 4, shape)
    frames = noise(dtype, (n_frames, height, width), seed)
    enlarged = np.repeat(np.repeat(frames, binning, 1), binning, 2)
    expected = means(enlarged, labels[: enlarged.shape[1], : enlarged.shape[2]], 3)
    if np.isnan(expected).all():
        return
    before = block_module._BLOCK_BYTES
    block_module._BLOCK_BYTES = block_bytes
    try:
        table = region_traces(frames, make_result(labels, NAMES[:3]), binning=binning)
    finally:
        block_module._BLOCK_BYTES = before
    np.testing.assert_allclose(table.to_numpy(), expected, rtol=1e-9, atol=1e-9)


def test_columns_are_acronyms_in_order(result):
    table = region_traces(noise(), result)
    assert tuple(table.columns) == NAMES
    assert table.index.name == "frame"
    assert list(table.index) == list(range(SHAPE[0]))
    # Only four of six have pixels.
    assert table.isna().all().tolist() == [False] * 4 + [True] * 2


def test_sides_have_columns_of_their_own():
    labels = stripes(SHAPE[1:])
    side = np.where(np.arange(SHAPE[2]) < 20, 1, 2) * np.ones(SHAPE[1:], np.uint8)
    frames = noise()
    table = region_traces(frames, make_result(labels, hemisphere=side), split_hemispheres=True)
    assert list(table.columns[:4]) == ["VISp_L", "VISp_R", "VISp2/3_L", "VISp2/3_R"]
    for number, letter in ((1, "L"), (2, "R")):
        expected = frames[:, (labels == 2) & (side == number)].mean(axis=1)
        np.testing.assert_allclose(table[f"VISp2/3_{letter}"], expected)


def test_whole_numbers_are_summed_exactly():
    """Sums of 32 bits would overflow; sums of floats would lose the last digits."""
    frames = np.full((2, 300, 300), 2**32 - 1, np.uint32)
    frames[1, 0, 0] -= 1
    table = region_traces(frames, make_result(np.ones((300, 300)), NAMES[:1]))
    assert table["VISp"].tolist() == [2**32 - 1, 2**32 - 1 - 1 / 90000]


def test_no_number_does_not_count(result):
    frames = noise("f4")
    frames[:, :4] = np.nan
    frames[3] = np.nan
    table = region_traces(frames, result)
    with np.errstate(invalid="ignore"):
        for place, name in enumerate(NAMES[:4]):
            pixels = frames[:, result.labels == place + 1].astype(float)
            known = ~np.isnan(pixels)
            expected = np.where(known, pixels, 0).sum(1) / known.sum(1)
            np.testing.assert_allclose(table[name], expected, rtol=1e-9)
    assert table.iloc[3].isna().all()


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_medians(dtype, result):
    frames = noise(dtype)
    table = region_traces(frames, result, statistic="median")
    for place, name in enumerate(NAMES[:4]):
        expected = np.median(frames[:, result.labels == place + 1].astype(float), axis=1)
        np.testing.assert_array_equal(table[name], expected)
    assert table["cm"].isna().all()


def test_median_of_binned_pixels_counts_each_as_often_as_it_lies_in_the_region():
    labels, frames = stripes((30, 42)), noise(shape=(4, 15, 21))
    enlarged = np.repeat(np.repeat(frames, 2, 1), 2, 2)
    table = region_traces(frames, make_result(labels), statistic="median", binning=2)
    np.testing.assert_array_equal(table["VISp"], np.median(enlarged[:, labels == 1], axis=1))


@pytest.mark.parametrize(
    ("baseline", "level"),
    [
        ("mean", lambda f: f.mean()),
        ("percentile:8", lambda f: np.percentile(f, 8)),
        ("frames:2:7", lambda f: f[2:7].mean()),
        (slice(2, 7), lambda f: f[2:7].mean()),
    ],
)
def test_changes_relative_to_a_stated_baseline(baseline, level, result):
    frames = noise()
    table = region_traces(frames, result, statistic="dff", baseline=baseline)
    signal = frames[:, result.labels == 1].mean(axis=1)
    np.testing.assert_allclose(table["VISp"], signal / level(signal) - 1, atol=1e-12)
    assert table.attrs["baseline_of_column"]["VISp"] == pytest.approx(level(signal))
    assert table.attrs["baseline"] in (
        "mean of all frames", "percentile 8 of all frames", "mean of frames 2 to 6",
    )  # fmt: skip


def test_a_baseline_of_zero_is_warned_about(result, log):
    table = region_traces(np.zeros(SHAPE, np.uint8), result, statistic="dff")
    assert table.isna().all().all()
    assert any("VISp" in line and "baseline" in line for line in log)


def test_several_statistics_come_from_one_pass(result):
    frames = noise()
    reads = []
    counted = da.map_blocks(
        lambda block: reads.append(1) or block,
        da.from_array(frames, chunks=(5, -1, -1)),
        dtype="u2",
    )
    reads.clear()
    table = region_traces(counted, result, statistic=("mean", "dff", "median"))
    assert len(reads) == 3  # one for each of its blocks
    assert list(table.columns.get_level_values(0).unique()) == ["mean", "dff", "median"]
    pd.testing.assert_frame_equal(
        table["mean"], region_traces(frames, result), check_names=False, check_column_type=False
    )


def test_weights_count_pixels_more_or_less(result):
    frames = noise("i2")
    weights = np.random.default_rng(1).random(SHAPE[1:])
    weights[:5] = 0
    table = region_traces(frames, result, weights=weights)
    inside = result.labels == 2
    expected = (frames[:, inside] * weights[inside]).sum(1) / weights[inside].sum()
    np.testing.assert_allclose(table["VISp2/3"], expected, rtol=1e-12)
    # A pixel of no weight takes no part.
    assert table.attrs["columns"]["VISp2/3"]["pixels"] == np.sum(inside & (weights > 0))


@pytest.mark.parametrize("block_bytes", [1 << 24, 1 << 10])
def test_pixels_that_are_no_number_weigh_nothing(block_bytes, result, monkeypatch):
    """What is left of all weights less those of such pixels is hardly ever exactly 0."""
    monkeypatch.setattr(block_module, "_BLOCK_BYTES", block_bytes)
    frames, draw = noise("f4"), np.random.default_rng(1)
    weights = draw.random(SHAPE[1:])
    frames[3] = np.nan
    frames[4][draw.random(SHAPE[1:]) < 0.9] = np.nan
    blocks = da.from_array(frames, chunks=(5, 7, 11))
    for recording in (frames, blocks):
        table = region_traces(recording, result, weights=weights)
        assert table.iloc[3].isna().all()
        inside = (result.labels == 2) & ~np.isnan(frames[4])
        expected = np.average(frames[4][inside].astype(float), weights=weights[inside])
        assert table["VISp2/3"][4] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_masked_pixels_do_not_count(dtype, result):
    frames = noise(dtype)
    masked = np.ma.masked_array(frames, np.random.default_rng(1).random(SHAPE) < 0.3)
    masked[3] = np.ma.masked
    expected = masked[:, result.labels == 1].astype(float).mean(axis=1).filled(np.nan)
    for recording in (masked, da.from_array(masked, chunks=(5, 7, -1))):
        np.testing.assert_allclose(region_traces(recording, result)["VISp"], expected, rtol=1e-9)


class OnDisk:
    """An array that is read by parts alone, as those of h5py, zarr and others are."""

    chunks = (2, 10, 43)

    def __init__(self, frames):
        self.frames, self.shape, self.dtype = frames, frames.shape, frames.dtype
        self.ndim, self.largest = 3, 0

    def __getitem__(self, index):
        part = self.frames[index]
        self.largest = max(self.largest, part.size)
        return part


def test_arrays_that_are_not_in_memory_are_read_by_parts(result, monkeypatch):
    monkeypatch.setattr("brainreg3d.traces.array_frames._CHUNK_BYTES", 4000)
    frames = noise()
    stored = OnDisk(frames)
    np.testing.assert_allclose(
        region_traces(stored, result), means(frames, result.labels, N), rtol=1e-12
    )
    assert 0 < stored.largest <= 2000


def test_equal_weights_change_nothing():
    frames, result = noise(shape=(3, 10, 14)), make_result(stripes((20, 28)))
    plain = region_traces(frames, result, binning=2)
    even = region_traces(frames, result, binning=2, weights=np.full((20, 28), 0.3))
    np.testing.assert_allclose(plain, even, rtol=1e-12)


def test_a_part_of_the_image(result):
    whole = noise()
    part = whole[:, 4:20, 10:33]
    table = region_traces(part, result, crop_origin=(4, 10))
    labels = result.labels[4:20, 10:33]
    np.testing.assert_allclose(table, means(part, labels, N), rtol=1e-12)
    said = table.attrs["columns"]["VISp"]
    assert said["pixels"] == np.sum(labels == 1)
    assert said["pixels_in_image"] == np.sum(result.labels == 1)


def test_a_binned_part_of_the_image(result):
    frames = noise(shape=(3, 8, 9))
    table = region_traces(frames, result, crop_origin=(5, 7), binning=3)
    enlarged = np.repeat(np.repeat(frames, 3, 1), 3, 2)
    np.testing.assert_allclose(table, means(enlarged, result.labels[5:29, 7:34], N), rtol=1e-12)


def test_whole_bins_hold_no_other_region():
    labels = np.ones((12, 12), int)
    labels[:, 5:] = 2  # the border runs within the third column of bins
    frames = np.zeros((1, 6, 6))
    frames[:, :, 2] = 1
    shared = region_traces(frames, make_result(labels, NAMES[:2]), binning=2)
    whole = region_traces(frames, make_result(labels, NAMES[:2]), binning=2, whole_bins=True)
    np.testing.assert_allclose(shared, [[12 / 60, 12 / 84]])
    np.testing.assert_allclose(whole, [[0, 0]])


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((15, 21), {}, ["15 x 21", "31 x 43", "--binning 2"]),
        ((15, 21), {"binning": 3}, ["binning 3", "--binning 2"]),
        ((20, 30), {}, ["20 x 30", "crop_origin"]),
        ((43, 31), {}, ["swapped"]),
        ((62, 87), {}, ["62 x 87"]),
        ((20, 30), {"crop_origin": (12, 0)}, ["32 x 30", "31 x 43"]),
        ((16, 22), {}, ["binning 2", "recording[:, :15, :21]", "--binning 2"]),
        ((93, 129), {}, ["3 times finer", "3 x 3"]),
        ((43, 7), {}, ["last axis", "moveaxis(recording, -1, 0)"]),
    ],
)
def test_a_recording_that_does_not_fit(shape, options, words, result):
    with pytest.raises(RecordingError) as caught:
        region_traces(np.zeros((2, *shape)), result, **options)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"binning": 0}, "binning"),
        ({"binning": True}, "binning"),
        ({"crop_origin": (1.5, 0)}, "crop_origin"),
        ({"crop_origin": (-1, 0)}, "crop_origin"),
        ({"statistic": "means"}, "mean"),
        ({"statistic": ()}, "statistic"),
        ({"statistic": None}, "statistic"),
        ({"weights": [[1], [2, 3]]}, "weights"),
        ({"statistic": ("mean", "mean")}, "at most once"),
        ({"statistic": "median", "weights": np.ones(SHAPE[1:])}, "median"),
        ({"statistic": "dff", "baseline": "percentile:200"}, "percentile:P"),
        ({"statistic": "dff", "baseline": "frames:7:3"}, "frames:START:STOP"),
        ({"statistic": "dff", "baseline": "frames:50:60"}, "only 12 frames"),
        ({"weights": "certainty"}, "confidence"),
        ({"weights": np.ones((3, 3))}, "31, 43"),
        ({"weights": -np.ones(SHAPE[1:])}, "negative"),
        ({"channel": 1}, "channel"),
        ({"output": "signals.xlsx"}, ".parquet"),
    ],
)
def test_what_cannot_be_used_is_named(options, words, result):
    with pytest.raises(InputError, match=words):
        region_traces(noise(), result, **options)


def test_a_registration_is_no_result():
    with pytest.raises(InputError, match=r"run\(\)"):
        region_traces(noise(), BrainReg3D("image.tif"))


def test_without_labels_there_are_no_signals():
    with pytest.raises(NotComputed):
        region_traces(noise(), Result(State()))


def test_no_region_at_all_on_the_recording(result):
    labels = np.zeros(SHAPE[1:])
    with pytest.raises(InputError, match="No pixel of any region"):
        region_traces(noise(), make_result(labels))
    labels[25:] = 1
    with pytest.raises(InputError, match="crop"):
        region_traces(noise(shape=(2, 10, 10)), make_result(labels), crop_origin=(0, 0))


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4)), np.zeros((2, 3, 4), complex), np.zeros((2, 0, 4)), [["a"]], [[1], [2, 3]]],
)
def test_what_is_no_recording(array, result):
    with pytest.raises(RecordingError):
        region_traces(array, result)


def test_no_frames(result):
    with pytest.raises(RecordingError, match="no frames"):
        region_traces(np.zeros((0, *SHAPE[1:])), result)


@pytest.mark.parametrize("chunks", [(1, -1, -1), (5, 7, 11), (12, 31, 43), (-1, 4, 4)])
@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_dask_arrays_in_any_chunks(chunks, statistic, result):
    frames = noise()
    table = region_traces(da.from_array(frames, chunks=chunks), result, statistic=statistic)
    pd.testing.assert_frame_equal(
        table, region_traces(frames, result, statistic=statistic), check_exact=True
    )


def test_blocks_do_not_change_a_bit(result, monkeypatch):
    frames = noise("f4")
    tables = []
    for n_bytes, n_threads in ((1 << 24, 1), (1 << 14, 3)):
        monkeypatch.setattr(block_module, "_BLOCK_BYTES", n_bytes)
        monkeypatch.setattr(block_module, "_MOST_THREADS", n_threads)
        tables.append(region_traces(frames, result))
    assert tables[0].to_numpy().tobytes() == tables[1].to_numpy().tobytes()


def test_tables_read_back_as_they_were(tmp_path, result):
    frames = noise("f4")
    for suffix, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        output = tmp_path / f"traces{suffix}"
        table = region_traces(
            frames, result, statistic=("mean", "dff"), output=output, baseline="frames:0:5"
        )
        for path, statistic in ((output, "mean"), (tmp_path / f"traces_dff{suffix}", "dff")):
            back = read(path)
            assert list(back.columns) == ["frame", *NAMES]
            assert back["frame"].tolist() == list(range(SHAPE[0]))
            np.testing.assert_array_equal(back[list(NAMES)], table[statistic])
        pixels = pd.read_csv(tmp_path / "traces_pixels.csv", index_col="column")
        for place, name in enumerate(NAMES):
            assert pixels.loc[name, "pixels"] == np.sum(result.labels == place + 1)
        info = json.loads((tmp_path / "traces_info.json").read_text(encoding="utf-8"))
        assert info["baseline"] == "mean of frames 0 to 4"
        assert info["baseline_of_column"]["cm"] is None
        assert info["frames"] == SHAPE[0]


def test_equal_calls_write_equal_bytes(tmp_path, result):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        region_traces(noise(), result, output=tmp_path / name / "t.csv")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_the_recording_is_never_replaced(tmp_path, result):
    path = tmp_path / "t_info.json"
    np.save(tmp_path / "t.npy", noise())
    path.symlink_to(tmp_path / "t.npy")
    with pytest.raises(OutputError, match="would be replaced"):
        region_traces(tmp_path / "t.npy", result, output=tmp_path / "t.csv")
    assert np.array_equal(np.load(tmp_path / "t.npy"), noise())


def test_files_beside_the_table_are_replaced_only_if_they_are_ours(tmp_path, result):
    region_traces(noise(), result, output=tmp_path / "t.csv", statistic=("mean", "dff"))
    region_traces(noise(seed=1), result, output=tmp_path / "t.csv", statistic=("mean", "dff"))
    for name in ("t_info.json", "t_pixels.csv", "t_dff.csv"):
        folder = tmp_path / f"of {name}"
        folder.mkdir()
        (folder / name).write_text('{"camera": "mine"}')
        with pytest.raises(OutputError, match=name):
            region_traces(noise(), result, output=folder / "t.csv", statistic=("mean", "dff"))
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name).read_text() == '{"camera": "mine"}'


@pytest.mark.parametrize("name", ["t_partial.csv", "t_partial_dff.csv", "t_partial_info.json"])
def test_what_is_kept_of_a_break_replaces_nothing_else(tmp_path, result, name):
    (tmp_path / name).write_text('{"camera": "mine"}')
    with pytest.raises(OutputError, match=name):
        region_traces(
            broken_after(7, noise()), result, output=tmp_path / "t.csv", statistic=("mean", "dff")
        )
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == '{"camera": "mine"}'


def test_what_was_kept_of_a_break_is_replaced(tmp_path, result):
    for n_good in (7, 5):
        with pytest.raises(RecordingCutShort):
            region_traces(broken_after(n_good, noise()), result, output=tmp_path / "t.csv")
        assert len(pd.read_csv(tmp_path / "t_partial.csv")) == n_good


def test_a_baseline_without_its_statistic_is_warned_about(result, log):
    region_traces(noise(), result, statistic="median", baseline="percentile:10")
    assert any("baseline" in line and "dff" in line for line in log)


def test_infinite_pixels_give_valid_json(tmp_path, result):
    frames = noise("f4")
    frames[2] = np.inf
    region_traces(frames, result, statistic="dff", output=tmp_path / "t.csv")

    def refuse(text):
        raise AssertionError(text)

    info = json.loads((tmp_path / "t_info.json").read_text(), parse_constant=refuse)
    assert info["baseline_of_column"]["VISp"] is None
    assert pd.read_csv(tmp_path / "t.csv")["VISp"].isna().all()


def broken_after(n_good, frames, kind=OSError):
    def read(block, block_info=None):
        start = block_info[0]["array-location"][0][0]
        if start >= n_good:
            raise kind("the disk is gone")
        return block

    return da.from_array(frames, chunks=(1, -1, -1)).map_blocks(read, dtype=frames.dtype)


def test_frames_before_a_break_are_kept(tmp_path, result):
    frames = noise()
    with pytest.raises(RecordingCutShort, match="expected 12 frames, 7 could be read") as caught:
        region_traces(broken_after(7, frames), result, output=tmp_path / "t.csv")
    assert "the disk is gone" in str(caught.value)
    assert str(tmp_path / "t_partial.csv") in str(caught.value)
    kept = pd.read_csv(tmp_path / "t_partial.csv", index_col="frame")
    np.testing.assert_allclose(kept, means(frames[:7], result.labels, N))
    pd.testing.assert_frame_equal(caught.value.traces, kept, check_names=False)
    assert not (tmp_path / "t.csv").exists()


def test_an_interrupt_keeps_what_was_read(tmp_path, result, log):
    frames = noise()
    with pytest.raises(KeyboardInterrupt):
        region_traces(
            broken_after(5, frames, KeyboardInterrupt), result, output=tmp_path / "t.parquet"
        )
    kept = pd.read_parquet(tmp_path / "t_partial.parquet")
    np.testing.assert_allclose(kept[list(NAMES)], means(frames[: len(kept)], result.labels, N))
    assert any("t_partial.parquet" in line for line in log)


def test_a_baseline_beyond_a_break_loses_no_frame(tmp_path, result):
    with pytest.raises(RecordingCutShort):
        region_traces(
            broken_after(7, noise()), result, statistic=("dff", "mean"), baseline="frames:9:12",
            output=tmp_path / "t.csv",
        )  # fmt: skip
    assert pd.read_csv(tmp_path / "t_partial.csv")["VISp"].isna().all()
    assert pd.read_csv(tmp_path / "t_partial_mean.csv")["VISp"].notna().sum() == 7


def test_a_baseline_that_breaks_off_says_so(tmp_path, result, log):
    frames = noise()
    frames[:, result.labels == 2] = 0
    with pytest.raises(RecordingCutShort) as caught:
        region_traces(
            broken_after(7, frames), result, statistic="dff", baseline="frames:5:9",
            output=tmp_path / "t.csv",
        )  # fmt: skip
    info = json.loads((tmp_path / "t_partial_info.json").read_text())
    assert info["baseline"] == "mean of frames 5 to 8, of which 2 of 4 could be read"
    signal = frames[:7, result.labels == 1].mean(axis=1)
    np.testing.assert_allclose(caught.value.traces["VISp"], signal / signal[5:].mean() - 1)
    assert sum("VISp2/3" in line for line in log) == 1


def test_an_output_that_cannot_be_written_is_found_before_reading(tmp_path, result):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        region_traces(broken_after(0, noise()), result, output=tmp_path / "file" / "t.csv")


def test_an_earlier_table_survives_a_break(tmp_path, result):
    (tmp_path / "t.csv").write_text("mine")
    with pytest.raises(RecordingCutShort):
        region_traces(broken_after(0, noise()), result, output=tmp_path / "t.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_text() == "mine"
