"""Between pixels of a placed image and coordinates of the brain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView, as_points, atlas_mm_to_ccf_um, ccf_um_to_atlas_mm
from brainreg3d.raycast import cast_first_hits


def pixel_to_ccf(
    view: ImageView, annotation: Annotation, rows: ArrayLike, cols: ArrayLike
) -> NDArray[np.float64]:
    """Return where the tissue lies that an image shows at pixel positions.

    Parameters
    ----------
    view : ImageView
        Where the image lies, and from where it was taken.
    annotation : Annotation
        The brain; whatever has a structure is tissue.
    rows, cols : array_like
        Positions in pixels, broadcast against each other; pixel centres are integers. Positions
        beyond the edges of the image are seen by a larger sensor.

    Returns
    -------
    numpy.ndarray, shape (..., 3)
        (AP, DV, ML) in micrometres of the point at which the ray of each position enters the
        tissue; NaN where it meets none, or where the position is no number.

    Raises
    ------
    InputError
        If rows and columns are no numbers, or do not go together.
    """
    rows, cols = pixel_positions(rows, cols)
    points = np.full((rows.size, 3), np.nan)
    finite = np.flatnonzero(np.isfinite(rows.ravel()) & np.isfinite(cols.ravel()))
    rays = view.rays_at(rows.ravel()[finite], cols.ravel()[finite])
    distances = cast_first_hits(annotation, rays).distance_mm
    points[finite] = rays.origins_mm + distances[:, None] * rays.directions
    return atlas_mm_to_ccf_um(points, annotation.grid.box_mm).reshape(*rows.shape, 3)


def ccf_to_pixel(view: ImageView, box_mm: ArrayLike, points_um: ArrayLike) -> NDArray[np.float64]:
    """Project points of the brain onto an image, whatever lies in front of them.

    Parameters
    ----------
    view : ImageView
        Where the image lies, and from where it was taken.
    box_mm : array_like, shape (3,)
        Extent of the atlas box along (x, y, z) in mm.
    points_um : array_like, shape (..., 3)
        (AP, DV, ML) in micrometres.

    Returns
    -------
    numpy.ndarray, shape (..., 2)
        (row, column) in pixels, pixel centres at integers, on the image or beyond its edges; NaN
        for points behind the camera.

    Raises
    ------
    InputError
        If a point has not three numbers.
    """
    points = ccf_um_to_atlas_mm(as_points(points_um, "(AP, DV, ML) in µm"), box_mm)
    rows, cols, _ = view.project(points)
    return np.stack([rows, cols], axis=-1)


def pixel_positions(
    rows: ArrayLike, cols: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions in pixels as arrays of one shape.

    Parameters
    ----------
    rows, cols : array_like
        Numbers, broadcast against each other.

    Returns
    -------
    rows, cols : numpy.ndarray
        The same.

    Raises
    ------
    InputError
        If they are no numbers, or do not go together.
    """
    try:
        row, col = np.broadcast_arrays(np.asarray(rows, float), np.asarray(cols, float))
    except (TypeError, ValueError) as error:
        message = (
            f"Pixel positions are two numbers, or two arrays of one shape, rows and columns; got "
            f"{rows!r} and {cols!r}."
        )
        raise InputError(message) from error
    return row, col
