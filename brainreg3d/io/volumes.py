"""Volume files, read into the atlas frame.

Files disagree about axes and units; the rules are all here.

Axes. NRRD files are taken as Allen lays them out, (AP, DV, ML) growing to posterior, inferior and
right (``"PIR"``), because Allen's own headers claim left-posterior-superior for exactly these
axes. TIFF pages, rows and columns are the same three axes. A NIfTI header is believed, unless its
grid is one of Allen's and it says something else of the first axis: such files come from careless
conversions. An orientation that the caller gives wins.

Units: see `brainreg3d.io.voxel_size`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d._logging import logger
from brainreg3d.atlas.slabs import Place, VolumeSlabs
from brainreg3d.errors import AtlasError, InputError
from brainreg3d.geometry import VolumeGrid, parse_directions, reorient_to_atlas
from brainreg3d.io.raw_volume import RawVolume
from brainreg3d.io.volume_formats import open_raw
from brainreg3d.io.voxel_size import ALLEN_GRIDS, in_words, voxel_size_mm

ALLEN_DIRECTIONS = "PIR"
_OPPOSITE = {"A": "P", "P": "A", "S": "I", "I": "S", "L": "R", "R": "L"}


@attrs.frozen
class VolumeHeader:
    """Where a file's voxels lie in the atlas frame.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    grid : VolumeGrid
        Shape and spacing along (Z, Y, X).
    directions : str
        Where the file's own axes grow to, such as ``"PIR"``.
    file_shape : tuple of int
        Number of voxels in the file's own axis order.
    doubts : tuple of str
        What was logged as a warning about the way the file is read.
    """

    path: Path
    grid: VolumeGrid
    directions: str
    file_shape: tuple[int, int, int]
    doubts: tuple[str, ...] = ()

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along (Z, Y, X) in mm."""
        return self.grid.spacing_mm


@attrs.frozen(eq=False)
class VolumeFile:
    """A volume that was read from a file.

    Parameters
    ----------
    data : numpy.ndarray, shape (Z, Y, X)
        Voxels in the atlas frame; a read-only view of the file's own layout.
    header : VolumeHeader
        Where they lie.
    """

    data: NDArray[Any] = attrs.field(converter=read_only, repr=False)
    header: VolumeHeader

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along (Z, Y, X) in mm."""
        return self.header.spacing_mm


def read_volume(
    path: str | Path,
    *,
    orientation: str | None = None,
    spacing_um: float | Sequence[float] | None = None,
) -> VolumeFile:
    """Read a volume into the atlas frame.

    Parameters
    ----------
    path : path-like
        A ``.nrrd``, ``.nii``, ``.nii.gz``, ``.tif`` or ``.tiff`` file.
    orientation : str, optional
        The file's axes, as three upper-case directions (``"PIR"``) or three lower-case origin
        letters (``"asl"``, the same thing); wins over the header.
    spacing_um : float or three floats, optional
        Voxel size in µm, in the file's axis order; wins over the header.

    Returns
    -------
    VolumeFile
        The voxels as a (Z, Y, X) view, and where they lie.

    Raises
    ------
    MissingFileError
        If there is no such file.
    AtlasError
        If it cannot be read, is not 3D, or its voxel size or axes stay unclear.
    """
    raw = open_raw(path)
    header = _interpret(raw, orientation, spacing_um)
    voxels = raw.read()
    voxels = voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
    return VolumeFile(reorient_to_atlas(voxels, header.directions), header)


def read_volume_slabs(
    path: str | Path,
    *,
    orientation: str | None = None,
    spacing_um: float | Sequence[float] | None = None,
) -> tuple[VolumeSlabs, VolumeHeader]:
    """Prepare to read a volume into the atlas frame without all of it in memory at once.

    Parameters
    ----------
    path : path-like
        As for `read_volume`.
    orientation : str, optional
        As for `read_volume`.
    spacing_um : float or three floats, optional
        As for `read_volume`.

    Returns
    -------
    VolumeSlabs
        The voxels; in one slab where the file can only be read whole.
    VolumeHeader
        Where they lie.

    Raises
    ------
    MissingFileError
        If there is no such file.
    AtlasError
        If it cannot be read, is not 3D, or its voxel size or axes stay unclear; if voxels are
        missing or damaged, when they are read.
    """
    raw = open_raw(path)
    header = _interpret(raw, orientation, spacing_um)
    axes, flips = parse_directions(header.directions)
    along = raw.slab_axis
    sliced, length = axes.index(along), raw.shape[along]

    def read() -> Iterator[tuple[Place, NDArray[Any]]]:
        begin = 0
        for voxels in raw.read_slabs() if raw.read_slabs else iter([raw.read()]):
            end = begin + voxels.shape[along]
            place = [slice(None)] * 3
            place[sliced] = (
                slice(length - end, length - begin) if flips[sliced] else slice(begin, end)
            )
            native = voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
            yield (place[0], place[1], place[2]), reorient_to_atlas(native, header.directions)
            begin = end

    z, y, x = header.grid.shape
    return VolumeSlabs((z, y, x), read), header


def read_volume_header(
    path: str | Path,
    *,
    orientation: str | None = None,
    spacing_um: float | Sequence[float] | None = None,
) -> VolumeHeader:
    """Find out where a file's voxels lie without reading them.

    Parameters
    ----------
    path : path-like
        As for `read_volume`.
    orientation : str, optional
        As for `read_volume`.
    spacing_um : float or three floats, optional
        As for `read_volume`.

    Returns
    -------
    VolumeHeader
        Shape, spacing and axes.

    Raises
    ------
    MissingFileError
        If there is no such file.
    AtlasError
        If it cannot be read, is not 3D, or its voxel size or axes stay unclear.
    """
    return _interpret(open_raw(path), orientation, spacing_um)


def parse_orientation(orientation: str) -> str:
    """Return the directions that an orientation in either convention stands for.

    Parameters
    ----------
    orientation : str
        Three upper-case letters that say where the axes grow to (``"PIR"``), or three lower-case
        letters that name the corner where they start (``"asl"``), as BrainGlobe writes them.

    Returns
    -------
    str
        Three upper-case letters.

    Raises
    ------
    AtlasError
        If the letters are of mixed case, or do not name the three anatomical axes once each.
    """
    text = orientation.strip()
    try:
        if text.islower():
            text = "".join(_OPPOSITE[letter.upper()] for letter in text)
        parse_directions(text)
    except (InputError, KeyError) as error:
        message = (
            f"Expected an orientation of three letters, one of each pair A/P, S/I and L/R: in "
            f'upper case where the axes grow to ("PIR", as ITK and NWB write), or in lower case '
            f'where they start ("asl", as BrainGlobe writes; the same thing); got {orientation!r}.'
        )
        raise AtlasError(message) from error
    return text


def _interpret(
    raw: RawVolume, orientation: str | None, spacing_um: float | Sequence[float] | None
) -> VolumeHeader:
    if orientation is None:
        directions, doubts = _directions(raw)
    else:
        directions, doubts = parse_orientation(orientation), ()
    spacing_mm = voxel_size_mm(raw, spacing_um)
    axes, _ = parse_directions(directions)
    shape = tuple(raw.shape[axis] for axis in axes)
    spacing = tuple(spacing_mm[axis] for axis in axes)
    logger.info("%s: axes %s, voxels of %s mm", raw.path.name, directions, in_words(spacing_mm))
    for doubt in doubts:
        logger.warning("%s", doubt)
    return VolumeHeader(raw.path, VolumeGrid(shape, spacing), directions, raw.shape, doubts)


def _directions(raw: RawVolume) -> tuple[str, tuple[str, ...]]:
    """Return where a file's axes grow to, and what is doubtful about it."""
    name, usual = raw.path.name, ALLEN_DIRECTIONS
    is_allen_grid = raw.shape in ALLEN_GRIDS.values()
    if raw.directions is not None:
        if not is_allen_grid or raw.directions[0] in "AP":
            return raw.directions, ()
        doubt = (
            f"The header of {name} says that its axes grow to {raw.directions}, but its size is "
            f"that of an Allen volume laid out as {usual}, and it is read as that. Give an "
            f"orientation to choose."
        )
        return usual, (doubt,)
    doubts = []
    if raw.ignores_directions:
        doubts.append(
            f"The axis directions in the header of {name} are ignored and it is read as {usual}. "
            f"Give an orientation to choose."
        )
    if not is_allen_grid and sorted(raw.shape) in [sorted(grid) for grid in ALLEN_GRIDS.values()]:
        doubts.append(
            f"{name} has the size of an Allen volume with its axes in another order "
            f"({in_words(raw.shape)}); it is read as {usual} all the same. Give an orientation to "
            f"choose."
        )
    return usual, tuple(doubts)
