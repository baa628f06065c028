"""The window mask of an earlier run."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.io.hashing import sha256_of_array
from brainreg3d.io.images import load_window_mask
from brainreg3d.stored.record import Record


@attrs.frozen(eq=False)
class StoredMask:
    """The window mask of an earlier run, if it had one.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W), or None
        True inside the imaging window.
    lost : str
        Why the mask of the run is not there; empty if it is, or there was none.
    changed : str
        Why labels of the run do not hold; empty where they do.
    """

    mask: NDArray[np.bool_] | None = attrs.field(default=None, repr=False)
    lost: str = ""
    changed: str = ""


def mask_of(record: Record, given: Any, shape: tuple[int, int]) -> StoredMask:
    """Return the window mask of a run.

    Parameters
    ----------
    record : Record
        Of the run.
    given : path-like or array_like, optional
        The mask, instead of that of the run or as it was not written to a file.
    shape : tuple of int
        (rows, columns) of the image.

    Returns
    -------
    StoredMask
        Lost if the run had one that is not there any more.

    Raises
    ------
    ImageError
        If it cannot be read or has another shape.
    """
    entry = record.run.get("window_mask")
    digest = None if entry is None else entry["sha256"]
    if given is not None:
        mask = load_window_mask(given, shape)
        is_same = sha256_of_array(mask) == digest
        return StoredMask(mask, changed="" if is_same else "another window mask is given")
    if entry is None:
        return StoredMask()
    path = None if entry["file"] is None else record.folder / entry["file"]
    if path is None or not path.is_file():
        what = "was an array" if path is None else f"is not at {path} any more"
        message = f"The window mask of the run {what}; give it again: window_mask=."
        return StoredMask(lost=message)
    mask = load_window_mask(path, shape)
    if sha256_of_array(mask) == digest:
        return StoredMask(mask)
    logger.warning("The window mask %s has changed since the run; pixels are labelled again.", path)
    return StoredMask(mask, changed=f"{path.name} has changed")
