"""How far places are from the border of a region."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.geometry import atlas_mm_to_ccf_um
from brainreg3d.raycast import cast_first_hits
from brainreg3d.result import NotComputed, Result

_UM_PER_MM = 1000.0
_STEEPEST = 6.0
"""How much deeper than half a pixel to the side a surface may be: one that is seen at 80 degrees.
Beyond, something else is seen there."""


def border_distances_mm(
    result: Result, regions: NDArray[np.int64], points_um: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the straight distance of points of the surface to the borders of regions.

    The border of a region runs along the edges of its pixels that touch pixels of another region,
    or of none; neither the rim of the image nor that of the imaging window is one, as the region
    may go on beyond. Ends and middle of each edge are taken to the surface, as the image sees it,
    and the nearest of these points counts. So distances are true for tilted surfaces, too, as far
    as these are flat between point and border.

    Parameters
    ----------
    result : Result
        Labels, alignment, atlas and window mask.
    regions : numpy.ndarray of int64, shape (N,)
        1 + place of the region that is meant for each point; 0 for none.
    points_um : numpy.ndarray, shape (N, 3)
        (AP, DV, ML) of the points in µm.

    Returns
    -------
    numpy.ndarray, shape (N,)
        In mm, never negative. NaN without a region or a point, or where the image shows no border.

    Raises
    ------
    NotComputed
        If the run ended before the labels.
    """
    from scipy.spatial import cKDTree  # slow to import

    if result.labels is None:
        message = "The run ended before pixels were labelled; call run() without until=."
        raise NotComputed(message)
    distances = np.full(len(regions), np.nan)
    known = (regions > 0) & np.isfinite(points_um).all(axis=1)
    for region in np.unique(regions[known]).tolist():
        edges = pixel_edges(result.labels == region, result.state.window_mask)
        border_um = _on_surface(result, edges)
        if len(border_um):
            own = np.flatnonzero(known & (regions == region))
            nearest_um, _ = cKDTree(border_um).query(points_um[own])
            distances[own] = nearest_um / _UM_PER_MM
    return distances


@attrs.frozen(eq=False)
class PixelEdges:
    """Points on the edges of pixels, with the pixel inside.

    Parameters
    ----------
    places_px : numpy.ndarray, shape (N, 2)
        (row, column) of ends and middles of edges, pixel centres at integers.
    inside_px : numpy.ndarray, shape (N, 2)
        (row, column) of the pixel that the edge belongs to.
    """

    places_px: NDArray[np.float64]
    inside_px: NDArray[np.float64]


def pixel_edges(inside: NDArray[np.bool_], within: NDArray[np.bool_] | None = None) -> PixelEdges:
    """Return the edges along which a mask ends.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (H, W)
        The mask.
    within : numpy.ndarray of bool, shape (H, W), optional
        Where the mask says something; at the rim of that, it does not end.

    Returns
    -------
    PixelEdges
        Three points for each edge.
    """
    places, own = [np.empty((0, 2))], [np.empty((0, 2))]
    for axis in (0, 1):
        first, second = [slice(None), slice(None)], [slice(None), slice(None)]
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        before, after = inside[tuple(first)], inside[tuple(second)]
        ends = before != after
        if within is not None:
            ends &= within[tuple(first)] & within[tuple(second)]
        pixel = np.argwhere(ends).astype(np.float64)
        owner = pixel.copy()
        owner[:, axis] += after[ends]
        for along in (-0.5, 0.0, 0.5):
            place = pixel.copy()
            place[:, axis] += 0.5
            place[:, 1 - axis] += along
            places.append(place)
            own.append(owner)
    return PixelEdges(np.concatenate(places), np.concatenate(own))


def _on_surface(result: Result, edges: PixelEdges) -> NDArray[np.float64]:
    """Return points on edges as points of the brain, (AP, DV, ML) in µm."""
    alignment, atlas = result.alignment, result.atlas
    if alignment is None or atlas is None or not len(edges.places_px):
        return np.empty((0, 3))
    view, annotation = alignment.view, atlas.annotation
    rays = view.rays_at(edges.places_px[:, 0], edges.places_px[:, 1])
    own_rays = view.rays_at(edges.inside_px[:, 0], edges.inside_px[:, 1])
    here_mm = cast_first_hits(annotation, rays).distance_mm
    inside_mm = cast_first_hits(annotation, own_rays).distance_mm
    # At the rim of the brain, and of what hides something, the ray of an edge may pass the region.
    limit_mm = _STEEPEST * max(view.pixel_size_mm) / 2
    misses = ~(np.abs(here_mm - inside_mm) <= limit_mm)  # NaN misses, too
    distance_mm = np.where(misses, inside_mm, here_mm)
    points = rays.origins_mm + distance_mm[:, None] * rays.directions
    return atlas_mm_to_ccf_um(points[np.isfinite(distance_mm)], annotation.grid.box_mm)
