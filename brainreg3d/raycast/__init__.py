"""Exact ray casting through an annotation; each ray is independent of all others."""

from __future__ import annotations

from brainreg3d.raycast._sources import hit_points, pixel_rays
from brainreg3d.raycast.cast import cast_first_hits, cast_label_hits, cast_label_pixels
from brainreg3d.raycast.hits import Hits, LabelHits

__all__ = [
    "Hits",
    "LabelHits",
    "cast_first_hits",
    "cast_label_hits",
    "cast_label_pixels",
    "hit_points",
    "pixel_rays",
]
