"""RegionSelector: which regions a run labels."""

from __future__ import annotations

from typing import ClassVar

from brainreg3d.atlas import Atlas, RegionSet, select_regions
from brainreg3d.steps.base import Step


class RegionSelector(Step):
    """Look up the regions that were asked for and check them, before anything slow happens."""

    provides: ClassVar[str] = "regions"

    def compute(  # type: ignore[override]
        self, *, atlas: Atlas, brain_regions: tuple[str | int, ...]
    ) -> RegionSet:
        """Return the regions.

        Parameters
        ----------
        atlas : Atlas
            Where to look them up.
        brain_regions : tuple of str or int
            Acronyms, ids or names.

        Returns
        -------
        RegionSet
            In the order asked for.

        Raises
        ------
        RegionError
            If a region is unknown, empty, named twice or overlaps another.
        """
        return select_regions(atlas, brain_regions)
