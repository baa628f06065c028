"""Saving and showing figures."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainreg3d.io.atomic import atomic_files
from brainreg3d.views.style import DPI, PAPER, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : path-like
        Where to; the folder is made if needed.

    Returns
    -------
    pathlib.Path
        The file, complete or not there at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = Path(path)
    with atomic_files("a picture") as files:
        temporary = files.temporary(target)
        figure.savefig(
            temporary, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None}
        )
    return target


def show_figures(figures: Iterable[Figure], block: bool = True) -> None:
    """Show figures: inline in a notebook, otherwise in windows.

    Parameters
    ----------
    figures : iterable of matplotlib.figure.Figure
        What to show.
    block : bool
        Whether to wait until all windows are closed.
    """
    figures = list(figures)
    if not figures or _show_in_notebook(figures):
        return
    # The only place that touches pyplot: it owns windows and their event loop.
    import matplotlib.pyplot as plt

    for figure in figures:
        width, height = figure.get_size_inches()
        window = plt.figure(figsize=(width, height), dpi=100)
        _adopt(figure, window)
    plt.show(block=block)


def _adopt(figure: Figure, window: Figure) -> None:
    """Show the picture of a figure in a window that pyplot made."""
    import numpy as np

    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    axes = window.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.imshow(picture, interpolation="antialiased")


def _show_in_notebook(figures: list[Figure]) -> bool:
    """Display figures in a Jupyter kernel; tell whether there is one."""
    try:
        from IPython import display, get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    if not hasattr(shell, "kernel"):
        return False
    show: Any = display.display
    picture: Any = display.Image
    for figure in figures:
        # As an image: notebooks know figures only after pyplot has been set up.
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI)
        show(picture(data=buffer.getvalue(), width=round(figure.get_size_inches()[0] * 100)))
    return True
