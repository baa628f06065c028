"""``brainreg3d transfer`` on images of the phantom and of a real brain."""

import json

import attrs
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation
from vessel_images import spoil

from brainreg3d.cli import main
from brainreg3d.geometry import ImageView, Pose
from brainreg3d.io.alignment import read_alignment
from brainreg3d.io.images import load_image
from brainreg3d.sources import phantom
from brainreg3d.views import draw_blink, draw_checkerboard

OLD_VIEW = attrs.evolve(phantom.demo_view(), shape=(240, 280), pixel_size_mm=(0.033, 0.033))


@pytest.fixture(scope="module")
def atlas():
    return phantom.make_phantom_atlas(50)


def moved(view, turn_deg, scale, shift_mm):
    """Return a view that is turned, scaled and shifted within its plane."""
    turn = view.pose.rotation * Rotation.from_euler("z", turn_deg, degrees=True)
    down, along = shift_mm
    center = np.array(view.pose.center_mm) + down * view.pose.row_axis + along * view.pose.col_axis
    size = tuple(scale * size for size in view.pixel_size_mm)
    pose = Pose(tuple(center), *turn.as_euler("ZXY", degrees=True))
    return attrs.evolve(view, pose=pose, pixel_size_mm=size)


def save_alignment(path, view, **more):
    content = {
        "schema": "brainreg3d/alignment/1",
        "image": {"shape": view.shape, "pixel_size_mm": view.pixel_size_mm},
        "pose": attrs.asdict(view.pose),
        "camera": {"distance_mm": view.camera.distance_mm},
        **more,
    }
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def study(atlas, tmp_path_factory):
    """A folder with an old image, its alignment, and a new image whose place is known."""
    folder = tmp_path_factory.mktemp("study")
    old = phantom.render_phantom_image(atlas, OLD_VIEW, seed=3)
    view = moved(OLD_VIEW, -9.0, 1.04, (0.5, -0.7))
    new = phantom.render_phantom_image(atlas, view, seed=3)
    tifffile.imwrite(folder / "day1.tif", old)
    tifffile.imwrite(folder / "day2.tif", spoil(new / 30_000, 1))
    other = phantom.render_phantom_image(atlas, OLD_VIEW, seed=4)
    tifffile.imwrite(folder / "other.tif", other)
    record = {"name": "allen_mouse", "resolution_um": 25, "annotation_sha256": "f" * 64}
    save_alignment(folder / "day1.json", OLD_VIEW, atlas=record, bregma="wfield")
    return folder, view


def run(folder, image, output, *more, reference="day1.tif", alignment="day1.json"):
    words = [
        "transfer", folder / image, "--from", folder / alignment,
        "--reference", folder / reference, "-o", output, *more,
    ]  # fmt: skip
    return main([str(word) for word in words])


def farthest_mm(view, true):
    """Return the largest distance between where two views see the corners of one image."""
    rows, cols = np.array([0, 0, 1, 1]) * true.shape[0], np.array([0, 1, 0, 1]) * true.shape[1]
    gap = view.pixel_to_plane_mm(rows, cols) - true.pixel_to_plane_mm(rows, cols)
    return float(np.linalg.norm(gap, axis=1).max())


def view_of(path):
    record = read_alignment(path)
    return ImageView(record.image_shape, record.pixel_size_mm, record.pose, record.camera)


def test_a_new_image_of_the_phantom(study, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("brainreg3d.sources.load_atlas", None)  # nothing needs the atlas
    folder, true = study
    output = tmp_path / "results" / "day2_alignment.json"
    assert run(folder, "day2.tif", output) == 0
    view = view_of(output)
    assert farthest_mm(view, true) < 2 * 0.033
    assert np.allclose(view.pose.view_axis, true.pose.view_axis)
    assert view.pixel_size_mm == pytest.approx(true.pixel_size_mm, rel=0.005)
    assert view.camera == OLD_VIEW.camera
    content = json.loads(output.read_text())
    assert content["atlas"]["name"] == "allen_mouse"
    assert content["bregma"] == "wfield"
    assert content["image"]["file"] == "day2.tif"
    assert content["history"][-1]["reference"] == "day1.tif"
    said = capsys.readouterr()
    assert "Quality: 0." in said.out
    assert "counter-clockwise, scaled by 1.04" in said.out
    assert not said.err
    with PillowImage.open(output.with_name("day2_transfer.gif")) as blink:
        assert blink.n_frames == 2
        frames = [np.array(blink.convert("L"))]
        blink.seek(1)
        frames.append(np.array(blink.convert("L")))
        assert blink.info["duration"] > 200
        assert blink.info["loop"] == 0
    assert (frames[0] != frames[1]).mean() > 0.2
    with PillowImage.open(output.with_name("day2_transfer_checkerboard.png")) as board:
        assert board.format == "PNG"
        assert min(board.size) > 600
    written = {path.name: path.read_bytes() for path in output.parent.iterdir()}
    assert len(written) == 3
    assert run(folder, "day2.tif", output) == 0
    assert {path.name: path.read_bytes() for path in output.parent.iterdir()} == written
    # Another alignment of the same image has pictures of its own.
    assert run(folder, "day2.tif", output.with_name("again.json")) == 0
    more = {path.name: path.read_bytes() for path in output.parent.iterdir()}
    assert set(more) - set(written) == {
        "again.json", "again_transfer.gif", "again_transfer_checkerboard.png"
    }  # fmt: skip
    assert more | written == more


def test_an_image_lies_where_it_lies_itself(study, tmp_path, capsys):
    folder, _ = study
    output = tmp_path / "day1_alignment.json"
    assert run(folder, "day1.tif", output) == 0
    assert farthest_mm(view_of(output), OLD_VIEW) < 0.1 * 0.033
    said = capsys.readouterr().out
    turn = float(said.split("turned by ")[1].split("°")[0])
    assert abs(turn) < 0.05
    assert "-0.00°" not in said
    assert "-0.000 mm" not in said


def test_another_animal_is_refused(study, tmp_path, capsys):
    folder, _ = study
    output = tmp_path / "a.json"
    output.write_text("mine")
    assert run(folder, "other.tif", output) == 1
    said = capsys.readouterr().err
    assert "other.tif" in said
    assert "brainreg3d align" in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert output.read_text() == "mine"


@pytest.mark.parametrize("flip", [False, True])
def test_a_new_image_of_a_real_brain(widefield_dir, tmp_path, capsys, flip):
    image = tifffile.imread(widefield_dir / "sample_image.tif")
    turn = np.deg2rad(12)
    linear = 0.97 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = (np.array(image.shape) - 1) / 2
    shift = middle + np.array((12, -20)) - linear @ middle
    new = affine_transform(image.astype(float), linear, shift, order=1)
    new = spoil(new / 65535, 2)
    tifffile.imwrite(tmp_path / "new.tif", new[:, ::-1] if flip else new)
    output = tmp_path / "new_alignment.json"
    for name in ("sample_image.tif", "sample_image_alignment.json"):
        (tmp_path / name).write_bytes((widefield_dir / name).read_bytes())
    words = {"reference": "sample_image.tif", "alignment": "sample_image_alignment.json"}
    assert run(tmp_path, "new.tif", output, **words) == 0
    old, view = view_of(tmp_path / "sample_image_alignment.json"), view_of(output)
    for row, col in ((0, 0), (0, 399), (250, 0), (250, 399), (100, 200)):
        # Its pixels are 2 % wider than high: what is a turn of the picture turns the plane.
        there = linear @ (row, col) + shift
        shown = (row, 399 - col) if flip else (row, col)
        gap = view.pixel_to_plane_mm(*shown) - old.pixel_to_plane_mm(*there)
        assert np.linalg.norm(gap) < 3 * 0.013
    assert view.pose.mirrored == flip
    assert ("mirrored" in capsys.readouterr().err) == flip


def test_pixel_sizes_and_earlier_files(study, tmp_path, capsys):
    folder, true = study
    output = tmp_path / "a.json"
    save_alignment(output, OLD_VIEW)
    before = output.read_bytes()
    assert run(folder, "day2.tif", output, "--image-dims-mm", 9.24, 7.92) == 0
    said = capsys.readouterr().err
    assert "0.033 x 0.033" in said  # what was given, 4 % off
    assert "a_1.json" in said
    assert (tmp_path / "a_1.json").read_bytes() == before
    assert view_of(output).pixel_size_mm == pytest.approx(true.pixel_size_mm, rel=0.005)


@pytest.mark.parametrize("name", ["day1.json", "day1.tif", "day2.tif"])
def test_no_input_is_written_over(study, name, capsys):
    folder, _ = study
    before = (folder / name).read_bytes()
    assert run(folder, "day2.tif", folder / name) == 1
    assert (folder / name).read_bytes() == before
    assert name in capsys.readouterr().err


def test_what_is_missing_is_said(study, tmp_path, capsys):
    folder, _ = study
    assert main(["transfer", str(folder / "day2.tif"), "-o", "a.json"]) == 2
    assert "--from" in capsys.readouterr().err
    assert run(folder, "day2.tif", tmp_path / "a.json", reference="nowhere.tif") == 1
    assert "nowhere.tif" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_pictures_show_vessels_where_they_lie(study):
    folder, view = study
    old, new = load_image(folder / "day1.tif"), load_image(folder / "day2.tif")
    inner = np.s_[60:180, 70:210]

    def shown(figure):
        return np.ma.filled(figure.axes[0].images[0].get_array(), 0.0)

    before, after = (shown(figure) for figure in draw_blink(old, OLD_VIEW, new, view))
    wrong = shown(draw_blink(old, OLD_VIEW, new, moved(view, 0, 1, (0.3, 0.3)))[1])
    agree, differ = (
        np.corrcoef(before[inner].ravel(), picture[inner].ravel())[0, 1]
        for picture in (after, wrong)
    )
    assert agree > 0.8
    assert differ < agree - 0.3
    board = shown(draw_checkerboard(old, OLD_VIEW, new, view))
    grey = (board.std(axis=-1) < 1e-9) & (board[..., 0] > 0)  # black squares have no colour
    assert np.allclose(board[grey][:, 0], before[grey])
    assert 0.35 < grey[inner].mean() < 0.65
