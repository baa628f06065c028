"""BrainGlobe's atlases on disk: where their parts lie, and what their manifests say.

There are two layouts. Since version 3 of brainglobe-atlasapi volumes are OME-Zarr stores and the
parts of an atlas lie in folders of their own; before, everything lay in one folder, with volumes as
TIFF stacks.
"""

from __future__ import annotations

import configparser
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from brainreg3d._logging import logger
from brainreg3d.errors import AtlasError

FAILURES = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, IndexError)
"""What readers raise when they meet something unexpected."""

_VERSION_FOLDER = re.compile(r"\d+(?:_\d+)?")
_TIFF_FOLDER = re.compile(r"(.+)_v(\d+)\.(\d+)")
_TIFF_MANIFEST = "metadata.json"
_SIDES = ("ap", "is", "lr")

Parts = tuple[Path, dict[str, Path]]
Sizes = tuple[float, float, float]


def installed_brainglobe_atlases() -> dict[str, Path]:
    """Return the BrainGlobe atlases on this disk.

    Returns
    -------
    dict of str to pathlib.Path
        Manifest of the newest version, by name; in alphabetical order.
    """
    home = _brainglobe_home()
    found: dict[str, tuple[list[int], Path]] = {}
    for manifest in sorted(home.glob(f"*/{_TIFF_MANIFEST}")):
        if match := _TIFF_FOLDER.fullmatch(manifest.parent.name):
            version = [0, int(match[2]), int(match[3])]
            found[match[1]] = max(found.get(match[1], ([], manifest)), (version, manifest))
    for manifest in sorted(home.glob("brainglobe-atlasapi/atlases/*/*/manifest.json")):
        name, folder = manifest.parents[1].name, manifest.parent.name
        if _VERSION_FOLDER.fullmatch(folder):
            version = [1, *(int(number) for number in folder.split("_"))]
            found[name] = max(found.get(name, ([], manifest)), (version, manifest))
    return {name: found[name][1] for name in sorted(found)}


@attrs.frozen
class BrainGlobeFiles:
    """The parts of an installed atlas.

    Parameters
    ----------
    name : str
        Its name with resolution.
    manifest : mapping
        What it says about itself.
    structures : pathlib.Path
        Its structure tree.
    volumes : mapping of str to pathlib.Path
        ``"annotation"``, ``"template"`` and, of an atlas that is not its own mirror image,
        ``"hemispheres"``: TIFF stacks, or folders of zarr arrays.
    orientation : str
        Corner at which the axes of all volumes start, in BrainGlobe's letters.
    resolution_um : tuple of float
        Voxel size along these axes.
    """

    name: str
    manifest: Mapping[str, Any] = attrs.field(repr=False)
    structures: Path
    volumes: Mapping[str, Path]
    orientation: str
    resolution_um: Sizes

    @classmethod
    def read(cls, name: str, path: Path) -> BrainGlobeFiles:
        """Find the parts that a manifest names.

        Parameters
        ----------
        name : str
            Name of the atlas with resolution.
        path : pathlib.Path
            Its manifest, as from `installed_brainglobe_atlases`.

        Returns
        -------
        BrainGlobeFiles
            Of the volumes only metadata have been read.

        Raises
        ------
        AtlasError
            If the manifest or the metadata are damaged, or say what cannot be.
        """
        find = _tiff_parts if path.name == _TIFF_MANIFEST else _ome_zarr_parts
        try:
            manifest = dict(json.loads(path.read_text(encoding="utf-8")))
            orientation = _orientation(name, manifest)
            resolution_um = _resolution_um(name, manifest)
            _check_symmetric(name, manifest)
            structures, volumes = find(manifest, path, resolution_um)
        except AtlasError:
            raise
        except FAILURES as error:
            raise damaged(name, error) from error
        return cls(name, manifest, structures, volumes, orientation, resolution_um)

    @property
    def has_template(self) -> bool:
        """Whether there are grey values; a store without any chunk, fetched whole, is all 0."""
        chunks = self.volumes["template"] / "c"
        return not chunks.is_dir() or any(chunks.iterdir())

    def check_voxels(self, what: str) -> None:
        """Refuse to go on without voxels, which BrainGlobe would fetch when they are first used.

        Parameters
        ----------
        what : str
            Which of the volumes.

        Raises
        ------
        AtlasError
            If they are not on this disk.
        """
        path = self.volumes[what]
        # A zarr array keeps its voxels in "c"; without it only the metadata are installed.
        if path.is_file() or (path / "c").is_dir():
            return
        if path.suffix == ".tiff":
            raise damaged(self.name, FileNotFoundError(f"there is no {path.name}"))
        message = (
            f"The BrainGlobe atlas {self.name!r} is installed without its {what}, which "
            f"BrainGlobe fetches on first use. Fetch it once with: python -c "
            f'"from brainglobe_atlasapi import BrainGlobeAtlas; '
            f"BrainGlobeAtlas('{self.name}').{what}\""
        )
        raise AtlasError(message)


def damaged(name: str, error: Exception) -> AtlasError:
    """Return the error for an atlas whose files cannot be read.

    Parameters
    ----------
    name : str
        Its name.
    error : Exception
        What went wrong.

    Returns
    -------
    AtlasError
        To be raised.
    """
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return AtlasError(
        f"The BrainGlobe atlas {name!r} cannot be read ({type(error).__name__}: {reason}). Remove "
        f"its folder and install it again: brainglobe install -a {name}"
    )


def _brainglobe_home() -> Path:
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
    return Path(folder).expanduser()


def _orientation(name: str, manifest: Mapping[str, Any]) -> str:
    value = manifest.get("orientation", "asr")
    letters = sorted(value) if isinstance(value, str) else []
    if len(letters) == 3 and all(any(one in pair for one in letters) for pair in _SIDES):
        return str(value)
    expected = 'three lower-case letters, one of each pair a/p, s/i and l/r, such as "asr"'
    raise _wrong_entry(name, "orientation", value, expected)


def _resolution_um(name: str, manifest: Mapping[str, Any]) -> Sizes:
    value = manifest["resolution"]
    sizes = value if isinstance(value, list) and len(value) == 3 else []
    if sizes and all(type(size) in (int, float) and 0 < size < math.inf for size in sizes):
        return float(sizes[0]), float(sizes[1]), float(sizes[2])
    expected = "three positive numbers in µm, one for each axis, such as [25, 25, 25]"
    raise _wrong_entry(name, "resolution", value, expected)


def _check_symmetric(name: str, manifest: Mapping[str, Any]) -> None:
    value = manifest.get("symmetric", True)
    if not isinstance(value, bool):
        expected = "true where its right half mirrors its left, else false"
        raise _wrong_entry(name, "symmetric", value, expected)


def _wrong_entry(name: str, entry: str, value: object, expected: str) -> AtlasError:
    return AtlasError(
        f"The manifest of the BrainGlobe atlas {name!r} has {value!r} as its {entry}; expected "
        f"{expected}. Correct it, or remove the atlas's folder and install it again: brainglobe "
        f"install -a {name}"
    )


def _tiff_parts(manifest: Mapping[str, Any], path: Path, resolution_um: Sizes) -> Parts:  # noqa: ARG001 - as of the other layout
    folder = path.parent
    volumes = {"annotation": folder / "annotation.tiff", "template": folder / "reference.tiff"}
    if not manifest.get("symmetric", True):
        volumes["hemispheres"] = folder / "hemispheres.tiff"
    return folder / "structures.json", volumes


def _ome_zarr_parts(manifest: Mapping[str, Any], path: Path, resolution_um: Sizes) -> Parts:
    root = path.parents[3]

    def below(part: Mapping[str, Any]) -> Path:
        return root / str(part["location"]).lstrip("/")

    labels = manifest["annotation_set"]
    stores = {
        "annotation": below(labels) / "annotations_compressed.ome.zarr",
        "template": below(labels["template"]) / "template.ome.zarr",
    }
    volumes = {what: store / _level(store, resolution_um) for what, store in stores.items()}
    if not manifest.get("symmetric", True):
        sides = below(labels) / "hemispheres.ome.zarr"
        is_known = (sides / "zarr.json").is_file()
        volumes["hemispheres"] = sides / (_level(sides, resolution_um) if is_known else "0")
    return below(manifest["terminology"]) / "terminology.csv", volumes


def _level(store: Path, resolution_um: Sizes) -> str:
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
