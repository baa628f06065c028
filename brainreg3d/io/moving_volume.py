"""Reading a 3D brain image that is to be registered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import ImageError, MissingFileError
from brainreg3d.geometry import VolumeGrid
from brainreg3d.io.hashing import sha256_of_array, sha256_of_file
from brainreg3d.state import Volume

_ITK_SUFFIXES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
_DIMENSIONS = 3


def load_volume(
    source: str | Path | ArrayLike, spacing_mm: Sequence[float] | None = None
) -> Volume:
    """Read a 3D brain image.

    Parameters
    ----------
    source : path-like or array_like
        A TIFF stack, a NumPy, NRRD, NIfTI or MetaImage file, or an array, as (Z, Y, X).
    spacing_mm : sequence of float, optional
        Voxel size along (Z, Y, X) in mm; needed where the file does not state it.

    Returns
    -------
    Volume
        The volume.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ImageError
        If it cannot be read, is not 3D, holds NaN, or its voxel size is not known.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.is_file():
            message = f"There is no file {path}. Check the path of the volume."
            raise MissingFileError(message)
        data, stated = _read(path)
        stem = path.name.removesuffix(".gz").rpartition(".")[0]
        digest = sha256_of_file(path)
    else:
        path, stated, stem = None, None, "volume"
        data = np.asarray(source)
        digest = sha256_of_array(data)
    spacing = stated if spacing_mm is None else spacing_mm
    name = path.name if path else "the array"
    if spacing is None:
        message = f"The voxel size of {name} is not known; give volume_spacing_mm=(z, y, x) in mm."
        raise ImageError(message)
    _check(data, name)
    grid = VolumeGrid(data.shape, spacing)
    return Volume(data, grid.spacing_mm, stem, digest, path)


def _read(path: Path) -> tuple[NDArray[Any], tuple[float, ...] | None]:
    """Return the voxels as (Z, Y, X) and the spacing that the file states in mm."""
    try:
        if path.name.lower().endswith(_ITK_SUFFIXES):
            import SimpleITK as sitk  # noqa: N813

            image = sitk.ReadImage(str(path))
            return sitk.GetArrayFromImage(image), image.GetSpacing()[::-1]
        if path.suffix == ".npy":
            return np.load(path), None
        import tifffile

        return tifffile.imread(path), None
    except Exception as error:  # every reader has errors of its own
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        message = f"{path} cannot be read as a volume: {reason}"
        raise ImageError(message) from error


def _check(data: NDArray[Any], name: str) -> None:
    if data.ndim != _DIMENSIONS or 0 in data.shape or data.dtype.kind not in "uif":
        message = (
            f"{name} has shape {data.shape} and type {data.dtype}; expected a volume of numbers "
            f"(Z, Y, X)."
        )
        raise ImageError(message)
    if data.dtype.kind == "f" and not np.all(np.isfinite(data)):
        message = f"{name} holds NaN or infinite voxels; replace them first, for example by 0."
        raise ImageError(message)
    if data.min() == data.max():
        message = f"{name} has the same value everywhere; there is nothing to register."
        raise ImageError(message)
