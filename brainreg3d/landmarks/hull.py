"""The brain's outer hull: the smooth surface below skull and dura."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._kept import Kept
from brainreg3d.atlas import Annotation
from brainreg3d.errors import AtlasError
from brainreg3d.landmarks._solid import outer_solid

STEPS_ALONG_BOX = 264  # voxels of 50 µm along the 13.2 mm of the mouse brain
_SMOOTHING_STEPS = 2.0  # standard deviation, so 0.1 mm in the mouse brain
_NORMAL_STEPS = 5.0  # standard deviation for normals, 0.25 mm
_MARGIN = 12
_MARCH_STEPS = 4.0
_HALVINGS = 13  # of a step of 0.2 mm, so to within 25 nm
_RAYS_PER_CHUNK = 1 << 16

Array = NDArray[np.float64]
_hulls: Kept[BrainHull] = Kept(1)


@attrs.frozen(eq=False)
class _Field:
    """A smooth function on a regular grid, (Z, Y, X); 0 beyond it."""

    values: NDArray[np.float32]
    origin_mm: Array
    spacing_mm: Array

    def at(self, points_mm: Array) -> Array:
        """Interpolate at points (N, 3), (x, y, z)."""
        from scipy.ndimage import map_coordinates  # slow to import

        place = ((points_mm[:, ::-1] - self.origin_mm) / self.spacing_mm).T
        return np.asarray(map_coordinates(self.values, place, order=1, output=np.float64))

    def gradient(self, points_mm: Array) -> Array:
        """Return the gradient at points (N, 3), by central differences of a voxel."""
        axes = np.diag(self.spacing_mm[::-1])
        columns = [
            (self.at(points_mm + step) - self.at(points_mm - step)) / step.sum() for step in axes
        ]
        return np.stack(columns, axis=1)


@attrs.frozen(eq=False)
class BrainHull:
    """The brain's outer hull, with the clefts between its parts bridged.

    Landmarks lie on it, windows and images rest on it. Straight down at the midline the tissue
    of the mouse brain lies up to 1.5 mm deep in the fissure; the hull passes over it. Each
    coronal slice is filled to its convex hull, clefts along the anterior-posterior axis are
    closed by a disc of 2 mm radius, and the surface is smoothed over 0.1 mm.

    All points are (x, y, z) in mm in the atlas frame. Made by `BrainHull.of`.

    Parameters
    ----------
    solid : object
        The part of each voxel that lies inside; the hull is where it passes one half.
    smoother : object
        The same, smoother, for normals.
    box_mm : tuple of float
        Extent of the atlas along (x, y, z).
    """

    solid: _Field = attrs.field(repr=False)
    smoother: _Field = attrs.field(repr=False)
    box_mm: tuple[float, float, float]

    @classmethod
    def of(cls, annotation: Annotation) -> BrainHull:
        """Return the hull of a brain; it is made once for each annotation.

        Parameters
        ----------
        annotation : Annotation
            The brain; all that is labelled counts.

        Returns
        -------
        BrainHull
            The hull.

        Raises
        ------
        AtlasError
            If nothing is labelled.
        """
        return _hulls.get(annotation, "hull") or _hulls.put(annotation, "hull", _make(annotation))

    def first_hit_mm(
        self, origins_mm: ArrayLike, directions: ArrayLike, *, start_mm: float = 0.0
    ) -> Array:
        """Return where rays first meet the hull.

        Parameters
        ----------
        origins_mm : array_like, shape (N, 3) or (1, 3) or (3,)
            Where the rays start.
        directions : array_like, shape (N, 3) or (1, 3) or (3,)
            Where they go; of any length.
        start_mm : float
            From where along the ray to look; minus infinity for rays that come from infinitely
            far, as those of a parallel camera do.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            Points on the hull; NaN for rays that miss it. A ray that starts inside meets it there.
        """
        starts, ways = np.broadcast_arrays(
            np.atleast_2d(np.asarray(origins_mm, dtype=float)),
            np.atleast_2d(np.asarray(directions, dtype=float)),
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
        chunks = [slice(i, i + _RAYS_PER_CHUNK) for i in range(0, len(starts), _RAYS_PER_CHUNK)]
        parts = [self._march(starts[chunk], ways[chunk], start_mm) for chunk in chunks]
        return np.concatenate(parts) if parts else np.empty((0, 3))

    def below_mm(self, x_mm: ArrayLike, y_mm: ArrayLike) -> Array:
        """Return the points of the hull straight below places in the horizontal plane.

        Parameters
        ----------
        x_mm, y_mm : array_like, shape (N,)
            Places, in the atlas frame.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            Points; NaN where there is no brain.
        """
        x, y = np.broadcast_arrays(np.atleast_1d(x_mm), np.atleast_1d(y_mm))
        above = np.full(x.size, self.box_mm[2])
        origins = np.stack([x.ravel(), y.ravel(), above], axis=1).astype(float)
        return self.first_hit_mm(origins, (0.0, 0.0, -1.0), start_mm=-np.inf)

    def normals(self, points_mm: ArrayLike) -> Array:
        """Return the directions in which the hull faces, smooth over a quarter of a mm.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3) or (3,)
            Points on the hull or near it.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            Unit vectors that point out of the brain; NaN far from the hull.
        """
        gradient = -self.smoother.gradient(np.atleast_2d(np.asarray(points_mm, dtype=float)))
        length = np.linalg.norm(gradient, axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(length > 1e-6, gradient / length, np.nan))

    def _march(self, origins: Array, directions: Array, start_mm: float) -> Array:
        """Walk along rays until they are inside, then halve the last step."""
        step = _MARCH_STEPS * float(self.solid.spacing_mm.min())
        enter, leave = self._span(origins, directions)
        inside = np.maximum(enter, start_mm)
        points = np.full(origins.shape, np.nan)
        active, hit = np.flatnonzero(inside <= leave), [np.empty(0, dtype=np.int64)]
        while active.size:
            at = origins[active] + inside[active, None] * directions[active]
            is_in = self.solid.at(at) >= 0.5
            hit.append(active[is_in])
            active = active[~is_in]
            inside[active] += step
            active = active[inside[active] <= leave[active] + step]
        found = np.concatenate(hit)
        high = inside[found]
        low = np.maximum(high - step, np.maximum(enter[found], start_mm))
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            is_in = self.solid.at(origins[found] + middle[:, None] * directions[found]) >= 0.5
            low, high = np.where(is_in, low, middle), np.where(is_in, middle, high)
        points[found] = origins[found] + high[:, None] * directions[found]
        return points

    def _span(self, origins: Array, directions: Array) -> tuple[Array, Array]:
        """Return where rays enter and leave the grid; entry > exit where they miss it."""
        low = self.solid.origin_mm[::-1]
        extent = (np.array(self.solid.values.shape) - 1) * self.solid.spacing_mm
        with np.errstate(divide="ignore", invalid="ignore"):
            one = (low - origins) / directions
            other = (low + extent[::-1] - origins) / directions
        enter = np.fmin(one, other).max(axis=1)
        leave = np.fmax(one, other).min(axis=1)
        return enter, leave


def _make(annotation: Annotation) -> BrainHull:
    from scipy.ndimage import gaussian_filter  # slow to import

    box = annotation.grid.box_mm
    part, origin, spacing = outer_solid(annotation, max(box) / STEPS_ALONG_BOX, _MARGIN)
    if not part.any():
        message = "The annotation has no labelled voxel, so there is no brain to place an image on."
        raise AtlasError(message)
    sigma = _SMOOTHING_STEPS * spacing[0] / spacing
    solid = gaussian_filter(part, sigma, mode="constant", truncate=3.0)
    coarse = np.ascontiguousarray(solid[::2, ::2, ::2])
    more = np.sqrt(_NORMAL_STEPS**2 - _SMOOTHING_STEPS**2) * spacing[0] / (2 * spacing)
    smoother = gaussian_filter(coarse, more, mode="constant", truncate=3.0)
    return BrainHull(_Field(solid, origin, spacing), _Field(smoother, origin, 2 * spacing), box)
