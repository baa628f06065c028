"""A second run redoes only what changed, and never loses a pose placed by hand."""

import json
from typing import ClassVar

import attrs
import numpy as np
import pytest
import tifffile
from tiny_brain import BOX_MM, VISIBLE, make_atlas

from brainreg3d import BrainReg3D, Pose, steps
from brainreg3d.errors import AlignmentCancelled, AlignmentNeeded, OutputError, PlanError
from brainreg3d.steps.base import PlacedImage

SLOTS = ("TemplateSource", "RegionSelector", "ManualAligner", "Projector", "DepthResolver",
         "PixelLabeller")  # fmt: skip
ABOVE = Pose((BOX_MM[0] / 2, BOX_MM[1] / 2, BOX_MM[2]))


def counting(calls):
    """Return a BrainReg3D whose steps note when they compute."""

    def spy(slot):
        parent = getattr(steps, slot)

        class Spy(parent):
            def compute(self, **needs):
                calls.append(slot)
                return parent.compute(self, **needs)

        # What a step needs is read from the signature of compute.
        Spy.compute.__signature__ = __import__("inspect").signature(parent.compute)
        Spy.__name__ = slot
        return Spy

    return type("Counting", (BrainReg3D,), {slot: spy(slot) for slot in SLOTS})


@pytest.fixture
def calls():
    return []


@pytest.fixture
def reg(calls, tmp_path):
    image = np.arange(24 * 18, dtype=np.uint16).reshape(24, 18)
    tifffile.imwrite(tmp_path / "image.tif", image)
    return counting(calls)(
        tmp_path / "image.tif",
        pixel_size_mm=(0.3, 0.2),
        alignment=ABOVE,
        atlas=make_atlas(),
        brain_regions=VISIBLE,
    )


def redone(reg, calls, **options):
    calls.clear()
    reg.run(**options)
    return list(calls)


def test_nothing_changed(reg, calls):
    assert redone(reg, calls) == list(SLOTS)
    assert redone(reg, calls) == []
    assert reg.result.labels.any()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"hemisphere": "left"}, SLOTS[5:]),
        ({"occluders": "regions"}, SLOTS[3:]),
        ({"camera_distance_mm": None}, SLOTS[2:]),
        ({"alignment": Pose((2.0, 3.0, 4.0))}, SLOTS[2:]),
        ({"brain_regions": ["ANT"]}, SLOTS[1:]),
        ({"pixel_size_mm": (0.2, 0.2)}, SLOTS[2:]),
        ({"window_mask": np.eye(24, 18)}, SLOTS[5:]),
        ({"split_hemispheres": True}, ()),
        ({"bregma": "wfield"}, SLOTS[2:]),
        ({"verbose": False}, ()),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_change_touches_what_depends_on_it(reg, calls, change, expected):
    before = reg.run()
    for name, value in change.items():
        setattr(reg, name, value)
    assert redone(reg, calls) == list(expected)
    fresh = BrainReg3D(
        reg.image,
        **{
            name: getattr(reg, name)
            for name in ("pixel_size_mm", "alignment", "atlas", "brain_regions", "occluders",
                         "hemisphere", "window_mask", "camera_distance_mm")
        },
    ).run()  # fmt: skip
    assert np.array_equal(reg.result.labels, fresh.labels)
    assert before is not reg.result


def test_a_new_atlas_redoes_everything(reg, calls):
    reg.run()
    reg.atlas = make_atlas()
    assert redone(reg, calls) == list(SLOTS)


def test_another_method_gives_what_a_fresh_start_gives(reg, calls):
    reg.run()
    reg.method = "original"
    assert redone(reg, calls) == []  # slots that the user filled win over the method
    plain = BrainReg3D(
        np.zeros((240, 200), np.uint8),
        pixel_size_mm=(0.03, 0.02),
        alignment=ABOVE,
        atlas=reg.atlas,
        brain_regions=VISIBLE,
    )
    exact = plain.run().labels
    plain.method = "original"
    original = plain.run().labels
    fresh = attrs.evolve(plain).run().labels
    assert np.array_equal(original, fresh)
    assert not np.array_equal(original, exact)


def test_another_frame(reg, calls, tmp_path):
    frames = np.zeros((4, 24, 18), np.uint16) + np.arange(4, dtype=np.uint16)[:, None, None]
    tifffile.imwrite(tmp_path / "stack.tif", frames, photometric="minisblack")
    reg.image = tmp_path / "stack.tif"
    reg.frame = 2
    assert reg.run().image.pixels.max() == 2
    reg.frame = 3
    assert reg.run().image.pixels.max() == 3
    stored = json.loads((tmp_path / "stack_run.json").read_text())
    assert stored["image"]["frame"] == 3


def test_an_array_that_changes_later_does_not_change_a_result(calls):
    pixels = np.ones((24, 18), np.uint16)
    reg = BrainReg3D(pixels, pixel_size_mm=(0.3, 0.2), alignment=ABOVE, atlas=make_atlas(),
                     brain_regions=VISIBLE)  # fmt: skip
    first = reg.run()
    pixels[...] = 9
    assert first.image.pixels.max() == 1
    assert reg.run().image.pixels.max() == 9


def test_a_volume_taken_away_is_noticed(calls):
    class Knows(steps.Projector):
        def compute(self, *, atlas, regions, alignment, registration=None):
            calls.append(registration is not None)
            return super().compute(atlas=atlas, regions=regions, alignment=alignment)

    atlas = make_atlas()
    reg = BrainReg3D(np.ones((24, 18)), pixel_size_mm=(0.3, 0.2), alignment=ABOVE, atlas=atlas,
                     brain_regions=VISIBLE, volume=atlas.template.data,
                     volume_spacing_mm=atlas.template.spacing_mm)  # fmt: skip
    reg.Projector = Knows
    reg.run()
    reg.volume = None
    assert reg.run().registration is None
    assert calls == [True, False]


def test_going_back_gives_the_first_result_again(reg):
    first = reg.run().labels.copy()
    reg.hemisphere = "left"
    assert not np.array_equal(reg.run().labels, first)
    reg.hemisphere = None
    assert np.array_equal(reg.run().labels, first)


def test_an_edited_image_file_is_noticed(reg, calls, tmp_path):
    reg.run()
    tifffile.imwrite(tmp_path / "image.tif", np.ones((24, 18), np.uint16))
    assert "ManualAligner" in redone(reg, calls)
    assert reg.result.image.pixels.max() == 1


def test_an_edited_alignment_file_is_noticed(reg, calls, tmp_path):
    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(ABOVE)}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    reg.alignment = tmp_path / "mine.json"
    reg.run()
    content["pose"]["center_mm"] = [2.5, 3.0, 4.0]
    (tmp_path / "mine.json").write_text(json.dumps(content))
    assert redone(reg, calls) == list(SLOTS[2:])
    assert reg.result.alignment.view.pose.center_mm == (2.5, 3.0, 4.0)


def test_another_image_with_equal_content_gets_files_of_its_own(reg, tmp_path):
    reg.run()
    (tmp_path / "copy.tif").write_bytes((tmp_path / "image.tif").read_bytes())
    reg.image = tmp_path / "copy.tif"
    result = reg.run()
    assert result.files["masks"].name == "copy_masks.tif"
    assert result.image.path == tmp_path / "copy.tif"
    assert reg.mask_path.name == "copy_masks.tif"


def test_redo_runs_one_slot_and_what_follows(reg, calls):
    reg.run()
    assert redone(reg, calls, redo="Projector") == list(SLOTS[3:])
    assert redone(reg, calls, redo=["PixelLabeller", "RegionSelector"]) == list(SLOTS[1:])
    with pytest.raises(PlanError, match="Projector"):
        reg.run(redo="Projectr")


def test_until_stops_early_and_going_on_does_not_repeat(reg, calls):
    result = reg.run(until="Projector")
    assert calls == list(SLOTS[:4])
    assert result.projections is not None
    assert result.visible is None
    assert result.labels is None
    assert result.masks is None
    assert result.hemisphere is None
    assert result.depth_mm is None
    assert result.unseen is None
    assert result.registration is None
    assert dict(result.files) == {}
    assert redone(reg, calls) == list(SLOTS[4:])


class Window:
    """A window that accepts what it is told to, and counts how often it is asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.starts = []

    def ask(self, scene):
        start = scene.start
        self.starts.append(start)
        answer = self.answers[min(len(self.starts), len(self.answers)) - 1]
        return None if answer is None else attrs.evolve(start, **answer)


PLACED = {"pose": Pose((2.2, 3.5, 4.0), yaw_deg=3.0)}


@pytest.fixture
def by_hand(tmp_path):
    image = np.arange(24 * 18, dtype=np.uint16).reshape(24, 18)
    tifffile.imwrite(tmp_path / "image.tif", image)

    def make(window, **options):
        return BrainReg3D(
            tmp_path / "image.tif", window=window,
            **{"atlas": make_atlas(), "pixel_size_mm": (0.3, 0.2), "brain_regions": VISIBLE}
            | options,
        )  # fmt: skip

    return make


def test_a_pose_placed_by_hand_is_kept_when_regions_change(by_hand):
    window = Window(PLACED)
    reg = by_hand(window)
    reg.run()
    reg.brain_regions = ["SUB"]
    reg.occluders = "regions"
    result = reg.run()
    assert len(window.starts) == 1
    assert result.alignment.view.pose == PLACED["pose"]
    assert result.alignment.source == "window"


def test_residuals_of_clicked_landmarks_go_when_the_view_is_another(by_hand):
    class Clicked(Window):
        def ask(self, scene):
            return PlacedImage(super().ask(scene), {"uncertainty": {"tilt_deg": 1.0}})

    reg = by_hand(Clicked(PLACED))
    assert reg.run().alignment.extra
    reg.brain_regions = ["SUB"]
    assert reg.run().alignment.extra, "nothing about them has changed"
    reg.pixel_size_mm = (0.1, 0.1)
    result = reg.run()
    assert result.alignment.view.pose == PLACED["pose"]
    assert result.alignment.extra == {}


def test_a_size_placed_by_hand_is_kept_too(by_hand):
    """The window can scale the image; that is part of what the user placed."""
    window = Window(PLACED | {"pixel_size_mm": (0.25, 0.17)})
    reg = by_hand(window)
    reg.run()
    reg.brain_regions = ["SUB"]
    result = reg.run()
    assert len(window.starts) == 1, "the window asked again and the first pose was lost"
    assert result.alignment.view.pixel_size_mm == (0.25, 0.17)


def test_a_camera_set_after_placing_by_hand_takes_effect_without_asking(by_hand):
    window = Window(PLACED)
    reg = by_hand(window)
    reg.run()
    reg.camera_distance_mm = 25.0
    result = reg.run()
    assert len(window.starts) == 1
    assert result.alignment.view.pose == PLACED["pose"]
    assert result.alignment.view.camera.distance_mm == 25.0


def test_redo_asks_again(by_hand):
    window = Window(PLACED, {"pose": ABOVE})
    reg = by_hand(window)
    reg.run()
    result = reg.run(redo="ManualAligner")
    assert len(window.starts) == 2
    assert result.alignment.view.pose == ABOVE


def test_asking_again_keeps_the_file_of_the_first_pose(by_hand, tmp_path):
    reg = by_hand(Window(PLACED, {"pose": ABOVE}))
    reg.run()
    reg.run(redo="ManualAligner")
    poses = [
        json.loads(path.read_text())["pose"]["center_mm"]
        for path in tmp_path.glob("image_alignment*.json")
    ]
    assert list(PLACED["pose"].center_mm) in poses
    assert list(ABOVE.center_mm) in poses


def test_a_pose_is_saved_even_if_a_later_step_fails(by_hand, tmp_path):
    class Broken(steps.PixelLabeller):
        def compute(self, *, visible):
            message = "no luck"
            raise RuntimeError(message)

    class Failing(BrainReg3D):
        PixelLabeller = Broken

    window = Window(PLACED)
    reg = Failing(
        tmp_path / "image.tif", atlas=make_atlas(), window=window, pixel_size_mm=(0.3, 0.2),
        brain_regions=VISIBLE,
    )  # fmt: skip
    by_hand(window)
    with pytest.raises(RuntimeError, match="no luck"):
        reg.run()
    stored = json.loads((tmp_path / "image_alignment.json").read_text())
    assert stored["pose"]["center_mm"] == [2.2, 3.5, 4.0]
    with pytest.raises(RuntimeError, match="no luck"):
        reg.run()
    assert len(window.starts) == 1
    # A new session finds it beside the image.
    later = by_hand(Window(None)).run()
    assert later.alignment.view.pose == PLACED["pose"]


@pytest.mark.parametrize("until", ["ManualAligner", "Projector", "PixelLabeller"])
def test_a_pose_is_saved_when_only_part_of_the_chain_runs(by_hand, tmp_path, until):
    by_hand(Window(PLACED)).run(until=until)
    stored = json.loads((tmp_path / "image_alignment.json").read_text())
    assert stored["pose"]["center_mm"] == [2.2, 3.5, 4.0]


def test_cancelling_is_an_error_that_leaves_the_earlier_pose(by_hand):
    reg = by_hand(Window(None))
    with pytest.raises(AlignmentCancelled):
        reg.run()
    window = Window(PLACED, None)
    reg = by_hand(window)
    first = reg.run()
    with pytest.raises(AlignmentCancelled):
        reg.run(redo="ManualAligner")
    assert reg.result is first
    reg.brain_regions = ["SUB"]
    assert reg.run().alignment.view.pose == PLACED["pose"]


def test_accepting_the_starting_pose_is_no_error(by_hand):
    result = by_hand(Window({})).run()
    assert result.alignment.source == "window"
    assert result.labels.any()


@pytest.fixture
def no_screen(monkeypatch):
    monkeypatch.setattr("brainreg3d.placement.default_window", lambda: None)


def test_without_window_or_alignment_the_error_says_how_to_give_one(by_hand, tmp_path, no_screen):
    with pytest.raises(AlignmentNeeded, match=r"alignment=") as error:
        by_hand(None).run()
    assert "\n" not in str(error.value)
    assert isinstance(error.value, RuntimeError)
    assert [path.name for path in tmp_path.iterdir()] == ["image.tif"]


def test_a_failed_run_leaves_the_earlier_result(reg, tmp_path):
    first = reg.run()
    masks = first.files["masks"].read_bytes()
    reg.output_dir = tmp_path / "image.tif"  # a file
    with pytest.raises(OutputError):
        reg.run()
    assert reg.result is first
    assert first.files["masks"].read_bytes() == masks


def test_the_next_image_is_placed_anew(by_hand, tmp_path):
    """A pose placed by hand belongs to its image; the next one has a pose of its own."""
    window = Window(PLACED, {"pose": Pose((1.9, 3.1, 4.0))})
    registration = by_hand(window)
    first = registration.run()
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, first.image.pixels + 1)
    registration.image = other
    second = registration.run()
    assert len(window.starts) == 2
    assert second.alignment.view.pose == Pose((1.9, 3.1, 4.0))
    # and an image with a saved alignment gets that one, without being asked for
    registration.image = tmp_path / "image.tif"
    assert registration.run().alignment.view.pose == PLACED["pose"]
    assert len(window.starts) == 2


def test_functions_as_parameters_never_give_stale_results():
    """Objects that only identity tells apart must not be mistaken for one another."""

    class Asks(steps.Projector):
        rule: object = None
        calls: ClassVar[list] = []

        def compute(self, *, atlas, regions, alignment):
            self.calls.append(self.rule(0))
            return super().compute(atlas=atlas, regions=regions, alignment=alignment)

    registration = BrainReg3D(
        np.zeros((24, 18)), atlas=make_atlas(), alignment=Pose((2.2, 3.5, 4.0)),
        pixel_size_mm=(0.3, 0.2), brain_regions=VISIBLE,
    )  # fmt: skip
    for number in range(6):
        registration.Projector = Asks(rule=lambda _, number=number: number)
        registration.run(until="Projector")
    assert Asks.calls == list(range(6))


def test_the_alignment_beside_the_image_is_found_from_another_folder(by_hand, tmp_path):
    by_hand(Window(PLACED)).run()
    assert (tmp_path / "image_alignment.json").is_file()
    result = by_hand(None, output_dir=tmp_path / "elsewhere").run()
    assert result.alignment.view.pose == PLACED["pose"]
    assert (tmp_path / "elsewhere" / "image_alignment.json").is_file()


def test_a_missing_alignment_is_noticed_before_the_atlas_is_loaded(by_hand, no_screen):
    class Never(steps.TemplateSource):
        def compute(self):
            message = "the atlas was loaded"
            raise AssertionError(message)

    registration = by_hand(None, atlas=None)
    registration.TemplateSource = Never
    with pytest.raises(AlignmentNeeded):
        registration.run()


def test_a_window_opens_by_itself_where_there_is_a_screen(by_hand, monkeypatch):
    window = Window(PLACED)
    monkeypatch.setattr("brainreg3d.placement.default_window", lambda: window)
    reg = by_hand(None)
    assert reg.run().alignment.source == "window"
    assert reg.run(redo="PixelLabeller").alignment.view.pose == PLACED["pose"]
    assert len(window.starts) == 1


def test_a_step_that_returns_something_else_is_told_so(by_hand):
    class Wrong(steps.PixelLabeller):
        def compute(self, *, image):
            return image.pixels

    registration = by_hand(Window(PLACED))
    registration.PixelLabeller = Wrong
    with pytest.raises(PlanError, match=r"Wrong\.compute returned ndarray.*Labels"):
        registration.run()
