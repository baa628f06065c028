"""Outlines of the regions as they would be labelled, quick enough to follow the hand."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.geometry import ImageView
from brainreg3d.raycast import cast_first_hits

_LONGEST_SIDE_PX = 220
_SHORTEST_OUTLINE = 6  # corners; smaller specks are noise at this resolution
_SMALLEST_NAMED = 40  # coarse pixels
_SMOOTHING_ROUNDS = 6


@attrs.frozen(eq=False)
class Outline:
    """The border of one region on the image.

    Parameters
    ----------
    place : int
        Place of the region in the list.
    lines_px : tuple of numpy.ndarray, shape (N, 2)
        (row, column) along each piece of the border.
    middle_px : tuple of float or None
        (row, column) of a good place for its name; None where it is too small for one.
    """

    place: int
    lines_px: tuple[NDArray[np.float64], ...]
    middle_px: tuple[float, float] | None


def region_outlines(view: ImageView, atlas: Atlas, regions: RegionSet) -> list[Outline]:
    """Return where the borders of regions lie on an image.

    Parameters
    ----------
    view : ImageView
        Where the image lies, and its camera.
    atlas : Atlas
        The brain; all its tissue hides what lies behind it.
    regions : RegionSet
        The regions.

    Returns
    -------
    list of Outline
        Of the regions that are seen, from labels of about 220 pixels along the longer side.
    """
    from scipy.ndimage import find_objects  # slow to import

    share = min(1.0, _LONGEST_SIDE_PX / max(view.shape))
    shape = [max(1, round(size * share)) for size in view.shape]
    factor = np.array(view.shape) / shape
    # Pixel centres are integers on both grids, so their outer edges have to meet.
    rows, cols = ((np.arange(n) + 0.5) * f - 0.5 for n, f in zip(shape, factor, strict=True))
    rays = view.rays_at(np.repeat(rows, cols.size), np.tile(cols, rows.size))
    hits = cast_first_hits(atlas.annotation, rays)
    labels = regions.label_of_index(atlas.annotation)[hits.index].reshape(shape)
    found = []
    for place, box in enumerate(find_objects(labels, max_label=len(regions))):
        if box is None:
            continue
        wide = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
        corner = np.array([side.start for side in wide])
        lines, middle = _border(labels[wide] == place + 1)
        lines = [(line + corner + 0.5) * factor - 0.5 for line in lines]
        named = None if middle is None else (np.add(middle, corner) + 0.5) * factor - 0.5
        found.append(Outline(place, tuple(lines), None if named is None else tuple(named)))
    return found


def _border(
    mask: NDArray[np.bool_],
) -> tuple[list[NDArray[np.float64]], tuple[float, float] | None]:
    """Return the lines around a mask, and its most inner place."""
    from scipy.ndimage import distance_transform_edt
    from skimage.measure import find_contours

    # A region that goes on beyond the image has no border there.
    lines = [
        _smoothed(line)
        for line in (find_contours(mask.astype(np.float32), 0.5) if min(mask.shape) > 1 else [])
        if len(line) >= _SHORTEST_OUTLINE
    ]
    if mask.sum() < _SMALLEST_NAMED:
        return lines, None
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, col = np.unravel_index(int(np.argmax(depth)), mask.shape)
    return lines, (float(row), float(col))


def _smoothed(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a line without the steps of pixels and voxels; it stays within one pixel."""
    closed = bool(np.allclose(line[0], line[-1]))
    for _ in range(_SMOOTHING_ROUNDS):
        if closed:
            ring = line[:-1]
            ring = (np.roll(ring, 1, axis=0) + 2 * ring + np.roll(ring, -1, axis=0)) / 4
            line = np.concatenate([ring, ring[:1]])
        else:
            inner = (line[:-2] + 2 * line[1:-1] + line[2:]) / 4
            line = np.concatenate([line[:1], inner, line[-1:]])
    return line
