"""Rays by the chunk: cut from those given, or made for the pixels of an image when needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.geometry import ImageView, Rays

PixelNumbers = slice | NDArray[np.int64]

_POINTS_PER_BLOCK = 1 << 16


class RaySource:
    """The rays of all pixels of an image, or any others, without all of them in memory.

    Parameters
    ----------
    rays : Rays or ImageView
        Rays, or the image whose pixels they belong to.
    """

    def __init__(self, rays: Rays | ImageView) -> None:
        self._rays = rays
        if isinstance(rays, ImageView):
            camera = rays.camera_position_mm
            self.start_mm = -np.inf if camera is None else 0.0
            self.count = rays.shape[0] * rays.shape[1]
            self._frame = _frame(rays)
            self._one = rays.pose.view_axis[None, :].copy() if camera is None else camera[None, :]
        else:
            self.start_mm = float(rays.start_mm)
            self.count = max(len(rays.origins_mm), len(rays.directions))

    def take(self, numbers: PixelNumbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return some rays.

        Parameters
        ----------
        numbers : slice or numpy.ndarray of int64, shape (N,)
            Which ones; a slice has a start and a stop.

        Returns
        -------
        origins_mm, directions : numpy.ndarray, shape (N, 3) or (1, 3)
            As of `brainreg3d.geometry.Rays`.
        """
        rays = self._rays
        if not isinstance(rays, ImageView):
            origins = rays.origins_mm if len(rays.origins_mm) == 1 else rays.origins_mm[numbers]
            directions = rays.directions if len(rays.directions) == 1 else rays.directions[numbers]
            return np.ascontiguousarray(origins), np.ascontiguousarray(directions)
        if isinstance(numbers, slice):
            numbers = np.arange(numbers.start, numbers.stop)
        made = np.empty((numbers.size, 3))
        perspective = rays.camera.distance_mm is not None
        _make_rays(self._frame, rays.shape[1], perspective, numbers, made)
        return (self._one, made) if perspective else (made, self._one)


def pixel_rays(
    view: ImageView, numbers: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rays of some pixels, a few times as fast as `ImageView.rays_at`.

    Parameters
    ----------
    view : ImageView
        Where the image lies, and its camera.
    numbers : numpy.ndarray of int64, shape (N,)
        Which pixels, counted row by row.

    Returns
    -------
    origins_mm, directions : numpy.ndarray, shape (N, 3) or (1, 3)
        As of `brainreg3d.geometry.Rays`, to the last bit.
    """
    return RaySource(view).take(np.asarray(numbers, dtype=np.int64))


def hit_points(
    view: ImageView, distance_mm: NDArray[np.float64], numbers: NDArray[np.int64] | None = None
) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield the points that pixels see, some pixels after others: all at once take much memory.

    Parameters
    ----------
    view : ImageView
        Where the image lies, and its camera.
    distance_mm : numpy.ndarray, shape (N,)
        How far along its ray each point lies; NaN for none.
    numbers : numpy.ndarray of int64, shape (N,), optional
        Which pixels they belong to, counted row by row; all when not given.

    Yields
    ------
    part : slice
        Which of the pixels these are.
    points_mm : numpy.ndarray, shape (M, 3)
        Points (x, y, z) in the atlas frame; NaN for none.
    directions : numpy.ndarray, shape (M, 3) or (1, 3)
        Unit vectors along the rays.
    """
    source = RaySource(view)
    for start in range(0, distance_mm.size, _POINTS_PER_BLOCK):
        part = slice(start, min(start + _POINTS_PER_BLOCK, distance_mm.size))
        origins, directions = source.take(part if numbers is None else numbers[part])
        yield part, origins + distance_mm[part, None] * directions, directions


def _frame(view: ImageView) -> NDArray[np.float64]:
    """Return what the rays of an image follow from, as rows of a table."""
    col_axis, row_axis, _ = view.pose.axes
    camera = view.camera_position_mm
    nothing = np.zeros(3)
    return np.array(
        [
            view.pose.center_mm,
            col_axis,
            row_axis,
            nothing if camera is None else camera,
            [*view.center_px, 0.0],
            [*view.pixel_size_mm, 0.0],
        ]
    )


@njit(error_model="numpy")
def _make_rays(frame, n_cols, perspective, numbers, out):  # type: ignore[no-untyped-def]
    """Write down directions from the camera, or origins on the plane of the image.

    The operations are those of `ImageView.rays_at`, in their order, so the numbers are the same.
    """
    center, col_axis, row_axis, camera = frame[0], frame[1], frame[2], frame[3]
    for i in range(numbers.size):
        down = (numbers[i] // n_cols - frame[4, 0]) * frame[5, 0]
        along = (numbers[i] % n_cols - frame[4, 1]) * frame[5, 1]
        for axis in range(3):
            out[i, axis] = center[axis] + along * col_axis[axis] + down * row_axis[axis]
        if perspective:
            x, y, z = out[i, 0] - camera[0], out[i, 1] - camera[1], out[i, 2] - camera[2]
            length = np.sqrt(x * x + y * y + z * z)
            out[i, 0], out[i, 1], out[i, 2] = x / length, y / length, z / length
