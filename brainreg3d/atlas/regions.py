"""Regions: the parts of the brain that a run labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas.annotation import Annotation
from brainreg3d.atlas.structures import Structure, StructureTree

REST = "-rest"
"""How acronyms of rests end, such as that of ``"TH-rest"``."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@attrs.frozen
class Region:
    """A structure together with everything below it in the tree, or what others leave of it.

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
        Ids of the structure and its descendants; of a rest, those that belong to it.
    """

    id: int
    acronym: str
    name: str
    rgb: tuple[int, int, int]
    structure_ids: tuple[int, ...] = attrs.field(repr=False)

    def reduced_to(self, structure_ids: Collection[int]) -> Region:
        """Return what other regions leave of this one.

        Parameters
        ----------
        structure_ids : collection of int
            Ids that stay.

        Returns
        -------
        Region
            Of the same acronym; its name says that it is a rest.
        """
        members = tuple(structure_ids)
        return attrs.evolve(self, name=_rest_title(self.name), structure_ids=members)


def whole_region(tree: StructureTree, structure: Structure) -> Region:
    """Return a structure with everything below it.

    Parameters
    ----------
    tree : StructureTree
        Holds the structure.
    structure : Structure
        A node of the tree.

    Returns
    -------
    Region
        Under the acronym and name of the structure.
    """
    members = tuple(tree.descendants(structure.id))
    return Region(structure.id, structure.acronym, structure.name, structure.rgb, members)


def rest_region(structure: Structure) -> Region:
    """Return the voxels that are annotated as a structure and as nothing below it.

    Parameters
    ----------
    structure : Structure
        A node of the tree, such as the thalamus ``"TH"``.

    Returns
    -------
    Region
        Its acronym ends with `REST`: ``"TH-rest"`` is safe in file names, on command lines and in
        lists separated by commas. Its name is ``"Thalamus (rest)"``.
    """
    acronym, members = structure.acronym + REST, (structure.id,)
    title = _rest_title(structure.name)
    return Region(structure.id, acronym, title, structure.rgb, members)


def _rest_title(name: str) -> str:
    return f"{name} (rest)"


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

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names for files of the regions, in order, without suffix and safe on every system.

        ``"VISp2/3"`` becomes ``"VISp2-3"``. Where two differ only in case, as ``"CM"`` and
        ``"cm"`` do, or in characters that were replaced, the structure's id follows.
        """
        names = [_UNSAFE.sub("-", region.acronym).strip("-.") for region in self.regions]
        count = Counter(name.lower() for name in names)
        return tuple(
            name if name and count[name.lower()] == 1 else f"{name}_{region.id}"
            for name, region in zip(names, self.regions, strict=True)
        )

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
        # Of regions inside each other the smaller one wins, in whatever order they stand.
        order = sorted(range(len(self)), key=lambda place: -len(self[place].structure_ids))
        for place in order:
            labels[annotation.members(self[place].structure_ids)] = place + 1
        return labels
