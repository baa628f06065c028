"""Any BrainGlobe atlas that is installed, by name, without a network."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas, Template
from brainreg3d.errors import AtlasError, did_you_mean
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.io.structures import read_structures
from brainreg3d.sources.compact_cache import compact_from_source, content_key
from brainreg3d.sources.local import warn_unknown_ids

ATLAS_ORIGIN = "ipl"
"""Our (Z, Y, X) axes in BrainGlobe's letters: they start inferior, posterior and left."""

_VERSION_FOLDER = re.compile(r"\d+(?:_\d+)?")


def installed_brainglobe_atlases() -> dict[str, Path]:
    """Return the BrainGlobe atlases on this disk.

    Returns
    -------
    dict of str to pathlib.Path
        Manifest of the newest version, by name; in alphabetical order.
    """
    found = {}
    for folder in sorted(_brainglobe_folder().joinpath("atlases").glob("*")):
        versions = [p.parent for p in folder.glob("*/manifest.json")]
        versions = [v for v in versions if _VERSION_FOLDER.fullmatch(v.name)]
        if versions:
            newest = max(versions, key=lambda v: [int(n) for n in v.name.split("_")])
            found[folder.name] = newest / "manifest.json"
    return found


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
    the corner where axes start, so that the third axis grows to the left.
    """
    installed = installed_brainglobe_atlases()
    if name not in installed:
        have = f"Installed: {', '.join(installed)}." if installed else "None is installed."
        message = (
            f"The BrainGlobe atlas {name!r} is not installed.{did_you_mean(name, installed)} "
            f"{have} Install it with: brainglobe install -a {name}"
        )
        raise AtlasError(message)
    files = _Files.of(name, installed[name])
    spacing_um = files.resolution_um

    def load_annotation() -> tuple[NDArray[Any], tuple[float, float, float]]:
        return _turned(_voxels(files, "annotation"), files)

    def load_template() -> Template:
        files.check_voxels("template")
        return Template(*_turned(_voxels(files, "template"), files))

    files.check_voxels("annotation")
    annotation_hash = _sha256_of_folder(files.voxels["annotation"])
    key = content_key("brainglobe", annotation_hash, files.orientation, spacing_um)
    structures = read_structures(files.terminology)
    annotation = compact_from_source(key, load_annotation, name)
    warn_unknown_ids(annotation, structures, name)
    return Atlas(
        re.sub(r"_[\d.]+(um|nm|mm)$", "", name),
        annotation,
        structures,
        load_template if files.has_template else None,
        citation=str(files.manifest.get("citation", "")),
        sha256={"annotation": annotation_hash, "structures": sha256_of_file(files.terminology)},
    )


@attrs.frozen
class _Files:
    """Where the parts of an installed atlas lie, as its manifest says."""

    name: str
    root: Path
    manifest: dict[str, Any]
    terminology: Path
    voxels: dict[str, Path]

    @classmethod
    def of(cls, name: str, manifest_path: Path) -> _Files:
        root = manifest_path.parents[3]
        try:
            manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
            annotations, terms = manifest["annotation_set"], manifest["terminology"]
            resolution = tuple(float(size) for size in manifest["resolution"])
            place = {
                "annotation": _below(root, annotations) / "annotations_compressed.ome.zarr",
                "template": _below(root, annotations["template"]) / "template.ome.zarr",
            }
            voxels = {what: path / _level(path, resolution) for what, path in place.items()}
            terminology = _below(root, terms) / "terminology.csv"
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(name, error) from error
        return cls(name, root, manifest, terminology, voxels)

    @property
    def resolution_um(self) -> tuple[float, float, float]:
        first, second, third = (float(size) for size in self.manifest["resolution"])
        return first, second, third

    @property
    def orientation(self) -> str:
        return str(self.manifest.get("orientation", "asr"))

    @property
    def has_template(self) -> bool:
        """Whether there are grey values; a store without any chunk, fetched whole, is all 0."""
        chunks = self.voxels["template"] / "c"
        return not chunks.is_dir() or any(chunks.iterdir())

    def check_voxels(self, what: str) -> None:
        """BrainGlobe fetches voxels when they are first used; we refuse to start that."""
        # A zarr array keeps its voxels in "c"; without it only the metadata are installed.
        if not (self.voxels[what] / "c").is_dir():
            message = (
                f"The BrainGlobe atlas {self.name!r} is installed without its {what}, which "
                f"BrainGlobe fetches on first use. Fetch it once with: python -c "
                f'"from brainglobe_atlasapi import BrainGlobeAtlas; '
                f"BrainGlobeAtlas('{self.name}').{what}\""
            )
            raise AtlasError(message)


def _brainglobe_folder() -> Path:
    """Return BrainGlobe's data folder as its configuration names it.

    Its own function does the same but takes a second to import, reads the environment only then,
    and writes a configuration where there is none.
    """
    home = Path.home()
    config = Path(os.environ.get("BRAINGLOBE_CONFIG_DIR", home / ".config" / "brainglobe"))
    parser = configparser.ConfigParser()
    try:
        parser.read(config / "bg_config.conf", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        logger.warning("BrainGlobe's configuration in %s cannot be read (%s).", config, error)
    folder = parser.get("default_dirs", "brainglobe_dir", fallback=str(home / ".brainglobe"))
    return Path(folder).expanduser() / "brainglobe-atlasapi"


def _below(root: Path, part: dict[str, Any]) -> Path:
    return root / str(part["location"]).lstrip("/")


def _level(store: Path, resolution_um: tuple[float, ...]) -> str:
    """Return the array of an OME-Zarr pyramid that has a resolution."""
    attributes = json.loads((store / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    for dataset in attributes["ome"]["multiscales"][0]["datasets"]:
        for transformation in dataset["coordinateTransformations"]:
            if transformation["type"] == "scale":
                scale_um = np.asarray(transformation["scale"][-3:], dtype=float) * 1000.0
                if np.allclose(scale_um, resolution_um):
                    return str(dataset["path"])
    message = f"{store.name} has no level of {resolution_um} µm"
    raise ValueError(message)


def _damaged(name: str, error: Exception) -> AtlasError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return AtlasError(
        f"The BrainGlobe atlas {name!r} cannot be read ({type(error).__name__}: {reason}). Remove "
        f"its folder and install it again: brainglobe install -a {name}"
    )


def _voxels(files: _Files, what: str) -> NDArray[Any]:
    """Read a volume in BrainGlobe's axes.

    BrainGlobe's own reader takes parents for 16-bit numbers and refuses atlases with larger ones.
    """
    import zarr  # slow to import

    try:
        return np.asarray(zarr.open_array(files.voxels[what], mode="r")[...])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _damaged(files.name, error) from error


def _turned(stack: NDArray[Any], files: _Files) -> tuple[NDArray[Any], tuple[float, float, float]]:
    """Return a BrainGlobe stack in the atlas frame, and its spacing in mm."""
    from brainglobe_space import AnatomicalSpace

    space = AnatomicalSpace(files.orientation)
    order = space.map_to(ATLAS_ORIGIN)[0]
    z, y, x = (files.resolution_um[axis] / 1000.0 for axis in order)
    return space.map_stack_to(ATLAS_ORIGIN, stack), (z, y, x)


def _sha256_of_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _files_below(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\n{sha256_of_file(path)}\n".encode())
    return digest.hexdigest()


def _files_below(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.rglob("*") if path.is_file()))
