"""Rendering happens in a process of its own and never takes the user's down."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from brainreg3d import offscreen, views
from brainreg3d.atlas import Annotation, Atlas, Structure, StructureTree, select_regions
from brainreg3d.errors import RenderingUnavailable
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.state import Alignment, Image
from brainreg3d.views.cut_scene import Spectator, view_edges

pytestmark = pytest.mark.gui


@pytest.fixture
def fresh_probe():
    """Forget what was found out about this machine, before and after."""
    offscreen.working_environment.cache_clear()
    yield
    offscreen.working_environment.cache_clear()


@pytest.fixture(scope="module")
def scene():
    ids = np.zeros((16, 26, 22), dtype=np.uint16)
    ids[2:14, 2:24, 2:20] = 1
    ids[9:14, 2:24, 2:20] = 2
    ids[9:14, 14:22, 12:19] = 3
    tree = StructureTree(
        [
            Structure(1, "root", "the whole brain", (200, 200, 200)),
            Structure(2, "Green", "first region", (20, 160, 60), 1),
            Structure(3, "Pink", "on the right, anterior", (230, 60, 230), 1),
        ]
    )
    annotation = Annotation(ids, np.array([0, 1, 2, 3], np.uint32), (0.5, 0.5, 0.5))
    atlas = Atlas("toy", annotation, tree, synthetic=True)
    view = ImageView((40, 40), (0.2, 0.2), Pose((5.5, 6.5, 10.0)), Camera(100.0))
    image = Image(np.arange(1600.0).reshape(40, 40), "a", "0" * 64)
    return atlas, select_regions(atlas, ["Green", "Pink"]), Alignment(view), image


@pytest.fixture
def renderer():
    possible, reason = views.can_render_3d()
    if not possible:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI is expected to render offscreen: {reason}")
        pytest.skip(reason)


def _hue_places(picture, color):
    """Return (row, column) of pixels of the hue of a colour, whatever the light."""
    levels = picture[..., :3].astype(float)
    saturated = np.ptp(levels, axis=-1) > 60
    direction = levels - levels.mean(axis=-1, keepdims=True)
    wanted = np.asarray(color, float) - np.mean(color)
    length = np.linalg.norm(direction, axis=-1) * np.linalg.norm(wanted)
    alike = direction @ wanted > 0.96 * np.maximum(length, 1e-9)
    return np.argwhere(saturated & alike)


@pytest.mark.usefixtures("renderer")
def test_cut_shows_both_regions_on_their_sides(scene):
    atlas, regions, alignment, image = scene
    figure = views.draw_cut(atlas, regions, alignment, image=image)
    picture = np.asarray(figure.axes[0].images[0].get_array())
    green = _hue_places(picture, (20, 160, 60))
    pink = _hue_places(picture, (230, 60, 230))
    assert len(green) > 5000
    assert len(pink) > 5000
    # The spectator stands behind, so the animal's right is on the right and anterior is up.
    assert pink[:, 1].mean() > green[:, 1].mean()
    assert pink[:, 0].mean() < green[:, 0].mean()
    words = [text.get_text() for text in figure.texts]
    assert any("synthetic" in word for word in words)
    assert {"Green", "Pink"} <= set(words)


@pytest.mark.usefixtures("renderer")
def test_brighter_side_of_the_image_is_where_it_belongs(scene):
    atlas, regions, alignment, _ = scene
    half = np.zeros((40, 40))
    half[:, 20:] = 255.0
    half[::7, ::3] += 20.0
    picture = (
        views.draw_cut(atlas, regions, alignment, image=Image(half, "a", ""))
        .axes[0]
        .images[0]
        .get_array()
    )
    bare = views.draw_cut(atlas, regions, alignment).axes[0].images[0].get_array()
    darker = np.argwhere(bare.astype(int).sum(-1) - picture.astype(int).sum(-1) > 200)
    middle = _spectator(alignment).project(alignment.view.pose.center_mm)
    assert len(darker) > 1000
    assert darker[:, 1].mean() < middle[0]  # the dark half is the animal's left


def _spectator(alignment):
    edges = view_edges(alignment.view, {})
    return Spectator.facing(alignment.view, edges.reshape(-1, 3))


def test_edges_of_the_view_pass_through_the_corners_and_the_camera(scene):
    view = scene[2].view
    edges = view_edges(view, {})
    corners = view.pixel_to_plane_mm([-0.5, -0.5, 39.5, 39.5], [-0.5, 39.5, 39.5, -0.5])
    for (near, far), corner in zip(edges[:4], corners, strict=True):
        for point in (corner, view.camera_position_mm):
            offset = np.cross(point - near, far - near) / np.linalg.norm(far - near)
            assert np.linalg.norm(offset) < 1e-9


def test_nothing_works_is_an_error_with_the_reasons(scene, monkeypatch, fresh_probe):
    atlas, regions, alignment, _ = scene
    monkeypatch.setattr(offscreen, "run_program", lambda *_: "ended by SIGSEGV")
    possible, reason = views.can_render_3d()
    assert not possible
    assert "SIGSEGV" in reason
    with pytest.raises(RenderingUnavailable, match="SIGSEGV"):
        views.draw_cut(atlas, regions, alignment)


@pytest.mark.skipif(sys.platform == "win32", reason="signals end processes on POSIX only")
def test_a_crash_of_the_renderer_is_survived(monkeypatch, tmp_path, fresh_probe):
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(offscreen, "PROBE", crash)
    possible, reason = views.can_render_3d()
    assert not possible
    assert "SIGSEGV" in reason


def test_a_renderer_that_hangs_is_given_up(monkeypatch, tmp_path, fresh_probe):
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(offscreen, "PROBE", slow)
    monkeypatch.setattr(offscreen, "PROBE_SECONDS", 0.5)
    possible, reason = views.can_render_3d()
    assert not possible
    assert "within 0.5 s" in reason
