"""Writes small BrainGlobe atlases to disk, as the installer would leave them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import ngff_zarr
import numpy as np
import tifffile


def _write_zarr(path: Path, stack: np.ndarray, resolution_um: tuple[float, ...]) -> None:
    scale: Any = dict(zip("zyx", (size / 1000 for size in resolution_um), strict=True))
    image = ngff_zarr.to_ngff_image(stack, dims=("z", "y", "x"), scale=scale)
    multiscales = ngff_zarr.to_multiscales(image, scale_factors=[], chunks=32)
    path.parent.mkdir(parents=True, exist_ok=True)
    ngff_zarr.to_ngff_zarr(str(path), multiscales, version="0.5")


def _write_config(home: Path) -> None:
    (home / "bg_config.conf").write_text(
        f"[default_dirs]\nbrainglobe_dir = {home / 'data'}\ninterm_download_dir = {home / 'data'}\n"
    )


def write_brainglobe_atlas(
    home: Path,
    name: str,
    annotation: np.ndarray,
    template: np.ndarray | None,
    structures: list[tuple[int, str, str, list[int]]],
    resolution_um: tuple[float, float, float],
    orientation: str = "asr",
    hemispheres: np.ndarray | None = None,
) -> Path:
    """Install an atlas of format 3 below `home`, with the configuration that points there.

    Returns the folder of all atlases' parts. With hemispheres (1 left, 2 right) the atlas says that
    it is not symmetric.

    Without a template there are only its metadata, as in an atlas whose template was never used.
    """
    root = home / "data" / "brainglobe-atlasapi"
    _write_config(home)
    terms = {"location": f"/terminologies/{name}-terms/1_0", "name": "terms"}
    reference = {"location": f"/templates/{name}-template/1_0", "name": "template"}
    labels: dict[str, object] = {
        "location": f"/annotation-sets/{name}-labels/1_0",
        "name": "labels",
    }
    labels["template"] = reference
    manifest = {
        "name": name,
        "version": "1.0",
        "citation": "A test (2020)",
        "atlas_link": "",
        "species": "Mus testus",
        "symmetric": hemispheres is None,
        "resolution": list(resolution_um),
        "orientation": orientation,
        "shape": list(annotation.shape),
        "additional_references": [],
        "terminology": terms,
        "annotation_set": labels,
        "template": reference,
        "coordinate_space": {"location": "/coordinate-spaces/test/1_0", "name": "space"},
    }
    folder = root / "atlases" / name / "1_0"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    below = root / f"annotation-sets/{name}-labels/1_0"
    _write_zarr(below / "annotations_compressed.ome.zarr", annotation, resolution_um)
    if hemispheres is not None:
        _write_zarr(below / "hemispheres.ome.zarr", hemispheres, resolution_um)
    grey = annotation.astype(np.uint16) if template is None else template
    _write_zarr(root / reference["location"][1:] / "template.ome.zarr", grey, resolution_um)
    if template is None:
        for chunks in (root / reference["location"][1:]).rglob("c"):
            shutil.rmtree(chunks)
    table = root / terms["location"][1:]
    table.mkdir(parents=True)
    columns = (
        "identifier,parent_identifier,annotation_value,name,abbreviation,color_hex_triplet,"
        "root_identifier_path"
    )
    lines = [columns]
    for identifier, acronym, full_name, path in structures:
        parent = path[-2] if len(path) > 1 else ""
        lines.append(f'{identifier},{parent},{identifier},{full_name},{acronym},#0A141E,"{path}"')
    (table / "terminology.csv").write_text("\n".join(lines) + "\n")
    return root


def write_tiff_atlas(
    home: Path,
    name: str,
    annotation: np.ndarray,
    template: np.ndarray,
    structures: list[tuple[int, str, str, list[int]]],
    resolution_um: tuple[float, float, float],
    orientation: str = "asr",
    hemispheres: np.ndarray | None = None,
    version: str = "1.0",
) -> Path:
    """Install an atlas in the layout before format 3 below `home`; return its folder."""
    _write_config(home)
    folder = home / "data" / f"{name}_v{version}"
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "annotation.tiff", annotation)
    tifffile.imwrite(folder / "reference.tiff", template.astype(np.uint16))
    if hemispheres is not None:
        tifffile.imwrite(folder / "hemispheres.tiff", hemispheres)
    metadata = {
        "name": name.rpartition("_")[0],
        "version": version,
        "citation": "A test (2020)",
        "atlas_link": "",
        "species": "Mus testus",
        "symmetric": hemispheres is None,
        "resolution": list(resolution_um),
        "orientation": orientation,
        "shape": list(annotation.shape),
        "additional_references": [],
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))
    records = [
        {
            "id": identifier,
            "acronym": acronym,
            "name": full_name,
            "structure_id_path": path,
            "rgb_triplet": [10, 20, 30],
        }
        for identifier, acronym, full_name, path in structures
    ]
    (folder / "structures.json").write_text(json.dumps(records))
    return folder
