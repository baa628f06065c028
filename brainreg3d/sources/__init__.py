"""Where atlases come from: Allen's files, files of the user's own, BrainGlobe, and a phantom."""

from __future__ import annotations

import functools
import re

from brainreg3d.atlas import Atlas
from brainreg3d.errors import AtlasError, did_you_mean
from brainreg3d.sources.local import load_local_atlas

__all__ = ["ALLEN_NAMES", "PHANTOM_NAMES", "load_atlas", "load_local_atlas"]

ALLEN_NAMES = tuple(f"allen_mouse_{size}um" for size in (10, 25, 50, 100))
PHANTOM_NAMES = tuple(f"phantom_{size}um" for size in (25, 50, 100))


def load_atlas(name: str) -> Atlas:
    """Load an atlas by name.

    Parameters
    ----------
    name : str
        ``allen_mouse_10um``, ``_25um``, ``_50um`` or ``_100um`` for Allen's own files, fetched
        when they are not in the cache; ``phantom_25um``, ``_50um`` or ``_100um`` for the
        synthetic brain; any other name is an installed BrainGlobe atlas.

    Returns
    -------
    Atlas
        In the atlas frame.

    Raises
    ------
    AtlasError
        If there is no atlas of that name; close matches are named.
    DownloadError
        If a file of Allen's cannot be fetched whole.
    """
    if name in ALLEN_NAMES:
        from brainreg3d.sources.allen import load_allen_atlas

        return load_allen_atlas(_resolution_um(name))
    if name in PHANTOM_NAMES:
        return _load_phantom(_resolution_um(name))
    from brainreg3d.sources.brainglobe import installed_brainglobe_atlases, load_brainglobe_atlas

    installed = installed_brainglobe_atlases()
    if name in installed:
        return load_brainglobe_atlas(name)
    guess = did_you_mean(str(name), [*ALLEN_NAMES, *PHANTOM_NAMES, *installed])
    have = ", ".join(installed) if installed else "none"
    message = (
        f"There is no atlas {name!r} here.{guess} Expected one of {', '.join(ALLEN_NAMES)}, "
        f"{', '.join(PHANTOM_NAMES)}, or an installed BrainGlobe atlas (installed: {have}). "
        f"Install a BrainGlobe atlas with: brainglobe install -a NAME"
    )
    raise AtlasError(message)


def _resolution_um(name: str) -> int:
    return int(re.findall(r"(\d+)um$", name)[0])


def _load_phantom(resolution_um: int) -> Atlas:
    """Make the phantom; its annotation, which takes longest, is kept in the cache."""
    from brainreg3d.sources import phantom
    from brainreg3d.sources.compact_cache import cached_annotation, content_key

    key = content_key("phantom", phantom.PHANTOM_VERSION, resolution_um)
    annotation = cached_annotation(key, lambda: phantom.make_phantom_annotation(resolution_um))
    return Atlas(
        "phantom",
        annotation,
        phantom.phantom_structures(),
        functools.partial(phantom.make_phantom_template, annotation),
        synthetic=True,
        citation=phantom.PHANTOM_CITATION,
        species=phantom.PHANTOM_SPECIES,
    )
