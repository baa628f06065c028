"""Tables of sessions as people write them, and what becomes of their cells."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from brainreg3d import BrainReg3D
from brainreg3d.batch.columns import COLUMNS
from brainreg3d.batch.run import run_batch
from brainreg3d.batch.sessions import in_order, make_sessions
from brainreg3d.batch.table import read_table
from brainreg3d.cli import main
from brainreg3d.errors import InputError, MissingFileError
from brainreg3d.steps.exporting import FORMATS
from brainreg3d.steps.methods import METHODS


def sessions_of(tmp_path, text, encoding="utf-8", **for_all):
    path = tmp_path / "sessions.csv"
    path.write_bytes(text.encode(encoding))
    return make_sessions(*read_table(path), for_all)


PLAIN = "image,image_width_mm,image_height_mm,regions\na.tif,6.25,4,VISp\nb.tif,5,3.5,\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (PLAIN, "utf-8"),
        (PLAIN.replace("\n", "\r\n") + ",,,\r\n\r\n", "utf-8-sig"),
        (PLAIN.replace(",", ";").replace("6.25", "6,25").replace("3.5", "3,5"), "utf-8-sig"),
        ("sep=;\r\n" + PLAIN.replace(",", ";"), "cp1252"),
        (PLAIN.replace(",", "\t"), "utf-16"),
        (PLAIN.replace("image_width_mm", " Image width mm ").replace("image,", "IMAGE,"), "utf-8"),
        ("\n,,,\n" + PLAIN.replace("a.tif", '"a.tif"'), "utf-8"),
        (PLAIN.replace("regions", "regions,Notes").replace("VISp", "VISp,the best one"), "utf-8"),
        (PLAIN.replace("\n", ",,\n"), "utf-8"),
        (PLAIN.replace("\n", "\r"), "utf-8"),
        ("sep=\n" + PLAIN, "utf-8"),
    ],
    ids=[
        *("plain", "excel", "semicolon", "sep", "tabs", "header", "quoted", "notes", "empty"),
        *("old Macintosh", "no hint"),
    ],
)  # fmt: skip
def test_one_table_in_many_spellings(tmp_path, text, encoding):
    one, other = sessions_of(tmp_path, text, encoding)
    assert [one.name, other.name] == ["a", "b"]
    assert [one.image, other.image] == [tmp_path / "a.tif", tmp_path / "b.tif"]
    assert dict(one.arguments) == {"image_dims_mm": (6.25, 4.0), "brain_regions": "VISp"}
    assert dict(other.arguments) == {"image_dims_mm": (5.0, 3.5)}
    assert not one.problem
    assert not other.problem


def test_umlauts_of_old_spreadsheets_are_read_with_a_warning(tmp_path, log):
    (session,) = sessions_of(tmp_path, "image,session\nmäuse/1.tif,Maus ä\n", "cp1252")
    assert session.image == tmp_path / "mäuse" / "1.tif"
    assert session.name == "Maus ä"
    assert any("Windows-1252" in message for message in log)


def test_a_frame_and_dicts_say_the_same_as_a_file(tmp_path):
    records = [
        {"image": "a.tif", "frame": 3.0, "hemisphere": math.nan, "split_hemispheres": True},
        {"image": Path("b.tif"), "frame": None, "image_dims_mm": (6, 4), "session": 7.0},
    ]
    own_gaps = pd.DataFrame(records[:1]).assign(stem=pd.NA, group=pd.NaT)
    for table in (records, iter(records), pd.DataFrame(records[:1]), own_gaps):
        rows, folder = read_table(table)
        first, *rest = make_sessions(rows, folder, {})
        assert first.image == Path.cwd() / "a.tif"
        assert dict(first.arguments) == {"frame": 3, "split_hemispheres": True}
        for second in rest:
            assert second.name == "7"
            assert dict(second.arguments) == {"image_dims_mm": (6.0, 4.0)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image,imge_width_mm\na.tif,1\n", "'imge_width_mm'.*Did you mean image_width_mm"),
        ("picture,frame\na.tif,1\n", "'picture'.*Known are session, image"),
        ("session,frame\na,1\n", "no column image"),
        ("image,frame,Frame\na,1,2\n", "the column 'Frame' twice"),
        ("image,regions\na.tif,VISp,VISl\n", "line 2 of sessions.csv has 3 cells.*2 columns"),
        ("image\n\n", "no sessions"),
        ("", "is empty"),
        ("session,image\nx,a.tif\nX,b.tif\n", "line 2.* and line 3.* are both called 'X'"),
        ("image\na.tif\na.tif\n", "both called"),
        ("session,image\n../up,a.tif\n", "cannot be the name of a folder"),
        ("session,image\ncon,a.tif\n", "cannot be the name of a folder"),
        ("session,image\nCom1.day2,a.tif\n", "cannot be the name of a folder"),
        ("session,image\nbatch_summary.csv,a.tif\n", "cannot be the name of a folder"),
        ("session,image\nGroup_m1_union.tif,a.tif\n", "cannot be the name of a folder"),
        (f"session,image\n{'脳' * 41},a.tif\n", "at most 120 bytes"),
        ("session,image\nMaus \u00e4,a.tif\nMaus a\u0308,b.tif\n", "are both called"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_meant_is_refused_before_anything_starts(tmp_path, text, expected):
    with pytest.raises(InputError, match=expected):
        sessions_of(tmp_path, text)


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="no table"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "book.csv").write_bytes(b"PK\x03\x04\0\0\0")
    with pytest.raises(MissingFileError, match="is a folder; expected a CSV file"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="no text; save the table as CSV"):
        read_table(tmp_path / "book.csv")
    with pytest.raises(InputError, match="row 1 is 3"):
        read_table([3])
    with pytest.raises(InputError, match="row 1 is 3"):
        read_table(3)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("frame=one", "frame is a whole number; got 'one'"),
        ("frame=1.5", "frame is a whole number; got '1.5'"),
        ("image_width_mm=6", "image_width_mm goes with image_height_mm"),
        ("label_depth_um=nan", "label_depth_um is a number"),
        ("split_hemispheres=maybe", "split_hemispheres is yes or no; got 'maybe'"),
        ("pixel_size_mm=0.1", "pixel_size_mm is two numbers; got '0.1'"),
        ("pixel_size_mm=0.1 0.1;pixel_width_mm=1;pixel_height_mm=1", "say the same"),
        ("alignment=a.json;landmarks=b.csv", "gives alignment and landmarks; a pose has one"),
        ("reference_frame=2", "but no reference"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_meant_is_the_problem_of_its_session_alone(cells, problem):
    row = {"image": "a.tif"} | dict(cell.split("=") for cell in cells.split(";"))
    rows, folder = read_table([row, {"image": "b.tif"}])
    bad, good = make_sessions(rows, folder, {})
    assert problem in bad.problem
    assert "row 1" in bad.problem
    assert not good.problem


def test_a_row_without_image_is_a_problem_of_its_own(tmp_path):
    bad, good, other = sessions_of(tmp_path, "image,frame\n,1\nb.tif,2\n,3\n")
    assert "line 2" in bad.problem
    assert "no image" in bad.problem
    assert good.name == "b"
    assert bad.name != other.name


def test_names_are_made_unique_by_folders():
    images = ["m1/day1/x.ome.tif", "m1/day2/x.tif", "m2/day1/x.tif", "y.tif"]
    rows, folder = read_table([{"image": image} for image in images])
    names = [session.name for session in make_sessions(rows, folder, {})]
    assert names == ["m1_day1_x", "day2_x", "m2_day1_x", "y"]


@pytest.mark.parametrize("stem", ["脳" * 80, "x" * 118 + ". .y", "..", "batch_overlays.png"])
def test_any_image_gives_a_name_that_a_folder_can_have(tmp_path, stem):
    (session,) = sessions_of(tmp_path, f"image\n{stem}.tif\n")
    (tmp_path / session.name).mkdir()  # as file systems see it
    assert (tmp_path / session.name).parent == tmp_path
    assert not session.name.startswith(".")
    again = [{"session": session.name, "image": "a.tif"}]
    assert make_sessions(*read_table(again), {})[0].name == session.name


def test_a_tilde_of_nobody_is_a_name_like_any_other(tmp_path):
    (session,) = sessions_of(tmp_path, "image,alignment\n~nobodyhere/a.tif,~nobodyhere/a.json\n")
    assert session.image == tmp_path / "~nobodyhere" / "a.tif"
    assert session.arguments["alignment"] == tmp_path / "~nobodyhere" / "a.json"


def test_folders_are_parted_as_on_windows_too(tmp_path):
    (tmp_path / "b\\odd.tif").touch()
    table = "image,alignment\nm 1\\day 1.tif,m 1\\a.json\nb\\odd.tif,\n"
    first, second = sessions_of(tmp_path, table)
    assert first.image == tmp_path / "m 1" / "day 1.tif"
    assert first.arguments["alignment"] == tmp_path / "m 1" / "a.json"
    assert second.image == tmp_path / "b\\odd.tif"


def test_what_is_given_for_all_gives_way_to_the_row(tmp_path):
    text = "image,pixel_height_mm,pixel_width_mm,alignment,atlas,method,camera_distance_mm\n"
    text += "a.tif,0.1,0.2,a.json,phantom_50um,original,parallel\nb.tif,,,,,,\n"
    own, usual = sessions_of(
        tmp_path, text, image_dims_mm=(6, 4), reference="day1.tif", atlas="phantom_25um",
        method="exact", camera_distance_mm=100.0,
    )  # fmt: skip
    assert dict(own.arguments) == {
        "pixel_size_mm": (0.1, 0.2), "alignment": tmp_path / "a.json", "atlas": "phantom_50um",
        "method": "original", "camera_distance_mm": None,
    }  # fmt: skip
    assert own.reference == ""
    assert dict(usual.arguments) == {
        "image_dims_mm": (6.0, 4.0), "atlas": "phantom_25um", "method": "exact",
        "camera_distance_mm": 100.0,
    }  # fmt: skip
    assert usual.reference == str(Path("day1.tif").absolute())


def test_references_come_first_and_circles_are_told(tmp_path):
    text = "session,image,reference\nc,3.tif,b\nb,2.tif,1.tif\na,1.tif,\nx,4.tif,y\ny,5.tif,x\n"
    text += "f,6.tif,../other/old.tif\n"
    levels = in_order(sessions_of(tmp_path, text))
    assert [{session.name for session in level} for level in levels] == [
        {"a", "f", "x", "y"}, {"b"}, {"c"},
    ]  # fmt: skip
    by_name = {session.name: session for level in levels for session in level}
    assert "goes back to itself" in by_name["x"].problem
    assert by_name["b"].reference == "a"  # by its image
    assert by_name["f"].reference == str(tmp_path / "../other/old.tif")


def test_every_column_reaches_the_registration():
    made_of = {"image", "session", "animal", "group", "reference", "reference_alignment"}
    pairs = {f"{side}_{end}" for side in ("image", "pixel") for end in ("width_mm", "height_mm")}
    pairs |= {"principal_point_row_px", "principal_point_col_px", "reference_frame", "regions"}
    for name in set(COLUMNS) - made_of - pairs:
        BrainReg3D("a.tif", **{name: None} if name != "method" else {})


def test_every_option_of_the_command_is_taken(monkeypatch):
    from brainreg3d.batch.run import _checked
    from brainreg3d.cli.batch_command import batch
    from brainreg3d.cli.options import ATLAS_OPTION_NAMES

    own = {"sessions", "output_dir", "workers", "scheduler", "check", "group_space", "help"}
    own |= {*ATLAS_OPTION_NAMES, "debug", "save_plots"}
    names = {option.name for option in batch.params} - own
    assert "regions" in names
    _checked(dict.fromkeys(names, "x"))
    assert _checked({"camera_distance_mm": None, "frame": None}) == {"camera_distance_mm": None}


@pytest.mark.parametrize("command", ["run", "batch"])
def test_the_help_lists_what_can_be_chosen(capsys, command):
    assert main([command, "--help"]) == 0
    words = set(re.findall(r"\w+", capsys.readouterr().out))
    assert words >= {*FORMATS, *METHODS, "index", "ids"}


def test_the_command_explains_a_wrong_table(tmp_path, capsys):
    path = tmp_path / "sessions.csv"
    path.write_text("image,hemisfere\na.tif,left\n")
    assert main(["batch", str(path), "--output-dir", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "Did you mean hemisphere" in told
    assert "unexpected" not in told
    assert not (tmp_path / "out").exists()


def test_unknown_arguments_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no 'hemisfere'. Did you mean hemisphere"):
        run_batch([{"image": "a.tif"}], tmp_path, hemisfere="left")
    with pytest.raises(InputError, match='verbose is "save"'):
        run_batch([{"image": "a.tif"}], tmp_path, verbose=True)
    with pytest.raises(InputError, match="group_space is one of ccf, image"):
        run_batch([{"image": "a.tif"}], tmp_path, group_space="brain")
    with pytest.raises(InputError, match="workers is a number"):
        run_batch([{"image": "a.tif"}], tmp_path, workers=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"formats": "maks"}, "no format 'maks'.*Did you mean masks"),
        ({"method": "exakt"}, "method is one of"),
        ({"hemisphere": "lefft"}, "hemisphere is one of"),
    ],
)
def test_what_is_wrong_for_all_rows_is_said_before_anything_is_written(tmp_path, given, told):
    rows = [{"image": "a.tif"}, {"image": "b.tif", "formats": "masks"}]
    with pytest.raises(InputError, match=told):
        run_batch(rows, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()
