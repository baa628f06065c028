"""What an image sees: pixels, rays and projections under a pose and a camera."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import InputError
from brainreg3d.geometry.pose import Pose

MIN_PIXEL_SIZE_MM = 1e-4
MAX_PIXEL_SIZE_MM = 1.0
MAX_CAMERA_DISTANCE_MM = 1e8
"""From 100 km away rays differ from parallel ones by a ten-thousandth of a micrometre over a brain,
and by as much again from rounding; from ten thousand times as far they would miss voxels."""


def _distance(value: Any) -> float | None:
    if value is None:
        return None
    numbers = finite_numbers(value, 1)
    if numbers is None or numbers[0] <= 0:
        message = (
            f"camera_distance_mm is a positive number of mm, or None for parallel rays; "
            f"got {value!r}."
        )
        raise InputError(message)
    if numbers[0] > MAX_CAMERA_DISTANCE_MM:
        message = (
            f"A camera {numbers[0]:g} mm away is too far to compute with: camera_distance_mm is at "
            f"most {MAX_CAMERA_DISTANCE_MM:g} mm. Use None for parallel rays (none on the "
            f"command line)."
        )
        raise InputError(message)
    return numbers[0]


def _optional_pair(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    numbers = finite_numbers(value, 2)
    if numbers is None:
        message = f"principal_point_px is (row, column) in pixels, or None; got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1]


def check_pixel_size(value: Any) -> tuple[float, float]:
    """Return a pixel size as two plain floats, or say what is wrong with it.

    Parameters
    ----------
    value : array_like, shape (2,)
        (row, column) size in mm.

    Returns
    -------
    tuple of float
        The same numbers.

    Raises
    ------
    InputError
        If it is not two finite numbers between 0.1 µm and 1 mm.
    """
    numbers = finite_numbers(value, 2)
    if numbers is None:
        message = f"A pixel size is two numbers in mm, (row, column); got {value!r}."
        raise InputError(message)
    row, column = numbers
    if min(row, column) < MIN_PIXEL_SIZE_MM or max(row, column) > MAX_PIXEL_SIZE_MM:
        message = (
            f"A pixel of {row:g} x {column:g} mm (row, column) is not possible here: expected "
            f"between {MIN_PIXEL_SIZE_MM:g} and {MAX_PIXEL_SIZE_MM:g} mm. Sizes are in mm, not µm."
        )
        raise InputError(message)
    return row, column


def pixel_size_of(shape: tuple[int, int], image_dims_mm: Any) -> tuple[float, float]:
    """Return the pixel size of an image of known extent.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns).
    image_dims_mm : array_like, shape (2,)
        (width, height) from outer edge to outer edge, in mm.

    Returns
    -------
    tuple of float
        (row, column) size of a pixel in mm.

    Raises
    ------
    InputError
        If the numbers make no sense.
    """
    numbers = finite_numbers(image_dims_mm, 2)
    if numbers is None:
        message = (
            f"image_dims_mm is (width, height) of the image in mm, which gives its pixel size; "
            f"got {image_dims_mm!r}."
        )
        raise InputError(message)
    return check_pixel_size((numbers[1] / shape[0], numbers[0] / shape[1]))


def _image_shape(value: Any) -> tuple[int, int]:
    numbers = tuple(int(v) for v in value)
    if len(numbers) != 2 or min(numbers) < 1:
        message = f"An image's shape is two positive integers (rows, columns); got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1]


@attrs.frozen
class Camera:
    """A camera that moves with the image.

    Parameters
    ----------
    distance_mm : float or None
        From the image plane back to the camera along the view axis, at most 100 km; None for
        parallel rays.
    principal_point_px : tuple of float, optional
        (row, column) at which the camera's axis meets the image; the centre of the image when
        not given. Differs from it when the sensor was cropped.
    """

    distance_mm: float | None = attrs.field(default=230.0, converter=_distance)
    principal_point_px: tuple[float, float] | None = attrs.field(
        default=None, converter=_optional_pair
    )


@attrs.frozen
class Rays:
    """One ray for each pixel, row by row: ``origin + t * direction``.

    Parameters
    ----------
    origins_mm : numpy.ndarray, shape (N, 3) or (1, 3)
        Start points in the atlas frame; one for all rays of a perspective camera.
    directions : numpy.ndarray, shape (N, 3) or (1, 3)
        Unit vectors; one for all rays of a parallel camera.
    start_mm : float
        The smallest ``t`` that is looked at: 0 at a perspective camera, minus infinity where
        rays come from infinitely far.
    """

    origins_mm: NDArray[np.float64]
    directions: NDArray[np.float64]
    start_mm: float


@attrs.frozen
class ImageView:
    """An image of known shape, pixel size, pose and camera.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns) of the image.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel in mm, in the image plane.
    pose : Pose
        Where the image plane lies.
    camera : Camera
        Where it is seen from.
    """

    shape: tuple[int, int] = attrs.field(converter=_image_shape)
    pixel_size_mm: tuple[float, float] = attrs.field(converter=check_pixel_size)
    pose: Pose = attrs.field(validator=attrs.validators.instance_of(Pose))
    camera: Camera = attrs.field(factory=Camera, validator=attrs.validators.instance_of(Camera))

    @property
    def center_px(self) -> tuple[float, float]:
        """(row, column) of the middle of the image."""
        return (self.shape[0] - 1) / 2, (self.shape[1] - 1) / 2

    @property
    def principal_point_px(self) -> tuple[float, float]:
        """(row, column) at which the camera's axis meets the image."""
        return self.camera.principal_point_px or self.center_px

    @property
    def camera_position_mm(self) -> NDArray[np.float64] | None:
        """Position of the camera in the atlas frame, or None for parallel rays."""
        if self.camera.distance_mm is None:
            return None
        foot = self.pixel_to_plane_mm(*self.principal_point_px)
        return np.asarray(foot - self.camera.distance_mm * self.pose.view_axis)

    def pixel_to_plane_mm(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.float64]:
        """Return the points of the image plane under pixel positions.

        Parameters
        ----------
        rows, cols : array_like
            Positions in pixels, broadcast against each other; pixel centres are integers.

        Returns
        -------
        numpy.ndarray, shape (..., 3)
            Points (x, y, z) in mm in the atlas frame.
        """
        col_axis, row_axis, _ = self.pose.axes
        center_row, center_col = self.center_px
        down = (np.asarray(rows, dtype=float) - center_row) * self.pixel_size_mm[0]
        along = (np.asarray(cols, dtype=float) - center_col) * self.pixel_size_mm[1]
        down, along = np.broadcast_arrays(down, along)
        center = np.asarray(self.pose.center_mm)
        return np.asarray(center + along[..., None] * col_axis + down[..., None] * row_axis)

    def project(
        self, points_mm: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Project atlas points onto the image.

        Parameters
        ----------
        points_mm : array_like, shape (..., 3)
            Points (x, y, z) in mm in the atlas frame.

        Returns
        -------
        rows, cols : numpy.ndarray
            Pixel positions, pixel centres at integers; NaN for points behind the camera.
        depth_mm : numpy.ndarray
            Signed distance below the image plane along the view axis.
        """
        offset = np.asarray(points_mm, dtype=float) - np.asarray(self.pose.center_mm)
        along, down, depth = np.moveaxis(offset @ self.pose.axes.T, -1, 0)
        center_row, center_col = self.center_px
        rows = down / self.pixel_size_mm[0] + center_row
        cols = along / self.pixel_size_mm[1] + center_col
        if self.camera.distance_mm is not None:
            # Similar triangles about the point where the camera's axis meets the plane.
            behind = depth <= -self.camera.distance_mm
            with np.errstate(divide="ignore", invalid="ignore"):
                shrink = self.camera.distance_mm / (self.camera.distance_mm + depth)
            shrink = np.where(behind, np.nan, shrink)
            axis_row, axis_col = self.principal_point_px
            rows = axis_row + (rows - axis_row) * shrink
            cols = axis_col + (cols - axis_col) * shrink
        return rows, cols, depth

    def rays(self) -> Rays:
        """Return the ray of each pixel, row by row.

        Returns
        -------
        Rays
            From the camera through the pixel centres, or parallel to the view axis.
        """
        return self.rays_at(*np.indices(self.shape).reshape(2, -1))

    def rays_at(self, rows: ArrayLike, cols: ArrayLike) -> Rays:
        """Return the rays of any pixel positions.

        Parameters
        ----------
        rows, cols : array_like, shape (N,)
            Positions in pixels, on the image or beyond its edges; pixel centres are integers.

        Returns
        -------
        Rays
            From the camera through the positions, or parallel to the view axis.
        """
        points = self.pixel_to_plane_mm(rows, cols)
        camera = self.camera_position_mm
        if camera is None:
            return Rays(points, self.pose.view_axis[None, :].copy(), -np.inf)
        directions = points - camera
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return Rays(camera[None, :], directions, 0.0)

    def with_camera_at(self, position_mm: ArrayLike) -> ImageView:
        """Return the same image seen from a point that is fixed in the world.

        Any camera position can be written as a distance from the image plane and the pixel
        straight below it, so that an alignment file needs no further key.

        Parameters
        ----------
        position_mm : array_like, shape (3,)
            The camera in the atlas frame, in front of the image plane.

        Returns
        -------
        ImageView
            With the camera's distance and principal point set.

        Raises
        ------
        InputError
            If the point lies on or behind the image plane.
        """
        position = np.asarray(position_mm, dtype=float)
        parallel = attrs.evolve(self, camera=Camera(distance_mm=None))
        row, col, depth = (float(value) for value in parallel.project(position))
        if depth >= 0:
            message = (
                f"The camera at {tuple(position.tolist())} mm lies behind the image plane, which "
                f"looks along {np.round(self.pose.view_axis, 3).tolist()}; place it in front."
            )
            raise InputError(message)
        camera = Camera(distance_mm=-depth, principal_point_px=(row, col))
        return attrs.evolve(self, camera=camera)
