"""A new image placed on an earlier one of the same animal, to judge by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.geometry import Camera, ImageView
from brainreg3d.io.atomic import atomic_files
from brainreg3d.state import Image
from brainreg3d.views.sheet import ImagePage, show_pixels
from brainreg3d.views.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SQUARES = 9  # along the longer side
_MOST_PX = 1300  # what a page can show
_AROUND = 0.05  # of the longer side: what is larger is light, what is smaller is vessels
_DIM = 0.15  # of the range of grey values: keeps the noise of the dark from being drawn
_YELLOW = (1.08, 1.0, 0.78)  # about as bright as grey
_FRAME_MS = 700
_GIF_DPI = 110
_EVENED = "Light and contrast are evened out, for viewing only"


@attrs.frozen(eq=False)
class _Pair:
    """Both images on the grid of the old one, grey levels from 0 to 1."""

    old: NDArray[np.float64]
    new: NDArray[np.float64]
    """NaN beyond the new image."""
    pixel_size_mm: tuple[float, float]


@styled
def draw_checkerboard(
    old: Image,
    old_view: ImageView,
    new: Image,
    new_view: ImageView,
    *,
    captions: Sequence[str] = (),
) -> Figure:
    """Draw two images of one brain by turns in the squares of a checkerboard.

    Parameters
    ----------
    old : Image
        The earlier image, whose frame the picture has.
    old_view : ImageView
        Where it lies.
    new : Image
        The new image.
    new_view : ImageView
        Where it lies; about the same plane as that of the old one.
    captions : sequence of str
        Lines below the picture.

    Returns
    -------
    matplotlib.figure.Figure
        Vessels run on across the borders of squares where the new image lies right.
    """
    pair = _on_old_grid(old, old_view, new, new_view)
    rows, cols = np.indices(pair.old.shape)
    side = max(pair.old.shape) / _SQUARES
    is_new = ((rows // side + cols // side) % 2 == 1) & np.isfinite(pair.new)
    grey = np.where(is_new, pair.new, pair.old)
    colors = np.where(
        is_new[..., None], np.minimum(grey[..., None] * _YELLOW, 1.0), grey[..., None]
    )
    page = ImagePage(
        pair.old.shape,
        pair.pixel_size_mm,
        f"{new.stem} on {old.stem}",
        pose=old_view.pose,
        captions=[f"Grey: {old.stem}. Yellow: {new.stem}, as placed", *captions, _EVENED],
    )
    figure, axes = page.draw()
    show_pixels(axes, colors)
    return figure


@styled
def draw_blink(
    old: Image,
    old_view: ImageView,
    new: Image,
    new_view: ImageView,
    *,
    captions: Sequence[str] = (),
) -> tuple[Figure, Figure]:
    """Draw two images of one brain in one frame each, to be shown by turns.

    Parameters
    ----------
    old : Image
        The earlier image, whose frame both pictures have.
    old_view : ImageView
        Where it lies.
    new : Image
        The new image.
    new_view : ImageView
        Where it lies; about the same plane as that of the old one.
    captions : sequence of str
        Lines below the pictures.

    Returns
    -------
    tuple of matplotlib.figure.Figure
        The old image and the new one, laid out alike: vessels stand still where the new image
        lies right.
    """
    pair = _on_old_grid(old, old_view, new, new_view)
    figures = []
    for pixels, title in ((pair.old, f"Old: {old.stem}"), (pair.new, f"New: {new.stem}")):
        page = ImagePage(
            pair.old.shape,
            pair.pixel_size_mm,
            title,
            pose=old_view.pose,
            captions=[*captions, _EVENED],
        )
        figure, axes = page.draw()
        axes.set_facecolor("#d8d8d8")
        show_pixels(axes, np.ma.masked_invalid(pixels))
        figures.append(figure)
    return figures[0], figures[1]


@styled
def save_blink(figures: Sequence[Figure], path: str | Path) -> Path:
    """Write figures as the frames of a GIF that runs for ever.

    Parameters
    ----------
    figures : sequence of matplotlib.figure.Figure
        Of one size; colours become grey.
    path : path-like
        Where to; the folder is made if needed.

    Returns
    -------
    pathlib.Path
        The file, complete or not there at all; the same figures give the same bytes.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    frames = [_frame(figure) for figure in figures]
    target = Path(path)
    with atomic_files("a picture") as files:
        frames[0].save(
            files.temporary(target),
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=_FRAME_MS,
            loop=0,
        )
    return target


def _frame(figure: Figure) -> Any:
    """Return a figure as a grey picture of Pillow's."""
    from PIL.Image import fromarray

    figure.set_dpi(_GIF_DPI)
    figure.canvas.draw()
    colors = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    return fromarray(colors).convert("L")


def _on_old_grid(old: Image, old_view: ImageView, new: Image, new_view: ImageView) -> _Pair:
    """Return both images on the pixels of the old one, or every n-th of them."""
    from scipy.ndimage import map_coordinates, uniform_filter  # slow to import

    step = math.ceil(max(old.shape) / _MOST_PX)
    rows, cols = (np.arange(step // 2, n, step) for n in old.shape)
    points = old_view.pixel_to_plane_mm(rows[:, None], cols[None, :])
    # The images lie in one plane, so that no camera is needed to go from one to the other.
    flat = attrs.evolve(new_view, camera=Camera(distance_mm=None))
    place = np.stack(flat.project(points)[:2])
    height_mm, width_mm = (step * size for size in old_view.pixel_size_mm)
    steps_in_new = (height_mm / new_view.pixel_size_mm[0], width_mm / new_view.pixel_size_mm[1])
    sizes = [max(round(size), 1) for size in steps_in_new]
    smooth = uniform_filter(new.pixels.astype(np.float64), sizes, mode="nearest")
    carried = map_coordinates(smooth, place, order=1, mode="constant", cval=np.nan)
    averaged = uniform_filter(old.pixels.astype(np.float64), step, mode="nearest")
    return _Pair(_evened(averaged[np.ix_(rows, cols)]), _evened(carried), (height_mm, width_mm))


def _evened(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an image without slow changes of light, grey levels from 0 to 1; NaN stays."""
    from scipy.ndimage import gaussian_filter  # slow to import

    seen = np.isfinite(pixels)
    if not seen.any():
        return pixels
    low, high = np.percentile(pixels[seen], (1.0, 98.0))
    share = (np.where(seen, pixels, low) - low) / max(float(high - low), 1e-12)
    light = np.log(np.clip(share, 0.0, 1.5) + _DIM)
    sigma = _AROUND * max(pixels.shape)
    total, weight = (gaussian_filter(part, sigma) for part in (light * seen, seen.astype(float)))
    detail = light - total / np.maximum(weight, 1e-3)
    black, white = np.percentile(detail[seen], (2.0, 97.5))
    grey = np.clip((detail - black) / max(float(white - black), 1e-12), 0.0, 1.0)
    return np.where(seen, grey, np.nan)
