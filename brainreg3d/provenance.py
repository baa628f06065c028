"""What a run records of itself."""

from __future__ import annotations

import enum
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas
from brainreg3d.io.hashing import sha256_of_array, sha256_of_file
from brainreg3d.pose_sigma import PoseSigma, given_numbers
from brainreg3d.state import Registration, State, Volume
from brainreg3d.steps import Step

_PACKAGES = ("numpy", "numba", "scipy", "scikit-image", "scikit-learn", "tifffile", "SimpleITK")


def describe_run(
    state: State,
    chain: Sequence[tuple[str, Step]],
    method: str,
    folder: Path,
    *,
    window_mask: str | Path | None = None,
    pose_sigma: PoseSigma | None = None,
) -> dict[str, Any]:
    """Return inputs, steps and versions of a run, ready for JSON.

    Parameters
    ----------
    state : State
        The inputs, and the atlas that was used.
    chain : sequence of (str, Step)
        The steps that ran.
    method : str
        Name of the method.
    folder : pathlib.Path
        Where the run file goes; paths are written relative to it.
    window_mask : path-like, optional
        File of the window mask.
    pose_sigma : PoseSigma, optional
        How uncertain the pose is, as the user said.

    Returns
    -------
    dict
        Without times or absolute places, so that equal runs give equal files.
    """
    image = state.image
    content: dict[str, Any] = {
        **describe_software(),
        "method": method,
        "brain_regions": list(state.brain_regions),
        "pixel_size_mm": None if state.pixel_size_mm is None else list(state.pixel_size_mm),
        **given_numbers(pose_sigma),
    }
    if image is not None:
        content["image"] = {
            "file": None if image.path is None else _relative(image.path, folder),
            "sha256": image.sha256,
            "frame": image.frame,
            "shape": list(image.shape),
        }
    if state.volume is not None:
        content["volume"] = _describe_volume(state.volume, folder)
    if state.registration is not None:
        content["registration"] = _describe_registration(state.registration)
    if state.window_mask is not None:
        content["window_mask"] = {
            "file": None if window_mask is None else _relative(Path(window_mask), folder),
            "sha256": sha256_of_array(state.window_mask),
        }
    if state.atlas is not None:
        content["atlas"] = describe_atlas(state.atlas)
    if state.alignment is not None:
        origin = state.alignment.file
        content["pose_from"] = {
            "source": state.alignment.source,
            "file": None if origin is None else _relative(origin, folder),
        }
    content["steps"] = [describe_step(slot, step, folder) for slot, step in chain]
    return content


def _version_of(package: str) -> str | None:
    """Return the version of a package; some installers call it by another name, or none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _describe_volume(volume: Volume, folder: Path) -> dict[str, Any]:
    return {
        "file": None if volume.path is None else _relative(volume.path, folder),
        "sha256": volume.sha256,
        "shape": list(volume.data.shape),
        "spacing_mm": list(volume.spacing_mm),
        "orientation": volume.directions,
    }


def _describe_registration(registration: Registration) -> dict[str, Any]:
    return {
        "orientation": registration.directions,
        "atlas_to_volume_mm": registration.matrix.tolist(),
        "metric_value": registration.metric_value,
        "overlap": registration.overlap,
        "covered": registration.covered,
        "warnings": list(registration.warnings),
    }


def describe_software() -> dict[str, Any]:
    """Return the versions of what computes.

    Returns
    -------
    dict
        Ready for JSON.
    """
    return {
        "brainreg3d": __version__,
        "python": platform.python_version(),
        "packages": {name: _version_of(name) for name in _PACKAGES},
    }


def describe_atlas(atlas: Atlas) -> dict[str, Any]:
    """Return what tells an atlas from others.

    Parameters
    ----------
    atlas : Atlas
        Any atlas.

    Returns
    -------
    dict
        Ready for JSON.
    """
    return {
        "name": atlas.full_name,
        "synthetic": atlas.synthetic,
        "citation": atlas.citation,
        "sha256": dict(atlas.sha256),
    }


def describe_step(slot: str, step: Step, folder: Path) -> dict[str, Any]:
    """Return class, version and parameters of a step, ready for JSON.

    Parameters
    ----------
    slot : str
        Where it stands.
    step : Step
        The step.
    folder : pathlib.Path
        What paths are written relative to; files are named with their hashes.

    Returns
    -------
    dict
        Other for steps that may give other results.
    """
    kind = type(step)
    return {
        "slot": slot,
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "version": step.version,
        "parameters": {name: _plain(value, folder) for name, value in step.parameters().items()},
    }


def _plain(value: Any, folder: Path) -> Any:
    """Return a parameter as JSON can hold it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        if value.is_file():
            return {"file": _relative(value, folder), "sha256": sha256_of_file(value)}
        return _relative(value, folder)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, list | tuple):
        return [_plain(item, folder) for item in value]
    if isinstance(value, np.ndarray):
        return {"array": list(value.shape), "sha256": sha256_of_array(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Atlas):
        return {"object": value.full_name, "sha256": dict(value.sha256)}
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))
        return {field.name: _plain(getattr(value, field.name), folder) for field in fields}
    return type(value).__name__


def _relative(path: Path, folder: Path) -> str:
    """Return a path as seen from the folder of the run file, in POSIX form."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive
        return path.name
