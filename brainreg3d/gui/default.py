"""The window that opens when nobody names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d.gui.display import has_display

if TYPE_CHECKING:
    from brainreg3d.steps import AlignmentWindow


def default_window() -> AlignmentWindow | None:
    """Return a window to place an image in, where there is a screen for it.

    Returns
    -------
    AlignmentWindow or None
        None without a screen.
    """
    if not has_display():
        return None
    from brainreg3d.gui.desktop import DesktopWindow  # only where a window will open

    return DesktopWindow()
