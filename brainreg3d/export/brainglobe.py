"""The active atlas as a BrainGlobe atlas on disk, for brainrender and all of that family."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from brainreg3d._logging import logger
from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas, StructureTree
from brainreg3d.errors import AtlasError, InputError
from brainreg3d.export._frame import ORIENTATION, to_brainglobe_points_um, to_brainglobe_sizes
from brainreg3d.export._install import PACKAGER, check_may_write, install, staging
from brainreg3d.export._meshes import structure_surfaces
from brainreg3d.export._structures import rooted, terminology_csv
from brainreg3d.export._volumes import (
    is_symmetric,
    write_annotation,
    write_hemispheres,
    write_template,
)
from brainreg3d.geometry import VolumeGrid
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.output_folder import check_writable
from brainreg3d.surfaces import Surface

DATA_FOLDER = "brainglobe-atlasapi"
"""What BrainGlobe calls the folder of all atlases, below the one that its configuration names."""

CONFIG_FILE = "bg_config.conf"

VERSION = "1.0"
"""Version of every export; an export has no history that its number could count."""

SPECIES = {"allen_mouse": "Mus musculus", "phantom": "Mus musculus (synthetic)"}
"""Species of the atlases that brainreg3d knows itself."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESOLUTION = re.compile(r"_(\d+(?:\.\d+)?)um$")
_DRACO_BITS = 16  # a step of 0.2 µm for a mouse brain; Neuroglancer allows 10 or 16
_DRACO_LEVEL = 7


def export_brainglobe_atlas(
    atlas: Atlas,
    folder: str | Path,
    name: str | None = None,
    *,
    species: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an atlas in BrainGlobe's format (version 3), so that it opens without a network.

    Parameters
    ----------
    atlas : Atlas
        Any atlas: Allen's, local files, the phantom, or another BrainGlobe atlas.
    folder : path-like
        BrainGlobe's data folder; the atlas goes to ``brainglobe-atlasapi`` in it. It is made if
        there is none, with a ``bg_config.conf`` that points to it.
    name : str, optional
        Name of the export; the resolution in µm, such as ``"_25um"``, is added if it is missing.
        The atlas's own name when not given. Where voxels have unequal sides the resolution is
        that from front to back, as in BrainGlobe's own names.
    species : str, optional
        For the manifest; ``"unknown"`` when not given for an atlas of which it is not known.
    overwrite : bool
        Whether to replace an earlier export of that name. Atlases that BrainGlobe installed are
        never replaced.

    Returns
    -------
    pathlib.Path
        The manifest, ``<folder>/brainglobe-atlasapi/atlases/<name>/1_0/manifest.json``.

    Raises
    ------
    AtlasError
        If the annotation is empty, or the tree has no place for BrainGlobe's root.
    InputError
        If the name cannot be one of a BrainGlobe atlas.
    OutputError
        If there is an atlas of that name, or the folder cannot be written to. What was there is
        unchanged then.

    Notes
    -----
    BrainGlobe's axes start at the anterior, superior, right corner, opposite to the origin of the
    atlas frame, so all three axes turn round. Meshes are in nanometres from that corner; see
    `brainreg3d.export._meshes` for how they are made. Structures without voxels have none. Equal
    atlases give equal bytes.
    """
    name = _export_name(atlas, name)
    home = _home(Path(folder))
    root = home / DATA_FOLDER
    if atlas.annotation.ids.size < 2:
        message = f"The annotation of {atlas.full_name} is empty; there is nothing to export."
        raise AtlasError(message)
    structures = rooted(atlas.structures)
    check_may_write(root, name, overwrite=overwrite)
    check_writable(root)
    version = VERSION.replace(".", "_")
    places = {
        "terminology": f"terminologies/{name}-terminology/{version}",
        "template": f"templates/{name}-template/{version}",
        "coordinate_space": f"coordinate-spaces/{name}-space/{version}",
        "annotation_set": f"annotation-sets/{name}-annotation/{version}",
        "atlas": f"atlases/{name}/{version}",
    }
    with staging(root) as staged:
        folders = {part: staged / place for part, place in places.items()}
        for part in folders.values():
            part.mkdir(parents=True)
        symmetric = is_symmetric(atlas.annotation)
        manifest = _manifest(atlas, name, places, symmetric)
        manifest["species"] = species or SPECIES.get(atlas.name, "unknown")
        for part, path in folders.items():
            _write_json(path / "manifest.json", manifest if part == "atlas" else manifest[part])
        table = folders["terminology"] / "terminology.csv"
        table.write_text(terminology_csv(structures), encoding="utf-8", newline="")
        write_template(folders["template"] / "template.ome.zarr", atlas.template, atlas.grid)
        labels = folders["annotation_set"]
        write_annotation(labels / "annotations_compressed.ome.zarr", atlas.annotation)
        if not symmetric:
            write_hemispheres(labels / "hemispheres.ome.zarr", atlas.grid)
        _write_meshes(labels / "annotations.precomputed" / "mesh", atlas, structures)
        check_may_write(root, name, overwrite=overwrite)  # another process may have been faster
        install(staged, root, list(places.values()))
    _write_config(home)
    return root / places["atlas"] / "manifest.json"


def opening_recipe(manifest: str | Path) -> tuple[str, str, str]:
    """Return how to open an exported atlas.

    Parameters
    ----------
    manifest : path-like
        What `export_brainglobe_atlas` returned.

    Returns
    -------
    tuple of str
        Three lines: for BrainGlobe's Python interface, for brainrender, and for brainreg3d.
    """
    manifest = Path(manifest)
    name, home = manifest.parents[1].name, str(manifest.parents[4].absolute())
    setting = f"BRAINGLOBE_CONFIG_DIR={_quoted(home)}"
    return (
        f'BrainGlobe:  BrainGlobeAtlas("{name}", brainglobe_dir={home!r}, check_latest=False)',
        f"brainrender: {setting} python, "
        f'then Scene(atlas_name="{name}", check_latest=False)',
        f"brainreg3d:  {setting} brainreg3d run IMAGE --atlas {name}",
    )


def _home(folder: Path) -> Path:
    """Return the folder above ``brainglobe-atlasapi``, which may be what was given."""
    folder = folder.expanduser()
    return folder.parent if folder.name == DATA_FOLDER else folder


def _export_name(atlas: Atlas, name: str | None) -> str:
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


def _manifest(
    atlas: Atlas, name: str, places: dict[str, str], symmetric: bool
) -> dict[str, Any]:
    part = {
        key: {"name": place.split("/")[1], "version": VERSION, "location": f"/{place}"}
        for key, place in places.items()
    }
    reference = {"template": part["template"]}
    return {
        "name": _RESOLUTION.sub("", name),
        "location": part["atlas"]["location"],
        "citation": atlas.citation or "unpublished",
        "atlas_link": "",
        "species": "",
        "symmetric": symmetric,
        "resolution": list(to_brainglobe_sizes(atlas.grid.resolution_um)),
        "orientation": ORIENTATION,
        "version": VERSION,
        "shape": list(to_brainglobe_sizes(atlas.grid.shape)),
        "additional_references": [],
        "atlas_packager": f"{PACKAGER} {__version__}",
        "coordinate_space": {**part["coordinate_space"], **reference},
        "terminology": part["terminology"],
        "annotation_set": {
            **part["annotation_set"],
            **reference,
            "terminology": part["terminology"],
        },
        "template": part["template"],
        "exported_from": {
            "atlas": atlas.full_name,
            "synthetic": atlas.synthetic,
            "sha256": dict(sorted(atlas.sha256.items())),
        },
    }


def _write_meshes(folder: Path, atlas: Atlas, structures: StructureTree) -> None:
    from tqdm import tqdm

    folder.mkdir(parents=True)
    surfaces = structure_surfaces(atlas.annotation, structures)
    with tqdm(
        total=len(structures),
        desc="Meshes",
        unit="structure",
        disable=not sys.stderr.isatty(),
    ) as bar:
        for identifier, surface in surfaces:
            (folder / str(identifier)).write_bytes(_draco(surface, atlas.grid))
            bar.update()


def _draco(surface: Surface, grid: VolumeGrid) -> bytes:
    """Encode a mesh as BrainGlobe does: in nm, axes from last to first, faces turned with them."""
    import DracoPy
    import numpy as np

    points_nm = to_brainglobe_points_um(surface.vertices_mm, grid)[:, ::-1] * 1000.0
    points = np.ascontiguousarray(points_nm, dtype=np.float32)
    low = points.min(axis=0)
    return bytes(
        DracoPy.encode(
            points,
            # From right-handed axes to BrainGlobe's and on to the file's: two reflections.
            np.ascontiguousarray(surface.faces, dtype=np.uint32),
            quantization_bits=_DRACO_BITS,
            compression_level=_DRACO_LEVEL,
            quantization_range=max(1.0, float((points.max(axis=0) - low).max())),
            quantization_origin=low.tolist(),
        )
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8", newline="")


def _write_config(home: Path) -> None:
    """Write the configuration that makes this BrainGlobe's data folder, unless there is one."""
    path = home / CONFIG_FILE
    if path.exists():
        logger.info("%s is there already and is left as it is.", path)
        return
    place = str(home.absolute()).replace("%", "%%")  # configparser's own sign
    text = f"[default_dirs]\nbrainglobe_dir = {place}\ninterm_download_dir = {place}\n"
    with atomic_files("BrainGlobe's configuration") as files:
        files.temporary(path).write_text(text, encoding="utf-8", newline="")


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
