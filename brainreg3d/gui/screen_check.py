"""Finding out whether a window will open, before something that ends the process tries to."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
import time

from brainreg3d.errors import AlignmentNeeded
from brainreg3d.gui.display import has_display
from brainreg3d.steps.align import WAYS_TO_ALIGN

_PAUSES_S = (0.0, 0.1, 0.3)


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
    elif os.environ.get("WAYLAND_DISPLAY"):
        what = "The alignment window needs X11, which this Wayland session lacks (see XWayland)"
    message = f"{what}. {WAYS_TO_ALIGN}"
    raise AlignmentNeeded(message)


def _x11_answers() -> bool:
    """Tell whether the X server can be reached.

    Where it cannot, VTK ends the whole process, or draws into memory where nobody sees it.
    """
    if not sys.platform.startswith("linux"):
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
    for pause_s in _PAUSES_S:  # a virtual screen starts anew whenever its last window closes
        time.sleep(pause_s)
        display = library.XOpenDisplay(None)
        if display:
            library.XCloseDisplay(display)
            return True
    return False
