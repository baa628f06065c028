"""The table of regions, and the numbers and names of their masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Region, RegionSet
from brainreg3d.errors import OutputError
from brainreg3d.state import LEFT, RIGHT, Alignment, Labels


@attrs.frozen
class MaskRow:
    """One mask: a region, or one side of it.

    Parameters
    ----------
    region : Region
        The region.
    hemisphere : {"both", "left", "right"}
        Which part of it.
    n_pixels : int
        How many pixels it has.
    centroid_px : tuple of float
        (row, column) of its middle; zeros without a pixel.
    mean_depth_mm : float
        Mean distance of its tissue below the image plane.
    """

    region: Region
    hemisphere: str
    n_pixels: int
    centroid_px: tuple[float, float]
    mean_depth_mm: float

    @property
    def name(self) -> str:
        """Acronym, with the side where sides are apart."""
        side = "" if self.hemisphere == "both" else f"_{self.hemisphere}"
        return f"{self.region.acronym}{side}"


@attrs.frozen(eq=False)
class MaskTable:
    """All masks of a labelled image, with what the table says of each.

    Parameters
    ----------
    numbers : numpy.ndarray of uint16, shape (H, W)
        Number of the mask of every pixel, from 1 on; 0 for none.
    rows : list of MaskRow
        The masks, in the order of their numbers.
    """

    numbers: NDArray[np.uint16]
    rows: list[MaskRow]

    def as_text(
        self, labels: Labels, alignment: Alignment, atlas_title: str, *, ids: bool
    ) -> list[dict[str, Any]]:
        """Return the rows of the table as they are written.

        Parameters
        ----------
        labels : Labels
            Says why regions are unseen.
        alignment : Alignment
            Holds the pixel size.
        atlas_title : str
            Named in each row.
        ids : bool
            Whether the label image holds structure ids.

        Returns
        -------
        list of dict
            Texts and whole numbers by the name of their column.
        """
        height_mm, width_mm = alignment.view.pixel_size_mm
        return [
            {
                **_texts(row, row.region.id if ids else number, height_mm * width_mm),
                "unseen": labels.unseen.get(row.region.acronym, ""),
                "atlas": atlas_title,
            }
            for number, row in enumerate(self.rows, 1)
        ]


def mask_table(regions: RegionSet, labels: Labels, *, split_hemispheres: bool) -> MaskTable:
    """Return the masks of a labelled image, numbered and measured.

    Parameters
    ----------
    regions : RegionSet
        What the labels stand for.
    labels : Labels
        The region of every pixel.
    split_hemispheres : bool
        Whether left and right are masks of their own.

    Returns
    -------
    MaskTable
        All masks, those without a pixel included.

    Raises
    ------
    OutputError
        If there are more masks than 16-bit numbers.
    """
    sides = ("left", "right") if split_hemispheres else ("both",)
    n_masks = len(sides) * len(regions)
    if n_masks > np.iinfo(np.uint16).max:
        message = f"Label images hold 16-bit numbers, too few for {n_masks} masks; ask for fewer."
        raise OutputError(message)
    numbers = _number(labels, split_hemispheres=split_hemispheres)
    return MaskTable(
        numbers, _measure([(r, side) for r in regions for side in sides], labels, numbers)
    )


def _number(labels: Labels, *, split_hemispheres: bool) -> NDArray[np.uint16]:
    if not split_hemispheres:
        return labels.labels.astype(np.uint16, copy=False)
    side = labels.hemisphere
    placed = (labels.labels > 0) & ((side == LEFT) | (side == RIGHT))
    left = 2 * labels.labels.astype(np.uint16) - 1
    return np.where(placed, left + (side == RIGHT), 0).astype(np.uint16)


def _measure(
    parts: list[tuple[Region, str]], labels: Labels, numbers: NDArray[np.uint16]
) -> list[MaskRow]:
    """Measure all masks at once: a pass for each would take minutes on large images."""
    rows, cols = np.nonzero(numbers)
    number = numbers[rows, cols]
    counts, *sums = (
        np.bincount(number, weights, minlength=len(parts) + 1)[1:]
        for weights in (None, rows, cols, labels.depth_mm[rows, cols])
    )
    row, col, depth_mm = (total / np.maximum(counts, 1) for total in sums)
    return [
        MaskRow(region, side, int(counts[n]), (float(row[n]), float(col[n])), float(depth_mm[n]))
        for n, (region, side) in enumerate(parts)
    ]


def _texts(row: MaskRow, label: int, pixel_area_mm2: float) -> Mapping[str, Any]:
    region, n_pixels = row.region, row.n_pixels
    return {
        "label": label,
        "id": region.id,
        "acronym": region.acronym,
        "name": region.name,
        "hemisphere": row.hemisphere,
        "color": "#{:02x}{:02x}{:02x}".format(*region.rgb),
        "n_pixels": n_pixels,
        "area_mm2": f"{n_pixels * pixel_area_mm2:.6f}",
        "centroid_row_px": f"{row.centroid_px[0]:.3f}" if n_pixels else "",
        "centroid_col_px": f"{row.centroid_px[1]:.3f}" if n_pixels else "",
        "mean_depth_mm": f"{row.mean_depth_mm:.4f}" if n_pixels else "",
    }
