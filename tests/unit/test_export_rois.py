"""ROI sets, read back by roifile and rasterised by scikit-image."""

import zipfile

import numpy as np
import pytest
import roifile
from exported import NAMES, expected_sides, label_images, make_content, read_rois, write
from hypothesis import given
from tiny_brain import make_atlas

from brainreg3d.export.rois import RoiExporter

ATLAS = make_atlas()


def write_rois(folder, labels, hemisphere=None, **options):
    content = make_content(np.asarray(labels), hemisphere, atlas=ATLAS, **options)
    return write(RoiExporter(), content, folder)["rois"]


def read(path):
    rois = roifile.roiread(path)
    return {roi.name: roi for roi in (rois if isinstance(rois, list) else [rois])}


@given(label_images())
def test_rois_are_the_label_image(tmp_path_factory, drawn):
    labels, hemisphere = drawn
    path = write_rois(tmp_path_factory.mktemp("rois"), labels, hemisphere)
    read_labels, sides = read_rois(path, labels.shape, NAMES)
    np.testing.assert_array_equal(read_labels, labels)
    np.testing.assert_array_equal(sides, expected_sides(labels, hemisphere))


def test_a_square_in_imagej_s_own_numbers(tmp_path):
    """As ImageJ writes it: corners at whole numbers, pixel (2, 3) covers x 3 to 4 and y 2 to 3."""
    labels = np.zeros((9, 12), int)
    labels[2:5, 3:6] = 1
    (roi,) = read(write_rois(tmp_path, labels, np.ones((9, 12)))).values()
    assert roi.roitype == roifile.ROI_TYPE.TRACED
    assert (roi.left, roi.top, roi.right, roi.bottom) == (3, 2, 6, 5)
    assert not roi.subpixelresolution
    corners = {tuple(corner) for corner in roi.coordinates().tolist()}
    assert corners == {(3, 2), (6, 2), (6, 5), (3, 5)}
    assert roi.position == 0, "on every slice of a stack"


def test_parts_in_pieces_or_with_holes_are_composite(tmp_path):
    labels = np.zeros((9, 24), int)
    labels[1:8, 1:8] = 1
    labels[3:5, 3:5] = 0  # a hole
    labels[1, 9], labels[3, 9] = 2, 2  # two pieces
    rois = read(write_rois(tmp_path, labels, np.ones(labels.shape)))
    assert set(rois) == {"ANT_L", "POST_L"}
    for roi, n_rings in ((rois["ANT_L"], 2), (rois["POST_L"], 2)):
        assert roi.composite
        assert roi.roitype == roifile.ROI_TYPE.RECT, "the type that ImageJ expects of them"
        assert len(roi.coordinates(multi=True)) == n_rings
    assert (rois["ANT_L"].left, rois["ANT_L"].right) == (1, 8)


def test_names_and_colours(tmp_path):
    labels = np.zeros((6, 8), int)
    labels[1:4, 1:7] = 3
    rois = read(write_rois(tmp_path, labels))
    assert set(rois) == {"MARK_L", "MARK_R"}
    red, green, blue = ATLAS.structures[30].rgb
    for roi in rois.values():
        assert roi.stroke_color == bytes([255, red, green, blue]), "opaque"
        assert "acronym: MARK\n" in roi.props
    with zipfile.ZipFile(tmp_path / "mouse_rois.zip") as archive:
        assert archive.namelist() == ["MARK_L.roi", "MARK_R.roi"]


def test_names_that_no_file_can_have(tmp_path):
    """VISp2/3 would make a folder of the archive; ImageJ shows the names of its entries."""
    import attrs

    from brainreg3d.atlas import RegionSet

    labels = np.array([[1, 2, 3]])
    content = make_content(labels, np.full((1, 3), 2), atlas=ATLAS)
    ant, *others = content.regions
    names = ("VISp2/3", "CM", "cm")
    renamed = [attrs.evolve(ant, acronym=name, id=n) for n, name in enumerate(names, 5)]
    content = attrs.evolve(content, regions=RegionSet((*renamed, *others[2:])))
    rois = read(write(RoiExporter(), content, tmp_path)["rois"])
    assert set(rois) == {"VISp2-3_R", "CM_6_R", "cm_7_R"}
    assert "acronym: VISp2/3\n" in rois["VISp2-3_R"].props


def test_no_region_seen_no_roi(tmp_path):
    path = write_rois(tmp_path, np.zeros((4, 5), int))
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == []


def test_it_replaces_what_was_there(tmp_path):
    write_rois(tmp_path, np.full((4, 6), 1))
    path = write_rois(tmp_path, np.full((4, 6), 2))
    assert set(read(path)) == {"POST_L", "POST_R"}


@pytest.mark.parametrize("n", [70_000])
def test_more_corners_than_a_simple_roi_holds(tmp_path, n):
    """A comb in one piece; ImageJ counts the corners of simple ROIs in 16 bits."""
    labels = np.zeros((3, n), int)
    labels[1], labels[0, ::2] = 1, 1
    (roi,) = read(write_rois(tmp_path, labels, np.ones(labels.shape))).values()
    assert roi.composite
    (ring,) = roi.coordinates(multi=True)
    x, y = ring.astype(float).T
    area = 0.5 * abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    assert area == labels.sum()
