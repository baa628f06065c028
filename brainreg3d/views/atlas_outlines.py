"""Outlines of an atlas at large: its main structures, or the tissue of its template."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, Region, RegionSet
from brainreg3d.errors import RegistrationFailed
from brainreg3d.geometry import VolumeGrid
from brainreg3d.views.plane_samples import GreyVolume, PlaneSampler, VolumeContrast

Cut = list[tuple[Region | None, NDArray[np.bool_]]]
"""Masks in a plane, those of no structure in particular first."""

MAJOR_DIVISIONS = (
    *("Isocortex", "OLF", "HPF", "CTXsp", "STR", "PAL"),
    *("TH", "HY", "MB", "P", "MY", "CB"),
)
"""Acronyms of the twelve major divisions of the mouse brain in the CCFv3 (Wang et al. 2020)."""

_SMOOTH_MM = 0.08


def large_structures(atlas: Atlas) -> tuple[Region, ...]:
    """Return structures that part the brain at large, such as isocortex and thalamus.

    Parameters
    ----------
    atlas : Atlas
        Any atlas.

    Returns
    -------
    tuple of Region
        Those of `MAJOR_DIVISIONS` that the atlas has voxels of. If it has none: the structures
        where the tree first branches, counted from its root. None is part of another.

    References
    ----------
    Wang, Q. et al. (2020). The Allen Mouse Brain Common Coordinate Framework: a 3D reference
    atlas. Cell 181, 936-953.
    """
    structures = [s for s in atlas.structures if s.acronym in MAJOR_DIVISIONS]
    level = [s for s in structures if not atlas.is_empty(s.id)]
    if not level:
        level = [s for s in atlas.structures.roots if not atlas.is_empty(s.id)]
    while len(level) == 1 and (
        below := [s for s in atlas.structures.children(level[0].id) if not atlas.is_empty(s.id)]
    ):
        level = below
    return tuple(
        Region(s.id, s.acronym, s.name, s.rgb, tuple(atlas.structures.descendants(s.id)))
        for s in level
    )


@attrs.frozen(eq=False)
class AtlasOutlines:
    """What of an atlas is outlined on other images.

    Parameters
    ----------
    atlas : Atlas
        Where it comes from.
    regions : tuple of Region
        Structures; none when the annotation is empty.
    """

    atlas: Atlas
    regions: tuple[Region, ...]

    @classmethod
    def of(cls, atlas: Atlas) -> AtlasOutlines:
        """Return the outlines of an atlas.

        Parameters
        ----------
        atlas : Atlas
            Any atlas with an annotation or a template.

        Returns
        -------
        AtlasOutlines
            Of its large structures, or of its template's tissue when the annotation is empty.
        """
        return cls(atlas, () if atlas.annotation.ids.size == 1 else large_structures(atlas))

    def in_planes(self, samplers: Sequence[PlaneSampler]) -> list[Cut]:
        """Return what is outlined in planes.

        Parameters
        ----------
        samplers : sequence of PlaneSampler
            The planes.

        Returns
        -------
        list of Cut
            For each plane the masks that are not empty: the whole brain, then each structure.
        """
        if not self.regions:
            return _tissue_cuts(self.atlas, samplers)
        return [self._cut(sampler) for sampler in samplers]

    def _cut(self, sampler: PlaneSampler) -> Cut:
        annotation = self.atlas.annotation
        index = sampler.labels(annotation)
        labels = RegionSet(self.regions).label_of_index(annotation)[index].astype(np.intp)
        # Tissue of no region counts, too, or its neighbours would spread over it.
        labels[(labels == 0) & (index > 0)] = len(self.regions) + 1
        labels = _smoothed(labels, sampler.pixel_size_mm)
        cut: Cut = [(None, labels > 0)]
        cut += [(region, labels == place) for place, region in enumerate(self.regions, start=1)]
        return [(region, mask) for region, mask in cut if mask.any()]


def _smoothed(labels: NDArray[np.intp], pixel_size_mm: tuple[float, float]) -> NDArray[np.intp]:
    """Return labels without the steps of coarse voxels: in each pixel the most common nearby."""
    from scipy import ndimage

    sigma = _SMOOTH_MM / np.array(pixel_size_mm)
    found = np.unique(labels)
    shares = [
        ndimage.gaussian_filter((labels == label).astype(np.float32), sigma) for label in found
    ]
    return np.asarray(found[np.argmax(shares, axis=0)])


def _tissue_cuts(atlas: Atlas, samplers: Sequence[PlaneSampler]) -> list[Cut]:
    """Return the tissue that registration sees in the template; nothing if it sees none."""
    from brainreg3d.registration import PhysicalImage
    from brainreg3d.registration.tissue import find_tissue

    if atlas.template is None:
        return [[] for _ in samplers]
    spacing = atlas.template.spacing_mm
    z, y, x = (size / 2 for size in spacing)
    try:
        tissue = find_tissue(PhysicalImage(atlas.template.data, spacing, (x, y, z)), "the atlas")
    except RegistrationFailed:
        return [[] for _ in samplers]
    grid = VolumeGrid(tissue.mask.shape, tissue.image.spacing_mm)
    matrix = np.eye(4)
    matrix[:3, 3] = np.array(grid.spacing_mm[::-1]) / 2 - np.array(tissue.image.origin_mm)
    # Interpolated, the mask's coarse steps become a smooth outline.
    share = GreyVolume(tissue.mask, grid, VolumeContrast(0.0, 1.0))
    masks = [sampler.grey(share, matrix) > 0.5 for sampler in samplers]
    return [[(None, mask)] if mask.any() else [] for mask in masks]
