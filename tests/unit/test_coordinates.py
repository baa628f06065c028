"""Pixels, the CCF and stereotaxic coordinates: there and back, and against hand-made numbers."""

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_brain import BOX_MM, SPACING_MM, make_volume

from brainreg3d import BrainReg3D, Pose
from brainreg3d.atlas import (
    BREGMA_PRESETS,
    BregmaPreset,
    ccf_to_stereotaxic,
    find_bregma,
    stereotaxic_to_ccf,
)
from brainreg3d.coordinates import ccf_to_pixel, pixel_to_ccf
from brainreg3d.errors import BrainReg3DError, InputError
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.result import NotComputed, Result
from brainreg3d.state import Alignment, State

TILTED = Pose((2.1, 3.4, 3.6), 12.0, -8.0, 16.0, mirrored=True)
VIEWS = {
    "from above": ImageView((40, 30), (0.15, 0.1), Pose((2.0, 3.6, 3.5)), Camera(30.0)),
    "tilted": ImageView((40, 30), (0.15, 0.1), TILTED, Camera(20.0, (12, 21))),
    "parallel": ImageView((40, 30), (0.15, 0.1), TILTED, Camera(None)),
}


@pytest.fixture(params=VIEWS)
def view(request):
    return VIEWS[request.param]


@pytest.fixture
def result(tiny_atlas, view):
    return Result(State(atlas=tiny_atlas, alignment=Alignment(view, bregma="wfield")))


def every_position(view, step=0.7):
    rows, cols = np.mgrid[-3 : view.shape[0] + 3 : step, -3 : view.shape[1] + 3 : step]
    return rows.ravel(), cols.ravel()


def first_tissue_mm(view, row, col, step_mm=0.002):
    """March along a ray that is made from the definition of a pose; None off the brain."""
    turn = view.pose.rotation.as_matrix()
    right, down = turn[:, 0] * (-1 if view.pose.mirrored else 1), -turn[:, 1]
    height, width = view.shape
    place = (
        np.array(view.pose.center_mm)
        + (col - (width - 1) / 2) * view.pixel_size_mm[1] * right
        + (row - (height - 1) / 2) * view.pixel_size_mm[0] * down
    )
    ahead = -turn[:, 2]
    if view.camera.distance_mm is not None:
        axis_row, axis_col = view.camera.principal_point_px or ((height - 1) / 2, (width - 1) / 2)
        foot = (
            np.array(view.pose.center_mm)
            + (axis_col - (width - 1) / 2) * view.pixel_size_mm[1] * right
            + (axis_row - (height - 1) / 2) * view.pixel_size_mm[0] * down
        )
        ahead = place - (foot - view.camera.distance_mm * ahead)
        ahead = ahead / np.linalg.norm(ahead)
    points = place + np.arange(-8, 8, step_mm)[:, None] * ahead
    volume = make_volume()
    voxels = np.floor(points[:, ::-1] / SPACING_MM).astype(int)
    inside = np.all((voxels >= 0) & (voxels < volume.shape), axis=1)
    met = np.flatnonzero(volume[tuple(np.where(inside[:, None], voxels, 0).T)] * inside)
    return points[met[0]] if met.size else None


def test_the_tissue_seen_is_what_a_slow_march_meets(result, view):
    rows, cols = every_position(view, step=3.7)
    found = result.pixel_to_ccf(rows, cols)
    assert found.shape == (rows.size, 3)
    seen = 0
    for row, col, (ap, dv, ml) in zip(rows, cols, found, strict=True):
        expected = first_tissue_mm(view, row, col)
        if expected is None or np.isnan(ap):
            # A ray that grazes a corner may miss it in steps, never the other way round.
            assert expected is None
            continue
        seen += 1
        point = np.array([ml, BOX_MM[1] * 1000 - ap, BOX_MM[2] * 1000 - dv]) / 1000
        assert np.linalg.norm(point - expected) < 0.01
    assert 20 < seen < rows.size


def test_pixel_to_ccf_and_back(result, view):
    rows, cols = every_position(view)
    points = result.pixel_to_ccf(rows, cols)
    hit = ~np.isnan(points[:, 0])
    assert 100 < hit.sum() < hit.size
    back = result.ccf_to_pixel(points)
    assert np.abs(back[hit] - np.stack([rows, cols], axis=1)[hit]).max() < 1e-6
    assert np.isnan(back[~hit]).all()


def test_pixels_with_a_depth_are_those_with_a_point(tiny_atlas, tmp_path):
    """Whole pixel positions meet what the labels of a run are made of."""
    pose = Pose((2.1, 3.4, 3.6), 12.0, -8.0, 16.0)
    result = BrainReg3D(
        np.zeros((30, 24)), atlas=tiny_atlas, alignment=pose, pixel_size_mm=(0.2, 0.2),
        camera_distance_mm=25, brain_regions=["ANT", "POST"], output_dir=tmp_path,
    ).run()  # fmt: skip
    rows, cols = np.indices((30, 24))
    points = result.pixel_to_ccf(rows, cols)
    assert points.shape == (30, 24, 3)
    assert np.array_equal(np.isnan(points[..., 0]), np.isnan(result.depth_mm))
    right = points[..., 2] > BOX_MM[0] * 500
    seen = result.hemisphere > 0
    assert np.array_equal(right[seen], (result.hemisphere == 2)[seen])


def test_stereotaxic_pixels_use_the_bregma_of_the_alignment(result):
    rows, cols = [18.25, 20.5], [14.0, 16.75]
    plain = result.pixel_to_stereotaxic(rows, cols)
    ap, dv, ml = result.pixel_to_ccf(rows, cols).T
    # wfield: AP 5400, DV 0, ML 5700, neither tilted nor scaled
    assert np.allclose(plain, np.stack([ml - 5700, 5400 - ap, 0 - dv], axis=1) / 1000)
    for bregma in (None, "community", find_bregma("trajectory_explorer")):
        there = result.pixel_to_stereotaxic(rows, cols, bregma)
        assert np.allclose(result.stereotaxic_to_pixel(there, bregma), [*zip(rows, cols)])  # noqa: B905
    tilted = result.pixel_to_stereotaxic(rows, cols, "community")
    assert not np.allclose(plain, tilted, atol=0.05)


def test_a_single_position(result):
    point = result.pixel_to_ccf(20, 15)
    assert point.shape == (3,)
    assert np.allclose(result.ccf_to_pixel(point), (20, 15), atol=1e-6)


def test_rows_and_columns_are_broadcast(result):
    grid = result.pixel_to_ccf(np.arange(15, 18)[:, None], np.arange(12, 16))
    assert grid.shape == (3, 4, 3)
    assert np.array_equal(grid[1, 2], result.pixel_to_ccf(16, 14))


def test_what_is_no_position_sees_nothing(result):
    with np.errstate(all="raise"):
        points = result.pixel_to_ccf([np.nan, 20, np.inf, 20], [15, np.nan, 15, 15])
    assert np.isnan(points[:3]).all()
    assert np.isfinite(points[3]).all()
    assert result.pixel_to_ccf([], []).shape == (0, 3)


def test_points_behind_the_camera_have_no_pixel():
    view = VIEWS["from above"]
    above_camera = [[3600, (4.0 - 3.5 - 31) * 1000, 2000], [3600, (4.0 - 3.5 - 29) * 1000, 2000]]
    behind, before = ccf_to_pixel(view, BOX_MM, above_camera)
    assert np.isnan(behind).all()
    assert np.isfinite(before).all()


def test_hand_made_numbers(tiny_atlas):
    """The flat top of the tiny brain lies 0.5 mm below the top of its box."""
    view = ImageView((11, 11), (0.1, 0.2), Pose((2.0, 3.6, 4.0)), Camera(None))
    ap, dv, ml = pixel_to_ccf(view, tiny_atlas.annotation, 7, 4.5)
    assert (round(ml, 6), round(ap, 6)) == (2000 - 100, 3600 + 200)
    assert round(dv, 6) == 500


def test_the_marker_of_the_phantom_is_on_the_right():
    from brainreg3d import load_atlas
    from brainreg3d.sources.phantom import MARKER_CENTER_MM, MARKER_ID, demo_view

    atlas = load_atlas("phantom_100um")
    view = demo_view()
    rows, cols = np.indices(view.shape)[:, ::2, ::2]
    points = pixel_to_ccf(view, atlas.annotation, rows, cols)
    hit = ~np.isnan(points[..., 0])
    ap, dv, ml = points[hit].T
    # A hair deeper than the face through which the ray enters.
    inside = np.stack([ml / 1000, 13.2 - ap / 1000, 8.0 - dv / 1000], axis=1)
    inside += 1e-10 * (inside - view.camera_position_mm)
    voxels = atlas.grid.voxel_indices(inside)
    ids = atlas.annotation.ids[atlas.annotation.index[tuple(voxels.T)]]
    assert np.all(ids != 0), "whatever is seen is tissue"
    marker = points[hit][ids == MARKER_ID]
    assert len(marker) > 10
    assert np.all(marker[:, 2] > 5700)
    center_ml = MARKER_CENTER_MM[0] * 1000
    assert np.abs(marker[:, 2] - center_ml).max() < 1000


@pytest.mark.real_data
def test_the_real_brain_there_and_back(real_atlas):
    view = ImageView((251, 400), (0.0159, 0.0156), Pose((7.6, 8.0, 8.2), 0, 0, 20.0), Camera(230.0))
    generator = np.random.default_rng(3)
    rows, cols = generator.uniform(0, 250, 400), generator.uniform(0, 399, 400)
    points = pixel_to_ccf(view, real_atlas.annotation, rows, cols)
    hit = ~np.isnan(points[:, 0])
    assert hit.sum() > 300
    back = ccf_to_pixel(view, real_atlas.grid.box_mm, points)
    assert np.abs(back - np.stack([rows, cols], axis=1))[hit].max() < 1e-6
    assert np.median(points[hit][:, 2]) > 6700, "an image over the right half"


def test_a_reopened_run_has_coordinates_too(tiny, tmp_path):
    import tifffile

    from brainreg3d import LocalTemplateSource, load_registration_result

    tifffile.imwrite(tmp_path / "mouse.tif", np.arange(20 * 24, dtype=np.uint16).reshape(20, 24))
    tiny.source(tmp_path)
    source = LocalTemplateSource(
        annotation=tmp_path / "labels.nrrd", structures=tmp_path / "structures.json"
    )
    first = BrainReg3D(
        tmp_path / "mouse.tif", template_source=source, alignment=TILTED, bregma="community",
        pixel_size_mm=(0.2, 0.2), brain_regions=["ANT", "POST"],
    ).run()  # fmt: skip
    again = load_registration_result(tmp_path / "mouse_run.json")
    rows, cols = np.random.default_rng(1).uniform(4, 16, (2, 30))
    found = again.pixel_to_stereotaxic(rows, cols)
    assert np.isfinite(found).any()
    assert np.array_equal(found, first.pixel_to_stereotaxic(rows, cols), equal_nan=True)


def test_what_was_not_placed_has_no_coordinates(tiny_atlas):
    result = Result(State(atlas=tiny_atlas))
    for call in (
        lambda: result.pixel_to_ccf(1, 1),
        lambda: result.ccf_to_pixel([1, 1, 1]),
        lambda: result.pixel_to_stereotaxic(1, 1),
        lambda: result.stereotaxic_to_pixel([1, 1, 1]),
    ):
        with pytest.raises(NotComputed, match=r"run\(\)"):
            call()


@pytest.mark.parametrize("wrong", [[1, 2], "abc", [[1, 2, 3, 4]], 5, [], None])
def test_points_of_nonsense_are_refused(result, wrong):
    for convert in (result.ccf_to_pixel, result.stereotaxic_to_pixel, ccf_to_stereotaxic):
        with pytest.raises(InputError, match="Points are"):
            convert(wrong)


def test_positions_that_do_not_go_together_are_refused(result):
    with pytest.raises(InputError, match="rows and columns"):
        result.pixel_to_ccf([1, 2, 3], [1, 2])
    with pytest.raises(BrainReg3DError, match="rows and columns"):
        result.pixel_to_ccf("a", "b")


# Bregma ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BREGMA_PRESETS)
@settings(max_examples=20)
@given(point=st.tuples(*[st.floats(-20000, 20000)] * 3))
def test_ccf_to_stereotaxic_and_back(name, point):
    there = ccf_to_stereotaxic(point, name)
    assert np.allclose(stereotaxic_to_ccf(there, name), point, atol=1e-6)
    assert np.allclose(ccf_to_stereotaxic([point, point], name), [there, there])


@pytest.mark.parametrize("name", BREGMA_PRESETS)
@pytest.mark.parametrize("box", [(11.4, 13.2, 8.0), (20.0, 30.0, 15.0)])
def test_the_way_over_the_atlas_frame_is_the_same(name, box):
    """Of two ways to the same numbers one goes through the box, the other does not."""
    from brainreg3d.geometry import ccf_um_to_atlas_mm

    points = np.random.default_rng(5).uniform(0, 12000, (40, 3))
    over_box = find_bregma(name).from_atlas_mm(ccf_um_to_atlas_mm(points, box), box)
    assert np.allclose(ccf_to_stereotaxic(points, name), over_box)


@pytest.mark.parametrize(
    ("name", "ccf_um", "ml_ap_dv_mm"),
    [
        # 2 mm to the right of bregma, 2.5 mm behind it, half a millimetre below it
        ("ibl", (7900, 832, 7739), (2.0, -2.5, -0.5)),
        ("wfield", (3400, 1000, 4700), (-1.0, 2.0, -1.0)),
        ("cortexlab", (5400, 0, 5700), (0.0, 0.0, 0.0)),
        ("brainreg3d_original", (5699.5, 440, 6700), (1.0, 0.0, 0.0)),
        # 1 mm in front of bregma goes up by sin 5 deg and keeps cos 5 deg; then DV is scaled
        ("community", (4400, 440, 5700), (0.0, 0.99619470, 0.9434 * 0.08715574)),
        # 1 mm below bregma comes forward by sin 5 deg; AP, DV and ML have factors of their own
        ("trajectory_explorer", (5200, 1440, 6705),
         (0.952, 1.031 * 0.08715574, -0.885 * 0.99619470)),
    ],
)  # fmt: skip
def test_stereotaxic_numbers_made_by_hand(name, ccf_um, ml_ap_dv_mm):
    assert np.allclose(ccf_to_stereotaxic(ccf_um, name), ml_ap_dv_mm, atol=1e-7)
    assert np.allclose(stereotaxic_to_ccf(ml_ap_dv_mm, bregma=name), ccf_um, atol=1e-3)


def test_the_default_bregma_is_ibl():
    assert np.allclose(stereotaxic_to_ccf([0, 0, 0]), (5400, 332, 5739))


def test_a_bregma_of_ones_own():
    mine = BregmaPreset("mine", (5000.0, 100.0, 5700.0), tilt_deg=0.0, scale=(1.0, 1.0, 2.0))
    assert np.allclose(ccf_to_stereotaxic((4000, 100, 6700), mine), (2.0, 1.0, 0.0))
    steeper = attrs.evolve(mine, tilt_deg=90.0)  # the nose straight up
    assert np.allclose(ccf_to_stereotaxic((4000, 100, 5700), steeper), (0.0, 0.0, 1.0))


def test_an_unknown_bregma_is_refused(result):
    with pytest.raises(InputError, match="Did you mean community"):
        result.pixel_to_stereotaxic(20, 15, "comunity")
