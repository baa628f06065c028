"""Sets of ImageJ ROIs, for its ROI Manager and for all that reads them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainreg3d.borders import Piece
from brainreg3d.steps.exporting import ExportContent, SidedRegion

if TYPE_CHECKING:
    from roifile import ImagejRoi

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date of ZIP files: equal runs, equal bytes
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0  # segments of java.awt.geom.PathIterator
_MOST_CORNERS = 2**16 - 1  # of a simple ROI; ImageJ counts them in 16 bits
_MOST_PIXELS = 2**15 - 1  # along an axis; ImageJ's corners are signed 16-bit numbers


class RoiExporter:
    """Write ``<stem>_rois.zip``: a ROI for each region and side that has pixels.

    ROIs are named such as ``VISp_R`` and have the atlas's colours. Their corners lie between
    pixels, where ImageJ has its whole numbers: pixel (row, column) covers x from column to column
    + 1. A part in one piece without holes is a traced ROI, any other a composite one.
    """

    def check(self) -> None:
        """Do nothing: what is needed comes with the package."""

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the ROIs.

        Parameters
        ----------
        content : ExportContent
            What there is to write.
        paths : mapping of str to pathlib.Path
            Where to, under ``"rois"``.
        """
        with zipfile.ZipFile(paths["rois"], "w") as archive:
            for part, pieces in content.borders:
                entry = zipfile.ZipInfo(f"{part.safe_name}.roi", _LONG_AGO)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, _roi(part, pieces).tobytes())


def _roi(part: SidedRegion, pieces: Sequence[Piece]) -> ImagejRoi:
    from roifile import ROI_TYPE, ImagejRoi

    rings = [ring for piece in pieces for ring in piece.rings]
    corners = np.concatenate(rings)
    left, top = corners.min(axis=0).tolist()
    right, bottom = corners.max(axis=0).tolist()
    roi = ImagejRoi(
        name=part.safe_name,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        stroke_color=bytes((255, *part.region.rgb)),
        props=_properties(part),
    )
    if len(rings) == 1 and len(corners) <= _MOST_CORNERS and max(right, bottom) <= _MOST_PIXELS:
        roi.roitype = ROI_TYPE.TRACED
        roi.n_coordinates = len(corners)
        roi.integer_coordinates = (corners - (left, top)).astype(np.int32)
    else:
        roi.roitype = ROI_TYPE.RECT  # as ImageJ marks composite ones
        roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
        roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _path(ring: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a ring as ImageJ writes the paths of composite ROIs."""
    lines = np.column_stack([np.full(len(ring), _LINE), ring])
    lines[0, 0] = _MOVE
    return np.append(lines.ravel(), _CLOSE).astype(np.float32)


def _properties(part: SidedRegion) -> str:
    """Return what ImageJ lists under Properties; names of files cannot hold all acronyms."""
    known = {
        "acronym": part.region.acronym,
        "structure_id": part.region.id,
        "hemisphere": part.hemisphere or "unknown",
        "region": part.region.name,
    }
    return "".join(f"{key}: {value}\n" for key, value in known.items())
