"""Regular voxel grids in the atlas frame."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import InputError

_MIN_TOLERANCE_MM = 0.05


def _three_positive_integers(value: ArrayLike) -> tuple[int, int, int]:
    numbers = tuple(int(v) for v in np.asarray(value).ravel())
    if len(numbers) != 3 or min(numbers) < 1:
        message = f"A volume's shape is three positive integers (Z, Y, X); got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1], numbers[2]


def _three_positive_floats(value: ArrayLike) -> tuple[float, float, float]:
    numbers = finite_numbers(value, 3)
    if numbers is None or min(numbers) <= 0:
        message = f"A spacing is three positive numbers in mm (Z, Y, X); got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1], numbers[2]


@attrs.frozen
class VolumeGrid:
    """The voxels of a (Z, Y, X) array laid out in the atlas frame.

    The outer corner of voxel (0, 0, 0) is the origin; the centre of voxel *i* along an axis lies
    at ``(i + 1/2) * spacing``.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along (Z, Y, X).
    spacing_mm : tuple of float
        Voxel size along (Z, Y, X) in mm.
    """

    shape: tuple[int, int, int] = attrs.field(converter=_three_positive_integers)
    spacing_mm: tuple[float, float, float] = attrs.field(converter=_three_positive_floats)

    @property
    def box_mm(self) -> tuple[float, float, float]:
        """Extent along (x, y, z) in mm, outer face to outer face."""
        extent = np.array(self.shape[::-1]) * np.array(self.spacing_mm[::-1])
        x, y, z = (round(float(length), 9) for length in extent)
        return x, y, z

    @property
    def first_right(self) -> int:
        """First voxel along x of the right half; the middle one of an odd number is right."""
        return self.shape[2] // 2

    @property
    def right_from_mm(self) -> float:
        """Where the right half begins along x, in mm: at the left face of its first voxel."""
        return self.first_right * self.spacing_mm[2]

    @property
    def resolution_um(self) -> tuple[float, float, float]:
        """Voxel size along (Z, Y, X) in micrometres, free of floating-point dust."""
        z, y, x = (round(spacing * 1000.0, 6) for spacing in self.spacing_mm)
        return z, y, x

    def voxel_centers_mm(self, indices: ArrayLike) -> NDArray[np.float64]:
        """Return the atlas points at the centres of voxels.

        Parameters
        ----------
        indices : array_like, shape (..., 3)
            Voxel indices (z, y, x).

        Returns
        -------
        numpy.ndarray, shape (..., 3)
            Points (x, y, z) in mm.
        """
        centers = (np.asarray(indices, dtype=float) + 0.5) * np.asarray(self.spacing_mm)
        return np.asarray(centers[..., ::-1])

    def voxel_indices(self, points_mm: ArrayLike) -> NDArray[np.int64]:
        """Return the indices (z, y, x) of the voxels that hold atlas points.

        Parameters
        ----------
        points_mm : array_like, shape (..., 3)
            Points (x, y, z) in mm, inside the box or not.

        Returns
        -------
        numpy.ndarray of int64, shape (..., 3)
            Indices; outside ``[0, shape)`` for points off the grid.
        """
        points = np.asarray(points_mm, dtype=float)[..., ::-1]
        return np.asarray(np.floor(points / np.asarray(self.spacing_mm)), dtype=np.int64)

    def same_box(self, other: VolumeGrid) -> bool:
        """Tell whether another grid fills the same physical box.

        Parameters
        ----------
        other : VolumeGrid
            The grid to compare with; its voxels may have another size.

        Returns
        -------
        bool
            False when a side differs by more than half the larger voxel (or 0.05 mm, if that is
            more): a box that is no whole number of voxels is rounded to one.
        """
        sizes = zip(self.spacing_mm[::-1], other.spacing_mm[::-1], strict=True)
        tolerances = [max(_MIN_TOLERANCE_MM, 0.501 * max(pair)) for pair in sizes]
        sides = zip(self.box_mm, other.box_mm, tolerances, strict=True)
        return all(abs(one - another) <= tolerance for one, another, tolerance in sides)
