"""Contours of regions as GeoJSON, for QuPath, for scripts, for anything that draws polygons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brainreg3d._version import __version__
from brainreg3d.borders import Piece
from brainreg3d.steps.exporting import ExportContent, SidedRegion

CONVENTION = (
    "Coordinates are [x, y]: x to the right along columns, y down along rows. In pixels "
    "(geometry) from the outer corner of the first pixel: pixel (row, column) covers [column, "
    "column + 1] x [row, row + 1] and its centre lies at (column + 0.5, row + 0.5); subtract 0.5 "
    "where centres of pixels are whole numbers. In mm of the image plane (coordinates_mm) from "
    "the same corner."
)
"""What coordinates mean; written into each file."""

_NANOMETRE = 6  # decimals of a number of mm


class ContourExporter:
    """Write ``<stem>_contours.geojson``: a feature for each region and side that has pixels."""

    def check(self) -> None:
        """Do nothing: what is needed comes with the language."""

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the contours.

        Parameters
        ----------
        content : ExportContent
            What there is to write.
        paths : mapping of str to pathlib.Path
            Where to, under ``"geojson"``.
        """
        size_mm = content.alignment.view.pixel_size_mm
        head = {
            "type": "FeatureCollection",
            "brainreg3d": {
                "version": __version__,
                "convention": CONVENTION,
                "image_shape_px": list(content.shape),
                "pixel_size_mm": list(size_mm),
                "atlas": content.atlas.title,
                "bregma": content.alignment.bregma,
            },
        }
        features = [
            _text(_feature(part, pieces, size_mm, content)) for part, pieces in content.borders
        ]
        # A line for each region, so that files can be looked at and compared.
        start = _text(head)[:-1]
        body = ",\n".join(features)
        paths["geojson"].write_text(f'{start},"features":[\n{body}\n]}}\n', encoding="utf-8")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _feature(
    part: SidedRegion,
    pieces: Sequence[Piece],
    pixel_size_mm: tuple[float, float],
    content: ExportContent,
) -> dict[str, Any]:
    region = part.region
    height_mm, width_mm = pixel_size_mm
    n_pixels = int(content.n_pixels[part.number])
    return {
        "type": "Feature",
        "geometry": {"type": "MultiPolygon", "coordinates": _polygons(pieces)},
        "properties": {
            # The first three are what QuPath reads.
            "objectType": "annotation",
            "name": part.name,
            "classification": {"name": part.name, "color": list(region.rgb)},
            "acronym": region.acronym,
            "id": region.id,
            "region": region.name,
            "label": part.label,
            "hemisphere": part.hemisphere or None,
            "color": list(region.rgb),
            "n_pixels": n_pixels,
            "area_mm2": round(n_pixels * height_mm * width_mm, _NANOMETRE),
            "coordinates_mm": _polygons(pieces, (width_mm, height_mm)),
        },
    }


def _polygons(
    pieces: Sequence[Piece], scale_mm: tuple[float, float] | None = None
) -> list[list[list[list[float]]]]:
    """Return rings as the standard has them: closed, outer ones in the sense from x to y."""
    polygons = []
    for piece in pieces:
        rings = [np.vstack([ring, ring[:1]]) for ring in piece.rings]
        if scale_mm is not None:
            rings = [np.round(ring * np.array(scale_mm), _NANOMETRE) for ring in rings]
        polygons.append([ring.tolist() for ring in rings])
    return polygons
