"""Layers for napari, by the rules that its layers have; napari itself is not needed."""

import sys

import numpy as np
import pytest
import shapely
from exported import NAMES, PIXEL_MM
from shapely.geometry import Polygon
from tiny_brain import make_atlas

from brainreg3d import BrainReg3D, Pose, napari_layers

SHAPE = (30, 24)


@pytest.fixture(scope="module")
def result():
    pose = Pose((2.1, 3.4, 4.1), 12.0, -8.0, 6.0)
    return BrainReg3D(
        np.arange(720.0).reshape(SHAPE), atlas=make_atlas(), alignment=pose,
        pixel_size_mm=PIXEL_MM, brain_regions=list(NAMES),
    ).run(until="PixelLabeller")  # fmt: skip


@pytest.fixture(scope="module")
def layers(result):
    return {options["name"]: (data, options, kind) for data, options, kind in napari_layers(result)}


def test_labels_and_image_are_those_of_the_result(result, layers):
    data, options, kind = layers["regions"]
    assert kind == "labels"
    np.testing.assert_array_equal(data, result.labels)
    features = options["features"]
    for label in np.unique(result.labels):
        place = features["index"].index(label)
        acronym = result.regions[label - 1].acronym if label else ""
        assert features["acronym"][place] == acronym
        rgb = np.array(result.regions[label - 1].rgb) / 255 if label else [0, 0, 0]
        assert options["colormap"][label] == pytest.approx((*rgb, float(label > 0)))
    assert len({len(column) for column in features.values()}) == 1
    assert None in options["colormap"], "napari asks for the colour of all else"
    np.testing.assert_array_equal(layers["hemisphere"][0], result.hemisphere)
    assert layers["image"][2] == "image"
    np.testing.assert_array_equal(layers["image"][0], result.image.pixels)


def test_maps(result, layers):
    maps = {name: layers[name] for name in ("depth_mm", "incidence_deg", "area_mm2")}
    maps |= {name: layers[name] for name in ("AP_um", "DV_um", "ML_um")}
    for name, (data, options, kind) in maps.items():
        expected = getattr(result, name, None)
        if expected is None:
            expected = result.ccf[..., ("AP_um", "DV_um", "ML_um").index(name)]
        np.testing.assert_allclose(data, expected, rtol=1e-6)
        assert (kind, options["visible"]) == ("image", False)
        low, high = options["contrast_limits"]
        assert low < high


def test_outlines_enclose_the_pixels(result, layers):
    """In napari's coordinates: rows first, centres of pixels at whole numbers."""
    lines, options, kind = layers["outlines"]
    assert (kind, options["shape_type"]) == ("shapes", "path")
    assert len(lines) == len(options["edge_color"]) == len(options["features"]["name"])
    rows, cols = np.indices(SHAPE)
    crossings = np.zeros(SHAPE, int)
    for line in lines:
        assert np.array_equal(line[0], line[-1])
        crossings += shapely.contains_xy(Polygon(line), rows.ravel(), cols.ravel()).reshape(SHAPE)
    np.testing.assert_array_equal(crossings % 2 == 1, result.labels > 0)


def test_all_layers_lie_on_each_other(layers):
    assert {options["scale"] for _, options, _ in layers.values()} == {PIXEL_MM}
    assert {options["units"] for _, options, _ in layers.values()} == {("mm", "mm")}
    assert "napari" not in sys.modules
