"""DepthResolver: what lies nearest to the camera."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, Region, RegionSet
from brainreg3d.state import Projections, Samples, Visibility, VisibleSamples
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import plain_number, whole_number


class DepthResolver(Step):
    """Keep the nearest sample in each cell of the image.

    Parameters
    ----------
    cell_px : int
        Side of a cell in pixels; a sample at (x, y) falls into ``floor((x + 1/2) / cell_px)``.
    """

    provides: ClassVar[str] = "visible"

    cell_px: int = attrs.field(default=1, converter=plain_number, validator=whole_number(1))

    def compute(  # type: ignore[override]
        self, *, atlas: Atlas, regions: RegionSet, projections: Projections
    ) -> VisibleSamples:
        """Return the visible samples.

        Parameters
        ----------
        atlas : Atlas
            Names what hides a region.
        regions : RegionSet
            The regions to label.
        projections : Projections
            All samples.

        Returns
        -------
        VisibleSamples
            One sample for each cell that has any; equal depths go to the lower structure id, so
            that the order of regions does not matter.
        """
        samples = projections.samples
        cells, n_cells = self._cells(samples, projections.image_shape)
        winners = _nearest(samples, cells, n_cells)
        visibility = _visibility(samples, cells, winners, n_cells, regions, atlas)
        return VisibleSamples(
            samples.take(winners), projections.image_shape, self.cell_px, visibility
        )

    def _cells(
        self, samples: Samples, image_shape: tuple[int, int]
    ) -> tuple[NDArray[np.int64], int]:
        """Return the cell of each sample, and how many cells there are."""
        n_rows, n_cols = (-(-size // self.cell_px) for size in image_shape)
        row = np.floor((samples.y_px + 0.5) / self.cell_px).astype(np.int64)
        col = np.floor((samples.x_px + 0.5) / self.cell_px).astype(np.int64)
        return row * n_cols + col, n_rows * n_cols


def _nearest(samples: Samples, cells: NDArray[np.int64], n_cells: int) -> NDArray[np.int64]:
    """Return the nearest sample of each cell that has any, in the order of the cells."""
    nearest_mm = np.full(n_cells, np.inf)
    np.minimum.at(nearest_mm, cells, samples.depth_mm)
    tied = np.flatnonzero(samples.depth_mm == nearest_mm[cells])
    keys = (samples.x_px[tied], samples.y_px[tied], samples.structure_id[tied], cells[tied])
    tied = tied[np.lexsort(keys)]
    _, first = np.unique(cells[tied], return_index=True)
    return np.asarray(tied[first])


def _visibility(
    samples: Samples,
    cells: NDArray[np.int64],
    winners: NDArray[np.int64],
    n_cells: int,
    regions: RegionSet,
    atlas: Atlas,
) -> tuple[Visibility, ...]:
    winner_of_cell = np.full(n_cells, -1, dtype=np.int64)
    winner_of_cell[cells[winners]] = winners
    reports = []
    for place, region in enumerate(regions):
        own_cells = np.unique(cells[samples.region == place + 1])
        nearest = winner_of_cell[own_cells]
        hidden = nearest[samples.region[nearest] != place + 1]
        hiders = _name_hiders(samples.take(hidden), region, regions, atlas)
        visible = own_cells.size - hidden.size
        reports.append(Visibility(region.acronym, int(own_cells.size), int(visible), hiders))
    return tuple(reports)


def _name_hiders(
    hiders: Samples, region: Region, regions: RegionSet, atlas: Atlas
) -> tuple[tuple[str, float], ...]:
    """Return the names of what is in front of a region with their shares, largest first."""
    shares: dict[str, float] = {}
    pairs = np.stack([hiders.region.astype(np.int64), hiders.structure_id.astype(np.int64)])
    kinds, counts = np.unique(pairs, axis=1, return_counts=True)
    for (label, identifier), count in zip(kinds.T.tolist(), counts.tolist(), strict=True):
        if label:
            name = regions[label - 1].acronym
        elif identifier in atlas.structures:
            branch = atlas.structures.common_branch(region.id, identifier)
            name = atlas.structures[branch].acronym
        else:
            name = "other tissue"
        shares[name] = shares.get(name, 0.0) + count / len(hiders)
    return tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0])))
