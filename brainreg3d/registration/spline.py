"""Reading volumes between their voxels from cubic B-splines."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.registration.threads import in_threads

_CHUNKS = 8


@njit(inline="always")
def cubic_weights(offset):  # type: ignore[no-untyped-def]
    """Return the four weights of a cubic B-spline at a position between two nodes."""
    rest = 1.0 - offset
    return (
        rest * rest * rest / 6.0,
        2.0 / 3.0 - 0.5 * offset * offset * (2.0 - offset),
        2.0 / 3.0 - 0.5 * rest * rest * (2.0 - rest),
        offset * offset * offset / 6.0,
    )


@njit(inline="always")
def cubic_slopes(offset):  # type: ignore[no-untyped-def]
    """Return the derivatives of the four weights by the position."""
    rest = 1.0 - offset
    return (
        -0.5 * rest * rest,
        offset * (1.5 * offset - 2.0),
        rest * (2.0 - 1.5 * rest),
        0.5 * offset * offset,
    )


@njit(fastmath={"contract"})
def _sample(points, coefficients, matrix, offset, values, gradients):  # type: ignore[no-untyped-def]
    """Fill in the spline's values and gradients (z, y, x) at points, NaN off its grid."""
    nz, ny, nx = coefficients.shape
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        pz = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + offset[0]
        py = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + offset[1]
        px = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + offset[2]
        iz, iy, ix = int(np.floor(pz)), int(np.floor(py)), int(np.floor(px))
        if iz < 1 or iy < 1 or ix < 1 or iz > nz - 3 or iy > ny - 3 or ix > nx - 3:
            values[i] = np.nan
            continue
        wz, wy, wx = cubic_weights(pz - iz), cubic_weights(py - iy), cubic_weights(px - ix)
        dz, dy, dx = cubic_slopes(pz - iz), cubic_slopes(py - iy), cubic_slopes(px - ix)
        value = gz = gy = gx = 0.0
        for a in range(4):
            plane = plane_y = plane_x = 0.0
            for b in range(4):
                c0 = coefficients[iz - 1 + a, iy - 1 + b, ix - 1]
                c1 = coefficients[iz - 1 + a, iy - 1 + b, ix]
                c2 = coefficients[iz - 1 + a, iy - 1 + b, ix + 1]
                c3 = coefficients[iz - 1 + a, iy - 1 + b, ix + 2]
                line = wx[0] * c0 + wx[1] * c1 + wx[2] * c2 + wx[3] * c3
                plane += wy[b] * line
                plane_y += dy[b] * line
                plane_x += wy[b] * (dx[0] * c0 + dx[1] * c1 + dx[2] * c2 + dx[3] * c3)
            value += wz[a] * plane
            gz += dz[a] * plane
            gy += wz[a] * plane_y
            gx += wz[a] * plane_x
        values[i] = value
        gradients[i, 0], gradients[i, 1], gradients[i, 2] = gz, gy, gx


def sample_spline(
    points: NDArray[np.float64],
    coefficients: NDArray[np.float32],
    matrix: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a spline at points.

    Parameters
    ----------
    points : numpy.ndarray, shape (N, 3)
        Any points (x, y, z).
    coefficients : numpy.ndarray, shape (Z, Y, X)
        Of the cubic spline.
    matrix, offset : numpy.ndarray, shapes (3, 3) and (3,)
        Lead from points to indices (z, y, x).

    Returns
    -------
    values : numpy.ndarray, shape (N,)
        NaN for points off the grid.
    gradients : numpy.ndarray, shape (N, 3)
        Derivatives by the index (z, y, x); 0 for points off the grid.
    """
    values, gradients = np.empty(len(points)), np.zeros((len(points), 3))
    matrix, offset = np.ascontiguousarray(matrix), np.ascontiguousarray(offset)

    def fill(part: slice) -> Any:
        _sample(points[part], coefficients, matrix, offset, values[part], gradients[part])

    bounds = np.linspace(0, len(points), _CHUNKS + 1).astype(int)
    in_threads(fill, [slice(*pair) for pair in itertools.pairwise(bounds)])
    return values, gradients
