"""Rigid registration as a whole: what is found, what is refused, and that it repeats itself."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation
from turned_brains import axis_rotations, mean_distance_mm, turned_brain

from brainreg3d.errors import InputError, RegistrationFailed
from brainreg3d.registration import METRICS, PhysicalImage, register_rigid

SPACING = (0.1, 0.1, 0.1)


@pytest.fixture(scope="module")
def brain():
    """The phantom's grey values at 100 um, and where its brain is."""
    from brainreg3d.sources.phantom import make_phantom_annotation, make_phantom_template

    annotation = make_phantom_annotation(100)
    return make_phantom_template(annotation).data, annotation.index > 0


def _register(brain, volume, spacing=SPACING, **options):
    fixed = PhysicalImage(brain[0], SPACING)
    return register_rigid(fixed, PhysicalImage(volume, spacing), **options)


def _error_mm(brain, result, truth):
    return mean_distance_mm(brain[1], SPACING, result.matrix, truth)


def _tilt(degrees, seed=0):
    axis = np.random.default_rng(seed).normal(size=3)
    return Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()


@pytest.mark.parametrize("number", [0, 7, 13, 22])
def test_any_axis_orientation_is_found(brain, number):
    rotation = _tilt(11, number) @ axis_rotations()[number]
    volume, truth = turned_brain(brain[0], SPACING, rotation, (0.11, 0.09, 0.1), (15, 15, 15))
    result = _register(brain, volume, (0.11, 0.09, 0.1))
    assert _error_mm(brain, result, truth) < 0.01
    assert result.overlap.dice > 0.9
    assert result.basin_gap > 1.5
    assert not result.warnings


def test_noise_on_a_canvas_far_too_large(brain):
    volume, truth = turned_brain(
        brain[0], SPACING, _tilt(30), (0.13,) * 3, (26, 26, 26), center_mm=(17, 9, 15)
    )
    volume += np.random.default_rng(0).normal(100, 50, volume.shape).astype(np.float32)
    result = _register(brain, volume, (0.13,) * 3)
    assert _error_mm(brain, result, truth) < 0.03


def test_a_quarter_missing(brain):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(160), SPACING, (14, 14, 14))
    rows = np.sort(np.argwhere(volume > 40)[:, 1])
    volume[:, rows[3 * len(rows) // 4] :] = 0
    result = _register(brain, volume)
    assert _error_mm(brain, result, truth) < 0.03
    assert 0.6 < result.overlap.covered < 0.85


@pytest.mark.parametrize("background", [0, 600])
def test_inverted_contrast(brain, background):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(75), SPACING, (14, 14, 14))
    volume = np.where(volume > 20, 600 - volume, background)
    assert _error_mm(brain, _register(brain, volume), truth) < 0.03


def test_a_view_that_ends_within_the_brain(brain):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(20), SPACING, (12, 14, 9))
    view = volume[:, 35:, :95]
    truth[:3, 3] -= [0, 3.5, 0]
    assert _error_mm(brain, _register(brain, view), truth) < 0.03


def test_a_volume_of_true_and_false(brain):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(50), SPACING, (14, 14, 14))
    bright = volume > np.median(volume[volume > 40])
    result = _register(brain, bright)
    assert _error_mm(brain, result, truth) < 0.1
    as_bytes = _register(brain, bright.astype(np.uint8))
    np.testing.assert_array_equal(result.matrix, as_bytes.matrix)


@pytest.mark.parametrize("levels", [2, 3])
def test_a_template_of_few_grey_values(brain, levels):
    grey, inside = brain
    steps = np.quantile(grey[inside], np.arange(1, levels) / levels)
    few = np.searchsorted(steps, grey).astype(np.uint8)
    volume, truth = turned_brain(grey, SPACING, _tilt(25), SPACING, (14, 14, 14))
    fixed, moving = PhysicalImage(few, SPACING), PhysicalImage(volume, SPACING)
    result = register_rigid(fixed, moving, fixed_mask=inside)
    assert _error_mm(brain, result, truth) < 0.1


def test_a_coarse_volume(brain):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(40), (0.3, 0.2, 0.2), (14, 14, 14))
    assert _error_mm(brain, _register(brain, volume, (0.3, 0.2, 0.2)), truth) < 0.05


@pytest.mark.parametrize("metric", METRICS)
def test_metrics(brain, metric):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(100), SPACING, (14, 14, 14))
    result = _register(brain, volume, metric=metric)
    assert _error_mm(brain, result, truth) < 0.02
    assert np.isfinite(result.metric_value)


def test_unknown_metric_lists_all(brain):
    with pytest.raises(ValueError, match="MI, MSE, CC, AntsCC"):
        _register(brain, brain[0], metric="mi")


def test_local_search_needs_a_start_that_is_near(brain):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(120), SPACING, (14, 14, 14))
    near = truth[:3, :3] @ _tilt(8, 5)
    result = _register(brain, volume, search="local", known_orientation=near)
    assert _error_mm(brain, result, truth) < 0.01
    with pytest.raises(RegistrationFailed):
        _register(brain, volume, search="local")


def test_given_masks_are_used(brain):
    volume, truth = turned_brain(brain[0], SPACING, _tilt(25), SPACING, (14, 14, 14))
    mask = volume > 20
    bright = volume.copy()
    bright[2:30, 2:30, 2:30] = 3000  # a lump that would be taken for the tissue
    mask[2:30, 2:30, 2:30] = False
    result = _register(brain, bright, moving_mask=mask)
    assert _error_mm(brain, result, truth) < 0.1


def test_callback_is_called_once_per_iteration(brain):
    values = []
    result = _register(
        brain, brain[0], progress_callback=lambda method: values.append(method.GetMetricValue())
    )
    assert len(values) == result.iterations > 0
    assert np.isfinite(values).all()


def test_what_a_callback_raises_is_passed_on(brain):
    def callback(method):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _register(brain, brain[0], progress_callback=callback)


_REPEATED = """
import os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import numpy as np
from brainreg3d.registration import PhysicalImage, register_rigid
fixed, moving = np.load(sys.argv[2]), np.load(sys.argv[3])
result = register_rigid(PhysicalImage(fixed, (.1, .1, .1)), PhysicalImage(moving, (.1, .1, .1)))
print(result.matrix.tobytes().hex(), repr(result.metric_value), result.iterations)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_the_number_of_cores_changes_no_bit(brain, tmp_path):
    volume, _ = turned_brain(brain[0], SPACING, _tilt(60), SPACING, (14, 14, 14))
    # Another contrast, so that both ways to finish are tried.
    volume = ndimage.gaussian_filter(np.sqrt(volume) + volume % 97, 1.0)
    np.save(tmp_path / "fixed.npy", brain[0])
    np.save(tmp_path / "moving.npy", volume)
    answers = [
        subprocess.run(
            [sys.executable, "-c", _REPEATED, cores, "fixed.npy", "moving.npy"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for cores in ("1", "2", "2")
    ]
    assert answers[0]
    assert answers[0] == answers[1] == answers[2]


def _ellipsoid():
    grid = (np.indices((120, 140, 110)) - np.array([60, 70, 55])[:, None, None, None]) / np.array(
        [40, 60, 50]
    )[:, None, None, None]
    return 100.0 * (np.sum(grid**2, axis=0) < 1)


def _photograph():
    from skimage.data import camera

    return np.repeat(camera()[None, ::4, ::4], 80, axis=0)


def _slice(brain):
    data = np.zeros_like(brain[0])
    data[40] = brain[0][40]
    return data


def _third(brain, axis, first):
    data = brain[0].copy()
    places = np.sort(np.argwhere(brain[1])[:, axis])
    cut = places[len(places) // 3] if first else places[2 * len(places) // 3]
    part = [slice(None)] * 3
    part[axis] = slice(cut, None) if first else slice(None, cut)
    data[tuple(part)] = 0
    return data


HOPELESS = {
    "noise": lambda brain: np.random.default_rng(0).random((90, 100, 80)),
    "clouds": lambda brain: ndimage.gaussian_filter(
        np.random.default_rng(0).random((114, 132, 80)), 6
    ),
    "ellipsoid": lambda brain: _ellipsoid(),
    "photograph": lambda brain: _photograph(),
    "one slice": _slice,
    "front third": lambda brain: _third(brain, 1, False),
    "back third": lambda brain: _third(brain, 1, True),
    "left third": lambda brain: _third(brain, 2, True),
    "top third": lambda brain: _third(brain, 0, False),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_hopeless_volumes_get_no_transform(brain, name):
    with pytest.raises(RegistrationFailed):
        _register(brain, HOPELESS[name](brain))


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (np.zeros((20, 20, 20)), "same value"),
        (np.full((20, 20, 20), np.nan), "NaN"),
        (np.zeros((20, 20)), "three axes"),
        (np.random.default_rng(0).random((1, 50, 50)), "several slices"),
        (np.zeros((20, 0, 20)), "numbers"),
    ],
)
def test_what_is_no_volume_is_an_input_error(brain, volume, words):
    with pytest.raises(InputError, match=words):
        _register(brain, volume)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"search": "everywhere"}, "global, local"),
        ({"initial_rotation_deg": (0, 0)}, "three angles"),
        ({"initial_rotation_deg": "upside down"}, "three angles"),
        ({"known_orientation": np.ones((3, 3))}, "rotation matrix"),
        ({"known_orientation": [[1, 0], [0]]}, "rotation matrix"),
        ({"known_orientation": np.full((3, 3), np.nan)}, "rotation matrix"),
        ({"known_orientation": np.diag([-1.0, 1.0, 1.0])}, "mirror"),
        ({"moving_mask": np.ones((2, 2, 2), dtype=bool)}, "mask"),
    ],
)
def test_bad_options(brain, options, words):
    with pytest.raises(InputError, match=words):
        _register(brain, brain[0], **options)


def test_a_spacing_in_micrometres_is_noticed(brain):
    with pytest.raises(RegistrationFailed, match="spacing"):
        _register(brain, brain[0], (100, 100, 100))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_third_of_the_box_along_an_axis_is_not_a_brain(brain, axis):
    """The middle third of the canvas may hold half of the tissue, and is hopeless all the same."""
    length = brain[0].shape[axis]
    part = [slice(None)] * 3
    part[axis] = slice(length // 3, 2 * length // 3)
    with pytest.raises(RegistrationFailed):
        _register(brain, brain[0][tuple(part)])


def test_a_given_orientation_that_is_wrong_is_noticed(brain):
    turned = np.ascontiguousarray(brain[0].transpose(1, 0, 2)[:, ::-1])  # by a right angle
    with pytest.raises(RegistrationFailed, match="orientation"):
        _register(brain, turned, known_orientation=np.eye(3))


def test_how_much_of_the_brain_there_is_is_said(brain):
    half = brain[0][:, :, : brain[0].shape[2] // 2]
    result = _register(brain, half)
    assert result.overlap.covered == pytest.approx(0.5, abs=0.06)
    assert any("covers only" in warning for warning in result.warnings)


@pytest.mark.parametrize("iterations", [0, -1, 2.5, True, "many"])
def test_iterations_are_a_whole_number(brain, iterations):
    with pytest.raises(InputError, match="max_iterations"):
        _register(brain, brain[0], max_iterations=iterations)
