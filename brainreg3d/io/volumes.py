"""Volume files, read into the atlas frame.

Files disagree about axes and units; the rules are all here.

Axes. NRRD files are taken as Allen lays them out, (AP, DV, ML) growing to posterior, inferior and
right (``"PIR"``), because Allen's own headers claim left-posterior-superior for exactly these
axes. TIFF pages, rows and columns are the same three axes. A NIfTI header is believed, unless its
grid is one of Allen's and it says something else of the first axis: such files come from careless
conversions. An orientation that the caller gives wins.

Units. Allen's NRRD headers carry micrometres, NIfTI headers millimetres: a spacing of 1 or more
is read as µm, a smaller one as mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d._logging import logger
from brainreg3d.errors import AtlasError, InputError
from brainreg3d.geometry import VolumeGrid, parse_directions, reorient_to_atlas
from brainreg3d.io.volume_formats import Numbers, RawVolume, open_raw

ALLEN_DIRECTIONS = "PIR"
ALLEN_GRIDS: dict[float, tuple[int, int, int]] = {
    10.0: (1320, 800, 1140),
    25.0: (528, 320, 456),
    50.0: (264, 160, 228),
    100.0: (132, 80, 114),
    200.0: (66, 40, 57),
}
"""Voxels of the CCFv3 box along (AP, DV, ML), by voxel size in µm."""

MIN_BRAIN_MM, MAX_BRAIN_MM = 3.0, 300.0
"""The longest side of anything that could be a brain in these files; see FACTS in the docs."""

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
    spacing_mm = _spacing_mm(raw, spacing_um)
    axes, _ = parse_directions(directions)
    shape = tuple(raw.shape[axis] for axis in axes)
    spacing = tuple(spacing_mm[axis] for axis in axes)
    logger.info("%s: axes %s, voxels of %s mm", raw.path.name, directions, _times(spacing_mm))
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
            f"({_times(raw.shape)}); it is read as {usual} all the same. Give an orientation to "
            f"choose."
        )
    return usual, tuple(doubts)


def _spacing_mm(raw: RawVolume, spacing_um: float | Sequence[float] | None) -> Numbers:
    if spacing_um is not None:
        return _in_range(raw, _as_numbers(spacing_um), 1000.0, "given as spacing_um")
    if raw.spacing is not None and min(raw.spacing) > 0 and np.all(np.isfinite(raw.spacing)):
        unit = _unit(raw, raw.spacing)
        found = _scaled(raw.spacing, unit)
        if _is_brain_sized(raw.shape, found):
            logger.info("%s: spacing %s read as %s", raw.path.name, _times(raw.spacing), unit)
            return found
        if not _says_nothing(raw):
            return _in_range(raw, raw.spacing, 1000.0 if unit == "um" else 1.0, f"read as {unit}")
    for size_um, shape in ALLEN_GRIDS.items():
        if shape == raw.shape:
            logger.info("%s: voxels of %g µm, inferred from its size", raw.path.name, size_um)
            return size_um / 1000, size_um / 1000, size_um / 1000
    message = (
        f"{raw.path} does not say how large its voxels are, and its size ({_times(raw.shape)}) is "
        f"not one of Allen's; give spacing_um, for example spacing_um=25."
    )
    raise AtlasError(message)


def _unit(raw: RawVolume, spacing: Numbers) -> str:
    if raw.trust_unit and raw.unit is not None:
        return raw.unit
    unit = "um" if max(spacing) >= 1.0 else "mm"
    if unit == "um" and raw.unit == "mm" and not _is_brain_sized(raw.shape, _scaled(spacing, "um")):
        return "mm"
    return unit


def _scaled(spacing: Numbers, unit: str) -> Numbers:
    factor = 1000.0 if unit == "um" else 1.0
    return spacing[0] / factor, spacing[1] / factor, spacing[2] / factor


def _says_nothing(raw: RawVolume) -> bool:
    """Tell whether the spacing is the 1 that formats write when nobody gave one."""
    return raw.spacing == (1.0, 1.0, 1.0)


def _is_brain_sized(shape: tuple[int, int, int], spacing_mm: Numbers) -> bool:
    longest = max(length * size for length, size in zip(shape, spacing_mm, strict=True))
    return MIN_BRAIN_MM - 1e-9 <= longest <= MAX_BRAIN_MM + 1e-9


def _in_range(raw: RawVolume, spacing: Numbers, per_mm: float, how: str) -> Numbers:
    spacing_mm = spacing[0] / per_mm, spacing[1] / per_mm, spacing[2] / per_mm
    if _is_brain_sized(raw.shape, spacing_mm):
        return spacing_mm
    box = [length * size for length, size in zip(raw.shape, spacing_mm, strict=True)]
    message = (
        f"The voxel size of {raw.path}, {_times(spacing)} {how}, makes a brain of {_times(box)} "
        f"mm; expected a longest side of {MIN_BRAIN_MM:g} to {MAX_BRAIN_MM:g} mm. Give the right "
        f"spacing_um."
    )
    raise AtlasError(message)


def _as_numbers(spacing_um: float | Sequence[float]) -> Numbers:
    try:
        numbers = np.broadcast_to(np.asarray(spacing_um, dtype=float), (3,))
    except (TypeError, ValueError):
        numbers = np.zeros(3)
    if not np.all(np.isfinite(numbers)) or numbers.min() <= 0:
        message = (
            f"spacing_um is one positive number of µm, or three in the file's axis order; got "
            f"{spacing_um!r}."
        )
        raise AtlasError(message)
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _times(numbers: Sequence[float]) -> str:
    return " × ".join(f"{number:g}" for number in numbers)
