"""In which direction the surface of tissue faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation

SMOOTHING_MM = 0.1
"""Standard deviation of the smoothing; at least the longest side of a voxel."""

_CELLS_IN_SMOOTHING = 2  # finer cells change nothing but the time it takes
_TRUNCATE = 4.0  # standard deviations, after which a Gaussian counts as zero
_LEAST_SLOPE_PER_MM = 1e-6
_POINTS_PER_CHUNK = 1 << 18

Array = NDArray[np.float64]


def surface_normals(
    annotation: Annotation, points_mm: Array, member: NDArray[np.bool_] | None = None
) -> Array:
    """Return in which direction tissue faces at points on its surface.

    The gradient of the occupancy, 1 inside tissue and 0 outside, after a Gaussian filter; with
    the filter's width, voxels and grooves narrower than it are smoothed away.

    Parameters
    ----------
    annotation : Annotation
        The volume; beyond it there is no tissue.
    points_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z) in mm in the atlas frame, on the surface or near it.
    member : numpy.ndarray of bool, shape (n_ids,), optional
        Which entries of the annotation's table count as tissue; all but the first by default.

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        Unit vectors that point out of the tissue; NaN where it faces nowhere, as in the middle of
        a thin sheet or far from all tissue, and where a point is no number.

    Notes
    -----
    Normals of a smoothed volume: K. H. Höhne and R. Bernstein, "Shading 3D-images from CT using
    gray-level gradients", IEEE Trans. Med. Imaging 5, 1986.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates  # slow to import

    normals = np.full(points_mm.shape, np.nan)
    known = np.flatnonzero(np.isfinite(points_mm).all(axis=1))
    if not known.size:
        return normals
    spacing = np.asarray(annotation.spacing_mm)
    sigma_mm = max(SMOOTHING_MM, float(spacing.max()))
    voxels = np.maximum(1, (sigma_mm / _CELLS_IN_SMOOTHING / spacing + 1e-6).astype(np.int64))
    cell_mm = voxels * spacing
    reach = np.ceil(_TRUNCATE * sigma_mm / cell_mm).astype(np.int64) + 1
    cells = np.stack([points_mm[known, 2 - axis] / cell_mm[axis] - 0.5 for axis in range(3)])
    # Only what lies around the points is filtered: an image sees a small part of the brain.
    low = np.floor(cells.min(axis=1)).astype(np.int64) - reach
    high = np.ceil(cells.max(axis=1)).astype(np.int64) + reach + 1
    if member is None:
        member = annotation.ids != 0
    part = _occupancy(annotation, member, voxels, low, high)
    cells -= low[:, None]
    slopes = np.empty((3, known.size))
    for axis in range(3):
        order = [int(axis == other) for other in range(3)]
        field = gaussian_filter(
            part, sigma_mm / cell_mm, order, mode="constant", truncate=_TRUNCATE
        )
        for start in range(0, known.size, _POINTS_PER_CHUNK):
            chunk = slice(start, start + _POINTS_PER_CHUNK)
            map_coordinates(field, cells[:, chunk], slopes[2 - axis, chunk], order=1)
        slopes[2 - axis] /= -cell_mm[axis]
    length = np.sqrt((slopes**2).sum(axis=0))
    length[length < _LEAST_SLOPE_PER_MM] = np.nan
    normals[known] = (slopes / length).T
    return normals


def _occupancy(
    annotation: Annotation,
    member: NDArray[np.bool_],
    voxels: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return which part of each cell from `low` to `high`, (Z, Y, X), is tissue.

    Cells are blocks of voxels counted from the volume's corner, so that what lies in one does not
    depend on which are asked for. The volume is read in slabs.
    """
    part = np.zeros(high - low, dtype=np.float32)
    n_cells = -(-np.array(annotation.index.shape) // voxels)
    first, last = np.maximum(low, 0), np.minimum(high, n_cells)
    if np.any(first >= last):
        return part
    z, y, x = (slice(a * n, b * n) for a, b, n in zip(first, last, voxels, strict=True))
    inside = tuple(slice(a, b) for a, b in zip(first - low, last - low, strict=True))
    counts = np.empty(tuple(last - first), dtype=np.float32)
    is_tissue = member.astype(np.uint8)
    for place, start in enumerate(range(z.start, z.stop, int(voxels[0]))):
        slab = annotation.index[start : start + int(voxels[0]), y, x]
        counted = is_tissue[slab].sum(axis=0, dtype=np.uint32)
        counted = np.add.reduceat(counted, np.arange(0, counted.shape[0], voxels[1]), axis=0)
        counts[place] = np.add.reduceat(counted, np.arange(0, counted.shape[1], voxels[2]), axis=1)
    part[inside] = counts / voxels.prod()
    return part
