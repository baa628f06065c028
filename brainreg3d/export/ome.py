"""Labels and maps of all pixels in one OME-TIFF, for Fiji, QuPath, OMERO and Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
from brainreg3d.maps import MAX_INCIDENCE_DEG
from brainreg3d.steps.exporting import ExportContent


@attrs.frozen(eq=False)
class PixelMap:
    """One picture of an image's pixels.

    Parameters
    ----------
    name : str
        What it shows, with its unit.
    data : numpy.ndarray, shape (H, W) or (C, H, W)
        One number for each pixel, or for each pixel and channel.
    channels : tuple of str
        Names of the channels.
    meaning : str
        What the numbers are.
    """

    name: str
    data: NDArray[Any] = attrs.field(repr=False)
    channels: tuple[str, ...]
    meaning: str


def pixel_maps(content: ExportContent) -> Iterator[PixelMap]:
    """Return all that is known of each pixel, one picture after the other.

    Parameters
    ----------
    content : ExportContent
        A labelled image.

    Yields
    ------
    PixelMap
        Labels and sides; depth, incidence, area and place in the CCF of the surface; and how
        certain labels are, where that is known.
    """
    labels, maps = content.labels, content.maps
    yield PixelMap("labels", labels.labels, ("label",), "0 for no region, else see its names")
    yield PixelMap("hemisphere", labels.hemisphere, ("side",), "0 off the brain, 1 left, 2 right")
    below = "mm from the image plane down to the tissue; NaN off the brain"
    yield PixelMap("depth_mm", labels.depth_mm, ("depth_mm",), below)
    angle = "degrees between ray and normal of the surface; NaN off the brain"
    yield PixelMap("incidence_deg", maps.incidence_deg, ("incidence_deg",), angle)
    area = f"mm2 of surface that the pixel sees; NaN beyond {MAX_INCIDENCE_DEG:g} degrees"
    yield PixelMap("area_mm2", maps.area_mm2.astype(np.float32), ("area_mm2",), area)
    place = np.moveaxis(maps.ccf, -1, 0).astype(np.float32)
    origin = "um from the anterior-superior-left corner of the atlas; NaN off the brain"
    yield PixelMap("ccf_um", place, ("AP_um", "DV_um", "ML_um"), origin)
    if content.confidence is not None:
        share = "share of draws of the pose in which the pixel keeps its label"
        yield PixelMap("confidence", content.confidence, ("confidence",), share)


class OmeExporter:
    """Write ``<stem>_labels.ome.tif``: the labels, then a map for each thing known of a pixel."""

    def check(self) -> None:
        """Do nothing: what is needed comes with the package."""

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the pictures, each a series of its own.

        Parameters
        ----------
        content : ExportContent
            What there is to write.
        paths : mapping of str to pathlib.Path
            Where to, under ``"ome"``.
        """
        import tifffile

        n_bytes = 40 * content.shape[0] * content.shape[1]
        with tifffile.TiffWriter(paths["ome"], ome=True, bigtiff=n_bytes > 2**31) as tif:
            for picture in pixel_maps(content):
                tif.write(
                    picture.data,
                    photometric="minisblack",
                    compression="zlib",
                    metadata=_metadata(content, picture),
                )


def _metadata(content: ExportContent, picture: PixelMap) -> dict[str, Any]:
    height_mm, width_mm = content.alignment.view.pixel_size_mm
    stacked = picture.data.ndim == 3
    metadata: dict[str, Any] = {
        "axes": "CYX" if stacked else "YX",
        "Name": picture.name,
        "Description": picture.meaning,
        "PhysicalSizeX": width_mm,
        "PhysicalSizeXUnit": "mm",
        "PhysicalSizeY": height_mm,
        "PhysicalSizeYUnit": "mm",
        "Channel": {"Name": list(picture.channels) if stacked else picture.channels[0]},
        "UUID": f"urn:uuid:{content.identifier}",
        "Creator": f"brainreg3d {__version__}",
    }
    if picture.name == "labels":
        names = {str(label): name for label, name in enumerate(content.regions.acronyms, 1)}
        metadata["MapAnnotation"] = [
            {"Namespace": "brainreg3d/labels", "Value": names},
            {
                "Namespace": "brainreg3d/image",
                "Value": {
                    "atlas": content.atlas.title,
                    "bregma": content.alignment.bregma,
                    "image": content.stem,
                },
            },
        ]
    return metadata
