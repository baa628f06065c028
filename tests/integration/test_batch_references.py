"""Sessions that take their pose from an earlier one, in the same table or elsewhere."""

import csv
import json

import attrs
import numpy as np
import pytest
import tifffile
from vessel_images import SHAPE, draw, similarity, spoil, tree

from brainreg3d.batch import run_batch
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.io.alignment import read_alignment

ATLAS = "phantom_100um"
OLD = ImageView(SHAPE, (0.03, 0.03), Pose((6.6, 7.2, 8.0), 5.0, -4.0, 11.0), Camera(230.0))
MOVED = {"day2": similarity(6.0, 1.02, (5.0, -8.0)), "day3": similarity(-9.0, 0.99, (-7.0, 4.0))}


def save_alignment(path):
    content = {
        "schema": "brainreg3d/alignment/1",
        "image": {"pixel_size_mm": OLD.pixel_size_mm, "file": "day1.tif"},
        "pose": attrs.asdict(OLD.pose),
    }
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of one animal on three days, and of another one."""
    folder = tmp_path_factory.mktemp("animal")
    tifffile.imwrite(folder / "day1.tif", spoil(draw(tree(0)), 1))
    for number, (name, matrix) in enumerate(MOVED.items(), 2):
        tifffile.imwrite(folder / f"{name}.tif", spoil(draw(tree(0), matrix), number))
    tifffile.imwrite(folder / "other.tif", spoil(draw(tree(9)), 7))
    save_alignment(folder / "placed.json")
    return folder


def run(folder, output, rows):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    path = folder / "sessions.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return run_batch(path, output, atlas=ATLAS, workers=2)


def farthest_px(output, name):
    """Return how far an image lies from its true place, in pixels, at the worst corner."""
    record = read_alignment(output / name / f"{name}_alignment.json")
    view = ImageView(record.image_shape, record.pixel_size_mm, record.pose, record.camera)
    height, width = SHAPE
    rows, cols = np.array([0, 0, height - 1, height - 1]), np.array([0, width - 1, 0, width - 1])
    old_rows, old_cols = MOVED[name] @ np.stack([rows, cols, np.ones(4)])
    gap = view.pixel_to_plane_mm(rows, cols) - OLD.pixel_to_plane_mm(old_rows, old_cols)
    return float(np.linalg.norm(gap, axis=1).max()) / OLD.pixel_size_mm[0]


def test_the_pose_goes_from_session_to_session(folder, tmp_path):
    rows = [
        {"image": "day3.tif", "reference": "day2"},  # which comes later, and has one of its own
        {"image": "day2.tif", "reference": "day1.tif"},
        {"image": "day1.tif", "alignment": "placed.json"},
        {"image": "other.tif", "reference": "day1"},
    ]
    summary = run(folder, tmp_path, rows)
    assert set(summary.done) == {"day1", "day2", "day3"}
    assert "is not found on the old one" in summary.reasons["other"]
    assert farthest_px(tmp_path, "day2") < 1.0
    assert farthest_px(tmp_path, "day3") < 1.5
    again = run(folder, tmp_path, rows)
    assert set(again.kept) == {"day1", "day2", "day3"}
    assert list(again.table["pose_from"]) == ["transfer", "transfer", "file", ""]


def test_what_a_session_refers_to_may_lie_elsewhere(folder, tmp_path):
    rows = [
        {"image": "day2.tif", "reference": "placed.json"},  # says of which image it is
        {"image": "day3.tif", "reference": "day1.tif", "reference_alignment": "placed.json"},
    ]
    summary = run(folder, tmp_path, rows)
    assert set(summary.done) == {"day2", "day3"}
    assert max(farthest_px(tmp_path, name) for name in MOVED) < 1.0


def test_what_refers_to_a_failed_session_fails_and_says_so(folder, tmp_path):
    rows = [
        {"image": "day1.tif"},
        {"image": "day2.tif", "reference": "day1"},
        {"image": "day3.tif", "reference": "day3"},
        {"session": "lost", "image": "day3.tif", "reference": "nowhere.tif"},
    ]
    reasons = run(folder, tmp_path, rows).reasons
    assert "It has no pose" in reasons["day1"]
    assert "the session 'day1', is not done" in reasons["day2"]
    assert "goes back to itself" in reasons["day3"]
    assert "is not there: " in reasons["lost"]
