"""Placing an image by hand: a controller without a window, and windows around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainreg3d._lazy import attach

if TYPE_CHECKING:
    from brainreg3d.gui.controller import AlignmentController
    from brainreg3d.gui.desktop import DesktopWindow
    from brainreg3d.gui.web import WebWindow

__all__ = ["AlignmentController", "DesktopWindow", "WebWindow"]

_MODULES = {
    "AlignmentController": "controller",
    "DesktopWindow": "desktop",
    "WebWindow": "web",
}

__getattr__, __dir__ = attach(__name__, _MODULES)
