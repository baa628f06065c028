"""Contact sheets of many sessions, of few, and of none that worked."""

import numpy as np
from PIL import Image

from brainreg3d.batch.contact_sheet import TILES_ON_A_SHEET, write_contact_sheets
from brainreg3d.batch.summary import SessionOutcome


def failures(count, reason="Something was wrong with it."):
    return [SessionOutcome(f"day{n}", "failed", reason) for n in range(count)]


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def test_many_sessions_take_several_sheets_and_few_take_the_rest_away(tmp_path):
    names = ["batch_overlays.png", "batch_overlays_2.png", "batch_overlays_3.png"]
    outcomes = failures(2 * TILES_ON_A_SHEET + 1)
    assert [path.name for path in write_contact_sheets(outcomes, tmp_path)] == names
    sizes = [size_of(tmp_path / name) for name in names]
    assert sizes[0] == sizes[1]
    assert sizes[2][0] < sizes[0][0] / 4
    assert [path.name for path in write_contact_sheets(outcomes[:4], tmp_path)] == names[:1]
    assert [path.name for path in tmp_path.iterdir()] == names[:1]


def test_a_picture_stands_under_its_name_dot_for_dot(tmp_path):
    folder = tmp_path / "day0"
    folder.mkdir()
    dots = np.random.default_rng(0).integers(0, 256, (301, 517, 3), dtype=np.uint8)
    Image.fromarray(dots).save(folder / "batch_overlay.png")
    outcomes = [SessionOutcome("day0", "done"), *failures(2)]
    (path,) = write_contact_sheets(outcomes, tmp_path)
    with Image.open(path) as picture:
        sheet = np.asarray(picture.convert("RGB"))
    place = np.argwhere((sheet[:-301, :-517] == dots[0, 0]).all(axis=2))
    assert any(np.array_equal(sheet[r : r + 301, c : c + 517], dots) for r, c in place)
    assert len(write_contact_sheets(outcomes[:1], tmp_path)) == 1


def test_long_reasons_and_names_stay_inside(tmp_path):
    outcomes = [SessionOutcome("n" * 120, "failed", "word " * 400 + "w" * 300)]
    (path,) = write_contact_sheets(outcomes, tmp_path)
    with Image.open(path) as picture:
        sheet = np.asarray(picture.convert("L"))
    assert (sheet[:, -20:] == 255).all()
    assert (sheet[-20:] == 255).all()
