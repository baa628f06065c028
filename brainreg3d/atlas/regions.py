"""Regions: the parts of the brain that a run labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas.annotation import Annotation
from brainreg3d.atlas.atlas import Atlas
from brainreg3d.atlas.structures import Structure, StructureTree
from brainreg3d.errors import RegionError, did_you_mean


@attrs.frozen
class Region:
    """A structure together with everything below it in the tree.

    Parameters
    ----------
    id : int
        Structure id.
    acronym : str
        Short name.
    name : str
        Full name.
    rgb : tuple of int
        Colour of the atlas, 0 to 255.
    structure_ids : tuple of int
        Ids of the structure and its descendants.
    """

    id: int
    acronym: str
    name: str
    rgb: tuple[int, int, int]
    structure_ids: tuple[int, ...] = attrs.field(repr=False)


@attrs.frozen
class RegionSet:
    """The regions of a run, in the order asked for; no voxel belongs to two of them.

    Parameters
    ----------
    regions : tuple of Region
        The regions; label images use 1 + their place in this tuple.
    """

    regions: tuple[Region, ...]

    def __iter__(self) -> Iterator[Region]:
        return iter(self.regions)

    def __len__(self) -> int:
        return len(self.regions)

    def __getitem__(self, place: int) -> Region:
        return self.regions[place]

    @property
    def acronyms(self) -> tuple[str, ...]:
        """The short names, in order."""
        return tuple(region.acronym for region in self.regions)

    def label_of_index(self, annotation: Annotation) -> NDArray[np.uint16]:
        """Return the label that each entry of an annotation's table gets.

        Parameters
        ----------
        annotation : Annotation
            The volume that is labelled.

        Returns
        -------
        numpy.ndarray of uint16, shape (N,)
            0 for tissue outside all regions, else 1 + place of the region.
        """
        labels = np.zeros(annotation.ids.size, dtype=np.uint16)
        for place, region in enumerate(self.regions):
            labels[annotation.members(region.structure_ids)] = place + 1
        return labels


def select_regions(atlas: Atlas, keys: Iterable[str | int]) -> RegionSet:
    """Find the regions that a user named, and check them.

    Parameters
    ----------
    atlas : Atlas
        Where to look them up.
    keys : iterable of str or int
        Acronyms, ids or names. A name with commas in it may stand in pieces, as it does after a
        text was taken apart at its commas.

    Returns
    -------
    RegionSet
        In the order asked for.

    Raises
    ------
    RegionError
        If a region is unknown, has no voxels in this atlas, is named twice, or lies inside
        another one of the list; all such regions are named at once.
    """
    wanted: list[str | int] = [keys] if isinstance(keys, str | int) else list(keys)
    if not wanted:
        message = 'No regions were asked for; expected names such as ["MOp", "VIS"].'
        raise RegionError(message)
    found, problems = [], []
    for key in _rejoin(atlas.structures, wanted):
        try:
            found.append(atlas.structures.find(key))
        except RegionError as error:
            problems.append(str(error))
    problems += _empty_problems(atlas, found) + _overlap_problems(atlas, found)
    if problems:
        raise RegionError(" ".join(problems))
    return RegionSet(tuple(_region(atlas, structure) for structure in found))


def _rejoin(structures: StructureTree, keys: list[str | int]) -> list[str | int]:
    """Put names together again that were taken apart at their commas; the longest name wins.

    Pieces that are all regions by themselves stay apart.
    """
    names = {_spaced(structure.name): structure.name for structure in structures}
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


def _region(atlas: Atlas, structure: Structure) -> Region:
    members = tuple(atlas.structures.descendants(structure.id))
    return Region(structure.id, structure.acronym, structure.name, structure.rgb, members)


def _empty_problems(atlas: Atlas, structures: list[Structure]) -> list[str]:
    empty = [s for s in structures if atlas.is_empty(s.id)]
    if not empty:
        return []
    filled = [s.acronym for s in atlas.structures if not atlas.is_empty(s.id)]
    return [
        f"Region {structure.acronym!r} ({structure.name}) has no voxels in {atlas.full_name}."
        f"{did_you_mean(structure.acronym, filled)}"
        for structure in empty
    ]


def _overlap_problems(atlas: Atlas, structures: list[Structure]) -> list[str]:
    problems = []
    seen: set[int] = set()
    for structure in structures:
        if structure.id in seen:
            problems.append(f"Region {structure.acronym!r} is named twice.")
        seen.add(structure.id)
    for structure in structures:
        above = set(atlas.structures.ancestors(structure.id)[:-1]) & seen
        for identifier in above:
            parent = atlas.structures[identifier].acronym
            problems.append(
                f"Region {structure.acronym!r} is part of {parent!r}, so its voxels would count "
                f"twice; name one of the two."
            )
    return problems
