"""Atlases as data: annotation, structure tree, template, regions, bregma.

Nothing here knows where an atlas comes from; see `brainreg3d.sources` for that.
"""

from brainreg3d.atlas.annotation import Annotation
from brainreg3d.atlas.atlas import Atlas, Template
from brainreg3d.atlas.bregma import (
    BREGMA_PRESETS,
    DEFAULT_BREGMA,
    BregmaPreset,
    ccf_to_stereotaxic,
    find_bregma,
    stereotaxic_to_ccf,
)
from brainreg3d.atlas.cuts import CUTS, WFIELD_NAMES, Cut, check_partition, cut_regions
from brainreg3d.atlas.regions import Region, RegionSet, rest_region, whole_region
from brainreg3d.atlas.selection import OVERLAPS, select_regions
from brainreg3d.atlas.structures import Structure, StructureTree

__all__ = [
    "BREGMA_PRESETS",
    "CUTS",
    "DEFAULT_BREGMA",
    "OVERLAPS",
    "WFIELD_NAMES",
    "Annotation",
    "Atlas",
    "BregmaPreset",
    "Cut",
    "Region",
    "RegionSet",
    "Structure",
    "StructureTree",
    "Template",
    "ccf_to_stereotaxic",
    "check_partition",
    "cut_regions",
    "find_bregma",
    "rest_region",
    "select_regions",
    "stereotaxic_to_ccf",
    "whole_region",
]
