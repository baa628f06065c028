"""Carrying a pose from an old image to a new one, and what TransferAligner says of it."""

import pickle

import attrs
import numpy as np
import pytest

from brainreg3d.errors import AlignmentError, InputError, MatchNotTrusted, MissingFileError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.io.alignment import AlignmentFile, alignment_content, parse_alignment
from brainreg3d.io.fingerprint import fingerprint
from brainreg3d.io.images import load_image
from brainreg3d.matching import ImageMatch
from brainreg3d.matching.carry_over import carried_view
from brainreg3d.state import Image
from brainreg3d.steps import TransferAligner, transfer

OLD_SHAPE, NEW_SHAPE = (60, 80), (50, 70)
POSES = [
    Pose((7.0, 8.0, 8.2)),
    Pose((7.0, 8.0, 8.2), 92.9, -4.7, 9.3),
    Pose((3.0, 5.0, 7.0), -150.0, 30.0, -60.0, mirrored=True),
    Pose((3.0, 5.0, 7.0), 40.0, 90.0, 0.0),
]


def found(linear, shift, mirrored=False, quality=0.9, **more):
    matrix = np.column_stack([linear, shift]).astype(float)
    numbers = {"runner_up": 0.05, "mirror_quality": 0.05, "residual_px": 0.3, "chance": 1e-20}
    return ImageMatch(
        matrix, 12.0, 1.02, (1.5, -2.0), mirrored, quality, n_blocks=99, **{**numbers, **more}
    )


def turned(degrees, scale=1.0, mirrored=False, new_aspect=1.0, old_size=(1.0, 1.0)):
    """Return a similarity of lengths as a map of pixels, whatever their proportions."""
    angle = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = linear @ np.diag([1, -1 if mirrored else 1])
    return np.diag(1 / np.array(old_size)) @ linear @ np.diag([new_aspect, 1.0]) * old_size[1]


def plane_point(view, row, col):
    """Where a pixel lies, by the formula of the alignment file's definition."""
    height, width = view.shape
    turn = view.pose.rotation.as_matrix()
    col_axis, row_axis = turn @ (-1 if view.pose.mirrored else 1, 0, 0), turn @ (0, -1, 0)
    return (
        np.array(view.pose.center_mm)
        + (col - (width - 1) / 2) * view.pixel_size_mm[1] * col_axis
        + (row - (height - 1) / 2) * view.pixel_size_mm[0] * row_axis
    )


@pytest.mark.parametrize("pose", POSES, ids=repr)
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("old_size", [(0.02, 0.02), (0.03, 0.02)])
@pytest.mark.parametrize("new_aspect", [1.0, 1.3])
def test_every_pixel_lies_where_its_match_lies(pose, mirrored, old_size, new_aspect):
    old = ImageView(OLD_SHAPE, old_size, pose)
    match = found(turned(33, 1.04, mirrored, new_aspect, old_size), (4.0, -7.5), mirrored)
    new = carried_view(match, old, NEW_SHAPE)
    for pixel in ((0, 0), (0, 69), (49, 0), (49, 69), (12.25, 30.5)):
        there = match.matrix @ (*pixel, 1)
        assert np.allclose(plane_point(new, *pixel), plane_point(old, *there), atol=1e-9)
    assert np.allclose(new.pose.rotation.apply((0, 0, -1)), old.pose.view_axis)
    assert new.pose.mirrored == (pose.mirrored != mirrored)
    assert new.pixel_size_mm == pytest.approx((0.02 * 1.04 * new_aspect, 0.02 * 1.04))
    assert new.shape == NEW_SHAPE


def test_the_camera_keeps_its_distance_and_its_place_on_the_sensor():
    straight = found(np.eye(2), (5, 6))

    def camera(old_camera, match=straight, shape=OLD_SHAPE):
        old = ImageView(OLD_SHAPE, (0.02, 0.02), POSES[1], old_camera)
        return carried_view(match, old, shape).camera

    assert camera(Camera(50.0)) == Camera(50.0)  # over the middle it stays over the middle
    assert camera(Camera(None)) == Camera(None)
    assert camera(Camera(50.0, (3.0, 4.0))) == Camera(50.0, (3.0, 4.0))
    # Another shape or a mirror: another sensor, and only the brain is the same.
    halved = found(2 * np.eye(2), (0.5, 0.5))
    assert camera(Camera(50.0, (3.0, 4.0)), halved, (30, 40)) == Camera(50.0, (1.25, 1.75))
    mirror = found(np.diag([1, -1]), (0, 79), mirrored=True)
    assert camera(Camera(50.0, (3.0, 4.0)), mirror) == Camera(50.0, (3.0, 75.0))


@pytest.fixture
def align(monkeypatch):
    """Run the step with a match that is given instead of looked for."""

    def run(match=None, image=None, pixel_size_mm=None, record=None, **parameters):
        asked = {}

        def matcher(moving, fixed, **sizes):
            asked.update(sizes, moving=moving, fixed=fixed)
            return match or found(1.05 * np.eye(2), (1, 2))

        monkeypatch.setattr(transfer, "match_images", matcher)
        old = Image(np.ones(OLD_SHAPE), "old", "o" * 64)
        image = image or Image(np.zeros(NEW_SHAPE), "new", "n" * 64)
        record = record or AlignmentFile(POSES[1], Camera(99.0), (0.02, 0.02), bregma="wfield")
        step = TransferAligner(**{"reference": old, "from_alignment": record, **parameters})
        return step.compute(image=image, pixel_size_mm=pixel_size_mm), asked

    return run


def test_what_is_carried_over(align, log):
    alignment, asked = align()
    assert alignment.source == "transfer"
    assert alignment.view.pixel_size_mm == pytest.approx((0.021, 0.021))
    assert alignment.view.camera == Camera(99.0)
    assert alignment.bregma == "wfield"
    assert alignment.image_sha256 == "n" * 64
    assert asked["fixed"].shape == OLD_SHAPE
    assert asked["fixed_pixel_size_mm"] == (0.02, 0.02)
    assert asked["moving_pixel_size_mm"] is None
    assert not log


def test_the_history_says_how_it_came_about(align, tmp_path):
    image = load_image(np.zeros(OLD_SHAPE))
    record = AlignmentFile(
        POSES[0], pixel_size_mm=(0.02, 0.02),
        extra={"history": ["by hand"], "landmarks": [1], "uncertainty": {"yaw_deg": 1}},
    )  # fmt: skip
    alignment, _ = align(reference=image, record=record)
    first, entry = alignment.extra["history"]
    assert first == "by hand"
    assert entry["reference_sha256"] == image.sha256
    assert (entry["quality"], entry["rotation_deg"], entry["scale"]) == (0.9, 12.0, 1.02)
    assert entry["shift_px"] == [1.5, -2.0]
    # Landmarks are pixels of the old image, and its uncertainty has other axes.
    assert set(alignment.extra) == {"history"}
    new = Image(np.zeros(NEW_SHAPE), "new", "n" * 64)
    content = alignment_content(alignment, new, {"name": "some_atlas"})
    again = parse_alignment(content)
    assert again.pose == alignment.view.pose
    assert again.atlas == {"name": "some_atlas"}
    assert again.extra["history"] == [first, entry]


def test_files_are_named_with_their_hashes(align, tmp_path):
    np.save(tmp_path / "old.npy", np.ones((2, *OLD_SHAPE)))
    (tmp_path / "old.json").write_text(
        '{"schema": "brainreg3d/alignment/1", "pose": {"center_mm": [5, 6, 7]}, '
        '"image": {"pixel_size_mm": [0.02, 0.02]}}'
    )
    alignment, asked = align(
        reference=str(tmp_path / "old.npy"), reference_frame=1,
        from_alignment=str(tmp_path / "old.json"),
    )  # fmt: skip
    entry = alignment.extra["history"][-1]
    assert (entry["reference"], entry["from_alignment"]) == ("old.npy", "old.json")
    assert len(entry["from_alignment_sha256"]) == 64
    assert asked["fixed"].shape == OLD_SHAPE


@pytest.mark.parametrize(
    ("given", "stated", "expected", "warned"),
    [
        (None, None, None, False),
        ((0.0211, 0.0211), None, (0.0211, 0.0211), False),
        ((0.02, 0.02), None, (0.02, 0.02), True),
        (None, (0.02, 0.02), (0.02, 0.02), True),
        ((0.021, 0.021), (0.3, 0.3), (0.021, 0.021), False),
    ],
)
def test_the_match_says_how_large_pixels_are(align, log, given, stated, expected, warned):
    image = Image(np.zeros(NEW_SHAPE), "new", "n" * 64, None, stated)
    alignment, asked = align(image=image, pixel_size_mm=given)
    assert asked["moving_pixel_size_mm"] == expected
    assert alignment.view.pixel_size_mm == pytest.approx((0.021, 0.021))
    assert any("0.021 x 0.021" in message for message in log) == warned


def test_what_is_given_here_wins(align, log):
    alignment, asked = align(
        camera_distance_mm=None, bregma="ibl", reference_pixel_size_mm=(0.04, 0.04),
        principal_point_px=(1, 2),
    )  # fmt: skip
    assert alignment.view.camera == Camera(None, (1, 2))
    assert alignment.bregma == "ibl"
    assert asked["fixed_pixel_size_mm"] == (0.04, 0.04)
    assert any("pixel height" in message for message in log)
    assert any("camera distance" in message for message in log)


def test_a_match_that_is_not_trusted_is_refused(align):
    for match, said in (
        (found(np.eye(2), (0, 0), quality=0.1), "10%"),
        (found(np.eye(2), (0, 0), quality=0.9, runner_up=0.88), "another place"),
        (found(np.eye(2), (0, 0), quality=0.5, chance=0.1), "accident"),
    ):
        with pytest.raises(MatchNotTrusted, match=said) as refused:
            align(match)
        assert isinstance(refused.value, AlignmentError)
        assert "brainreg3d align IMAGE" in str(refused.value)
        assert "--landmarks" in str(refused.value)


def test_doubts_are_said(align, log):
    align(found(np.diag([1, -1]), (0, 79), mirrored=True))
    assert any("mirrored" in message for message in log)
    align(found(np.eye(2), (0, 0), quality=0.4))
    assert any("40 %" in message for message in log)


def test_the_old_alignment_has_to_belong_to_the_old_image(align, log):
    record = AlignmentFile(POSES[0], pixel_size_mm=(0.02, 0.02))
    with pytest.raises(AlignmentError, match=r"\(7, 8\)"):
        align(record=attrs.evolve(record, image_shape=(7, 8)))
    align(record=attrs.evolve(record, image_sha256="x" * 64))
    assert any("another image" in message for message in log)
    with pytest.raises(MissingFileError):
        align(from_alignment="nowhere.json")
    with pytest.raises(MissingFileError):
        align(reference="nowhere.tif")
    with pytest.raises(InputError, match="from_alignment"):
        align(from_alignment=None)


def test_the_step_compares_arrays_by_content():
    image = np.arange(4800.0).reshape(OLD_SHAPE)
    one, same, other = (
        TransferAligner(reference=array, from_alignment=POSES[0])
        for array in (image, image.copy(), image + 1)
    )
    assert one == same
    assert one != other
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - made here
    marks = [fingerprint(step.parameters()) for step in (one, same, other)]
    assert marks[0] == marks[1] != marks[2]
