"""From what a user asked for to regions that do not overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from brainreg3d._arrays import is_whole
from brainreg3d._logging import logger
from brainreg3d.atlas.atlas import Atlas
from brainreg3d.atlas.cuts import CUTS, cut_regions
from brainreg3d.atlas.regions import REST, Region, RegionSet, rest_region, whole_region
from brainreg3d.atlas.structures import StructureTree
from brainreg3d.errors import InputError, RegionError, close_matches, did_you_mean

OVERLAPS = ("error", "deepest")
"""What may become of regions inside each other; see `select_regions`."""

_MOST_NAMES = 5


def select_regions(
    atlas: Atlas, keys: str | int | Iterable[str | int], overlap: str = "error"
) -> RegionSet:
    """Find the regions that a user named, and check them.

    Parameters
    ----------
    atlas : Atlas
        Where to look them up.
    keys : str, int, or iterable of them
        Acronyms, ids, names, and cuts, which stand for all their regions; see `CUTS`. An acronym
        that ends with ``-rest`` is what is annotated as the structure itself and as nothing
        below it. A name with commas in it may stand in pieces, as it does after a text was taken
        apart at its commas.
    overlap : {"error", "deepest"}
        What becomes of a voxel that lies in several of the regions: an error, or it belongs to
        the one that is deepest in the tree. The others keep the rest, and their names say so.

    Returns
    -------
    RegionSet
        In the order asked for.

    Raises
    ------
    InputError
        If `overlap` is something else.
    RegionError
        If `keys` is something else, or a region is unknown, has no voxels in this atlas, is named
        twice, or, unless `overlap` is ``"deepest"``, lies inside another one; all such regions are
        named at once.
    """
    if overlap not in OVERLAPS:
        known = " or ".join(repr(word) for word in OVERLAPS)
        message = f"overlap is {known}; got {overlap!r}.{did_you_mean(str(overlap), OVERLAPS)}"
        raise InputError(message)
    wanted = _listed_keys(keys)
    if not wanted:
        message = 'No regions were asked for; expected names such as ["MOp", "VIS"].'
        raise RegionError(message)
    found: list[Region] = []
    problems = []
    for key in _rejoin(atlas.structures, wanted):
        try:
            found += _find(atlas, key)
        except RegionError as error:
            problems.append(str(error))
    problems += _empty_problems(atlas, found) + _double_problems(found)
    if overlap == "error":
        problems += _overlap_problems(found)
    if problems:
        raise RegionError(" ".join(problems))
    return RegionSet(tuple(_without_inner(atlas, found) if overlap == "deepest" else found))


def _listed_keys(keys: Any) -> list[str | int]:
    """Return keys as plain texts and numbers; what is neither stays, to be named as unknown."""
    keys = keys.tolist() if isinstance(keys, np.ndarray) else keys
    if isinstance(keys, str | Integral):
        keys = [keys]
    if not isinstance(keys, Iterable):
        message = f"Regions are a list of acronyms, ids or names; got {keys!r}."
        raise RegionError(message)
    # Numbers of numpy are whole numbers as well; true and false are no ids.
    return [int(key) if is_whole(key) else key for key in keys]


def _find(atlas: Atlas, key: str | int) -> list[Region]:
    """Return the region, or the regions of a cut, that a key stands for."""
    tree = atlas.structures
    name = key.strip() if isinstance(key, str) else ""
    if name.lower() in CUTS and not any(s.acronym == name for s in tree):
        return list(cut_regions(atlas, name.lower()))
    try:
        return [whole_region(tree, tree.find(key))]
    except RegionError as error:
        if name.endswith(REST):
            structure = tree.find(name.removesuffix(REST))
            if tree.children(structure.id):
                return [rest_region(structure)]
        cut = close_matches(name, CUTS, limit=1)
        if not cut:
            raise
        message = f'{error} There is also the cut "{cut[0]}".'
        raise RegionError(message) from error


def _rejoin(structures: StructureTree, keys: list[str | int]) -> list[str | int]:
    """Put names together again that were taken apart at their commas; the longest name wins.

    Pieces that are all regions by themselves stay apart.
    """
    # Some acronyms hold a comma, too: "CUL4, 5".
    texts = [text for s in structures for text in (s.acronym, s.acronym + REST, s.name)]
    names = {_spaced(text): text for text in texts if "," in text}
    most = 1 + max((name.count(",") for name in names), default=0)
    joined: list[str | int] = []
    start = 0
    while start < len(keys):
        step = 1
        for length in range(min(most, len(keys) - start), 1, -1):
            pieces = keys[start : start + length]
            name = names.get(_spaced(",".join(str(piece) for piece in pieces)))
            if name is not None and not all(_is_found(structures, piece) for piece in pieces):
                joined.append(name)
                step = length
                break
        else:
            joined.append(keys[start])
        start += step
    return joined


def _spaced(name: str) -> str:
    return ", ".join(part.strip() for part in name.lower().split(","))


def _is_found(structures: StructureTree, key: str | int) -> bool:
    try:
        structures.find(key)
    except RegionError:
        return False
    return True


def _empty_problems(atlas: Atlas, regions: list[Region]) -> list[str]:
    annotation = atlas.annotation
    empty = [r for r in regions if not annotation.members(r.structure_ids).any()]
    if not empty:
        return []
    filled = [s.acronym for s in atlas.structures if not atlas.is_empty(s.id)]
    return [
        f"Region {region.acronym!r} ({region.name}) has no voxels in {atlas.full_name}."
        f"{did_you_mean(region.acronym, filled)}"
        for region in empty
    ]


def _double_problems(regions: list[Region]) -> list[str]:
    counts = Counter(region.acronym for region in regions)
    return [f"Region {acronym!r} is named twice." for acronym, n in counts.items() if n > 1]


def _overlap_problems(regions: list[Region]) -> list[str]:
    counts = Counter(i for region in regions for i in region.structure_ids)
    if max(counts.values(), default=0) <= 1:
        return []
    members = [set(region.structure_ids) for region in regions]
    problems = []
    for outer, own in zip(regions, members, strict=True):
        inner = [r.acronym for r, other in zip(regions, members, strict=True) if other < own]
        if inner:
            parts = "Region {} is" if len(inner) == 1 else "Regions {} are"
            problems.append(
                f"{parts.format(_listed(inner))} part of {outer.acronym!r}, so voxels would count "
                f"twice; name only one of the two."
            )
    if problems:
        problems.append(
            'Or give overlap="deepest" (--overlap deepest): what lies inside is cut out of what '
            "holds it."
        )
    return problems


def _listed(acronyms: list[str]) -> str:
    shown = ", ".join(repr(acronym) for acronym in acronyms[:_MOST_NAMES])
    more = len(acronyms) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _without_inner(atlas: Atlas, regions: list[Region]) -> list[Region]:
    """Take out of each region what belongs to others inside it."""
    annotated = {int(i) for i in atlas.annotation.ids}
    owner: dict[int, int] = {}
    # A region inside another one has fewer structures, so the deepest comes last.
    for place in sorted(range(len(regions)), key=lambda p: -len(regions[p].structure_ids)):
        owner.update(dict.fromkeys(regions[place].structure_ids, place))
    kept = []
    for place, region in enumerate(regions):
        own = [i for i in region.structure_ids if owner[i] == place]
        if len(own) < len(region.structure_ids):
            region = region.reduced_to([i for i in own if i in annotated])
            if not region.structure_ids:
                logger.warning(
                    "Nothing is left of region %s: all of it belongs to regions inside it.",
                    region.acronym,
                )
        kept.append(region)
    return kept
