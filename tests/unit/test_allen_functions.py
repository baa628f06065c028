"""The functions of `brainreg3d.allen`, against the file that they read and poses that are known."""

from __future__ import annotations

import inspect
import logging
import shutil

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy.spatial.transform import Rotation
from turned_brains import turned_brain

from brainreg3d import allen
from brainreg3d._logging import log_shown, logger
from brainreg3d.errors import InputError


@pytest.fixture
def template_cache(allen_dir, tmp_path, monkeypatch):
    """A cache that holds the template at 100 um, and no network."""
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("BRAINREG3D_ALLEN_URL", "http://127.0.0.1:9")
    (tmp_path / "allen").mkdir()
    shutil.copy(
        allen_dir / "average_template_100.nrrd", tmp_path / "allen" / "allen_template_100um.nrrd"
    )
    return tmp_path / "allen"


def test_names_and_defaults():
    assert allen.AVAILABLE_RESOLUTIONS == [10, 25, 50, 100]
    parameters = inspect.signature(allen.register_3d_rigid_to_allen).parameters
    assert {name: p.default for name, p in list(parameters.items())[2:]} == {
        "allen_resolution": 100,
        "metric": "MI",
        "max_iterations": 1000,
        "verbose": False,
        "progress_callback": None,
        "initial_rotation_deg": (0, 0, 0),
    }
    assert list(parameters)[:2] == ["moving_image", "moving_spacing"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_arrays_become_images(dtype):
    volume = np.arange(24).reshape(2, 3, 4).astype(dtype)
    image = allen.numpy_to_sitk_image(volume, (0.3, 0.2, 0.1))
    assert image.GetSize() == (4, 3, 2)
    assert image.GetSpacing() == pytest.approx((0.1, 0.2, 0.3))
    assert image.GetOrigin() == (0, 0, 0)
    assert image.GetDirection() == tuple(np.eye(3).ravel())
    assert image[3, 1, 0] == volume[0, 1, 3]
    assert sitk.GetArrayFromImage(image).dtype == dtype
    cast = allen.numpy_to_sitk_image(volume, (0.3, 0.2, 0.1), cast_dtype=np.float64)
    assert cast.GetPixelID() == sitk.sitkFloat64


def test_unknown_resolution():
    with pytest.raises(InputError, match="10, 25, 50, 100"):
        allen.download_template(20)


def test_ras_is_the_file_turned(template_cache, allen_dir):
    plain = allen.download_template(100)
    assert plain.GetSize() == (132, 80, 114)
    turned = allen.download_template_ras_aligned(100)
    assert turned.GetSize() == (114, 132, 80)
    assert turned.GetSpacing() == (0.1, 0.1, 0.1)
    assert turned.GetOrigin() == (0, 0, 0)
    assert turned.GetDirection() == tuple(np.eye(3).ravel())
    for ap, dv, ml in [(40, 30, 20), (100, 25, 70), (66, 50, 57)]:
        assert turned[ml, 131 - ap, 79 - dv] == plain[ap, dv, ml] > 0


def test_another_cache_folder(template_cache, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(template_cache / "allen_template_100um.nrrd", folder)
    shutil.rmtree(template_cache)
    assert allen.download_template(100, cache_dir=folder).GetSize() == (132, 80, 114)


@pytest.fixture
def turned(template_cache):
    """The template turned by 130 degrees on a canvas of its own, and its pose."""
    template = sitk.GetArrayFromImage(allen.download_template_ras_aligned(100))
    rotation = Rotation.from_rotvec(np.radians(130) * np.array([0.48, 0.6, 0.64])).as_matrix()
    spacing = (0.12, 0.1, 0.09)
    volume, truth = turned_brain(
        template, (0.1,) * 3, rotation, spacing, (18, 17, 16), center_mm=(10, 8, 8.5)
    )
    return volume, spacing, truth


def test_transform_leads_from_atlas_points_to_the_volume(turned):
    volume, spacing, truth = turned
    methods = []
    transform, stop_condition, error = allen.register_3d_rigid_to_allen(
        volume, spacing, progress_callback=methods.append
    )
    assert isinstance(transform, sitk.Euler3DTransform)
    assert isinstance(stop_condition, str)
    assert error < 0
    assert all(isinstance(method, sitk.ImageRegistrationMethod) for method in methods)
    assert methods
    for point in [(3.0, 6.0, 4.0), (8.0, 9.0, 5.0), (5.7, 4.0, 2.0)]:
        expected = truth[:3, :3] @ point + truth[:3, 3]
        np.testing.assert_allclose(transform.TransformPoint(point), expected, atol=0.005)


def test_resampling_with_the_transform_gives_the_template(turned, template_cache):
    volume, spacing, _ = turned
    transform, _, _ = allen.register_3d_rigid_to_allen(volume, spacing)
    template = allen.download_template_ras_aligned(100)
    seen = sitk.Resample(allen.numpy_to_sitk_image(volume, spacing), template, transform)
    pair = (sitk.GetArrayFromImage(image)[5:-5, 5:-5, 5:-5] for image in (template, seen))
    assert np.corrcoef(*(array.ravel() for array in pair))[0, 1] > 0.995


def test_rotation_given_beforehand(turned):
    volume, spacing, truth = turned
    start = sitk.Euler3DTransform()
    start.SetMatrix(truth[:3, :3].ravel().tolist(), 1e-8)
    true = [start.GetAngleX(), start.GetAngleY(), start.GetAngleZ()]
    angles = np.degrees(true) + np.array([10, -15, 20])
    transform, _, _ = allen.register_3d_rigid_to_allen(
        volume, spacing, initial_rotation_deg=tuple(angles)
    )
    point = np.array([3.0, 6.0, 4.0])
    expected = truth[:3, :3] @ point + truth[:3, 3]
    np.testing.assert_allclose(transform.TransformPoint(point.tolist()), expected, atol=0.01)


def test_unknown_metric(template_cache):
    with pytest.raises(ValueError, match="MI, MSE, CC, AntsCC"):
        allen.register_3d_rigid_to_allen(np.eye(50)[None].repeat(50, 0), (0.2,) * 3, metric="NCC")


def test_verbose_reports(turned, capsys):
    volume, spacing, _ = turned
    allen.register_3d_rigid_to_allen(volume, spacing, verbose=True)
    output = capsys.readouterr()
    assert "iterations" in output.err
    assert not output.out


def _lines(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if "said" in line]


def test_each_line_is_shown_once(capsys):
    with log_shown(), log_shown():
        logger.info("said")
        assert _lines(capsys) == ["said"]
    with log_shown():
        logger.info("said again")
    assert _lines(capsys) == ["said again"]
    logger.info("said to nobody")
    assert _lines(capsys) == []


def test_reports_may_end_in_any_order(capsys):
    first, second = log_shown(), log_shown()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    logger.info("said")
    second.__exit__(None, None, None)
    logger.info("said too late")
    assert _lines(capsys) == ["said"]


@pytest.mark.parametrize("level", [logging.NOTSET, logging.WARNING])
def test_what_an_application_shows_already_is_not_shown_twice(capsys, level):
    root, handler = logging.getLogger(), logging.StreamHandler()
    handler.setLevel(level)
    root.addHandler(handler)
    try:
        with log_shown():
            logger.info("said")
            logger.warning("said as a warning")
    finally:
        root.removeHandler(handler)
    assert _lines(capsys) == ["said", "said as a warning"]


def test_bool_becomes_bytes():
    image = allen.numpy_to_sitk_image(np.eye(3, dtype=bool)[None].repeat(2, 0), (1, 1, 1))
    assert image.GetPixelID() == sitk.sitkUInt8
    assert image[1, 1, 0] == 1
