"""Annotations on disk in their compact form, opened by memory map in milliseconds."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.atlas import Annotation
from brainreg3d.atlas.blocks import BlockTable, blocks_along
from brainreg3d.atlas.cropped import CroppedVolume
from brainreg3d.atlas.slabs import Place, VolumeSlabs, slabs_of_array
from brainreg3d.errors import AtlasError
from brainreg3d.io.cache import build_once, cache_dir, load_json

FORMAT_VERSION = 3
"""Raised whenever the same source would be stored as other bytes."""

_BAR_FROM_VOXELS = 20_000_000  # about a second of work
_CHUNK_BYTES = 1 << 24
_ARRAYS = ("index.npy", "ids.npy", "block_ends.npy", "block_entries.npy")
_SIDES = "on_right.npy"  # of atlases with hemispheres of their own

Spacing = tuple[float, float, float]
_Voxels = NDArray[Any] | VolumeSlabs


def content_key(*parts: object) -> str:
    """Return the name of a cache entry.

    Parameters
    ----------
    *parts : object
        Everything the entry depends on: hashes of contents, options, versions.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    text = repr((FORMAT_VERSION, *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def compact_from_source(
    key: str,
    load: Callable[[], tuple[_Voxels, Spacing]],
    label: str = "annotation",
    right: VolumeSlabs | None = None,
) -> Annotation:
    """Open an annotation from the cache, or make it from its source and keep it.

    Parameters
    ----------
    key : str
        Name of the cache entry; see `content_key`. It has to follow from the content of the
        source, so that a changed source is never served from an old entry.
    load : callable
        Returns structure ids, shape (Z, Y, X), in the atlas frame, in memory or in slabs, and the
        spacing in mm; called only when there is no entry.
    label : str
        What is made, for the progress bar.
    right : VolumeSlabs of bool, optional
        Which voxels lie in the right hemisphere, where the middle of the box does not tell.

    Returns
    -------
    Annotation
        Its index is a read-only memory map when the cache could be written.

    Raises
    ------
    AtlasError
        If the source holds no structure ids.
    """
    loaded: list[tuple[_Voxels, Spacing]] = []

    def source() -> tuple[_Voxels, Spacing]:
        if not loaded:
            loaded.append(load())
        return loaded[0]

    def build(folder: Path) -> None:
        volume, spacing_mm = source()
        index = _preallocated(folder / "index.npy", volume.shape)
        annotation = _compact(volume, spacing_mm, label, index, right)
        meta = _write_table(folder, annotation)
        index.flush()
        # Where tissue is, is known only now. No file is cut while it is mapped.
        del index, annotation
        _cut_off(folder / "index.npy", volume.shape, meta["held"])
        _write_meta(folder, meta)

    def in_memory() -> Annotation:
        return _compact(*source(), label, None, right)

    return _cached(key, build, in_memory)


def cached_annotation(key: str, make: Callable[[], Annotation]) -> Annotation:
    """Open an annotation from the cache, or make it and keep it.

    Parameters
    ----------
    key : str
        Name of the cache entry; see `content_key`.
    make : callable
        Makes the annotation; called only when there is no entry.

    Returns
    -------
    Annotation
        Its index is a read-only memory map when the cache could be written.
    """
    made: list[Annotation] = []

    def in_memory() -> Annotation:
        if not made:
            made.append(make())
        return made[0]

    def build(folder: Path) -> None:
        annotation = in_memory()
        annotation = attrs.evolve(annotation, index=annotation.volume.tight())
        np.save(folder / "index.npy", annotation.volume.values)
        _write_meta(folder, _write_table(folder, annotation))

    return _cached(key, build, in_memory)


def _cached(
    key: str, build: Callable[[Path], None], in_memory: Callable[[], Annotation]
) -> Annotation:
    folder = cache_dir() / "annotations" / key
    if not build_once(folder, build, _is_complete):
        return in_memory()
    try:
        return _open(folder)
    except (OSError, ValueError, KeyError, AtlasError) as error:
        logger.warning("The cache entry %s cannot be opened (%s); it is not used.", folder, error)
        return in_memory()


def _open(folder: Path) -> Annotation:
    meta = load_json(folder / "meta.json") or {}
    index = np.load(folder / "index.npy", mmap_mode="r")
    ids = np.load(folder / "ids.npy")
    z, y, x = (float(size) for size in meta["spacing_mm"])
    ends, entries = (np.load(folder / name) for name in _ARRAYS[2:])
    volume = CroppedVolume(index, meta["start"], meta["shape"])
    blocks = BlockTable(blocks_along(volume.shape), ends, entries)
    on_right = np.load(folder / _SIDES) if _SIDES in meta["bytes"] else None
    return Annotation(volume, ids, (z, y, x), blocks, on_right)


def _is_complete(folder: Path) -> bool:
    """Tell whether an entry is whole, from what its ``meta.json`` says about its files."""
    meta = load_json(folder / "meta.json")
    if meta is None or not isinstance(meta.get("bytes"), dict):
        return False
    try:
        sizes = {name: (folder / name).stat().st_size for name in {*_ARRAYS, *meta["bytes"]}}
        index = np.load(folder / "index.npy", mmap_mode="r")
    except (OSError, ValueError):
        return False
    return sizes == meta["bytes"] and list(index.shape) == meta.get("held")


def _write_table(folder: Path, annotation: Annotation) -> dict[str, Any]:
    """Write all but the voxels; return what is to be said of them."""
    from brainreg3d.atlas.block_search import find_blocks  # brings numba

    np.save(folder / "ids.npy", annotation.ids)
    blocks = find_blocks(annotation.volume)
    np.save(folder / "block_ends.npy", blocks.ends)
    np.save(folder / "block_entries.npy", blocks.entries)
    names = list(_ARRAYS)
    if annotation.on_right is not None:
        names.append(_SIDES)
        np.save(folder / _SIDES, annotation.on_right)
    volume = annotation.volume
    return {
        "format": FORMAT_VERSION,
        "shape": list(volume.shape),
        "start": list(volume.start),
        "held": list(volume.values.shape),
        "spacing_mm": list(annotation.spacing_mm),
        "bytes": dict.fromkeys(names, 0),
    }


def _write_meta(folder: Path, meta: dict[str, Any]) -> None:
    """Write what tells a whole entry from a damaged one, when its files are done."""
    meta["bytes"] = {name: (folder / name).stat().st_size for name in meta["bytes"]}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")


def _header(shape: Sequence[int]) -> bytes:
    file = io.BytesIO()
    header = {"descr": "<u2", "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def _preallocated(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Return a memory map whose space on the disk is taken already.

    Writing to a memory map on a full disk kills the process instead of raising an error.
    """
    with path.open("wb") as file:
        file.write(_header(shape))
        remaining = 2 * int(np.prod(shape))
        while remaining:
            remaining -= file.write(bytes(min(_CHUNK_BYTES, remaining)))
    return cast("np.memmap[Any, Any]", np.load(path, mmap_mode="r+"))


def _cut_off(path: Path, whole: Sequence[int], held: Sequence[int]) -> None:
    """Keep the first voxels of a file, under a header that says so.

    Raises
    ------
    OSError
        If the new header takes another space than the old one; numpy pads both alike.
    """
    header = _header(held)
    if len(header) != len(_header(whole)):
        message = f"The header of {path} cannot be changed from {whole} to {held} voxels."
        raise OSError(message)
    with path.open("r+b") as file:
        file.write(header)
        file.truncate(len(header) + 2 * int(np.prod(held)))


def _counted(volume: VolumeSlabs, bar: Any) -> VolumeSlabs:
    """Return a volume that moves a progress bar when its slabs are read."""

    def read() -> Iterator[tuple[Place, NDArray[Any]]]:
        for place, slab in volume.read():
            yield place, slab
            bar.update(slab.size)

    return VolumeSlabs(volume.shape, read)


def _compact(
    volume: _Voxels,
    spacing_mm: Spacing,
    label: str,
    out: NDArray[np.uint16] | None,
    right: VolumeSlabs | None,
) -> Annotation:
    from brainreg3d.atlas.compact import compact_annotation  # brings numba

    if isinstance(volume, np.ndarray) and volume.ndim == 3:
        volume = slabs_of_array(volume)
    n_voxels = int(np.prod(volume.shape))
    if isinstance(volume, np.ndarray) or n_voxels < _BAR_FROM_VOXELS or not sys.stderr.isatty():
        return compact_annotation(volume, spacing_mm, out, right)
    from tqdm import tqdm

    with tqdm(total=n_voxels, desc=f"Preparing the {label}", unit="voxel", unit_scale=True) as bar:
        return compact_annotation(_counted(volume, bar), spacing_mm, out, right)
