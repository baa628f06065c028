"""The structure tree as BrainGlobe's ``terminology.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import attrs

from brainreg3d._logging import logger
from brainreg3d.atlas import Structure, StructureTree
from brainreg3d.errors import AtlasError

ROOT_ACRONYM = "root"
"""BrainGlobe's reader finds the top of the tree by this acronym and no other."""

LARGEST_PARENT_ID = 2**16 - 1
"""What brainglobe-atlasapi 3.0 can read as a parent; it reads the paths at full width."""

_COLUMNS = (
    "identifier",
    "parent_identifier",
    "annotation_value",
    "name",
    "abbreviation",
    "color_hex_triplet",
    "root_identifier_path",
)


def rooted(structures: StructureTree) -> StructureTree:
    """Return a tree with the one root that BrainGlobe needs.

    Parameters
    ----------
    structures : StructureTree
        Any tree.

    Returns
    -------
    StructureTree
        The same tree where its only root has the acronym ``"root"``; otherwise with such a root
        above all others, under the lowest id that is free.

    Raises
    ------
    AtlasError
        If a structure below the top has that acronym.
    """
    roots = structures.roots
    if len(roots) == 1 and roots[0].acronym == ROOT_ACRONYM:
        return structures
    existing = next((s for s in structures if s.acronym == ROOT_ACRONYM), None)
    if existing is not None and existing not in roots:
        message = (
            f"The structure {ROOT_ACRONYM!r} (id {existing.id}) lies below another one; BrainGlobe "
            f"expects it at the top. Rename it in the structure file."
        )
        raise AtlasError(message)
    top = existing
    if top is None:
        free = next(i for i in range(1, len(structures) + 2) if i not in structures)
        top = Structure(free, ROOT_ACRONYM, ROOT_ACRONYM, (255, 255, 255))
        logger.info("A structure 'root' with id %d is put above the tree.", free)
    others = {root.id for root in roots} - {top.id}
    moved = [attrs.evolve(s, parent_id=top.id) if s.id in others else s for s in structures]
    return StructureTree([top, *(s for s in moved if s.id != top.id)])


def terminology_csv(structures: StructureTree) -> str:
    """Return the table of structures.

    Parameters
    ----------
    structures : StructureTree
        With one root; see `rooted`.

    Returns
    -------
    str
        Comma-separated, parents before children as in the tree.

    Notes
    -----
    A parent above `LARGEST_PARENT_ID` is left blank, because brainglobe-atlasapi would refuse the
    whole atlas. Nothing is lost: that reader, and ours, take the tree from the paths.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    table.writerows(_rows(structures))
    return text.getvalue()


def _rows(structures: StructureTree) -> Iterable[tuple[object, ...]]:
    for structure in structures:
        path = structures.ancestors(structure.id)
        above = path[-2] if len(path) > 1 else 0
        parent = above if 0 < above <= LARGEST_PARENT_ID else ""
        color = "#{:02X}{:02X}{:02X}".format(*structure.rgb)
        names = (structure.name, structure.acronym, color)
        yield (structure.id, parent, structure.id, *names, str(path))
