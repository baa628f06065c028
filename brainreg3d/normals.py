"""In which direction the surface of tissue faces."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._kept import Kept
from brainreg3d.atlas import Annotation
from brainreg3d.atlas.shares import cell_shares, cells_along

SMOOTHING_MM = 0.1
"""Standard deviation of the smoothing; at least the longest side of a voxel."""

_CELLS_IN_SMOOTHING = 2  # finer cells change nothing but the time it takes
_TRUNCATE = 4.0  # standard deviations, after which a Gaussian counts as zero
_LEAST_SLOPE_PER_MM = 1e-6
_POINTS_PER_CHUNK = 1 << 16
_MORE_CELLS = 8  # beyond those asked for, once others than those kept are
_MOST_BYTES_KEPT = 1 << 28

Array = NDArray[np.float64]
Cells = NDArray[np.int64]


def surface_normals(
    annotation: Annotation, points_mm: Array, member: NDArray[np.bool_] | None = None
) -> Array:
    """Return in which direction tissue faces at points on its surface.

    Parameters
    ----------
    annotation, member
        As for `SurfaceNormals`.
    points_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z) in mm in the atlas frame, on the surface or near it.

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        As `SurfaceNormals.at` gives them.
    """
    return SurfaceNormals(annotation, [points_mm], member).at(points_mm)


@attrs.frozen(eq=False)
class _Slopes:
    """How steeply the smoothed occupancy changes along (z, y, x) in cells from `low` on."""

    low: Cells
    along: NDArray[np.float32]

    @property
    def high(self) -> Cells:
        return np.asarray(self.low + np.array(self.along.shape[1:]))


# A pose is drawn more than a hundred times over to tell how certain labels are, and images of one
# session show the same part of the brain.
_kept: Kept[_Slopes] = Kept(2)


class SurfaceNormals:
    """In which direction tissue faces: the gradient of its smoothed occupancy.

    The occupancy is 1 inside tissue and 0 outside; with the width of the Gaussian filter, voxels
    and grooves narrower than it are smoothed away. Only what lies around the points is filtered,
    and kept while the annotation is in use.

    Parameters
    ----------
    annotation : Annotation
        The volume; beyond it there is no tissue.
    points_mm : iterable of numpy.ndarray, shape (N, 3)
        All points (x, y, z) in mm in the atlas frame that will be asked for, in one array or many.
    member : numpy.ndarray of bool, shape (n_ids,), optional
        Which entries of the annotation's table count as tissue; all but the first by default.

    Notes
    -----
    Normals of a smoothed volume: K. H. Höhne and R. Bernstein, "Shading 3D-images from CT using
    gray-level gradients", IEEE Trans. Med. Imaging 5, 1986.
    """

    def __init__(
        self,
        annotation: Annotation,
        points_mm: Iterable[Array],
        member: NDArray[np.bool_] | None = None,
    ) -> None:
        spacing = np.asarray(annotation.spacing_mm)
        self._sigma_mm = max(SMOOTHING_MM, float(spacing.max()))
        cells = self._sigma_mm / _CELLS_IN_SMOOTHING / spacing + 1e-6
        self._voxels = np.maximum(1, cells.astype(np.int64))
        self._cell_mm = self._voxels * spacing
        reach = np.ceil(_TRUNCATE * self._sigma_mm / self._cell_mm).astype(np.int64) + 1
        # Farther from the volume than the filter reaches there is no slope.
        self._end = cells_along(annotation, self._voxels) + reach
        self._begin = -reach
        first, last = self._bounds(points_mm)
        self._slopes = None
        if np.all(first <= last):
            member = annotation.ids != 0 if member is None else member
            low, high = np.floor(first).astype(np.int64), np.ceil(last).astype(np.int64) + 1
            self._slopes = self._find(annotation, member, low - reach, high + reach)

    def at(self, points_mm: Array) -> Array:
        """Return the normals at points.

        Parameters
        ----------
        points_mm : numpy.ndarray, shape (N, 3)
            Some of the points given before, in mm.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            Unit vectors that point out of the tissue; NaN where it faces nowhere, as in the middle
            of a thin sheet or far from all tissue, and where a point is no number. For one point
            the same, to the last bit, whatever others are asked for.
        """
        normals = np.full(points_mm.shape, np.nan)
        for start in range(0, len(points_mm) if self._slopes is not None else 0, _POINTS_PER_CHUNK):
            cells = self._cells(points_mm[start : start + _POINTS_PER_CHUNK])
            near = np.flatnonzero(self._is_near(cells))
            slopes = self._interpolate(cells[:, near])
            length = np.sqrt((slopes**2).sum(axis=0))
            length[length < _LEAST_SLOPE_PER_MM] = np.nan
            normals[start + near] = (slopes / length).T
        return normals

    def _cells(self, points_mm: Array) -> Array:
        """Return places (z, y, x), shape (3, N), with the middle of the first cell at 0."""
        return np.stack([points_mm[:, 2 - axis] / self._cell_mm[axis] - 0.5 for axis in range(3)])

    def _is_near(self, cells: Array) -> NDArray[np.bool_]:
        """Tell which places lie where there may be slopes; NaN is nowhere."""
        begin, end = self._begin[:, None], self._end[:, None]
        return np.asarray(((cells >= begin) & (cells <= end)).all(axis=0))

    def _bounds(self, points_mm: Iterable[Array]) -> tuple[Array, Array]:
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for points in points_mm:
            cells = self._cells(points)
            cells = cells[:, self._is_near(cells)]
            low = np.minimum(low, cells.min(axis=1, initial=np.inf))
            high = np.maximum(high, cells.max(axis=1, initial=-np.inf))
        return low, high

    def _find(
        self, annotation: Annotation, member: NDArray[np.bool_], low: Cells, high: Cells
    ) -> _Slopes:
        """Return slopes that reach at least from `low` to `high`, from those kept if they do."""
        key = member.tobytes()
        kept = _kept.get(annotation, key)
        if kept is not None:
            if np.all(kept.low <= low) and np.all(high <= kept.high):
                return kept
            reach = -self._begin
            wide_low = np.minimum(low, kept.low) - _MORE_CELLS
            wide_low = np.maximum(wide_low, self._begin - reach)
            wide_high = np.maximum(high, kept.high) + _MORE_CELLS
            wide_high = np.minimum(wide_high, self._end + reach + 1)
            if _bytes_between(wide_low, wide_high) <= _MOST_BYTES_KEPT:
                low, high = np.minimum(low, wide_low), np.maximum(high, wide_high)
        occupancy = cell_shares(annotation, member, self._voxels, low, high)
        slopes = _Slopes(low, self._filter(occupancy))
        if slopes.along.nbytes <= _MOST_BYTES_KEPT:
            _kept.put(annotation, key, slopes)
        return slopes

    def _filter(self, occupancy: NDArray[np.float32]) -> NDArray[np.float32]:
        from scipy.ndimage import gaussian_filter  # slow to import

        along = np.empty((3, *occupancy.shape), dtype=np.float32)
        for axis in range(3):
            order = [int(axis == other) for other in range(3)]
            sigma = self._sigma_mm / self._cell_mm
            gaussian_filter(
                occupancy, sigma, order, along[axis], mode="constant", truncate=_TRUNCATE
            )
        return along

    def _interpolate(self, cells: Array) -> Array:
        """Return slopes along (x, y, z) per mm, linear between the middles of cells.

        A place is split into cell and rest before it is told where the filtered part begins, or
        its last digits would depend on that.
        """
        if self._slopes is None:
            return np.empty((3, 0))
        cell = np.floor(cells)
        upper = 1.0 - (1.0 - (cells - cell))
        weights = 1.0 - upper, upper
        places = cell.astype(np.int64) - self._slopes.low[:, None]
        shape = self._slopes.along.shape[1:]
        slopes = np.zeros((3, cells.shape[1]))
        for corner in itertools.product((0, 1), repeat=3):
            flat = np.ravel_multi_index(tuple(places + np.array(corner)[:, None]), shape)
            for axis in range(3):
                value = self._slopes.along[axis].ravel()[flat].astype(np.float64)
                for side in range(3):
                    value *= weights[corner[side]][side]
                slopes[2 - axis] += value
        return np.asarray(slopes / -self._cell_mm[::-1, None])


def _bytes_between(low: Cells, high: Cells) -> int:
    return 3 * 4 * int(np.prod(high - low))
