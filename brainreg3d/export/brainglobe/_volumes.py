"""Volumes of a BrainGlobe atlas: OME-Zarr stores of one level."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.atlas import Annotation, Template
from brainreg3d.export.brainglobe._frame import to_brainglobe_sizes, to_brainglobe_stack
from brainreg3d.geometry import VolumeGrid

LEFT, RIGHT = 1, 2
"""Values of BrainGlobe's volume of hemispheres."""

_CHUNK = 128  # voxels along each side, as in BrainGlobe's own atlases
_COMPRESSION = 5  # of zstd: a third smaller than level 1, and still faster than the disk
_DIRECTIONS = ("anterior-to-posterior", "superior-to-inferior", "right-to-left")
_UINT16_MAX = 65535
_LEVELS = 255


def write_annotation(store: Path, annotation: Annotation) -> None:
    """Write structure ids, slab by slab so that the whole volume is never in memory.

    Parameters
    ----------
    store : pathlib.Path
        Folder to make.
    annotation : Annotation
        In the atlas frame.
    """
    ids = annotation.ids
    as_written = _rows_of(annotation)
    _write(store, annotation.grid, np.dtype(np.uint32), lambda rows: ids[as_written(rows)])


def write_template(store: Path, template: Template | None, grid: VolumeGrid) -> None:
    """Write grey values on the voxels of the annotation, as BrainGlobe has them.

    Parameters
    ----------
    store : pathlib.Path
        Folder to make.
    template : Template or None
        In the atlas frame; None writes a store without any chunk, which reads as zeros.
    grid : VolumeGrid
        Voxels of the annotation; a template of other voxels is interpolated linearly.
    """
    if template is None:
        _write(store, grid, np.dtype(np.uint16), None)
        return
    data = template.data
    if template.grid != grid:
        logger.info("The template is interpolated to the voxels of the annotation.")
        data = _resampled(template, grid)
    as_written = _to_uint16(data)
    grey = to_brainglobe_stack(data)
    _write(store, grid, np.dtype(np.uint16), lambda rows: as_written(grey[rows]))


def write_hemispheres(store: Path, annotation: Annotation) -> None:
    """Write which hemisphere each voxel lies in, as rays see it.

    Parameters
    ----------
    store : pathlib.Path
        Folder to make.
    annotation : Annotation
        In the atlas frame. Outside of all structures the middle of the box parts left from right.
    """
    grid = annotation.grid
    index_of = _rows_of(annotation)
    half = np.broadcast_to(np.arange(grid.shape[2]) >= grid.first_right, grid.shape)
    right_half = to_brainglobe_stack(half)

    def sides(rows: slice) -> NDArray[np.uint8]:
        right = annotation.with_own_sides(index_of(rows), right_half[rows])
        return np.where(right, np.uint8(RIGHT), np.uint8(LEFT))

    _write(store, grid, np.dtype(np.uint8), sides)


def _rows_of(annotation: Annotation) -> Callable[[slice], NDArray[np.uint16]]:
    """Return a function that gives some rows of BrainGlobe's first axis, in its frame."""
    length = annotation.grid.shape[1]

    def rows_of(rows: slice) -> NDArray[np.uint16]:
        y = slice(length - rows.stop, length - rows.start)
        return to_brainglobe_stack(annotation.volume.block((slice(None), y, slice(None))))

    return rows_of


def is_symmetric(annotation: Annotation) -> bool:
    """Tell whether an annotation is its own mirror image.

    Parameters
    ----------
    annotation : Annotation
        In the atlas frame.

    Returns
    -------
    bool
        True if each voxel has the structure of the voxel opposite, and the middle of the box parts
        left from right.
    """
    if annotation.on_right is not None:
        return False
    volume = annotation.volume.tight()
    if volume.values.any() and volume.start[2] + volume.stop[2] != volume.shape[2]:
        return False
    return all(np.array_equal(slab, slab[:, ::-1]) for slab in volume.values)


def _write(
    store: Path,
    grid: VolumeGrid,
    dtype: np.dtype[Any],
    rows_of: Callable[[slice], NDArray[Any]] | None,
) -> None:
    import zarr  # slow to import
    from zarr.codecs import BytesCodec, ZstdCodec

    shape = to_brainglobe_sizes(grid.shape)
    scale = [float(size) for size in to_brainglobe_sizes(grid.spacing_mm)]
    group = zarr.create_group(store, zarr_format=3, attributes={"ome": _metadata(scale)})
    array = group.create_array(
        "0",
        shape=shape,
        chunks=tuple(min(_CHUNK, length) for length in shape),
        dtype=dtype,
        fill_value=0,
        serializer=BytesCodec(endian="little"),
        compressors=ZstdCodec(level=_COMPRESSION, checksum=False),
        dimension_names=("z", "y", "x"),
    )
    # Readers take a store without this folder for one whose voxels were never fetched.
    (store / "0" / "c").mkdir(exist_ok=True)
    if rows_of is None:
        return
    for start in range(0, shape[0], _CHUNK):
        rows = slice(start, min(start + _CHUNK, shape[0]))
        array[rows] = np.ascontiguousarray(rows_of(rows))


def _metadata(scale_mm: list[float]) -> dict[str, Any]:
    """Return what OME-Zarr 0.5 says about an image of one resolution."""
    axes = [
        {
            "name": name,
            "type": "space",
            "unit": "millimeter",
            "orientation": {"type": "anatomical", "value": direction},
        }
        for name, direction in zip("zyx", _DIRECTIONS, strict=True)
    ]
    placing = [
        {"type": "scale", "scale": scale_mm},
        {"type": "translation", "translation": [0.0, 0.0, 0.0]},
    ]
    datasets = [{"path": "0", "coordinateTransformations": placing}]
    return {
        "version": "0.5",
        "multiscales": [{"name": "image", "axes": axes, "datasets": datasets}],
    }


def _resampled(template: Template, grid: VolumeGrid) -> NDArray[Any]:
    from scipy import ndimage  # slow to import

    ratio = np.asarray(grid.spacing_mm) / np.asarray(template.spacing_mm)
    return np.asarray(
        ndimage.affine_transform(
            template.data.astype(np.float32),
            ratio,
            offset=ratio / 2 - 0.5,
            output_shape=grid.shape,
            order=1,
            mode="nearest",
        )
    )


def _to_uint16(data: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[np.uint16]]:
    """Return how grey values become BrainGlobe's type: as they are where they fit, else scaled.

    Fractions fit where rounding leaves as many levels as a screen shows. What is not finite is
    outside of what was imaged, and becomes 0.
    """
    if data.dtype == np.uint16:
        return lambda part: part
    low, high, is_whole, n_lost = np.inf, -np.inf, True, 0
    for plane in data:
        values = plane[np.isfinite(plane)]
        n_lost += plane.size - values.size
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            is_whole = is_whole and bool(np.all(values == np.floor(values)))
    if n_lost:
        logger.warning("%d grey values are no finite numbers and are written as 0.", n_lost)
    fits = low >= 0 and high <= _UINT16_MAX and (is_whole or high - low >= _LEVELS)
    if not fits:
        logger.warning(
            "Grey values from %g to %g are scaled to whole numbers from 0 to %d, BrainGlobe's 16 "
            "bits.",
            low,
            high,
            _UINT16_MAX,
        )
    start, factor = (0.0, 1.0) if fits else (low, _UINT16_MAX / max(high - low, 1e-300))

    def convert(part: NDArray[Any]) -> NDArray[np.uint16]:
        finite = np.where(np.isfinite(part), part, start).astype(np.float64)
        return np.asarray(np.rint((finite - start) * factor), dtype=np.uint16)

    return convert
