"""Planes through an atlas and the slices that lie in them."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas
from brainreg3d.atlas.cropped import CroppedVolume
from brainreg3d.geometry import VolumeGrid

CCF_BOX = VolumeGrid((320, 528, 456), (0.025, 0.025, 0.025))
"""The box of the Allen CCF; presets of bregma mean nothing in another one."""
AXIS_NAMES = ("ML", "AP", "DV")
_COARSE_MM = 0.1  # finer than this does not change which planes are informative


@attrs.frozen
class Plane:
    """One of the three anatomical planes, and how it is looked at.

    Parameters
    ----------
    name : str
        For the heading.
    normal : int
        Place of the axis across the plane in points (x, y, z).
    across, up : int
        Places of the axes that run across the picture and up it.
    edges : tuple of str
        Letters at the left, right, lower and upper edge.
    reverse : bool
        Whether the axis across the picture falls from left to right.
    """

    name: str
    normal: int
    across: int
    up: int
    edges: tuple[str, str, str, str]
    reverse: bool = False


PLANES = (
    Plane("Coronal, seen from behind", 1, 0, 2, ("L", "R", "I", "S")),
    Plane("Sagittal", 0, 1, 2, ("A", "P", "I", "S"), reverse=True),
    Plane("Horizontal, seen from above", 2, 0, 1, ("L", "R", "P", "A")),
)


def informative_point_mm(atlas: Atlas) -> NDArray[np.float64]:
    """Return the point through which planes show most of an atlas.

    Parameters
    ----------
    atlas : Atlas
        Any atlas.

    Returns
    -------
    numpy.ndarray, shape (3,)
        (x, y, z) in mm: along each axis the middle of the voxels at which a slice meets most
        structures, the nearest to the middle of the atlas among equals; x in the right half,
        off the midline.
    """
    grid = atlas.grid
    steps = tuple(max(1, round(_COARSE_MM / spacing)) for spacing in grid.spacing_mm)
    coarse = atlas.annotation.volume.every((0, 0, 0), steps).whole()
    point = np.zeros(3)
    for axis in range(3):
        slices = np.moveaxis(coarse, axis, 0)
        counts = np.array([np.unique(layer).size for layer in slices])
        places = np.arange(counts.size)
        if axis == 2:
            counts = np.where(places < 0.55 * counts.size, -1, counts)
        best = places[counts == counts.max()]
        middle = best[np.argmin(np.abs(best - (counts.size - 1) / 2))]
        point[2 - axis] = (middle * steps[axis] + 0.5) * grid.spacing_mm[axis]
    return point


def slice_plane(
    volume: NDArray[Any] | CroppedVolume,
    grid: VolumeGrid,
    plane: Plane,
    point_mm: NDArray[np.float64],
) -> NDArray[Any]:
    """Cut a slice out of a volume, turned as it is looked at.

    Parameters
    ----------
    volume : numpy.ndarray, shape (Z, Y, X), or CroppedVolume
        In the atlas frame.
    grid : VolumeGrid
        Where its voxels lie.
    plane : Plane
        Which plane.
    point_mm : numpy.ndarray, shape (3,)
        A point (x, y, z) in the plane.

    Returns
    -------
    numpy.ndarray, 2D
        Row 0 is the upper edge of the picture, column 0 its left edge.
    """
    axis = 2 - plane.normal
    index = int(grid.voxel_indices(point_mm)[axis])
    index = min(max(index, 0), grid.shape[axis] - 1)
    if isinstance(volume, CroppedVolume):
        place = [slice(None)] * 3
        place[axis] = slice(index, index + 1)
        layer = volume.block((place[0], place[1], place[2])).squeeze(axis)
    else:
        layer = np.take(volume, index, axis=axis)
    # What is left of (Z, Y, X) is already (up, across): z before y before x.
    layer = layer[::-1]
    return np.asarray(layer[:, ::-1] if plane.reverse else layer)
