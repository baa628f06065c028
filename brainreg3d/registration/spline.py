"""Reading volumes between their voxels from cubic B-splines."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, inline="always")
def cubic_weights(offset):  # type: ignore[no-untyped-def]
    """Return the four weights of a cubic B-spline between two nodes, and their slopes."""
    rest = 1.0 - offset
    weights = (
        rest * rest * rest / 6.0,
        2.0 / 3.0 - 0.5 * offset * offset * (2.0 - offset),
        2.0 / 3.0 - 0.5 * rest * rest * (2.0 - rest),
        offset * offset * offset / 6.0,
    )
    slopes = (
        -0.5 * rest * rest,
        offset * (1.5 * offset - 2.0),
        rest * (2.0 - 1.5 * rest),
        0.5 * offset * offset,
    )
    return weights, slopes


@numba.njit(nogil=True, cache=True)
def interpolate_with_gradient(points, coefficients, matrix, offset):  # type: ignore[no-untyped-def]
    """Return a spline's values and gradients (z, y, x) at points, NaN off its grid."""
    values, gradients = np.empty(len(points)), np.zeros((len(points), 3))
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
        wz, dz = cubic_weights(pz - iz)
        wy, dy = cubic_weights(py - iy)
        wx, dx = cubic_weights(px - ix)
        value = gz = gy = gx = 0.0
        for a in range(4):
            for b in range(4):
                row = coefficients[iz - 1 + a, iy - 1 + b]
                c0, c1, c2, c3 = row[ix - 1], row[ix], row[ix + 1], row[ix + 2]
                line = wx[0] * c0 + wx[1] * c1 + wx[2] * c2 + wx[3] * c3
                slope = dx[0] * c0 + dx[1] * c1 + dx[2] * c2 + dx[3] * c3
                value += wz[a] * wy[b] * line
                gz += dz[a] * wy[b] * line
                gy += wz[a] * dy[b] * line
                gx += wz[a] * wy[b] * slope
        values[i] = value
        gradients[i, 0], gradients[i, 1], gradients[i, 2] = gz, gy, gx
    return values, gradients


@numba.njit(nogil=True, cache=True)
def interpolate(points, coefficients, matrix, offset):  # type: ignore[no-untyped-def]
    """Return the spline's values at points, NaN off its grid; `matrix` leads to (z, y, x)."""
    out = np.empty(len(points))
    nz, ny, nx = coefficients.shape
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        pz = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + offset[0]
        py = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + offset[1]
        px = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + offset[2]
        iz, iy, ix = int(np.floor(pz)), int(np.floor(py)), int(np.floor(px))
        if iz < 1 or iy < 1 or ix < 1 or iz > nz - 3 or iy > ny - 3 or ix > nx - 3:
            out[i] = np.nan
            continue
        wz, wy, wx = cubic_weights(pz - iz)[0], cubic_weights(py - iy)[0], cubic_weights(px - ix)[0]
        total = 0.0
        for a in range(4):
            for b in range(4):
                row = coefficients[iz - 1 + a, iy - 1 + b]
                line = (
                    wx[0] * row[ix - 1]
                    + wx[1] * row[ix]
                    + wx[2] * row[ix + 1]
                    + wx[3] * row[ix + 2]
                )
                total += wz[a] * wy[b] * line
        out[i] = total
    return out
