"""The equations of a pose: where landmarks are seen, against where they were clicked."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from brainreg3d.geometry import ImageView, Pose
from brainreg3d.landmarks._problem import (
    CLICK_NOISE_MM,
    COLUMN,
    ROW,
    SCALE,
    TILT_A,
    TILT_B,
    TILT_PRIOR_DEG,
    YAW,
    Array,
    Problem,
)


@attrs.frozen(eq=False)
class Model:
    """A problem near one rotation of the image, which small turns refine.

    Parameters
    ----------
    problem : Problem
        What is to be solved.
    base : numpy.ndarray, shape (3, 3)
        The rotation matrix at which all turns are zero.
    mirrored : bool
        Whether the image is mirrored.
    """

    problem: Problem
    base: Array
    mirrored: bool

    def rotation(self, x: Array) -> Array:
        """Return the rotation of the image plane.

        Parameters
        ----------
        x : numpy.ndarray, shape (6,)
            The unknowns.

        Returns
        -------
        numpy.ndarray, shape (3, 3)
            The base, turned about the image's own axes.
        """
        return np.asarray(self.base @ _turn(x[TILT_A], x[TILT_B], x[YAW]))

    def view(self, x: Array) -> ImageView:
        """Return the view that the unknowns stand for.

        Parameters
        ----------
        x : numpy.ndarray, shape (6,)
            The unknowns.

        Returns
        -------
        ImageView
            Its plane passes above the mean of the landmarks at the problem's depth.
        """
        from scipy.spatial.transform import Rotation  # slow to import

        yaw, pitch, roll = Rotation.from_matrix(self.rotation(x)).as_euler("ZXY", degrees=True)
        pose = Pose((0.0, 0.0, 0.0), yaw, pitch, roll, self.mirrored)
        zoom = float(np.exp(x[SCALE]))
        axes = pose.axes
        across = zoom * (x[COLUMN] * axes[0] + x[ROW] * axes[1])
        center = self.problem.anchor_mm - across - self.problem.depth_mm * axes[2]
        row_mm, col_mm = self.problem.pixel_size_mm
        return ImageView(
            self.problem.shape,
            (row_mm * zoom, col_mm * zoom),
            attrs.evolve(pose, center_mm=center),
            self.problem.camera,
        )

    def project(self, x: Array, points_mm: Array) -> Array:
        """Return where points are seen.

        The same as ``view(x).project``, without making a view for each step of a search.

        Parameters
        ----------
        x : numpy.ndarray, shape (6,)
            The unknowns.
        points_mm : numpy.ndarray, shape (N, 3)
            Points in the atlas frame.

        Returns
        -------
        numpy.ndarray, shape (N, 2)
            (column, row) from the middle of the image, in mm at the nominal pixel size.
        """
        problem = self.problem
        across = (points_mm - problem.anchor_mm) @ self.rotation(x)
        signs = np.array([-1.0 if self.mirrored else 1.0, -1.0])
        seen = across[:, :2] * (signs * np.exp(-x[SCALE])) + x[[COLUMN, ROW]]
        distance = problem.camera.distance_mm
        if distance is None:
            return np.asarray(seen)
        axis = problem.camera_axis_mm
        depth = problem.depth_mm - across[:, 2:]
        height = np.maximum(distance + depth, 1e-6)  # in front of the camera
        return np.asarray(axis + (seen - axis) * (distance / height))

    def misfit(self, x: Array, points_mm: Array, clicked_mm: Array) -> Array:
        """Return how far points are seen from their clicks, in units of the click noise.

        Parameters
        ----------
        x : numpy.ndarray, shape (6,)
            The unknowns.
        points_mm : numpy.ndarray, shape (N, 3)
            Points in the atlas frame.
        clicked_mm : numpy.ndarray, shape (N, 2)
            (column, row) from the middle of the image, in mm at the nominal pixel size.

        Returns
        -------
        numpy.ndarray, shape (2 N,)
            Column and row of each point in turn.
        """
        return np.asarray((self.project(x, points_mm) - clicked_mm).ravel() / CLICK_NOISE_MM)

    def data(self, x: Array) -> Array:
        """Return the residuals of all landmarks and windows, in units of the click noise.

        Parameters
        ----------
        x : numpy.ndarray, shape (6,)
            The unknowns.

        Returns
        -------
        numpy.ndarray
            Two for each landmark, one for each window whose size says something.
        """
        problem = self.problem
        off = self.misfit(x, problem.points_mm, problem.clicked_mm)
        if problem.scale_known or not len(problem.windows):
            return off
        mean_size = np.sqrt(np.prod(problem.pixel_size_mm)) * np.exp(x[SCALE])
        seen_mm = problem.windows[:, 0] * mean_size
        return np.concatenate([off, (seen_mm - problem.windows[:, 1]) / CLICK_NOISE_MM])

    def prior(self, x: Array) -> Array:
        """Return how far the image is tilted against the expectation, in units of the prior.

        Parameters
        ----------
        x : numpy.ndarray, shape (6,)
            The unknowns.

        Returns
        -------
        numpy.ndarray, shape (2,)
            About the image's own axes.
        """
        across = self.problem.expected_up @ self.rotation(x)
        sine = float(np.hypot(across[0], across[1]))
        angle = np.arctan2(sine, across[2])
        ratio = angle / sine if sine > 1e-12 else 1.0
        return np.asarray(across[:2] * ratio / np.radians(TILT_PRIOR_DEG))


def _turn(a: float, b: float, c: float) -> Array:
    """Return the matrix of a rotation vector (Rodrigues' formula)."""
    cross = np.array([[0.0, -c, b], [c, 0.0, -a], [-b, a, 0.0]])
    angle = np.sqrt(a * a + b * b + c * c)
    if angle < 1e-9:
        return np.asarray(np.eye(3) + cross)
    first, second = np.sin(angle) / angle, (1.0 - np.cos(angle)) / angle**2
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))


def jacobian(function: Callable[[Array], Array], x: Array, unknowns: list[int]) -> Array:
    """Return the derivatives of a function by some of the unknowns, by central differences.

    Parameters
    ----------
    function : callable
        From unknowns to an array.
    x : numpy.ndarray, shape (6,)
        Where.
    unknowns : list of int
        By which.

    Returns
    -------
    numpy.ndarray, shape (M, len(unknowns))
        One column for each.
    """
    step = 1e-5
    columns = []
    for unknown in unknowns:
        change = np.zeros_like(x)
        change[unknown] = step
        columns.append((function(x + change) - function(x - change)) / (2 * step))
    return np.stack(columns, axis=1)
