"""The look that all drawings share: fonts, sizes, colours."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, Region

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

TITLE_PT, TEXT_PT, SMALL_PT = 10.0, 8.0, 7.0
INK, GREY, PAPER = "#1a1a1a", "#5f5f5f", "#ffffff"
OFF_BRAIN = (0.93, 0.93, 0.93)
DPI = 200

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so pictures are equal everywhere
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.labelsize": SMALL_PT,
    "axes.titlesize": TEXT_PT,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}


def styled(draw: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a drawing function under the package's own matplotlib settings.

    Parameters
    ----------
    draw : callable
        Makes figures or saves them.

    Returns
    -------
    callable
        The same, whatever a matplotlibrc file or the user's session has set.
    """

    @functools.wraps(draw)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        import matplotlib as mpl  # slow to import

        keep = {"backend", "backend_fallback", "interactive", "webagg.open_in_browser"}
        defaults = {k: v for k, v in mpl.rcParamsDefault.items() if k not in keep}
        settings: Any = {**defaults, **_RC}
        with mpl.rc_context(settings), warnings.catch_warnings():
            # Letters that matplotlib's own font lacks are boxes: with any other font of the
            # computer pictures would differ from one to the next.
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            return draw(*args, **kwargs)

    return wrapper


def region_color(region: Region) -> tuple[float, float, float]:
    """Return the atlas colour of a region.

    Parameters
    ----------
    region : Region
        The region.

    Returns
    -------
    tuple of float
        Red, green, blue from 0 to 1.
    """
    red, green, blue = (channel / 255 for channel in region.rgb)
    return red, green, blue


def color_table(*colors: Sequence[float]) -> NDArray[np.uint8]:
    """Return colours as bytes, an eighth of the space of floats for a whole image.

    Parameters
    ----------
    *colors : sequence of float
        Red, green, blue from 0 to 1.

    Returns
    -------
    numpy.ndarray of uint8, shape (N, 3)
        One row for each.
    """
    table = np.array(colors, dtype=float).reshape(-1, 3)
    return np.asarray(np.rint(table * 255), dtype=np.uint8)


def luminance(color: Sequence[float]) -> float:
    """Return how bright a colour looks, from 0 to 1 (Rec. 709 weights).

    Parameters
    ----------
    color : sequence of float
        Red, green, blue from 0 to 1.

    Returns
    -------
    float
        0 for black, 1 for white.
    """
    return float(np.dot(color[:3], (0.2126, 0.7152, 0.0722)))


def brightened(color: Sequence[float], least: float = 0.55) -> tuple[float, float, float]:
    """Return a colour mixed with white until it stands out on a dark image.

    Parameters
    ----------
    color : sequence of float
        Red, green, blue from 0 to 1.
    least : float
        The luminance that is reached.

    Returns
    -------
    tuple of float
        Of the same hue.
    """
    share = max(0.0, (least - luminance(color)) / (1.0 - luminance(color) + 1e-9))
    red, green, blue = (float(channel + share * (1.0 - channel)) for channel in color[:3])
    return red, green, blue


def atlas_line(atlas: Atlas | None) -> list[str]:
    """Return the caption that names the atlas.

    Parameters
    ----------
    atlas : Atlas or None
        What the regions come from.

    Returns
    -------
    list of str
        Empty when there is no atlas.
    """
    return [] if atlas is None else [f"Atlas: {atlas.title}"]
