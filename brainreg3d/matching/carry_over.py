"""From a match of two images to where the new one lies in the brain."""

from __future__ import annotations

import warnings

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.matching.result import ImageMatch


def carried_view(match: ImageMatch, old: ImageView, shape: tuple[int, int]) -> ImageView:
    """Return where a new image lies in the brain, given where the old one does.

    Parameters
    ----------
    match : ImageMatch
        Of the new image to the old one.
    old : ImageView
        The old image in the brain.
    shape : tuple of int
        (rows, columns) of the new image.

    Returns
    -------
    ImageView
        In the plane of the old image: every pixel lies at the point under the pixel of the old
        image that it is matched to. The camera keeps its distance. It stands over the middle of
        the new image if it stood over that of the old one; over another principal point it stays
        at the same pixel of the sensor, or, when the images differ in shape or are mirrored, over
        the same point of the brain.
    """
    # One step along rows and one along columns of the new image, in mm of the old plane.
    steps = np.diag(old.pixel_size_mm) @ match.matrix[:, :2]
    size = np.linalg.norm(steps, axis=0)
    down, along = (steps / size).T
    row_axis, col_axis = (
        part[1] * old.pose.col_axis + part[0] * old.pose.row_axis for part in (down, along)
    )
    middle = match.to_old([(shape[0] - 1) / 2, (shape[1] - 1) / 2])
    pose = _pose_of(
        old.pixel_to_plane_mm(*middle),
        np.array([col_axis, row_axis, old.pose.view_axis]),
        old.pose.mirrored != match.mirrored,
    )
    return ImageView(shape, (float(size[0]), float(size[1])), pose, _camera(match, old, shape))


def _pose_of(center_mm: NDArray[np.float64], axes: NDArray[np.float64], mirrored: bool) -> Pose:
    """Return the pose of given axes: the inverse of `Pose.axes`."""
    from scipy.spatial.transform import Rotation  # slow to import

    columns = -1.0 if mirrored else 1.0
    rotation = Rotation.from_matrix((np.diag([columns, -1.0, -1.0]) @ axes).T)
    with warnings.catch_warnings():
        # An upright plane has many names for one rotation; any of them will do.
        warnings.filterwarnings("ignore", message="Gimbal lock")
        yaw, pitch, roll = (float(angle) for angle in rotation.as_euler("ZXY", degrees=True))
    x, y, z = (float(value) for value in center_mm)
    return Pose((x, y, z), yaw, pitch, roll, mirrored)


def _camera(match: ImageMatch, old: ImageView, shape: tuple[int, int]) -> Camera:
    point = old.camera.principal_point_px
    same_sensor = shape == old.shape and not match.mirrored
    if point is None or same_sensor:
        return old.camera
    back = np.linalg.inv(match.matrix[:, :2])
    row, column = (float(value) for value in back @ (np.array(point) - match.matrix[:, 2]))
    return attrs.evolve(old.camera, principal_point_px=(row, column))
