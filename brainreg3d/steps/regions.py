"""RegionSelector: which regions a run labels."""

from __future__ import annotations

from typing import ClassVar

import attrs

from brainreg3d.atlas import OVERLAPS, Atlas, RegionSet, select_regions
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import one_of


class RegionSelector(Step):
    """Look up the regions that were asked for and check them, before anything slow happens.

    Parameters
    ----------
    overlap : {"error", "deepest"}
        What becomes of a voxel that lies in several of them: an error, or it belongs to the one
        that is deepest in the tree, and the others keep the rest.
    """

    provides: ClassVar[str] = "regions"

    overlap: str = attrs.field(default="error", validator=one_of(*OVERLAPS))

    def compute(  # type: ignore[override]
        self, *, atlas: Atlas, brain_regions: tuple[str | int, ...]
    ) -> RegionSet:
        """Return the regions.

        Parameters
        ----------
        atlas : Atlas
            Where to look them up.
        brain_regions : tuple of str or int
            Acronyms, ids, names, or cuts; see `brainreg3d.atlas.select_regions`.

        Returns
        -------
        RegionSet
            In the order asked for.

        Raises
        ------
        RegionError
            If a region is unknown, empty, named twice, or overlaps another where it must not.
        """
        return select_regions(atlas, brain_regions, self.overlap)
