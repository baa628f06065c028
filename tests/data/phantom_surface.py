"""The phantom's surface from its continuous shape: no voxels, no rays of the package.

A point is inside where `phantom_structure_at` names a structure. Lines are followed from outside
in steps, and the last step is halved until it is shorter than a nanometre.
"""

from __future__ import annotations

import numpy as np

from brainreg3d.sources.phantom import phantom_structure_at

_HALVINGS = 18


def first_points(starts, directions, length_mm, step_mm=0.02):
    """Return where lines first enter the phantom, shape (N, 3); NaN where they miss it."""
    starts, directions = np.broadcast_arrays(np.atleast_2d(starts), np.atleast_2d(directions))
    found = np.full(len(starts), np.nan)
    open_lines = np.arange(len(starts))
    for place in np.arange(0.0, length_mm, step_mm):
        points = starts[open_lines] + place * directions[open_lines]
        inside = phantom_structure_at(points) != 0
        found[open_lines[inside]] = place
        open_lines = open_lines[~inside]
        if not open_lines.size:
            break
    hit = np.flatnonzero(~np.isnan(found))
    high = found[hit]
    low = np.maximum(high - step_mm, 0.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = phantom_structure_at(starts[hit] + middle[:, None] * directions[hit]) != 0
        low, high = np.where(inside, low, middle), np.where(inside, middle, high)
    points = np.full(starts.shape, np.nan)
    points[hit] = starts[hit] + high[:, None] * directions[hit]
    return points


def area_seen_from_above(structure_ids, low_mm, high_mm, step_mm=0.03):
    """Return the area in mm² of structures within a rectangle (x, y), and points on it.

    The surface is cut into triangles over a regular grid, whose corners lie on it exactly; at the
    border of the structures a triangle counts by the share of its corners.
    """
    x = np.arange(low_mm[0], high_mm[0], step_mm)
    y = np.arange(low_mm[1], high_mm[1], step_mm)
    grid = np.stack([*np.meshgrid(x, y, indexing="ij"), np.full((x.size, y.size), 7.9)], axis=-1)
    points = first_points(grid.reshape(-1, 3), (0.0, 0.0, -1.0), 7.0, 0.1).reshape(grid.shape)
    ids = phantom_structure_at(np.nan_to_num(points))
    own = np.isin(ids, list(structure_ids))
    if own[[0, -1]].any() or own[:, [0, -1]].any():
        raise ValueError("the structures reach beyond the rectangle")
    area = 0.0
    for corners in (
        (np.s_[:-1, :-1], np.s_[1:, :-1], np.s_[:-1, 1:]),
        (np.s_[1:, 1:], np.s_[1:, :-1], np.s_[:-1, 1:]),
    ):
        a, b, c = (points[corner] for corner in corners)
        share = sum(own[corner].astype(float) for corner in corners) / 3
        triangle = np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2
        area += (share * triangle)[share > 0].sum()
    return area, points[own]
