"""The compiled walk through voxels.

Rays walk from voxel to voxel along their true intersections with the voxel faces, so no layer is
too thin to be met and nothing depends on a step length. The traversal is that of J. Amanatides
and A. Woo, "A fast voxel traversal algorithm for ray tracing", Eurographics 1987; face crossings
are computed from the face's position each time rather than summed up, so errors do not grow.

Space in which nothing is looked for is crossed in cubes of blocks, with the distance of each block
from the next that holds something: K. Zuiderveld, A. Koning and M. Viergever, "Acceleration of
ray-casting using 3D distance transforms", Proc. SPIE 1808, 1992. Neighbouring rays cross it
together, and go on together between occupied blocks as long as no voxel around all of them is
looked for. A crossing is a number that depends on ray and face alone, so the state behind a cube
is, bit for bit, that of a walk through all its voxels: a voxel has been left when its next crossing
is not later than the time reached.

All functions are in this file, because numba does not compile a kept function again when one that
it calls has changed in another.
"""

from __future__ import annotations

import numpy as np

from brainreg3d._compiled import njit
from brainreg3d.atlas.blocks import BLOCK_SHIFT

# Lengths along a ray stay in mm while places are in voxels; `time` is such a length. A ray is a
# tuple (origin x, y, z, direction x, y, z, inverse of direction x, y, z), a state is a tuple
# (voxel x, y, z, time, next crossing x, y, z). Voxels count from the corner of the whole volume,
# of which only a part is held; `held` is a tuple (first voxel x, y, z, first voxel of the right
# half). The box that rays walk in lies in that part.

_MARGIN = 1e-12
"""Places this near to a face, relative to the numbers they come from, are decided by crossings.

Products and sums of doubles are wrong by at most a hundredth of this."""

_PARALLEL = 1e-280
"""Components of a direction below this are taken as 0; their inverse might not be a number."""

_RUN = 16
"""Rays that cross empty space together before each goes its own way."""

_AWAY = 1e-6
"""How far such rays keep from what is not empty, in voxels; far above any rounding."""

_STRIDES = (4.0, 1.0)
"""Voxels that such rays go at once where something is near: the first if they can, or the other."""

_MOST_AROUND = 128
"""Voxels looked at for a stride, at most; with more around them rays do better alone."""


@njit(error_model="numpy", forceinline=True)
def _crossing(face, ray, axis):  # type: ignore[no-untyped-def]
    """Return when a ray crosses a face; never when it runs along it."""
    return (face - ray[axis]) * ray[axis + 6] if ray[axis + 3] != 0.0 else np.inf


@njit(error_model="numpy", forceinline=True)
def _next_crossing(voxel, ray, axis):  # type: ignore[no-untyped-def]
    """Return when a ray leaves a voxel along one axis."""
    return _crossing(voxel + 1 if ray[axis + 3] > 0.0 else voxel, ray, axis)


@njit(error_model="numpy", forceinline=True)
def _voxel_at(time, ray, axis):  # type: ignore[no-untyped-def]
    """Return the voxel that a ray is in along one axis, by its crossings and not by rounding."""
    origin, direction = ray[axis], ray[axis + 3]
    way = time * direction if direction != 0.0 else 0.0
    place = origin + way
    voxel = np.int64(np.floor(place))
    within = place - voxel
    margin = _MARGIN * (1.0 + abs(origin) + abs(way))
    if direction == 0.0 or margin < within < 1.0 - margin:
        return voxel
    step = 1 if direction > 0.0 else -1
    while _next_crossing(voxel, ray, axis) <= time:
        voxel += step
    while _next_crossing(voxel - step, ray, axis) > time:
        voxel -= step
    return voxel


@njit(error_model="numpy", forceinline=True)
def _state_at(time, ray):  # type: ignore[no-untyped-def]
    """Return the state of a ray at any time."""
    x = _voxel_at(time, ray, 0)
    y = _voxel_at(time, ray, 1)
    z = _voxel_at(time, ray, 2)
    return (
        x,
        y,
        z,
        time,
        _next_crossing(x, ray, 0),
        _next_crossing(y, ray, 1),
        _next_crossing(z, ray, 2),
    )


@njit(error_model="numpy", forceinline=True)
def _step(ray, state):  # type: ignore[no-untyped-def]
    """Return the state in the next voxel."""
    x, y, z, _, next_x, next_y, next_z = state
    if next_x <= next_y and next_x <= next_z:
        x += 1 if ray[3] > 0.0 else -1
        return x, y, z, next_x, _next_crossing(x, ray, 0), next_y, next_z
    if next_y <= next_z:
        y += 1 if ray[4] > 0.0 else -1
        return x, y, z, next_y, next_x, _next_crossing(y, ray, 1), next_z
    z += 1 if ray[5] > 0.0 else -1
    return x, y, z, next_z, next_x, next_y, _next_crossing(z, ray, 2)


@njit(error_model="numpy", forceinline=True)
def _leaves_cube(voxel, gap, ray, axis):  # type: ignore[no-untyped-def]
    """Return when a ray leaves the cube of blocks less than `gap` away, along one axis."""
    block = voxel >> BLOCK_SHIFT
    face = (block + gap if ray[axis + 3] > 0.0 else block - gap + 1) << BLOCK_SHIFT
    return _crossing(face, ray, axis)


@njit(error_model="numpy", forceinline=True)
def _enter_box(box, ray, start):  # type: ignore[no-untyped-def]
    """Return when a ray enters and leaves a box of voxels; in the wrong order if it misses it."""
    enter, leave = start, np.inf
    for axis in range(3):
        if ray[axis + 3] == 0.0:
            if not box[axis] <= ray[axis] < box[axis + 3]:
                return 1.0, 0.0
        else:
            one, other = _crossing(box[axis], ray, axis), _crossing(box[axis + 3], ray, axis)
            enter = max(enter, min(one, other))
            leave = min(leave, max(one, other))
    # A ray without numbers or without a direction would never leave.
    return (enter, leave) if np.isfinite(enter) and np.isfinite(leave) else (1.0, 0.0)


@njit(error_model="numpy", forceinline=True)
def _within(box, state):  # type: ignore[no-untyped-def]
    x, y, z = state[0], state[1], state[2]
    return box[0] <= x < box[3] and box[1] <= y < box[4] and box[2] <= z < box[5]


@njit(error_model="numpy", forceinline=True)
def _block_within(box, state):  # type: ignore[no-untyped-def]
    """Return the part of a box that lies in the block that a ray is in."""
    x, y, z = state[0] >> BLOCK_SHIFT, state[1] >> BLOCK_SHIFT, state[2] >> BLOCK_SHIFT
    return (
        max(x << BLOCK_SHIFT, box[0]),
        max(y << BLOCK_SHIFT, box[1]),
        max(z << BLOCK_SHIFT, box[2]),
        min((x + 1) << BLOCK_SHIFT, box[3]),
        min((y + 1) << BLOCK_SHIFT, box[4]),
        min((z + 1) << BLOCK_SHIFT, box[5]),
    )


@njit(error_model="numpy", forceinline=True)
def _find_member(volume, held, gaps, box, member, ray, state):  # type: ignore[no-untyped-def]
    """Move on to the next voxel that is looked for; return the state and what is there, or 0."""
    while _within(box, state):
        x, y, z = state[0], state[1], state[2]
        gap = np.int64(gaps[z >> BLOCK_SHIFT, y >> BLOCK_SHIFT, x >> BLOCK_SHIFT])
        if gap > 0:
            time = min(
                _leaves_cube(x, gap, ray, 0),
                _leaves_cube(y, gap, ray, 1),
                _leaves_cube(z, gap, ray, 2),
            )
            state = _state_at(time, ray)
            continue
        block = _block_within(box, state)
        while _within(block, state):
            x, y, z, time = state[0], state[1], state[2], state[3]
            # A voxel touched in a single point, at an edge or a corner, is not entered.
            if min(state[4], state[5], state[6]) > time:
                place = volume[z - held[2], y - held[1], x - held[0]]
                if member[place]:
                    return state, place
            state = _step(ray, state)
    return state, np.uint16(0)


@njit(error_model="numpy", forceinline=True)
def _ray_in_voxels(origins, directions, number, spacing):  # type: ignore[no-untyped-def]
    """Return one ray; a single origin or direction is that of all rays."""
    i = number if origins.shape[0] > 1 else 0
    j = number if directions.shape[0] > 1 else 0
    x, y, z = directions[j, 0], directions[j, 1], directions[j, 2]
    # What takes a ray longer than any number to cross is not crossed.
    x = 0.0 if abs(x) < _PARALLEL else x
    y = 0.0 if abs(y) < _PARALLEL else y
    z = 0.0 if abs(z) < _PARALLEL else z
    return (
        origins[i, 0] / spacing[0],
        origins[i, 1] / spacing[1],
        origins[i, 2] / spacing[2],
        x * (1.0 / spacing[0]),
        y * (1.0 / spacing[1]),
        z * (1.0 / spacing[2]),
        spacing[0] / x,
        spacing[1] / y,
        spacing[2] / z,
    )


@njit(error_model="numpy", forceinline=True)
def _leaves_clear_cube(gaps, middle, apart, time):  # type: ignore[no-untyped-def]
    """Return until when some rays are in one empty cube of blocks; `time` if they are in none."""
    block_x = np.int64(np.floor(middle[0] + time * middle[3])) >> BLOCK_SHIFT
    block_y = np.int64(np.floor(middle[1] + time * middle[4])) >> BLOCK_SHIFT
    block_z = np.int64(np.floor(middle[2] + time * middle[5])) >> BLOCK_SHIFT
    # Seen from beyond the edge of the volume, everything in it is farther than from the edge.
    gap = np.int64(
        gaps[
            min(max(block_z, 0), gaps.shape[0] - 1),
            min(max(block_y, 0), gaps.shape[1] - 1),
            min(max(block_x, 0), gaps.shape[2] - 1),
        ]
    )
    until = np.inf
    for axis, block in enumerate((block_x, block_y, block_z)):
        origin, direction = middle[axis], middle[axis + 3]
        low = (block - gap + 1) << BLOCK_SHIFT
        high = (block + gap) << BLOCK_SHIFT
        place, reach = origin + time * direction, apart[axis] + time * apart[axis + 3]
        if gap == 0 or not (low + reach <= place <= high - reach):
            return time
        if direction + apart[axis + 3] > 0.0:
            until = min(until, (high - origin - apart[axis]) / (direction + apart[axis + 3]))
        if direction - apart[axis + 3] < 0.0:
            until = min(until, (low - origin + apart[axis]) / (direction - apart[axis + 3]))
    return until


@njit(error_model="numpy", forceinline=True)
def _voxels_around(box, middle, apart, time, until, axis):  # type: ignore[no-untyped-def]
    """Return the voxels of a box that some rays are in between two times, first and end.

    Where there are many, these are some others, and just too many.
    """
    one, other = middle[axis] + time * middle[axis + 3], middle[axis] + until * middle[axis + 3]
    reach = apart[axis] + until * apart[axis + 3]
    low, high = min(one, other) - reach, max(one, other) + reach
    if not high - low < _MOST_AROUND:  # true also of what is no number
        return 0, _MOST_AROUND + 1
    return max(np.int64(np.floor(low)), box[axis]), min(np.int64(np.floor(high)) + 1, box[axis + 3])


@njit(error_model="numpy", forceinline=True)
def _is_clear(volume, held, box, member, middle, apart, time, until):  # type: ignore[no-untyped-def]
    """Tell whether some rays are in a box, and nothing that is looked for lies around them."""
    first_x, end_x = _voxels_around(box, middle, apart, time, until, 0)
    first_y, end_y = _voxels_around(box, middle, apart, time, until, 1)
    first_z, end_z = _voxels_around(box, middle, apart, time, until, 2)
    around = max(end_x - first_x, 0) * max(end_y - first_y, 0) * max(end_z - first_z, 0)
    if not 0 < around <= _MOST_AROUND:
        return False
    for z in range(first_z, end_z):
        for y in range(first_y, end_y):
            for x in range(first_x, end_x):
                if member[volume[z - held[2], y - held[1], x - held[0]]]:
                    return False
    return True


@njit(error_model="numpy", forceinline=True)
def _clear_until(volume, held, gaps, box, member, middle, apart, begin, leave):  # type: ignore[no-untyped-def]
    """Return until when some rays are in space that holds nothing, from a time when they are.

    `middle` is one of them, and `apart` says how far the others lie from it along each axis, first
    of their origins and then of their directions. All of them cross an empty cube together as long
    as the middle one keeps that far away from its sides; elsewhere they go on by a few voxels while
    all voxels that far around the middle one are empty.
    """
    voxel_time = 1.0 / max(abs(middle[3]), abs(middle[4]), abs(middle[5]))
    time = begin
    while time >= 0.0 and time < leave:
        until = _leaves_clear_cube(gaps, middle, apart, time)
        for stride in _STRIDES:
            if until > time:
                break
            ahead = time + stride * voxel_time
            if _is_clear(volume, held, box, member, middle, apart, time, ahead):
                until = ahead
        if not until > time:
            return time
        time = until
    return time


@njit(error_model="numpy", forceinline=True)
def _spread(origins, directions, spacing, first, end, middle):  # type: ignore[no-untyped-def]
    """Return how far some rays lie from one of them, at most, along each axis."""
    x, y, z, along_x, along_y, along_z = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for number in range(first, end):
        ray = _ray_in_voxels(origins, directions, number, spacing)
        x = max(x, abs(ray[0] - middle[0]))
        y = max(y, abs(ray[1] - middle[1]))
        z = max(z, abs(ray[2] - middle[2]))
        along_x = max(along_x, abs(ray[3] - middle[3]))
        along_y = max(along_y, abs(ray[4] - middle[4]))
        along_z = max(along_z, abs(ray[5] - middle[5]))
    return (
        x + _AWAY + _MARGIN * abs(middle[0]),
        y + _AWAY + _MARGIN * abs(middle[1]),
        z + _AWAY + _MARGIN * abs(middle[2]),
        along_x,
        along_y,
        along_z,
    )


@njit(error_model="numpy")
def walk_to_first(volume, held, gaps, box, member, spacing, origins, directions, start, out):  # type: ignore[no-untyped-def]
    """Write down where each ray first meets a voxel that is looked for."""
    places, distances, halves = out
    enters, leaves = np.empty(_RUN), np.empty(_RUN)
    for first in range(0, places.size, _RUN):
        end = min(first + _RUN, places.size)
        begin, last = np.inf, -np.inf
        for number in range(first, end):
            ray = _ray_in_voxels(origins, directions, number, spacing)
            enter, leave = _enter_box(box, ray, start)
            enters[number - first], leaves[number - first] = enter, leave
            if enter < leave:
                begin, last = min(begin, enter), max(last, leave)
        middle = _ray_in_voxels(origins, directions, (first + end) // 2, spacing)
        apart = _spread(origins, directions, spacing, first, end, middle)
        clear = _clear_until(volume, held, gaps, box, member, middle, apart, begin, last)
        for number in range(first, end):
            enter, leave = max(enters[number - first], clear), leaves[number - first]
            distances[number] = np.nan
            places[number] = 0
            halves[number] = False
            if enter < leave:
                ray = _ray_in_voxels(origins, directions, number, spacing)
                state = _state_at(enter, ray)
                state, place = _find_member(volume, held, gaps, box, member, ray, state)
                if place > 0:
                    places[number] = place
                    distances[number] = state[3]
                    halves[number] = state[0] >= held[3]


@njit(error_model="numpy")
def walk_to_each(  # type: ignore[no-untyped-def]
    volume, held, gaps, box, member, spacing, origins, directions, start, labels, count, out
):
    """List where each ray first meets each label; return the length of the list.

    `labels` holds the label of each entry of the annotation's table and whether each label is
    looked for. Few of many labels lie along any one ray, so a list is much smaller than a table.
    """
    label_of_index, wanted = labels
    rays, labels_met, places_met, distances, halves_met = out
    first = np.empty(wanted.size)
    places = np.zeros(wanted.size, np.uint16)
    halves = np.zeros(wanted.size, np.bool_)
    n_wanted = np.count_nonzero(wanted)
    length = 0
    for number in range(count):
        ray = _ray_in_voxels(origins, directions, number, spacing)
        enter, leave = _enter_box(box, ray, start)
        if not enter < leave:
            continue
        first[:] = np.nan
        n_met = 0
        state = _state_at(enter, ray)
        while n_met < n_wanted:
            state, place = _find_member(volume, held, gaps, box, member, ray, state)
            if place == 0:
                break
            label = label_of_index[place]
            if np.isnan(first[label]):
                first[label] = state[3]
                places[label] = place
                halves[label] = state[0] >= held[3]
                n_met += 1
            state = _step(ray, state)
        for label in range(wanted.size if n_met > 0 else 0):
            if not np.isnan(first[label]):
                rays[length] = number
                labels_met[length] = label
                places_met[length] = places[label]
                distances[length] = first[label]
                halves_met[length] = halves[label]
                length += 1
    return length
