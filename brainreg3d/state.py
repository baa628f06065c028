"""The state that steps share, and the results it holds.

Everything here is frozen: a step gets results and returns a new one, it never changes what it
was given. Arrays are read-only views.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.geometry import ImageView

LEFT, RIGHT = 1, 2
"""Values of hemisphere maps; 0 stands for no tissue."""


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
        Intensities.
    spacing_mm : tuple of float
        Voxel size along the array's axes in mm.
    stem : str
        How output files start.
    sha256 : str
        Hash of the file, or of the array when there was none.
    path : pathlib.Path or None
        Where it came from.
    """

    data: NDArray[Any] = attrs.field(converter=read_only, repr=False)
    spacing_mm: tuple[float, float, float]
    stem: str
    sha256: str = attrs.field(repr=False)
    path: Path | None = None


@attrs.frozen(eq=False)
class Registration:
    """A rigid registration of a volume to the atlas template.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        Maps atlas points (x, y, z, 1) in mm to points of the moving volume in mm, (x, y, z) with
        the centre of its first voxel at 0: from fixed to moving.
    metric_value : float
        Value of the metric at the end.
    stop_condition : str
        Why the optimiser stopped, in its own words.
    iterations : int
        Iterations at the finest level.
    """

    matrix: NDArray[np.float64] = attrs.field(converter=read_only)
    metric_value: float
    stop_condition: str
    iterations: int


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
        How the pose came about: ``"file"``, ``"pose"`` or ``"window"``.
    file : pathlib.Path or None
        The alignment file it was read from.
    extra : mapping
        Optional keys of an alignment file that are kept: uncertainty, landmarks, history.
    """

    view: ImageView
    bregma: str = "ibl"
    source: str = "pose"
    file: Path | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict, hash=False)


@attrs.frozen(eq=False)
class Samples:
    """Points of tissue as the image sees them, as columns of one table.

    Parameters
    ----------
    region : numpy.ndarray of uint16, shape (N,)
        0 for other tissue, else 1 + place of the region.
    structure_id : numpy.ndarray of uint32, shape (N,)
        Structure at the point; 0 where it is not known.
    x_px, y_px : numpy.ndarray of float, shape (N,)
        Column and row in the image, pixel centres at integers.
    depth_mm : numpy.ndarray of float, shape (N,)
        Signed distance below the image plane along the view axis.
    right : numpy.ndarray of bool, shape (N,)
        Whether the point lies in the animal's right hemisphere.
    """

    region: NDArray[np.uint16] = attrs.field(converter=read_only, repr=False)
    structure_id: NDArray[np.uint32] = attrs.field(converter=read_only, repr=False)
    x_px: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    y_px: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    depth_mm: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    right: NDArray[np.bool_] = attrs.field(converter=read_only, repr=False)

    def __attrs_post_init__(self) -> None:
        lengths = {column.shape for column in attrs.astuple(self, recurse=False)}
        if len(lengths) != 1 or len(next(iter(lengths))) != 1:
            message = f"Columns of samples are 1D arrays of one length; got shapes {lengths}."
            raise ValueError(message)

    def __len__(self) -> int:
        return len(self.region)

    def take(self, chosen: NDArray[Any]) -> Samples:
        """Return some of the samples.

        Parameters
        ----------
        chosen : numpy.ndarray
            Indices or a boolean mask.

        Returns
        -------
        Samples
            In the order chosen.
        """
        return Samples(*(column[chosen] for column in attrs.astuple(self, recurse=False)))

    @staticmethod
    def concatenate(parts: list[Samples]) -> Samples:
        """Join tables of samples.

        Parameters
        ----------
        parts : list of Samples
            At least one table.

        Returns
        -------
        Samples
            All rows, in order.
        """
        tables = [attrs.astuple(part, recurse=False) for part in parts]
        return Samples(*(np.concatenate(columns) for columns in zip(*tables, strict=True)))


@attrs.frozen
class Projections:
    """What of each region falls onto the image, visible or not.

    Parameters
    ----------
    samples : Samples
        All samples, those behind others included.
    image_shape : tuple of int
        (rows, columns).
    sampling : str
        How they were made: ``"rays"``, ``"vertices"`` or a name of your own.
    """

    samples: Samples
    image_shape: tuple[int, int]
    sampling: str


@attrs.frozen
class Visibility:
    """How much of one region the image sees, and what is in front of the rest.

    Parameters
    ----------
    acronym : str
        The region.
    n_projected : int
        Cells of the image that its samples fall into.
    n_visible : int
        Cells in which it is nearest to the camera.
    hidden_by : tuple of (str, float)
        Acronyms of what is nearest in the other cells with their share of these, largest first.
    """

    acronym: str
    n_projected: int
    n_visible: int
    hidden_by: tuple[tuple[str, float], ...] = ()


@attrs.frozen
class VisibleSamples:
    """The nearest sample in each cell of the image.

    Parameters
    ----------
    samples : Samples
        At most one for each cell, sorted by cell, row by row.
    image_shape : tuple of int
        (rows, columns) of the image.
    cell_px : int
        Side of a cell in pixels.
    visibility : tuple of Visibility
        One for each region, in order.
    """

    samples: Samples
    image_shape: tuple[int, int]
    cell_px: int
    visibility: tuple[Visibility, ...]


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


@attrs.frozen(eq=False)
class State:
    """What is known during a run: the inputs, then one result for each step.

    Parameters
    ----------
    image : Image or None
        The 2D image.
    volume : Volume or None
        The 3D volume.
    brain_regions : tuple of str or int
        Regions as the user named them.
    pixel_size_mm : tuple of float or None
        (row, column) pixel size that was given explicitly.
    window_mask : numpy.ndarray of bool, shape (H, W), or None
        True inside the imaging window.
    provenance : mapping
        What is to be recorded of the run: steps with their parameters, input files, versions.
    atlas : Atlas or None
        Result of TemplateSource.
    regions : RegionSet or None
        Result of RegionSelector.
    registration : Registration or None
        Result of RigidRegistrar.
    alignment : Alignment or None
        Result of ManualAligner.
    projections : Projections or None
        Result of Projector.
    visible : VisibleSamples or None
        Result of DepthResolver.
    labels : Labels or None
        Result of PixelLabeller.
    outputs : Outputs or None
        Result of MaskWriter.
    """

    image: Image | None = None
    volume: Volume | None = None
    brain_regions: tuple[str | int, ...] = ()
    pixel_size_mm: tuple[float, float] | None = None
    window_mask: NDArray[np.bool_] | None = attrs.field(
        default=None, converter=read_only, repr=False
    )
    provenance: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    atlas: Atlas | None = None
    regions: RegionSet | None = None
    registration: Registration | None = None
    alignment: Alignment | None = None
    projections: Projections | None = None
    visible: VisibleSamples | None = None
    labels: Labels | None = None
    outputs: Outputs | None = None


INPUT_NAMES = (
    "image",
    "volume",
    "brain_regions",
    "pixel_size_mm",
    "window_mask",
    "provenance",
)
"""Fields of `State` that the user provides; the others are made by steps."""
