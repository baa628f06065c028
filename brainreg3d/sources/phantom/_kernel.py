"""The phantom as one function of position, compiled.

All of the phantom's shape is here: what a point of the folded (mirrored) brain belongs to. The
voxel atlas, the truth for tests and the pictures evaluate this one definition, so that they can
differ by sampling only. Numbers come in through ``_tables.Tables``.

Coordinates are ``lateral`` (distance from the midline), ``ap`` (from the front of the box towards
posterior) and ``dv`` (from the top of the box downwards), all in mm, as in the CCF.
"""

from __future__ import annotations

import math

import numpy as np

from brainreg3d._compiled import njit

# Passing the tables from function to function costs more than the work inside, so all helpers are
# compiled into the one loop at the end of this file.
_inlined = njit(inline="always")

_REACH_MM = 5.1  # no part of a hemisphere is further from the centre of its hull


@_inlined
def _ramp(value, low, high):  # type: ignore[no-untyped-def]
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@_inlined
def _hull_depth(lateral, ap, dv, hull, center):  # type: ignore[no-untyped-def]
    """Return depth below the cerebrum's outer surface and the foot point on it.

    To first order, distance = f / |grad f| for f = R(angles) - r (G. Taubin, IEEE TPAMI 13, 1991).
    """
    da, dy, dz = lateral - center[0], ap - center[1], dv - center[2]
    r = math.sqrt(da * da + dy * dy + dz * dz) + 1e-9
    if r > _REACH_MM:
        return _REACH_MM - r, lateral, ap, dv
    cos_t = -dy / r
    sin_t = math.sqrt(max(1.0 - cos_t * cos_t, 0.0))
    theta = math.degrees(math.acos(min(max(cos_t, -1.0), 1.0)))
    phi_rad = math.atan2(-dz, da)
    phi = math.degrees(phi_rad) % 360.0
    i, j = min(int(theta), 179), min(int(phi), 359)
    u, v = theta - i, phi - j
    w00, w01, w10, w11 = (1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v
    big = w00 * hull[0, i, j] + w01 * hull[0, i, j + 1]
    big += w10 * hull[0, i + 1, j] + w11 * hull[0, i + 1, j + 1]
    by_t = w00 * hull[1, i, j] + w01 * hull[1, i, j + 1]
    by_t += w10 * hull[1, i + 1, j] + w11 * hull[1, i + 1, j + 1]
    by_p = w00 * hull[2, i, j] + w01 * hull[2, i, j + 1]
    by_p += w10 * hull[2, i + 1, j] + w11 * hull[2, i + 1, j + 1]
    slope_t = by_t / big
    slope_p = by_p / (big * max(sin_t, 0.1))
    norm = math.sqrt(1.0 + slope_t * slope_t + slope_p * slope_p)
    depth = (big - r) / norm
    # outward normal in the local basis (radial, polar, azimuth)
    n_r, n_t, n_p = 1.0 / norm, -slope_t / norm, -slope_p / norm
    cos_p, sin_p = math.cos(phi_rad), math.sin(phi_rad)
    n_a = n_r * sin_t * cos_p + n_t * cos_t * cos_p - n_p * sin_p
    n_y = -n_r * cos_t + n_t * sin_t
    n_z = -(n_r * sin_t * sin_p + n_t * cos_t * sin_p + n_p * cos_p)
    return depth, lateral + depth * n_a, ap + depth * n_y, dv + depth * n_z


@_inlined
def _midline_gap(ap):  # type: ignore[no-untyped-def]
    """Return half the width of the fissure; behind, the hemispheres part above the colliculi."""
    past = ap - 9.0
    return 0.6 * (past + math.sqrt(past * past + 0.06))


@_inlined
def _fissure_floor(ap):  # type: ignore[no-untyped-def]
    """Return how far down the medial wall of the cortex reaches (dv); the callosum lies below."""
    front = 6.0 - 3.1 * _ramp(ap, 3.7, 4.3)
    return front - 1.35 * _ramp(ap, 4.2, 7.2) + 0.2 * _ramp(ap, 8.0, 9.5)


@_inlined
def _sheet_point(lateral, ap, dv, hull, center):  # type: ignore[no-untyped-def]
    """Return depth below the pial surface, the foot point on it, and the depth of the hull.

    The depth is that below the nearer of outer surface and medial wall; their edge is rounded.
    """
    outer, foot_a, foot_y, foot_z = _hull_depth(lateral, ap, dv, hull, center)
    floor = _fissure_floor(ap)
    # Below the callosum the two hemispheres are one: no surface faces the midline there.
    inward = (
        _ramp(center[0] - lateral, 0.4, 1.4) * _ramp(ap, 3.8, 4.4) * (1.0 - _ramp(ap, 8.2, 9.0))
    )
    outer += 3.0 * inward * _ramp(dv, floor, floor + 0.5) * (1.0 - _ramp(dv, 4.8, 5.8))
    depth = outer
    if dv < floor + 1.0:
        slope = 1.0 / math.sqrt(1.0 + 1.2 * 1.2 * _ramp(ap, 8.5, 9.5))
        wall = (lateral - _midline_gap(ap)) * slope
        if dv < floor:
            if wall < outer:
                foot_a, foot_y, foot_z = lateral - wall, ap, dv
            radius = 0.4
            mix = max(radius - abs(wall - outer), 0.0)
            depth = min(wall, outer) - mix * mix / (4.0 * radius)
    return depth, foot_a, foot_y, foot_z, outer


@_inlined
def _nearest_area(a, y, z, seeds, seed_area):  # type: ignore[no-untyped-def]
    """Return the area of the cortical surface at a foot point: a power diagram of the centres."""
    best, area = 1e30, 0
    for k in range(seeds.shape[0]):
        da, dy, dz = a - seeds[k, 0], y - seeds[k, 1], z - seeds[k, 2]
        d = da * da + dy * dy + dz * dz - seeds[k, 3]
        if d < best:
            best, area = d, seed_area[k]
    return area


@_inlined
def _body_at(lateral, ap, dv, first, last, tables):  # type: ignore[no-untyped-def]
    """Return the structure code of the first body in a group that holds a point, or 0."""
    bodies = tables.bodies
    for k in range(first, last):
        y = abs(ap - bodies[k, 1]) / bodies[k, 4]
        z = abs(dv - bodies[k, 2]) / bodies[k, 5]
        if y < 1.0 and z < 1.0:
            x = abs(lateral - bodies[k, 0] - bodies[k, 7] * (ap - bodies[k, 1])) / bodies[k, 3]
            power = bodies[k, 6]
            if x < 1.0 and x**power + y**power + z**power < 1.0:
                return tables.body_code[k]
    return 0


@_inlined
def _cerebellum_at(lateral, ap, dv, tables):  # type: ignore[no-untyped-def]
    """Return the structure code inside the cerebellum, or 0; furrows run from side to side."""
    y, z = ap - 11.66, dv - 3.3
    if abs(y) > 1.5 or lateral > 4.4 or dv < 0.9 or dv > 6.4:
        return 0
    turn = math.sin(4.5 * math.atan2(z, y) + 0.35)
    furrow = 0.07 * math.exp(-turn * turn / 0.03)
    # the vermis stands out from the two hemispheres
    dent = 0.05 * math.exp(-(((lateral - 1.25) / 0.22) ** 2))
    size = (lateral / 4.1) ** 2.3 + abs(y / 1.5) ** 2.3 + abs(z / 2.4) ** 2.3
    size = size ** (1.0 / 2.3) + furrow + dent
    ear = ((lateral - 3.75) / 0.62) ** 2 + ((ap - 11.35) / 0.85) ** 2 + ((dv - 5.3) / 1.05) ** 2
    if size > 1.0 and ear > 1.0:
        return 0
    if size < 0.32 and lateral > 0.4 and dv > 3.3:
        return tables.codes[5]  # nuclei
    if size < 0.36 + 0.3 * turn * turn * (1.0 - _ramp(lateral, 0.6, 1.2)):
        return tables.codes[4]  # white matter
    return tables.codes[2] if lateral < 1.25 else tables.codes[3]


@_inlined
def _hippocampus_at(outer, lateral, ap, dv, thickness, tables):  # type: ignore[no-untyped-def]
    """Return the structure code inside the hippocampus, or 0: a shell below the white matter."""
    front = 6.35 + 0.95 * _ramp(dv, 2.3, 4.2) + 0.3 * _ramp(dv, 4.2, 5.8)
    if ap < front or dv > 6.1:
        return 0
    width = 1.25 * math.sqrt(min((ap - front) / 0.5, 1.0)) * math.sqrt(min((6.1 - dv) / 0.8, 1.0))
    # near the midline it lies below the callosum, not below the dorsal surface
    beside = _ramp(lateral, 0.8, 1.9)
    level = beside * (outer - thickness - 0.18) + (1.0 - beside) * (dv - _fissure_floor(ap) - 0.28)
    level /= width + 1e-9
    if level < 0.0 or level > 1.0:
        return 0
    if level < 0.35:
        return tables.codes[6]  # CA1
    edge = (ap - front) / 1.6
    if level > 0.93 or edge < 0.18:
        return tables.codes[7]  # CA3
    if abs(level - 0.66) > 0.12 and abs(level - 0.66) < 0.18:
        return tables.codes[9]  # granule cells
    return tables.codes[8]


@_inlined
def _inside_at(lateral, ap, dv, outer, depth, thickness, tables):  # type: ignore[no-untyped-def]
    """Return the structure code of a point of the cerebrum below its sheet of cortex."""
    floor = _fissure_floor(ap)
    if ap > 3.95 and ap < 7.9 and dv > floor and dv < floor + 0.28 and lateral < 1.2:
        return tables.codes[0]  # the callosum crosses the midline
    if depth < thickness + 0.18 and dv < 5.2 and ap > 3.2:
        return tables.codes[0]
    code = _hippocampus_at(outer, lateral, ap, dv, thickness, tables)
    if code == 0:
        code = _body_at(lateral, ap, dv, tables.groups[1], tables.groups[2], tables)
    if code == 0:
        code = tables.codes[10] if ap < 4.2 else tables.codes[1]
        if ap > 4.2 and ap < 8.2 and dv > 4.2 and depth < 1.35:
            code = tables.codes[13]  # endopiriform nucleus
        elif ap > 4.2 and ap < 7.3 and dv > 4.9:
            code = tables.codes[11]  # substantia innominata
    return code


@_inlined
def _layer_at(area, fraction, tables):  # type: ignore[no-untyped-def]
    """Return the structure code at a depth given as a fraction of the thickness of the area."""
    for layer in range(5):
        if fraction < tables.bounds[area, layer]:
            return tables.layers[area, layer]
    return tables.layers[area, 5]


@_inlined
def _code_at(lateral, ap, dv, right, tables):  # type: ignore[no-untyped-def]
    """Return the structure code at a point, 0 outside the brain."""
    if ap > 13.1 or ap < 0.1 or dv < 0.25:
        return 0
    brainstem = _body_at(lateral, ap, dv, 0, tables.groups[1], tables)
    depth, foot_a, foot_y, foot_z, outer = _sheet_point(
        lateral, ap, dv, tables.hull, tables.hull_center
    )
    if depth > 0.0:
        thickness = 1.3 - 0.07 * (min(max(ap, 3.0), 9.5) - 3.0)
        if depth < 1.3 * thickness:
            area = _nearest_area(foot_a, foot_y, foot_z, tables.seeds, tables.seed_area)
            fraction = depth / (thickness * tables.thickness[area])
            cortex = area < tables.n_isocortex
            # the occipital cortex covers the midbrain; all other sheets give way to it
            above = cortex and (dv < _fissure_floor(ap) + 0.3 or lateral > 1.6)
            if fraction < 1.0 and (above or brainstem == 0):
                if right and cortex and _in_marker(lateral, ap, dv, tables.marker):
                    return tables.codes[12]
                return _layer_at(area, fraction, tables)
        if brainstem != 0:
            return brainstem
        return _inside_at(lateral, ap, dv, outer, depth, thickness, tables)
    if brainstem != 0:
        return brainstem
    code = _body_at(lateral, ap, dv, tables.groups[2], tables.groups[3], tables)
    return code if code != 0 else _cerebellum_at(lateral, ap, dv, tables)


@_inlined
def _in_marker(lateral, ap, dv, marker):  # type: ignore[no-untyped-def]
    """Tell whether a point lies in the ball that marks the right hemisphere."""
    da, dy, dz = lateral - marker[0], ap - marker[1], dv - marker[2]
    return da * da + dy * dy + dz * dz < marker[3] * marker[3]


@njit()
def codes_at(points, right, tables):  # type: ignore[no-untyped-def]
    """Return the structure codes at points (lateral, ap, dv), on the right side or the left."""
    codes = np.empty(points.shape[0], dtype=np.int64)
    for k in range(points.shape[0]):
        codes[k] = _code_at(points[k, 0], points[k, 1], points[k, 2], right[k], tables)
    return codes
