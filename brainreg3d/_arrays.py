"""Small helpers for arrays and numbers that come from outside."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np


def read_only(array: Any) -> Any:
    """Return a view of an array that cannot be written to; None stays None.

    Parameters
    ----------
    array : numpy.ndarray or None
        Any array; it is not copied and stays writable itself.

    Returns
    -------
    numpy.ndarray or None
        A read-only view.
    """
    if array is None:
        return None
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def is_whole(value: Any) -> bool:
    """Tell whether something is a whole number, of Python's or NumPy's; true and false are none.

    Parameters
    ----------
    value : object
        What a user or a file gave.

    Returns
    -------
    bool
        False for 2.0, which is a fraction by its kind.
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def finite_numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """Return a few finite numbers as plain floats.

    Parameters
    ----------
    value : object
        What a user or a file gave.
    count : int
        How many numbers are expected.

    Returns
    -------
    tuple of float or None
        None if there are more or fewer, or any is no finite number; true and false are none.
    """
    try:
        items = list(np.asarray(value, dtype=object).ravel())
        if any(isinstance(item, bool | np.bool_ | str) for item in items):
            return None
        numbers = tuple(float(item) for item in items)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) == count and np.all(np.isfinite(numbers)) else None
