"""Cuts: named ways to part an atlas into regions so that no voxel counts twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import attrs
import numpy as np

from brainreg3d.atlas.atlas import Atlas
from brainreg3d.atlas.regions import Region, rest_region, whole_region
from brainreg3d.atlas.structures import Structure, StructureTree
from brainreg3d.errors import RegionError

ISOCORTEX = "Isocortex"

WFIELD_NAMES = (
    *("MOB", "FRP", "MOp", "MOs", "SSp-n", "SSp-m", "SSp-un", "PL", "ACAd", "RSPv", "RSPd"),
    *("RSPagl", "VISC", "SSs", "SSp-bfd", "SSp-tr", "SSp-ll", "SSp-ul", "TEa", "AUDd", "AUDp"),
    *("AUDpo", "AUDv", "VISli", "VISpor", "VISpl", "VISpm", "VISl", "VISal", "VISrl", "VISa"),
    *("VISam", "VISp"),
)
"""The 33 areas of the dorsal map of wfield (Couto et al. 2021, Nature Protocols 16, 3241-3263)."""

_LAYER = re.compile(r"(1|2|2/3|3|4|5|6|6a|6b)")


@attrs.frozen
class Cut:
    """A named way to part an atlas.

    Parameters
    ----------
    name : str
        What it is asked for by.
    meaning : str
        A line that describes it.
    parent : str or None
        Acronym of the structure that it covers whole; None for one that covers nothing in
        particular, or the whole brain.
    node_of : callable
        Takes the tree and the id of a structure with voxels, and returns the id of the structure
        whose region these voxels belong to, or None for none.
    """

    name: str
    meaning: str
    parent: str | None
    node_of: Callable[[StructureTree, int], int | None] = attrs.field(repr=False)


def is_layer(tree: StructureTree, identifier: int) -> bool:
    """Tell whether a structure is a cortical layer of its parent.

    Parameters
    ----------
    tree : StructureTree
        Holds it.
    identifier : int
        Id of the structure.

    Returns
    -------
    bool
        True for a structure without children whose acronym is that of its parent and a layer,
        such as ``"VISp2/3"`` or ``"ACAv6a"``. Full names do not always say so.
    """
    structure = tree[identifier]
    parent_id = structure.parent_id
    if parent_id is None or parent_id not in tree or tree.children(identifier):
        return False
    parent = tree[parent_id].acronym
    ending = structure.acronym.removeprefix(parent)
    return ending != structure.acronym and _LAYER.fullmatch(ending) is not None


def _family(tree: StructureTree, identifier: int) -> int:
    path = tree.ancestors(identifier)
    below = path.index(tree.find(ISOCORTEX).id) + 1
    return path[min(below, len(path) - 1)]


def _area(tree: StructureTree, identifier: int) -> int:
    parent = tree[identifier].parent_id
    return parent if parent is not None and is_layer(tree, identifier) else identifier


def _itself(_: StructureTree, identifier: int) -> int:
    return identifier


def _wfield(tree: StructureTree, identifier: int) -> int | None:
    path = reversed(tree.ancestors(identifier))
    return next((node for node in path if tree[node].acronym in WFIELD_NAMES), None)


CUTS = {
    cut.name: cut
    for cut in (
        Cut("families", "the 17 families of isocortical areas", ISOCORTEX, _family),
        Cut("areas", "the 43 areas of the isocortex", ISOCORTEX, _area),
        Cut("areas+layers", "each layer of each isocortical area", ISOCORTEX, _itself),
        Cut("wfield", "the 33 areas of wfield's dorsal map", None, _wfield),
        Cut("all", "every structure that the annotation holds", None, _itself),
    )
}
"""All cuts by name. Numbers in their meanings are those of Allen's CCFv3 of 2017."""


def cut_regions(atlas: Atlas, name: str) -> tuple[Region, ...]:
    """Return the regions of a cut.

    Parameters
    ----------
    atlas : Atlas
        What is parted.
    name : str
        A key of `CUTS`.

    Returns
    -------
    tuple of Region
        In the order of the tree, parents before what lies inside them. Structures without voxels
        are left out. Where a structure holds other regions, its own voxels are a region whose
        acronym ends with ``-rest``: ``"TH-rest"`` is annotated as thalamus but as none of its
        nuclei.

    Raises
    ------
    RegionError
        If there is no such cut, or the atlas has not the structures that it needs.
    """
    if name not in CUTS:
        message = f"There is no cut {name!r}; there are {', '.join(CUTS)}."
        raise RegionError(message)
    cut, tree = CUTS[name], atlas.structures
    _check_structures(atlas, cut)
    members: dict[int, set[int]] = {}
    for identifier in _with_voxels(atlas, cut.parent):
        node = cut.node_of(tree, identifier)
        if node is not None:
            members.setdefault(node, set()).add(identifier)
    regions = [
        _region(atlas, structure, members[structure.id])
        for structure in _depth_first(tree)
        if structure.id in members
    ]
    if cut.name != "wfield":
        check_partition(atlas, regions, cut.parent)
    return tuple(regions)


def _region(atlas: Atlas, structure: Structure, members: set[int]) -> Region:
    """Return the part of a structure that holds some of those with voxels in it."""
    region = whole_region(atlas.structures, structure)
    inside = {int(i) for i in atlas.annotation.ids}.intersection(region.structure_ids)
    if members == inside:
        return region
    own = members == {structure.id}
    return rest_region(structure) if own else region.reduced_to(sorted(members))


def check_partition(atlas: Atlas, regions: Iterable[Region], parent: str | int | None) -> None:
    """Check that regions hold each voxel of a structure once, and no other voxels.

    Parameters
    ----------
    atlas : Atlas
        Its annotation decides.
    regions : iterable of Region
        The regions.
    parent : str, int or None
        The structure that they are to cover; None for all that is annotated.

    Raises
    ------
    RegionError
        If a structure with voxels belongs to two regions or to none, or lies outside `parent`.
    """
    tree = atlas.structures
    left = set(_with_voxels(atlas, parent))
    present = {int(i) for i in atlas.annotation.ids if i}
    owner: dict[int, str] = {}
    problems = []
    for region in regions:
        for identifier in present.intersection(region.structure_ids):
            name = tree[identifier].acronym if identifier in tree else str(identifier)
            if identifier in owner:
                problems.append(f"{name} belongs to {owner[identifier]} and {region.acronym}")
            elif identifier not in left:
                problems.append(f"{name}, in {region.acronym}, lies outside {parent}")
            owner[identifier] = region.acronym
    lost = sorted(left.difference(owner))
    if lost:
        places = atlas.annotation.volume.values.ravel()
        counts = np.bincount(places, minlength=atlas.annotation.ids.size)
        n_voxels = int(counts[atlas.annotation.members(lost)].sum())
        names = ", ".join(tree[i].acronym for i in lost[:5])
        problems.append(f"{n_voxels} voxels belong to no region, of {names}")
    if problems:
        covered = "the brain" if parent is None else parent
        message = f"The regions are no partition of {covered}: {'; '.join(problems[:5])}."
        raise RegionError(message)


def _with_voxels(atlas: Atlas, parent: str | int | None) -> Iterator[int]:
    """Yield the ids of structures that carry voxels themselves, inside one of them or anywhere."""
    tree = atlas.structures
    inside = None if parent is None else set(tree.descendants(tree.find(parent).id))
    for identifier in atlas.annotation.ids.tolist():
        if identifier in tree and (inside is None or identifier in inside):
            yield identifier


def _depth_first(tree: StructureTree) -> Iterator[Structure]:
    waiting = tree.roots[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(tree.children(node.id)))


def _check_structures(atlas: Atlas, cut: Cut) -> None:
    needed = WFIELD_NAMES if cut.name == "wfield" else () if cut.parent is None else (cut.parent,)
    id_of = {s.acronym: s.id for s in atlas.structures}
    missing = [n for n in needed if n not in id_of or atlas.is_empty(id_of[n])]
    if missing:
        which = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        message = (
            f'The cut "{cut.name}" is made of structures of the Allen mouse brain, and '
            f'{atlas.full_name} has no voxels of {which}. "all" works with every atlas; or name '
            f"the regions, which `brainreg3d regions` lists."
        )
        raise RegionError(message)
