"""Arrays as short texts that the page unpacks without loss."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array of unsigned integers as text.

    Neighbours differ little, so their differences (modulo the type's range) are kept, all low
    bytes before all high ones, compressed by zlib.

    Parameters
    ----------
    array : numpy.ndarray of uint8, uint16 or uint32
        Of any shape; it is read in C order.

    Returns
    -------
    dict
        ``bytes``, the size of a number, and ``data``, in base64.
    """
    flat = np.ascontiguousarray(array).ravel()
    steps = flat.copy()
    steps[1:] -= flat[:-1]  # wraps around, as unsigned numbers do
    size = flat.dtype.itemsize
    planes = steps.astype(flat.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, size).T
    packed = zlib.compress(np.ascontiguousarray(planes).tobytes(), 9)
    return {"bytes": size, "data": base64.b64encode(packed).decode("ascii")}


def png_uri(pixels: NDArray[np.uint8]) -> str:
    """Return a picture as the address of itself.

    Parameters
    ----------
    pixels : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey values, or red, green and blue.

    Returns
    -------
    str
        A PNG file as ``data:`` URI.
    """
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
