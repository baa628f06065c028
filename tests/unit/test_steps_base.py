"""The contract of steps: parameters, overrides, declarations."""

from typing import ClassVar

import attrs
import numpy as np
import pytest

from brainreg3d.errors import InputError, PlanError
from brainreg3d.steps import DepthResolver, PixelLabeller, Projector, RigidRegistrar, Step
from brainreg3d.steps.parameters import whole_number


class Counter(Step):
    """Count to a number."""

    provides: ClassVar[str] = "labels"

    number: int = attrs.field(default=3, validator=whole_number(1))
    words: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    plain: float = 1.5

    def compute(self, *, image, window_mask=None):
        return self.number, image, window_mask


class Child(Counter):
    number = 31


class Grandchild(Child):
    plain = 2.5


class GreatGrandchild(Grandchild):
    number = 7
    words = ["a", "b"]  # noqa: RUF012


def test_a_plain_attribute_overrides_the_default():
    assert Counter().number == 3
    assert Child().number == 31
    assert Child(number=5).number == 5


def test_numbers_of_numpy_are_numbers():
    step = PixelLabeller(n_neighbors=np.int64(3), max_gap_px=np.float32(1.5))
    assert (step.n_neighbors, step.max_gap_px) == (3, 1.5)
    assert step == PixelLabeller(n_neighbors=3, max_gap_px=1.5)
    steps = (
        step,
        DepthResolver(cell_px=np.uint8(10)),
        Projector(mesh_spacing_um=np.int32(100)),
        RigidRegistrar(max_iterations=np.int64(7)),
    )
    for made in steps:
        assert all(type(value).__module__ == "builtins" for value in made.parameters().values())
    for wrong in (np.float64(2.5), np.bool_(True), np.int64(0)):
        with pytest.raises(InputError, match="cell_px"):
            DepthResolver(cell_px=wrong)
    for wrong in (np.float64("nan"), np.float32(-1), np.True_):
        with pytest.raises(InputError, match="max_gap_px"):
            PixelLabeller(max_gap_px=wrong)


def test_grandchildren_keep_the_override():
    assert Grandchild().number == 31
    assert Grandchild().plain == 2.5
    assert GreatGrandchild().number == 7
    assert GreatGrandchild().plain == 2.5
    assert GreatGrandchild().words == ("a", "b"), "the parent's converter was lost"
    assert Counter().number == 3


def test_the_parents_validator_still_applies():
    for kind in (Child, Grandchild, GreatGrandchild):
        with pytest.raises(InputError, match="number"):
            kind(number=0)

    class Wrong(Grandchild):
        number = "many"

    with pytest.raises(InputError, match="many"):
        Wrong()


def test_annotating_again_keeps_the_validator():
    class Again(Counter):
        number: int = 12

    assert Again().number == 12
    with pytest.raises(InputError, match="number"):
        Again(number=-1)

    class Own(Counter):
        number: int = attrs.field(default=-4, validator=attrs.validators.instance_of(int))

    assert Own().number == -4


def test_a_new_parameter_can_be_added():
    class More(Child):
        extra: str = "x"

    assert More().parameters() == {"number": 31, "words": (), "plain": 1.5, "extra": "x"}


def test_a_misspelt_parameter_is_named_with_the_right_one():
    with pytest.raises(PlanError, match="n_neighbors"):

        class Misspelt(PixelLabeller):
            n_neighbours = 31

    with pytest.raises(PlanError, match="cell_px"):

        class Other(DepthResolver):
            cell_pix = 3


def test_other_attributes_and_methods_are_left_alone():
    class Free(Counter):
        LIMIT = 5
        _numbers = 3
        note: ClassVar[str] = "hello"

        def number_of(self):
            return self.number * self.LIMIT

        @property
        def plainer(self):
            return 1

    assert Free().number_of() == 15
    assert Free.parameter_names() == Counter.parameter_names()


def test_steps_are_frozen():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Child().number = 4


def test_unknown_and_positional_arguments_are_refused():
    with pytest.raises(TypeError):
        Counter(nummer=3)
    with pytest.raises(TypeError):
        Counter(3)


def test_repr_shows_the_parameters():
    assert "number=31" in repr(Child())
    assert repr(Projector()).startswith("Projector(")
    assert "sampling='rays'" in repr(Projector())


def test_equal_parameters_are_equal_steps():
    assert Child() == Child(number=31)
    assert Child() != Child(number=30)
    assert Child() != Counter(number=31)


def test_needs_come_from_the_signature():
    assert Counter.needs() == ("image",)
    assert Counter.uses() == ("image", "window_mask")


def test_positional_and_open_signatures_are_refused():
    class Positional(Step):
        provides = "labels"

        def compute(self, image):
            return image

    class Open(Step):
        provides = "labels"

        def compute(self, **needs):
            return needs

    class Star(Step):
        provides = "labels"

        def compute(self, *args, image):
            return image

    for kind in (Positional, Open, Star):
        with pytest.raises(PlanError, match="keyword-only"):
            kind.needs()


def test_a_parameter_that_is_an_array_or_list_can_be_overridden():
    class Listy(Step):
        provides = "labels"
        values: np.ndarray = attrs.field(
            factory=lambda: np.zeros(3), converter=np.asarray, eq=False
        )

        def compute(self, *, image):
            return image

    class Sub(Listy):
        values = [1, 2]  # noqa: RUF012

    assert np.array_equal(Sub().values, [1, 2])
    assert np.array_equal(Listy().values, np.zeros(3))


def test_a_mixin_override_reaches_the_step():
    class Mixin:
        number = 77

    class Mixed(Mixin, Counter):
        pass

    assert Mixed().number == 77
