"""Contours, read back by Shapely."""

import json

import numpy as np
import pytest
from exported import (
    PIXEL_MM,
    expected_sides,
    label_images,
    make_content,
    read_contours,
    write,
)
from hypothesis import given
from shapely.geometry import shape as geometry_of
from tiny_brain import make_atlas

from brainreg3d.export.contours import ContourExporter

ATLAS = make_atlas()


def write_contours(folder, labels, hemisphere=None, **options):
    content = make_content(np.asarray(labels), hemisphere, atlas=ATLAS, **options)
    return write(ContourExporter(), content, folder)["geojson"]


@given(label_images())
def test_contours_are_the_label_image(tmp_path_factory, drawn):
    labels, hemisphere = drawn
    path = write_contours(tmp_path_factory.mktemp("contours"), labels, hemisphere)
    for key in ("geometry", "mm"):
        read_labels, sides = read_contours(path, labels.shape, key)
        np.testing.assert_array_equal(read_labels, labels)
        np.testing.assert_array_equal(sides, expected_sides(labels, hemisphere))


@given(label_images())
def test_polygons_are_valid_and_turn_as_the_standard_says(tmp_path_factory, drawn):
    path = write_contours(tmp_path_factory.mktemp("contours"), *drawn)
    for feature in json.loads(path.read_text())["features"]:
        shape = geometry_of(feature["geometry"])
        assert shape.is_valid
        assert shape.area == feature["properties"]["n_pixels"]
        for polygon in shape.geoms:
            assert polygon.exterior.is_ccw
            assert not any(hole.is_ccw for hole in polygon.interiors)


def test_half_a_pixel(tmp_path):
    """The one pixel in row 2 and column 3 covers x 3 to 4 and y 2 to 3; in mm times its size."""
    labels = np.zeros((5, 6), int)
    labels[2, 3] = 1
    path = write_contours(tmp_path, labels, np.ones((5, 6)))
    content = json.loads(path.read_text())
    assert "its centre lies at (column + 0.5, row + 0.5)" in content["brainreg3d"]["convention"]
    assert content["brainreg3d"]["pixel_size_mm"] == list(PIXEL_MM)
    (feature,) = content["features"]
    (((ring,)),) = (polygon for polygon in feature["geometry"]["coordinates"])
    assert ring == [[3, 2], [4, 2], [4, 3], [3, 3], [3, 2]]
    height, width = PIXEL_MM
    (((ring_mm,)),) = (polygon for polygon in feature["properties"]["coordinates_mm"])
    np.testing.assert_allclose(ring_mm, np.array(ring) * [width, height], atol=1e-6)
    assert feature["properties"]["area_mm2"] == pytest.approx(height * width)


def test_what_qupath_and_people_read(tmp_path):
    labels = np.zeros((5, 6), int)
    labels[2, 1:5] = 2
    path = write_contours(tmp_path, labels)
    left, right = json.loads(path.read_text())["features"]
    color = list(ATLAS.structures[312_782_593].rgb)
    known = left["properties"]
    assert known["objectType"] == "annotation"
    assert known["classification"] == {"name": "POST_L", "color": color}
    assert (known["acronym"], known["id"], known["region"]) == (
        "POST", 312_782_593, "Posterior area",
    )  # fmt: skip
    assert (known["hemisphere"], right["properties"]["hemisphere"]) == ("left", "right")
    assert (known["label"], known["n_pixels"]) == (2, 2)


def test_no_region_seen_no_contour(tmp_path):
    path = write_contours(tmp_path, np.zeros((4, 5), int), with_image=False)
    assert json.loads(path.read_text())["features"] == []
