"""The label array that wfield and LocaNMF take: + on the left, - on the right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import OutputError
from brainreg3d.io.masks import write_table
from brainreg3d.state import LEFT, RIGHT
from brainreg3d.steps.exporting import ExportContent, SidedRegion


class WfieldExporter:
    """Write ``<stem>_wfield_atlas.npy`` and ``<stem>_wfield_names.csv``.

    The array is what wfield's ``atlas_from_landmarks_file`` returns as ``atlas``, and LocaNMF
    takes as its map of regions: the number of the region, positive in the left hemisphere and
    negative in the right one. The table lists what it returns as ``areanames``: numbers and names
    such as ``VISp_left``.
    """

    def check(self) -> None:
        """Do nothing: what is needed comes with the package."""

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write array and names.

        Parameters
        ----------
        content : ExportContent
            What there is to write.
        paths : mapping of str to pathlib.Path
            Where to, under ``"wfield_atlas"`` and ``"wfield_names"``.

        Raises
        ------
        OutputError
            If there are more regions than the array can tell apart.
        """
        if 2 * len(content.regions) > np.iinfo(np.int16).max:
            message = (
                f"wfield's array holds 16-bit numbers, too few for {len(content.regions)} regions "
                f"on both sides; ask for fewer regions."
            )
            raise OutputError(message)
        with paths["wfield_atlas"].open("wb") as file:  # np.save by name would add a suffix
            np.save(file, wfield_atlas(content))
        write_table(paths["wfield_names"], list(_names(content)))


def wfield_atlas(content: ExportContent) -> NDArray[np.int16]:
    """Return the labels with the signs of the hemispheres.

    Parameters
    ----------
    content : ExportContent
        A labelled image.

    Returns
    -------
    numpy.ndarray of int16, shape (H, W)
        label on the left, -label on the right, 0 for none. Pixels without a side, which steps of
        one's own may leave, have R + label, where R is the number of regions.
    """
    labels, side = content.labels.labels.astype(np.int16), content.labels.hemisphere
    signed = np.select(
        [labels == 0, side == LEFT, side == RIGHT],
        [labels, labels, -labels],
        labels + len(content.regions),
    )
    return signed.astype(np.int16)


def _names(content: ExportContent) -> Iterator[dict[str, Any]]:
    """Return rows for both sides of all regions, as wfield lists them, seen or not."""
    for part in content.sided_regions:
        if part.hemisphere == "right":
            yield _row(-part.label, part)
        elif part.hemisphere == "left":
            yield _row(part.label, part)
        elif content.n_pixels[part.number]:
            yield _row(part.label + len(content.regions), part)


def _row(label: int, part: SidedRegion) -> dict[str, Any]:
    region = part.region
    return {
        "label": label,
        "name": f"{region.acronym}_{part.hemisphere}" if part.hemisphere else region.acronym,
        "acronym": region.acronym,
        "hemisphere": part.hemisphere,
        "id": region.id,
    }
