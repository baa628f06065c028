"""DepthResolver: what lies nearest to the camera."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import Projections, Samples, VisibleSamples, cell_numbers
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import plain_number, whole_number
from brainreg3d.steps.visibility import count_visibility


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
            that the order of regions does not matter. Samples off the image do not count.
        """
        samples, shape = projections.samples, projections.image_shape
        nearest = samples.take(_nearest(samples, cell_numbers(samples, shape, self.cell_px)))
        visibility = count_visibility(projections, nearest, self.cell_px, regions, atlas)
        return VisibleSamples(nearest, shape, self.cell_px, visibility)


def _nearest(samples: Samples, cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nearest sample of each cell that has any, in the order of the cells.

    Samples off the image or without a depth, which a projector may hold, do not count.
    """
    candidates = np.flatnonzero((cells >= 0) & ~np.isnan(samples.depth_mm))
    cells, depth_mm = cells[candidates], samples.depth_mm[candidates]
    nearest_mm = np.full(cells.max(initial=-1) + 1, np.inf)
    np.minimum.at(nearest_mm, cells, depth_mm)
    tied = depth_mm == nearest_mm[cells]
    candidates, cells = candidates[tied], cells[tied]
    order = np.lexsort(
        (
            samples.x_px[candidates],
            samples.y_px[candidates],
            samples.structure_id[candidates],
            cells,
        )
    )
    _, first = np.unique(cells[order], return_index=True)
    return np.asarray(candidates[order][first])
