"""The planes of a TIFF: which there are, in which order, and which should be there."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from brainreg3d._logging import logger
from brainreg3d.errors import InputError, RecordingError

if TYPE_CHECKING:
    import tifffile

_OME_SIZE = re.compile(r'\bSize([TZC])="(\d+)"')
_OME_ORDER = re.compile(r'\bDimensionOrder="XY([TZC]{3})"')


@attrs.frozen(eq=False)
class Planes:
    """The planes of one image of a TIFF.

    Parameters
    ----------
    keyframe : tifffile.TiffPage
        Says how all of them are stored.
    leading : tuple of int
        Lengths of the axes before rows and columns, as they should be.
    frame_axis : int
        Which of them is that of frames.
    pages : sequence, optional
        One for each plane; None where it is missing.
    offset : int, optional
        Where the data start that follow each other without a gap; pages need not be known then.
    broken : str, optional
        Why planes may be missing.
    """

    keyframe: Any
    leading: tuple[int, ...]
    frame_axis: int = 0
    pages: Sequence[Any] | None = None
    offset: int | None = None
    broken: str | None = None

    @property
    def n_expected(self) -> int:
        """How many there should be, or at least are."""
        return int(np.prod(self.leading, dtype=np.int64))


def find_planes(tif: tifffile.TiffFile, member: str | None, name: str) -> Planes:
    """Find the planes of the recording in a TIFF.

    Parameters
    ----------
    tif : tifffile.TiffFile
        Open.
    member : str, optional
        Number of the image, where a file holds several.
    name : str
        For messages.

    Returns
    -------
    Planes
        As the file says, or what is left of them.

    Raises
    ------
    RecordingError
        If it holds no recording, or several.
    InputError
        If there is no such image.
    """
    if not len(tif.pages):
        message = f"{name} holds no image; it is damaged or cut short at its very start."
        raise RecordingError(message)
    next_directory = _lost_directory(tif)
    if next_directory is not None:
        return _left_planes(tif, next_directory, name)
    if member is None and (single := _single_pages(tif)) is not None:
        return Planes(single[0], (len(single),), pages=single)
    series = _choose_series(tif, member, name)
    first = series[0]
    if len(series) > 1:  # saved one by one, each with a description of its own
        pages = [one.pages[0] for one in series]
        return Planes(first.keyframe, (len(pages),), pages=pages)
    stated, letters = _stated_shape(tif)
    if len(first.shape) == 2 and _product(stated) > 1 and first.keyframe.is_memmappable:
        # ImageJ's large stacks have a single directory; tifffile no longer believes a short one.
        return Planes(
            first.keyframe,
            stated,
            _frame_axis(stated, letters),
            offset=first.keyframe.dataoffsets[0],
            broken=f"the file ends after {tif.filehandle.size} bytes",
        )
    if not first.axes.endswith("YX") or "S" in first.axes:
        message = f"{name} holds colour (axes {first.axes}); save one channel as a grey stack."
        raise RecordingError(message)
    leading = tuple(first.shape[:-2])
    axis = _frame_axis(leading, first.axes)
    if first.dataoffset is not None:
        listed = list(first.pages) if len(first.pages) > 1 else None
        return Planes(first.keyframe, leading, axis, pages=listed, offset=first.dataoffset)
    return Planes(first.keyframe, leading, axis, pages=list(first.pages))


def _single_pages(tif: tifffile.TiffFile) -> list[Any] | None:
    """Return the pages of a file to which tifffile wrote images of one kind, each on its own.

    To it they are as many series, which take six times as long to list.
    """
    first: Any = tif.pages[0]
    text = first.shaped_description
    if len(tif.pages) < 2 or text is None or len(json.loads(text).get("shape", ())) != 2:
        return None
    pages: list[Any] = list(tif.pages)
    if all(one.shaped_description == text and one.hash == first.hash for one in pages):
        return pages
    return None


def _choose_series(tif: tifffile.TiffFile, member: str | None, name: str) -> list[Any]:
    """Return the image that holds the recording, or single pages that make one together."""
    found = [one for one in tif.series if not one.keyframe.is_reduced] or list(tif.series)
    if member is not None:
        if not member.isdigit() or int(member) >= len(found):
            message = f"{name} has {len(found)} image(s), numbered from 0; there is no {member!r}."
            raise InputError(message)
        return [found[int(member)]]
    if len(found) == 1:
        return found
    if len({(one.shape, one.dtype) for one in found}) == 1 and len(found[0].shape) == 2:
        return found
    stacks = [one for one in found if len(one.shape) > 2]
    shapes = ", ".join(
        f"{number}: {tuple(one.shape)} {one.dtype}" for number, one in enumerate(found[:20])
    )
    if len(stacks) == 1 and not _is_torn(stacks[0], found):
        number = found.index(stacks[0])
        logger.warning(
            "%s holds %d images (%s); number %d is read.", name, len(found), shapes, number
        )
        return stacks
    message = f"{name} holds {len(found)} images ({shapes}); choose one: {name}::NUMBER."
    raise InputError(message)


def _is_torn(stack: Any, found: Sequence[Any]) -> bool:
    """Tell whether other images are frames of a stack, that lie among them or look like them.

    Planes that are stored alike are one image to tifffile, and a frame that is not is another.
    """
    one_frame = (stack.shape[1:], stack.dtype)
    if stack.kind == "generic" and any((one.shape, one.dtype) == one_frame for one in found):
        return True
    places = [page.index for page in stack.pages if page is not None]
    first, last = min(places), max(places)
    others = [one.keyframe.index for one in found if one is not stack]
    if not all(isinstance(place, int) for place in [*places, *others]):
        return False
    return any(first < place < last for place in others)


def _frame_axis(leading: tuple[int, ...], axes: str) -> int:
    """Return which axis is that of frames: of time, or else the first that is none of channels."""
    axes = axes[: len(leading)]
    if "T" in axes:
        return axes.index("T")
    return next((place for place, letter in enumerate(axes) if letter != "C"), 0)


def _lost_directory(tif: tifffile.TiffFile) -> int | None:
    """Return where the next directory should be that the file does not hold; None if none is."""
    file, layout = tif.filehandle, tif.tiff
    last = tif.pages[len(tif.pages) - 1]
    try:
        file.seek(last.offset)
        n_tags = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))[0]
        file.seek(n_tags * layout.tagsize, 1)
        data = file.read(layout.offsetsize)
        following = int(struct.unpack(layout.offsetformat, data)[0])
    except (struct.error, OSError):
        return None
    known = {page.offset for page in tif.pages} if 0 < following < file.size else set()
    return following if following and following not in known else None


def _left_planes(tif: tifffile.TiffFile, lost: int, name: str) -> Planes:
    """Return the planes of a file whose list of directories breaks off."""
    pages, (stated, letters) = tif.pages, _stated_shape(tif)
    keyframe: Any = pages[0]
    n_pages, plane_bytes = len(pages), keyframe.size * keyframe.dtype.itemsize
    second_directory = pages[1].offset if n_pages > 1 else lost
    reason = f"its list of planes breaks off after {n_pages}"
    axis = _frame_axis(stated, letters)
    start = keyframe.dataoffsets[0]
    # Programs that know all frames beforehand write them without a gap, and directories behind.
    if keyframe.is_memmappable and second_directory >= start + 2 * plane_bytes:
        n_stated = (second_directory - start) // plane_bytes
        if _product(stated) < 2:
            stated, axis = (n_stated,), 0
        if start + _product(stated) * plane_bytes <= tif.filehandle.size:
            logger.warning("%s: %s, but all frames are there.", name, reason)
        short = f"the file ends after {tif.filehandle.size} bytes"
        return Planes(keyframe, stated, axis, offset=start, broken=short)
    if _product(stated) > n_pages:
        missing = _product(stated) - n_pages
        listed = [*pages, *[None] * missing]
        return Planes(keyframe, stated, axis, pages=listed, broken=reason)
    return Planes(keyframe, (n_pages,), pages=list(pages), broken=reason + ", nobody knows how far")


def _stated_shape(tif: tifffile.TiffFile) -> tuple[tuple[int, ...], str]:
    """Return the axes before rows and columns, and their letters, as the file describes them."""
    page: Any = tif.pages[0]
    text = page.shaped_description or page.description or ""
    if text.startswith("{"):
        try:
            known = json.loads(text)
            shape, letters = known.get("shape", []), known.get("axes", "")
        except ValueError:
            return (), ""
        fits = list(shape[-2:]) == list(page.shape)
        return (tuple(shape[:-2]), letters[:-2]) if fits else ((), "")
    if tif.is_imagej:
        known = tif.imagej_metadata or {}
        n_images = int(known.get("images", 1))
        sizes = {"T": "frames", "Z": "slices", "C": "channels"}
        leading, letters = _longer_than_one({k: int(known.get(v, 1)) for k, v in sizes.items()})
        return (leading, letters) if _product(leading) == n_images else ((n_images,), "")
    order = _OME_ORDER.search(text)
    if order is not None:  # written fastest first
        found = dict(_OME_SIZE.findall(text))
        return _longer_than_one(
            {letter: int(found.get(letter, 1)) for letter in reversed(order[1])}
        )
    return (), ""


def _longer_than_one(sizes: Mapping[str, int]) -> tuple[tuple[int, ...], str]:
    kept = {letter: n for letter, n in sizes.items() if n > 1}
    return tuple(kept.values()), "".join(kept)


def _product(leading: tuple[int, ...]) -> int:
    return int(np.prod(leading, dtype=np.int64))
