"""What a registration can be asked for, and whether what was given can be used."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers, is_whole
from brainreg3d.errors import InputError, did_you_mean
from brainreg3d.registration.images import PhysicalImage
from brainreg3d.registration.rotations import rotation_from_euler_deg

METRICS = ("MI", "MSE", "CC", "AntsCC")
"""Mattes mutual information, mean squares, correlation, neighbourhood correlation."""

SEARCHES = ("global", "local")
"""All orientations, or those near the known one."""

NARROW_DEG, LOCAL_DEG = 60.0, 20.0
"""How far around a known orientation is searched, globally and locally."""


def check_metric(metric: str) -> None:
    """Raise an InputError that lists the metrics unless `metric` is one of them."""
    if metric not in METRICS:
        hint = did_you_mean(str(metric), METRICS)
        message = f"metric is one of {', '.join(METRICS)}; got {metric!r}.{hint}"
        raise InputError(message)


def check_iterations(max_iterations: int) -> None:
    """Raise an InputError unless there may be a whole number of iterations, at least one."""
    if not is_whole(max_iterations) or max_iterations < 1:
        message = f"max_iterations is a whole number from 1 on; got {max_iterations!r}."
        raise InputError(message)


def narrowing(
    search: str, initial_rotation_deg: ArrayLike, known_orientation: ArrayLike | None
) -> tuple[NDArray[np.float64], float]:
    """Return which orientations to search.

    Parameters
    ----------
    search : {"global", "local"}
        As of `register_rigid`, like the other two.
    initial_rotation_deg : array_like, shape (3,)
        Angles (rx, ry, rz).
    known_orientation : array_like, shape (3, 3), optional
        Rotation from fixed to moving directions.

    Returns
    -------
    start : numpy.ndarray, shape (3, 3)
        The rotation to search around.
    reach_deg : float
        How far from it; 180 is everywhere.

    Raises
    ------
    InputError
        If one of them cannot be used.
    """
    if search not in SEARCHES:
        message = f"search is one of {', '.join(SEARCHES)}; got {search!r}."
        raise InputError(message)
    angles = finite_numbers(initial_rotation_deg, 3)
    if angles is None:
        message = (
            f"initial_rotation_deg is three angles (rx, ry, rz) in degrees; got "
            f"{initial_rotation_deg!r}."
        )
        raise InputError(message)
    start = rotation_from_euler_deg(angles)
    if known_orientation is not None:
        start = start @ _rotation(known_orientation)
    if search == "local":
        return start, LOCAL_DEG
    narrowed = known_orientation is not None or any(angles)
    return start, NARROW_DEG if narrowed else 180.0


def _rotation(value: ArrayLike) -> NDArray[np.float64]:
    """Return a rotation matrix, or say that it is none; a mirror is none."""
    is_square = np.asarray(value, dtype=object).shape == (3, 3)
    numbers = finite_numbers(value, 9) if is_square else None
    matrix = np.reshape(numbers or np.zeros(9), (3, 3))
    if not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6) or np.linalg.det(matrix) < 0:
        message = (
            f"known_orientation is a 3 x 3 rotation matrix, without a mirror; got {value!r}. Flip "
            f"an axis of a volume that is mirrored."
        )
        raise InputError(message)
    return matrix


def usable(image: PhysicalImage, name: str, mask: NDArray[Any] | None) -> PhysicalImage:
    """Return a volume whose voxels can be worked with.

    Parameters
    ----------
    image : PhysicalImage
        Voxels of any type.
    name : str
        What to call the volume in messages.
    mask : numpy.ndarray, optional
        Its tissue.

    Returns
    -------
    PhysicalImage
        The same; bool becomes 0 and 1.

    Raises
    ------
    InputError
        If there is nothing to register in it, or the mask does not fit.
    """
    data = image.data
    if data.size == 0 or data.dtype.kind not in "buif":
        message = (
            f"Expected {name} to be a volume of numbers; got shape {data.shape} of {data.dtype}."
        )
        raise InputError(message)
    low, high = float(data.min()), float(data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        message = (
            f"There are NaN or infinite voxels in {name}; replace them first, for example by 0."
        )
        raise InputError(message)
    if low == high:
        message = f"All voxels of {name} have the same value; there is nothing to register."
        raise InputError(message)
    if min(data.shape) < 2:
        message = f"A volume needs several slices; {name} has the shape {data.shape} (Z, Y, X)."
        raise InputError(message)
    if mask is not None and np.shape(mask) != data.shape:
        message = f"The mask of {name} has the shape {np.shape(mask)}; expected {data.shape}."
        raise InputError(message)
    # A bool array can neither be subtracted from nor handed to ITK; as bytes it needs no copy.
    return image.with_data(data.view(np.uint8)) if data.dtype == np.bool_ else image
