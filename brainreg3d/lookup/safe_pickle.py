"""Reading arrays of objects, which are pickles, without running what they ask for.

A pickle names functions and classes that are called when it is opened. Here only the names that
numpy writes for arrays and numbers are known, and what is called in their place are functions of
this module, which check what they get: a file made up for it, or a damaged one, can crash numpy's
own.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import InputError

_PLAIN_TYPE = re.compile(r"[<>|=]?([?bBhHiIlLqQefdFD]|[biufc][0-9]{1,2}|[SU][0-9]{0,4}|O8?)")


def read_objects(path: Path) -> list[Any]:
    """Return the entries of an array of objects, without running any code in it.

    Parameters
    ----------
    path : pathlib.Path
        A ``.npy`` file.

    Returns
    -------
    list
        Its entries, made of dicts, lists, texts, numbers and arrays of numbers.

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
    except InputError:
        raise
    except Exception as error:  # a damaged pickle fails in any way
        message = f"{path} cannot be read ({type(error).__name__}: {error}); {expected}."
        raise InputError(message) from error
    if not isinstance(content, _Array) or not isinstance(content.value, list):
        message = f"{path} holds no list of ROIs; {expected}."
        raise InputError(message)
    return [_plain(entry) for entry in content.value]


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


def _plain(value: Any) -> Any:
    """Return a value, or the values of a dict, with arrays in place of what stands for them."""
    if isinstance(value, dict):
        return {key: v.value if isinstance(v, _Array) else v for key, v in value.items()}
    return value.value if isinstance(value, _Array) else value


class _Type:
    """Stands for a dtype of numbers, texts or objects, never of several fields."""

    def __init__(self, text: Any, *_: object) -> None:
        if not isinstance(text, str) or not _PLAIN_TYPE.fullmatch(text):
            message = f"a type of array that is none of plain numbers, {text!r}"
            raise ValueError(message)
        self.dtype: np.dtype[Any] = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        _, order, parts, names, fields, *_ = state
        if any(part is not None for part in (parts, names, fields)):
            message = "a type of array that has parts"
            raise ValueError(message)
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for an array until what is in it is known."""

    def __init__(self) -> None:
        self.value: NDArray[Any] | list[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, data = state
        self.fill(data, kind, shape, "F" if is_fortran else "C")

    def fill(self, data: Any, kind: Any, shape: Any, order: Any) -> _Array:
        """Check what an array is made from, and make it."""
        if not isinstance(kind, _Type) or not _is_shape(shape):
            message = "an array that is none of numpy's own"
            raise ValueError(message)
        size = math.prod(shape)
        if kind.dtype.hasobject:
            if not isinstance(data, list) or len(data) != size:
                message = "an array of objects that are not there"
                raise ValueError(message)
            self.value = data
            return self
        content = data.encode("latin1") if isinstance(data, str) else bytes(data)
        if len(content) != size * kind.dtype.itemsize:
            message = "an array of another size than its content"
            raise ValueError(message)
        flat = np.frombuffer(content, kind.dtype) if size else np.empty(0, kind.dtype)
        self.value = flat.reshape(shape, order="F" if order == "F" else "C").copy()
        return self


def _is_shape(shape: Any) -> bool:
    is_tuple = isinstance(shape, tuple) and len(shape) <= 8
    return is_tuple and all(type(n) is int and 0 <= n < 1 << 32 for n in shape)


_KIND_OF_ARRAY = object()
"""Stands for the class ndarray, which a file names and which nothing may call."""


def _empty_array(kind: object, *_: object) -> _Array:
    if kind is not _KIND_OF_ARRAY:
        message = "an array that is none of numpy's own"
        raise ValueError(message)
    return _Array()


def _array(data: Any, kind: Any, shape: Any, order: Any, *_: object) -> _Array:
    return _Array().fill(data, kind, shape, order)


def _number(kind: Any, data: Any = None) -> Any:
    if not isinstance(kind, _Type) or kind.dtype.hasobject:
        message = "a number that is none of numpy's own"
        raise ValueError(message)
    array = _Array().fill(data, kind, (1,), "C").value
    return None if array is None else array[0]


def _encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":  # how numpy writes bytes for Python 2; others could load modules
        message = f"bytes written as {encoding!r}"
        raise ValueError(message)
    return text.encode("latin1")


class _Reader(pickle.Unpickler):
    """Makes what stands for arrays and numbers of numpy, and nothing else."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file, encoding="latin1")  # of Python 2's texts, as numpy reads them
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """Return what is called in place of a name; refuse any that is not known."""
        home = module.replace("numpy._core", "numpy.core")
        # Made anew for each file: a pickle may set attributes of what it finds here.
        known: dict[tuple[str, str], Any] = {
            ("numpy", "ndarray"): _KIND_OF_ARRAY,
            ("numpy", "dtype"): lambda *parts: _Type(*parts),
            ("numpy.core.multiarray", "_reconstruct"): lambda *parts: _empty_array(*parts),
            ("numpy.core.multiarray", "scalar"): lambda *parts: _number(*parts),
            ("numpy.core.numeric", "_frombuffer"): lambda *parts: _array(*parts),
            ("_codecs", "encode"): lambda *parts: _encoded(*parts),
        }
        if (home, name) not in known:
            message = (
                f"{self._path} is refused: it asks for {module}.{name}, which could run code when "
                f"the file is opened. suite2p's own files hold nothing but arrays and numbers; "
                f"save stat.npy again with suite2p, from a source that you trust."
            )
            raise InputError(message)
        return known[home, name]
