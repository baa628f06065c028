"""Whether there is a screen to open windows on, or a notebook to show pictures in."""

from __future__ import annotations

import os
import sys


def has_display() -> bool:
    """Tell whether a window can be expected to open.

    Returns
    -------
    bool
        On Linux and other systems with X11 or Wayland, whether one of them is announced by
        ``DISPLAY`` or ``WAYLAND_DISPLAY``. On Windows and macOS True, except in a session over
        ssh, which has no access to the screen.
    """
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return True
    if sys.platform in ("win32", "darwin"):
        return not (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))
    return False


def can_show() -> bool:
    """Tell whether a picture can be shown to someone.

    Returns
    -------
    bool
        True with a screen, and in a Jupyter notebook, which needs none.
    """
    return has_display() or _in_notebook()


def _in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")  # a notebook has imported it long before
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
