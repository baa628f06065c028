"""TIFF stacks: pages, rows and columns, and the voxel size as ImageJ or OME write it."""

from __future__ import annotations

import contextlib
import logging
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import AtlasError
from brainreg3d.io.raw_volume import (
    Numbers,
    RawVolume,
    slab_thickness,
    three_lengths,
    unreadable,
)
from brainreg3d.io.tiff_alike import check_alike


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
            raise unreadable(path, complaints.errors[0])
    except (*failures, struct.error, zlib.error) as error:
        if isinstance(error, AtlasError):
            raise
        raise unreadable(path, error) from error
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
    series = file.series[0]
    check_alike(
        [page for page in series.pages if page is not None], series.keyframe, path.name, AtlasError
    )
    return series


def open_tiff(path: Path) -> RawVolume:
    """Read the header of a TIFF stack.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.

    Returns
    -------
    RawVolume
        What the header says.

    Raises
    ------
    AtlasError
        If it is damaged or no 3D volume.
    """
    with _open_tiff_file(path) as file:
        shape = three_lengths(path, tuple(int(length) for length in _tiff_series(path, file).shape))
        spacing, unit = _ome_spacing(file) or _imagej_spacing(file) or (None, None)
    return RawVolume(
        path,
        shape,
        spacing,
        unit,
        unit is not None,
        None,
        lambda: _read_tiff(path, shape),
        read_slabs=lambda: tiff_slabs(path),
        slab_axis=0,
    )


def _read_tiff(path: Path, shape: tuple[int, int, int]) -> NDArray[Any]:
    with _open_tiff_file(path) as file:
        return np.asarray(_tiff_series(path, file).asarray()).reshape(shape)


def tiff_slabs(path: Path) -> Iterator[NDArray[Any]]:
    """Read the pages of a TIFF stack in groups.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.

    Yields
    ------
    numpy.ndarray, shape (N, H, W)
        Consecutive pages, of about 128 MB; all of them where a file is packed as a single page.

    Raises
    ------
    AtlasError
        If it is damaged or no 3D volume.
    """
    with _open_tiff_file(path) as file:
        series = _tiff_series(path, file)
        shape = three_lengths(path, tuple(int(length) for length in series.shape))
        in_one_block = series.dataoffset is not None
        if not in_one_block and len(series.pages) != shape[0]:
            yield np.asarray(series.asarray()).reshape(shape)
            return
        plane = shape[1] * shape[2]
        thickness = slab_thickness(shape[::-1], series.dtype.itemsize)
        for start in range(0, shape[0], thickness):
            stop = min(start + thickness, shape[0])
            if in_one_block:
                offset = series.dataoffset + start * plane * series.dtype.itemsize
                dtype, count = series.dtype.newbyteorder(file.byteorder), (stop - start) * plane
                voxels = file.filehandle.read_array(dtype, count, offset=offset)
            else:
                voxels = file.asarray(key=slice(start, stop), series=0)
            yield np.asarray(voxels).reshape(stop - start, *shape[1:])


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
