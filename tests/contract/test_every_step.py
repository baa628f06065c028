"""Every shipped step keeps the contract, and steps that break it are told how."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
import vessel_images

from brainreg3d import Pose, Step
from brainreg3d.errors import PlanError
from brainreg3d.landmarks import Landmark
from brainreg3d.state import Labels
from brainreg3d.steps import (
    DepthResolver,
    LandmarkAligner,
    LocalTemplateSource,
    ManualAligner,
    MaskWriter,
    PixelLabeller,
    Projector,
    RegionSelector,
    RigidRegistrar,
    TemplateSource,
    TransferAligner,
    VolumeWriter,
)
from brainreg3d.testing import check_step, example_state

SHIPPED = [
    TemplateSource(atlas="phantom_100um"),
    RegionSelector(),
    VolumeWriter(),
    RigidRegistrar(max_iterations=1),
    ManualAligner(alignment=Pose((5.7, 7.0, 8.0))),
    LandmarkAligner(
        landmarks=[
            Landmark(15.0, 25.0, "bregma"),
            Landmark(36.0, 25.0, "lambda"),
            Landmark(23.0, 50.0, "SS_right"),
            Landmark(20.0, 35.0, stereotaxic_mm=(2.0, -1.0)),
        ]
    ),
    Projector(),
    Projector(layers="all", occluders="regions"),
    Projector(label_depth_um=500, along="normal"),
    Projector(sampling="vertices", mesh_spacing_um=100),
    Projector(sampling="surface"),
    DepthResolver(),
    DepthResolver(cell_px=4),
    PixelLabeller(),
    PixelLabeller(n_neighbors=5, hemisphere="right"),
    MaskWriter(),
    MaskWriter(split_hemispheres=True, label_values="ids"),
]


@pytest.mark.parametrize("step", SHIPPED, ids=repr)
def test_shipped_steps_keep_the_contract(step):
    check_step(step)


def test_a_local_atlas_keeps_the_contract(allen_dir):
    source = LocalTemplateSource(
        annotation=allen_dir / "annotation_100.nrrd", structures=allen_dir / "structure_graph.json"
    )
    check_step(source)


def test_a_transfer_keeps_the_contract():
    pixels = vessel_images.draw(vessel_images.tree(1))
    image = attrs.evolve(example_state().image, pixels=pixels)
    state = attrs.evolve(example_state(), image=image, pixel_size_mm=(0.02, 0.02))
    step = TransferAligner(
        reference=pixels, from_alignment=Pose((5.7, 7.0, 8.0)), reference_pixel_size_mm=(0.02, 0.02)
    )
    check_step(step, state)


def test_a_class_can_be_checked_instead_of_an_instance():
    check_step(DepthResolver)


def test_a_source_of_the_default_atlas_is_tried_on_the_phantom(monkeypatch):
    """Nothing is fetched, and a class that names an atlas of its own is tried on that one."""
    loaded = []
    monkeypatch.setattr("brainreg3d.sources.load_atlas", lambda name: loaded.append(name) or atlas)
    atlas = example_state().atlas

    class Own(TemplateSource):
        """Another one."""

        atlas = "phantom_50um"

    check_step(TemplateSource)
    check_step(Own)
    check_step(TemplateSource(atlas="allen_mouse_25um"))
    assert loaded == ["phantom_100um"] * 2 + ["phantom_50um"] * 2 + ["allen_mouse_25um"] * 2


def _labels(shape):
    empty = np.zeros(shape, np.uint16)
    return Labels(empty, empty.astype(np.uint8), np.full(shape, np.nan, np.float32))


class _Counter:
    calls = 0


class Unknown(Step):
    """Needs what does not exist."""

    provides = "labels"

    def compute(self, *, imagee):
        return None


class Maker(Step):
    """Makes what does not exist."""

    provides = "lables"

    def compute(self, *, image):
        return None


class Undocumented(Step):
    provides = "labels"

    def compute(self, *, image):
        return _labels(image.shape)


class Secretive(Step):
    """Does not say what its parameter is."""

    provides = "labels"
    wobble: int = 3

    def compute(self, *, image):
        return _labels(image.shape)


class Talker(Step):
    """Prints."""

    provides = "labels"

    def compute(self, *, image):
        print("hello")
        return _labels(image.shape)


class Fickle(Step):
    """Gives another result each time."""

    provides = "labels"

    def compute(self, *, image):
        _Counter.calls += 1
        labels = np.full(image.shape, _Counter.calls, np.uint16)
        return attrs.evolve(_labels(image.shape), labels=labels)


class Wrong(Step):
    """Returns something else."""

    provides = "labels"

    def compute(self, *, image):
        return image.pixels


class Vandal(Step):
    """Changes its input, by force."""

    provides = "labels"

    def compute(self, *, image):
        object.__setattr__(image, "pixels", image.pixels + 1)
        return _labels(image.shape)


class Positional(Step):
    """Hides what it needs."""

    provides = "labels"

    def compute(self, image):
        return _labels(image.shape)


class Unpicklable(Step):
    """Holds a function that cannot be stored.

    Parameters
    ----------
    rule : callable
        Any function.
    """

    provides = "labels"
    rule: object = attrs.field(factory=lambda: lambda x: x)

    def compute(self, *, image):
        return _labels(image.shape)


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (Unknown, "imagee"),
        (Maker, "lables"),
        (Undocumented, "docstring"),
        (Secretive, "wobble"),
        (Talker, "prints"),
        (Fickle, "another result"),
        (Wrong, "expected Labels"),
        (Vandal, "changes its inputs"),
        (Positional, "keyword-only"),
        (Unpicklable, "pickle"),
    ],
)
def test_a_broken_step_is_told_what_is_wrong(step, complaint):
    state = attrs.evolve(example_state())
    image = attrs.evolve(state.image)  # of its own, because one of them vandalises it
    with pytest.raises(PlanError, match=complaint):
        check_step(step, attrs.evolve(state, image=image))


class Coarse(DepthResolver):
    cell_px = 20


def test_a_subclass_that_only_sets_a_parameter_needs_no_docstring():
    check_step(Coarse)


def test_a_subclass_with_a_parameter_of_its_own_needs_one():
    class Finer(DepthResolver):
        shrink_px: int = 2

    with pytest.raises(PlanError, match="Finer has no docstring"):
        check_step(Finer)


def test_a_step_made_inside_a_function_can_be_checked():
    class Local(PixelLabeller):
        n_neighbors = 3

    check_step(Local)
    check_step(Local(max_gap_px=4.0))


def test_a_class_that_needs_arguments_asks_for_an_instance():
    class Needy(DepthResolver):
        """Has a parameter without a default.

        Parameters
        ----------
        rule : str
            How.
        """

        rule: str

    for kind in (Needy, LocalTemplateSource):
        with pytest.raises(PlanError, match=rf"instance, {kind.__name__}\("):
            check_step(kind)
    check_step(Needy(rule="any"))


def test_something_that_is_no_step_is_refused():
    with pytest.raises(PlanError, match="no Step"):
        check_step(42)


def test_the_example_state_is_a_real_run():
    state = example_state()
    assert state.atlas.synthetic
    assert set(np.unique(state.labels.labels)) >= {0, 1, 2, 3}
    assert len(state.regions) == 5
