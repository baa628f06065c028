import json

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainreg3d.errors import AlignmentError, MissingFileError, OutputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.io.alignment import parse_alignment, read_alignment, write_alignment
from brainreg3d.state import Alignment, Image

numbers = st.floats(-1e3, 1e3)
poses = st.builds(
    Pose, st.tuples(numbers, numbers, numbers), numbers, numbers, numbers, st.booleans()
)
cameras = st.builds(Camera, st.none() | st.floats(1, 1e4), st.none() | st.tuples(numbers, numbers))
sizes = st.tuples(st.floats(1e-4, 1), st.floats(1e-4, 1))


@given(poses, cameras, sizes)
def test_every_number_comes_back_exactly(tiny_atlas, tmp_path_factory, pose, camera, size):
    folder = tmp_path_factory.getbasetemp()
    view = ImageView((3, 4), size, pose, camera)
    image = Image(np.zeros((3, 4)), "mouse", "abc", folder / "mouse.tif", None, 2)
    extra = {"history": [{"window": "desktop"}], "uncertainty": {"yaw_deg": 1.5}}
    path = folder / "a_alignment.json"
    write_alignment(path, Alignment(view, "wfield", extra=extra), image, tiny_atlas)
    found = read_alignment(path)
    assert found.pose == pose
    assert found.camera == camera
    assert found.pixel_size_mm == size
    assert found.image_shape == (3, 4)
    assert found.image_sha256 == "abc"
    assert found.bregma == "wfield"
    assert dict(found.extra) == extra
    stored = json.loads(path.read_text())
    assert stored["image"]["file"] == "mouse.tif"
    assert stored["image"]["frame"] == 2


def test_the_example_of_the_design():
    content = json.loads("""
    {"schema": "brainreg3d/alignment/1",
     "image": {"shape": [251, 400], "pixel_size_mm": [0.0159, 0.0156], "sha256": "…"},
     "pose": {"center_mm": [7.6, 8.0, 8.2], "yaw_deg": 0, "pitch_deg": 0, "roll_deg": 0,
              "mirrored": false},
     "camera": {"distance_mm": 230.0},
     "atlas": {"name": "allen_mouse", "resolution_um": 25, "annotation_sha256": "…"},
     "bregma": "ibl", "brainreg3d": "0.1.0"}""")
    found = parse_alignment(content)
    assert found.pose == Pose((7.6, 8.0, 8.2))
    assert found.camera == Camera(230.0)
    assert found.pixel_size_mm == (0.0159, 0.0156)
    assert found.image_shape == (251, 400)


def test_only_schema_and_pose_are_needed():
    content = {"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [1, 2, 3]}}
    found = parse_alignment(content)
    assert found == attrs.evolve(found, pose=Pose((1, 2, 3)), camera=None, pixel_size_mm=None)


def test_null_distance_means_parallel_and_nothing_means_not_given():
    base = {"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [1, 2, 3]}}
    assert parse_alignment(base).camera is None
    assert parse_alignment(base | {"camera": {"distance_mm": None}}).camera == Camera(None)


def test_the_sample_alignment(widefield_dir):
    found = read_alignment(widefield_dir / "sample_image_alignment.json")
    assert found.pose.yaw_deg == 92.9
    assert found.pixel_size_mm == (0.013386, 0.013125)


def test_text_with_a_byte_order_mark(tmp_path):
    """As Windows editors leave it."""
    content = {"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [1, 2, 3]}}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8-sig")
    assert read_alignment(tmp_path / "a.json").pose == Pose((1, 2, 3))


def test_latin_1_text_is_a_clear_error(tmp_path):
    (tmp_path / "a.json").write_bytes('{"schema": "µ"}'.encode("latin-1"))
    with pytest.raises(AlignmentError, match=r"a\.json"):
        read_alignment(tmp_path / "a.json")


def test_keys_named_twice_are_noticed(tmp_path):
    """JSON lets the last one win silently; a hand-edited file may hold two yaws."""
    text = (
        '{"schema": "brainreg3d/alignment/1", '
        '"pose": {"center_mm": [1, 2, 3], "yaw_deg": 5, "yaw_deg": 90}}'
    )
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(AlignmentError, match="yaw_deg"):
        read_alignment(tmp_path / "a.json")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    "where", ['"uncertainty": {"yaw_deg": %s}', '"landmarks": [[1, %s]]', '"history": %s']
)
def test_what_is_no_number_is_refused_before_the_run(tmp_path, constant, where):
    text = '{"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [1, 2, 3]}, %s}'
    (tmp_path / "a.json").write_text(text % (where % constant))
    with pytest.raises(AlignmentError, match=rf"a\.json.*{constant}.*null"):
        read_alignment(tmp_path / "a.json")


@pytest.mark.parametrize(
    "atlas",
    [
        {"name": 5}, {"annotation_sha256": 5}, {"resolution_um": "fine"}, {"resolution_um": 0},
        {"resolution_um": [10, 20]}, {"resolution_um": [10, 20, -5]},
        {"resolution_um": [[1, 2, 3]]}, {"resolution_um": [[1], [2], [3]]},
        {"resolution_um": [[25]]},
    ],
    ids=str,
)  # fmt: skip
def test_an_atlas_that_is_none_is_refused(atlas):
    base = {"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [1, 2, 3]}}
    with pytest.raises(AlignmentError, match=f'"{next(iter(atlas))}" of "atlas" is'):
        parse_alignment(base | {"atlas": atlas})
    with pytest.raises(AlignmentError, match="positive number, or a list of three"):
        parse_alignment(base | {"atlas": {"name": "rat", "resolution_um": 0}})
    usual = {"name": "rat", "resolution_um": [10, 20, 5.5], "annotation_sha256": ""}
    assert parse_alignment(base | {"atlas": usual}).atlas == usual


def test_missing_and_unwritable(tiny_atlas, tmp_path):
    with pytest.raises(MissingFileError):
        read_alignment(tmp_path / "gone.json")
    with pytest.raises(MissingFileError):
        read_alignment(tmp_path)
    view = ImageView((3, 4), (0.1, 0.1), Pose((1, 2, 3)))
    (tmp_path / "file").write_text("x")
    target = tmp_path / "file" / "a.json"
    with pytest.raises(OutputError):
        write_alignment(target, Alignment(view), Image(np.zeros((3, 4)), "m", "a"), tiny_atlas)
