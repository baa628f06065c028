"""What each volume format says about itself, before anything is concluded from it."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import AtlasError, MissingFileError
from brainreg3d.io.nrrd_slabs import nrrd_slab_reader
from brainreg3d.io.raw_volume import RawVolume, slab_thickness, three_lengths, unreadable
from brainreg3d.io.tiff_volumes import open_tiff

MAX_OBLIQUE_DEG = 3.0
"""How far a NIfTI axis may lean away from an anatomical axis."""


def open_raw(path: str | Path) -> RawVolume:
    """Read the header of a volume file.

    Parameters
    ----------
    path : path-like
        A ``.nrrd``, ``.nii``, ``.nii.gz``, ``.tif`` or ``.tiff`` file.

    Returns
    -------
    RawVolume
        What the header says.

    Raises
    ------
    MissingFileError
        If there is no such file.
    AtlasError
        If it is no volume that can be read.
    """
    path = Path(path)
    if not path.exists():
        message = f"There is no file {path}; expected a volume (NRRD, NIfTI or TIFF)."
        raise MissingFileError(message)
    name = path.name.lower()
    for suffixes, reader in _READERS.items():
        if name.endswith(suffixes) and path.is_file():
            return reader(path)
    message = (
        f"Cannot read {path} as a volume; expected a file ending in .nrrd, .nii, .nii.gz, .tif or "
        f".tiff."
    )
    raise AtlasError(message)


class _ImageBuffer:
    """Keeps a SimpleITK image alive for as long as an array looks at its voxels."""

    def __init__(self, image: Any, view: NDArray[Any]) -> None:
        self.image = image
        self.__array_interface__ = view.__array_interface__


@contextlib.contextmanager
def _quiet_itk() -> Iterator[Any]:
    """Give SimpleITK without its C++ warnings on stderr."""
    import SimpleITK as sitk  # noqa: N813 - its customary name

    warnings: Any = sitk.ProcessObject
    before = warnings.GetGlobalWarningDisplay()
    warnings.SetGlobalWarningDisplay(False)
    try:
        yield sitk
    finally:
        warnings.SetGlobalWarningDisplay(before)


def _open_nrrd(path: Path) -> RawVolume:
    with _quiet_itk() as sitk:
        reader = sitk.ImageFileReader()
        reader.SetImageIO("NrrdImageIO")
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise unreadable(path, error) from error
    size = tuple(int(length) for length in reader.GetSize())
    components = reader.GetNumberOfComponents()
    shape = three_lengths(path, size if components == 1 else (*size, components))
    directions = np.reshape(reader.GetDirection(), (len(size), len(size)))[:3, :3]
    # Allen's headers name axes that are not theirs, so no NRRD header is believed.
    turned = not np.allclose(np.abs(directions), np.eye(3), atol=1e-3)
    spacing = reader.GetSpacing()
    numbers = (float(spacing[0]), float(spacing[1]), float(spacing[2]))
    return RawVolume(
        path,
        shape,
        numbers,
        None,
        False,
        None,
        lambda: _read_nrrd(path, shape),
        turned,
        nrrd_slab_reader(path, shape),
    )


def _read_nrrd(path: Path, shape: tuple[int, int, int]) -> NDArray[Any]:
    with _quiet_itk() as sitk:
        try:
            image = sitk.ReadImage(str(path), imageIO="NrrdImageIO")
        except RuntimeError as error:
            raise unreadable(path, error) from error
        view = sitk.GetArrayViewFromImage(image)
    # SimpleITK's arrays have the file's axes in reverse order.
    array = np.asarray(_ImageBuffer(image, view))
    return array.reshape(shape[::-1]).transpose(2, 1, 0)


def _open_nifti(path: Path) -> RawVolume:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image: Any = nibabel.load(path)
        header = image.header
        codes = int(header["sform_code"]), int(header["qform_code"])
        unit = {"mm": "mm", "micron": "um"}.get(header.get_xyzt_units()[0])
        shape = three_lengths(path, tuple(int(length) for length in image.shape))
    except (ImageFileError, OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        if isinstance(error, AtlasError):
            raise
        raise unreadable(path, error) from error
    zooms = np.abs(np.asarray(header.get_zooms()[:3], dtype=float))
    if max(codes) > 0:
        directions = _nifti_directions(path, image.affine)
        zooms = np.sqrt(np.sum(np.asarray(image.affine)[:3, :3] ** 2, axis=0))
    else:
        directions = None
    # Single precision is what the header stores; more digits than that are dust.
    x, y, z = (float(f"{zoom:.6g}") for zoom in zooms)
    return RawVolume(
        path,
        shape,
        (x, y, z),
        unit,
        False,
        directions,
        lambda: _read_nifti(path, shape),
        read_slabs=lambda: _nifti_slabs(path, shape),
    )


def _nifti_directions(path: Path, affine: NDArray[Any]) -> str:
    from nibabel import orientations

    axis_codes: Any = orientations.aff2axcodes
    columns = np.asarray(affine, dtype=float)[:3, :3]
    lengths = np.linalg.norm(columns, axis=0)
    codes = axis_codes(affine)
    if not np.all(np.isfinite(columns)) or lengths.min() <= 0 or None in codes:
        message = f"The affine of {path} is singular; repair its header or give an orientation."
        raise AtlasError(message)
    lean_deg = np.degrees(np.arccos(np.clip(np.abs(columns / lengths).max(axis=0), 0, 1))).max()
    if lean_deg > MAX_OBLIQUE_DEG:
        message = (
            f"The axes of {path} lie {lean_deg:.0f}° off the anatomical axes; expected at most "
            f"{MAX_OBLIQUE_DEG:g}°. Resample it onto straight axes."
        )
        raise AtlasError(message)
    return "".join(codes)


def _read_nifti(path: Path, shape: tuple[int, int, int]) -> NDArray[Any]:
    import nibabel

    try:
        image: Any = nibabel.load(path)
        return np.asarray(np.asanyarray(image.dataobj).reshape(shape, order="F"))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise unreadable(path, error) from error


def _nifti_slabs(path: Path, shape: tuple[int, int, int]) -> Iterator[NDArray[Any]]:
    import nibabel

    try:
        # Of a packed file, each slab goes on where the last one ended.
        image: Any = nibabel.load(path, keep_file_open=True)
        thickness = slab_thickness(shape, image.get_data_dtype().itemsize)
        for start in range(0, shape[2], thickness):
            # Further axes of length 1 come after the third.
            place = (..., slice(start, start + thickness), *(0,) * (image.ndim - 3))
            yield np.asarray(image.dataobj[place])
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise unreadable(path, error) from error


_READERS: dict[str | tuple[str, ...], Callable[[Path], RawVolume]] = {
    ".nrrd": _open_nrrd,
    (".nii", ".nii.gz"): _open_nifti,
    (".tif", ".tiff"): open_tiff,
}
