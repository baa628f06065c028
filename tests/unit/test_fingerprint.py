from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_brain import make_atlas

from brainreg3d.geometry import Pose
from brainreg3d.io.fingerprint import fingerprint
from brainreg3d.io.hashing import sha256_of_array, sha256_of_file
from brainreg3d.steps import PixelLabeller

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(values)
def test_equal_values_have_equal_fingerprints(value):
    import copy

    assert fingerprint(value) == fingerprint(copy.deepcopy(value))


DIFFERENT = [
    None, True, False, 0, 1, 1.0, 0.0, "1", "", b"1", (1,), [1], {1}, {"1": 1}, {1: "1"}, [1, 2],
    [2, 1], [[1], 2], [[1, 2]], "None", (), [], {}, np.array([1]), np.array([1.0]), np.array([[1]]),
    np.array([1], np.int16), Pose((1, 2, 3)), Pose((1, 2, 4)), Pose((1, 2, 3), mirrored=True),
    PixelLabeller(), PixelLabeller(n_neighbors=2), int, float, Path("a"), Path("b"),
]  # fmt: skip


def test_different_values_have_different_fingerprints():
    marks = [fingerprint(value) for value in DIFFERENT]
    twins = [
        (DIFFERENT[i], DIFFERENT[j])
        for i in range(len(marks))
        for j in range(i)
        if marks[i] == marks[j]
    ]
    assert not twins


def test_order_of_a_mapping_does_not_count():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_files_count_by_content(tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    one.write_text("x")
    other.write_text("x")
    assert fingerprint(one) == fingerprint(other)
    before = fingerprint(one)
    one.write_text("y")  # the same length
    assert fingerprint(one) != before
    assert sha256_of_file(one) != sha256_of_file(other)


def test_arrays_count_by_values_wherever_they_lie():
    array = np.arange(12.0).reshape(3, 4)
    assert fingerprint(array) == fingerprint(np.asfortranarray(array))
    assert fingerprint(array) == fingerprint(np.repeat(array, 2, axis=1)[:, ::2])
    assert sha256_of_array(array) != sha256_of_array(array.T)
    changed = array.copy()
    changed[2, 3] += 1e-12
    assert fingerprint(changed) != fingerprint(array)


def test_ports_do_not_count():
    from brainreg3d.steps import ManualAligner

    pose = Pose((1, 2, 3))
    one = ManualAligner(alignment=pose, window=object())
    assert fingerprint(one) == fingerprint(ManualAligner(alignment=pose))


def test_what_cannot_be_compared_counts_by_identity():
    atlas = make_atlas()
    assert fingerprint(atlas) == fingerprint(atlas)
    assert fingerprint(atlas) != fingerprint(make_atlas())


def test_classes_of_one_name_are_two():
    def make(default):
        @attrs.frozen
        class Thing:
            value: int = default

        return Thing

    assert fingerprint(make(1)()) != fingerprint(make(1)())


@pytest.mark.parametrize("value", [1.5, np.float64(1.5)])
def test_numbers_of_numpy(value):
    assert fingerprint(value) == fingerprint(type(value)(1.5))
