"""What each volume format says about itself, before anything is concluded from it."""

from __future__ import annotations

import contextlib
import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import AtlasError, MissingFileError

MAX_OBLIQUE_DEG = 3.0
"""How far a NIfTI axis may lean away from an anatomical axis."""

Numbers = tuple[float, float, float]


@attrs.frozen
class RawVolume:
    """A volume file as its header describes it; nothing is interpreted yet.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    shape : tuple of int
        Number of voxels, in the file's axis order.
    spacing : tuple of float or None
        Voxel size in the file's axis order and in the file's unit; None when it does not say.
    unit : str or None
        ``"um"`` or ``"mm"`` when the file names its unit.
    trust_unit : bool
        Whether the unit named is one that was chosen, rather than a format's habit.
    directions : str or None
        Where the axes grow to, such as ``"RAS"``; None when the file does not say.
    read : callable
        Reads the voxels, in the file's axis order.
    ignores_directions : bool
        Whether the header turns or flips axes in a way that is not believed.
    """

    path: Path
    shape: tuple[int, int, int]
    spacing: Numbers | None
    unit: str | None
    trust_unit: bool
    directions: str | None
    read: Callable[[], NDArray[Any]]
    ignores_directions: bool = False


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


def _unreadable(path: Path, reason: object) -> AtlasError:
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    detail = lines[-1] if lines else type(reason).__name__
    return AtlasError(
        f"Cannot read {path} as a volume: it is damaged, cut short or not of the format its name "
        f"says ({detail}). Fetch or export it again."
    )


def _three(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 1:
        size = " × ".join(str(length) for length in shape)
        message = f"Expected a 3D volume in {path}; got {len(shape)}D data ({size})."
        raise AtlasError(message)
    return shape[0], shape[1], shape[2]


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
            raise _unreadable(path, error) from error
    size = tuple(int(length) for length in reader.GetSize())
    components = reader.GetNumberOfComponents()
    shape = _three(path, size if components == 1 else (*size, components))
    directions = np.reshape(reader.GetDirection(), (len(size), len(size)))[:3, :3]
    # Allen's headers name axes that are not theirs, so no NRRD header is believed.
    turned = not np.allclose(np.abs(directions), np.eye(3), atol=1e-3)
    spacing = reader.GetSpacing()
    numbers = (float(spacing[0]), float(spacing[1]), float(spacing[2]))
    return RawVolume(
        path, shape, numbers, None, False, None, lambda: _read_nrrd(path, shape), turned
    )


def _read_nrrd(path: Path, shape: tuple[int, int, int]) -> NDArray[Any]:
    with _quiet_itk() as sitk:
        try:
            image = sitk.ReadImage(str(path), imageIO="NrrdImageIO")
        except RuntimeError as error:
            raise _unreadable(path, error) from error
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
        shape = _three(path, tuple(int(length) for length in image.shape))
    except (ImageFileError, OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        if isinstance(error, AtlasError):
            raise
        raise _unreadable(path, error) from error
    zooms = np.abs(np.asarray(header.get_zooms()[:3], dtype=float))
    if max(codes) > 0:
        directions = _nifti_directions(path, image.affine)
        zooms = np.sqrt(np.sum(np.asarray(image.affine)[:3, :3] ** 2, axis=0))
    else:
        directions = None
    # Single precision is what the header stores; more digits than that are dust.
    x, y, z = (float(f"{zoom:.6g}") for zoom in zooms)
    return RawVolume(
        path, shape, (x, y, z), unit, False, directions, lambda: _read_nifti(path, shape)
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
        raise _unreadable(path, error) from error


class _Complaints(logging.Handler):
    """Collects what tifffile only logs: it reads on past a file's damaged end."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or "corrupt" in record.getMessage().lower():
            self.errors.append(record.getMessage())


@contextlib.contextmanager
def _open_tiff_file(path: Path) -> Iterator[Any]:
    import tifffile

    complaints = _Complaints()
    tiff_logger = logging.getLogger("tifffile")
    propagate, tiff_logger.propagate = tiff_logger.propagate, False
    tiff_logger.addHandler(complaints)
    failures = (tifffile.TiffFileError, OSError, ValueError, LookupError, TypeError, RuntimeError)
    try:
        with tifffile.TiffFile(path) as file:
            yield file
        if complaints.errors:
            raise _unreadable(path, complaints.errors[0])
    except (*failures, struct.error, zlib.error) as error:
        if isinstance(error, AtlasError):
            raise
        raise _unreadable(path, error) from error
    finally:
        tiff_logger.removeHandler(complaints)
        tiff_logger.propagate = propagate


def _tiff_series(path: Path, file: Any) -> Any:
    if len(file.series) != 1:
        message = (
            f"Expected one stack of equal pages in {path}; got {len(file.series)} images of "
            f"different size or type."
        )
        raise AtlasError(message)
    return file.series[0]


def _open_tiff(path: Path) -> RawVolume:
    with _open_tiff_file(path) as file:
        shape = _three(path, tuple(int(length) for length in _tiff_series(path, file).shape))
        spacing, unit = _ome_spacing(file) or _imagej_spacing(file) or (None, None)
    return RawVolume(
        path, shape, spacing, unit, unit is not None, None, lambda: _read_tiff(path, shape)
    )


def _read_tiff(path: Path, shape: tuple[int, int, int]) -> NDArray[Any]:
    with _open_tiff_file(path) as file:
        return np.asarray(_tiff_series(path, file).asarray()).reshape(shape)


_UNIT_NAMES = {"um": "um", "µm": "um", "μm": "um", "micron": "um", "microns": "um"}
_UNIT_NAMES |= {"micrometer": "um", "micrometre": "um", "mm": "mm", "millimeter": "mm"}


def _imagej_spacing(file: Any) -> tuple[Numbers, str | None] | None:
    """Return ImageJ's voxel size (pages, rows, columns) and its unit."""
    metadata = file.imagej_metadata or {}
    tags = file.pages[0].tags
    if "spacing" not in metadata or "XResolution" not in tags or "YResolution" not in tags:
        return None
    per_unit = [tags[name].value for name in ("YResolution", "XResolution")]
    if any(numerator <= 0 or denominator <= 0 for numerator, denominator in per_unit):
        return None
    row, column = (denominator / numerator for numerator, denominator in per_unit)
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ").strip().lower()
    page = abs(float(metadata["spacing"]))
    numbers = (float(f"{page:.6g}"), float(f"{row:.6g}"), float(f"{column:.6g}"))
    return numbers, _UNIT_NAMES.get(unit)


def _ome_spacing(file: Any) -> tuple[Numbers, str | None] | None:
    """Return the voxel size of OME metadata (pages, rows, columns) and its unit."""
    text = file.ome_metadata or ""
    sizes, units = [], []
    for axis in "ZYX":
        size = re.search(rf'PhysicalSize{axis}="([0-9.eE+-]+)"', text)
        unit = re.search(rf'PhysicalSize{axis}Unit="([^"]+)"', text)
        if size is None:
            return None
        sizes.append(float(size.group(1)))
        units.append(_UNIT_NAMES.get(unit.group(1).lower() if unit else "µm"))  # OME's default
    if len(set(units)) != 1 or units[0] is None:
        return None
    return (sizes[0], sizes[1], sizes[2]), units[0]


_READERS: dict[str | tuple[str, ...], Callable[[Path], RawVolume]] = {
    ".nrrd": _open_nrrd,
    (".nii", ".nii.gz"): _open_nifti,
    (".tif", ".tiff"): _open_tiff,
}
