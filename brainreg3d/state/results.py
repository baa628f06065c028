"""Results of the other steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.geometry import ImageView

LEFT, RIGHT = 1, 2
"""Values of hemisphere maps; 0 stands for no tissue."""


@attrs.frozen(eq=False)
class Registration:
    """A rigid registration of a volume to the atlas template.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        Maps points of the atlas (x, y, z, 1) in mm to points of the volume: from fixed to moving.
        Points of the volume are laid out as those of the atlas, with x to the right, y to anterior
        and z up, from the outer corner of its box once its axes are turned by `directions`.
    directions : str
        Where the axes of the volume grow to, such as ``"SAR"``; given, or found.
    metric_value : float
        Value of the metric at the end; smaller is better.
    stop_condition : str
        Why the optimiser stopped.
    iterations : int
        Iterations of the optimiser, all levels together.
    overlap : float
        How the tissues lie on each other: Dice's coefficient, 0 to 1.
    basin_gap : float
        How many times better it is than at the best pose of another orientation.
    warnings : tuple of str
        What is doubtful.
    covered : float
        Share of the atlas brain that the volume shows.
    duration_s : float
        Seconds that it took; not written anywhere, so that equal runs are equal.
    """

    matrix: NDArray[np.float64] = attrs.field(converter=read_only)
    directions: str
    metric_value: float
    stop_condition: str
    iterations: int
    overlap: float
    basin_gap: float = np.inf
    warnings: tuple[str, ...] = ()
    covered: float = 1.0
    duration_s: float = 0.0


@attrs.frozen
class Alignment:
    """Where an image lies in the atlas.

    Parameters
    ----------
    view : ImageView
        Shape, pixel size, pose and camera of the image.
    bregma : str
        Name of the bregma preset that positions are reported against.
    source : str
        How the pose came about: ``"file"``, ``"pose"``, ``"window"``, ``"landmarks"`` or
        ``"transfer"``.
    file : pathlib.Path or None
        The alignment file it was read from.
    image_sha256 : str or None
        The image that a pose was placed for by hand.
    given_pixel_size_mm : tuple of float or None
        The pixel size that was given explicitly; a window may have changed it.
    extra : mapping
        Optional keys of an alignment file that are kept: uncertainty, landmarks, history.
    """

    view: ImageView
    bregma: str = "ibl"
    source: str = "pose"
    file: Path | None = None
    image_sha256: str | None = None
    given_pixel_size_mm: tuple[float, float] | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict, hash=False)


@attrs.frozen(eq=False)
class Labels:
    """The region of every pixel.

    Parameters
    ----------
    labels : numpy.ndarray of uint16, shape (H, W)
        0 for no region, else 1 + place of the region.
    hemisphere : numpy.ndarray of uint8, shape (H, W)
        0 off the brain, `LEFT` or `RIGHT` of the tissue seen.
    depth_mm : numpy.ndarray of float32, shape (H, W)
        Signed distance of the tissue seen below the image plane; NaN off the brain.
    unseen : mapping of str to str
        Acronyms of regions without a pixel, and why.
    """

    labels: NDArray[np.uint16] = attrs.field(converter=read_only, repr=False)
    hemisphere: NDArray[np.uint8] = attrs.field(converter=read_only, repr=False)
    depth_mm: NDArray[np.float32] = attrs.field(converter=read_only, repr=False)
    unseen: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Outputs:
    """The files a run wrote.

    Parameters
    ----------
    files : mapping of str to pathlib.Path
        By kind: ``"masks"``, ``"labels"``, ``"regions"``, ``"alignment"``, ``"run"``.
    """

    files: Mapping[str, Path] = attrs.field(factory=dict, hash=False)
