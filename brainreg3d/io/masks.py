"""Writing label images, masks and tables that open in ImageJ without a flip."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import OutputError

_IMAGEJ_LIMIT_BYTES = 2**32 - 2**20  # classic TIFF counts bytes in 32 bits


def write_mask_stack(
    path: Path,
    masks: Iterable[NDArray[np.bool_]],
    names: Sequence[str],
    shape: tuple[int, int],
    pixel_size_mm: tuple[float, float],
    info: str,
) -> None:
    """Write masks as an ImageJ stack of 0 and 1, one labelled slice for each.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    masks : iterable of numpy.ndarray of bool, shape (H, W)
        The masks, in the order of `names`; row 0 is the top, as in the image.
    names : sequence of str
        Slice labels.
    shape : tuple of int
        (rows, columns) of each mask.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    info : str
        What the masks were made with; ImageJ shows it under Image, Show Info.

    Raises
    ------
    OutputError
        If the stack is too large for ImageJ's format.
    """
    _write_stack(path, masks, names, shape, pixel_size_mm, info, np.uint8)


def write_share_stack(
    path: Path,
    shares: Iterable[NDArray[np.float32]],
    names: Sequence[str],
    shape: tuple[int, int],
    pixel_size_mm: tuple[float, float],
    info: str,
) -> None:
    """Write shares from 0 to 1 as an ImageJ stack of 32-bit numbers, one labelled slice for each.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    shares : iterable of numpy.ndarray of float32, shape (H, W)
        The shares, in the order of `names`.
    names : sequence of str
        Slice labels.
    shape : tuple of int
        (rows, columns) of each picture.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    info : str
        What they were made with; ImageJ shows it under Image, Show Info.

    Raises
    ------
    OutputError
        If the stack is too large for ImageJ's format.
    """
    _write_stack(path, shares, names, shape, pixel_size_mm, info, np.float32)


def _write_stack(
    path: Path,
    pictures: Iterable[NDArray[Any]],
    names: Sequence[str],
    shape: tuple[int, int],
    pixel_size_mm: tuple[float, float],
    info: str,
    kind: type[np.generic],
) -> None:
    """Write a stack page by page: all masks of a large image at once take gigabytes."""
    import tifffile

    if len(names) * shape[0] * shape[1] * np.dtype(kind).itemsize > _IMAGEJ_LIMIT_BYTES:
        message = (
            f"{len(names)} masks of {shape[0]} x {shape[1]} pixels exceed the 4 GB of an ImageJ "
            f"stack; ask for fewer regions."
        )
        raise OutputError(message)
    metadata = {
        "axes": "ZYX",
        "Labels": list(names),
        "Info": info,
        "unit": "mm",
        "min": 0.0,
        "max": 1.0,
    }
    tifffile.imwrite(
        path,
        (np.asarray(picture).astype(kind, copy=False) for picture in pictures),
        shape=(len(names), *shape),
        dtype=kind,
        imagej=True,
        resolution=_per_mm(pixel_size_mm),
        metadata=metadata,
    )


def write_label_image(
    path: Path, labels: NDArray[Any], pixel_size_mm: tuple[float, float], info: str
) -> None:
    """Write a label image: 16 bits for ImageJ, or 32 bits for structure ids.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    labels : numpy.ndarray of uint16 or uint32, shape (H, W)
        The labels. ImageJ's own format has no 32-bit integers, so ids are written as a plain TIFF
        whose resolution is in pixels per centimetre.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    info : str
        What the labels were made with.
    """
    import tifffile

    per_mm = _per_mm(pixel_size_mm)
    if labels.dtype == np.uint32:
        per_cm = (per_mm[0] * 10, per_mm[1] * 10)
        tifffile.imwrite(
            path,
            labels,
            resolution=per_cm,
            resolutionunit="CENTIMETER",
            photometric="minisblack",
            description=info.encode(),  # as text, only ASCII would be taken
            metadata=None,
        )
        return
    top = float(max(1, labels.max()))
    metadata = {"axes": "YX", "Info": info, "unit": "mm", "min": 0.0, "max": top}
    tifffile.imwrite(path, labels, imagej=True, resolution=per_mm, metadata=metadata)


def write_label_volume(
    path: Path, labels: NDArray[np.uint32], spacing_mm: tuple[float, float, float], info: str
) -> None:
    """Write a volume of structure ids as a compressed TIFF stack, pages first.

    The voxel size is written so that ImageJ shows it, in mm.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    labels : numpy.ndarray of uint32, 3D
        Structure ids.
    spacing_mm : tuple of float
        Voxel size along the axes of `labels`.
    info : str
        What the labels were made with.
    """
    import tifffile

    tifffile.imwrite(
        path,
        labels,
        bigtiff=labels.nbytes > _IMAGEJ_LIMIT_BYTES,
        compression="zlib",
        photometric="minisblack",
        resolution=_per_mm((spacing_mm[1], spacing_mm[2])),
        resolutionunit="NONE",  # ImageJ reads these numbers in the unit of its description
        description=_imagej_description(labels, spacing_mm, info).encode(),
        metadata=None,
    )


def _imagej_description(
    labels: NDArray[np.uint32], spacing_mm: tuple[float, float, float], info: str
) -> str:
    """Return what ImageJ reads the distance of pages from, and what people read.

    ImageJ's own format, as tifffile writes it, has no 32-bit integers; a plain TIFF with such a
    description opens in ImageJ all the same.
    """
    size = " x ".join(f"{length:g}" for length in spacing_mm)
    lines = [
        "ImageJ=1.11a",
        f"images={len(labels)}",
        f"slices={len(labels)}",
        "unit=mm",
        f"spacing={spacing_mm[0]:.9g}",
        "loop=false",
        "min=0.0",
        f"max={max(1.0, float(labels.max(initial=0))):.1f}",
        f"info={' '.join(info.splitlines())}; voxels of {size} mm along pages, rows, columns",
    ]
    return "\n".join(lines) + "\n"


def _per_mm(pixel_size_mm: tuple[float, float]) -> tuple[float, float]:
    """Return TIFF's (x, y) resolution in pixels per mm."""
    return 1.0 / pixel_size_mm[1], 1.0 / pixel_size_mm[0]


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV with a header.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    rows : sequence of mapping
        At least one row; the keys of the first give the columns.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
