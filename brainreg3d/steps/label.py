"""PixelLabeller: the region of every pixel."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import (
    LEFT,
    RIGHT,
    Labels,
    Projections,
    Samples,
    VisibleSamples,
    cell_numbers,
)
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import one_of, plain_number, positive_or_none, whole_number
from brainreg3d.steps.unseen import explain_unseen

DEFAULT_GAP_CELLS = 1.5
_PIXELS_PER_CHUNK = 1 << 16
_MOST_WARNINGS = 12  # one for each region, as long as they can be read


class PixelLabeller(Step):
    """Label each pixel from the visible samples around it.

    With one sample for each pixel and one neighbour, samples pass straight through. Otherwise the
    `n_neighbors` nearest samples vote, in coordinates scaled to unit variance; of regions with
    equal votes the one with the nearest sample wins.

    Parameters
    ----------
    n_neighbors : int
        How many samples vote.
    max_gap_px : float or None
        A pixel whose nearest sample is farther than this has no region; None for 1.5 cells.
    hemisphere : {"both", "left", "right"}
        Which side of the animal is labelled; the other still hides what lies behind it.
    """

    provides: ClassVar[str] = "labels"

    n_neighbors: int = attrs.field(default=1, converter=plain_number, validator=whole_number(1))
    max_gap_px: float | None = attrs.field(
        default=None, converter=plain_number, validator=positive_or_none
    )
    hemisphere: str = attrs.field(default="both", validator=one_of("both", "left", "right"))

    def compute(  # type: ignore[override]
        self,
        *,
        regions: RegionSet,
        visible: VisibleSamples,
        projections: Projections | None = None,
        window_mask: NDArray[np.bool_] | None = None,
        atlas: Atlas | None = None,
    ) -> Labels:
        """Return the labels.

        Parameters
        ----------
        regions : RegionSet
            The regions to label.
        visible : VisibleSamples
            The nearest sample of each cell.
        projections : Projections, optional
            All samples: pixels out of their reach are off the tissue, which a cell with one
            sample cannot tell.
        window_mask : numpy.ndarray of bool, shape (H, W), optional
            True inside the imaging window; pixels outside it have no region.
        atlas : Atlas, optional
            Names what hides a region in the part of the image that is labelled.

        Returns
        -------
        Labels
            Region, hemisphere and depth of every pixel, and why regions are not seen.
        """
        sample_of_pixel = self._assign(visible)
        seen = sample_of_pixel >= 0
        if projections is not None:
            seen &= _in_reach(projections)
        if window_mask is not None:
            seen &= window_mask
        samples = visible.samples
        labels = np.zeros(visible.image_shape, dtype=np.uint16)
        hemisphere = np.zeros(visible.image_shape, dtype=np.uint8)
        depth_mm = np.full(visible.image_shape, np.nan, dtype=np.float32)
        chosen = sample_of_pixel[seen]
        labels[seen] = samples.region[chosen]
        hemisphere[seen] = np.where(samples.right[chosen], RIGHT, LEFT)
        depth_mm[seen] = samples.depth_mm[chosen]
        if self.hemisphere != "both":
            side = LEFT if self.hemisphere == "left" else RIGHT
            labels = np.where(hemisphere == side, labels, 0).astype(np.uint16)
        unseen = explain_unseen(
            labels, visible, regions, projections, atlas, window_mask, self.hemisphere
        )
        _report(unseen, not samples.region.any())
        return Labels(labels, hemisphere, depth_mm, unseen)

    def _assign(self, visible: VisibleSamples) -> NDArray[np.int64]:
        """Return for each pixel the sample that stands for it, or -1."""
        samples = visible.samples
        if not len(samples):
            return np.full(visible.image_shape, -1, dtype=np.int64)
        rows, cols = np.rint(samples.y_px), np.rint(samples.x_px)
        on_pixels = np.array_equal(rows, samples.y_px) and np.array_equal(cols, samples.x_px)
        if self.n_neighbors == 1 and visible.cell_px == 1 and on_pixels:
            assigned = np.full(visible.image_shape, -1, dtype=np.int64)
            assigned[rows.astype(np.int64), cols.astype(np.int64)] = np.arange(len(samples))
            return assigned
        return self._vote(samples, visible.image_shape, visible.cell_px)

    def _vote(
        self, samples: Samples, image_shape: tuple[int, int], cell_px: int
    ) -> NDArray[np.int64]:
        from scipy.spatial import cKDTree  # slow to import
        from sklearn.neighbors import NearestNeighbors
        from sklearn.preprocessing import StandardScaler

        gap_px = DEFAULT_GAP_CELLS * cell_px if self.max_gap_px is None else self.max_gap_px
        positions = np.column_stack([samples.x_px, samples.y_px])
        scaler = StandardScaler().fit(positions)
        search = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(samples)))
        search.fit(scaler.transform(positions))
        # The nearest in scaled coordinates need not be the nearest in pixels.
        nearest = cKDTree(positions)
        assigned = np.empty(image_shape[0] * image_shape[1], dtype=np.int64)
        for start in range(0, assigned.size, _PIXELS_PER_CHUNK):
            number = np.arange(start, min(start + _PIXELS_PER_CHUNK, assigned.size))
            rows, cols = np.divmod(number, image_shape[1])
            pixels = np.column_stack([cols, rows]).astype(np.float64)
            neighbors = search.kneighbors(scaler.transform(pixels), return_distance=False)
            gap, _ = nearest.query(pixels)
            assigned[number] = np.where(gap <= gap_px, _elect(neighbors, samples.region), -1)
        return assigned.reshape(image_shape)


def _in_reach(projections: Projections) -> NDArray[np.bool_]:
    """Tell which pixels lie within the reach of any sample."""
    samples, shape = projections.samples, projections.image_shape
    if not np.isfinite(projections.reach_px):
        return np.ones(shape, dtype=bool)
    occupied = cell_numbers(samples, shape, 1)
    empty = np.ones(shape, dtype=bool)
    empty.ravel()[occupied[occupied >= 0]] = False
    if projections.reach_px < 1 or not empty.any():
        return ~empty
    from scipy.ndimage import distance_transform_edt  # slow to import

    return np.asarray(distance_transform_edt(empty) <= projections.reach_px)


def _elect(neighbors: NDArray[np.int64], region: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return for each row the nearest sample of the region with most votes."""
    votes = region[neighbors]
    counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    winner = counts.argmax(axis=1)  # the first of equals, and neighbours are sorted by distance
    return np.asarray(neighbors[np.arange(len(neighbors)), winner])


def _report(unseen: dict[str, str], sees_no_region: bool) -> None:
    if sees_no_region:
        logger.warning(
            "No region is visible: does the pose place the image on the brain, looking at it? "
            "center_mm is in mm from the left, posterior, inferior corner of the atlas."
        )
        return
    if len(unseen) > _MOST_WARNINGS:
        first = ", ".join(list(unseen)[:_MOST_WARNINGS])
        logger.warning(
            "%d regions are not seen, among them %s; the table of regions and result.unseen say "
            "why.",
            len(unseen),
            first,
        )
        return
    for acronym, reason in unseen.items():
        logger.warning("Region %s is not seen: %s.", acronym, reason)
