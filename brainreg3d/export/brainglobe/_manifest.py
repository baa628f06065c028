"""The name of an exported atlas, where its parts lie, and the manifest that says so."""

from __future__ import annotations

import re
from typing import Any

from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas
from brainreg3d.errors import InputError
from brainreg3d.export.brainglobe._frame import ORIENTATION, to_brainglobe_sizes
from brainreg3d.export.brainglobe._install import PACKAGER

VERSION = "1.0"
"""Version of every export; an export has no history that its number could count."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESOLUTION = re.compile(r"_(\d+(?:\.\d+)?)um$")


def export_name(atlas: Atlas, name: str | None) -> str:
    """Return the name of an export, with its resolution.

    Parameters
    ----------
    atlas : Atlas
        What is exported.
    name : str or None
        What the user called it, with or without resolution; None for the atlas's own name.

    Returns
    -------
    str
        Such as ``"allen_mouse_25um"``. Of voxels with unequal sides the size from front to back
        counts, as in BrainGlobe's own names.

    Raises
    ------
    InputError
        If the name holds other characters than BrainGlobe can look for, or another resolution.
    """
    size = f"{to_brainglobe_sizes(atlas.grid.resolution_um)[0]:g}"
    if name is None:
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", atlas.name).strip("_.-") or "atlas"
    if not _NAME.fullmatch(name):
        message = (
            f"Expected a name of letters, digits, underscores, hyphens and dots, such as "
            f'"my_mouse"; got {name!r}.'
        )
        raise InputError(message)
    given = _RESOLUTION.search(name)
    if given is None:
        return f"{name}_{size}um"
    if float(given[1]) != float(size):
        message = (
            f"The name {name!r} says {given[1]} µm, but the voxels of {atlas.full_name} are "
            f"{size} µm from front to back. Leave the resolution out; it is added."
        )
        raise InputError(message)
    return name


def part_folders(name: str) -> dict[str, str]:
    """Return where the parts of an atlas lie below ``brainglobe-atlasapi``.

    Parameters
    ----------
    name : str
        Name of the export with resolution.

    Returns
    -------
    dict of str to str
        By their names in the manifest; the last, ``"atlas"``, is the folder of the manifest.
    """
    version = VERSION.replace(".", "_")
    return {
        "terminology": f"terminologies/{name}-terminology/{version}",
        "template": f"templates/{name}-template/{version}",
        "coordinate_space": f"coordinate-spaces/{name}-space/{version}",
        "annotation_set": f"annotation-sets/{name}-annotation/{version}",
        "atlas": f"atlases/{name}/{version}",
    }


def manifest_of(atlas: Atlas, name: str, species: str | None, *, symmetric: bool) -> dict[str, Any]:
    """Return the manifest of an export.

    Parameters
    ----------
    atlas : Atlas
        What is exported.
    name : str
        Name of the export with resolution.
    species : str or None
        The species; None for that of the atlas.
    symmetric : bool
        Whether BrainGlobe may make the volume of hemispheres up; otherwise it reads one.

    Returns
    -------
    dict
        For JSON. What BrainGlobe has no entry for stands under ``"exported_from"``.
    """
    part = {
        key: {"name": place.split("/")[1], "version": VERSION, "location": f"/{place}"}
        for key, place in part_folders(name).items()
    }
    template, terms = part["template"], part["terminology"]
    return {
        "name": _RESOLUTION.sub("", name),
        "location": part["atlas"]["location"],
        "citation": atlas.citation or "unpublished",
        "atlas_link": "",
        "species": species or atlas.species or "unknown",
        "symmetric": symmetric,
        "resolution": list(to_brainglobe_sizes(atlas.grid.resolution_um)),
        "orientation": ORIENTATION,
        "version": VERSION,
        "shape": list(to_brainglobe_sizes(atlas.grid.shape)),
        "additional_references": [],
        "atlas_packager": f"{PACKAGER} {__version__}",
        "coordinate_space": {**part["coordinate_space"], "template": template},
        "terminology": terms,
        "annotation_set": {**part["annotation_set"], "template": template, "terminology": terms},
        "template": template,
        "exported_from": {
            "atlas": atlas.full_name,
            "synthetic": atlas.synthetic,
            "sha256": dict(sorted(atlas.sha256.items())),
        },
    }
