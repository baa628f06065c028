"""Alignments as users give them: files, poses and results, and whether they belong here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas
from brainreg3d.errors import AlignmentError, InputError
from brainreg3d.geometry import ImageView, Pose
from brainreg3d.io.alignment import AlignmentFile, read_alignment
from brainreg3d.state import Alignment, Image

_MAY_BE_ONE = {"local", "allen_mouse"}  # what files of the user's mostly are
_FARTHEST_BOXES = 100.0  # lengths of the box; numbers in µm are hundreds of them away


def as_alignment(value: Any) -> Pose | AlignmentFile | Path | None:
    """Return an alignment in one of the ways it can be kept; a converter for `attrs.field`.

    Parameters
    ----------
    value : path-like, Pose, ImageView, Alignment or None
        What was given.

    Returns
    -------
    Pose or AlignmentFile or pathlib.Path or None
        A file is not read yet.

    Raises
    ------
    InputError
        If it is something else.
    """
    if value is None or isinstance(value, Pose | AlignmentFile | Path):
        return value
    if isinstance(value, str):
        return Path(value)
    view = value.view if isinstance(value, Alignment) else value
    if isinstance(view, ImageView):
        bregma = value.bregma if isinstance(value, Alignment) else None
        return AlignmentFile(view.pose, view.camera, view.pixel_size_mm, view.shape, bregma=bregma)
    message = (
        f"alignment is an alignment file, a Pose, the alignment of another result, or None; "
        f"got {value!r}."
    )
    raise InputError(message)


def read_given(alignment: Pose | AlignmentFile | Path | None) -> AlignmentFile | None:
    """Return what an alignment says; a file is read now.

    Parameters
    ----------
    alignment : Pose, AlignmentFile, pathlib.Path or None
        From `as_alignment`.

    Returns
    -------
    AlignmentFile or None
        None when none was given.

    Raises
    ------
    MissingFileError
        If there is no such file.
    AlignmentError
        If it cannot be used.
    """
    if isinstance(alignment, Path):
        return read_alignment(alignment)
    return AlignmentFile(alignment) if isinstance(alignment, Pose) else alignment


def check_belongs(record: AlignmentFile, image: Image, atlas: Atlas | None) -> None:
    """Refuse an alignment of an image of another size; warn of other differences.

    Parameters
    ----------
    record : AlignmentFile
        The alignment.
    image : Image
        The image that it is used for.
    atlas : Atlas or None
        The atlas that it is used with, where it is known by now.

    Raises
    ------
    AlignmentError
        If it was made for an image of another shape.
    """
    if record.image_shape is not None and record.image_shape != image.shape:
        message = (
            f"The alignment was made for an image of {record.image_shape} pixels (rows, columns) "
            f"but this one is {image.shape}; give the alignment that belongs to it."
        )
        raise AlignmentError(message)
    if record.image_sha256 not in (None, image.sha256):
        logger.warning(
            "The alignment was made for another image of the same size%s, not for %s; give the "
            "alignment that belongs to it, or check that both show the same place.",
            f", {record.image_file}" if record.image_file else "",
            image.stem if image.path is None else image.path.name,
        )
    if atlas is not None:
        check_atlas(record, atlas)
        _check_place(record.pose, atlas)


def check_atlas(record: AlignmentFile, atlas: Atlas) -> None:
    """Warn of an alignment that was made with another atlas.

    Parameters
    ----------
    record : AlignmentFile
        The alignment.
    atlas : Atlas
        The atlas that it is used with.
    """
    name = record.atlas.get("name", atlas.name)
    if name != atlas.name and not {name, atlas.name} <= _MAY_BE_ONE:
        logger.warning(
            "The alignment was made with %s, not %s; positions mean the same only if both are the "
            "same brain in the same place.",
            _words(name),
            _words(atlas.name),
        )
    if name == atlas.name and _is_other_annotation(record.atlas, atlas):
        logger.warning("The alignment was made with another annotation of atlas %s.", name)


def _words(name: str) -> str:
    return "an atlas of local files" if name == "local" else f"atlas {name}"


def _is_other_annotation(recorded: Mapping[str, Any], atlas: Atlas) -> bool:
    """Tell whether annotations of one resolution differ; what is not known is no difference."""
    resolution = recorded.get("resolution_um")
    resolution = tuple(resolution) if isinstance(resolution, list) else resolution
    if resolution not in (None, atlas.resolution_um):
        return False
    hashes = recorded.get("annotation_sha256"), atlas.sha256.get("annotation")
    return all(hashes) and hashes[0] != hashes[1]


def _check_place(pose: Pose, atlas: Atlas) -> None:
    """Refuse a pose so far from the brain that its numbers must mean something else."""
    box = np.asarray(atlas.grid.box_mm)
    outside = np.maximum(np.maximum(-np.asarray(pose.center_mm), pose.center_mm - box), 0.0)
    if np.linalg.norm(outside) <= _FARTHEST_BOXES * box.max():
        return
    message = (
        f"The image's centre, {pose.center_mm}, lies far from the brain: expected center_mm as "
        f"(x, y, z) in mm to the right, to anterior and up from the left, posterior, inferior "
        f"corner of the atlas's box of {tuple(box.tolist())} mm. Numbers in µm, or from bregma, "
        f"have to be turned into these."
    )
    raise AlignmentError(message)
