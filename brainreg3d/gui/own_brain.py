"""The animal's own brain, in place of the template's, when its volume was registered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.geometry import parse_directions, reorient_to_atlas
from brainreg3d.gui.brain_scene import Part
from brainreg3d.registration.images import PhysicalImage, shrink
from brainreg3d.registration.tissue import find_tissue
from brainreg3d.state import Registration, Volume
from brainreg3d.surfaces import zero_surface

_VOXEL_MM = 0.13
_SMOOTHING = 1.0  # voxels
_NEAR_MM = 0.25  # how far from the coarse tissue mask the surface may lie
_BELOW_MM = 0.15  # grey values are taken below the surface, where tissue fills the voxels
_DARKEST, _BRIGHTEST = 2.0, 99.5  # percentiles
_RGB = (0.85, 0.85, 0.85)


def own_surface(volume: Volume, registration: Registration) -> Part | None:
    """Return the surface of a registered brain, painted with its own grey values.

    Parameters
    ----------
    volume : Volume
        The animal's brain.
    registration : Registration
        Of it to the atlas.

    Returns
    -------
    Part or None
        Vertices in mm in the atlas frame; None if there is no surface.
    """
    axes, _ = parse_directions(registration.directions)
    spacing = tuple(volume.spacing_mm[axis] for axis in axes)
    data = reorient_to_atlas(volume.data, registration.directions)
    # The frame of a registration starts at the outer corner of the volume's box.
    image = PhysicalImage(data, spacing, tuple(size / 2 for size in spacing[::-1]))
    fine, field = _tissue_field(image)
    first = np.asarray(fine.origin_mm)[::-1]
    surface = zero_surface(field, np.asarray(fine.spacing_mm), first)
    if surface is None:
        return None
    grey = _grey(fine, field, surface.vertices_mm)
    to_atlas = np.linalg.inv(registration.matrix)
    points = surface.vertices_mm @ to_atlas[:3, :3].T + to_atlas[:3, 3]
    return Part("", type(surface)(points, surface.faces), _RGB, grey)


def _tissue_field(image: PhysicalImage) -> tuple[PhysicalImage, NDArray[np.float64]]:
    """Return a volume at the resolution of the surface, and a field that is positive in tissue."""
    from scipy.ndimage import binary_fill_holes, gaussian_filter  # slow to import

    tissue = find_tissue(image, "the volume")
    inside = float(np.median(tissue.image.data[tissue.mask]))
    fine = shrink(image.cropped_to_box(*tissue.box_mm), _VOXEL_MM)
    smooth = gaussian_filter(fine.data.astype(np.float32), _SMOOTHING)
    # Half-way between background and tissue, whichever of them is brighter.
    contrast = inside - tissue.background
    field = (smooth - (inside + tissue.background) / 2) / (contrast or 1.0)
    field = np.where(tissue.near(fine, _NEAR_MM), field, -1.0)
    # Ventricles and dark spots within the tissue would cost time and are never seen.
    hollow = binary_fill_holes(field > 0) & (field <= 0)
    return fine, np.where(hollow, 0.5, field).astype(np.float64)


def _grey(
    image: PhysicalImage, field: NDArray[np.float64], points_mm: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return a volume's grey values a little below its surface."""
    from scipy.ndimage import map_coordinates

    spacing = np.asarray(image.spacing_mm)
    places = image.indices(points_mm)
    slopes = [
        map_coordinates(slope, places.T, order=1, mode="nearest")
        for slope in np.gradient(field, *spacing)
    ]
    inwards = np.stack(slopes, axis=1)
    inwards /= np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), 1e-9)
    below = places + _BELOW_MM * inwards / spacing
    values = map_coordinates(image.data, below.T, order=1, mode="nearest", output=np.float64)
    low, high = np.percentile(values, [_DARKEST, _BRIGHTEST])
    share = (values - low) / max(float(high - low), 1e-9)
    return np.asarray(np.rint(40 + 215 * np.clip(share, 0.0, 1.0)), dtype=np.uint8)
