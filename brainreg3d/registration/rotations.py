"""Sets of rotations that cover all orientations evenly."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

_PSI = 1.533751168755204288118041
"""Real root above 1 of x^4 = x + 4, the second number of the super-Fibonacci spirals."""


def spread_rotations(count: int) -> NDArray[np.float64]:
    """Return rotations spread evenly over all orientations.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    numpy.ndarray, shape (count, 3, 3)
        Rotation matrices; the same for the same count.

    References
    ----------
    .. [1] M. Alexa, "Super-Fibonacci spirals: fast, low-discrepancy sampling of SO(3)",
       Proceedings of CVPR 2022, 8291-8300.
    """
    place = np.arange(count) + 0.5
    inner, outer = np.sqrt(place / count), np.sqrt(1 - place / count)
    alpha, beta = 2 * np.pi * place / np.sqrt(2), 2 * np.pi * place / _PSI
    quaternions = [
        inner * np.sin(alpha),
        inner * np.cos(alpha),
        outer * np.sin(beta),
        outer * np.cos(beta),
    ]
    return _matrices(np.stack(quaternions, axis=1))


def axis_rotations() -> NDArray[np.float64]:
    """Return the 24 rotations that put axes onto axes.

    Returns
    -------
    numpy.ndarray, shape (24, 3, 3)
        Rotation matrices, the identity first.
    """
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                found.append(matrix)
    return np.array(found)


def angles_between_deg(rotations: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Return by how much rotations differ from another one.

    Parameters
    ----------
    rotations : array_like, shape (..., 3, 3)
        Rotation matrices.
    other : array_like, shape (3, 3)
        A rotation matrix.

    Returns
    -------
    numpy.ndarray, shape (...)
        Angles in degrees, 0 to 180.
    """
    traces = np.einsum("...ij,ij->...", np.asarray(rotations), np.asarray(other))
    return np.asarray(np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1))))


def rotation_from_vector(vector_rad: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation about a vector by its length in radians (Rodrigues' formula)."""
    vector = np.asarray(vector_rad, dtype=float)
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def rotation_from_euler_deg(angles_deg: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation of three angles as ITK's Euler3DTransform takes them.

    Parameters
    ----------
    angles_deg : array_like, shape (3,)
        Angles (rx, ry, rz) about the fixed x, y and z axes.

    Returns
    -------
    numpy.ndarray, shape (3, 3)
        ``Rz @ Rx @ Ry``: the turn about y comes first.
    """
    x, y, z = (
        rotation_from_vector(angle * axis)
        for angle, axis in zip(
            np.radians(np.asarray(angles_deg, dtype=float)), np.eye(3), strict=True
        )
    )
    return np.asarray(z @ x @ y)


def _matrices(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation matrices of unit quaternions (x, y, z, w)."""
    x, y, z, w = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)
