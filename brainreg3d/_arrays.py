"""Small helpers for arrays that are shared and must not change."""

from __future__ import annotations

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
