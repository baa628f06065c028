"""Asking for the image when none is named."""

from __future__ import annotations

from pathlib import Path


def choose_image() -> Path | None:
    """Ask for the image in a file dialog, where there is a screen.

    Returns
    -------
    pathlib.Path or None
        None without a screen, and when nothing was chosen.
    """
    from brainreg3d.gui.file_dialog import ask_for_file  # slow to import

    return ask_for_file("Choose the image to register")
