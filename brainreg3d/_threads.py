"""How many threads the package may use; the only place that decides it."""

from __future__ import annotations

import os

from brainreg3d.errors import InputError

THREADS_VARIABLE = "BRAINREG3D_NUM_THREADS"
"""Environment variable that says how many threads may work at a time, those of a batch together."""


def count_threads() -> int:
    """Return how many threads may work at a time.

    Returns
    -------
    int
        What ``BRAINREG3D_NUM_THREADS`` says; else how many cores this process may use, which may
        be fewer than the machine has.

    Raises
    ------
    InputError
        If the variable is no whole number from 1 on.
    """
    text = os.environ.get(THREADS_VARIABLE, "").strip()
    if text:
        if not text.isdecimal() or int(text) < 1:
            message = f"{THREADS_VARIABLE} is a whole number from 1 on, or not set; got {text!r}."
            raise InputError(message)
        return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
