"""What a TIFF says of the size of its pixels: OME, ImageJ, or centimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d._logging import logger
from brainreg3d.geometry.view import MAX_PIXEL_SIZE_MM, MIN_PIXEL_SIZE_MM

if TYPE_CHECKING:
    import tifffile

_MM_PER_UNIT = {
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0, "cm": 10.0, "centimeter": 10.0,
    "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "\\u00b5m": 1e-3, "micron": 1e-3, "microns": 1e-3,
    "micrometer": 1e-3, "micrometre": 1e-3, "nm": 1e-6, "m": 1e3,
}  # fmt: skip
_TIFF_CENTIMETER = 3


def stated_pixel_size(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> tuple[float, float] | None:
    """Return what a TIFF says of its pixel size, if it can be believed.

    Parameters
    ----------
    tif : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        The image or stack in it.

    Returns
    -------
    tuple of float or None
        (row, column) size of a pixel in mm.
    """
    size = _ome_pixel_size(tif) or _tag_pixel_size(tif, series)
    if size is None:
        return None
    if not all(MIN_PIXEL_SIZE_MM <= value <= MAX_PIXEL_SIZE_MM for value in size):
        logger.warning("The pixel size in the image's metadata, %s mm, is not believed.", size)
        return None
    return size


def _ome_pixel_size(tif: tifffile.TiffFile) -> tuple[float, float] | None:
    if not tif.is_ome or not tif.ome_metadata:
        return None
    from xml.etree import ElementTree as ET

    root = ET.fromstring(tif.ome_metadata)  # noqa: S314
    pixels = root.find(".//{*}Pixels")
    if pixels is None:
        return None
    size = []
    for axis in ("Y", "X"):
        value = pixels.get(f"PhysicalSize{axis}")
        unit = _MM_PER_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        if value is None or unit is None:
            return None
        size.append(float(value) * unit)
    return size[0], size[1]


def _tag_pixel_size(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> tuple[float, float] | None:
    """Read ImageJ's unit, or centimetres.

    Inches are a printer's, not a ruler's, also where ImageJ has taken them over.
    """
    tags = series.keyframe.tags
    imagej = tif.imagej_metadata or {}
    unit = _MM_PER_UNIT.get(str(imagej.get("unit", "")).lower())
    if unit is None and not imagej and tags.valueof(296) == _TIFF_CENTIMETER:
        unit = _MM_PER_UNIT["cm"]
    if unit is None:
        return None
    size = []
    for code in (283, 282):  # YResolution, XResolution: pixels per unit
        numerator, denominator = tags.valueof(code) or (0, 1)
        if not numerator or not denominator:
            return None
        size.append(unit * denominator / numerator)
    return size[0], size[1]
