"""Recordings in every format, whole and cut short, against NumPy on the whole array."""

import os
import shutil

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from recordings import NAMES, WRITERS, cut_file, make_result, means, stripes, write

from brainreg3d import region_traces
from brainreg3d.errors import InputError, MissingFileError, RecordingCutShort, RecordingError
from brainreg3d.traces import blocks as block_module
from brainreg3d.traces import hdf5_frames, open_recording, stored_planes

SHAPE = (24, 30, 40)
N = len(NAMES)
RESULT = make_result(stripes(SHAPE[1:]))


def noise(shape=SHAPE, dtype="u2"):
    return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)


def check(path, frames, **options):
    table = region_traces(path, RESULT, **options)
    np.testing.assert_allclose(table, means(frames, RESULT.labels, N), rtol=1e-12)


@pytest.fixture(params=[1 << 24, 1 << 13], ids=["one block", "many blocks"])
def _blocks(request, monkeypatch):
    monkeypatch.setattr(block_module, "_BLOCK_BYTES", request.param)
    for module in (stored_planes, hdf5_frames):
        monkeypatch.setattr(module, "PIECE_BYTES", request.param // 3)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.usefixtures("_blocks")
def test_every_format(kind, tmp_path):
    frames = noise()
    check(write(kind, tmp_path, frames), frames)


@pytest.mark.parametrize("kind", ["plain", "pages", "zarr 3", "hdf5", "npy"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
def test_types_of_pixels_in_files(kind, dtype, tmp_path):
    frames = noise(dtype=dtype)
    check(write(kind, tmp_path, frames), frames)


@pytest.mark.parametrize("kind", ["deflate", "zarr 3", "chunked hdf5", "npy"])
def test_medians_of_files_in_tiles(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(block_module, "_BLOCK_BYTES", 1 << 13)
    frames = noise()
    table = region_traces(write(kind, tmp_path, frames), RESULT, statistic="median")
    expected = np.median(frames[:, RESULT.labels == 3], axis=1)
    np.testing.assert_array_equal(table[NAMES[2]], expected)


def test_every_format_gives_the_same_bits(tmp_path):
    frames = noise(dtype="f4") / np.float32(7)
    tables = {}
    for kind in ("plain", "pages", "zarr 2", "hdf5", "npy", "raw"):
        (tmp_path / kind).mkdir()
        tables[kind] = region_traces(write(kind, tmp_path / kind, frames), RESULT)
    assert len({table.to_numpy().tobytes() for table in tables.values()}) == 1


# Channels, and what is meant within a file -----------------------------------------------------


def two_channels(kind, folder, frames):
    """Write (frames, channels, rows, columns)."""
    if kind == "imagej":
        tifffile.imwrite(folder / "c.tif", frames, imagej=True, metadata={"axes": "TCYX"})
        return folder / "c.tif"
    if kind == "ome":
        tifffile.imwrite(folder / "c.ome.tif", frames, metadata={"axes": "TCYX"})
        return folder / "c.ome.tif"
    if kind == "channels first":
        turned = np.swapaxes(frames, 0, 1)
        tifffile.imwrite(folder / "c.ome.tif", turned, metadata={"axes": "CTYX"})
        return folder / "c.ome.tif"
    if kind == "deflated":
        axes = {"axes": "TCYX"}
        tifffile.imwrite(folder / "c.ome.tif", frames, metadata=axes, compression="zlib")
        return folder / "c.ome.tif"
    if kind == "zarr":
        zarr.create_array(folder / "c.zarr", data=frames, chunks=(5, 1, 30, 40))
        return folder / "c.zarr"
    if kind == "hdf5":
        with h5py.File(folder / "c.h5", "w") as file:
            file["data"] = frames
        return folder / "c.h5"
    if kind == "raw":
        path = folder / "session_2_30_40_uint16.dat"
        frames.tofile(path)
        return path
    np.save(folder / "c.npy", frames)
    return folder / "c.npy"


@pytest.mark.parametrize(
    "kind", ["imagej", "ome", "channels first", "deflated", "zarr", "hdf5", "raw", "npy"]
)
def test_one_of_several_channels(kind, tmp_path):
    frames = noise((12, 2, *SHAPE[1:]))
    path = two_channels(kind, tmp_path, frames)
    for channel in (0, 1):
        check(path, frames[:, channel], channel=channel)
    with pytest.raises(InputError, match="2 channels"):
        region_traces(path, RESULT)
    with pytest.raises(InputError, match="there is no 2"):
        region_traces(path, RESULT, channel=2)


def test_a_mapped_array_is_read_and_not_mapped(tmp_path):
    frames = noise()
    path = write("npy", tmp_path, frames)
    mapped = np.load(path, mmap_mode="r")
    assert open_recording(mapped).path == path
    check(mapped, frames)
    check(mapped[5:9], frames[5:9])
    check(mapped[::2], frames[::2])
    # What was changed in memory alone is not in the file.
    private = np.load(path, mmap_mode="c")
    private[:] = 3
    check(private, np.full_like(frames, 3))


def test_what_is_meant_within_a_file(tmp_path):
    one, other = noise(), noise() + 1
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["a/green"], file["a/red"] = one, other
    with pytest.raises(InputError, match=r"a/green .*a/red"):
        region_traces(tmp_path / "s.h5", RESULT)
    with pytest.raises(InputError, match="blue"):
        region_traces(f"{tmp_path / 's.h5'}::a/blue", RESULT)
    check(f"{tmp_path / 's.h5'}::a/red", other)

    group = zarr.open_group(tmp_path / "s.zarr", mode="w")
    group.create_group("a").create_array("green", data=one)
    group.create_array("red", data=other)
    with pytest.raises(InputError, match=r"red .*a/green"):
        region_traces(tmp_path / "s.zarr", RESULT)
    check(f"{tmp_path / 's.zarr'}::a/green", one)

    with tifffile.TiffWriter(tmp_path / "s.tif") as writer:
        writer.write(one)
        writer.write(other[:, :, :30])
    with pytest.raises(InputError, match="2 images"):
        region_traces(tmp_path / "s.tif", RESULT)
    check(f"{tmp_path / 's.tif'}::0", one)

    with tifffile.TiffWriter(tmp_path / "reference.tif") as writer:
        writer.write(other[0])  # a picture before the recording
        writer.write(one)
    check(tmp_path / "reference.tif", one)


def test_a_set_of_ome_files(tmp_path):
    """The second file of an OME set holds frames of the same series."""
    frames = noise()
    uuids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{n}" for n in range(2)]
    data = "".join(
        f'<TiffData IFD="{i % 12}" FirstT="{i}" PlaneCount="1">'
        f'<UUID FileName="s{i // 12}.ome.tif">{uuids[i // 12]}</UUID></TiffData>'
        for i in range(24)
    )
    for n in range(2):
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="{uuids[n]}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
            'Type="uint16" SizeX="40" SizeY="30" SizeC="1" SizeZ="1" SizeT="24">'
            f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}</Pixels></Image></OME>'
        )
        with tifffile.TiffWriter(tmp_path / f"s{n}.ome.tif") as writer:
            for i, frame in enumerate(frames[12 * n : 12 * n + 12]):
                text = xml if i == 0 else None
                writer.write(frame, description=text, metadata=None, contiguous=False)
    check(tmp_path / "s0.ome.tif", frames)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.tif", b"no picture at all"),
        ("r.tif", b""),
        ("r.h5", b"no HDF5"),
        ("r.npy", b"no array"),
        ("r.npy", b""),
        ("r.dat", b"1234"),
        ("r_1_2_3_uint99.dat", b"1234"),
        ("r.avi", b"a film"),
    ],
)
def test_files_that_are_something_else(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=name):
        region_traces(tmp_path / name, RESULT)


def test_missing_files_and_folders(tmp_path):
    for name in ("gone.tif", "gone" * 100 + ".tif"):
        with pytest.raises(MissingFileError, match=name):
            region_traces(tmp_path / name, RESULT)
    with pytest.raises(RecordingError, match="folder"):
        region_traces(tmp_path, RESULT)
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(RecordingError, match="empty"):
        region_traces(tmp_path / "empty.zarr", RESULT)


def test_a_single_array_has_no_parts(tmp_path):
    path = write("npy", tmp_path, noise())
    with pytest.raises(InputError, match="no 'green'"):
        region_traces(f"{path}::green", RESULT)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "r.npy")
    with pytest.raises(RecordingError, match="no file"):
        region_traces(tmp_path / "r.npy", RESULT)


def test_colour_is_no_recording(tmp_path):
    tifffile.imwrite(tmp_path / "c.tif", noise((4, 30, 40, 3), "u1"), photometric="rgb")
    with pytest.raises(RecordingError, match="colour"):
        region_traces(tmp_path / "c.tif", RESULT)
    planes = {"photometric": "rgb", "planarconfig": "separate"}
    for shape in ((3, 30, 40), (4, 3, 30, 40)):
        tifffile.imwrite(tmp_path / "p.tif", noise(shape, "u1"), **planes)
        with pytest.raises(RecordingError, match="colour"):
            region_traces(tmp_path / "p.tif", RESULT)


@pytest.mark.parametrize("described", [{}, {"metadata": None}], ids=["described", "plain"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("place", [0, 11, 23])
@pytest.mark.parametrize(
    "change",
    [lambda f: f[:, :39], lambda f: f.reshape(40, 30), lambda f: f.astype("u1"), lambda f: -f],
    ids=["smaller", "turned", "8 bits", "signed"],
)
def test_planes_that_differ_are_no_frames_of_one_recording(
    change, place, compression, described, tmp_path, log
):
    """A frame of another size or type must not be read as others are, or left out in silence."""
    frames = noise(dtype="i2") if change(np.ones((30, 40), "i2")).min() < 0 else noise()
    with tifffile.TiffWriter(tmp_path / "r.tif") as writer:
        for number, frame in enumerate(frames.astype("u2")):
            odd = change(frames[number]) if number == place else frame
            writer.write(odd, contiguous=False, compression=compression, **described)
    if place == 11 or described == {}:
        with pytest.raises((RecordingError, InputError), match=r"r\.tif"):
            region_traces(tmp_path / "r.tif", RESULT)
        return
    # A picture before or behind may be no frame; that is said.
    table = region_traces(tmp_path / "r.tif", RESULT)
    assert any("2 images" in line for line in log)
    rest = np.delete(frames, place, axis=0)
    np.testing.assert_allclose(table, means(rest, RESULT.labels, N), rtol=1e-12)


@pytest.mark.parametrize("place", [0, 11, 23])
def test_a_frame_that_is_packed_otherwise(place, tmp_path):
    with tifffile.TiffWriter(tmp_path / "r.tif") as writer:
        for number, frame in enumerate(noise()):
            packed = "zlib" if number == place else None
            writer.write(frame, contiguous=False, compression=packed, metadata=None)
    with pytest.raises((RecordingError, InputError), match=r"r\.tif"):
        region_traces(tmp_path / "r.tif", RESULT)


# Cut short -------------------------------------------------------------------------------------


def check_cut(path, frames, n_expected, tmp_path, at_least=1):
    """A cut file gives an error with the numbers, and the signals of the frames before."""
    with pytest.raises(RecordingCutShort) as caught:
        region_traces(path, RESULT, output=tmp_path / "t.csv")
    text = str(caught.value)
    n_read = len(caught.value.traces)
    assert at_least <= n_read < len(frames)
    said = f"expected {n_expected} frames" if n_expected else f"expected more than {n_read} frames"
    assert said in text
    assert f"{n_read} could be read" in text
    assert path.name in text
    assert "t_partial.csv" in text
    kept = np.loadtxt(tmp_path / "t_partial.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(kept[:, 0], np.arange(n_read))
    np.testing.assert_allclose(kept[:, 1:], means(frames[:n_read], RESULT.labels, N), rtol=1e-12)
    assert not (tmp_path / "t.csv").exists()
    return n_read


CUT = {
    "plain": 24, "big": 24, "big endian": 24, "imagej": 24, "ome": 24, "strips": 24, "tiles": 24,
    "deflate": 24, "pages": None, "described pages": None, "deflated pages": None, "npy": 24,
}  # fmt: skip


@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize("share", [0.3, 0.55, 0.9])
def test_files_cut_short(kind, share, tmp_path):
    frames = noise()
    path = write(kind, tmp_path, frames)
    size = path.stat().st_size
    n_read = check_cut(cut_file(path, int(size * share)), frames, CUT[kind], tmp_path)
    # All frames that lie whole in the file; directories take little room.
    assert n_read >= int(share * len(frames)) - 2


def test_a_raw_file_that_ends_within_a_frame(tmp_path):
    frames = noise()
    path = write("raw", tmp_path, frames)
    frame_bytes = frames[0].nbytes
    copy = tmp_path / "cut" / path.name
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes()[: 10 * frame_bytes + 7])
    assert check_cut(copy, frames, None, tmp_path) == 10


def test_a_large_imagej_stack_cut_short(tmp_path):
    """Beyond 4 GB ImageJ writes one directory for all frames; its description says how many."""
    frames = noise(dtype=">u2")
    description = "ImageJ=1.11a\nimages=24\nframes=24\nhyperstack=true\nmode=grayscale\n"
    path = tmp_path / "large.tif"
    tifffile.imwrite(
        path, frames[0], byteorder=">", description=description, metadata=None, software=False
    )
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[0]
    path.write_bytes(path.read_bytes()[:offset] + frames.tobytes())
    check(path, frames)
    cut = cut_file(path, offset + 15 * frames[0].nbytes + 100)
    assert check_cut(cut, frames, 24, tmp_path) == 15


def test_a_channel_of_a_file_cut_short(tmp_path):
    frames = noise((12, 2, *SHAPE[1:]))
    path = two_channels("imagej", tmp_path, frames)
    cut = cut_file(path, path.stat().st_size // 2)
    for channel in (0, 1):
        with pytest.raises(RecordingCutShort, match="expected 12 frames") as caught:
            region_traces(cut, RESULT, channel=channel)
        traces = caught.value.traces
        assert 4 <= len(traces) <= 6
        expected = means(frames[: len(traces), channel], RESULT.labels, N)
        np.testing.assert_allclose(traces, expected, rtol=1e-12)


@pytest.mark.parametrize("axes", ["TCYX", "CTYX", "CZYX", "ZCYX"])
def test_whatever_the_order_of_axes(axes, tmp_path):
    """Time, or else depth, is that of frames; whole and cut short, contiguous and packed."""
    frames = noise((12, 2, *SHAPE[1:]))
    stored = frames if axes[1] == "C" else np.swapaxes(frames, 0, 1)
    for options in ({}, {"compression": "zlib"}):
        path = tmp_path / "r.tif"
        tifffile.imwrite(path, stored, metadata={"axes": axes}, **options)
        check(path, frames[:, 1], channel=1)
        cut = cut_file(path, int(path.stat().st_size * 0.8))
        with pytest.raises(RecordingCutShort, match="expected 12 frames") as caught:
            region_traces(cut, RESULT, channel=1)
        traces = caught.value.traces
        assert len(traces) in ((7, 8) if axes[0] == "C" else (9, 10))
        expected = means(frames[: len(traces), 1], RESULT.labels, N)
        np.testing.assert_allclose(traces, expected, rtol=1e-12)


def test_ome_that_describes_itself_at_the_start_cut_short(tmp_path):
    frames = noise((12, 2, *SHAPE[1:]))
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" '
        'SizeX="40" SizeY="30" SizeC="2" SizeZ="1" SizeT="12"><TiffData/></Pixels></Image></OME>'
    )
    path = tmp_path / "r.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        for i, frame in enumerate(frames.reshape(24, 30, 40)):
            text = xml if i == 0 else None
            writer.write(frame, description=text, metadata=None, contiguous=False)
    check(path, frames[:, 0], channel=0)
    cut = cut_file(path, path.stat().st_size // 2)
    with pytest.raises(RecordingCutShort, match="expected 12 frames") as caught:
        region_traces(cut, RESULT, channel=0)
    assert len(caught.value.traces) in (5, 6)
    expected = means(frames[: len(caught.value.traces), 0], RESULT.labels, N)
    np.testing.assert_allclose(caught.value.traces, expected, rtol=1e-12)


def test_a_list_of_planes_that_is_lost_though_all_frames_are_there(tmp_path, log):
    frames = noise()
    path = write("plain", tmp_path, frames)
    check(cut_file(path, path.stat().st_size - 400), frames)
    assert any("all frames are there" in line for line in log)


def test_hdf5_cut_short_cannot_be_opened(tmp_path):
    path = write("hdf5", tmp_path, noise())
    cut = cut_file(path, path.stat().st_size // 2)
    with pytest.raises(RecordingError, match="cut short"):
        region_traces(cut, RESULT)


def test_a_damaged_chunk_of_hdf5(tmp_path):
    frames = noise()
    path = tmp_path / "r.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("f", data=frames, chunks=(4, 30, 40), fletcher32=True)
        offset = data.id.get_chunk_info(4).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 100] ^= 255
    path.write_bytes(content)
    assert check_cut(path, frames, 24, tmp_path) == 16


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_chunks_that_are_lost(version, tmp_path):
    frames = noise() + 1
    path = tmp_path / "r.zarr"
    zarr.create_array(path, data=frames, chunks=(4, 15, 40), zarr_format=version)
    for name in ("4.1.0", "4.0.0", "5.1.0", "5.0.0") if version == 2 else ("c/4", "c/5"):
        target = path / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    assert check_cut(path, frames, 24, tmp_path) == 16
    frames[16:] = 0
    check(path, frames, missing_chunks="fill")


def test_hdf5_chunks_that_were_never_written(tmp_path):
    """A recording that broke off after room was made for all frames."""
    frames = noise() + 1
    path = tmp_path / "r.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("f", SHAPE, "u2", chunks=(4, 15, 40))
        data[:16] = frames[:16]
    assert check_cut(path, frames, 24, tmp_path) == 16
    frames[16:] = 0
    check(path, frames, missing_chunks="fill")


def test_hdf5_chunks_off_the_brain_may_be_left_out(tmp_path):
    frames = noise() + 1
    frames[:, :15] = 0
    with h5py.File(tmp_path / "r.h5", "w") as file:
        data = file.create_dataset("f", (24, 2, *SHAPE[1:]), "u2", chunks=(5, 1, 15, 40))
        data[:, 1, 15:] = frames[:, 15:]
    check(tmp_path / "r.h5", frames, channel=1)
    with pytest.raises(RecordingCutShort, match="0 could be read"):
        region_traces(tmp_path / "r.h5", RESULT, channel=0)


def test_hdf5_without_any_frame_written(tmp_path):
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file.create_dataset("f", SHAPE, "u2")
    with pytest.raises(RecordingCutShort, match="0 could be read"):
        region_traces(tmp_path / "r.h5", RESULT)


def test_a_store_that_is_written_anew(tmp_path):
    """Workers keep stores open; a new recording of that name is another one."""
    for frames in (noise(), noise(dtype="f4") + 1):
        zarr.create_array(tmp_path / "r.zarr", data=frames, chunks=(4, 30, 40), overwrite=True)
        opened = open_recording(tmp_path / "r.zarr")
        whole = tuple(slice(0, n) for n in opened.shape)
        np.testing.assert_array_equal(opened.reader.read(whole), frames)


def test_zarr_without_any_chunk(tmp_path):
    zarr.create_array(tmp_path / "r.zarr", shape=SHAPE, dtype="u2", chunks=(4, 30, 40))
    with pytest.raises(RecordingCutShort, match="0 could be read"):
        region_traces(tmp_path / "r.zarr", RESULT)


def test_zarr_chunks_off_the_brain_may_be_left_out(tmp_path):
    """Stores leave out chunks of nothing but 0, as masked recordings have them."""
    frames = noise() + 1
    frames[:, :15] = 0
    path = tmp_path / "r.zarr"
    zarr.create_array(path, data=frames, chunks=(4, 15, 40))
    assert not list(path.glob("c/*/0/*"))
    check(path, frames)


def test_a_zarr_chunk_cut_short(tmp_path):
    frames = noise()
    path = tmp_path / "r.zarr"
    zarr.create_array(path, data=frames, chunks=(4, 30, 40))
    chunk = path / "c" / "3" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:200])
    assert check_cut(path, frames, 24, tmp_path) == 12


def test_a_damaged_plane(tmp_path):
    frames = noise()
    path = write("deflated pages", tmp_path, frames)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[13].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[offset : offset + 50] = bytes(50)
    path.write_bytes(content)
    assert check_cut(path, frames, 24, tmp_path) == 13
