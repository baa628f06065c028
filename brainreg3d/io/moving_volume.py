"""Reading a 3D brain image that is to be registered.

Arrays are (Z, Y, X) in the sense of NumPy: the slowest axis first, whatever lies along it. That is
pages, rows and columns of a TIFF, and the reverse of the axis order that NRRD and NIfTI name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d._logging import logger
from brainreg3d.errors import ImageError, MissingFileError
from brainreg3d.io.hashing import sha256_of_array, sha256_of_file
from brainreg3d.io.volume_formats import open_raw
from brainreg3d.io.volumes import parse_orientation
from brainreg3d.state import Volume

_DIMENSIONS = 3
MIN_EXTENT_MM, MAX_EXTENT_MM = 1.0, 1000.0
"""How long a volume with a brain in it can be; its canvas may be large."""

_UM_PER_UNIT = {"micrometer": 1.0, "um": 1.0, "µm": 1.0, "millimeter": 1e3, "mm": 1e3}
_SLICE_SUFFIXES = {".tif", ".tiff", ".png", ".jpg", ".jpeg"}


@attrs.frozen
class _Stored:
    """A volume as a file has it: slowest axis first."""

    data: NDArray[Any]
    spacing_mm: tuple[float, ...] | None = None
    directions: str | None = None


def load_volume(
    source: str | Path | ArrayLike,
    spacing_mm: Sequence[float] | None = None,
    orientation: str | None = None,
) -> Volume:
    """Read a 3D brain image.

    Parameters
    ----------
    source : path-like or array_like
        A TIFF stack, a folder of slices, an OME-Zarr image or one of its levels, an NRRD, NIfTI or
        NumPy file, or an array; of any numbers, or bool, which is taken as 0 and 1.
    spacing_mm : sequence of float, optional
        Voxel size along (Z, Y, X) in mm; needed where the file does not state it.
    orientation : str, optional
        Three letters for the axes (Z, Y, X): lower case for the corner where they start, as
        BrainGlobe writes (``"psl"``), or upper case for where they grow to (``"AIR"``, the same).
        None leaves it to the header of a NIfTI file, or to the registration.

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
    InputError
        If the orientation or the spacing make no sense.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        stored = _read(path)
        name, stem, digest = path.name, _stem(path), _digest(path, stored.data)
    else:
        path, name, stem = None, "the array", "volume"
        stored = _Stored(_as_array(source))
        digest = sha256_of_array(stored.data)
    if stored.data.dtype == np.bool_:
        stored = attrs.evolve(stored, data=stored.data.view(np.uint8))
    numbers = finite_numbers(stored.spacing_mm if spacing_mm is None else spacing_mm, 3)
    if numbers is None or min(numbers) <= 0:
        got = "none is stated" if spacing_mm is None else f"got {spacing_mm!r}"
        message = (
            f"The voxel size of {name} is needed as three positive numbers along (Z, Y, X): {got}. "
            f"Give volume_spacing_mm, or --spacing-um on the command line."
        )
        raise ImageError(message)
    _check(stored.data, name)
    longest_mm = max(size * n for size, n in zip(numbers, stored.data.shape, strict=True))
    if not MIN_EXTENT_MM <= longest_mm <= MAX_EXTENT_MM:
        message = (
            f"With voxels of {' x '.join(f'{size:g}' for size in numbers)} mm {name} is "
            f"{longest_mm:.3g} mm long; expected {MIN_EXTENT_MM:g} to {MAX_EXTENT_MM:g} mm. Give "
            f"volume_spacing_mm in mm, or --spacing-um in µm."
        )
        raise ImageError(message)
    directions = stored.directions if orientation is None else parse_orientation(orientation)
    if directions is None:
        logger.info(
            "The orientation of %s is not known and will be searched for; it is taken not to be "
            "mirrored, which a symmetric brain cannot tell.",
            name,
        )
    spacing = (numbers[0], numbers[1], numbers[2])
    return Volume(stored.data, spacing, stem, digest, path, directions)


def _read(path: Path) -> _Stored:
    if not path.exists():
        message = f"There is no file {path}. Check the path of the volume."
        raise MissingFileError(message)
    try:
        if path.is_dir():
            return _read_zarr(path) if _is_zarr(path) else _Stored(_read_slices(path))
        if path.suffix == ".npy":
            return _Stored(np.load(path))
        return _read_file(path)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # every reader has errors of its own
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        message = f"{path} cannot be read as a volume: {reason}"
        raise ImageError(message) from error


def _read_file(path: Path) -> _Stored:
    """Read NRRD, NIfTI or TIFF, the axes of the first two reversed to slowest first."""
    raw = open_raw(path)
    is_tiff = path.suffix.lower() in (".tif", ".tiff")
    data = raw.read()
    spacing: tuple[float, ...] | None = None
    if raw.spacing is not None and raw.unit is not None:
        scale = 1e-3 if raw.unit == "um" else 1.0
        spacing = tuple(size * scale for size in raw.spacing)
    elif raw.spacing is not None and raw.spacing != (1.0, 1.0, 1.0):
        # As for atlases: a spacing of 1 or more can only be micrometres of a mouse brain.
        scale = 1e-3 if max(raw.spacing) >= 1 else 1.0
        spacing = tuple(size * scale for size in raw.spacing)
    directions = raw.directions
    if not is_tiff:
        data = data.transpose(2, 1, 0)
        spacing = None if spacing is None else spacing[::-1]
        directions = None if directions is None else directions[::-1]
    native = data.astype(data.dtype.newbyteorder("="), copy=False)
    return _Stored(native, spacing, directions)


def _read_slices(folder: Path) -> NDArray[Any]:
    """Stack the images of a folder in natural order of their names: 2 before 10."""
    from skimage.io import imread

    files = [file for file in folder.iterdir() if file.suffix.lower() in _SLICE_SUFFIXES]
    if not files:
        message = f"{folder} holds no slices; expected TIFF, PNG or JPEG images."
        raise ImageError(message)
    slices = [np.asarray(imread(file)) for file in sorted(files, key=_natural)]
    shapes = {image.shape for image in slices}
    if len(shapes) != 1:
        message = f"The slices in {folder} differ in size: {sorted(shapes)}."
        raise ImageError(message)
    return np.stack(slices)


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _is_zarr(path: Path) -> bool:
    return any((path / name).exists() for name in (".zattrs", ".zgroup", ".zarray", "zarr.json"))


def _read_zarr(path: Path) -> _Stored:
    """Read an OME-Zarr image at its finest level, or the level that the path names."""
    import zarr

    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        parent = zarr.open(str(path.parent), mode="r") if _is_zarr(path.parent) else None
        return _zarr_level(node, parent, path.name)
    datasets = _multiscales(node).get("datasets", [])
    if not datasets:
        message = f"{path} holds no OME-Zarr image; name one of its arrays."
        raise ImageError(message)
    level = str(datasets[0]["path"])
    return _zarr_level(node[level], node, level)


def _multiscales(group: Any) -> dict[str, Any]:
    attributes = {} if group is None else dict(group.attrs)
    content = attributes.get("ome", attributes)
    found: list[dict[str, Any]] = content.get("multiscales", [{}])
    return found[0]


def _zarr_level(array: Any, group: Any, name: str) -> _Stored:
    """Read one level without its axes of length 1 (time, channel)."""
    description = _multiscales(group)
    axes = description.get("axes", [])
    kept = [axis for axis, length in enumerate(array.shape) if length > 1]
    data = np.asarray(array[...]).reshape([array.shape[axis] for axis in kept])
    scale = None
    for dataset in description.get("datasets", []):
        if str(dataset["path"]) == name:
            steps = dataset.get("coordinateTransformations", [])
            scale = next((step["scale"] for step in steps if step.get("type") == "scale"), None)
    if scale is None or len(axes) != len(array.shape) or len(kept) != _DIMENSIONS:
        return _Stored(data)
    units = [_UM_PER_UNIT.get(axes[axis].get("unit", "")) for axis in kept]
    if None in units:
        return _Stored(data)
    factors = [unit / 1000.0 for unit in units if unit is not None]
    return _Stored(data, tuple(scale[a] * f for a, f in zip(kept, factors, strict=True)))


def _as_array(source: ArrayLike) -> NDArray[Any]:
    try:
        return np.array(source)  # a copy: what the user does to it later is not our volume
    except ValueError as error:
        message = f"The volume is no array of numbers: {error}."
        raise ImageError(message) from error


def _stem(path: Path) -> str:
    name = path.name
    for suffix in (".gz", ".nii", ".nrrd", ".zarr", ".ome", ".tif", ".tiff", ".npy"):
        name = name.removesuffix(suffix)
    return name or path.parent.name


def _digest(path: Path, data: NDArray[Any]) -> str:
    return sha256_of_file(path) if path.is_file() else sha256_of_array(data)


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
