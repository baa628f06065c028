"""Small helpers for arrays that are shared and must not change."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

ScalarT = TypeVar("ScalarT", bound=np.generic)


def read_only(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """Return a view of `array` that cannot be written to.

    Parameters
    ----------
    array : numpy.ndarray
        Any array; it is not copied and stays writable itself.

    Returns
    -------
    numpy.ndarray
        A read-only view.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def optional_read_only(array: Any) -> Any:
    """Return `read_only` of an array, and ``None`` for ``None``.

    Parameters
    ----------
    array : numpy.ndarray or None
        Any array.

    Returns
    -------
    numpy.ndarray or None
        A read-only view.
    """
    return None if array is None else read_only(array)
