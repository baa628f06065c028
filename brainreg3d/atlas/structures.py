"""The tree of brain structures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from brainreg3d.atlas.common_names import suggestion
from brainreg3d.errors import AtlasError, RegionError

MAX_STRUCTURE_ID = 2**32 - 2  # the largest uint32 often stands for "outside"


def _color(value: Iterable[int]) -> tuple[int, int, int]:
    red, green, blue = (int(channel) for channel in value)
    return red, green, blue


@attrs.frozen
class Structure:
    """One node of the structure tree.

    Parameters
    ----------
    id : int
        The number that stands for it in the annotation; up to about 6e8 in Allen's ontology.
    acronym : str
        Short name, such as ``"VISp"``; case matters (``CM`` and ``cm`` are two structures).
    name : str
        Full name.
    rgb : tuple of int
        Colour, 0 to 255.
    parent_id : int or None
        The node above it; None for the root.
    """

    id: int = attrs.field(converter=int)
    acronym: str
    name: str
    rgb: tuple[int, int, int] = attrs.field(converter=_color)
    parent_id: int | None = None


class StructureTree:
    """All structures of an atlas, found by acronym, id or name.

    Parameters
    ----------
    structures : iterable of Structure
        The nodes in any order; the order is kept.

    Raises
    ------
    AtlasError
        If ids or acronyms occur twice, a parent is missing, or the parents form a cycle.
    """

    def __init__(self, structures: Iterable[Structure]) -> None:
        self._by_id: dict[int, Structure] = {}
        self._children: dict[int | None, list[int]] = {}
        self._by_acronym: dict[str, int] = {}
        for structure in structures:
            self._add(structure)
        if not self._by_id:
            message = "The structure tree is empty; expected at least one structure."
            raise AtlasError(message)
        self._check_parents()

    def _add(self, structure: Structure) -> None:
        if not 0 < structure.id <= MAX_STRUCTURE_ID:
            message = (
                f"Structure {structure.acronym!r} has id {structure.id}; expected a number from 1 "
                f"to {MAX_STRUCTURE_ID} (0 means no structure)."
            )
            raise AtlasError(message)
        if structure.id in self._by_id or structure.acronym in self._by_acronym:
            message = (
                f"Structure {structure.acronym!r} (id {structure.id}) occurs twice in the "
                f"structure tree; ids and acronyms have to be unique."
            )
            raise AtlasError(message)
        self._by_id[structure.id] = structure
        self._by_acronym[structure.acronym] = structure.id
        self._children.setdefault(structure.parent_id, []).append(structure.id)

    def _check_parents(self) -> None:
        missing = [parent for parent in self._children if parent and parent not in self._by_id]
        if missing:
            child = self._by_id[self._children[missing[0]][0]]
            message = (
                f"Structure {child.acronym!r} names {missing[0]} as its parent, which is not in "
                f"the structure tree."
            )
            raise AtlasError(message)
        reached = {identifier for root in self.roots for identifier in self.descendants(root.id)}
        if len(reached) != len(self._by_id):
            lost = next(s for s in self if s.id not in reached)
            message = f"The parents of structure {lost.acronym!r} form a cycle."
            raise AtlasError(message)

    def __iter__(self) -> Iterator[Structure]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._by_id

    def __getitem__(self, identifier: int) -> Structure:
        return self._by_id[identifier]

    def __repr__(self) -> str:
        return f"<StructureTree of {len(self)} structures>"

    @property
    def roots(self) -> list[Structure]:
        """The structures without a parent."""
        return [self._by_id[i] for parent in (None, 0) for i in self._children.get(parent, [])]

    def children(self, identifier: int) -> list[Structure]:
        """Return the structures directly below one.

        Parameters
        ----------
        identifier : int
            Id of the structure.

        Returns
        -------
        list of Structure
            Its children, in the order of the tree.
        """
        return [self._by_id[child] for child in self._children.get(identifier, [])]

    def descendants(self, identifier: int) -> list[int]:
        """Return the ids of a structure and of everything below it.

        Parameters
        ----------
        identifier : int
            Id of the structure.

        Returns
        -------
        list of int
            Its own id first.
        """
        found = [identifier]
        for node in found:
            found.extend(self._children.get(node, []))
            if len(found) > len(self._by_id):  # only a cycle can do this
                break
        return found

    def ancestors(self, identifier: int) -> list[int]:
        """Return the path from a root down to a structure.

        Parameters
        ----------
        identifier : int
            Id of the structure.

        Returns
        -------
        list of int
            Ids from the root to the structure itself.
        """
        path = [identifier]
        while (parent := self._by_id[path[-1]].parent_id) in self._by_id:
            path.append(parent)
        return path[::-1]

    def common_branch(self, identifier: int, other: int) -> int:
        """Return the ancestor of `other` just below where the two paths part.

        It names a structure as seen from another one: from the striatum, a layer of the visual
        cortex is "cerebral cortex"; from the auditory cortex it is "visual areas".

        Parameters
        ----------
        identifier : int
            Id of the structure that looks.
        other : int
            Id of the structure that is looked at.

        Returns
        -------
        int
            Id of `other` or of one of its ancestors.
        """
        own = set(self.ancestors(identifier))
        return next((node for node in self.ancestors(other) if node not in own), other)

    def find(self, key: str | int) -> Structure:
        """Find a structure by acronym, id or name.

        An exact acronym wins, then an exact name, then a spelling that differs only in case when
        there is just one.

        Parameters
        ----------
        key : str or int
            Acronym, id (as a number or in digits) or full name.

        Returns
        -------
        Structure
            The one that is meant.

        Raises
        ------
        RegionError
            If there is none, or several differ only in case; close matches are named.
        """
        if isinstance(key, bool) or not isinstance(key, str | int):
            message = f"A region is an acronym, an id or a name; got {key!r}."
            raise RegionError(message)
        text = str(key).strip()
        if text.isascii() and text.isdecimal() and text not in self._by_acronym:
            return self._find_id(int(text))
        if text in self._by_acronym:
            return self._by_id[self._by_acronym[text]]
        named = [s for s in self if s.name == text]
        if len(named) == 1:
            return named[0]
        lower = text.lower()
        loose = [s for s in self if lower in (s.acronym.lower(), s.name.lower())]
        if len(loose) == 1:
            return loose[0]
        if loose:
            choices = ", ".join(s.acronym for s in loose)
            message = f"Region {text!r} could be {choices}; write it as in the atlas."
            raise RegionError(message)
        hint = suggestion(text, self) or " `brainreg3d regions` lists those there are."
        message = f"Unknown region {text!r}.{hint}"
        raise RegionError(message)

    def _find_id(self, identifier: int) -> Structure:
        if identifier not in self._by_id:
            message = f"Unknown region: no structure has the id {identifier}."
            raise RegionError(message)
        return self._by_id[identifier]
