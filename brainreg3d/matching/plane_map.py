"""Maps from one plane to another, points being (row, column)."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import read_only


@attrs.frozen(eq=False)
class PlaneMap:
    """An affine map of points (row, column): ``linear @ point + shift``.

    Parameters
    ----------
    linear : numpy.ndarray, shape (2, 2)
        What becomes of directions.
    shift : numpy.ndarray, shape (2,)
        Where the origin goes.
    """

    linear: NDArray[np.float64] = attrs.field(converter=read_only)
    shift: NDArray[np.float64] = attrs.field(converter=read_only)

    @classmethod
    def about(cls, linear: ArrayLike, point: ArrayLike, target: ArrayLike) -> PlaneMap:
        """Return the map of given directions that takes a point to another.

        Parameters
        ----------
        linear : array_like, shape (2, 2)
            What becomes of directions.
        point, target : array_like, shape (2,)
            (row, column) before and after.

        Returns
        -------
        PlaneMap
            As described.
        """
        matrix = np.asarray(linear, dtype=float)
        return cls(matrix, np.asarray(target, dtype=float) - matrix @ np.asarray(point))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Directions and shift side by side, shape (2, 3)."""
        return np.column_stack([self.linear, self.shift])

    @property
    def inverse(self) -> PlaneMap:
        """The way back."""
        back = np.linalg.inv(self.linear)
        return PlaneMap(back, -back @ self.shift)

    def __matmul__(self, first: PlaneMap) -> PlaneMap:
        """Return the map that does `first`, then this one."""
        return PlaneMap(self.linear @ first.linear, self.linear @ first.shift + self.shift)

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points (row, column), shape (..., 2), go."""
        return np.asarray(np.asarray(points, dtype=float) @ self.linear.T + self.shift)


def similarity(rotation_deg: float, scale: float, mirrored: bool = False) -> NDArray[np.float64]:
    """Return what a rotation, an isotropic scale and a mirror make of directions.

    Parameters
    ----------
    rotation_deg : float
        Counter-clockwise as seen in the picture, whose rows grow downwards.
    scale : float
        Factor of all lengths.
    mirrored : bool
        Whether columns are negated first.

    Returns
    -------
    numpy.ndarray, shape (2, 2)
        Acts on (row, column).
    """
    angle = np.deg2rad(rotation_deg)
    cosine, sine = np.cos(angle), np.sin(angle)
    return scale * np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([1, -1 if mirrored else 1])


def decompose(linear: NDArray[np.float64]) -> tuple[float, float, bool]:
    """Return the rotation, scale and mirror that `similarity` makes directions of.

    Parameters
    ----------
    linear : numpy.ndarray, shape (2, 2)
        Of a similarity.

    Returns
    -------
    rotation_deg : float
        From -180 to 180.
    scale : float
        Factor of all lengths.
    mirrored : bool
        Whether columns are negated first.
    """
    determinant = linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0]
    rotation = np.rad2deg(np.arctan2(linear[1, 0], linear[0, 0]))
    return float(rotation), float(np.sqrt(abs(determinant))), bool(determinant < 0)


def fit_similarity(
    source: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> PlaneMap:
    """Return the similarity without a mirror that carries points to others, by least squares.

    Parameters
    ----------
    source, target : numpy.ndarray, shape (N, 2)
        Points (row, column); at least two that differ.
    weights : numpy.ndarray, shape (N,)
        How much each pair counts.

    Returns
    -------
    PlaneMap
        Of least weighted squared distance.

    References
    ----------
    Umeyama, S. (1991). Least-squares estimation of transformation parameters between two point
    patterns. IEEE Transactions on Pattern Analysis and Machine Intelligence 13, 376-380. In the
    plane it is one division of complex numbers.
    """
    weights = weights / weights.sum()
    middle = [(weights[:, None] * points).sum(axis=0) for points in (source, target)]
    a, b = (
        p[:, 0] - m[0] + 1j * (p[:, 1] - m[1])
        for p, m in zip((source, target), middle, strict=True)
    )
    turn = (weights * np.conj(a) * b).sum() / (weights * np.abs(a) ** 2).sum()
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return PlaneMap.about(linear, middle[0], middle[1])
