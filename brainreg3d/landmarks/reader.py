"""Files of landmarks: our own, and wfield's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from brainreg3d.atlas import find_bregma
from brainreg3d.errors import InputError
from brainreg3d.geometry.view import check_pixel_size
from brainreg3d.io.json_file import check_keys, read_json
from brainreg3d.landmarks.landmark import Landmark
from brainreg3d.landmarks.outline import fit_ellipse

_FILE_KEYS = ("landmarks", "bregma", "pixel_size_mm")
_POINT_KEYS = ("name", "stereotaxic_mm", "ccf_um", "row", "col")
_OUTLINE_KEYS = ("name", "window", "outline")
_WINDOW_KEYS = ("center_stereotaxic_mm", "center_ccf_um", "diameter_mm")


@attrs.frozen
class LandmarkFile:
    """What a file of landmarks says.

    Parameters
    ----------
    landmarks : tuple of Landmark
        In the order of the file.
    bregma : str or None
        Name of the bregma preset that its stereotaxic coordinates refer to.
    pixel_size_mm : tuple of float or None
        (row, column) size of a pixel.
    """

    landmarks: tuple[Landmark, ...]
    bregma: str | None = None
    pixel_size_mm: tuple[float, float] | None = None


def read_landmarks(path: str | Path) -> LandmarkFile:
    """Read a file of landmarks.

    Parameters
    ----------
    path : path-like
        JSON, ``{"landmarks": [{"name": "bregma", "row": 120.5, "col": 200.0}, …]}``, or the
        ``dorsal_cortex_landmarks.json`` of wfield.

    Returns
    -------
    LandmarkFile
        What it says.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is no JSON, or holds unknown keys, names or values.
    """
    path = Path(path)
    content = read_json(path, "file of landmarks")
    try:
        return parse_landmarks(content)
    except InputError as error:
        message = f"{path}: {error}"
        raise InputError(message) from error


def parse_landmarks(content: Any) -> LandmarkFile:
    """Read the content of a file of landmarks.

    Parameters
    ----------
    content : dict
        As JSON gives it.

    Returns
    -------
    LandmarkFile
        What it says.

    Raises
    ------
    InputError
        If it holds unknown keys, names or values.
    """
    from brainreg3d.landmarks.wfield import is_wfield, parse_wfield

    if is_wfield(content):
        places, pixel_size = parse_wfield(content)
        return LandmarkFile(places, "wfield", pixel_size)
    check_keys(content, _FILE_KEYS, "the file")
    entries = content.get("landmarks")
    if not isinstance(entries, list) or not entries:
        message = (
            'expected "landmarks": [{"name": "bregma", "row": 120.5, "col": 200.0}, …], a list of '
            f"at least one; got {entries!r}."
        )
        raise InputError(message)
    landmarks = tuple(_landmark(entry, number) for number, entry in enumerate(entries, 1))
    bregma, pixel_size = content.get("bregma"), content.get("pixel_size_mm")
    return LandmarkFile(
        landmarks,
        None if bregma is None else find_bregma(bregma).name,
        None if pixel_size is None else check_pixel_size(pixel_size),
    )


def _landmark(entry: Any, number: int) -> Landmark:
    """Read one entry; say which one it is when that fails."""
    try:
        if isinstance(entry, dict) and ("window" in entry or "outline" in entry):
            return _window(entry)
        check_keys(entry, _POINT_KEYS, "a landmark")
        missing = [key for key in ("row", "col") if key not in entry]
        if missing:
            message = (
                f'expected "row" and "col", where it is seen in pixels; {missing[0]} is missing.'
            )
            raise InputError(message)
        return Landmark(**entry)
    except InputError as error:
        name = entry.get("name") if isinstance(entry, dict) else None
        which = f"landmark {number} ({name!r})" if isinstance(name, str) else f"landmark {number}"
        message = f"{which}: {error}"
        raise InputError(message) from error


def _window(entry: dict[str, Any]) -> Landmark:
    """Turn the outline of a round window into a landmark at its centre."""
    check_keys(entry, _OUTLINE_KEYS, "a window")
    window: dict[str, Any] = entry.get("window", {})
    check_keys(window, _WINDOW_KEYS, '"window"')
    ellipse = fit_ellipse(entry.get("outline", []))
    stereotaxic, ccf = window.get("center_stereotaxic_mm"), window.get("center_ccf_um")
    if stereotaxic is None and ccf is None:
        message = 'expected "center_stereotaxic_mm": [ml, ap] in "window"; it is missing.'
        raise InputError(message)
    return Landmark(
        ellipse.row,
        ellipse.col,
        entry.get("name", "window"),
        stereotaxic_mm=stereotaxic,
        ccf_um=ccf,
        diameter_mm=window.get("diameter_mm"),
        diameter_px=ellipse.long_px,
    )
