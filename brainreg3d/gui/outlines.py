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

    coarse = _coarser(view)
    hits = cast_first_hits(atlas.annotation, coarse.rays())
    labels = regions.label_of_index(atlas.annotation)[hits.index].reshape(coarse.shape)
    factor = np.array(view.shape) / coarse.shape
    found = []
    for place, box in enumerate(find_objects(labels, max_label=len(regions))):
        if box is None:
            continue
        corner = np.array([side.start for side in box])
        lines, middle = _border(labels[box] == place + 1)
        # Pixel centres are integers on both grids, so their outer edges have to meet.
        lines = [(line + corner + 0.5) * factor - 0.5 for line in lines]
        named = None if middle is None else (np.add(middle, corner) + 0.5) * factor - 0.5
        found.append(Outline(place, tuple(lines), None if named is None else tuple(named)))
    return found


def _coarser(view: ImageView) -> ImageView:
    """Return the same image with fewer pixels."""
    share = min(1.0, _LONGEST_SIDE_PX / max(view.shape))
    rows, cols = (max(1, round(size * share)) for size in view.shape)
    height, width = np.multiply(view.shape, view.pixel_size_mm)
    camera = view.camera
    if camera.principal_point_px is not None:
        factor = np.array([rows, cols]) / view.shape
        point = (np.array(camera.principal_point_px) + 0.5) * factor - 0.5
        camera = attrs.evolve(camera, principal_point_px=tuple(point))
    return ImageView((rows, cols), (height / rows, width / cols), view.pose, camera)


def _border(
    mask: NDArray[np.bool_],
) -> tuple[list[NDArray[np.float64]], tuple[float, float] | None]:
    """Return the lines around a mask, and its most inner place."""
    from scipy.ndimage import distance_transform_edt
    from skimage.measure import find_contours

    padded = np.pad(mask, 1).astype(np.float32)
    lines = [line - 1.0 for line in find_contours(padded, 0.5) if len(line) >= _SHORTEST_OUTLINE]
    if mask.sum() < _SMALLEST_NAMED:
        return lines, None
    row, col = np.unravel_index(int(np.argmax(distance_transform_edt(padded))), padded.shape)
    return lines, (float(row) - 1.0, float(col) - 1.0)
