"""Volumes on the grids of others, along a rigid transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.geometry import VolumeGrid

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - its customary name


def resample(
    data: NDArray[Any],
    grid: VolumeGrid,
    target: VolumeGrid,
    matrix: NDArray[np.float64],
    *,
    nearest: bool = False,
    start: tuple[int, int, int] = (0, 0, 0),
) -> NDArray[Any]:
    """Return a volume on another grid.

    Parameters
    ----------
    data : numpy.ndarray, shape (Z, Y, X)
        The volume.
    grid : VolumeGrid
        Where its voxels lie.
    target : VolumeGrid
        Where they are wanted.
    matrix : numpy.ndarray, shape (4, 4)
        Maps points (x, y, z) of the target's space to points of the volume's space, in mm.
    nearest : bool
        Take the nearest voxel, as for labels, instead of interpolating linearly.
    start : tuple of int
        Where on the grid the first voxel of `data` lies, along (Z, Y, X), if it is a part of the
        volume.

    Returns
    -------
    numpy.ndarray, shape (Z, Y, X)
        Of the same type; 0 where the volume does not reach.
    """
    import SimpleITK as sitk  # noqa: N813

    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(target.shape[::-1])
    resampler.SetOutputSpacing(target.spacing_mm[::-1])
    resampler.SetOutputOrigin([spacing / 2 for spacing in target.spacing_mm[::-1]])
    resampler.SetTransform(transform)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear)
    return np.asarray(sitk.GetArrayFromImage(resampler.Execute(_image(data, grid, start))))


def _image(data: NDArray[Any], grid: VolumeGrid, start: tuple[int, int, int]) -> sitk.Image:
    """Return a volume as an ITK image whose space is (x, y, z) from the corner of its box."""
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(np.ascontiguousarray(data))
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetOrigin(grid.voxel_centers_mm(start).tolist())
    return image
