"""ROIs that suite2p found: ``stat.npy``.

That file is a pickle. A pickle may run any code when it is opened the usual way, so only what
suite2p writes is taken out of it: arrays and numbers of numpy, and Python's own containers.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError
from brainreg3d.lookup.rois import Roi, Rois, gather, pixel_numbers


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


def read_objects(path: Path) -> list[Any]:
    """Return the entries of an array of objects, without running any code in it.

    Parameters
    ----------
    path : pathlib.Path
        A ``.npy`` file.

    Returns
    -------
    list
        Its entries, made of dicts, lists, texts, numbers and arrays.

    Raises
    ------
    InputError
        If it is no such file, or holds anything else.
    """
    expected = "expected a stat.npy as suite2p writes it"
    try:
        with path.open("rb") as file:
            if not _holds_objects(file):
                message = f"{path} holds plain numbers; {expected}."
                raise InputError(message)
            content = _Reader(file, path).load()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged pickle fails in any way
        message = f"{path} cannot be read ({type(error).__name__}: {error}); {expected}."
        raise InputError(message) from error
    if not isinstance(content, np.ndarray) or content.dtype != object or content.ndim > 1:
        message = f"{path} holds no list of ROIs; {expected}."
        raise InputError(message)
    return content.reshape(-1).tolist()


def _holds_objects(file: BinaryIO) -> bool:
    version = np.lib.format.read_magic(file)
    readers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        message = f"version {version} of the npy format is not known"
        raise ValueError(message)
    _, _, dtype = readers[version](file)
    return bool(dtype.hasobject)


class _Reader(pickle.Unpickler):
    """Makes arrays and numbers of numpy and nothing else."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file, encoding="latin1")  # of Python 2's texts, as numpy reads them
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """Return our own maker of an array or a number; refuse everything else."""
        home = module.replace("numpy._core", "numpy.core")
        known: dict[tuple[str, str], Any] = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("numpy.core.multiarray", "_reconstruct"): _empty_array,
            ("numpy.core.multiarray", "scalar"): _number,
            ("numpy.core.numeric", "_frombuffer"): _array,
            ("_codecs", "encode"): _encoded,
        }
        if (home, name) not in known:
            message = (
                f"{self._path} is refused: it asks for {module}.{name}, which could run code when "
                f"the file is opened. suite2p's own files hold nothing but arrays and numbers; "
                f"save stat.npy again with suite2p, from a source that you trust."
            )
            raise InputError(message)
        return known[home, name]


def _empty_array(kind: type, shape: tuple[int, ...], _: object) -> NDArray[Any]:
    if kind is not np.ndarray or tuple(shape) != (0,):
        message = "an array that is none of numpy's own"
        raise ValueError(message)
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def _number(dtype: np.dtype[Any], data: bytes | None = None) -> Any:
    if not isinstance(dtype, np.dtype) or dtype.hasobject or not isinstance(data, bytes):
        message = "a number that is none of numpy's own"
        raise ValueError(message)
    return np.frombuffer(data, dtype)[0]


def _array(
    data: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: str, *_: object
) -> NDArray[Any]:
    if dtype.hasobject:
        message = "an array of objects where numbers are expected"
        raise ValueError(message)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if order == "F" else "C").copy()


def _encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":  # how numpy writes bytes for Python 2; others could load modules
        message = f"bytes written as {encoding!r}"
        raise ValueError(message)
    return text.encode("latin1")
