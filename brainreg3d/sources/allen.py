"""The Allen Mouse Brain Common Coordinate Framework (CCFv3, 2017), from Allen's own files."""

from __future__ import annotations

from brainreg3d.atlas import Atlas, Template
from brainreg3d.sources.allen_files import (
    cached_allen_files,
    fetch_allen_file,
    import_allen_file,
    temporary_allen_file,
)
from brainreg3d.sources.local import check_same_box, load_local_atlas

__all__ = [
    "CITATION",
    "NAME",
    "SPECIES",
    "cached_allen_files",
    "fetch_allen_file",
    "import_allen_file",
    "load_allen_atlas",
    "temporary_allen_file",
]

NAME = "allen_mouse"
SPECIES = "Mus musculus"
CITATION = (
    "Wang et al. (2020). The Allen Mouse Brain Common Coordinate Framework: A 3D Reference Atlas. "
    "Cell 181(4), 936-953. https://doi.org/10.1016/j.cell.2020.04.007"
)


def load_allen_atlas(resolution_um: int) -> Atlas:
    """Load Allen's mouse atlas, fetching its files when they are not in the cache.

    Parameters
    ----------
    resolution_um : {10, 25, 50, 100}
        Voxel size.

    Returns
    -------
    Atlas
        In the atlas frame; its template is fetched when it is first asked for.

    Raises
    ------
    AtlasError
        If there is no such resolution.
    DownloadError
        If a file cannot be fetched whole.

    Notes
    -----
    The third axis of the files is read as growing to the right, as Allen, NWB's
    ``AllenCCFv3Space`` and the International Brain Laboratory read it.
    """
    annotation = fetch_allen_file("annotation", resolution_um)
    structures = fetch_allen_file("structures")
    atlas = load_local_atlas(annotation, structures, name=NAME, citation=CITATION, species=SPECIES)

    def load_template() -> Template:
        from brainreg3d.io.volumes import read_volume

        volume = read_volume(fetch_allen_file("template", resolution_um))
        check_same_box(atlas.grid, volume.header.grid, "Allen's annotation and template")
        return Template(volume.data, volume.spacing_mm)

    return Atlas(
        atlas.name,
        atlas.annotation,
        atlas.structures,
        load_template,
        citation=CITATION,
        sha256=atlas.sha256,
        species=SPECIES,
    )
