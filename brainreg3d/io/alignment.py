"""The alignment file: a small JSON text that says where an image lies in the atlas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from brainreg3d._arrays import finite_numbers
from brainreg3d._logging import logger
from brainreg3d._version import __version__
from brainreg3d.atlas import DEFAULT_BREGMA, Atlas, find_bregma
from brainreg3d.errors import AlignmentError, BrainReg3DError, InputError
from brainreg3d.geometry import Camera, Pose
from brainreg3d.geometry.view import check_pixel_size
from brainreg3d.io.atomic import AtomicFiles, atomic_files
from brainreg3d.io.json_file import check_keys, read_json
from brainreg3d.pose_sigma import check_uncertainty
from brainreg3d.state import Alignment, Image

SCHEMA = "brainreg3d/alignment/1"
EXTRA_KEYS = ("uncertainty", "landmarks", "history")
_EVIDENCE = ("uncertainty", "landmarks")
_KEYS: dict[str, tuple[str, ...]] = {
    "": ("schema", "image", "pose", "camera", "atlas", "bregma", "brainreg3d", *EXTRA_KEYS),
    "image": ("shape", "pixel_size_mm", "sha256", "file", "frame"),
    "pose": ("center_mm", "yaw_deg", "pitch_deg", "roll_deg", "mirrored"),
    "camera": ("distance_mm", "principal_point_px"),
    "atlas": ("name", "resolution_um", "annotation_sha256"),
}


@attrs.frozen
class AlignmentFile:
    """What an alignment file says; only the pose is always there.

    Parameters
    ----------
    pose : Pose
        Where the image plane lies.
    camera : Camera or None
        None when the file says nothing of it, which is not the same as parallel rays.
    pixel_size_mm : tuple of float or None
        (row, column) size of a pixel.
    image_shape : tuple of int or None
        (rows, columns) of the image it was made for.
    image_sha256 : str or None
        Hash of that image.
    image_file : str or None
        Name of its file.
    bregma : str or None
        Name of a bregma preset.
    atlas : mapping
        Name, resolution and hash of the atlas it was made with.
    extra : mapping
        ``uncertainty``, ``landmarks`` and ``history``, as they stand in the file.
    image_frame : int or None
        Which frame of a stack the image is.
    """

    pose: Pose
    camera: Camera | None = None
    pixel_size_mm: tuple[float, float] | None = None
    image_shape: tuple[int, int] | None = None
    image_sha256: str | None = None
    image_file: str | None = None
    bregma: str | None = None
    atlas: Mapping[str, Any] = attrs.field(factory=dict)
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    image_frame: int | None = None


def read_alignment(path: str | Path) -> AlignmentFile:
    """Read an alignment file.

    Parameters
    ----------
    path : path-like
        A JSON file of schema ``brainreg3d/alignment/1``; only ``schema`` and ``pose`` are needed.

    Returns
    -------
    AlignmentFile
        What it says.

    Raises
    ------
    MissingFileError
        If there is no such file.
    AlignmentError
        If it is no JSON, of another schema, or holds unknown keys or values.
    """
    path = Path(path)
    content = read_json(path, "alignment file", AlignmentError)
    try:
        return parse_alignment(content)
    except InputError as error:
        message = f"{path}: {error}"
        raise AlignmentError(message) from error


def parse_alignment(content: Any) -> AlignmentFile:
    """Read the content of an alignment file.

    Parameters
    ----------
    content : dict
        As JSON gives it.

    Returns
    -------
    AlignmentFile
        What it says.

    Raises
    ------
    InputError
        If it is of another schema, or holds unknown keys or values.
    """
    check_keys(content, _KEYS[""], "the file", AlignmentError)
    if content.get("schema") != SCHEMA:
        message = f'expected "schema": "{SCHEMA}"; got {content.get("schema")!r}.'
        raise AlignmentError(message)
    sections = {name: content.get(name, {}) for name in _KEYS if name}
    for name, section in sections.items():
        check_keys(section, _KEYS[name], f'"{name}"', AlignmentError)
    image, pose = sections["image"], sections["pose"]
    if "center_mm" not in pose:
        message = 'expected a "pose" with "center_mm": [x, y, z].'
        raise AlignmentError(message)
    if "bregma" in content:
        find_bregma(content["bregma"])
    check_uncertainty(content.get("uncertainty"))
    camera = Camera(**sections["camera"]) if "distance_mm" in sections["camera"] else None
    if camera is None and sections["camera"]:
        camera = Camera(principal_point_px=sections["camera"]["principal_point_px"])
    pixel_size = image.get("pixel_size_mm")
    return AlignmentFile(
        pose=Pose(**pose),
        camera=camera,
        pixel_size_mm=None if pixel_size is None else check_pixel_size(pixel_size),
        image_shape=_shape(image.get("shape")),
        image_sha256=image.get("sha256"),
        image_file=image.get("file"),
        bregma=content.get("bregma"),
        atlas=_atlas(sections["atlas"]),
        extra={key: content[key] for key in EXTRA_KEYS if key in content},
        image_frame=image.get("frame"),
    )


def _shape(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    is_shape = isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value)
    if not is_shape or min(value) < 1:
        message = f'expected "shape": [rows, columns]; got {value!r}.'
        raise AlignmentError(message)
    return value[0], value[1]


def _atlas(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse what would be taken for another atlas, or for none."""
    for name in ("name", "annotation_sha256"):
        if not isinstance(value := section.get(name), str | None):
            message = f'"{name}" of "atlas" is a text; got {value!r}.'
            raise AlignmentError(message)
    size = section.get("resolution_um")
    if size is not None and not _is_resolution(size):
        message = (
            f'"resolution_um" of "atlas" is a positive number, or a list of three such as '
            f"[25, 25, 25]; got {size!r}."
        )
        raise AlignmentError(message)
    return section


def _is_resolution(value: Any) -> bool:
    if isinstance(value, list) and any(isinstance(item, list) for item in value):
        return False  # numbers in lists of lists are not what names of atlases are made of
    found = (finite_numbers(value, count) for count in (1, 3))
    return any(numbers is not None and min(numbers) > 0 for numbers in found)


def alignment_content(
    alignment: Alignment, image: Image | None, atlas: Atlas | Mapping[str, Any]
) -> dict[str, Any]:
    """Return an alignment as the content of its file.

    Parameters
    ----------
    alignment : Alignment
        Where the image lies.
    image : Image or None
        The image; None where it is not at hand.
    atlas : Atlas or mapping
        The atlas it lies in, or what another alignment file says of it.

    Returns
    -------
    dict
        Ready for JSON.
    """
    view = alignment.view
    picture: dict[str, Any] = {
        "shape": list(view.shape),
        "pixel_size_mm": list(view.pixel_size_mm),
    }
    if image is not None:
        picture["sha256"] = image.sha256
        if image.path is not None:
            picture["file"] = image.path.name
        if image.frame is not None:
            picture["frame"] = image.frame
    camera: dict[str, Any] = {"distance_mm": view.camera.distance_mm}
    if view.camera.principal_point_px is not None:
        camera["principal_point_px"] = list(view.camera.principal_point_px)
    pose = attrs.asdict(view.pose)
    extra = dict(alignment.extra)
    if isinstance(atlas, Atlas) and atlas.synthetic:
        extra["history"] = _with_note(extra.get("history"), f"synthetic atlas {atlas.full_name}")
    return {
        "schema": SCHEMA,
        "image": picture,
        "pose": {**pose, "center_mm": list(pose["center_mm"])},
        "camera": camera,
        "atlas": _atlas_record(atlas),
        "bregma": alignment.bregma,
        "brainreg3d": __version__,
        **extra,
    }


def _atlas_record(atlas: Atlas | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(atlas, Atlas):
        return dict(atlas)
    resolution = atlas.resolution_um
    return {
        "name": atlas.name,
        "resolution_um": list(resolution) if isinstance(resolution, tuple) else resolution,
        "annotation_sha256": atlas.sha256.get("annotation", ""),
    }


def _with_note(history: Any, note: str) -> list[Any]:
    """Add a line to a history, once."""
    entries = history if isinstance(history, list) else [] if history is None else [history]
    return entries if note in entries else [*entries, note]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file by hand-editable lines; the caller cares for atomicity.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    content : mapping
        What to.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_alignment(
    path: Path, alignment: Alignment, image: Image, atlas: Atlas | Mapping[str, Any]
) -> None:
    """Write an alignment file in one move.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    alignment : Alignment
        Where the image lies.
    image : Image
        The image.
    atlas : Atlas or mapping
        The atlas it lies in, or what another alignment file says of it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_files("the alignment") as files:
        write_json(files.temporary(path), alignment_content(alignment, image, atlas))
        keep_other_alignment(files, path, alignment)


def says_the_same(path: Path, alignment: Alignment) -> bool:
    """Tell whether an alignment file places an image as an alignment does.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.
    alignment : Alignment
        Where the image lies.

    Returns
    -------
    bool
        False if it says something else, or cannot be read. A pixel size that it leaves open does
        not matter; a camera or a bregma that it leaves open is the default one. Its history does
        not matter either.
    """
    try:
        record = read_alignment(path)
    except BrainReg3DError:
        return False
    view = alignment.view
    return (
        record.pose == view.pose
        and (record.camera or Camera()) == view.camera
        and record.pixel_size_mm in (None, view.pixel_size_mm)
        and (record.bregma or DEFAULT_BREGMA) == alignment.bregma
        and all(record.extra.get(key) == alignment.extra.get(key) for key in _EVIDENCE)
    )


def keep_other_alignment(files: AtomicFiles, target: Path, alignment: Alignment) -> None:
    """Keep an earlier alignment file that says something else: it may have been made by hand.

    Parameters
    ----------
    files : AtomicFiles
        Takes the copy, ``<stem>_alignment_1.json`` or the next free number.
    target : pathlib.Path
        The alignment file that is to be replaced.
    alignment : Alignment
        What replaces it.
    """
    if not target.is_file() or says_the_same(target, alignment):
        return
    number = 1
    while (kept := target.with_name(f"{target.stem}_{number}{target.suffix}")).exists():
        number += 1
    files.temporary(kept).write_bytes(target.read_bytes())
    logger.warning("The earlier %s is kept as %s.", target.name, kept.name)
