"""ROIs of ImageJ and Fiji: ``.roi`` files, ``.zip`` files of the ROI Manager, overlays in TIFFs."""

from __future__ import annotations

import logging
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from brainreg3d._logging import logger
from brainreg3d.errors import InputError
from brainreg3d.lookup.rois import Roi, Rois, gather, point
from brainreg3d.lookup.shapes import (
    Pixels,
    fill_ellipse,
    fill_rectangle,
    fill_rings,
    trace_lines,
)

if TYPE_CHECKING:
    from roifile import ImagejRoi

_MOST_BYTES = 1 << 28  # of one ROI
_MOST_NAMES = 5  # in a warning
_FARTHEST_PX, _LARGEST_PX = 1 << 20, 1 << 26
_AREAS = {"POLYGON": "polygon", "FREEHAND": "freehand", "TRACED": "traced"}
_LINES = {"LINE": "line", "POLYLINE": "polyline", "FREELINE": "freeline", "ANGLE": "angle"}


def read_imagej(path: Path) -> Rois:
    """Read the ROIs of a ``.roi`` or ``.zip`` file.

    A pixel belongs to an area if its centre lies inside. Every point of a multi-point ROI becomes a
    ROI of its own. Lines have the pixels that they pass, whatever their width.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    Rois
        In the order of the file; those of the same name are numbered.

    Raises
    ------
    InputError
        If the file is none of ImageJ's, or holds a ROI that is no place in an image.
    """
    if path.suffix.lower() == ".zip":
        return rois_of(_members(path), path)
    return rois_of([(path.stem, path.read_bytes())], path)


def _members(path: Path) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [i for i in archive.infolist() if _is_roi(i.filename)]
            if any(info.file_size > _MOST_BYTES for info in infos):
                message = f"{path} holds a ROI of more than {_MOST_BYTES >> 20} MB; it is damaged."
                raise InputError(message)
            return [(Path(i.filename).stem, archive.read(i)) for i in infos]
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        message = f"{path} cannot be read ({error}); expected a .zip file of ImageJ's ROI Manager."
        raise InputError(message) from error


def _is_roi(name: str) -> bool:
    """Tell ROIs from what macOS adds to a .zip, under the same names."""
    return name.lower().endswith(".roi") and not Path(name).name.startswith("._")


def rois_of(members: list[tuple[str, bytes]], path: Path) -> Rois:
    """Return ROIs from the bytes of ImageJ's own format.

    Parameters
    ----------
    members : list of (str, bytes)
        A name for each ROI, for those that have none of their own, and its bytes.
    path : pathlib.Path
        Where they come from, for error messages.

    Returns
    -------
    Rois
        In the same order.

    Raises
    ------
    InputError
        If there is none, or one cannot be read.
    """
    if not members:
        message = f"{path} holds no ROIs; expected .roi files of ImageJ in it."
        raise InputError(message)
    found: list[Roi] = []
    for name, data in members:
        found += _parts(_decode(name, data, path), name, path)
    rois = gather(_with_names_of_their_own(found))
    _warn_of_nothing_covered(rois, path)
    return rois


def _warn_of_nothing_covered(rois: Rois, path: Path) -> None:
    empty = [name for name, n in zip(rois.names, rois.n_pixels.tolist(), strict=True) if n == 0]
    if not empty:
        return
    more = f" and {len(empty) - _MOST_NAMES} more" if len(empty) > _MOST_NAMES else ""
    logger.warning(
        "%d of %d ROIs of %s have no pixels, and so no region: no centre of a pixel lies inside, "
        "as in areas smaller than a pixel (%s%s). Make them larger, or mark points in their place.",
        len(empty),
        len(rois),
        path.name,
        ", ".join(empty[:_MOST_NAMES]),
        more,
    )


def _decode(name: str, data: bytes, path: Path) -> ImagejRoi:
    from roifile import ImagejRoi

    noise = logging.getLogger("roifile")
    level = noise.level
    noise.setLevel(logging.CRITICAL)  # it is said below, with the file
    try:
        return ImagejRoi.frombytes(data)
    except Exception as error:  # roifile raises whatever a damaged file makes it
        message = f"ROI {name} of {path} cannot be read ({type(error).__name__}: {error})."
        raise InputError(message) from error
    finally:
        noise.setLevel(level)


def _parts(roi: ImagejRoi, name: str, path: Path) -> Iterator[Roi]:
    """Return the ROIs that one of ImageJ's stands for: one, or one for each point."""
    title = roi.name or name
    kind = roi.roitype.name
    if roi.subtype.name in ("TEXT", "IMAGE"):
        logger.warning("%s of %s is a %s and no ROI.", title, path.name, roi.subtype.name.lower())
        return
    if kind == "POINT":
        places = _coordinates(roi, title, path)
        for number, (x, y) in enumerate(places.tolist(), 1):
            yield point(title if len(places) == 1 else f"{title}-{number}", "point", y, x)
        return
    shape = _shape(roi, title, path)
    if shape is None:
        message = (
            f"ROI {title} of {path} is of a kind ({kind.lower()}) that is not known here; expected "
            f"areas, lines or points."
        )
        raise InputError(message)
    word, pixels = shape
    _check_size(roi, title, path)
    rows, cols = pixels()
    yield Roi(title, word, rows, cols)


def _check_size(roi: ImagejRoi, title: str, path: Path) -> None:
    """Refuse what is larger than any recording before its pixels fill the memory."""
    if not roi.composite and roi.roitype.name in ("RECT", "OVAL"):
        left, top, width, height = _box(roi)
        places = np.array([(left, top), (left + width, top + height)], np.float64)
    else:
        with np.errstate(invalid="ignore"):  # damage, which is found below
            places = np.concatenate([np.zeros((0, 2)), *_rings(roi, title, path)])
    extent = np.ptp(places, axis=0) if len(places) else np.zeros(2)
    if not np.isfinite(places).all() or np.abs(places).max(initial=0) > _FARTHEST_PX:
        message = f"ROI {title} of {path} has impossible corners; it is damaged."
        raise InputError(message)
    if extent.prod() > _LARGEST_PX:
        message = (
            f"ROI {title} of {path} spans {extent[1]:.0f} x {extent[0]:.0f} pixels (rows x "
            f"columns), more than any recording; it is damaged."
        )
        raise InputError(message)


def _shape(roi: ImagejRoi, title: str, path: Path) -> tuple[str, Callable[[], Pixels]] | None:
    kind = roi.roitype.name
    if roi.composite:
        return "composite", lambda: fill_rings(_rings(roi, title, path))
    if kind == "RECT":
        arc = float(roi.rounded_rect_arc_size)
        return "rectangle", lambda: fill_rectangle(*_box(roi), arc)
    if kind == "OVAL":
        return "oval", lambda: fill_ellipse(*_box(roi))
    if kind in _LINES:
        return _LINES[kind], lambda: trace_lines(_coordinates(roi, title, path))
    if kind in _AREAS:
        return _AREAS[kind], lambda: fill_rings([_coordinates(roi, title, path)])
    return None


def _box(roi: ImagejRoi) -> tuple[float, float, float, float]:
    """Return (left, top, width, height)."""
    if roi.subpixelrect:
        return float(roi.xd), float(roi.yd), float(roi.widthd), float(roi.heightd)
    return roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top


def _coordinates(roi: ImagejRoi, title: str, path: Path) -> Any:
    places = np.asarray(roi.coordinates(), dtype=np.float64)
    far = not np.isfinite(places).all() or np.abs(places).max(initial=0) > _FARTHEST_PX
    if not len(places) or far:
        message = f"ROI {title} of {path} has no corners, or impossible ones; it is damaged."
        raise InputError(message)
    return places


def _rings(roi: ImagejRoi, title: str, path: Path) -> list[Any]:
    try:
        rings = list(roi.coordinates(multi=True))
    except (NotImplementedError, RuntimeError, IndexError, ValueError, OverflowError) as error:
        message = (
            f"ROI {title} of {path} is made of curves ({error}); turn it into a mask and back in "
            f"ImageJ (Edit > Selection > Create Mask, then Create Selection)."
        )
        raise InputError(message) from error
    return rings


def _with_names_of_their_own(rois: list[Roi]) -> list[Roi]:
    """Add a number to a name that an earlier ROI has, as the ROI Manager does."""
    seen: Counter[str] = Counter()
    named = []
    for roi in rois:
        seen[roi.name] += 1
        count = seen[roi.name]
        named.append(roi if count == 1 else attrs.evolve(roi, name=f"{roi.name}-{count}"))
    return named
