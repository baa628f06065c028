"""The active atlas as a BrainGlobe atlas on disk, for brainrender and all of that family."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from brainreg3d.atlas import Atlas, StructureTree
from brainreg3d.errors import AtlasError
from brainreg3d.export.brainglobe._config import DATA_FOLDER, home_of, write_config
from brainreg3d.export.brainglobe._frame import to_brainglobe_points_um
from brainreg3d.export.brainglobe._install import check_may_write, install, installing, staging
from brainreg3d.export.brainglobe._manifest import export_name, manifest_of, part_folders
from brainreg3d.export.brainglobe._meshes import structure_surfaces
from brainreg3d.export.brainglobe._structures import rooted, terminology_csv
from brainreg3d.export.brainglobe._volumes import (
    is_symmetric,
    write_annotation,
    write_hemispheres,
    write_template,
)
from brainreg3d.geometry import VolumeGrid
from brainreg3d.io.output_folder import check_writable
from brainreg3d.surfaces import Surface

_DRACO_BITS = 16  # a step of 0.2 µm for a mouse brain; Neuroglancer allows 10 or 16
_DRACO_LEVEL = 7  # of 10; higher ones save little


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
        For the manifest; that of the atlas when not given, or ``"unknown"``.
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
    `brainreg3d.export.brainglobe._meshes` for how they are made. Structures without voxels have
    none. Equal atlases give equal bytes.
    """
    name = export_name(atlas, name)
    home = home_of(folder)
    root = home / DATA_FOLDER
    if atlas.annotation.ids.size < 2:
        message = f"The annotation of {atlas.full_name} is empty; there is nothing to export."
        raise AtlasError(message)
    structures = rooted(atlas.structures)
    check_may_write(root, name, overwrite=overwrite)
    check_writable(root)
    symmetric = is_symmetric(atlas.annotation)
    manifest = manifest_of(atlas, name, species, symmetric=symmetric)
    parts = part_folders(name)
    with staging(root) as staged:
        folders = {part: staged / place for part, place in parts.items()}
        for part, path in folders.items():
            path.mkdir(parents=True)
            _write_json(path / "manifest.json", manifest if part == "atlas" else manifest[part])
        table = folders["terminology"] / "terminology.csv"
        table.write_text(terminology_csv(structures), encoding="utf-8", newline="")
        write_template(folders["template"] / "template.ome.zarr", atlas.template, atlas.grid)
        labels = folders["annotation_set"]
        write_annotation(labels / "annotations_compressed.ome.zarr", atlas.annotation)
        if not symmetric:
            write_hemispheres(labels / "hemispheres.ome.zarr", atlas.annotation)
        _write_meshes(labels / "annotations.precomputed" / "mesh", atlas, structures)
        with installing(root):
            # Another process may have been faster.
            check_may_write(root, name, overwrite=overwrite)
            install(staged, root, list(parts.values()))
    write_config(home)
    return root / parts["atlas"] / "manifest.json"


def _write_meshes(folder: Path, atlas: Atlas, structures: StructureTree) -> None:
    from tqdm import tqdm

    folder.mkdir(parents=True)
    surfaces = structure_surfaces(atlas.annotation, structures)
    with tqdm(
        total=sum(not atlas.is_empty(structure.id) for structure in structures),
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
