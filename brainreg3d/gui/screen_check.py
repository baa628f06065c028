"""Finding out whether a window will open, before something that ends the process tries to."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys

from brainreg3d.errors import AlignmentNeeded
from brainreg3d.gui.display import has_display


def check_screen() -> None:
    """Raise if no window can be opened here.

    Raises
    ------
    AlignmentNeeded
        If there is no screen, or the one that is announced does not answer.
    """
    if has_display() and _x11_answers():
        return
    what = "There is no screen to open the alignment window on"
    if os.environ.get("DISPLAY"):
        what = f"The screen DISPLAY={os.environ['DISPLAY']} does not answer"
    message = (
        f"{what}. Place the image in a browser (--web), give landmarks or a saved alignment, "
        f"or run where there is a screen."
    )
    raise AlignmentNeeded(message)


def _x11_answers() -> bool:
    """Tell whether the X server can be reached; VTK ends the whole process where it cannot."""
    if not sys.platform.startswith("linux") or not os.environ.get("DISPLAY"):
        return True
    name = ctypes.util.find_library("X11")
    if name is None:
        return True
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return True
    library.XOpenDisplay.restype = ctypes.c_void_p
    library.XCloseDisplay.argtypes = [ctypes.c_void_p]
    display = library.XOpenDisplay(None)
    if not display:
        return False
    library.XCloseDisplay(display)
    return True
