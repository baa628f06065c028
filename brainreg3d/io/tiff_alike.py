"""Whether all planes of a TIFF are stored alike, as readers take for granted."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from brainreg3d.errors import InputError

# Width, length, bits, compression, order of bits, samples per pixel, rows per strip, predictor,
# size of tiles, kind of numbers.
_TAGS = {256, 257, 258, 259, 266, 277, 278, 317, 322, 323, 339}


def check_alike(pages: Sequence[Any], keyframe: Any, name: str, error: type[InputError]) -> None:
    """Check that planes are of one size and type, and packed in one way.

    Of all but the first directory tifffile reads only where the data lie; a plane of 8 bits among
    those of 16 would be read together with what follows it.

    Parameters
    ----------
    pages : sequence of tifffile.TiffPage or TiffFrame
        The planes.
    keyframe : tifffile.TiffPage
        What they are taken to be like.
    name : str
        For messages.
    error : type
        What is raised.

    Raises
    ------
    InputError
        If one differs; of the class `error`.
    """
    directories: dict[tuple[Any, bytes], bool] = {}
    for number, page in enumerate(pages):
        if page is keyframe or page.is_virtual:
            continue
        key = _how_stored(page)
        if key not in directories:
            directories[key] = page.aspage().hash == keyframe.hash
        if not directories[key]:
            message = (
                f"Plane {number} of {name} is stored otherwise than the first: "
                f"{_describe(page.aspage())} "
                f"instead of {_describe(keyframe)}. Save all planes in one size and type."
            )
            raise error(message)


def _how_stored(page: Any) -> tuple[Any, bytes]:
    """Return the entries of a directory that say how its data are stored, as they are."""
    file, layout = page.parent.filehandle, page.parent.tiff
    if file.closed:  # of the other files of a set
        file.open()
    file.seek(page.offset)
    n_tags = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))[0]
    data = file.read(n_tags * layout.tagsize)
    found = []
    for start in range(0, len(data), layout.tagsize):
        entry = data[start : start + layout.tagsize]
        if struct.unpack_from(f"{layout.byteorder}H", entry)[0] in _TAGS:
            found.append(entry)
    return layout, b"".join(found)


def _describe(page: Any) -> str:
    size = " x ".join(str(n) for n in page.shape)
    packed = "" if page.compression == 1 else f", {page.compression.name.lower()}"
    return f"{size} {page.dtype}{packed}"
