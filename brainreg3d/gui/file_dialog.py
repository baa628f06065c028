"""Asking for a file, where there is a screen."""

from __future__ import annotations

from pathlib import Path

from brainreg3d.gui.display import has_display


def ask_for_file(title: str) -> Path | None:
    """Let the user choose a file.

    Parameters
    ----------
    title : str
        Shown above the dialog.

    Returns
    -------
    pathlib.Path or None
        None when there is no screen, no Tk, or nothing was chosen.
    """
    if not has_display():
        return None
    try:
        import tkinter as tk
        from tkinter import filedialog
    except ImportError:  # Python was built without Tk
        return None
    try:
        root = tk.Tk()
    except tk.TclError:  # a display that cannot be reached
        return None
    root.withdraw()
    kinds = [("Images", "*.tif *.tiff *.png *.jpg *.jpeg *.npy"), ("All files", "*")]
    chosen = filedialog.askopenfilename(title=title, filetypes=kinds)
    root.destroy()
    return Path(chosen) if chosen else None
