"""What writers of other tools' formats get, and which files each of them makes."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas, Region, RegionSet
from brainreg3d.borders import Piece, label_borders
from brainreg3d.errors import InputError, did_you_mean
from brainreg3d.io.hashing import sha256_of_array
from brainreg3d.maps import SurfaceMaps
from brainreg3d.state import LEFT, RIGHT, Alignment, Image, Labels
from brainreg3d.steps.region_table import MaskTable

FORMATS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "masks": {"masks": "_masks.tif"},
        "labels": {"labels": "_labels.tif"},
        "csv": {"regions": "_regions.csv"},
        "rois": {"rois": "_rois.zip"},
        "geojson": {"geojson": "_contours.geojson"},
        "ome": {"ome": "_labels.ome.tif"},
        "wfield": {"wfield_atlas": "_wfield_atlas.npy", "wfield_names": "_wfield_names.csv"},
        "nwb": {"nwb": ".nwb"},
        "preview": {"preview": "_preview.png"},
        "report": {"report": "_report.html"},
    }
)
"""Files of each format by kind, and how their names end; the report is last, as it lists others."""

DEFAULT_FORMATS = ("masks", "labels", "csv")

_NAMESPACE = uuid.UUID("7f0f6d3e-6a0d-5c39-9a53-4c1e6b8f2d10")
_ENDS = {"left": "_L", "right": "_R", "": ""}


@attrs.frozen
class SidedRegion:
    """A region on one side of the brain.

    Parameters
    ----------
    number : int
        Its number in `ExportContent.sided_labels`.
    label : int
        1 + place of the region: its number in label images.
    region : Region
        The region.
    hemisphere : {"left", "right", ""}
        Which side; empty where the side is not known.
    file_name : str
        Acronym of the region, made safe for names of files.
    """

    number: int
    label: int
    region: Region
    hemisphere: str
    file_name: str

    @property
    def name(self) -> str:
        """Acronym and side, such as ``"VISp2/3_R"``."""
        return f"{self.region.acronym}{_ENDS[self.hemisphere]}"

    @property
    def safe_name(self) -> str:
        """The same for names of files, such as ``"VISp2-3_R"``."""
        return f"{self.file_name}{_ENDS[self.hemisphere]}"


@attrs.frozen(eq=False, slots=False)
class ExportContent:
    """A labelled image with all that is known of it, to be written in some format.

    Parameters
    ----------
    atlas : Atlas
        The atlas.
    regions : RegionSet
        What the labels stand for.
    alignment : Alignment
        Pose, camera and pixel size.
    labels : Labels
        The region of every pixel, its side and depth.
    stem : str
        How names of the files start.
    masks : MaskTable
        Numbers and measures of the masks.
    image : Image or None
        The image; None where only its alignment is left.
    table : sequence of mapping
        Rows of the table of regions, as they are written.
    alignment_file : mapping
        Content of the alignment file.
    run : mapping
        Content of the run file; its ``outputs`` grow as files are written.
    certain : callable or None
        Returns the share of draws of the pose in which each pixel keeps its label, float32 of
        shape (H, W); None where nothing is known of how certain the pose is.
    """

    atlas: Atlas = attrs.field(repr=False)
    regions: RegionSet = attrs.field(repr=False)
    alignment: Alignment
    labels: Labels = attrs.field(repr=False)
    stem: str
    masks: MaskTable = attrs.field(repr=False)
    image: Image | None = attrs.field(default=None, repr=False)
    table: Sequence[Mapping[str, Any]] = attrs.field(default=(), repr=False)
    alignment_file: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    run: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    certain: Callable[[], NDArray[np.float32]] | None = attrs.field(default=None, repr=False)

    @functools.cached_property
    def maps(self) -> SurfaceMaps:
        """Maps of the surface that each pixel sees, each made when it is asked for."""
        return SurfaceMaps(self.alignment.view, self.atlas.annotation)

    @functools.cached_property
    def confidence(self) -> NDArray[np.float32] | None:
        """Share of draws of the pose in which each pixel keeps its label, shape (H, W)."""
        return None if self.certain is None else self.certain()

    @functools.cached_property
    def sided_labels(self) -> NDArray[np.uint32]:
        """Regions and sides in one picture, shape (H, W): 1 + place in `sided_regions`.

        2 * label - 1 for the left part of a region, 2 * label for its right one. A step of
        someone's own may label pixels without saying on which side they are: those have 2 * R +
        label, where R is the number of regions. 0 where there is no region.
        """
        label, side = self.labels.labels.astype(np.uint32), self.labels.hemisphere
        numbers = np.select(
            [label == 0, side == LEFT, side == RIGHT],
            [label, 2 * label - 1, 2 * label],
            2 * len(self.regions) + label,
        )
        sided: NDArray[np.uint32] = read_only(numbers.astype(np.uint32))
        return sided

    @functools.cached_property
    def sided_regions(self) -> tuple[SidedRegion, ...]:
        """The left and the right part of each region in turn, then what is on neither side."""
        labels = range(1, len(self.regions) + 1)
        parts = [(label, side) for label in labels for side in ("left", "right")]
        parts += [(label, "") for label in labels]
        names = self.regions.file_names
        return tuple(
            SidedRegion(number, label, self.regions[label - 1], side, names[label - 1])
            for number, (label, side) in enumerate(parts, 1)
        )

    @property
    def sided_names(self) -> tuple[str, ...]:
        """Names such as ``"VISp_L"`` and ``"VISp_R"``, of `sided_regions`."""
        return tuple(part.name for part in self.sided_regions)

    @functools.cached_property
    def n_pixels(self) -> NDArray[np.int64]:
        """How many pixels have each number of `sided_labels`, 0 included."""
        return np.bincount(self.sided_labels.ravel(), minlength=1 + len(self.sided_regions))

    @functools.cached_property
    def borders(self) -> tuple[tuple[SidedRegion, tuple[Piece, ...]], ...]:
        """The parts of regions that have pixels, with the borders of their pieces."""
        found = label_borders(self.sided_labels)
        return tuple((self.sided_regions[n - 1], tuple(pieces)) for n, pieces in found.items())

    @functools.cached_property
    def identifier(self) -> uuid.UUID:
        """Identifies these labels at this pose, the same in every run."""
        view, pixels = self.alignment.view, sha256_of_array(self.sided_labels)
        parts = (__version__, self.atlas.title, self.stem, repr(view), pixels)
        return uuid.uuid5(_NAMESPACE, "\n".join((*parts, *self.regions.acronyms)))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the image."""
        rows, columns = self.labels.labels.shape
        return rows, columns


class Exportable(Protocol):
    """What can be exported, such as `brainreg3d.Result`."""

    def export_content(self) -> ExportContent:
        """Return all that is known of a labelled image."""
        ...


def no_result(value: Any) -> InputError:
    """Return an error for what was given in place of a result.

    Parameters
    ----------
    value : object
        What was given.

    Returns
    -------
    InputError
        To be raised.
    """
    message = f"result is what run() or BrainReg3D.load(path) returns; got {type(value).__name__}."
    return InputError(message)


class Exporter(Protocol):
    """Writes one format; the pipeline hands exporters to `MaskWriter`."""

    def check(self) -> None:
        """Raise an error that says what is missing, before anything slow is done."""
        ...

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the files of the format.

        Parameters
        ----------
        content : ExportContent
            What there is to write.
        paths : mapping of str to pathlib.Path
            Where to, for each kind that `FORMATS` lists; empty files of these names exist.
        """
        ...


def format_names(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return formats in the order of `FORMATS`; a converter for `attrs.field`.

    Parameters
    ----------
    value : str or iterable of str
        Names of formats; in one text, separated by commas.

    Returns
    -------
    tuple of str
        Each once.

    Raises
    ------
    InputError
        If one is unknown.
    """
    known = ", ".join(FORMATS)
    if not isinstance(value, Iterable):
        message = f"formats names some of {known}; got {value!r}."
        raise InputError(message)
    parts = value.strip().rstrip(",").split(",") if isinstance(value, str) else list(value)
    names = [part.strip().lower() if isinstance(part, str) else part for part in parts]
    for name in names:
        if name not in FORMATS:
            message = f"There is no format {name!r}; there are {known}."
            raise InputError(message + did_you_mean(str(name), FORMATS))
    return tuple(name for name in FORMATS if name in names)
