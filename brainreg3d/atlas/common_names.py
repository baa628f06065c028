"""What regions are called in papers, and what was probably meant by a name that is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from brainreg3d.errors import did_you_mean

if TYPE_CHECKING:
    from brainreg3d.atlas.structures import Structure

COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "v1": ("VISp",),
    "visual cortex": ("VIS", "VISp"),
    "s1": ("SSp",),
    "s2": ("SSs",),
    "somatosensory cortex": ("SS", "SSp"),
    "barrel": ("SSp-bfd",),
    "barrels": ("SSp-bfd",),
    "barrel cortex": ("SSp-bfd",),
    "barrel field": ("SSp-bfd",),
    "s1bf": ("SSp-bfd",),
    "bfd": ("SSp-bfd",),
    "s1fl": ("SSp-ul",),
    "s1hl": ("SSp-ll",),
    "m1": ("MOp",),
    "m2": ("MOs",),
    "motor cortex": ("MO", "MOp"),
    "alm": ("MOs",),
    "a1": ("AUDp",),
    "auditory cortex": ("AUD", "AUDp"),
    "ppc": ("PTLp",),
    "rsc": ("RSP",),
    "retrosplenial cortex": ("RSP",),
    "acc": ("ACA",),
    "cingulate cortex": ("ACA",),
    "ofc": ("ORB",),
    "cortex": ("Isocortex", "CTX"),
    "neocortex": ("Isocortex",),
    "hippocampus": ("HIP", "HPF"),
    "striatum": ("STR", "CP"),
}
"""Names of other nomenclatures in lower case, and the acronyms of the mouse atlas nearest to them:
not the same borders, so they are proposed and never taken."""


def suggestion(text: str, structures: Iterable[Structure]) -> str:
    """Return a sentence on what an unknown name of a region may mean.

    Parameters
    ----------
    text : str
        What the user wrote.
    structures : iterable of Structure
        Those of the atlas.

    Returns
    -------
    str
        With a leading space; empty when nothing is close.
    """
    names = {s.acronym: s.name for s in structures}
    pieces = text.replace(";", " ").split()
    if len(pieces) > 1 and all(piece in names for piece in pieces):
        return f" Separate regions by commas: {','.join(pieces)}."
    meant = [name for name in COMMON_NAMES.get(text.strip().lower(), ()) if name in names]
    if meant:
        return f" Did you mean {' or '.join(f'{name} ({names[name]})' for name in meant)}?"
    return did_you_mean(text, [*names, *names.values()])
