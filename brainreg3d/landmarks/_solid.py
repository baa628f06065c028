"""From an annotation to the solid that skull and dura would enclose.

Every coronal slice is replaced by its convex hull, which lays a flat bridge over the fissure
between the hemispheres as the sagittal sinus does. Each hull is kept as its support function: how
far the tissue reaches in each of many directions. Along the anterior-posterior axis these are
closed with a disc, which bridges the clefts before the cerebellum and behind the olfactory bulb
but lets the brain taper.

Support functions: R. Schneider, "Convex Bodies: The Brunn-Minkowski Theory", 1993, section 1.7.
Closing: J. Serra, "Image Analysis and Mathematical Morphology", 1982.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation

N_DIRECTIONS = 120  # of which four lie along the axes, so that a level bridge comes out level
DISC_RADIUS_MM = 2.0  # of the closing; in a brain of the mouse's size

Array = NDArray[np.float64]


def _directions() -> tuple[Array, Array]:
    """Return unit vectors in the coronal plane, straight up and down among them."""
    angles = np.arange(N_DIRECTIONS) * (2 * np.pi / N_DIRECTIONS)
    return np.cos(angles).round(12), np.sin(angles).round(12)


def _reach(tissue: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> Array:
    """Return how far one slice (Z, X) reaches in each direction; minus infinity for an empty one.

    The faces of the voxels count, not their corners, which would lie outside of a smooth surface.
    """
    cos, sin = _directions()
    rows = np.flatnonzero(tissue.any(axis=1))
    if rows.size == 0:
        return np.full(N_DIRECTIONS, -np.inf)
    size_z, _, size_x = spacing_mm
    filled = tissue[rows]
    first = (filled.argmax(axis=1) + 0.5) * size_x
    last = (tissue.shape[1] - filled[:, ::-1].argmax(axis=1) - 0.5) * size_x
    z = (rows + 0.5) * size_z
    x, z = np.concatenate([first, last]), np.concatenate([z, z])
    to_face = 0.5 * np.maximum(np.abs(cos) * size_x, np.abs(sin) * size_z)
    return np.asarray((x[:, None] * cos + z[:, None] * sin).max(axis=0) + to_face)


def _close(reach: Array, step_mm: float, radius_mm: float) -> Array:
    """Close functions of the slice, one for each column, by a disc that rolls over them."""
    half = int(radius_mm / step_mm)
    drop = radius_mm - np.sqrt(radius_mm**2 - (np.arange(-half, half + 1) * step_mm) ** 2)
    ends = np.full((2 * half, reach.shape[1]), -np.inf)
    padded, n = np.concatenate([ends, reach, ends]), len(reach)
    raised = np.full((n + 2 * half, reach.shape[1]), -np.inf)
    for k, fall in enumerate(drop):
        np.maximum(raised, padded[k : k + len(raised)] - fall, out=raised)
    closed = np.full_like(reach, np.inf)
    for k, fall in enumerate(drop):
        np.minimum(closed, raised[k : k + n] + fall, out=closed)
    return np.maximum(closed, reach)


def _spans(reach: Array, z_mm: Array) -> tuple[Array, Array]:
    """Return from where to where along x the hulls reach, for heights and slices, (Z, Y, 1)."""
    cos, sin = _directions()
    low = np.full((z_mm.size, len(reach)), -np.inf)
    high = np.full((z_mm.size, len(reach)), np.inf)
    for direction in np.flatnonzero(cos):
        bound = (reach[:, direction] - sin[direction] * z_mm[:, None]) / cos[direction]
        if cos[direction] > 0:
            np.minimum(high, bound, out=high)
        else:
            np.maximum(low, bound, out=low)
    return low[..., None], high[..., None]


def _part_between(low: Array, high: Array, centers: Array) -> NDArray[np.float32]:
    """Return the part of voxels between two bounds; all in voxels."""
    lower_edge = (centers - 0.5).astype(np.float32)
    to_high = np.clip(high.astype(np.float32) - lower_edge, 0, 1)
    to_low = np.clip(low.astype(np.float32) - lower_edge, 0, 1)
    return np.asarray(np.maximum(to_high - to_low, 0))


def _rasterise(reach: Array, x_mm: Array, z_mm: Array, step_mm: float) -> NDArray[np.float32]:
    """Return the part of each voxel (Z, Y, X) that lies in the hulls of slices (Y, direction)."""
    part = np.zeros((z_mm.size, len(reach), x_mm.size), dtype=np.float32)
    for offset in (-0.25, 0.25):  # two lines in each row of voxels
        low, high = _spans(reach, z_mm + offset * step_mm)
        part += 0.5 * _part_between(low / step_mm, high / step_mm, x_mm / step_mm)
    up, down = reach[:, N_DIRECTIONS // 4], -reach[:, 3 * N_DIRECTIONS // 4]
    part *= _part_between(down / step_mm, up / step_mm, z_mm[:, None] / step_mm)[..., None]
    return part


def outer_solid(
    annotation: Annotation, step_mm: float, margin: int
) -> tuple[NDArray[np.float32], Array, Array]:
    """Return the solid within the brain's outer hull, as the filled part of voxels.

    Parameters
    ----------
    annotation : Annotation
        The brain; all that is labelled counts.
    step_mm : float
        Size of the voxels across slices, and at least along them.
    margin : int
        How many empty voxels to add on each side of the box.

    Returns
    -------
    part : numpy.ndarray of float32, shape (Z, Y, X)
        From 0 to 1.
    origin_mm : numpy.ndarray, shape (3,)
        Centre of the first voxel, (z, y, x) in mm.
    spacing_mm : numpy.ndarray, shape (3,)
        Along (z, y, x).
    """
    width, _, height = annotation.grid.box_mm
    size_y = annotation.spacing_mm[1]
    stride = max(1, round(step_mm / size_y))
    step_y_mm = stride * size_y
    slices = range(stride // 2, annotation.grid.shape[1], stride)
    tissue, size = annotation.ids != 0, annotation.spacing_mm
    every, volume = slice(None), annotation.volume
    cuts = (volume.block((every, slice(y, y + 1), every))[:, 0] for y in slices)
    reach = np.stack([_reach(tissue[cut], size) for cut in cuts])
    reach = _close(reach, step_y_mm, min(DISC_RADIUS_MM, max(annotation.grid.box_mm) / 4))
    z = (np.arange(-margin, np.ceil(height / step_mm) + margin) + 0.5) * step_mm
    x = (np.arange(-margin, np.ceil(width / step_mm) + margin) + 0.5) * step_mm
    part = np.zeros((z.size, len(reach) + 2 * margin, x.size), dtype=np.float32)
    part[:, margin : margin + len(reach)] = _rasterise(reach, x, z, step_mm)
    origin = np.array([z[0], (slices[0] + 0.5) * size_y - margin * step_y_mm, x[0]])
    return part, origin, np.array([step_mm, step_y_mm, step_mm])
