"""Region names on an image, placed where they fit without touching each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.views.layout import text_width_in
from brainreg3d.views.style import luminance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZES_PT = (8.0, 7.0, 6.0, 5.5)
_CANDIDATES = 12
_LEAST_INSIDE = (0.97, 0.75)  # share of a name that lies on its own region: wanted, accepted
_PAD_IN = 0.025


@attrs.frozen
class Piece:
    """A region, or its part in one hemisphere, that is to be named once.

    Parameters
    ----------
    name : str
        What to write.
    mask : numpy.ndarray of bool, 2D
        Where it is, in the image or in a box cut out of it.
    color : tuple of float
        The ground on which the name is written: red, green, blue from 0 to 1.
    corner : tuple of int
        (row, column) of the first pixel of `mask` in the image.
    """

    name: str
    mask: NDArray[np.bool_] = attrs.field(repr=False, eq=False)
    color: tuple[float, float, float] = (0.0, 0.0, 0.0)
    corner: tuple[int, int] = (0, 0)


@attrs.frozen
class PlacedName:
    """A name and where it goes.

    Parameters
    ----------
    text : str
        The name.
    x_px, y_px : float
        Its middle, in pixels of the image.
    size_pt : float
        Font size in points.
    color : tuple of float
        The ground below it.
    """

    text: str
    x_px: float
    y_px: float
    size_pt: float
    color: tuple[float, float, float]


def deep_points(
    mask: NDArray[np.bool_], px_per_in: tuple[float, float], count: int = _CANDIDATES
) -> list[tuple[float, float]]:
    """Return points deep inside the largest connected piece of a mask, deepest first.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W)
        A region; not empty.
    px_per_in : tuple of float
        (rows, columns) for an inch on the page, so that depth counts as it is seen.
    count : int
        How many points to return at most.

    Returns
    -------
    list of (float, float)
        (x_px, y_px); each is the deepest point outside the discs that fit around earlier ones.
    """
    from scipy import ndimage

    pieces, n_pieces = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel(), minlength=n_pieces + 1)[1:]
    largest = int(np.argmax(sizes)) + 1
    box = ndimage.find_objects(pieces)[largest - 1]
    inside = np.pad(pieces[box] == largest, 1)
    spacing = (1 / px_per_in[0], 1 / px_per_in[1])
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    rows, cols = np.ogrid[: inside.shape[0], : inside.shape[1]]
    points: list[tuple[float, float]] = []
    while len(points) < count and depth.max() > 0:
        row, col = np.unravel_index(int(np.argmax(depth)), depth.shape)
        points.append((float(col - 1 + box[1].start), float(row - 1 + box[0].start)))
        apart = np.hypot((rows - row) * spacing[0], (cols - col) * spacing[1])
        depth = np.where(apart < max(depth[row, col] * 0.7, 0.06), 0.0, depth)
    return points


def place_names(
    pieces: Sequence[Piece], shape: tuple[int, int], size_in: tuple[float, float]
) -> tuple[list[PlacedName], list[str]]:
    """Find a place and a font size for each name.

    Parameters
    ----------
    pieces : sequence of Piece
        What to name.
    shape : tuple of int
        (rows, columns) of the image.
    size_in : tuple of float
        (width, height) at which the image is drawn, in inches.

    Returns
    -------
    placed : list of PlacedName
        Names that lie on their own region and inside the image, and do not touch.
    left_out : list of str
        Names, each once, for which there was no room anywhere.
    """
    px_per_in = (shape[0] / size_in[1], shape[1] / size_in[0])
    taken: list[tuple[float, float, float, float]] = []
    placed: list[PlacedName] = []
    # Small regions have the least choice, so they choose first.
    for piece in sorted(pieces, key=lambda p: int(p.mask.sum())):
        found = _place(piece, shape, px_per_in, taken)
        if found is not None:
            placed.append(found)
            taken.append(_box(found, px_per_in))
    named = {name.text for name in placed}
    left_out = [p.name for p in pieces if p.name not in named]
    return placed, list(dict.fromkeys(left_out))


def draw_names(axes: Axes, names: Sequence[PlacedName], on_image: bool) -> None:
    """Write names onto an image.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Holds the image in pixel coordinates.
    names : sequence of PlacedName
        From `place_names`.
    on_image : bool
        Whether the ground is a grey image: white letters with a dark rim. Otherwise black or
        white letters, whichever stands out from the colour of the region.
    """
    from matplotlib.patheffects import withStroke

    for name in names:
        dark_ground = on_image or luminance(name.color) < 0.6
        # A rim in the colour of the region keeps letters readable where they reach beyond it.
        rim_color = (0.0, 0.0, 0.0, 0.85) if on_image else name.color
        rim = [withStroke(linewidth=1.6, foreground=rim_color)]
        axes.text(
            name.x_px,
            name.y_px,
            name.text,
            size=name.size_pt,
            ha="center",
            va="center",
            color="white" if dark_ground else "black",
            path_effects=rim,
            parse_math=False,
            weight="bold" if on_image else "normal",
            gid="region name",
        )


def _box(name: PlacedName, px_per_in: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return (left, top, right, bottom) of a name in pixels, with a little space around it."""
    # Bold is the widest that is drawn; ascenders and descenders take 1.2 times the font size.
    width = text_width_in(name.text, name.size_pt, "bold") + 2 * _PAD_IN
    height = name.size_pt * 1.2 / 72 + _PAD_IN
    half_x, half_y = width / 2 * px_per_in[1], height / 2 * px_per_in[0]
    return name.x_px - half_x, name.y_px - half_y, name.x_px + half_x, name.y_px + half_y


def _place(
    piece: Piece,
    shape: tuple[int, int],
    px_per_in: tuple[float, float],
    taken: Sequence[tuple[float, float, float, float]],
) -> PlacedName | None:
    points = deep_points(piece.mask, px_per_in)
    for least_inside in _LEAST_INSIDE:
        for size_pt in _SIZES_PT:
            for x_px, y_px in points:
                x, y = x_px + piece.corner[1], y_px + piece.corner[0]
                name = PlacedName(piece.name, x, y, size_pt, piece.color)
                box = _box(name, px_per_in)
                if _share_inside(box, piece, shape) < least_inside:
                    continue
                if not any(_touch(box, other) for other in taken):
                    return name
    return None


def _share_inside(
    box: tuple[float, float, float, float], piece: Piece, shape: tuple[int, int]
) -> float:
    """Return which share of a box lies on a piece; 0 when the box leaves the image."""
    left, top, right, bottom = box
    rows, cols = shape
    if left < -0.5 or top < -0.5 or right > cols - 0.5 or bottom > rows - 0.5:
        return 0.0
    row, col = piece.corner
    first, last, start, stop = round(top), round(bottom) + 1, round(left), round(right) + 1
    inside = piece.mask[
        max(0, first - row) : max(0, last - row), max(0, start - col) : max(0, stop - col)
    ]
    return float(np.count_nonzero(inside)) / ((last - first) * (stop - start))


def _touch(
    box: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
