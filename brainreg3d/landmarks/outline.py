"""Ellipses through points: the outline of a round window."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import InputError

_MIN_POINTS = 5
_MOST_BEYOND = 10.0  # radius over the extent of the points


@attrs.frozen
class Ellipse:
    """An ellipse in an image.

    Parameters
    ----------
    row, col : float
        Its centre, in pixels.
    long_px, short_px : float
        Its two diameters.
    """

    row: float
    col: float
    long_px: float
    short_px: float


def fit_ellipse(outline_px: ArrayLike) -> Ellipse:
    """Fit an ellipse to points on its outline.

    Parameters
    ----------
    outline_px : array_like, shape (N, 2)
        (row, column) of at least five points.

    Returns
    -------
    Ellipse
        Of the smallest algebraic distance to the points.

    Raises
    ------
    InputError
        If the points determine no ellipse.

    References
    ----------
    R. Halir and J. Flusser, "Numerically stable direct least squares fitting of ellipses",
    WSCG 1998, 125-132.
    """
    points = _outline_points(outline_px)
    middle = points.mean(axis=0)
    scale = float(np.abs(points - middle).max()) or 1.0
    conic = _conic((points - middle) / scale)
    center, radii = (None, None) if conic is None else _center_and_radii(conic)
    if center is None or radii is None or not np.max(radii) < _MOST_BEYOND:
        message = (
            "No ellipse goes through the outline of the window; give points all around it, such as "
            "eight, evenly spaced."
        )
        raise InputError(message)
    row, col = center * scale + middle
    long, short = 2 * scale * np.sort(radii)[::-1]
    return Ellipse(float(row), float(col), float(long), float(short))


def _outline_points(value: Any) -> NDArray[np.float64]:
    """Return points (N, 2), or say which one is none."""
    is_list = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
    if not is_list or len(value) < _MIN_POINTS:
        message = (
            f"The outline of a window is a list of at least {_MIN_POINTS} points [row, col]; got "
            f"{len(value) if is_list else repr(value)}."
        )
        raise InputError(message)
    points = [finite_numbers(point, 2) for point in value]
    if None in points:
        number = points.index(None)
        message = (
            f"Each point of the outline of a window is [row, col], two finite numbers; number "
            f"{number + 1} is {value[number]!r}."
        )
        raise InputError(message)
    return np.array(points)


def _conic(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return (a, b, c, d, e, f) of a r² + b r c + c c² + d r + e c + f = 0, or None."""
    r, c = points.T
    quadratic = np.stack([r * r, r * c, c * c], axis=1)
    linear = np.stack([r, c, np.ones_like(r)], axis=1)
    scatter = linear.T @ linear
    if np.linalg.cond(scatter) > 1e10:
        return None
    back = -np.linalg.solve(scatter, linear.T @ quadratic)
    reduced = quadratic.T @ (quadratic + linear @ back)
    constrained = np.stack([reduced[2] / 2, -reduced[1], reduced[0] / 2])
    _, vectors = np.linalg.eig(constrained)
    vectors = np.real(vectors)
    is_ellipse = 4 * vectors[0] * vectors[2] - vectors[1] ** 2 > 1e-9
    if is_ellipse.sum() != 1:
        return None
    found = vectors[:, is_ellipse][:, 0]
    return np.concatenate([found, back @ found])


def _center_and_radii(
    conic: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b, c, d, e, f = conic
    form = np.array([[a, b / 2], [b / 2, c]])
    center = np.linalg.solve(form, [-d / 2, -e / 2])
    level = center @ form @ center - f
    return center, np.sqrt(level / np.linalg.eigvalsh(form))
