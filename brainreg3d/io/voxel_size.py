"""How large the voxels of a file are.

Allen's NRRD headers carry micrometres, NIfTI headers millimetres, and neither says so reliably: a
spacing of 1 or more is read as µm, a smaller one as mm, and a brain of impossible size is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainreg3d._logging import logger
from brainreg3d.errors import AtlasError
from brainreg3d.io.raw_volume import Numbers, RawVolume

ALLEN_GRIDS: dict[float, tuple[int, int, int]] = {
    10.0: (1320, 800, 1140),
    25.0: (528, 320, 456),
    50.0: (264, 160, 228),
    100.0: (132, 80, 114),
    200.0: (66, 40, 57),
}
"""Voxels of the CCFv3 box along (AP, DV, ML), by voxel size in µm."""

MIN_BRAIN_MM, MAX_BRAIN_MM = 3.0, 300.0
"""The longest side of anything that could be a brain in these files."""


def voxel_size_mm(raw: RawVolume, spacing_um: float | Sequence[float] | None) -> Numbers:
    """Return the voxel size of a volume file, or say that it is unclear.

    Parameters
    ----------
    raw : RawVolume
        What the file says.
    spacing_um : float or three floats, optional
        Voxel size in µm, in the file's axis order; wins over the file.

    Returns
    -------
    tuple of float
        In mm, in the file's axis order.

    Raises
    ------
    AtlasError
        If it is not given anywhere, or makes no brain of a possible size.
    """
    if spacing_um is not None:
        return _in_range(raw, _as_numbers(spacing_um), 1000.0, "given as spacing_um")
    if raw.spacing is not None and min(raw.spacing) > 0 and np.all(np.isfinite(raw.spacing)):
        unit = _unit(raw, raw.spacing)
        found = _scaled(raw.spacing, unit)
        if _is_brain_sized(raw.shape, found):
            logger.info("%s: spacing %s read as %s", raw.path.name, in_words(raw.spacing), unit)
            return found
        if not _says_nothing(raw):
            return _in_range(raw, raw.spacing, 1000.0 if unit == "um" else 1.0, f"read as {unit}")
    for size_um, shape in ALLEN_GRIDS.items():
        if shape == raw.shape:
            logger.info("%s: voxels of %g µm, inferred from its size", raw.path.name, size_um)
            return size_um / 1000, size_um / 1000, size_um / 1000
    message = (
        f"{raw.path} does not say how large its voxels are, and its size ({in_words(raw.shape)}) "
        f"is not one of Allen's; give spacing_um, for example spacing_um=25."
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
        f"The voxel size of {raw.path}, {in_words(spacing)} {how}, makes a brain of "
        f"{in_words(box)} mm; expected a longest side of {MIN_BRAIN_MM:g} to {MAX_BRAIN_MM:g} mm. "
        f"Give the right spacing_um."
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


def in_words(numbers: Sequence[float]) -> str:
    """Return numbers for a message.

    Parameters
    ----------
    numbers : sequence of float
        For example a shape.

    Returns
    -------
    str
        For example ``"25 × 25 × 25"``.
    """
    return " × ".join(f"{number:g}" for number in numbers)
