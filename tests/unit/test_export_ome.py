"""OME-TIFF, read back by tifffile."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
import tifffile
from exported import NAMES, PIXEL_MM, label_images, make_content, write
from hypothesis import given
from tiny_brain import make_atlas

from brainreg3d.export.ome import OmeExporter

ATLAS = make_atlas()
OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def write_ome(folder, labels, hemisphere=None, **options):
    content = make_content(labels, hemisphere, atlas=ATLAS, **options)
    return content, write(OmeExporter(), content, folder)["ome"]


@given(label_images())
def test_the_first_series_is_the_label_image(tmp_path_factory, drawn):
    labels, hemisphere = drawn
    _, path = write_ome(tmp_path_factory.mktemp("ome"), labels, hemisphere)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        read = {series.name: series.asarray() for series in tif.series}
        assert tif.series[0].dtype == np.uint16
    np.testing.assert_array_equal(read["labels"], labels)
    np.testing.assert_array_equal(read["hemisphere"], hemisphere)
    np.testing.assert_array_equal(tifffile.imread(path), labels)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    labels = np.random.default_rng(1).integers(0, 4, (23, 20))
    sure = np.linspace(0, 1, labels.size, dtype=np.float32).reshape(labels.shape)
    content, path = write_ome(tmp_path_factory.mktemp("ome"), labels, certain=lambda: sure)
    return content, path, sure


def test_maps_of_all_pixels(written):
    content, path, sure = written
    with tifffile.TiffFile(path) as tif:
        read = {series.name: (series.axes, series.asarray()) for series in tif.series}
    assert list(read) == [
        "labels", "hemisphere", "depth_mm", "incidence_deg", "area_mm2", "ccf_um", "confidence",
    ]  # fmt: skip
    axes, ccf = read["ccf_um"]
    assert axes == "CYX"
    expected = content.maps.ccf
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(ccf, np.moveaxis(expected, -1, 0), rtol=1e-6)
    assert [a for a, _ in read.values()].count("YX") == 6
    for name in ("incidence_deg", "area_mm2"):
        np.testing.assert_allclose(read[name][1], getattr(content.maps, name), rtol=1e-6)
    np.testing.assert_array_equal(read["depth_mm"][1], content.labels.depth_mm)
    np.testing.assert_array_equal(read["confidence"][1], sure)


def test_what_ome_readers_show(written):
    _, path, _ = written
    with tifffile.TiffFile(path) as tif:
        root = ET.fromstring(tif.ome_metadata)  # noqa: S314
    images = root.findall(f"{OME}Image")
    for image in images:
        pixels = image.find(f"{OME}Pixels").attrib
        assert (pixels["PhysicalSizeXUnit"], pixels["PhysicalSizeYUnit"]) == ("mm", "mm")
        assert (float(pixels["PhysicalSizeY"]), float(pixels["PhysicalSizeX"])) == PIXEL_MM
        assert image.find(f"{OME}Description").text
    channels = [c.attrib["Name"] for c in images[5].iter(f"{OME}Channel")]
    assert channels == ["AP_um", "DV_um", "ML_um"]
    names = {entry.attrib["K"]: entry.text for entry in root.iter(f"{OME}M")}
    assert [names[str(n)] for n in range(1, 1 + len(NAMES))] == list(NAMES)


def test_without_knowing_how_certain(tmp_path):
    _, path = write_ome(tmp_path, np.ones((5, 6), int), with_image=False)
    with tifffile.TiffFile(path) as tif:
        assert [series.name for series in tif.series][-1] == "ccf_um"
