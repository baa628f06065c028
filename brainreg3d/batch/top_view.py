"""What a session says of each place of the brain seen from above, whatever its pose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.geometry import ImageView, Rays
from brainreg3d.raycast import cast_first_hits

if TYPE_CHECKING:
    from brainreg3d.result import Result

_NEAR_VOXELS = 2.0  # between steps of the voxels' staircase, as seen from the side


def top_view_labels(result: Result) -> NDArray[np.uint16] | None:
    """Return the label of each place of the brain's upper surface, where the image shows it.

    The surface is sampled straight below the middle of each column of voxels. A place gets the
    label of the pixel in which it appears, if nothing hides it there. Every place is looked up,
    rather than every pixel carried over, so that coarse pixels leave no holes.

    Parameters
    ----------
    result : Result
        Of a run that got to the labels.

    Returns
    -------
    numpy.ndarray of uint16, shape (AP, ML), or None
        One element for each column of voxels, anterior first, left first; 0 for no region, or
        not seen, else 1 + place of the region. None without atlas or labels.
    """
    if result.atlas is None or result.alignment is None or result.labels is None:
        return None
    annotation, view = result.atlas.annotation, result.alignment.view
    points, shape = top_surface(annotation)
    top = np.zeros(len(points), dtype=np.uint16)
    place, row, col = _pixels_that_show(points, view, annotation)
    top[place] = result.labels[row, col]
    return top.reshape(shape)


def top_surface(annotation: Annotation) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return where a ray straight down meets tissue first, for each column of voxels.

    Parameters
    ----------
    annotation : Annotation
        The brain.

    Returns
    -------
    points_mm : numpy.ndarray, shape (AP * ML, 3)
        (x, y, z) in mm, anterior first, left first; NaN where there is no tissue.
    shape : tuple of int
        (AP, ML).
    """
    grid = annotation.grid
    _, n_y, n_x = grid.shape
    height_mm = grid.box_mm[2]
    y = (np.arange(n_y)[::-1] + 0.5) * grid.spacing_mm[1]
    x = (np.arange(n_x) + 0.5) * grid.spacing_mm[2]
    y, x = (axis.ravel() for axis in np.meshgrid(y, x, indexing="ij"))
    origins = np.column_stack([x, y, np.full(x.size, height_mm)])
    rays = Rays(origins, np.array([[0.0, 0.0, -1.0]]), -np.inf)
    hits = cast_first_hits(annotation, rays)
    origins[:, 2] -= hits.distance_mm
    return origins, (n_y, n_x)


def _pixels_that_show(
    points_mm: NDArray[np.float64], view: ImageView, annotation: Annotation
) -> tuple[NDArray[np.intp], NDArray[Any], NDArray[Any]]:
    """Return which points an image shows, and the rows and columns of their pixels."""
    place = np.flatnonzero(np.isfinite(points_mm[:, 2]))
    rows, cols, _ = view.project(points_mm[place])
    with np.errstate(invalid="ignore"):  # NaN: behind the camera
        inside = (rows >= -0.5) & (rows < view.shape[0] - 0.5)
        inside &= (cols >= -0.5) & (cols < view.shape[1] - 0.5)
    place, rows, cols = place[inside], rows[inside], cols[inside]
    rays = view.rays_at(rows, cols)
    distance = cast_first_hits(annotation, rays).distance_mm
    seen = rays.origins_mm + distance[:, None] * rays.directions
    gap_mm = np.linalg.norm(seen - points_mm[place], axis=1)
    near = gap_mm <= _NEAR_VOXELS * max(annotation.spacing_mm)  # NaN is not
    pixels = np.floor(np.stack([rows, cols]) + 0.5).astype(np.intp)
    return place[near], pixels[0, near], pixels[1, near]
