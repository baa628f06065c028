"""In which regions ROIs lie, against what is known of the tiny brain and its labels."""

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
import tiny_brain
from scipy.stats import norm
from tiny_brain import VISIBLE

from brainreg3d import BrainReg3D, LocalTemplateSource, Pose, napari_layers
from brainreg3d.cli import main
from brainreg3d.cli.main import brainreg3d
from brainreg3d.cli.result_options import RELABELLING_OPTION_NAMES
from brainreg3d.errors import InputError, OutputError
from brainreg3d.lookup import Rois, look_up_rois, read_rois, write_roi_table

SHAPE = (60, 40)
PIXEL_MM = 0.1
FROM_ABOVE = Pose((2.0, 3.6, 4.0))
CENTER_PX = (29.5, 19.5)


def row_of(y_mm):
    """Row of a place seen from above, by hand: y grows up the image."""
    return CENTER_PX[0] - (y_mm - 3.6) / PIXEL_MM


def col_of(x_mm):
    return CENTER_PX[1] + (x_mm - 2.0) / PIXEL_MM


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "atlas").mkdir()
    tiny_brain.source(folder / "atlas")
    tifffile.imwrite(folder / "mouse.tif", np.zeros(SHAPE, np.uint8))
    run(folder)
    return folder


def run(folder, **options):
    source = LocalTemplateSource(
        annotation=folder / "atlas" / "labels.nrrd",
        structures=folder / "atlas" / "structures.json",
    )
    usual = {
        "pixel_size_mm": (PIXEL_MM, PIXEL_MM), "alignment": FROM_ABOVE, "brain_regions": VISIBLE,
        "camera_distance_mm": None, "template_source": source, "bregma": "wfield",
    }  # fmt: skip
    return BrainReg3D(folder / "mouse.tif", **usual | options).run()


@pytest.fixture(scope="module")
def result(study):
    return BrainReg3D.load(study)


def points(result, places_mm, **options):
    """Look up points given as (x, y) in mm of the atlas."""
    from brainreg3d.lookup.rois import gather, point

    rois = [point(str(n), "point", row_of(y), col_of(x)) for n, (x, y) in enumerate(places_mm)]
    return look_up_rois(gather(rois), result, **options)


# Known places of the tiny brain, (x, y) in mm
IN_ANT, IN_POST, IN_MARK, IN_BULB, OFF = (
    (1.03, 4.07),
    (1.03, 2.04),
    (2.91, 4.93),
    (1.8, 6.2),
    (0.1, 4.0),
)


def test_points_lie_in_their_regions(result):
    table = points(result, [IN_ANT, IN_POST, IN_MARK, IN_BULB, OFF, (3.0, 2.04)])
    assert table["region"].tolist() == ["ANT", "POST", "MARK", "BULB", "", "POST"]
    assert table["region_id"].tolist()[:4] == [11, tiny_brain.POST_ID, 30, 40]
    assert pd.isna(table["region_id"][4])
    assert table["region_name"][2] == "Marker on the right"
    assert table["hemisphere"].tolist() == ["left", "left", "right", "left", "", "right"]
    assert table["share"].tolist() == [1, 1, 1, 1, 0, 1]
    assert table["shares"].tolist()[:2] == ["ANT:1.0000", "POST:1.0000"]
    assert table["shares"][4] == ""
    assert (table["n_pixels"] == 1).all()
    assert (table["n_outside"] == 0).all()


def test_positions_are_those_of_the_brain(result):
    """From corner to corner, worked out by hand: the CCF counts to posterior, down and right."""
    table = points(result, [IN_ANT, IN_MARK, OFF])
    for line, (x, y) in zip(table.itertuples(), (IN_ANT, IN_MARK), strict=False):
        assert line.ap_um == pytest.approx((7.2 - y) * 1000, abs=0.1)
        assert line.dv_um == pytest.approx((4.0 - tiny_brain.TOP_MM) * 1000, abs=0.1)
        assert line.ml_um == pytest.approx(x * 1000, abs=0.1)
        # wfield's bregma: AP 5.4, DV 0, ML 5.7 mm, without a tilt
        assert line.stereotaxic_ml_mm == pytest.approx(x - 5.7, abs=1e-4)
        assert line.stereotaxic_ap_mm == pytest.approx(5.4 - (7.2 - y), abs=1e-4)
        assert line.stereotaxic_dv_mm == pytest.approx(-0.5, abs=1e-4)
    assert table.loc[2, ["ap_um", "stereotaxic_ap_mm", "distance_to_border_mm"]].isna().all()
    other = points(result, [IN_ANT], bregma="ibl")
    assert other["stereotaxic_ml_mm"][0] == pytest.approx(IN_ANT[0] - 5.739, abs=1e-4)
    assert other["ml_um"][0] == table["ml_um"][0]


def test_distances_to_borders_are_those_of_the_brain(result):
    """ANT ends at y = 3.0 and 5.7, the brain at x = 0.4 and 3.6; MARK is cut out of ANT."""
    places = {
        (1.0, 3.25): 0.25,  # POST
        (1.0, 4.0): 0.6,  # the left side of the brain
        (2.0, 5.5): 0.2,  # BULB
        (3.4, 3.9): 0.2,  # the right side of the brain
        (2.35, 5.0): 0.25,  # MARK, from without
        (2.2, 4.1): np.hypot(0.4, 0.4),  # the corner of MARK
        (2.9, 4.7): 0.2,  # within MARK
        (1.9, 1.0): 1.5,  # the left side; its hind end is the rim of the image, and no border
    }
    table = points(result, list(places))
    assert table["distance_to_border_mm"].tolist() == pytest.approx(
        list(places.values()), abs=0.006
    )


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0.0, 0.0), (0.0, 25.0), (-30.0, 10.0)])
def test_distances_are_measured_on_the_tilted_surface(study, pitch_deg, roll_deg, tmp_path):
    """The top of the brain is flat, so its distances are the same from wherever it is seen."""
    tilted = run(
        study, alignment=Pose((2.0, 3.4, 4.0), 10.0, pitch_deg, roll_deg), output_dir=tmp_path,
        pixel_size_mm=(0.02, 0.02), camera_distance_mm=200.0,
    )  # fmt: skip
    assert tilted.labels.shape == SHAPE
    rows, cols = np.nonzero(tilted.labels == 1)
    ccf = tilted.pixel_to_ccf(rows, cols)
    feet = tilted.ccf_to_pixel(np.column_stack([np.full(len(ccf), 4200.0), ccf[:, 1:]]))
    seen = ((feet > 0) & (feet < np.array(SHAPE) - 1)).all(axis=1)  # the nearest of the border
    on_top = np.flatnonzero((np.abs(ccf[:, 1] - 500) < 1e-3) & seen)
    chosen = on_top[:: len(on_top) // 50]
    picture = np.zeros(SHAPE, np.int32)
    picture[rows[chosen], cols[chosen]] = np.arange(1, len(chosen) + 1)
    table = look_up_rois(picture, tilted)
    y_mm = 7.2 - ccf[chosen, 0] / 1000  # the border to POST is at y = 3.0
    assert table["distance_to_border_mm"].to_numpy() == pytest.approx(y_mm - 3.0, abs=0.02)
    assert y_mm.max() > 3.4


def test_a_middle_outside_of_its_region_has_a_negative_distance(result):
    """A ring of ANT around MARK."""
    picture = np.zeros(SHAPE, np.uint8)
    top, left = round(row_of(5.55)), round(col_of(2.45))
    picture[top : top + 13, left : left + 9] = 1
    inner = result.mask("ANT")
    picture[~inner] = 0
    table = look_up_rois(picture, result)
    assert table["region"][0] == "ANT"
    row, col = table.loc[0, ["row_px", "col_px"]]
    assert result.mask("MARK")[round(row), round(col)]
    x, y = 2.0 + (col - CENTER_PX[1]) * PIXEL_MM, 3.6 - (row - CENTER_PX[0]) * PIXEL_MM
    to_edges = min(x - 2.6, 3.2 - x, y - 4.5, 5.4 - y)
    assert table["distance_to_border_mm"][0] == pytest.approx(-to_edges, abs=0.01)


def test_shares_are_counts_of_pixels(result):
    random = np.random.default_rng(0)
    picture = random.integers(0, 12, SHAPE).astype(np.uint16)
    table = look_up_rois(picture, result)
    assert table["name"].tolist() == [str(value) for value in range(1, 12)]
    for line in table.itertuples():
        own = result.labels[picture == int(line.name)]
        assert line.n_pixels == own.size
        counts = {name: int((own == n).sum()) for n, name in enumerate(VISIBLE, 1)}
        told = dict(text.split(":") for text in line.shares.split(";"))
        assert {k: float(v) for k, v in told.items()} == pytest.approx(
            {k: n / own.size for k, n in counts.items() if n}, abs=1e-4
        )
        assert list(map(float, told.values())) == sorted(map(float, told.values()), reverse=True)
        none = int((own == 0).sum())
        best = max(counts, key=counts.get)
        assert line.region == (best if counts[best] >= none else "")


def test_exported_rois_come_back_as_their_regions(study, result):
    """ImageJ's file of the regions themselves: every ROI has all pixels of its own region."""
    files = result.export("rois", study / "exported")
    table = look_up_rois(files["rois"], result)
    assert (table["share"] == 1).all()
    for line in table.itertuples():
        acronym, side = line.name.rsplit("_", 1)
        assert line.region == acronym
        assert line.hemisphere == {"L": "left", "R": "right"}[side]
        own = result.mask(acronym) & (result.hemisphere == {"L": 1, "R": 2}[side])
        assert line.n_pixels == own.sum()
    assert set(table["region"]) == set(VISIBLE)


@pytest.mark.parametrize(("binning", "origin"), [(2, None), (2, (10, 6)), (3, (1, 2)), (1, (5, 7))])
def test_rois_of_binned_and_cropped_recordings(result, binning, origin):
    """A binned ROI lies where its pixels do in the aligned image."""
    start = origin or (0, 0)
    shape = tuple((n - s) // binning for n, s in zip(SHAPE, start, strict=True))
    small = np.random.default_rng(1).integers(0, 6, shape).astype(np.uint8)
    large = np.zeros(SHAPE, np.uint8)
    grown = small.repeat(binning, axis=0).repeat(binning, axis=1)
    large[start[0] : start[0] + grown.shape[0], start[1] : start[1] + grown.shape[1]] = grown
    table = look_up_rois(small, result, binning=binning, crop_origin=origin)
    expected = look_up_rois(large, result)
    assert (expected["n_pixels"] == table["n_pixels"] * binning**2).all()
    same = [name for name in table if name not in ("n_pixels",)]
    pd.testing.assert_frame_equal(table[same], expected[same])


def one_point():
    at = np.array([3])
    return Rois(("a",), ("point",), at, at, np.zeros(1, int), np.array([[3.0, 3.0]]))


def test_a_recording_that_does_not_fit_says_so(result):
    small = np.ones((30, 20), np.uint8)
    with pytest.raises(InputError, match=r"30 x 20.*looks like binning 2"):
        look_up_rois(small, result)
    with pytest.raises(InputError, match=r"7 x 9.*--crop-origin.*--binning"):
        look_up_rois(small[:7, :9], result)
    # A list of points says nothing of its recording, but no pixel is larger than the image.
    with pytest.raises(InputError, match=r"binning 61.*60 x 40"):
        look_up_rois(one_point(), result, binning=61)
    with pytest.raises(InputError, match="30 x 20"):
        look_up_rois(small, result, binning=2, crop_origin=(10, 0))
    for wrong in (0, 1.5, True, "2"):
        with pytest.raises(InputError, match="binning"):
            look_up_rois(small, result, binning=wrong)
    for wrong in ((1,), (-1, 0), (0.5, 0), "ab"):
        with pytest.raises(InputError, match="crop_origin"):
            look_up_rois(small, result, crop_origin=wrong)


def test_what_lies_outside_of_the_image_is_reported(result, tmp_path):
    """Neither dropped nor counted for a region."""
    entry = {"ypix": np.array([30, 30, 30, 99]), "xpix": np.array([-3, 10, 11, 10])}
    gone = {"ypix": np.array([500]), "xpix": np.array([500])}
    empty = {"ypix": np.array([], int), "xpix": np.array([], int), "lam": np.array([])}
    np.save(tmp_path / "stat.npy", np.array([entry, gone, empty], dtype=object), allow_pickle=True)
    table = look_up_rois(tmp_path / "stat.npy", result)
    assert table["n_pixels"].tolist() == [4, 1, 0]
    assert table["n_outside"].tolist() == [2, 1, 0]
    assert table["share"].tolist() == [0.5, 0, 0]
    assert table["region"].tolist() == ["ANT", "", ""]
    assert table.loc[2, ["row_px", "ap_um", "distance_to_border_mm"]].isna().all()


def test_suite2ps_columns_are_kept(result, tmp_path):
    rows, cols = np.nonzero(result.mask("MARK"))
    entry = {"ypix": rows, "xpix": cols, "lam": np.ones(len(rows), np.float32)}
    np.save(tmp_path / "stat.npy", np.array([entry, entry], dtype=object), allow_pickle=True)
    np.save(tmp_path / "iscell.npy", np.array([[1.0, 0.75], [0.0, 0.25]]))
    table = look_up_rois(tmp_path, result)
    assert table["iscell"].tolist() == [1, 0]
    assert table["iscell_probability"].tolist() == [0.75, 0.25]
    assert table["kind"].tolist() == ["suite2p", "suite2p"]
    # MARK is 0.6 x 0.9 mm around (2.9, 4.95)
    assert table["row_px"][0] == pytest.approx(row_of(4.95))
    assert table["col_px"][0] == pytest.approx(col_of(2.9))
    assert table["distance_to_border_mm"][0] == pytest.approx(0.3, abs=0.005)


def test_certainty_is_told_where_it_is_known(study, result):
    assert "confidence" not in points(result, [IN_ANT])
    sure = BrainReg3D.load(study, pose_sigma_mm=0.2)
    table = points(sure, [IN_ANT, (1.03, 3.01)])
    row, col = round(row_of(IN_ANT[1])), round(col_of(IN_ANT[0]))
    assert table["confidence"][0] == pytest.approx(sure.confidence[row, col], abs=1e-3)
    assert table["confidence"][1] < table["confidence"][0]
    # The mean over a ROI is that of the map, and of nothing where it lies outside of the image.
    picture = np.random.default_rng(0).integers(0, 9, SHAPE)
    whole = BrainReg3D.load(study, pose_sigma_mm=0.2).confidence
    expected = [whole[picture == value].mean(dtype=float) for value in range(1, 9)]
    fresh = BrainReg3D.load(study, pose_sigma_mm=0.2)
    assert look_up_rois(picture, fresh)["confidence"].tolist() == np.round(expected, 3).tolist()
    assert points(fresh, [(99.0, 4.0)])["confidence"].isna().all()


def test_the_rim_of_the_window_is_no_border(study, tmp_path):
    window = np.zeros(SHAPE, np.uint8)
    window[18:34, 8:16] = 1  # y from 3.2 to 4.8, within ANT
    result = run(study, window_mask=window, output_dir=tmp_path)
    table = points(result, [(1.03, 4.07)])
    assert table["region"][0] == "ANT"
    assert pd.isna(table["distance_to_border_mm"][0]), "no border of ANT is seen"


def write_mm(path, places_mm, unit="mm", start=(0.0, 0.0)):
    """Write (x, y) of the atlas as X and Y from the corner of the image, 6.6 mm up at the left."""
    factor = {"mm": 1, "um": 1000}[unit]
    lines = [
        f"{(x - start[0]) * factor:.6f},{(6.6 - y - start[1]) * factor:.6f}\n" for x, y in places_mm
    ]
    path.write_text("X,Y\n" + "".join(lines))
    return path


PLACES = [IN_ANT, IN_POST, IN_MARK, IN_BULB]


@pytest.mark.parametrize("unit", ["mm", "um"])
@pytest.mark.parametrize("binning", [1, 2, 5])
def test_points_in_mm_lie_where_they_were_measured(result, tmp_path, unit, binning):
    """The image spans x from 0 to 4 and y from 6.6 down to 0.6 mm, however large its pixels are."""
    table = look_up_rois(
        write_mm(tmp_path / "p.csv", PLACES, unit), result, point_unit=unit, binning=binning
    )
    assert table["region"].tolist() == ["ANT", "POST", "MARK", "BULB"]
    assert table["ml_um"].tolist() == pytest.approx([1000 * x for x, _ in PLACES], abs=0.1)
    assert table["ap_um"].tolist() == pytest.approx([1000 * (7.2 - y) for _, y in PLACES], abs=0.1)
    part = write_mm(tmp_path / "part.csv", PLACES, unit, start=(0.4, 0.2))
    again = look_up_rois(part, result, point_unit=unit, binning=binning, crop_origin=(2, 4))
    pd.testing.assert_series_equal(again["ml_um"], table["ml_um"])
    pd.testing.assert_series_equal(again["ap_um"], table["ap_um"])


def test_units_are_of_tables_that_are_read_here(result, tmp_path):
    points_mm = read_rois(write_mm(tmp_path / "p.csv", PLACES), "mm")
    assert look_up_rois(points_mm, result)["region"].tolist() == ["ANT", "POST", "MARK", "BULB"]
    for read_before in (points_mm, one_point()):
        with pytest.raises(InputError, match="read_rois"):
            look_up_rois(read_before, result, point_unit="mm")
    for rois in (tmp_path / "p.csv", points_mm, one_point()):
        for wrong in ("cm", ["mm"]):
            with pytest.raises(InputError, match="px, mm, um"):
                look_up_rois(rois, result, point_unit=wrong)


def test_points_in_mm_that_are_taken_as_pixels_are_warned_about(result, tmp_path, log):
    look_up_rois(write_mm(tmp_path / "p.csv", PLACES), result)
    assert any("--point-unit mm" in message for message in log)
    log.clear()
    points(result, PLACES)
    look_up_rois(write_mm(tmp_path / "p.csv", PLACES), result, point_unit="mm")
    (tmp_path / "whole.csv").write_text("y,x\n1,2\n3,3\n2,1\n")  # as one clicks pixels
    look_up_rois(tmp_path / "whole.csv", result)
    (tmp_path / "one.csv").write_text("y,x\n1.5,2.5\n")
    look_up_rois(tmp_path / "one.csv", result)
    assert log == []


CORNER = "1.5,2.5\n3.25,3.5\n2.5,1.25\n"


@pytest.mark.parametrize("header", ["y,x", "name,Y,X", "row_px,col_px", "row,col", "y_px,x_px"])
def test_the_warning_of_points_in_mm_is_of_tables_that_may_be_in_mm(result, tmp_path, log, header):
    """Whoever is warned can follow the advice."""
    table = tmp_path / "p.csv"
    lines = CORNER.replace("\n", "\na,").removesuffix("a,") if "name" in header else CORNER
    table.write_text(f"{header}\n{'a,' if 'name' in header else ''}{lines}")
    look_up_rois(table, result)
    warned = any("point_unit='mm'" in message for message in log)
    assert warned == ("px" not in header and "row" not in header)
    if warned:
        assert len(look_up_rois(table, result, point_unit="mm")) == 3
    else:
        with pytest.raises(InputError):
            look_up_rois(table, result, point_unit="mm")


def test_points_that_cannot_be_in_mm_are_not_warned_about(result, tmp_path, log):
    from roifile import ROI_TYPE, ImagejRoi

    places = np.array([line.split(",") for line in CORNER.split()], dtype=float)
    roi = ImagejRoi.frompoints(places[:, ::-1], name="cells")
    roi.roitype = ROI_TYPE.POINT
    (tmp_path / "cells.roi").write_bytes(roi.tobytes())
    assert look_up_rois(tmp_path / "cells.roi", result)["row_px"].tolist() == [1.5, 3.25, 2.5]
    both = tmp_path / "both.csv"
    mm = [f"{row:g},{col:g},{row / 10:g},{col / 10:g}\n" for row, col in places]
    both.write_text("y,x,y_mm,x_mm\n" + "".join(mm))
    assert look_up_rois(both, result)["row_px"].tolist() == [1.5, 3.25, 2.5]
    assert log == []


def test_the_command_takes_points_in_mm(study, tmp_path, capsys):
    table = write_mm(tmp_path / "p.csv", PLACES)
    line = ["lookup", str(table), "--alignment", str(study), "-o", str(tmp_path / "out.csv")]
    assert main([*line, "--point-unit", "mm"]) == 0
    found = pd.read_csv(tmp_path / "out.csv")
    assert found["region"].tolist() == ["ANT", "POST", "MARK", "BULB"]
    tifffile.imwrite(tmp_path / "cells.tif", np.ones(SHAPE, np.uint8))
    line[1] = str(tmp_path / "cells.tif")
    capsys.readouterr()
    assert main([*line, "--point-unit", "mm"]) == 1
    assert "cells.tif counts in pixels" in capsys.readouterr().err


def test_thousands_of_rois_take_one_pass(result):
    """Every ROI by itself would be much too slow; the outcome is the same."""
    random = np.random.default_rng(2)
    from brainreg3d.lookup.rois import Roi, gather

    rois = []
    for number in range(5000):
        row, col = random.integers(0, 50), random.integers(0, 30)
        rows, cols = np.mgrid[row : row + 4, col : col + 5]
        rois.append(Roi(str(number), "block", rows.ravel(), cols.ravel()))
    table = look_up_rois(gather(rois), result)
    assert len(table) == 5000
    for number in range(0, 5000, 500):
        alone = look_up_rois(gather([rois[number]]), result)
        pd.testing.assert_frame_equal(
            alone, table.iloc[[number]].reset_index(drop=True), check_dtype=False
        )


# The command


def test_the_command_writes_the_table(study, tmp_path, capsys):
    (tmp_path / "cells.csv").write_text(
        f"name,row,col\nA,{row_of(4.07)},{col_of(1.03)}\nB,{row_of(2.04)},{col_of(3.0)}\n"
    )
    out = tmp_path / "table.csv"
    arguments = [
        "lookup", str(tmp_path / "cells.csv"), "--alignment", str(study / "mouse_alignment.json"),
        "-o", str(out),
    ]  # fmt: skip
    assert main(arguments) == 0
    table = pd.read_csv(out, keep_default_na=False)
    assert table["name"].tolist() == ["A", "B"]
    assert table["region"].tolist() == ["ANT", "POST"]
    assert table["hemisphere"].tolist() == ["left", "right"]
    assert table["region_id"].tolist() == [11, tiny_brain.POST_ID]
    said = capsys.readouterr().out
    assert "2 ROIs" in said
    assert str(out) in said
    first = out.read_bytes()
    assert main(arguments) == 0
    assert out.read_bytes() == first


def test_the_command_takes_an_alignment_alone_an_atlas_and_regions(study, tmp_path, capsys):
    alone = tmp_path / "alone.json"
    content = json.loads((study / "mouse_alignment.json").read_text())
    content["image"].pop("file")
    alone.write_text(json.dumps(content))
    tifffile.imwrite(tmp_path / "cells.tif", np.ones((30, 20), np.uint8))
    out = tmp_path / "table.csv"
    assert main([
        "lookup", str(tmp_path / "cells.tif"), "--alignment", str(alone), "-o", str(out),
        "--annotation", str(study / "atlas" / "labels.nrrd"),
        "--structures", str(study / "atlas" / "structures.json"),
        "--regions", "CTX", "--binning", "2", "--bregma", "wfield",
    ]) == 0, capsys.readouterr().err  # fmt: skip
    table = pd.read_csv(out)
    assert table["region"].tolist() == ["CTX"]
    # All of the brain but BULB, 3.2 x 5.1 mm of 4 x 6 mm
    assert table["share"][0] == pytest.approx(3.2 * 5.1 / 24, abs=0.02)


def look_up_by_command(study, tmp_path, *words):
    """Look up a place in MARK, one in ANT on the left and one in POST on the right."""
    places = {"mark": IN_MARK, "ant": IN_ANT, "post": (3.0, 2.04)}
    lines = [f"{name},{row_of(y)},{col_of(x)}\n" for name, (x, y) in places.items()]
    (tmp_path / "cells.csv").write_text("name,row,col\n" + "".join(lines))
    out = tmp_path / "table.csv"
    line = ["lookup", str(tmp_path / "cells.csv"), "--alignment", str(study), "-o", str(out)]
    assert main([*line, *words]) == 0
    return pd.read_csv(out, keep_default_na=False).set_index("name")


def test_the_command_labels_otherwise(study, tmp_path):
    """MARK is 0.25 mm thick, with ANT below it."""
    usual = look_up_by_command(study, tmp_path)
    assert usual["region"].tolist() == ["MARK", "ANT", "POST"]
    right = look_up_by_command(study, tmp_path, "--hemisphere", "right")
    assert right["region"].tolist() == ["MARK", "", "POST"]
    assert right["hemisphere"].tolist() == ["right", "left", "right"]  # brain is there, too
    for depth, region in {"200": "MARK", "300": "ANT"}.items():
        deep = look_up_by_command(study, tmp_path, "--label-depth-um", depth)
        assert deep["region"].tolist() == [region, "ANT", "POST"]
    # The original's cells of 10 px are 1 mm wide, and MARK is 0.6 x 0.9 mm.
    for method, region in {"surface": "MARK", "original": "ANT"}.items():
        other = look_up_by_command(study, tmp_path, "--method", method)
        assert other["region"].tolist() == [region, "ANT", "POST"]
    window = np.zeros(SHAPE, np.uint8)
    window[: SHAPE[0] // 2] = 1
    tifffile.imwrite(tmp_path / "window.tif", window)
    half = look_up_by_command(study, tmp_path, "--window-mask", str(tmp_path / "window.tif"))
    assert half["region"].tolist() == ["MARK", "ANT", ""]


def test_the_command_is_told_how_certain_the_pose_is(study, tmp_path):
    """The border of ANT and POST is straight, so that certainty is the normal distribution's."""
    assert "confidence" not in look_up_by_command(study, tmp_path)
    table = look_up_by_command(study, tmp_path, "--pose-sigma-mm", "0.4")
    row = round(row_of(2.04))  # the middle of the pixel that the place lies in
    y_mm = 3.6 - (row - CENTER_PX[0]) * PIXEL_MM
    hind_mm, side_mm = y_mm - 2 * 0.3, 18 * 0.2 - (2.0 + (round(col_of(3.0)) - 19.5) * PIXEL_MM)
    kept = norm.cdf((3.0 - y_mm) / 0.4) - norm.cdf(-hind_mm / 0.4)
    kept *= norm.cdf(side_mm / 0.4)
    assert table.loc["post", "confidence"] == pytest.approx(kept, abs=0.03)
    turned = look_up_by_command(study, tmp_path, "--pose-sigma-deg", "20")
    assert turned.loc["post", "confidence"] < 1


def test_commands_share_the_options_that_label_otherwise():
    lookup, traces = (
        {option.name: option for option in brainreg3d.commands[name].params}
        for name in ("lookup", "traces")
    )
    for name in ("hemisphere", "label_depth_um", "method", "pose_sigma_mm", "pose_sigma_deg"):
        assert name in RELABELLING_OPTION_NAMES
    for name in RELABELLING_OPTION_NAMES:
        assert lookup[name].to_info_dict() == traces[name].to_info_dict(), name


def test_the_command_never_replaces_what_it_reads(study, tmp_path, capsys):
    cells = tmp_path / "cells.csv"
    cells.write_text("row,col\n1,2\n")
    before = cells.read_bytes()
    arguments = ["lookup", str(cells), "--alignment", str(study / "mouse_run.json"), "-o"]
    assert main([*arguments, str(cells)]) != 0
    assert "read from" in capsys.readouterr().err
    assert cells.read_bytes() == before
    for name in ("mouse_run.json", "mouse_labels.tif", "mouse_regions.csv"):
        kept = (study / name).read_bytes()
        assert main([*arguments, str(study / name)]) != 0
        assert (study / name).read_bytes() == kept
    assert main([*arguments, str(tmp_path / "no" / "cells.csv")]) == 0
    outside = tmp_path / "far.csv"
    outside.write_text("row,col\n1000,2\n")
    assert main(["lookup", str(outside), *arguments[2:], str(tmp_path / "o.csv")]) == 0
    assert "beyond the aligned image" in capsys.readouterr().out


def test_a_table_that_cannot_be_written_says_so(result, tmp_path):
    table = points(result, [IN_ANT])
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_roi_table(table, tmp_path / "file" / "table.csv")


@pytest.mark.parametrize("name", ["table.parquet", "table.tsv", "table"])
def test_a_table_under_another_ending_is_refused(study, result, tmp_path, name, capsys):
    with pytest.raises(InputError, match=r"\.csv file; got .*table"):
        write_roi_table(points(result, [IN_ANT]), tmp_path / name)
    (tmp_path / "cells.csv").write_text("row,col\n1,2\n")
    arguments = ["lookup", str(tmp_path / "cells.csv"), "--alignment", str(study)]
    assert main([*arguments, "-o", str(tmp_path / name)]) == 1
    assert ".csv file" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_rois_that_were_read_before_are_taken(result):
    picture = result.mask("MARK").astype(np.uint8)
    table = look_up_rois(read_rois(picture), result)
    assert table["shares"].tolist() == ["MARK:1.0000"]


def test_a_result_is_told_from_other_things(result):
    for wrong in ("points.csv", None, result.labels):
        with pytest.raises(InputError, match=r"what run\(\) or BrainReg3D.load\(path\) returns"):
            look_up_rois(one_point(), wrong)
        with pytest.raises(InputError, match=r"what run\(\) or BrainReg3D.load\(path\) returns"):
            napari_layers(wrong)
