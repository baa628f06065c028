"""Reading back the label image of a run, exactly as the run had it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d._logging import logger
from brainreg3d.atlas import RegionSet


@attrs.frozen(eq=False)
class StoredLabels:
    """The labels of a run, and what they stand for.

    Parameters
    ----------
    labels : numpy.ndarray of uint16, shape (H, W)
        0 for no region, else 1 + place of the region.
    acronyms : tuple of str
        The regions, in order.
    ids : tuple of int
        Their structures.
    unseen : mapping of str to str
        Acronyms of regions without a pixel, and why.
    """

    labels: NDArray[np.uint16] = attrs.field(converter=read_only, repr=False)
    acronyms: tuple[str, ...]
    ids: tuple[int, ...]
    unseen: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class _Mask:
    """A line of the table: which label stands for which region, and on how many pixels."""

    label: int
    id: int
    acronym: str
    n_pixels: int | None = None


def table_of_file(path: Path) -> list[_Mask]:
    """Return what the table of regions says of labels.

    Parameters
    ----------
    path : pathlib.Path
        The ``_regions.csv`` of a run.

    Returns
    -------
    list
        One entry for each mask; empty where the table cannot be used.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [
                _Mask(int(row["label"]), int(row["id"]), row["acronym"], int(row["n_pixels"]))
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def table_of_regions(regions: RegionSet, writer: Mapping[str, Any]) -> list[_Mask]:
    """Return what labels mean, from the regions and the parameters of the writer.

    Parameters
    ----------
    regions : RegionSet
        The regions of the run.
    writer : mapping
        Recorded parameters of the slot MaskWriter.

    Returns
    -------
    list
        One entry for each mask.
    """
    parts = 2 if writer.get("split_hemispheres") else 1
    ids = writer.get("label_values") == "ids"
    return [
        _Mask(region.id if ids else parts * place + part, region.id, region.acronym)
        for place, region in enumerate(regions)
        for part in range(1, parts + 1)
    ]


def read_labels(
    path: Path, table: Sequence[_Mask], shape: tuple[int, int], unseen: Mapping[str, str]
) -> StoredLabels | None:
    """Read a label image.

    Parameters
    ----------
    path : pathlib.Path
        The ``_labels.tif`` of a run.
    table : sequence
        What its values mean.
    shape : tuple of int
        (rows, columns) of the image.
    unseen : mapping of str to str
        Acronyms of regions without a pixel, and why.

    Returns
    -------
    StoredLabels or None
        None, with a message in the log, where the file does not hold what the table says, or two
        regions share a value, as a structure and its rest do.
    """
    import tifffile

    try:
        picture = np.asarray(tifffile.imread(path))
    except Exception as error:  # tifffile raises whatever comes; the labels can be made again
        logger.warning("%s cannot be read (%s); pixels are labelled again.", path, error)
        return None
    places: dict[tuple[str, int], int] = {}
    place_of_value: dict[int, int] = {}
    for mask in table:
        place = places.setdefault((mask.acronym, mask.id), len(places) + 1)
        if place_of_value.setdefault(mask.label, place) != place:
            logger.info("Two regions have the value %d in %s.", mask.label, path.name)
            return None
    if picture.shape != tuple(shape) or picture.dtype.kind != "u" or not table:
        logger.warning("%s does not hold the labels of the run; pixels are labelled again.", path)
        return None
    values, index, counts = _distinct(picture)
    found = dict(zip(values.tolist(), counts.tolist(), strict=True))
    if not _agree(found, table):
        logger.warning("%s and the table of regions differ; pixels are labelled again.", path)
        return None
    place_of_value[0] = 0
    lookup = np.array([place_of_value[value] for value in values.tolist()], dtype=np.uint16)
    labels = lookup[index.reshape(picture.shape)]
    acronyms, ids = zip(*places, strict=True)
    return StoredLabels(labels, acronyms, ids, dict(unseen))


def _distinct(
    picture: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[np.integer], NDArray[np.integer]]:
    """Return the values of a picture, the place of each pixel's among them, and their counts."""
    if picture.dtype.itemsize > 2:
        return np.unique(picture, return_inverse=True, return_counts=True)
    # Sorting all pixels of a large image would take longer than computing them again.
    counts = np.bincount(picture.ravel())
    values = np.flatnonzero(counts)
    place = np.zeros(counts.size, np.intp)
    place[values] = np.arange(values.size)
    return values, place[picture], counts[values]


def _agree(found: Mapping[int, int], table: Sequence[_Mask]) -> bool:
    """Tell whether the values of a picture are those of a table, as often as it says."""
    expected: dict[int, int | None] = {}
    for mask in table:
        if mask.n_pixels is None:
            expected[mask.label] = None
        else:
            expected[mask.label] = (expected.get(mask.label) or 0) + mask.n_pixels
    return all(value in expected for value in found if value) and all(
        count is None or found.get(value, 0) == count for value, count in expected.items() if value
    )
