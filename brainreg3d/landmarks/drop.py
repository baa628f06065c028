"""Dropping stereotaxic places onto the brain's outer hull."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, BregmaPreset
from brainreg3d.errors import InputError
from brainreg3d.landmarks.hull import BrainHull

REACH_MM = 0.5
"""How far beside the brain's outline, seen from above, a place still counts as on it."""

_FAR_ABOVE_MM = 100.0
_RING_MM = 0.1
_N_WAYS = 16
_HALVINGS = 5  # to within 3 µm

Array = NDArray[np.float64]


def drop_on_hull(
    places_mm: Sequence[Sequence[float]],
    annotation: Annotation,
    bregma: BregmaPreset,
    labels: Sequence[str] | None = None,
) -> Array:
    """Drop stereotaxic places onto the brain's outer hull, straight down by their convention.

    Landmarks on the side of the cortex lie on the very outline of the brain as seen from above,
    where a straight line down misses by a hair in one convention and meets in another. A place
    that misses by less than half a millimetre is taken as the nearest one on the outline.

    Parameters
    ----------
    places_mm : sequence of (float, float)
        (ML, AP) in mm from bregma.
    annotation : Annotation
        The brain.
    bregma : BregmaPreset
        The convention.
    labels : sequence of str, optional
        What to call the places when one misses the brain; without, all that miss become NaN, near
        the outline or not.

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        (x, y, z) in mm in the atlas frame.

    Raises
    ------
    InputError
        If a place that has a label misses the brain.
    """
    places = np.asarray(places_mm, dtype=float).reshape(-1, 2)
    if labels is None:
        return _drop(places, annotation, bregma)
    points = drop_near_hull(places, annotation, bregma)
    missed = np.flatnonzero(np.isnan(points[:, 0]))
    if missed.size:
        ml, ap = places[missed[0]]
        message = (
            f"Landmark {labels[missed[0]]} at ML {ml:g}, AP {ap:g} mm from bregma "
            f"({bregma.name!r}) does not lie on the brain; check its sign and unit: ML grows "
            f"to the right, AP to anterior, both in mm."
        )
        raise InputError(message)
    return points


def drop_near_hull(
    places_mm: Sequence[Sequence[float]] | Array, annotation: Annotation, bregma: BregmaPreset
) -> Array:
    """Drop places as `drop_on_hull` does those with a label; what misses the brain becomes NaN.

    Parameters
    ----------
    places_mm, annotation, bregma
        As of `drop_on_hull`.

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        (x, y, z) in mm in the atlas frame.
    """
    places = np.asarray(places_mm, dtype=float).reshape(-1, 2)
    points = _drop(places, annotation, bregma)
    for number in np.flatnonzero(np.isnan(points[:, 0])):
        points[number] = _on_outline(places[number], annotation, bregma)
    return points


def _drop(places: Array, annotation: Annotation, bregma: BregmaPreset) -> Array:
    box = annotation.grid.box_mm
    heights = np.full((len(places), 1), _FAR_ABOVE_MM)
    above = bregma.to_atlas_mm(np.concatenate([places, heights], axis=1), box)
    down = bregma.to_atlas_mm([0.0, 0.0, -1.0], box) - bregma.to_atlas_mm([0.0, 0.0, 0.0], box)
    return BrainHull.of(annotation).first_hit_mm(above, down)


def _on_outline(place: Array, annotation: Annotation, bregma: BregmaPreset) -> Array:
    """Return the point below the nearest place on the outline; NaN where that is far."""
    angles = np.arange(_N_WAYS) * (2 * np.pi / _N_WAYS)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    radii = np.arange(_RING_MM, REACH_MM + _RING_MM / 2, _RING_MM)
    rings = place + radii[:, None, None] * around
    points = _drop(rings.reshape(-1, 2), annotation, bregma).reshape(*rings.shape[:2], 3)
    met = ~np.isnan(points[..., 0])
    if not met.any():
        return np.full(3, np.nan)
    ring = int(met.any(axis=1).argmax())
    way = around[met[ring]].mean(axis=0)
    way /= np.linalg.norm(way) or 1.0
    low, high = radii[ring] - _RING_MM, radii[ring]
    best = points[ring, int(met[ring].argmax())]
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        point = _drop((place + middle * way)[None], annotation, bregma)[0]
        if np.isnan(point[0]):
            low = middle
        else:
            high, best = middle, point
    return np.asarray(best)
