"""Any BrainGlobe atlas that is installed, by name, without a network."""

from __future__ import annotations

import re

from brainreg3d.atlas import Atlas, Template
from brainreg3d.atlas.slabs import VolumeSlabs
from brainreg3d.errors import AtlasError, did_you_mean
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.io.structures import read_structures
from brainreg3d.sources.brainglobe_files import BrainGlobeFiles, installed_brainglobe_atlases
from brainreg3d.sources.brainglobe_volumes import (
    right_hemisphere,
    spacing_mm,
    volume_sha256,
    volume_slabs,
    whole_volume,
)
from brainreg3d.sources.compact_cache import compact_from_source, content_key
from brainreg3d.sources.local import check_same_box, warn_unknown_ids

__all__ = ["installed_brainglobe_atlases", "load_brainglobe_atlas"]


def load_brainglobe_atlas(name: str) -> Atlas:
    """Load an installed BrainGlobe atlas; nothing is ever downloaded here.

    Parameters
    ----------
    name : str
        BrainGlobe's name with resolution, such as ``"kim_mouse_10um"``.

    Returns
    -------
    Atlas
        In the atlas frame; its template is read when it is first asked for.

    Raises
    ------
    AtlasError
        If it is not installed, was installed without its voxels, or cannot be read.

    Notes
    -----
    Volumes are turned by the orientation that the atlas declares. BrainGlobe's ``"asr"`` names
    the corner where axes start, so that the third axis grows to the left. Of an atlas that is not
    its own mirror image the hemispheres are those of its volume of hemispheres.
    """
    installed = installed_brainglobe_atlases()
    if name not in installed:
        have = f"Installed: {', '.join(installed)}." if installed else "None is installed."
        message = (
            f"The BrainGlobe atlas {name!r} is not installed.{did_you_mean(name, installed)} "
            f"{have} Install it with: brainglobe install -a {name}"
        )
        raise AtlasError(message)
    files = BrainGlobeFiles.read(name, installed[name])
    spacing = spacing_mm(files)

    def load_annotation() -> tuple[VolumeSlabs, tuple[float, float, float]]:
        return volume_slabs(files, "annotation"), spacing

    def load_template() -> Template:
        template = Template(whole_volume(files, "template"), spacing)
        check_same_box(annotation.grid, template.grid, f"Annotation and template of {name}")
        return template

    files.check_voxels("annotation")
    right = right_hemisphere(files)
    labels = [what for what in ("annotation", "hemispheres") if what in files.volumes]
    sha256 = {what: volume_sha256(files, what) for what in labels}
    key = content_key("brainglobe", *sha256.values(), files.orientation, files.resolution_um)
    structures = read_structures(files.structures)
    annotation = compact_from_source(key, load_annotation, name, right)
    warn_unknown_ids(annotation, structures, name)
    return Atlas(
        re.sub(r"_[\d.]+(um|nm|mm)$", "", name),
        annotation,
        structures,
        load_template if files.has_template else None,
        citation=str(files.manifest.get("citation", "")),
        species=str(files.manifest.get("species", "")),
        sha256={**sha256, "structures": sha256_of_file(files.structures)},
    )
