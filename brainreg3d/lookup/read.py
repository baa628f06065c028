"""Reading ROIs of any kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError, MissingFileError
from brainreg3d.lookup.imagej import read_imagej
from brainreg3d.lookup.label_image import read_label_tiff, rois_of_labels
from brainreg3d.lookup.points import read_points
from brainreg3d.lookup.rois import Rois
from brainreg3d.lookup.suite2p import read_suite2p

_KNOWN = (
    "suite2p's stat.npy, ImageJ's .roi or .zip, a label image (.tif, or .npy of whole numbers), or "
    "a .csv of points"
)


def read_rois(source: str | Path | NDArray[np.integer]) -> Rois:
    """Read ROIs.

    Parameters
    ----------
    source : path-like or array_like
        suite2p's ``stat.npy`` or its folder; a ``.roi`` file or a ``.zip`` file of ImageJ; a TIFF
        with one value for each ROI, or with ROIs drawn in ImageJ; a CSV of points; or an array,
        shape (H, W), with one value for each ROI.

    Returns
    -------
    Rois
        In pixels of the recording that they were made on.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it cannot be read, or could run code when it is opened.
    """
    if not isinstance(source, str | Path):
        return rois_of_labels(np.asarray(source), "the label image")
    path = Path(source)
    if path.is_dir() and (path / "stat.npy").is_file():
        path = path / "stat.npy"
    if not path.is_file():
        what = "is a folder without a stat.npy" if path.is_dir() else "does not exist"
        message = f"{path} {what}; expected {_KNOWN}."
        raise MissingFileError(message)
    suffix = path.suffix.lower()
    if suffix in (".tif", ".tiff"):
        return read_label_tiff(path)
    if suffix == ".npy":
        return _read_npy(path)
    if suffix in (".roi", ".zip"):
        return read_imagej(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return read_points(path)
    message = f"{path} is of no kind that is known here; expected {_KNOWN}."
    raise InputError(message)


def _read_npy(path: Path) -> Rois:
    try:
        picture = np.load(path, allow_pickle=False)
    except ValueError:  # objects, which only suite2p's reader may open
        return read_suite2p(path)
    except MemoryError:
        raise
    except Exception as error:  # a damaged header fails in any way
        message = f"{path} cannot be read ({error}); expected {_KNOWN}."
        raise InputError(message) from error
    return rois_of_labels(picture, str(path))
