"""The volumes of BrainGlobe's atlases, turned into the atlas frame slab by slab.

BrainGlobe's own reader reads volumes whole, and refuses atlases in which a parent has an id above
65,535.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas.slabs import Place, VolumeSlabs
from brainreg3d.errors import AtlasError
from brainreg3d.geometry import VolumeGrid
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.sources.brainglobe_files import FAILURES, BrainGlobeFiles, damaged

ATLAS_ORIGIN = "ipl"
"""Our (Z, Y, X) axes in BrainGlobe's letters: they start inferior, posterior and left."""

_LEFT, _RIGHT = 1, 2


def spacing_mm(files: BrainGlobeFiles) -> tuple[float, float, float]:
    """Return the voxel size of an atlas.

    Parameters
    ----------
    files : BrainGlobeFiles
        The atlas.

    Returns
    -------
    tuple of float
        Along (Z, Y, X) of the atlas frame, in mm.
    """
    z, y, x = (files.resolution_um[axis] / 1000.0 for axis in _space(files).map_to(ATLAS_ORIGIN)[0])
    return z, y, x


def volume_slabs(files: BrainGlobeFiles, what: str) -> VolumeSlabs:
    """Prepare to read a volume into the atlas frame without all of it in memory at once.

    Parameters
    ----------
    files : BrainGlobeFiles
        The atlas.
    what : str
        Which of its volumes.

    Returns
    -------
    VolumeSlabs
        Turned as the manifest says.

    Raises
    ------
    AtlasError
        If it is not on this disk, or damaged; of its voxels, when they are read.
    """
    files.check_voxels(what)
    space = _space(files)
    order, flips, *_ = space.map_to(ATLAS_ORIGIN)
    try:
        shape = _shape(files.volumes[what])
    except AtlasError:
        raise
    except FAILURES as error:
        raise damaged(files.name, error) from error

    def place_of(start: tuple[int, ...], lengths: tuple[int, ...]) -> Place:
        ends = [(start[axis], start[axis] + lengths[axis], shape[axis]) for axis in order]
        z, y, x = (
            slice(length - end, length - begin) if flip else slice(begin, end)
            for (begin, end, length), flip in zip(ends, flips, strict=True)
        )
        return z, y, x

    def read() -> Iterator[tuple[Place, NDArray[Any]]]:
        try:
            for start, voxels in _native_slabs(files.volumes[what]):
                native = voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
                yield place_of(start, voxels.shape), space.map_stack_to(ATLAS_ORIGIN, native)
        except AtlasError:
            raise
        except FAILURES as error:
            raise damaged(files.name, error) from error

    z, y, x = (shape[axis] for axis in order)
    return VolumeSlabs((z, y, x), read)


def right_hemisphere(files: BrainGlobeFiles) -> VolumeSlabs | None:
    """Prepare to read which voxels lie in the right hemisphere.

    Parameters
    ----------
    files : BrainGlobeFiles
        The atlas.

    Returns
    -------
    VolumeSlabs of bool or None
        In the atlas frame; voxels that belong to neither side are parted by the middle of the box.
        None for an atlas that is its own mirror image, which has no such volume.

    Raises
    ------
    AtlasError
        As `volume_slabs`.
    """
    if "hemispheres" not in files.volumes:
        return None
    sides = volume_slabs(files, "hemispheres")
    width = sides.shape[2]
    first_right = VolumeGrid(sides.shape, spacing_mm(files)).first_right

    def read() -> Iterator[tuple[Place, NDArray[Any]]]:
        for place, values in sides.read():
            columns = np.arange(width)[place[2]]
            right = values == _RIGHT
            yield place, np.where(right | (values == _LEFT), right, columns >= first_right)

    return VolumeSlabs(sides.shape, read)


def whole_volume(files: BrainGlobeFiles, what: str) -> NDArray[Any]:
    """Read a volume into the atlas frame.

    Parameters
    ----------
    files : BrainGlobeFiles
        The atlas.
    what : str
        Which of its volumes.

    Returns
    -------
    numpy.ndarray, shape (Z, Y, X)
        All of its voxels.

    Raises
    ------
    AtlasError
        If it is not on this disk, or damaged.
    """
    slabs = volume_slabs(files, what)
    parts = slabs.read()
    place, voxels = next(parts)
    volume = np.empty(slabs.shape, voxels.dtype)
    volume[place] = voxels
    for place, voxels in parts:
        volume[place] = voxels
    return volume


def volume_sha256(files: BrainGlobeFiles, what: str) -> str:
    """Return a hash of a volume's files.

    Parameters
    ----------
    files : BrainGlobeFiles
        The atlas.
    what : str
        Which of its volumes.

    Returns
    -------
    str
        Of a store, over the names and hashes of all its files.
    """
    place = files.volumes[what]
    if place.is_file():
        return sha256_of_file(place)
    digest = hashlib.sha256()
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(place).as_posix()}\n{sha256_of_file(path)}\n".encode())
    return digest.hexdigest()


def _space(files: BrainGlobeFiles) -> Any:
    from brainglobe_space import AnatomicalSpace

    return AnatomicalSpace(files.orientation)


def _shape(path: Path) -> tuple[int, ...]:
    from brainreg3d.io.raw_volume import three_lengths
    from brainreg3d.io.tiff_volumes import open_tiff
    from brainreg3d.io.zarr_slabs import zarr_shape

    return open_tiff(path).shape if path.is_file() else three_lengths(path, zarr_shape(path))


def _native_slabs(path: Path) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    """Yield the parts of a volume in its own axes, and where they start."""
    from brainreg3d.io.tiff_volumes import tiff_slabs
    from brainreg3d.io.zarr_slabs import zarr_slabs

    if not path.is_file():
        yield from zarr_slabs(path)
        return
    start = 0
    for voxels in tiff_slabs(path):
        yield (start, 0, 0), voxels
        start += voxels.shape[0]
