"""Volumes in physical space, and making them smaller without moving anything.

Two volumes that are to be registered are never resampled into each other's box: each keeps its
own grid, and only whole blocks of voxels are averaged. What lies where in millimetres does not
change, whatever is cropped, padded or shrunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation

_SLAB_VOXELS = 1 << 22
"""About how many voxels are turned into floats at once, to keep the peak memory low."""


def _three_numbers(value: ArrayLike) -> tuple[float, float, float]:
    numbers = np.asarray(value, dtype=float).ravel()
    if numbers.size != 3 or not np.all(np.isfinite(numbers)):
        message = f"Expected three finite numbers in mm; got {value!r}."
        raise InputError(message)
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _spacing(value: ArrayLike) -> tuple[float, float, float]:
    numbers = _three_numbers(value)
    if min(numbers) <= 0:
        message = f"A spacing is three positive numbers in mm (Z, Y, X); got {value!r}."
        raise InputError(message)
    return numbers


@attrs.frozen(eq=False)
class PhysicalImage:
    """A volume with its place in space; its axes run along the physical ones.

    Parameters
    ----------
    data : numpy.ndarray, shape (Z, Y, X)
        Voxels.
    spacing_mm : tuple of float
        Voxel size along (Z, Y, X) in mm.
    origin_mm : tuple of float
        Physical point (x, y, z) of the centre of voxel (0, 0, 0).
    """

    data: NDArray[Any] = attrs.field(repr=False)
    spacing_mm: tuple[float, float, float] = attrs.field(converter=_spacing)
    origin_mm: tuple[float, float, float] = attrs.field(
        default=(0.0, 0.0, 0.0), converter=_three_numbers
    )

    def __attrs_post_init__(self) -> None:
        if np.ndim(self.data) != 3:
            message = (
                f"A volume has three axes (Z, Y, X); got an array of shape {np.shape(self.data)}."
            )
            raise InputError(message)

    @property
    def voxel_mm(self) -> float:
        """Edge in mm of a cube as large as a voxel."""
        return float(np.prod(self.spacing_mm) ** (1 / 3))

    @property
    def spacing_xyz_mm(self) -> NDArray[np.float64]:
        """Voxel size along (x, y, z)."""
        return np.array(self.spacing_mm[::-1])

    def points_mm(self, indices: ArrayLike) -> NDArray[np.float64]:
        """Return the physical points at the centres of voxels.

        Parameters
        ----------
        indices : array_like, shape (..., 3)
            Voxel indices (z, y, x), whole or not.

        Returns
        -------
        numpy.ndarray, shape (..., 3)
            Points (x, y, z) in mm.
        """
        flipped = np.asarray(indices, dtype=float)[..., ::-1]
        return np.asarray(flipped * self.spacing_xyz_mm + np.array(self.origin_mm))

    def indices(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return the voxel indices (z, y, x) of physical points (x, y, z), not rounded."""
        offset = np.asarray(points_mm, dtype=float) - np.array(self.origin_mm)
        return np.asarray((offset / self.spacing_xyz_mm)[..., ::-1])

    def with_data(self, data: NDArray[Any]) -> PhysicalImage:
        """Return other voxels on the same grid."""
        return PhysicalImage(data, self.spacing_mm, self.origin_mm)

    def cropped(self, lower: ArrayLike, upper: ArrayLike) -> PhysicalImage:
        """Return the part from index `lower` up to but without `upper`, as a view."""
        low, high = (np.asarray(index, dtype=int) for index in (lower, upper))
        part = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
        return PhysicalImage(self.data[part], self.spacing_mm, self.points_mm(low))

    def cropped_to_box(self, lower_mm: ArrayLike, upper_mm: ArrayLike) -> PhysicalImage:
        """Return the voxels whose centres lie in a physical box (x, y, z), at least one."""
        low = np.ceil(self.indices(lower_mm) - 1e-9).astype(int)
        high = np.floor(self.indices(upper_mm) + 1e-9).astype(int) + 1
        low = np.clip(low, 0, np.array(self.data.shape) - 1)
        return self.cropped(low, np.clip(high, low + 1, self.data.shape))

    def filling_box(self, lower_mm: ArrayLike, upper_mm: ArrayLike, value: float) -> PhysicalImage:
        """Return the image cropped to a physical box, and padded where it does not reach."""
        part = self.cropped_to_box(lower_mm, upper_mm)
        last = np.array(part.data.shape) - 1
        before = np.floor(-part.indices(lower_mm) + 1e-6)
        after = np.floor(part.indices(upper_mm) - last + 1e-6)
        if before.max() < 1 and after.max() < 1:
            return part
        return part.padded(np.maximum(before, 0), np.maximum(after, 0), value)

    def padded(self, before: ArrayLike, after: ArrayLike, value: float) -> PhysicalImage:
        """Return the image with voxels of one value added around it.

        Parameters
        ----------
        before, after : array_like of int, shape (3,)
            How many voxels along (Z, Y, X).
        value : float
            What they hold.

        Returns
        -------
        PhysicalImage
            A copy; all that was there before is where it was.
        """
        low, high = (np.asarray(count, dtype=int) for count in (before, after))
        widths = list(zip(low, high, strict=True))
        data = np.pad(self.data, widths, constant_values=self.data.dtype.type(value))
        return PhysicalImage(data, self.spacing_mm, self.points_mm(-low))

    def to_sitk(self) -> sitk.Image:
        """Return a copy as an ITK image with the same physical points."""
        import SimpleITK as sitk  # noqa: N813

        native = self.data.astype(self.data.dtype.newbyteorder("="), copy=False)
        image = sitk.GetImageFromArray(np.ascontiguousarray(native))
        image.SetSpacing([float(size) for size in self.spacing_xyz_mm])
        image.SetOrigin(self.origin_mm)
        return image


def map_points(matrix: NDArray[np.float64], points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply a matrix to many points.

    Written out on purpose: a matrix product may run in threads, and sum in another order for
    another number of them.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (3, 3) or (4, 4)
        A linear map, or one with a shift in its last column.
    points_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z).

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        Their images.
    """
    x, y, z = points_mm.T
    mapped = [matrix[row, 0] * x + matrix[row, 1] * y + matrix[row, 2] * z for row in range(3)]
    if len(matrix) == 3:
        return np.stack(mapped, axis=1)
    return np.stack(mapped, axis=1) + matrix[:3, 3]


def shrink(image: PhysicalImage, target_mm: float) -> PhysicalImage:
    """Average whole blocks of voxels until voxels are about as large as wanted.

    Parameters
    ----------
    image : PhysicalImage
        Any type of numbers.
    target_mm : float
        Voxel size to come close to along each axis, exceeding it by a seventh at most; axes that
        are as coarse stay.

    Returns
    -------
    PhysicalImage
        float32; voxels beyond the last whole block along an axis are left out.
    """
    wanted = np.floor(target_mm / np.array(image.spacing_mm) + 0.25).astype(int)
    factors = np.clip(wanted, 1, image.data.shape)
    blocks = np.array(image.data.shape) // factors
    out = np.empty(blocks, dtype=np.float32)
    voxels_per_block_row = int(np.prod(image.data.shape[1:])) * int(factors[0])
    rows = max(1, _SLAB_VOXELS // max(1, voxels_per_block_row))
    used = tuple(slice(0, count * factor) for count, factor in zip(blocks, factors, strict=True))
    source = image.data[used]
    for start in range(0, int(blocks[0]), rows):
        stop = min(start + rows, int(blocks[0]))
        out[start:stop] = _block_mean(source[start * factors[0] : stop * factors[0]], factors)
    spacing = np.array(image.spacing_mm) * factors
    return PhysicalImage(out, spacing, image.points_mm((factors - 1) / 2))


def _block_mean(slab: NDArray[Any], factors: Sequence[int]) -> NDArray[np.float32]:
    """Average along one axis after the other, the last first while the slab is largest."""
    mean = slab
    for axis in (2, 1, 0):
        factor = int(factors[axis])
        if factor == 1:
            continue
        parts = [
            mean[(slice(None),) * axis + (slice(start, None, factor),)] for start in range(factor)
        ]
        total = parts[0].astype(np.float32)
        for part in parts[1:]:
            total += part
        total /= np.float32(factor)
        mean = total
    return np.asarray(mean, dtype=np.float32)
