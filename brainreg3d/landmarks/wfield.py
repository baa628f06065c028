"""The landmarks of wfield, so that labs can bring their alignments along.

wfield (J. Couto et al. 2021, Nature Protocols 16, 3241-3263) writes a file
``dorsal_cortex_landmarks.json``. Its ``landmarks`` are places in mm from bregma whose y grows to
posterior; ``landmarks_im`` are the same places in pixels, x along columns and y along rows, as they
lie in an image that is already aligned: ``landmarks / resolution + bregma_offset``.
``landmarks_match`` are the pixels at which the user found them in the raw image, and ``transform``
is the similarity that maps ``landmarks_im`` onto these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from brainreg3d._arrays import finite_numbers
from brainreg3d._logging import logger
from brainreg3d.errors import InputError
from brainreg3d.geometry.view import check_pixel_size
from brainreg3d.landmarks.landmark import Landmark

_MARKS = ("landmarks_im", "landmarks_match", "bregma_offset")
"""Keys of its own; what others might add to a list of landmarks, such as a resolution, is none."""


def is_wfield(content: Any) -> bool:
    """Tell whether the content of a JSON file is wfield's.

    Parameters
    ----------
    content : object
        As JSON gives it.

    Returns
    -------
    bool
        True if its landmarks are columns of a table instead of a list of points.
    """
    if not isinstance(content, dict) or isinstance(content.get("landmarks"), list):
        return False
    return isinstance(content.get("landmarks"), dict) or any(key in content for key in _MARKS)


def parse_wfield(
    content: Mapping[str, Any],
) -> tuple[tuple[Landmark, ...], tuple[float, float] | None]:
    """Read the content of wfield's file of landmarks.

    Parameters
    ----------
    content : mapping
        As JSON gives it.

    Returns
    -------
    landmarks : tuple of Landmark
        Those that have both a place and pixels.
    pixel_size_mm : tuple of float or None
        (row, column); None when the file belongs to a raw image, whose scale wfield fits.

    Raises
    ------
    InputError
        If tables are missing or malformed.
    """
    places = _table(content, "landmarks")
    resolution = _resolution(content.get("resolution"))
    pixels, is_raw = _pixels(content, places, resolution)
    landmarks = tuple(
        Landmark(row, col, name, stereotaxic_mm=(x, -y))
        for name, (x, y) in places.items()
        if name in pixels
        for col, row in [pixels[name]]
    )
    if not landmarks:
        message = (
            f"no landmark has both a place and pixels: places of {', '.join(places)}, pixels of "
            f"{', '.join(pixels)}."
        )
        raise InputError(message)
    if is_raw or resolution is None:
        return landmarks, None
    return landmarks, check_pixel_size((resolution, resolution))


def _pixels(
    content: Mapping[str, Any], places: dict[str, tuple[float, float]], resolution: float | None
) -> tuple[dict[str, tuple[float, float]], bool]:
    """Return where landmarks are seen, (x, y) by name, and whether in the raw image."""
    if content.get("landmarks_match") is not None:
        logger.info("wfield file: the landmarks are taken as they were clicked in the raw image.")
        return _table(content, "landmarks_match"), True
    if content.get("landmarks_im") is not None:
        pixels = _table(content, "landmarks_im")
    else:
        offset = finite_numbers(content.get("bregma_offset"), 2)
        if offset is None or resolution is None:
            message = (
                "expected a wfield file with landmarks_match, landmarks_im, or bregma_offset and "
                f"resolution; got the keys {', '.join(content)}."
            )
            raise InputError(message)
        pixels = {
            name: (x / resolution + offset[0], y / resolution + offset[1])
            for name, (x, y) in places.items()
        }
    if content.get("transform") is None:
        return pixels, False
    matrix = _similarity(content["transform"])
    logger.info("wfield file: the landmarks are moved into the raw image by its transform.")
    moved = {name: matrix @ (x, y, 1.0) for name, (x, y) in pixels.items()}
    return {name: (float(x), float(y)) for name, (x, y, _) in moved.items()}, True


def _table(content: Mapping[str, Any], key: str) -> dict[str, tuple[float, float]]:
    """Return a table of wfield's as (x, y) by name."""
    table = content.get(key)
    found = [table.get(name) for name in ("name", "x", "y")] if isinstance(table, dict) else []
    columns = [column for column in found if isinstance(column, list)]
    if len(columns) != 3:
        message = f'expected "{key}": {{"name": […], "x": […], "y": […]}}; got {table!r}.'
        raise InputError(message)
    names, x, y = columns
    if not len(names) == len(x) == len(y) or len(set(map(str, names))) != len(names):
        message = f"the columns name, x and y of {key!r} differ in length, or a name stands twice."
        raise InputError(message)
    numbers = [finite_numbers(pair, 2) for pair in zip(x, y, strict=True)]
    rows = {}
    for name, pair in zip(names, numbers, strict=True):
        if pair is None:
            message = f"{key!r} has an x or y that is no finite number, for {name!r}."
            raise InputError(message)
        rows[str(name)] = (pair[0], pair[1])
    return rows


def _resolution(value: Any) -> float | None:
    if value is None:
        return None
    numbers = finite_numbers(value, 1)
    if numbers is None or numbers[0] <= 0:
        message = f"expected a resolution in mm per pixel; got {value!r}."
        raise InputError(message)
    return numbers[0]


def _similarity(value: Any) -> np.ndarray:
    matrix = np.asarray(finite_numbers(value, 9) or ()).reshape(-1)
    if matrix.size != 9:
        message = f"expected a transform of 3 x 3 numbers; got {value!r}."
        raise InputError(message)
    return matrix.reshape(3, 3)
