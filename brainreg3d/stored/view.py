"""Where the image of an earlier run lies, and the image itself where it is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.inputs import explicit_pixel_size
from brainreg3d.io.alignment import AlignmentFile, parse_alignment
from brainreg3d.io.images import load_image
from brainreg3d.state import Alignment, Image
from brainreg3d.steps import ManualAligner
from brainreg3d.steps.given_alignment import check_belongs
from brainreg3d.stored.image import find_image
from brainreg3d.stored.record import Record

_PARAMETERS = {
    "camera_distance_mm": "camera_distance_mm",
    "principal_point_px": "principal_point_px",
    "focal_point": "focal_point_mm",
    "bregma": "bregma",
}
_DEFAULTS = {
    "_DEFAULT_IMG_DIMS_MM": "default_image_dims_mm",
    "_DEFAULT_BREGMA": "default_bregma",
    "_DEFAULT_FOCAL_POINT": "default_focal_point_mm",
}


@attrs.frozen(eq=False)
class StoredView:
    """Where the image of an earlier run lies.

    Parameters
    ----------
    alignment : Alignment
        As it holds now.
    image : Image or None
        The image, where it is at hand.
    stand_in : Image
        What is known of the image; without its pixels.
    changed : str
        Why labels of the run do not hold, empty where they do.
    """

    alignment: Alignment
    image: Image | None
    stand_in: Image
    changed: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the image."""
        return self.stand_in.shape


def view_of(record: Record, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> StoredView:
    """Find the image of an earlier run, and where it lies.

    Parameters
    ----------
    record : Record
        Of the run.
    given : mapping
        Arguments that are given anew.
    defaults : mapping
        Class attributes of `BrainReg3D`, which hold for a lone alignment.

    Returns
    -------
    StoredView
        The image is not read unless it has to be.

    Raises
    ------
    InputError
        If the shape of the image is not known.
    ImageError
        If an image that was given cannot be read.
    AlignmentError
        If it has another shape than that of the run.
    """
    image = _image(record, given)
    said = _completed(record)
    stand_in = _stand_in(record, image, with_size=said.pixel_size_mm is None)
    if "image" in given and image is not None:
        check_belongs(said, image, None)
    explicit = explicit_pixel_size(stand_in, given.get("pixel_size_mm"), given.get("image_dims_mm"))
    parameters = {_PARAMETERS[name]: v for name, v in given.items() if name in _PARAMETERS}
    if not record.run:
        parameters |= {_DEFAULTS[name]: defaults.get(name) for name in _DEFAULTS}
    # Whether the image is still the same is found out when its pixels are asked for.
    aligner: Any = ManualAligner(alignment=attrs.evolve(said, image_sha256=None), **parameters)
    found: Alignment = aligner.compute(
        image=stand_in, atlas=None, regions=None, pixel_size_mm=explicit
    )
    alignment = attrs.evolve(found, **_origin(record))
    is_same = not record.run or alignment.view == _recorded_view(record)
    return StoredView(alignment, image, stand_in, "" if is_same else "the image lies elsewhere")


def _origin(record: Record) -> dict[str, Any]:
    """Tell how the pose came about; one that was changed since came from its file."""
    said = record.run.get("pose_from")
    if said is None or "alignment" in record.changed:  # earlier versions did not record it
        return {"source": "file", "file": record.alignment_path or record.path}
    file = None if said["file"] is None else record.folder / said["file"]
    return {"source": said["source"], "file": file}


def _image(record: Record, given: Mapping[str, Any]) -> Image | None:
    entry = record.image
    source, frame = given.get("image"), given.get("frame")
    if source is not None:
        is_file = isinstance(source, str | Path)
        return load_image(source, entry["frame"] if frame is None and is_file else frame)
    if frame is not None:
        entry = {**entry, "frame": frame, "sha256": entry["sha256"]}
    found = find_image(entry, record.folder)
    lone = record.folder / str(entry["file"]) if entry["file"] is not None else None
    if found is None and entry["shape"] is None and lone is not None and lone.is_file():
        return load_image(lone, entry["frame"])
    return found


def _stand_in(record: Record, image: Image | None, *, with_size: bool) -> Image:
    """Return what is known of the image; its own pixel size only where nothing else says one."""
    entry = record.image
    shape = entry["shape"] or (None if image is None else image.shape)
    if shape is None:
        message = (
            f"{record.path} does not say how large its image is; give the image (image=), or add "
            f'"image": {{"shape": [rows, columns]}} to the file.'
        )
        raise InputError(message)
    path = None if entry["file"] is None else record.folder / str(entry["file"])
    if image is not None:
        path = image.path
    stem = "image" if path is None else path.stem.removesuffix(".ome")
    size = image.pixel_size_mm if image is not None and with_size else None
    blank = np.broadcast_to(np.uint8(0), tuple(shape))
    return Image(blank, stem, entry["sha256"] or "", path, size, entry["frame"])


def _completed(record: Record) -> AlignmentFile:
    """Return the alignment; what a file edited by hand leaves open is as it was."""
    said = record.alignment
    if not record.run:
        return said
    earlier = parse_alignment(record.run["alignment"])
    return attrs.evolve(
        said,
        camera=said.camera or earlier.camera,
        pixel_size_mm=said.pixel_size_mm or earlier.pixel_size_mm,
        bregma=said.bregma or earlier.bregma,
    )


def _recorded_view(record: Record) -> ImageView:
    earlier = parse_alignment(record.run["alignment"])
    rows, columns = record.image["shape"]
    size = earlier.pixel_size_mm or (np.nan, np.nan)
    return ImageView((rows, columns), size, earlier.pose, earlier.camera or Camera())
