"""VolumeWriter: a registered volume, its transform and its labels on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas
from brainreg3d.errors import OutputError
from brainreg3d.geometry import VolumeGrid, reorient_from_atlas, reorient_to_atlas
from brainreg3d.io.alignment import write_json
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.io.masks import write_label_volume
from brainreg3d.io.registration_files import write_nifti, write_transform
from brainreg3d.state import Outputs, Registration, Volume
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import optional_path

REGISTRATION_SCHEMA = "brainreg3d/registration/1"
FILE_NAMES = {
    "transform": "_transform.tfm",
    "registered": "_registered.nii.gz",
    "volume": "_volume.nii.gz",
    "atlas_labels": "_atlas_labels.tif",
    "registration": "_registration.json",
}


class VolumeWriter(Step):
    """Write what a 3D registration found, all files together or none.

    Parameters
    ----------
    output_dir : path-like, optional
        Where to; beside the volume when not given.
    """

    provides: ClassVar[str] = "volume_outputs"

    output_dir: Path | None = attrs.field(default=None, converter=optional_path)

    def target(self, volume: Volume, kind: str) -> Path:
        """Return where a file goes.

        Parameters
        ----------
        volume : Volume
            The volume that was registered.
        kind : str
            A key of `FILE_NAMES`.

        Returns
        -------
        pathlib.Path
            Its path, whether it exists or not.

        Raises
        ------
        OutputError
            If the volume has no path and no folder was given.
        """
        folder = self.output_dir or (volume.path.parent if volume.path else None)
        if folder is None:
            message = "A volume given as an array has no folder; give output_dir to write results."
            raise OutputError(message)
        return folder / f"{volume.stem}{FILE_NAMES[kind]}"

    def is_current(self, previous: Outputs) -> bool:
        """Tell whether the files of the last run are still there.

        Parameters
        ----------
        previous : Outputs
            The files of the last run.

        Returns
        -------
        bool
            True if none is missing.
        """
        return all(path.is_file() for path in previous.files.values())

    def compute(  # type: ignore[override]
        self,
        *,
        atlas: Atlas,
        volume: Volume,
        registration: Registration,
        provenance: Mapping[str, Any],
    ) -> Outputs:
        """Write the files.

        Parameters
        ----------
        atlas : Atlas
            The atlas.
        volume : Volume
            The volume that was registered.
        registration : Registration
            From atlas points to points of the volume.
        provenance : mapping
            Goes into the registration file as it is.

        Returns
        -------
        Outputs
            Where the files are.

        Raises
        ------
        OutputError
            If they cannot be written; nothing is changed then.
        """
        from brainreg3d.registration import resample

        targets = {kind: self.target(volume, kind) for kind in FILE_NAMES}
        if atlas.annotation.ids.size == 1:  # a template alone has no labels to carry over
            del targets["atlas_labels"]
        turned = reorient_to_atlas(volume.data, registration.directions)
        grid = turned_grid(volume, registration.directions)
        info = f"brainreg3d {__version__}; atlas {atlas.title}"
        fixed = atlas.grid if atlas.template is None else atlas.template.grid
        with atomic_files("the registration") as files:
            paths = {kind: files.temporary(target) for kind, target in targets.items()}
            write_transform(paths["transform"], registration.matrix)
            registered = resample(turned, grid, fixed, registration.matrix)
            write_nifti(paths["registered"], registered, fixed.spacing_mm, info)
            write_nifti(paths["volume"], turned, grid.spacing_mm, info)
            if "atlas_labels" in paths:
                labels = labels_of_volume(atlas, volume, registration)
                write_label_volume(paths["atlas_labels"], labels, volume.spacing_mm, info)
            content = self._content(atlas, volume, registration, provenance, targets, paths)
            write_json(paths["registration"], content)
        return Outputs(targets)

    def _content(
        self,
        atlas: Atlas,
        volume: Volume,
        registration: Registration,
        provenance: Mapping[str, Any],
        targets: Mapping[str, Path],
        paths: Mapping[str, Path],
    ) -> dict[str, Any]:
        """Return what the registration file says; no times, so that equal runs are equal."""
        return {
            "schema": REGISTRATION_SCHEMA,
            **provenance,
            "volume": {
                "file": None if volume.path is None else volume.path.name,
                "sha256": volume.sha256,
                "shape": list(volume.data.shape),
                "spacing_mm": list(volume.spacing_mm),
                "axes_grow_to": registration.directions,
                "axes_given": volume.directions is not None,
            },
            "atlas": {"name": atlas.full_name, "synthetic": atlas.synthetic},
            "atlas_to_volume_mm": registration.matrix.tolist(),
            "frames": (
                "x to the right, y to anterior, z up, in mm, from the outer corner of each box; "
                "the transform file holds for the points of the NIfTI files as ITK reads them"
            ),
            "metric_value": registration.metric_value,
            "stop_condition": registration.stop_condition,
            "iterations": registration.iterations,
            "overlap": registration.overlap,
            "covered": registration.covered,
            "basin_gap": _finite(registration.basin_gap),
            "warnings": list(registration.warnings),
            "outputs": {
                kind: {"file": targets[kind].name, "sha256": sha256_of_file(path)}
                for kind, path in paths.items()
                if kind != "registration"
            },
        }


def turned_grid(volume: Volume, directions: str) -> VolumeGrid:
    """Return the grid of a volume whose axes were turned to those of the atlas.

    Parameters
    ----------
    volume : Volume
        The volume.
    directions : str
        Where its axes grow to.

    Returns
    -------
    VolumeGrid
        Shape and spacing along (Z, Y, X).
    """
    from brainreg3d.geometry import parse_directions

    axes, _ = parse_directions(directions)
    shape = tuple(volume.data.shape[axis] for axis in axes)
    return VolumeGrid(shape, tuple(volume.spacing_mm[axis] for axis in axes))


def labels_of_volume(
    atlas: Atlas, volume: Volume, registration: Registration
) -> NDArray[np.uint32]:
    """Return the structure of every voxel of a registered volume.

    Parameters
    ----------
    atlas : Atlas
        Its annotation is carried over to the nearest voxel.
    volume : Volume
        The volume.
    registration : Registration
        From atlas points to points of the volume.

    Returns
    -------
    numpy.ndarray of uint32
        Structure ids, on the volume's own grid and axes.
    """
    from brainreg3d.registration import resample

    grid = turned_grid(volume, registration.directions)
    inverse = np.linalg.inv(registration.matrix).astype(np.float64)
    held = atlas.annotation.volume
    index = resample(held.values, atlas.grid, grid, inverse, nearest=True, start=held.start)
    ids = atlas.annotation.ids[index]
    return np.ascontiguousarray(reorient_from_atlas(ids, registration.directions))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
