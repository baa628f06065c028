"""ROIs that suite2p found: ``stat.npy``.

That file is a pickle, which may run any code when it is opened the usual way; see
`brainreg3d.lookup.safe_pickle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError
from brainreg3d.lookup.rois import Roi, Rois, gather, pixel_numbers
from brainreg3d.lookup.safe_pickle import read_objects


def read_suite2p(path: Path) -> Rois:
    """Read the ROIs of a ``stat.npy``.

    Parameters
    ----------
    path : pathlib.Path
        The file; ``iscell.npy`` beside it is read, too.

    Returns
    -------
    Rois
        Named by their number from 0, as suite2p counts them. The middle of each is weighted by
        ``lam``, where that is there. Columns ``iscell`` and ``iscell_probability`` hold suite2p's
        verdicts, where they are known.

    Raises
    ------
    InputError
        If the file is none of suite2p's, or holds anything that could run code.
    """
    entries = read_objects(path)
    rois = [_roi(number, entry, path) for number, entry in enumerate(entries)]
    return gather(rois, _verdicts(path.with_name("iscell.npy"), len(rois)))


def _roi(number: int, entry: Any, path: Path) -> Roi:
    where = f"ROI {number} of {path}"
    if not isinstance(entry, Mapping) or not {"ypix", "xpix"} <= set(entry):
        message = f"{where} has no ypix and xpix; expected a stat.npy as suite2p writes it."
        raise InputError(message)
    rows = pixel_numbers(entry["ypix"], f"ypix of {where}")
    cols = pixel_numbers(entry["xpix"], f"xpix of {where}")
    if rows.size != cols.size:
        message = f"{where} has {rows.size} rows and {cols.size} columns; the file is damaged."
        raise InputError(message)
    return Roi(str(number), "suite2p", rows, cols, _weighted_center(rows, cols, entry.get("lam")))


def _weighted_center(
    rows: NDArray[np.int64], cols: NDArray[np.int64], lam: Any
) -> tuple[float, float] | None:
    """Return the middle of a footprint; None where there are no weights that make sense."""
    weights = None if lam is None else np.asarray(lam)
    if weights is None or weights.dtype.kind not in "iuf" or weights.shape != rows.shape:
        return None
    weights = weights.astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        return None
    return float(np.average(rows, weights=weights)), float(np.average(cols, weights=weights))


def _verdicts(path: Path, n_rois: int) -> dict[str, list[Any]]:
    if not path.is_file():
        return {}
    try:
        table = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        message = f"{path} cannot be read ({error}); expected suite2p's verdicts, two columns."
        raise InputError(message) from error
    if table.ndim != 2 or table.shape != (n_rois, 2) or table.dtype.kind not in "biuf":
        message = (
            f"{path} has shape {table.shape}, but there are {n_rois} ROIs; expected ({n_rois}, 2). "
            f"Take the iscell.npy that belongs to the stat.npy, or move it away."
        )
        raise InputError(message)
    return {
        "iscell": [int(value != 0) for value in table[:, 0]],
        "iscell_probability": [round(float(value), 4) for value in table[:, 1]],
    }
