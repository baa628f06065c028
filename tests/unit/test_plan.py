"""Slots, and the checks of the chain before anything runs."""

from typing import ClassVar

import numpy as np
import pytest
from tiny_brain import make_atlas

from brainreg3d import BrainReg3D, Pose, steps
from brainreg3d.errors import InputError, PlanError
from brainreg3d.geometry import Camera
from brainreg3d.io.alignment import AlignmentFile
from brainreg3d.steps import DepthResolver, PixelLabeller, Projector, RigidRegistrar, Step

SLOTS = [
    "TemplateSource",
    "RegionSelector",
    "RigidRegistrar",
    "VolumeWriter",
    "ManualAligner",
    "Projector",
    "DepthResolver",
    "PixelLabeller",
    "MaskWriter",
]
IMAGE = np.zeros((24, 20))


def usual(cls=BrainReg3D, **options):
    arguments = {
        "pixel_size_mm": (0.3, 0.2), "alignment": Pose((2.0, 3.6, 4.0)), "atlas": make_atlas(),
        "brain_regions": ["ANT", "POST"],
    }  # fmt: skip
    return cls(IMAGE, **arguments | options)


def chosen(reg, slot):
    return reg.plan().step(slot)


def test_the_plan_prints_every_slot_with_its_parameters():
    text = str(usual().plan())
    for slot in SLOTS:
        assert slot in text
    assert "sampling='rays'" in text
    assert "skipped: no volume" in text
    assert repr(usual().plan()) == text


def test_what_runs_depends_on_what_is_given():
    def running(**options):
        return [entry.slot for entry in BrainReg3D(**options).plan().running]

    both = {"image": IMAGE, "volume": np.zeros((2, 2, 2))}
    assert running(**both) == SLOTS
    volume_slots = ("RigidRegistrar", "VolumeWriter")
    assert running(image=IMAGE) == [slot for slot in SLOTS if slot not in volume_slots]
    assert running(volume=np.zeros((2, 2, 2))) == ["TemplateSource", *volume_slots]


@pytest.mark.parametrize("until", ["Projector", "projections"])
def test_until_a_slot_or_its_result(until):
    running = [entry.slot for entry in usual().plan(until).running]
    assert running == ["TemplateSource", "RegionSelector", "ManualAligner", "Projector"]


def test_until_something_unknown():
    with pytest.raises(PlanError, match="Did you mean Projector"):
        usual().plan("Projektor")
    with pytest.raises(PlanError, match="Projector"):
        usual().run(until="Projektor")


def slot_of(**slots):
    return type("Custom", (BrainReg3D,), slots)


class Unknown(Step):
    provides: ClassVar[str] = "labels"

    def compute(self, *, atlass):
        return atlass


class Orphan(Step):
    provides: ClassVar[str] = "registration"

    def compute(self, *, labels):
        return labels


class Second(Step):
    provides: ClassVar[str] = "projections"

    def compute(self, *, atlas):
        return atlas


class NoField(Step):
    provides: ClassVar[str] = "lables"

    def compute(self, *, atlas):
        return atlas


class Nothing(Step):
    def compute(self, *, atlas):
        return atlas


class TakesInput(Step):
    provides: ClassVar[str] = "image"

    def compute(self, *, atlas):
        return atlas


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        ({"PixelLabeller": Unknown}, "Did you mean atlas"),
        ({"RigidRegistrar": Orphan}, "no earlier step provides"),
        ({"DepthResolver": Second}, "Projector"),
        ({"PixelLabeller": NoField}, "Did you mean labels"),
        ({"PixelLabeller": Nothing}, "State"),
        ({"PixelLabeller": TakesInput}, "input"),
        ({"PixelLabeller": 3}, "PixelLabeller"),
        ({"PixelLabeller": dict}, "PixelLabeller"),
        ({"PixelLabeller": None}, "PixelLabeller"),
        ({"TemplateSource": steps.LocalTemplateSource}, "TemplateSource"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_chains_that_do_not_fit(slots, words):
    reg = slot_of(**slots)(IMAGE, alignment=Pose((2, 3, 4)))
    for attempt in (reg.plan, reg.run):
        with pytest.raises(PlanError, match=words) as error:
            attempt()
        assert isinstance(error.value, TypeError)
        assert "\n" not in str(error.value)


def test_a_subclass_of_a_step_in_a_slot_takes_the_options_it_has():
    class Wide(PixelLabeller):
        n_neighbors = 31

    reg = usual(slot_of(PixelLabeller=Wide), hemisphere="left")
    step = chosen(reg, "PixelLabeller")
    assert (step.n_neighbors, step.hemisphere) == (31, "left")


def test_an_instance_in_a_slot():
    reg = usual(slot_of(PixelLabeller=PixelLabeller(n_neighbors=5)))
    assert chosen(reg, "PixelLabeller").n_neighbors == 5
    reg.hemisphere = "right"
    assert chosen(reg, "PixelLabeller") == PixelLabeller(n_neighbors=5, hemisphere="right")


def test_slots_can_be_assigned_on_instance_and_class():
    one, other = usual(), usual()
    one.DepthResolver = DepthResolver(cell_px=4)
    assert chosen(one, "DepthResolver").cell_px == 4
    assert chosen(other, "DepthResolver").cell_px == 1

    class Mine(BrainReg3D):
        pass

    Mine.DepthResolver = DepthResolver(cell_px=6)
    assert chosen(usual(Mine), "DepthResolver").cell_px == 6
    assert chosen(usual(), "DepthResolver").cell_px == 1


def test_the_original_method_sets_three_steps():
    reg = usual(method="original")
    projector, depth, label = (
        chosen(reg, slot) for slot in ("Projector", "DepthResolver", "PixelLabeller")
    )
    assert (projector.sampling, projector.occluders) == ("vertices", "regions")
    assert depth.cell_px == 10
    assert (label.n_neighbors, label.max_gap_px) == (11, 15.0)
    assert chosen(usual(method="original", occluders="tissue"), "Projector").occluders == "tissue"


def test_a_slot_that_the_user_filled_wins_over_the_method():
    class Fine(DepthResolver):
        cell_px = 3

    for filling in (Fine, DepthResolver(cell_px=3)):
        reg = usual(slot_of(DepthResolver=filling), method="original")
        assert chosen(reg, "DepthResolver").cell_px == 3
        assert chosen(reg, "Projector").sampling == "vertices"


def test_an_option_that_the_users_step_does_not_take_is_an_error():
    class Plain(Step):
        provides: ClassVar[str] = "labels"

        def compute(self, *, visible, regions):
            return None

    with pytest.raises(PlanError, match="hemisphere"):
        usual(slot_of(PixelLabeller=Plain), hemisphere="left").plan()
    usual(slot_of(PixelLabeller=Plain)).plan()


def test_a_step_of_the_users_own_replaces_one():
    class Halves(Projector):
        def compute(self, *, atlas, regions, alignment):
            whole = Projector.compute(self, atlas=atlas, regions=regions, alignment=alignment)
            import attrs

            return attrs.evolve(whole, samples=whole.samples.take(whole.samples.x_px < 10))

    labels = usual(slot_of(Projector=Halves)).run().labels
    assert labels[:, :10].any()
    assert not labels[:, 10:].any()


# Regions ---------------------------------------------------------------------------------------


def test_default_regions_of_the_class_of_a_subclass_and_of_an_instance():
    class Mine(BrainReg3D):
        _DEFAULT_BRAIN_REGIONS = ("ANT", "MARK")

    class Yours(Mine):
        pass

    def names(cls, **options):
        return usual(cls, **{"brain_regions": None} | options).run().regions

    assert [r.acronym for r in names(Mine)] == ["ANT", "MARK"]
    assert [r.acronym for r in names(Yours)] == ["ANT", "MARK"]
    assert [r.acronym for r in names(Mine, brain_regions=["SUB"])] == ["SUB"]
    reg = usual(Mine, brain_regions=None)
    Mine._DEFAULT_BRAIN_REGIONS = ["POST"]
    assert [r.acronym for r in reg.run().regions] == ["POST"]
    assert BrainReg3D._DEFAULT_BRAIN_REGIONS[0] == "MOp"
    reg._DEFAULT_BRAIN_REGIONS = ["BULB"]
    assert [r.acronym for r in reg.run().regions] == ["BULB"]
    assert [r.acronym for r in names(Mine)] == ["POST"]


def test_regions_never_leak_between_instances():
    mine = ["ANT", "POST"]
    one, other = usual(brain_regions=mine), usual(brain_regions=mine)
    mine.append("DEEP")
    assert one.region_names == ("ANT", "POST")
    one.brain_regions = ["MARK"]
    assert [r.acronym for r in one.run().regions] == ["MARK"]
    assert [r.acronym for r in other.run().regions] == ["ANT", "POST"]


def test_a_region_that_misses_the_image_disturbs_no_other():
    here = Pose((2.0, 1.5, 4.0))  # BULB and MARK lie far in front
    few = usual(alignment=here, pixel_size_mm=(0.05, 0.05), brain_regions=["POST"]).run()
    reg = usual(
        alignment=here, pixel_size_mm=(0.05, 0.05), brain_regions=["BULB", "MARK", "POST", "DEEP"]
    )
    many = reg.run()
    assert np.array_equal(few.mask("POST"), many.mask("POST"))
    assert set(many.unseen) == {"BULB", "MARK", "DEEP"}
    assert "outside the image" in many.unseen["BULB"]
    assert "POST" in many.unseen["DEEP"]
    assert [r.acronym for r in many.regions] == ["BULB", "MARK", "POST", "DEEP"]
    assert reg.region_names == ("BULB", "MARK", "POST", "DEEP")


def test_other_class_defaults_take_effect():
    class Mine(BrainReg3D):
        _DEFAULT_ATLAS = make_atlas()
        _DEFAULT_IMG_DIMS_MM = (4.0, 7.2)
        _DEFAULT_BREGMA = "wfield"
        _DEFAULT_FOCAL_POINT = (0.0, 0.0, 60.0)

    result = Mine(IMAGE, alignment=Pose((2, 3.6, 4.0)), brain_regions=["ANT"]).run()
    view = result.alignment.view
    assert view.pixel_size_mm == pytest.approx((7.2 / 24, 4.0 / 20))
    assert view.camera.distance_mm == pytest.approx(60.0)
    assert result.alignment.bregma == "wfield"


def test_attributes_may_be_set_after_construction():
    reg = BrainReg3D(IMAGE)
    reg.image_dims_mm = [4.0, 7.2]
    reg.alignment = Pose((2, 3.6, 4.0))
    reg.atlas = make_atlas()
    reg.brain_regions = "ANT, POST"
    reg.verbose = False
    result = reg.run()
    assert reg.result is result
    assert result.alignment.view.pixel_size_mm == pytest.approx((0.3, 0.2))


def test_repr_shows_what_was_given_and_never_an_array():
    text = repr(usual(hemisphere="left"))
    assert "hemisphere='left'" in text
    assert "float64 array of (24, 20)" in text
    assert "occluders" not in text
    assert repr(BrainReg3D("a.tif", (6.25, 4))) == "BrainReg3D('a.tif', image_dims_mm=(6.25, 4))"


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError):
        BrainReg3D(IMAGE, regions=["ANT"])


def test_nothing_given():
    with pytest.raises(InputError, match="image"):
        BrainReg3D().run()


def test_the_slots_of_the_class_are_the_packages_steps():
    for slot in SLOTS:
        assert getattr(BrainReg3D, slot) is getattr(steps, slot)
    assert BrainReg3D.RigidRegistrar is RigidRegistrar


def test_arguments_are_overridden_by_plain_class_attributes():
    class Lab(BrainReg3D):
        hemisphere = "left"
        method = "original"
        brain_regions = ("ANT",)

    class Room(Lab):
        hemisphere = "right"

    assert (Lab().hemisphere, Lab().method, Lab().region_names) == ("left", "original", ("ANT",))
    assert (Room().hemisphere, Room().method) == ("right", "original")
    assert Room(hemisphere="both").hemisphere == "both"
    assert BrainReg3D().hemisphere is None


def test_misspelt_arguments_are_refused():
    with pytest.raises(PlanError, match="brain_regions"):
        usual().brain_region = ["ANT"]
    with pytest.raises(PlanError, match="_DEFAULT_BRAIN_REGIONS"):
        type("Lab", (BrainReg3D,), {"_DEFAULT_BRAIN_REGION": ("ANT",)})
    with pytest.raises(PlanError, match="PixelLabeller"):
        usual().PixelLabeler = steps.PixelLabeller
    usual().note = "anything else may be kept there"


def test_defaults_of_the_class_give_way_to_arguments_files_and_metadata():
    class Lab(BrainReg3D):
        _DEFAULT_FOCAL_POINT = (0.0, 0.0, 200.0)
        _DEFAULT_IMG_DIMS_MM = (4.0, 4.8)
        _DEFAULT_BREGMA = "community"

    silent = AlignmentFile(Pose((2.0, 3.6, 4.0)))
    says = AlignmentFile(silent.pose, Camera(77.0), (0.05, 0.06), bregma="wfield")

    def aligned(**options):
        return usual(Lab, **{"pixel_size_mm": None} | options).run("ManualAligner").alignment

    found = aligned(alignment=silent)
    assert (found.view.camera.distance_mm, found.bregma) == (pytest.approx(200.0), "community")
    assert found.view.pixel_size_mm == pytest.approx((0.2, 0.2))
    found = aligned(alignment=says)
    assert (found.view.camera.distance_mm, found.bregma) == (77.0, "wfield")
    assert found.view.pixel_size_mm == (0.05, 0.06)
    assert aligned(alignment=silent, camera_distance_mm=50.0).view.camera.distance_mm == 50.0
    with pytest.raises(InputError, match="either"):
        aligned(alignment=silent, camera_distance_mm=50.0, focal_point=(0, 0, 300))


def test_the_alignment_of_another_result_can_be_given():
    first = usual(camera_distance_mm=40.0).run("ManualAligner").alignment
    for given in (first, first.view):
        again = usual(alignment=given, pixel_size_mm=None).run("ManualAligner").alignment
        assert again.view == first.view


def test_a_step_that_cannot_run_is_no_result():
    with pytest.raises(PlanError, match="no volume"):
        usual().run("RigidRegistrar")
    with pytest.raises(PlanError, match="redo"):
        usual().run(redo=5)


def test_repr_with_arrays_everywhere():
    registration = BrainReg3D(IMAGE, window_mask=IMAGE + 1, volume=np.zeros((2, 3, 4)))
    assert "array of (24, 20)" in repr(registration)
    assert "volume=<float64 array of (2, 3, 4)>" in repr(registration)
