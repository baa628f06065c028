"""Where one vessel map may lie on another: all turns, a range of scales, all shifts."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.matching.plane_map import PlaneMap, decompose, similarity
from brainreg3d.matching.working import Working, coarser

_SIDE_PX = 64  # longer side of what is searched: vessels are then one or two pixels wide
_TURN_STEP_DEG = 6.0
SCALE_STEP = 1.1
_MOST_SHIFT = 0.5  # of the fixed image: more would leave too little in common
_APART_STEPS, _APART_PX = 2.5, 7.5  # of turn or scale, and of shift: two places, not one


@attrs.frozen(eq=False)
class Candidate:
    """A place of the moving map on the fixed one that is worth a closer look.

    Parameters
    ----------
    onto : PlaneMap
        From the moving grid to the fixed one.
    peak : float
        Correlation there over its spread at all other shifts.
    """

    onto: PlaneMap
    peak: float


def scale_steps(low: float, high: float) -> tuple[float, ...]:
    """Return scales to try, close enough together not to miss one between them.

    Parameters
    ----------
    low, high : float
        The range.

    Returns
    -------
    tuple of float
        Evenly spaced by ratio.
    """
    count = max(int(np.ceil(np.log(high / low) / np.log(SCALE_STEP))), 1)
    edges = np.linspace(np.log(low), np.log(high), count + 1)
    return tuple(float(s) for s in np.exp((edges[1:] + edges[:-1]) / 2))


def search(
    moving: Working, fixed: Working, scales: Sequence[float], mirrored: bool, count: int
) -> list[Candidate]:
    """Return the best places of a vessel map on another.

    For each turn and scale all shifts are tried at once, by a cross-correlation of the zero-mean
    maps. A peak is judged by the spread of its own surface, so that scales with more or less in
    common compete on equal terms.

    Parameters
    ----------
    moving, fixed : Working
        Grids of one cell size.
    scales : sequence of float
        Scales of the moving map to try.
    mirrored : bool
        Whether to look for its mirror image.
    count : int
        How many places to return at most.

    Returns
    -------
    list of Candidate
        Best first, no two of them close together.
    """
    factor = max(*moving.shape, *fixed.shape) / _SIDE_PX
    (small_moving, moving_up), (small_fixed, fixed_up) = (
        coarser(working, factor) for working in (moving, fixed)
    )
    found: list[Candidate] = []
    for scale in scales:
        # The larger one shrinks: enlarging costs time and shows nothing new.
        base, base_up = small_fixed, fixed_up
        if scale > 1:
            base, more_up = coarser(small_fixed, scale)
            base_up = fixed_up @ more_up
        turned = _correlate(
            small_moving.vessels.ridge, base.vessels.ridge, min(scale, 1.0), mirrored
        )
        found += [Candidate(base_up @ c.onto @ moving_up.inverse, c.peak) for c in turned]
    return _distinct(found, moving.shape, factor, count)


def _correlate(
    moving: NDArray[np.float32], fixed: NDArray[np.float32], scale: float, mirrored: bool
) -> list[Candidate]:
    """Return the best shift for every turn at one scale."""
    from scipy import fft
    from scipy.ndimage import affine_transform  # slow to import

    reach = int(np.ceil(np.hypot(*moving.shape) * scale)) | 1  # holds it, however it is turned
    shape = [fft.next_fast_len(n + reach, real=True) for n in fixed.shape]
    middle = np.full(2, (reach - 1) / 2)
    centers = (np.array(moving.shape) - 1) / 2, (np.array(fixed.shape) - 1) / 2
    onto = [
        PlaneMap.about(similarity(turn, scale, mirrored), centers[0], middle)
        for turn in np.arange(0.0, 360.0, _TURN_STEP_DEG)
    ]
    turned = np.stack(
        [
            affine_transform(moving, back.linear, back.shift, (reach, reach), order=1)
            for back in (one.inverse for one in onto)
        ]
    )
    spectrum = np.conj(fft.rfft2(fixed, shape))
    surface = fft.irfft2(fft.rfft2(turned, shape, axes=(1, 2)) * spectrum, shape, axes=(1, 2))
    lags = [fft.fftfreq(n, 1 / n) for n in shape]
    near = [
        np.abs(middle[axis] - lags[axis] - centers[1][axis]) <= _MOST_SHIFT * fixed.shape[axis]
        for axis in (0, 1)
    ]
    allowed = np.argwhere(np.logical_and.outer(*near))
    values = surface[:, allowed[:, 0], allowed[:, 1]]
    spread = np.sqrt((values**2).mean(axis=1)) + 1e-12
    best = values.argmax(axis=1)
    peaks = values[np.arange(len(best)), best] / spread
    shifts = [[lags[axis][allowed[place, axis]] for axis in (0, 1)] for place in best]
    return [
        Candidate(PlaneMap(one.linear, one.shift - np.array(shift)), float(peak))
        for one, shift, peak in zip(onto, shifts, peaks, strict=True)
    ]


def _distinct(
    found: list[Candidate], shape: tuple[int, int], factor: float, count: int
) -> list[Candidate]:
    """Return the best candidates without those close to a better one."""
    middle = (np.array(shape) - 1) / 2
    kept: list[tuple[float, float, NDArray[np.float64]]] = []
    best: list[Candidate] = []
    for candidate in sorted(found, key=lambda c: -c.peak):
        turn, scale, _ = decompose(candidate.onto.linear)
        place = candidate.onto(middle)
        for other_turn, other_scale, other_place in kept:
            gap = abs((turn - other_turn + 180) % 360 - 180) / _TURN_STEP_DEG
            ratio = abs(np.log(scale / other_scale)) / np.log(SCALE_STEP)
            away = float(np.linalg.norm(place - other_place)) / factor
            if max(gap, ratio) < _APART_STEPS and away < _APART_PX:
                break
        else:
            kept.append((turn, scale, place))
            best.append(candidate)
        if len(best) == count:
            break
    return best
