"""Reading ROIs of other tools."""

import io
import pickle
import re
import zipfile

import numpy as np
import pytest
import tifffile
from roifile import ROI_SUBTYPE, ROI_TYPE, ImagejRoi, roiwrite

from brainreg3d.errors import BrainReg3DError, InputError, MissingFileError
from brainreg3d.lookup import Points, read_rois

# suite2p


def stat(count=5, seed=0):
    """What suite2p writes, as a list of dicts."""
    random = np.random.default_rng(seed)
    entries = []
    for number in range(count):
        n = 20 + number
        entries.append({
            "ypix": random.integers(0, 50, n), "xpix": random.integers(0, 40, n).astype(np.int32),
            "lam": random.random(n).astype(np.float32), "med": [12, np.int64(20)],
            "footprint": np.float64(1.5), "npix": n, "overlap": np.zeros(n, bool),
            "soma_crop": None, "name": "ä",
        })  # fmt: skip
    return entries


def save(path, entries):
    np.save(path, np.array(entries, dtype=object), allow_pickle=True)
    return path


def save_pickled(path, data):
    """Write bytes of a pickle under the header of an array of objects."""
    with path.open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(data)
    return path


def check_suite2p(rois, entries):
    assert rois.names == tuple(str(n) for n in range(len(entries)))
    assert set(rois.kinds) == {"suite2p"}
    for number, entry in enumerate(entries):
        own = rois.owners == number
        assert np.array_equal(rois.rows[own], entry["ypix"])
        assert np.array_equal(rois.cols[own], entry["xpix"])
        lam = entry["lam"].astype(float)
        center = (lam @ entry["ypix"] / lam.sum(), lam @ entry["xpix"] / lam.sum())
        assert rois.centers_px[number] == pytest.approx(center)


def test_suite2p_files_are_read(tmp_path):
    entries = stat()
    check_suite2p(read_rois(save(tmp_path / "stat.npy", entries)), entries)
    check_suite2p(read_rois(tmp_path), entries)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("names", ["numpy.core", "numpy._core"])
def test_suite2p_files_of_every_numpy_are_read(tmp_path, protocol, names):
    entries = stat()
    data = pickle.dumps(np.array(entries, dtype=object), protocol=protocol)
    for own in ("numpy._core", "numpy.core"):
        if protocol < 4:  # names end with their line there
            data = data.replace(f"c{own}.".encode(), f"c{names}.".encode())
        else:
            for rest in (".multiarray", ".numeric"):
                old, new = (own + rest).encode(), (names + rest).encode()
                data = data.replace(
                    b"\x8c" + bytes([len(old)]) + old, b"\x8c" + bytes([len(new)]) + new
                )
    if protocol in (4, 5):  # frames say how long they are; without them nothing has to agree
        data = pickle.PROTO + bytes([protocol]) + data[data.index(pickle.FRAME) + 9 :]
    assert names.encode() in data
    check_suite2p(read_rois(save_pickled(tmp_path / "stat.npy", data)), entries)


class Runs:
    """Calls something when it is unpickled."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


def harmful(place):
    import builtins
    import functools
    import os

    text = f"open({str(place)!r}, 'w').close()"
    return {
        "system": Runs(os.system, f"touch {place}"),
        "exec": Runs(builtins.exec, text),
        "eval": Runs(builtins.eval, text),
        "getattr": Runs(getattr, 1, "real"),
        "partial": Runs(functools.partial, os.system, f"touch {place}"),
        "load": Runs(np.load, str(place)),
        "open": Runs(open, str(place), "w"),
        "codec": Runs(__import__("codecs").lookup, "zlib"),
    }


@pytest.mark.parametrize("kind", sorted(harmful("x")))
@pytest.mark.parametrize("where", ["alone", "in an entry", "in an array"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_files_that_run_code_are_refused_and_do_not(tmp_path, kind, where, protocol):
    place = tmp_path / "it_ran"
    thing = harmful(place)[kind]
    entry = {"ypix": np.arange(3), "xpix": np.arange(3), "lam": thing}
    content = {
        "alone": thing,
        "in an entry": np.array([entry], dtype=object),
        "in an array": np.array([{"ypix": np.array([thing], dtype=object)}], dtype=object),
    }[where]
    path = save_pickled(tmp_path / "stat.npy", pickle.dumps(content, protocol=protocol))
    with pytest.raises(InputError, match="refused"):
        read_rois(path)
    assert not place.exists()


def test_the_usual_reader_would_have_run_it(tmp_path):
    """Otherwise the test above would show nothing."""
    place = tmp_path / "it_ran"
    path = save_pickled(tmp_path / "stat.npy", pickle.dumps(harmful(place)["system"], protocol=4))
    np.load(path, allow_pickle=True)
    assert place.exists()


@pytest.mark.parametrize("state", [{"__code__": 1}, (None, {"__defaults__": (1,)})])
def test_what_makes_arrays_cannot_be_changed_by_a_file(tmp_path, state):
    """A pickle may set attributes of what it finds, which would stay for all later files."""
    data = (
        pickle.PROTO + b"\x02" + b"cnumpy.core.multiarray\nscalar\n"
        + pickle.dumps(state, protocol=2)[2:-1] + pickle.BUILD + pickle.STOP
    )  # fmt: skip
    with pytest.raises(InputError):
        read_rois(save_pickled(tmp_path / "stat.npy", data))
    entries = stat()
    check_suite2p(read_rois(save(tmp_path / "other.npy", entries)), entries)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_end_in_an_error_of_ours(tmp_path, seed):
    """Not in a crash of numpy's, nor in a memory that fills up."""
    box = {"left": 1, "top": 2, "right": 20, "bottom": 30}
    whole = {
        "stat.npy": save(tmp_path / "stat.npy", stat(3)).read_bytes(),
        "oval.roi": ImagejRoi(roitype=ROI_TYPE.OVAL, **box).tobytes(),
        "line.roi": ImagejRoi(roitype=ROI_TYPE.LINE, x1=1, y1=2, x2=30, y2=9).tobytes(),
        "free.roi": ImagejRoi.frompoints(np.random.default_rng(0).random((20, 2)) * 50).tobytes(),
    }
    random = np.random.default_rng(seed)
    outcomes = set()
    for _ in range(150):
        for name, content in whole.items():
            damaged = bytearray(content)
            for place in random.integers(0, len(content), 3):
                damaged[place] = random.integers(0, 256)
            (tmp_path / name).write_bytes(damaged)
            try:
                read_rois(tmp_path / name)
                outcomes.add("read")
            except InputError:
                outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_rois_larger_than_any_recording_are_refused(tmp_path):
    far = ImagejRoi.frompoints(np.array([(0.0, 0.0), (9.0, 0.0), (5.0, 5.0)]), name="big")
    far.subpixel_coordinates[1] = 1e30
    for roi in (
        ImagejRoi(roitype=ROI_TYPE.RECT, name="big", left=0, top=0, right=30000, bottom=30000),
        ImagejRoi.frompoints(np.array([(0.0, 0.0), (5e5, 0.0), (5e5, 5e5)]), name="big"),
        far,
    ):
        with pytest.raises(InputError, match=r"ROI big of .*damaged"):
            read_rois(write(tmp_path, roi))


def test_suite2ps_verdicts_are_kept(tmp_path):
    save(tmp_path / "stat.npy", stat(3))
    np.save(tmp_path / "iscell.npy", np.array([[1, 0.9], [0, 0.125], [1, 0.5]]))
    rois = read_rois(tmp_path / "stat.npy")
    assert rois.columns == {"iscell": [1, 0, 1], "iscell_probability": [0.9, 0.125, 0.5]}
    np.save(tmp_path / "iscell.npy", np.ones((4, 2)))
    with pytest.raises(InputError, match=r"iscell\.npy.*3 ROIs"):
        read_rois(tmp_path / "stat.npy")


def test_without_weights_the_middle_is_that_of_pixels(tmp_path):
    entry = {"ypix": np.array([0, 0, 6]), "xpix": np.array([1, 1, 4])}
    for lam in (None, np.zeros(3), np.array([1.0, np.nan, 1.0]), np.ones(2)):
        entries = [entry if lam is None else entry | {"lam": lam}]
        rois = read_rois(save(tmp_path / "stat.npy", entries))
        assert rois.centers_px[0] == pytest.approx((2, 2))


@pytest.mark.parametrize(
    "entries",
    [[{"med": 1}], [3], [{"ypix": np.arange(3), "xpix": np.arange(4)}],
     [{"ypix": np.arange(3) + 0.5, "xpix": np.arange(3)}], [{"ypix": "abc", "xpix": "abc"}],
     [{"ypix": np.array([1e300]), "xpix": np.array([1.0])}]],
    ids=str,
)  # fmt: skip
def test_what_suite2p_does_not_write_is_named(tmp_path, entries):
    with pytest.raises(InputError, match=r"stat\.npy"):
        read_rois(save(tmp_path / "stat.npy", entries))


@pytest.mark.parametrize("keep", [0, 20, 130, 400])
def test_files_that_were_cut_short_say_so(tmp_path, keep):
    path = save(tmp_path / "stat.npy", stat())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"stat\.npy"):
        read_rois(path)


# ImageJ


def pixels(rois, place=0):
    own = rois.owners == place
    return set(zip(rois.rows[own].tolist(), rois.cols[own].tolist(), strict=True))


def block(top, left, height, width):
    return {(r, c) for r in range(top, top + height) for c in range(left, left + width)}


def write(tmp_path, *rois):
    path = tmp_path / "rois.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, roi in enumerate(rois):
            archive.writestr(f"{number:04}.roi", roi.tobytes())
    return path


def test_rectangles_and_ovals(tmp_path):
    box = {"left": 3, "top": 5, "right": 13, "bottom": 11}
    rois = read_rois(write(
        tmp_path, ImagejRoi(roitype=ROI_TYPE.RECT, name="a", **box),
        ImagejRoi(roitype=ROI_TYPE.OVAL, name="b", **box),
    ))  # fmt: skip
    assert rois.names == ("a", "b")
    assert rois.kinds == ("rectangle", "oval")
    assert pixels(rois) == block(5, 3, 6, 10)
    assert rois.centers_px[0] == pytest.approx((7.5, 7.5))
    inside = {
        (r, c) for r, c in block(5, 3, 6, 10)
        if ((c + 0.5 - 8) / 5) ** 2 + ((r + 0.5 - 8) / 3) ** 2 < 1
    }  # fmt: skip
    assert pixels(rois, 1) == inside


def test_polygons_have_corners_between_pixels(tmp_path):
    square = ImagejRoi.frompoints(np.array([(2, 4), (7, 4), (7, 9), (2, 9)]), name="square")
    fine = ImagejRoi.frompoints(np.array([(2.6, 4), (7, 4), (7, 9.4), (2.6, 9.4)]), name="fine")
    for roi in (square, fine):
        roi.roitype = ROI_TYPE.POLYGON
    rois = read_rois(write(tmp_path, square, fine))
    assert rois.kinds == ("polygon", "polygon")
    assert pixels(rois) == block(4, 2, 5, 5)
    assert pixels(rois, 1) == block(4, 3, 5, 4)


def test_composites_have_holes(tmp_path):
    path = []
    for ring in ([(1, 1), (9, 1), (9, 9), (1, 9)], [(3, 3), (3, 6), (6, 6), (6, 3)]):
        for step, (x, y) in enumerate(ring):
            path += [0 if step == 0 else 1, x, y]
        path.append(4)
    roi = ImagejRoi(
        roitype=ROI_TYPE.RECT, name="ring", left=1, top=1, right=9, bottom=9,
        multi_coordinates=np.array(path, np.float32), shape_roi_size=len(path),
    )  # fmt: skip
    rois = read_rois(write(tmp_path, roi))
    assert rois.kinds == ("composite",)
    assert pixels(rois) == block(1, 1, 8, 8) - block(3, 3, 3, 3)
    roi.multi_coordinates[4 * 3 :][:1] = 2
    with pytest.raises(InputError, match=r"ring of .*rois\.zip"):
        read_rois(write(tmp_path, roi))


def test_every_point_is_a_roi(tmp_path):
    """Points, unlike areas, are counted from the centres of pixels."""
    one = ImagejRoi.frompoints(np.array([(7, 3)]), name="one")
    many = ImagejRoi.frompoints(np.array([(1.25, 2.0), (4.75, 6.5), (8.0, 9.0)]), name="many")
    for roi in (one, many):
        roi.roitype = ROI_TYPE.POINT
    rois = read_rois(write(tmp_path, one, many))
    assert rois.names == ("one", "many-1", "many-2", "many-3")
    assert set(rois.kinds) == {"point"}
    assert [pixels(rois, n) for n in range(4)] == [{(3, 7)}, {(2, 1)}, {(7, 5)}, {(9, 8)}]
    assert rois.centers_px.tolist() == [[3, 7], [2, 1.25], [6.5, 4.75], [9, 8]]


def test_lines_have_the_pixels_that_they_pass(tmp_path):
    line = ImagejRoi(roitype=ROI_TYPE.LINE, name="line", x1=2, y1=5, x2=8, y2=5, stroke_width=5)
    bent = ImagejRoi.frompoints(np.array([(2, 2), (2, 6), (5, 6)]), name="bent")
    bent.roitype = ROI_TYPE.POLYLINE
    rois = read_rois(write(tmp_path, line, bent))
    assert rois.kinds == ("line", "polyline")
    assert pixels(rois) == block(5, 2, 1, 7)
    assert pixels(rois, 1) == block(2, 2, 5, 1) | block(6, 2, 1, 4)


def test_areas_that_no_centre_of_a_pixel_lies_in_are_warned_about(tmp_path, log):
    """Between centres, a sliver beside them, and an area that is a line."""
    corners = {
        "dot": [(3.6, 3.6), (4.4, 3.6), (4.4, 4.4), (3.6, 4.4)],
        "sliver": [(2.6, 1.0), (3.4, 1.0), (3.4, 9.0), (2.6, 9.0)],
        "flat": [(1.0, 1.0), (9.0, 1.0), (5.0, 1.0)],
    }
    small = [ImagejRoi.frompoints(np.array(c), name=name) for name, c in corners.items()]
    large = ImagejRoi(roitype=ROI_TYPE.RECT, name="large", left=0, top=0, right=2, bottom=2)
    rois = read_rois(write(tmp_path, large, *small))
    assert rois.n_pixels.tolist() == [4, 0, 0, 0]
    (said,) = log
    assert said.startswith("3 of 4 ROIs of rois.zip have no pixels")
    assert "no centre of a pixel lies inside" in said
    assert "(dot, sliver, flat)" in said
    log.clear()
    read_rois(write(tmp_path, *small * 3))
    (said,) = log
    assert "9 of 9" in said
    assert "and 4 more" in said
    log.clear()
    line = ImagejRoi(roitype=ROI_TYPE.LINE, name="line", x1=2, y1=5, x2=2.1, y2=5)
    dot = ImagejRoi.frompoints(np.array([(3.5, 3.5)]), name="point")
    dot.roitype = ROI_TYPE.POINT
    read_rois(write(tmp_path, large, line, dot))
    assert log == []


def test_single_files_and_names(tmp_path):
    box = {"roitype": ROI_TYPE.RECT, "left": 0, "top": 0, "right": 2, "bottom": 2}
    (tmp_path / "cell.roi").write_bytes(ImagejRoi(**box).tobytes())
    assert read_rois(tmp_path / "cell.roi").names == ("cell",)
    twice = write(tmp_path, *[ImagejRoi(name="soma", **box)] * 3, ImagejRoi(**box))
    assert read_rois(twice).names == ("soma", "soma-2", "soma-3", "0003")


def test_what_macos_adds_to_a_zip_is_no_roi(tmp_path):
    roi = ImagejRoi.frompoints([[1, 2], [30, 4], [5, 10]], name="cell")
    with zipfile.ZipFile(tmp_path / "rois.zip", "w") as archive:
        archive.writestr("rois/cell.roi", roi.tobytes())
        archive.writestr("__MACOSX/rois/._cell.roi", b"\0\5\x16\7\0\2\0\0Mac OS X")
    assert read_rois(tmp_path / "rois.zip").names == ("cell",)


def test_texts_are_no_rois(tmp_path, log):
    box = {"roitype": ROI_TYPE.RECT, "left": 0, "top": 0, "right": 2, "bottom": 2}
    text = ImagejRoi(subtype=ROI_SUBTYPE.TEXT, name="note", text="here", **box)
    rois = read_rois(write(tmp_path, ImagejRoi(name="soma", **box), text))
    assert rois.names == ("soma",)
    assert any("note" in message for message in log)


def test_rois_drawn_over_a_tiff_are_taken(tmp_path):
    box = {"roitype": ROI_TYPE.RECT, "left": 1, "top": 2, "right": 4, "bottom": 6}
    tifffile.imwrite(
        tmp_path / "mean.tif", np.random.default_rng(0).random((9, 9), np.float32), imagej=True,
        metadata={"Overlays": [ImagejRoi(name="soma", **box).tobytes()]},
    )  # fmt: skip
    rois = read_rois(tmp_path / "mean.tif")
    assert rois.names == ("soma",)
    assert pixels(rois) == block(2, 1, 4, 3)


@pytest.mark.parametrize("content", [b"", b"Iout", b"no roi at all" * 10])
def test_files_that_are_none_of_imagejs_say_so(tmp_path, content):
    for name in ("bad.roi", "bad.zip"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_rois(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("0001.roi", content)
    with pytest.raises(InputError, match=r"0001.*bad\.zip"):
        read_rois(tmp_path / "bad.zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match=r"none\.zip holds no ROIs"):
        read_rois(tmp_path / "none.zip")


# Label images and points


def test_label_images(tmp_path):
    picture = np.zeros((6, 8), np.uint16)
    picture[1:3, 2:5], picture[4, 7] = 300, 7
    tifffile.imwrite(tmp_path / "a.tif", picture)
    np.save(tmp_path / "a.npy", picture.astype(np.int64))
    for source in (tmp_path / "a.tif", tmp_path / "a.npy", picture, picture.astype(np.float32)):
        rois = read_rois(source)
        assert rois.names == ("7", "300")
        assert pixels(rois, 0) == {(4, 7)}
        assert pixels(rois, 1) == block(1, 2, 2, 3)
        assert rois.centers_px.tolist() == [[4, 7], [1.5, 3]]
        assert rois.shape == (6, 8)


@pytest.mark.parametrize(
    ("picture", "said"),
    [(np.ones((3, 6, 8), np.uint8), "stack.*one image of them"),
     (np.zeros((6, 8), np.uint8), "0 everywhere"),
     (np.full((6, 8), 0.5, np.float32), "whole"), (np.full((6, 8), -1, np.int16), "negative")],
    ids=["stack", "empty", "fractions", "negative"],
)  # fmt: skip
def test_pictures_that_are_no_label_images_say_so(tmp_path, picture, said):
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="minisblack")
    with pytest.raises(InputError, match=rf"(?s)a\.tif.*{said}"):
        read_rois(tmp_path / "a.tif")


def test_the_advice_for_a_stack_is_right():
    stack = np.zeros((2, 4, 4), np.uint8)
    stack[0, 1, 1], stack[1, 2, 2:] = 255, 255
    n = len(stack)
    merged = (np.arange(1, n + 1)[:, None, None] * (stack > 0)).max(axis=0)
    rois = read_rois(merged)
    assert [pixels(rois, 0), pixels(rois, 1)] == [{(1, 1)}, {(2, 2), (2, 3)}]


def test_a_mask_of_many_is_warned_about(log):
    picture = np.zeros((6, 8), np.uint8)
    picture[1, 1], picture[4, 4] = 255, 255
    assert len(read_rois(picture)) == 1
    assert any("2 parts" in message and "scipy.ndimage.label" in message for message in log)


def test_a_photo_for_a_label_image_is_warned_about(log):
    draw = np.random.default_rng(1)
    read_rois(draw.integers(1, 4000, (40, 50)).astype(np.uint16))
    assert any("looks like a photo" in message for message in log)


def test_label_images_are_no_photos(log):
    draw = np.random.default_rng(1)
    tiles = np.arange(1, 101).reshape(10, 10).repeat(4, axis=0).repeat(4, axis=1)
    points = np.zeros((40, 50), np.uint16)
    points.ravel()[draw.permutation(2000)[:300]] = np.arange(1, 301)
    for picture in (tiles, points):
        read_rois(picture)
    assert not log


@pytest.mark.parametrize(
    "text",
    ["name,row,col\nA,3,7\nB,2.5,1.25\n", "col;row;label\n7;3;A\n1.25;2.5;B\n",
     "\ufeffName;row;col\nA;3;7,0\nB;2,5;1,25\n",
     "\ufeffName\tX\tY\nA\t7\t3\n\nB\t1.25\t2.5\n", "row_px, col_px, id\n3, 7, A\n2.5, 1.25, B\n"],
)  # fmt: skip
def test_points_in_a_table(tmp_path, text):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    rois = read_rois(tmp_path / "points.csv")
    assert rois.names == ("A", "B")
    assert rois.centers_px.tolist() == [[3, 7], [2.5, 1.25]]
    assert [pixels(rois, 0), pixels(rois, 1)] == [{(3, 7)}, {(3, 1)}]


@pytest.mark.parametrize(
    ("text", "said"),
    [("a,b\n1,2\n", "columns a, b.*row and col"), ("row,col,x,y\n1,2,3,4\n", "both"), ("", "none"),
     ("row,col\n1,2\n3,\n", "Line 3"), ("row,col\n1,two\n", "Line 2.*'two'"),
     ("row,col\n", "no points"),
     ("row,col\n1,nan\n", "Line 2"), ("row,row,col\n1,2,3\n", "more than one")],
)  # fmt: skip
def test_tables_that_are_no_points_say_so(tmp_path, text, said):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_rois(tmp_path / "points.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"row,col\n" + b"1" * 200_000 + b",2\n", "cannot be read as a table"),
     (b"PK\x03\x04\0\0", "no text; save the table as CSV"),
     ("na\u00efve,col\n1,2\n".encode("cp1252"), "columns na\u00efve, col")],
)  # fmt: skip
def test_files_that_are_no_tables_say_so(tmp_path, content, said):
    (tmp_path / "points.csv").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_rois(tmp_path / "points.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_points_as_spreadsheet_programs_save_them(tmp_path, encoding):
    text = "sep=;\r\nname;row;col\r\nZ\u00e4hne;2,5;7\r\n"
    if encoding == "utf-8-sig":
        text = text.removeprefix("sep=;\r\n")
    (tmp_path / "points.csv").write_bytes(text.encode(encoding))
    rois = read_rois(tmp_path / "points.csv")
    assert rois.names == ("Z\u00e4hne",)
    assert rois.centers_px.tolist() == [[2.5, 7]]


@pytest.mark.parametrize("header", ["y,x", "Y,X", "unit"])
@pytest.mark.parametrize(("unit", "per_mm"), [("mm", 1), ("um", 1000)])
def test_points_in_mm_count_from_the_corner(tmp_path, unit, per_mm, header):
    """As ImageJ has a centroid: the mean of its pixels and half a pixel, times the pixel's size."""
    fields = f"y_{unit},x_{unit}" if header == "unit" else header
    height_mm, width_mm = 0.02, 0.05
    centers = [(0.0, 0.0), (3.0, 7.0), (2.5, 1.25), (-1.0, 99.75)]
    lines = [
        f"{(row + 0.5) * height_mm * per_mm!r},{(col + 0.5) * width_mm * per_mm!r}"
        for row, col in centers
    ]
    (tmp_path / "points.csv").write_text("\n".join([fields, *lines]))
    points = read_rois(tmp_path / "points.csv", unit)
    assert isinstance(points, Points)
    assert points.names == ("1", "2", "3", "4")
    rois = points.in_pixels((height_mm, width_mm))
    assert np.allclose(rois.centers_px, centers, atol=1e-9)
    assert [pixels(rois, n) for n in range(4)] == [{(0, 0)}, {(3, 7)}, {(3, 1)}, {(-1, 100)}]
    assert set(rois.kinds) == {"point"}
    with pytest.raises(InputError, match=r"mm from the corner.*point_unit"):
        points.in_pixels((1e-12, width_mm))


def test_a_results_table_of_imagej(tmp_path):
    """As ImageJ saves it with centroids and labels, in an image with a scale of 50 px/mm."""
    (tmp_path / "Results.csv").write_text(
        " ,Label,Area,X,Y\n1,brain.tif:cell,0.004,0.050,0.150\n2,brain.tif:b,0.002,1.000,0.010\n"
    )
    rois = read_rois(tmp_path / "Results.csv", "mm").in_pixels((0.02, 0.02))
    assert rois.names == ("brain.tif:cell", "brain.tif:b")
    assert np.allclose(rois.centers_px, [[7, 2], [0, 49.5]])


def test_points_are_made_of_what_arrays_and_names_come_as():
    places = np.array([(1, 2), (3, 4)])
    for given in (places, places.tolist(), places.astype(np.float32), tuple(map(tuple, places))):
        points = Points(["a", "b"], given)
        assert points.names == ("a", "b")
        assert len(points) == 2
        assert points.in_pixels((0.5, 2)).centers_px.tolist() == [[1.5, 0.5], [5.5, 1.5]]
    kept = places.astype(float)
    points = Points(np.array(["a", "b"]), kept)
    kept[:] = 99
    assert points.places_mm.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match="read-only"):
        points.places_mm[0, 0] = 5
    assert len(Points((), np.empty((0, 2))).in_pixels((0.1, 0.1))) == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("names", "places", "said"),
    [
        (["a"], [[1.0, 2.0, 3.0]], r"shape \(R, 2\); got shape \(1, 3\)"),
        (["a", "b"], [1.0, 2.0], r"got shape \(2,\)"),
        (["a", "b"], [[1.0, 2.0], [3.0]], "got what is no array of numbers"),
        (["a"], [[1.0, None]], r"got \(1, nan\) in row 0"),
        (["a"], [[1.0, {}]], "got what is no array of numbers"),
        (["a"], [["1", "2"]], "got <U1 of shape"),
        (["a"], [[True, False]], "got bool of shape"),
        (["a"], [[1j, 2]], "got complex128 of shape"),
        (["a", "b"], [[1, 2], [np.nan, 2]], r"got \(nan, 2\) in row 1"),
        (["a"], [[1, np.inf]], r"got \(1, inf\) in row 0"),
        (["a"], [[1, 2], [3, 4]], "1 names of points and 2 rows"),
        (["a", "b", "c"], [[1, 2]], "3 names of points and 1 rows"),
        ("ab", [[1, 2], [3, 4]], "names of points are texts, one for each; got 'ab'"),
        ([1], [[1, 2]], r"names of points are texts.*got \[1\]"),
        (None, [[1, 2]], "names of points are texts.*got None"),
    ],
)
def test_what_are_no_points_is_named(names, places, said):
    with pytest.raises(InputError, match=said):
        Points(names, places)


@pytest.mark.filterwarnings("error")
def test_pixels_of_no_size_have_no_points_in_them():
    points = Points(["a"], [[1, 2]])
    for wrong in (0.1, (0, 0.1), (-0.1, 0.1), (np.nan, 0.1), "ab", None):
        with pytest.raises(InputError, match="two numbers above 0 in mm"):
            points.in_pixels(wrong)
    with pytest.raises(InputError, match="mm from the corner"):
        Points(["a"], [[1e308, 2]]).in_pixels((0.01, 0.01))


def test_units_that_do_not_fit_say_so(tmp_path):
    table = tmp_path / "points.csv"
    table.write_text("y_um,x_um\n1,2\n")
    with pytest.raises(InputError, match=r"expected row and col.*--point-unit um"):
        read_rois(table)
    with pytest.raises(InputError, match="expected y and x in mm"):
        read_rois(table, "mm")
    table.write_text("row,col\n1,2\n")
    with pytest.raises(InputError, match="columns row, col; expected y and x in mm"):
        read_rois(table, "mm")
    table.write_text("y,x\n1,far\n")
    with pytest.raises(InputError, match=r"Line 2.*'far'; expected a number of mm"):
        read_rois(table, "mm")
    for wrong in ("inch", "", ["mm"], {"mm"}, None, 1):
        with pytest.raises(InputError, match=rf"px, mm, um .*got {re.escape(repr(wrong))}"):
            read_rois(table, wrong)
    np.save(tmp_path / "labels.npy", np.ones((3, 4), np.uint8))
    for counted in (tmp_path / "labels.npy", np.ones((3, 4), np.uint8)):
        with pytest.raises(InputError, match=r"--point-unit.*counts in pixels"):
            read_rois(counted, "mm")


@pytest.mark.parametrize(
    ("header", "fits"),
    [
        ("y_um,x_um", ["um"]), ("y_mm,x_mm", ["mm"]), ("row,col", ["px"]), ("Y_PX,X_PX", ["px"]),
        ("y_\u00b5m,x_\u00b5m", ["um"]), ("y_\u03bcm,x_\u03bcm", ["um"]),
        ("row,col,y_um,x_um", ["px", "um"]), ("y_mm,x_mm,y_um,x_um", ["mm", "um"]),
        ("y_um,x_mm", []), ("a,b", []),
    ],
)  # fmt: skip
def test_columns_of_another_unit_are_hinted_at(tmp_path, header, fits):
    """Every hint is one that works, and no other unit would."""
    table = tmp_path / "points.csv"
    table.write_text(f"{header}\n{','.join('1234'[: header.count(',') + 1])}\n", "utf-8")
    for unit in ("px", "mm", "um"):
        if unit in fits:
            assert len(read_rois(table, unit)) == 1
            continue
        with pytest.raises(InputError, match="none of them") as caught:
            read_rois(table, unit)
        assert re.findall(r"--point-unit (\w+)", str(caught.value)) == fits


@pytest.mark.parametrize("mu", ["u", "\u00b5", "\u03bc", "\u039c"], ids=ascii)
def test_every_mu_is_taken(tmp_path, mu):
    """The micro sign, the Greek letter, and the one that a program made large."""
    table = tmp_path / "points.csv"
    table.write_text(f"y_{mu}m,x_{mu}m\n1000,2500\n", "utf-8")
    assert read_rois(table, "um").places_mm.tolist() == [[1, 2.5]]


def test_names_of_points_may_hold_line_ends(tmp_path):
    (tmp_path / "points.csv").write_text(
        'name,row,col\n"a\nb",1,2\nc\u2028d,3,4\n', encoding="utf-8"
    )
    rois = read_rois(tmp_path / "points.csv")
    assert rois.names == ("a\nb", "c\u2028d")
    assert rois.rows.tolist() == [1, 3]


def test_what_is_of_no_known_kind_says_so(tmp_path):
    with pytest.raises(MissingFileError, match=r"gone\.npy"):
        read_rois(tmp_path / "gone.npy")
    with pytest.raises(MissingFileError, match="without a stat"):
        read_rois(tmp_path)
    (tmp_path / "a.pdf").write_text("")
    with pytest.raises(InputError, match=r"a\.pdf.*suite2p"):
        read_rois(tmp_path / "a.pdf")
    (tmp_path / "a.tif").write_text("no tiff")
    with pytest.raises(BrainReg3DError, match=r"a\.tif"):
        read_rois(tmp_path / "a.tif")
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    with pytest.raises(InputError, match=r"text\.npy"):
        read_rois(tmp_path / "text.npy")


def test_roifile_writes_what_is_read_here(tmp_path):
    """The writer that comes with the reader: nothing is lost between both."""
    buffer = io.BytesIO(
        ImagejRoi.frompoints(np.array([(1, 1), (5, 1), (5, 5)]), name="t").tobytes()
    )
    roi = ImagejRoi.frombytes(buffer.getvalue())
    roiwrite(tmp_path / "t.zip", [roi], mode="w")
    rois = read_rois(tmp_path / "t.zip")
    assert rois.kinds == ("freehand",)
    assert rois.names == ("t",)
    assert pixels(rois) == {(r, c) for r, c in block(1, 1, 4, 4) if c > r}  # on a left edge
