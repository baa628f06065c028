"""Reading ROIs of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError, MissingFileError
from brainreg3d.lookup.imagej import read_imagej
from brainreg3d.lookup.label_image import read_label_tiff, rois_of_labels
from brainreg3d.lookup.point_table import read_points
from brainreg3d.lookup.points import PIXELS, Points, check_point_unit
from brainreg3d.lookup.rois import Rois
from brainreg3d.lookup.suite2p import read_suite2p

_KNOWN = (
    "suite2p's stat.npy, ImageJ's .roi or .zip, a label image (.tif, or .npy of whole numbers), or "
    "a .csv of points"
)
_TABLES = (".csv", ".tsv", ".txt")


@overload
def read_rois(
    source: str | Path | NDArray[np.integer], point_unit: Literal["px"] = "px"
) -> Rois: ...
@overload
def read_rois(source: str | Path | NDArray[np.integer], point_unit: str) -> Rois | Points: ...
def read_rois(source: str | Path | NDArray[np.integer], point_unit: str = PIXELS) -> Rois | Points:
    """Read ROIs.

    Parameters
    ----------
    source : path-like or array_like
        suite2p's ``stat.npy`` or its folder; a ``.roi`` file or a ``.zip`` file of ImageJ; a TIFF
        with one value for each ROI, or with ROIs drawn in ImageJ; a CSV of points; or an array,
        shape (H, W), with one value for each ROI.
    point_unit : {"px", "mm", "um"}
        What a CSV of points counts in: pixels, with (0, 0) in the centre of the first one; or mm or
        µm from the upper left corner of the image, the outer corner of the first pixel, as the
        Results table of ImageJ has centroids where the image has a scale.

    Returns
    -------
    Rois or Points
        In pixels of the recording that they were made on. Points for points in mm or µm, whose
        pixels `look_up_rois` finds.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it cannot be read, or could run code when it is opened; or if it is no CSV and counts in
        pixels by itself, and something else is said.
    """
    check_point_unit(point_unit)
    is_table = isinstance(source, str | Path) and Path(source).suffix.lower() in _TABLES
    if point_unit != PIXELS and not is_table:
        what = source if isinstance(source, str | Path) else "the label image"
        message = (
            f"point_unit is {point_unit!r} (--point-unit), which is for tables of points ("
            f"{', '.join(_TABLES)}); {what} counts in pixels. Leave it out."
        )
        raise InputError(message)
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
    if suffix in _TABLES:
        return read_points(path, point_unit)
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
