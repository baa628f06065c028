"""Masks of groups, and the view from above in which sessions are laid on each other."""

import tracemalloc

import numpy as np
import pytest
import tifffile
from many_sessions import make_study, read_rows, write_table

from brainreg3d import BrainReg3D, Pose, load_atlas
from brainreg3d.batch import run_batch
from brainreg3d.batch.group_masks import Member, combine
from brainreg3d.batch.top_view import top_view_labels

ATLAS = "phantom_100um"


@pytest.fixture(scope="module")
def atlas():
    return load_atlas(ATLAS)


def test_counts_are_those_of_going_through_every_pixel():
    rng = np.random.default_rng(0)
    names = [("A", "B"), ("B", "C", "A"), ("C",), ("A", "D")]
    members = [
        Member(str(n), rng.integers(0, len(own) + 1, (7, 9)).astype(np.uint16), own, (1, 1), "")
        for n, own in enumerate(names)
    ]
    masks = combine(iter(members), ["D", "A", "B", "C"])
    assert masks.acronyms == ("D", "A", "B", "C")
    stacks = masks.intersections(), masks.unions(), masks.shares()
    intersection, union, share = (np.stack(list(stack)) for stack in stacks)
    for place, name in enumerate(masks.acronyms):
        for row in range(7):
            for col in range(9):
                shown = [
                    bool(m.labels[row, col]) and m.acronyms[m.labels[row, col] - 1] == name
                    for m in members
                ]
                at = (place, row, col)
                assert intersection[at] == all(shown)
                assert union[at] == any(shown)
                assert share[at] == np.float32(sum(shown) / len(members))


def test_regions_take_memory_only_where_they_are():
    """All of an atlas in all pixels of three sessions would be 120 MB, and 480 as shares."""
    rng = np.random.default_rng(0)
    names = tuple(f"R{number}" for number in range(671))
    members = [
        Member(str(n), rng.integers(0, 672, (300, 300)).astype(np.uint16), names, (1, 1), "")
        for n in range(3)
    ]
    tracemalloc.start()
    try:
        masks = combine(members, names)
        total = sum(share.sum(dtype=float) for share in masks.shares())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == pytest.approx(sum(np.count_nonzero(m.labels) for m in members) / 3)
    assert peak < 30e6


def label(atlas, pose, shape, pixel_mm, **more):
    registration = BrainReg3D(
        np.zeros(shape), pixel_size_mm=(pixel_mm, pixel_mm), alignment=pose, atlas=atlas, **more
    )
    return registration.run(until="PixelLabeller")


def test_from_straight_above_the_view_is_the_label_image_itself(atlas):
    x, y, _ = atlas.grid.box_mm
    _, n_y, n_x = atlas.grid.shape
    pose = Pose((x / 2, y / 2, 9.0))
    result = label(atlas, pose, (n_y, n_x), 0.1, camera_distance_mm=None)
    top = top_view_labels(result)
    assert top.any()
    assert np.array_equal(top, result.labels)
    # Only a part of the brain is seen, at half the pixel size and a quarter turn.
    pose = Pose((x / 2 + 1.0, y / 2, 9.0), yaw_deg=90.0)
    part = label(atlas, pose, (81, 61), 0.05, camera_distance_mm=None)
    seen = top_view_labels(part)
    rows, cols = np.nonzero(seen)
    assert np.array_equal(seen[rows, cols], top[rows, cols])
    # Turned by a quarter, 81 rows lie along x and 61 columns along y.
    wide, long = np.ptp(cols) + 1, np.ptp(rows) + 1
    assert (long, wide) == (30, 40) or (abs(long - 30) <= 1 and abs(wide - 40) <= 1)


def march_upwards(atlas, point, camera, step_mm=0.02, leave_mm=0.25):
    """Tell whether the way from a place to the camera is free, in small steps."""
    way = camera - point
    length = np.linalg.norm(way)
    along = np.arange(leave_mm, min(length, 15.0), step_mm)
    places = point + along[:, None] * way / length
    index = np.floor(places[:, ::-1] / atlas.grid.spacing_mm).astype(int)
    inside = ((index >= 0) & (index < atlas.grid.shape)).all(axis=1)
    return not atlas.annotation.index[tuple(index[inside].T)].any()


def test_a_tilted_view_shows_what_small_steps_to_the_camera_meet_free(atlas):
    pose = Pose((7.2, 7.0, 8.0), yaw_deg=12.0, pitch_deg=-15.0, roll_deg=35.0)
    result = label(atlas, pose, (60, 70), 0.09, camera_distance_mm=40.0, brain_regions="families")
    top, view = top_view_labels(result), result.alignment.view
    solid = atlas.annotation.index > 0
    rng = np.random.default_rng(0)
    n_same = n_shown = n_hidden = 0
    n_places = 1500
    for _ in range(n_places):
        ap, ml = rng.integers(top.shape[0]), rng.integers(top.shape[1])
        column = np.flatnonzero(solid[:, top.shape[0] - 1 - ap, ml])
        expected = 0
        if column.size:
            spacing = atlas.grid.spacing_mm[0]
            y_mm = (top.shape[0] - ap - 0.5) * spacing
            point = np.array([(ml + 0.5) * spacing, y_mm, (column[-1] + 1) * spacing])
            row, col = (round(float(value)) for value in view.project(point)[:2])
            if 0 <= row < 60 and 0 <= col < 70:
                free = march_upwards(atlas, point, view.camera_position_mm)
                expected = result.labels[row, col] if free else 0
                n_shown, n_hidden = n_shown + free, n_hidden + (not free)
        n_same += top[ap, ml] == expected
    assert n_shown > 200
    assert n_hidden > 5
    assert n_same / n_places > 0.985  # the rest: at the edge of being hidden


def test_groups_are_written_for_imagej(tmp_path):
    table = make_study(tmp_path / "data", 5, broken=())
    output = tmp_path / "out"
    summary = run_batch(table, output, atlas=ATLAS, workers=2)
    assert summary.is_complete
    names = [row["session"] for row in read_rows(table) if row["animal"] == "mouse0"]
    tops = [np.load(output / name / "batch_labels.npz")["top"] for name in names]
    shown = np.stack([top == 3 for top in tops])  # SSp, the third of the default regions
    assert shown.any()
    files = {what: output / f"group_mouse0_{what}.tif" for what in ("union", "share")}
    files["intersection"] = output / "group_mouse0_intersection.tif"
    assert set(files.values()) <= set(summary.files)
    for what, expected in (
        ("union", shown.any(axis=0)),
        ("intersection", shown.all(axis=0)),
        ("share", shown.mean(axis=0, dtype=np.float32)),
    ):
        with tifffile.TiffFile(files[what]) as tif:
            assert tif.imagej_metadata["Labels"][2] == "SSp"
            x_per_mm = tif.pages[0].tags["XResolution"].value
            assert x_per_mm[0] / x_per_mm[1] == pytest.approx(10.0)  # voxels of 0.1 mm
            stack = tif.asarray()
        assert stack.dtype == (np.float32 if what == "share" else np.uint8)
        np.testing.assert_allclose(stack[2], expected, atol=1e-7)
    (row,) = (
        row for row in read_rows(output / "batch_groups.csv")
        if (row["group"], row["acronym"]) == ("mouse0", "SSp")
    )  # fmt: skip
    assert float(row["union_mm2"]) == pytest.approx(0.01 * shown.any(axis=0).sum())
    assert int(row["n_sessions"]) == 3


def test_pixel_on_pixel_needs_images_that_go_together(tmp_path, log):
    table = make_study(tmp_path / "data", 4, broken=())
    rows = read_rows(table)
    rows[3]["image_width_mm"] = str(1.5 * float(rows[3]["image_width_mm"]))
    write_table(table, rows)
    output = tmp_path / "out"
    summary = run_batch(table, output, atlas=ATLAS, workers=2, group_space="image")
    assert len(summary.done) == 4
    assert not summary.is_complete
    (problem,) = summary.problems
    assert "'mouse1'" in problem
    assert "different pixel sizes" in problem
    assert problem in log
    assert not (output / "group_mouse1_union.tif").exists()
    labels = [tifffile.imread(output / name / f"{name}_labels.tif") for name in ("day00", "day02")]
    union = tifffile.imread(output / "group_mouse0_union.tif")
    assert np.array_equal(union[6], (labels[0] == 7) | (labels[1] == 7))


def test_without_groups_all_sessions_go_together(tmp_path):
    table = make_study(tmp_path / "data", 2, broken=())
    rows = [{k: v for k, v in row.items() if k != "animal"} for row in read_rows(table)]
    write_table(table, rows)
    run_batch(table, tmp_path / "out", atlas=ATLAS, workers=2)
    assert sorted(path.name for path in (tmp_path / "out").glob("group_*")) == [
        "group_all_intersection.tif", "group_all_share.tif", "group_all_union.tif",
    ]  # fmt: skip
