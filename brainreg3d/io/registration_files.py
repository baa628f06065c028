"""Volumes and transforms of a 3D registration, as other tools read them.

Atlas and volume are written as NIfTI with honest headers: x to the right, y to anterior, z up, the
outer corner of the box at the origin. ITK reads such a file into its own physical space, which
grows to left, posterior and superior; the transform file holds for the points that ITK sees.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - its customary name

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_nifti(
    path: Path, data: NDArray[Any], spacing_mm: tuple[float, float, float], description: str
) -> None:
    """Write a volume in the atlas layout as NIfTI.

    Parameters
    ----------
    path : pathlib.Path
        Where to; ``.nii`` or ``.nii.gz``.
    data : numpy.ndarray, shape (Z, Y, X)
        Growing to superior, anterior and right.
    spacing_mm : tuple of float
        Voxel size along (Z, Y, X).
    description : str
        At most 79 characters, kept in the header.
    """
    import nibabel

    x, y, z = spacing_mm[::-1]
    affine = np.array([[x, 0, 0, x / 2], [0, y, 0, y / 2], [0, 0, z, z / 2], [0, 0, 0, 1.0]])
    image = nibabel.Nifti1Image(np.ascontiguousarray(data.transpose(2, 1, 0)), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    # A gzip header without name and time, so that equal volumes are equal files.
    content = image.to_bytes()
    if path.suffix == ".gz":
        import gzip

        content = gzip.compress(content, compresslevel=6, mtime=0)
    path.write_bytes(content)


def itk_transform(matrix: NDArray[np.float64]) -> sitk.Euler3DTransform:
    """Return a rigid transform between the points that ITK sees in written files.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        From fixed to moving points, both x to the right, y to anterior, z up, in mm.

    Returns
    -------
    SimpleITK.Euler3DTransform
        The same for points to the left, posterior and superior.
    """
    import SimpleITK as sitk  # noqa: N813

    turned = _RAS_TO_LPS @ matrix @ _RAS_TO_LPS
    transform = sitk.Euler3DTransform()
    # The polar factor: rounding must not make ITK refuse a rotation.
    left, _, right = np.linalg.svd(turned[:3, :3])
    transform.SetMatrix((left @ right).ravel().tolist())
    transform.SetTranslation(turned[:3, 3].tolist())
    return transform


def write_transform(path: Path, matrix: NDArray[np.float64]) -> None:
    """Write a transform as ITK's text file.

    Parameters
    ----------
    path : pathlib.Path
        Where to; ``.tfm``.
    matrix : numpy.ndarray, shape (4, 4)
        As for `itk_transform`.
    """
    import SimpleITK as sitk  # noqa: N813

    sitk.WriteTransform(itk_transform(matrix), str(path))
