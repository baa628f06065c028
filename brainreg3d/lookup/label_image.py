"""ROIs painted into an image: every value that is not zero is one ROI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.errors import InputError
from brainreg3d.lookup.imagej import rois_of
from brainreg3d.lookup.rois import Rois

_FEWEST_GREY_LEVELS = 20


def read_label_tiff(path: Path) -> Rois:
    """Read ROIs from a TIFF.

    Parameters
    ----------
    path : pathlib.Path
        A 2D picture of whole numbers. If ImageJ has saved ROIs with it, as its selection or its
        overlay, these are taken, and the picture is not looked at.

    Returns
    -------
    Rois
        Named by their values.

    Raises
    ------
    InputError
        If it cannot be read, is a stack, or holds no whole numbers.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            drawn = _drawn(tif.imagej_metadata or {})
            picture = None if drawn else np.squeeze(tif.asarray())
    except MemoryError:
        raise
    except Exception as error:  # tifffile raises whatever comes
        message = f"{path} cannot be read ({error}); expected a label image, a TIFF."
        raise InputError(message) from error
    if picture is None:
        logger.info("%s holds ROIs drawn in ImageJ; the picture below is not looked at.", path)
        members = [(f"{path.stem}-{number}", data) for number, data in enumerate(drawn, 1)]
        return rois_of(members, path)
    return rois_of_labels(picture, str(path))


def _drawn(metadata: dict[str, Any]) -> list[bytes]:
    found: list[bytes] = []
    for name in ("Overlays", "ROI"):
        value = metadata.get(name, [])
        found += list(value) if isinstance(value, list | tuple) else [value]
    return list(dict.fromkeys(found))  # a selection may be in the overlay, too


def rois_of_labels(picture: NDArray[Any], where: str) -> Rois:
    """Return the ROIs of a label image.

    Parameters
    ----------
    picture : numpy.ndarray, shape (H, W)
        0 for no ROI.
    where : str
        What it is, for error messages.

    Returns
    -------
    Rois
        In the order of their values.

    Raises
    ------
    InputError
        If it is a stack, or holds no whole numbers.
    """
    if picture.ndim != 2:
        message = (
            f"{where} is a stack of shape {picture.shape}; expected one 2D label image. If each "
            f"plane is the mask of one ROI, make one image of them: "
            f"(np.arange(1, n + 1)[:, None, None] * (stack > 0)).max(axis=0)."
        )
        raise InputError(message)
    if picture.dtype.kind == "f":
        if not np.array_equal(picture, np.rint(picture)):
            message = f"{where} holds numbers that are not whole; expected labels."
            raise InputError(message)
        picture = picture.astype(np.int64)
    if picture.dtype.kind not in "bui":
        message = f"{where} holds {picture.dtype} values; expected whole numbers."
        raise InputError(message)
    if picture.size and picture.dtype.kind == "i" and picture.min() < 0:
        message = f"{where} holds negative numbers; expected 0 for no ROI and 1, 2, 3 ... for ROIs."
        raise InputError(message)
    rows, cols = np.nonzero(picture)
    values, owners = np.unique(picture[rows, cols], return_inverse=True)
    if values.size == 0:
        message = f"{where} is 0 everywhere; expected other values inside ROIs."
        raise InputError(message)
    if values.size == 1:
        _warn_of_parts(picture != 0, where)
    _warn_of_photo(picture, values.size, where)
    order = np.argsort(owners, kind="stable")
    rows, cols, owners = rows[order], cols[order], owners[order]
    counts = np.bincount(owners)
    centers = np.stack([np.bincount(owners, rows), np.bincount(owners, cols)], axis=1)
    return Rois(
        names=tuple(str(int(value)) for value in values),
        kinds=("label",) * len(values),
        rows=rows,
        cols=cols,
        owners=owners,
        centers_px=centers / counts[:, None],
        shape=(picture.shape[0], picture.shape[1]),
    )


def _warn_of_photo(picture: NDArray[Any], n_values: int, where: str) -> None:
    """Warn of a picture in which hardly any pixel is 0 or has the value of the next one."""
    pairs = (picture[:, 1:] == picture[:, :-1])[picture[:, 1:] != 0]
    if n_values > _FEWEST_GREY_LEVELS and pairs.size > picture.size / 2 and pairs.mean() < 0.5:
        logger.warning(
            "%s has %d values that change from pixel to pixel, each taken as one ROI; it looks "
            "like a photo. A label image holds one value for each ROI and 0 elsewhere.",
            where,
            n_values,
        )


def _warn_of_parts(mask: NDArray[np.bool_], where: str) -> None:
    from scipy.ndimage import label  # slow to import

    _, n_parts = label(mask)
    if n_parts > 1:
        logger.warning(
            "%s holds one value, in %d parts, taken as one ROI. If it is a mask of many, number "
            "them first: scipy.ndimage.label(mask).",
            where,
            n_parts,
        )
