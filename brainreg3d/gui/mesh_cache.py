"""Surfaces to look at, kept from one window to the next."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from brainreg3d._logging import logger
from brainreg3d.atlas import Annotation, Atlas, RegionSet
from brainreg3d.io.cache import cache_dir
from brainreg3d.surfaces import Surface

_VERSION = 4  # raised whenever surfaces are made in another way


def cached_surfaces(
    atlas: Atlas, regions: RegionSet, make: Callable[[Annotation, RegionSet], dict[str, Surface]]
) -> dict[str, Surface]:
    """Return surfaces from the cache, or make them and put them there.

    Parameters
    ----------
    atlas : Atlas
        The brain.
    regions : RegionSet
        The regions.
    make : callable
        Makes the surfaces of an annotation.

    Returns
    -------
    dict of str to Surface
        What `make` returned, now or earlier; always with 32-bit vertices, so that a picture does
        not depend on where they came from.
    """
    path = _place(atlas, regions)
    if path is not None and path.is_file():
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return _unpacked(arrays)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.info("%s cannot be read (%s); its surfaces are made again.", path, error)
    packed = _packed(make(atlas.annotation, regions))
    if path is not None:
        _keep(path, packed)
    return _unpacked(packed)


def _place(atlas: Atlas, regions: RegionSet) -> Path | None:
    """Return where surfaces are kept; None for an atlas whose content is not known by a hash."""
    source = atlas.sha256.get("annotation")
    if not source:
        return None
    key = hashlib.sha256(f"{_VERSION} {source} {atlas.grid}".encode())
    for region in regions:
        key.update(f"{region.acronym} {sorted(region.structure_ids)}".encode())
    return cache_dir() / "surfaces" / f"{key.hexdigest()[:32]}.npz"


def _keep(path: Path, arrays: dict[str, Any]) -> None:
    """Write a file in one move; a cache that cannot be written is done without."""
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        logger.info("Surfaces are not kept in %s: %s", path.parent, error)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _packed(surfaces: dict[str, Surface]) -> dict[str, Any]:
    arrays: dict[str, Any] = {"names": np.array(list(surfaces), dtype=str)}
    for place, surface in enumerate(surfaces.values()):
        arrays[f"vertices_{place}"] = surface.vertices_mm.astype(np.float32)
        arrays[f"faces_{place}"] = surface.faces.astype(np.int32)
    return arrays


def _unpacked(arrays: Any) -> dict[str, Surface]:
    return {
        str(name): Surface(
            arrays[f"vertices_{place}"].astype(np.float64),
            arrays[f"faces_{place}"].astype(np.int64),
        )
        for place, name in enumerate(arrays["names"])
    }
