"""What the user provides: images and volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from numpy.typing import NDArray

from brainreg3d._arrays import read_only


@attrs.frozen(eq=False)
class Image:
    """A 2D grey image as it was read.

    Parameters
    ----------
    pixels : numpy.ndarray, shape (H, W)
        Intensities; row 0 is the top of the picture.
    stem : str
        How output files start.
    sha256 : str
        Hash of the file, or of the array when there was none.
    path : pathlib.Path or None
        Where it came from.
    pixel_size_mm : tuple of float or None
        (row, column) size of a pixel as the file itself states it.
    frame : int or None
        Which frame of a stack it is.
    """

    pixels: NDArray[Any] = attrs.field(converter=read_only, repr=False)
    stem: str
    sha256: str = attrs.field(repr=False)
    path: Path | None = None
    pixel_size_mm: tuple[float, float] | None = None
    frame: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.pixels.shape[0], self.pixels.shape[1]


@attrs.frozen(eq=False)
class Volume:
    """A 3D brain image to be registered to the atlas.

    Parameters
    ----------
    data : numpy.ndarray, shape (Z, Y, X)
        Intensities; the slowest axis first, whatever lies along it.
    spacing_mm : tuple of float
        Voxel size along the array's axes in mm.
    stem : str
        How output files start.
    sha256 : str
        Hash of the file, or of the array when there was none.
    path : pathlib.Path or None
        Where it came from.
    directions : str or None
        Where its axes grow to, such as ``"SAR"``; None when that is not known.
    """

    data: NDArray[Any] = attrs.field(converter=read_only, repr=False)
    spacing_mm: tuple[float, float, float]
    stem: str
    sha256: str = attrs.field(repr=False)
    path: Path | None = None
    directions: str | None = None
