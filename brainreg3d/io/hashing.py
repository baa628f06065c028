"""Hashes of files and arrays."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK_BYTES = 1 << 20


def sha256_of_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's content.

    The answer is remembered for as long as the file's size, inode and time of change stay.

    Parameters
    ----------
    path : path-like
        An existing file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    status = Path(path).stat()
    return _sha256(str(path), status.st_ino, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _sha256(path: str, _inode: int, _size: int, _mtime_ns: int) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_of_array(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's type, shape and values.

    Parameters
    ----------
    array : numpy.ndarray
        Any array of numbers.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
