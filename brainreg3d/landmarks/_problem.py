"""What is known of a pose: landmarks, clicks and camera."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.geometry import Camera

CLICK_NOISE_MM = 0.1
"""Standard deviation of a click along each axis that is assumed, until the residuals tell."""

TILT_PRIOR_DEG = 20.0
"""How far images are tilted against the expectation, as a standard deviation: a weak prior."""

COLUMN, ROW, TILT_A, TILT_B, YAW, SCALE = range(6)
"""The unknowns: the pixel straight above the landmarks' mean (in mm at the nominal pixel size,
from the middle of the image), turns about the image's own axes (in radians), and the logarithm of
the pixel size over the nominal one."""

Array = NDArray[np.float64]


@attrs.frozen(eq=False)
class Problem:
    """Landmarks with their pixels, and what is known of the camera.

    Parameters
    ----------
    points_mm : numpy.ndarray, shape (N, 3)
        Landmarks in the atlas frame.
    pixels : numpy.ndarray, shape (N, 2)
        (row, column) at which they were clicked.
    shape : tuple of int
        (rows, columns) of the image.
    pixel_size_mm : tuple of float
        (row, column); nominal when the scale is unknown.
    camera : Camera
        Distance and principal point.
    scale_known : bool
        Whether the pixel size is a measurement.
    windows : numpy.ndarray, shape (M, 2)
        Diameters of round windows, in pixels and in mm.
    expected_up : numpy.ndarray, shape (3,)
        The direction that the image plane is expected to face.
    depth_mm : float
        Of the landmarks' mean below the image plane.

    Attributes
    ----------
    anchor_mm : numpy.ndarray, shape (3,)
        Mean of the landmarks.
    clicked_mm : numpy.ndarray, shape (N, 2)
        Clicks as (column, row) from the middle of the image, in mm at the nominal size.
    camera_axis_mm : numpy.ndarray, shape (2,)
        The principal point, in the same way.
    """

    points_mm: Array
    pixels: Array
    shape: tuple[int, int]
    pixel_size_mm: tuple[float, float]
    camera: Camera
    scale_known: bool
    windows: Array
    expected_up: Array
    depth_mm: float = 0.0
    anchor_mm: Array = attrs.field(init=False)
    clicked_mm: Array = attrs.field(init=False)
    camera_axis_mm: Array = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        axis = self.camera.principal_point_px or (np.array(self.shape) - 1) / 2
        for name, value in (
            ("anchor_mm", self.points_mm.mean(axis=0)),
            ("clicked_mm", self._from_middle(self.pixels)),
            ("camera_axis_mm", self._from_middle(np.asarray(axis, dtype=float))),
        ):
            object.__setattr__(self, name, value)

    def _from_middle(self, pixels: Array) -> Array:
        """Return (row, column) as (column, row) from the middle of the image, in nominal mm."""
        middle = (np.array(self.shape) - 1) / 2
        return np.asarray(((pixels - middle) * self.pixel_size_mm)[..., ::-1])

    def subset(self, chosen: NDArray[np.bool_]) -> Problem:
        """Return the problem of some of the landmarks.

        Parameters
        ----------
        chosen : numpy.ndarray of bool, shape (N,)
            Which ones.

        Returns
        -------
        Problem
            Of these alone.
        """
        return attrs.evolve(self, points_mm=self.points_mm[chosen], pixels=self.pixels[chosen])
