"""How an image is moved on the brain: one view in, another view out.

None of these can shear or distort an image: a pose is a rotation, a point and a mirror, and stays
one whatever is done to it.
"""

from __future__ import annotations

import warnings

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.geometry import ImageView, Pose

_ANGLE_DIGITS = 9  # far below what can be seen; keeps 10 turns of 0.1 degrees at 1 degree


def image_axes(pose: Pose) -> NDArray[np.float64]:
    """Return the axes of an image plane, without its mirror.

    Parameters
    ----------
    pose : Pose
        Of the image.

    Returns
    -------
    numpy.ndarray, shape (3, 3)
        Unit vectors as rows: to the right and to the top of an unmirrored image, and towards the
        viewer.
    """
    return np.asarray(pose.rotation.as_matrix().T)


def moved(view: ImageView, offset_mm: ArrayLike) -> ImageView:
    """Shift an image.

    Parameters
    ----------
    view : ImageView
        Where it was.
    offset_mm : array_like, shape (3,)
        By how much, in mm in the atlas frame.

    Returns
    -------
    ImageView
        Where it is then.
    """
    center = np.asarray(view.pose.center_mm) + np.asarray(offset_mm, dtype=float)
    return attrs.evolve(view, pose=attrs.evolve(view.pose, center_mm=center))


def turned(view: ImageView, angle_deg: float) -> ImageView:
    """Turn an image in its plane about its centre.

    Parameters
    ----------
    view : ImageView
        Where it was.
    angle_deg : float
        Counter-clockwise for the viewer.

    Returns
    -------
    ImageView
        Where it is then.
    """
    return tilted(view, image_axes(view.pose)[2], angle_deg)


def tilted(view: ImageView, axis: ArrayLike, angle_deg: float) -> ImageView:
    """Tilt an image about an axis through its centre.

    Parameters
    ----------
    view : ImageView
        Where it was.
    axis : array_like, shape (3,)
        Unit vector in the atlas frame.
    angle_deg : float
        By the right-hand rule.

    Returns
    -------
    ImageView
        Where it is then.
    """
    from scipy.spatial.transform import Rotation  # slow to import

    rotation = Rotation.from_rotvec(np.radians(angle_deg) * np.asarray(axis))
    with warnings.catch_warnings():
        # Seen exactly from in front or behind, yaw and roll are one turn; any split of it is right.
        warnings.filterwarnings("ignore", message="Gimbal lock")
        angles = (rotation * view.pose.rotation).as_euler("ZXY", degrees=True)
    yaw, pitch, roll = (round(float(angle), _ANGLE_DIGITS) + 0.0 for angle in angles)
    pose = attrs.evolve(view.pose, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)
    return attrs.evolve(view, pose=pose)


def scaled(view: ImageView, factor: float) -> ImageView:
    """Enlarge an image about its centre.

    Parameters
    ----------
    view : ImageView
        As it was.
    factor : float
        Of its pixel size; above 1 the image covers more of the brain.

    Returns
    -------
    ImageView
        As it is then.

    Raises
    ------
    InputError
        If the pixels become impossibly small or large.
    """
    row, col = view.pixel_size_mm
    return attrs.evolve(view, pixel_size_mm=(row * factor, col * factor))


def mirrored(view: ImageView) -> ImageView:
    """Flip an image left to right in its place.

    Parameters
    ----------
    view : ImageView
        As it was.

    Returns
    -------
    ImageView
        As it is then.
    """
    return attrs.evolve(view, pose=attrs.evolve(view.pose, mirrored=not view.pose.mirrored))


def angle_between(pose: Pose, start_mm: ArrayLike, stop_mm: ArrayLike) -> float:
    """Return the turn about an image's centre between two points of its plane.

    Parameters
    ----------
    pose : Pose
        Of the image.
    start_mm, stop_mm : array_like, shape (3,)
        The points, in the atlas frame.

    Returns
    -------
    float
        In degrees from -180 to 180, counter-clockwise for the viewer.
    """
    offsets = np.asarray([start_mm, stop_mm], dtype=float) - np.asarray(pose.center_mm)
    along, high = (offsets @ image_axes(pose)[:2].T).T
    first, second = np.degrees(np.arctan2(high, along))
    return float((second - first + 180.0) % 360.0 - 180.0)
