"""Frames, poses, cameras and grids.

Everything here works in one physical frame, ``atlas``: right-anterior-superior (x to the right,
y to anterior, z to superior) in millimetres, with its origin at the outer left-posterior-inferior
corner of the atlas box, so that every resolution of an atlas shares it.
"""

from brainreg3d.geometry.frames import (
    ATLAS_DIRECTIONS,
    as_points,
    atlas_mm_to_ccf_um,
    ccf_um_to_atlas_mm,
    parse_directions,
    reorient_from_atlas,
    reorient_to_atlas,
    to_ccf_layout,
)
from brainreg3d.geometry.grid import VolumeGrid
from brainreg3d.geometry.pose import Pose
from brainreg3d.geometry.view import Camera, ImageView, Rays

__all__ = [
    "ATLAS_DIRECTIONS",
    "Camera",
    "ImageView",
    "Pose",
    "Rays",
    "VolumeGrid",
    "as_points",
    "atlas_mm_to_ccf_um",
    "ccf_um_to_atlas_mm",
    "parse_directions",
    "reorient_from_atlas",
    "reorient_to_atlas",
    "to_ccf_layout",
]
