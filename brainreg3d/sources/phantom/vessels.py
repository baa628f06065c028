"""Blood vessels of the phantom, drawn on the dorsal surface as seen from straight above."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.sources.phantom._shape import PHANTOM_BOX_MM

_MIDLINE_MM = PHANTOM_BOX_MM[0] / 2
_LENGTH_MM = PHANTOM_BOX_MM[1]
_STEP_MM = 0.015
_BEND_PER_MM = 2.6
_STRAIGHTEN_PER_MM = 1.6
_BRANCHES_PER_MM = 0.95
_MAX_ORDER = 2
_N_FINE = 260
_WIDTHS_MM = (0.006, 0.012, 0.02, 0.03, 0.045, 0.07, 0.12, 0.18)


@attrs.frozen
class _Sprout:
    """Where a vessel starts, which way it heads, how thick and how long it is (mm, radians)."""

    x: float
    y: float
    heading: float
    width: float
    length: float
    order: int = 0


def _grow(sprout: _Sprout, rng: np.random.Generator) -> tuple[NDArray[np.float64], list[_Sprout]]:
    """Return points (x, y, width) along a vessel, and the branches it gives off."""
    n = max(int(sprout.length / _STEP_MM), 2)
    bend = rng.normal(scale=_BEND_PER_MM, size=n)
    curvature = np.empty(n)
    current = 0.0
    for k in range(n):  # a random walk that forgets: vessels meander, they do not spiral
        current += -_STRAIGHTEN_PER_MM * current * _STEP_MM * 8 + bend[k] * 0.35
        curvature[k] = current
    heading = sprout.heading + np.cumsum(curvature) * _STEP_MM
    heading = sprout.heading + 1.2 * np.tanh((heading - sprout.heading) / 1.2)
    x = sprout.x + np.cumsum(np.cos(heading)) * _STEP_MM
    y = sprout.y + np.cumsum(np.sin(heading)) * _STEP_MM
    width = sprout.width * np.linspace(1.0, 0.2, n) ** 0.7
    branches = []
    if sprout.order < _MAX_ORDER:
        count = rng.poisson(sprout.length * _BRANCHES_PER_MM)
        for place in np.sort(rng.integers(n // 6, 5 * n // 6 + 1, size=count)):
            side = rng.choice((-1.0, 1.0))
            branches.append(
                _Sprout(
                    x=float(x[place]),
                    y=float(y[place]),
                    heading=float(heading[place] + side * rng.uniform(0.4, 0.9)),
                    width=float(width[place] * rng.uniform(0.45, 0.75)),
                    length=float(sprout.length * rng.uniform(0.3, 0.65)),
                    order=sprout.order + 1,
                )
            )
    return np.stack([x, y, width], axis=1), branches


def _spread(
    rng: np.random.Generator, aps_mm: NDArray[np.float64], lateral_mm: float, heading: float
) -> list[_Sprout]:
    """Return trunks that start beside each other at a distance from the midline, some thick."""
    return [
        _Sprout(
            x=_MIDLINE_MM + lateral_mm,
            y=_LENGTH_MM - float(ap) + float(rng.uniform(-0.3, 0.3)),
            heading=heading + float(rng.normal(scale=0.33)),
            width=float(rng.uniform(0.025, 0.05) + 0.05 * (rng.random() < 0.3)),
            length=float(rng.uniform(1.8, 4.0)),
        )
        for ap in aps_mm
    ]


def _trunks(rng: np.random.Generator) -> list[_Sprout]:
    """Return veins that leave the midline sinus, arteries from the side, and fine vessels."""
    trunks = []
    for side, outward in ((-1.0, np.pi), (1.0, 0.0)):
        trunks += _spread(rng, np.arange(2.6, 9.6, 0.85), side * 0.05, outward)
        trunks += _spread(rng, np.arange(3.6, 9.2, 0.95), side * 5.3, np.pi - outward)
    # What runs at the limit of resolution shows as faint streaks.
    trunks += [
        _Sprout(
            x=float(rng.uniform(1.0, 10.4)),
            y=float(rng.uniform(2.0, 11.5)),
            heading=float(rng.uniform(0.0, 2 * np.pi)),
            width=0.012,
            length=float(rng.uniform(0.3, 1.2)),
            order=_MAX_ORDER,
        )
        for _ in range(_N_FINE)
    ]
    return trunks


def _sinuses(rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return the sinus along the midline, and the transverse one before the cerebellum."""
    y = np.arange(2.6, 11.4, _STEP_MM)
    wobble = 0.03 * np.sin(y * 1.3 + rng.uniform(0, 6)) + 0.015 * np.sin(y * 4.1)
    sagittal = np.stack([_MIDLINE_MM + wobble, y, 0.12 + 0.08 * (11.4 - y) / 8.8], axis=1)
    x = np.arange(-4.2, 4.2, _STEP_MM)
    bow = _LENGTH_MM - 10.35 + 0.035 * x**2 + 0.05 * np.sin(1.7 * x + rng.uniform(0, 6))
    transverse = np.stack([_MIDLINE_MM + x, bow, np.full(x.size, 0.16)], axis=1)
    return [sagittal, transverse]


def _draw(
    points: NDArray[np.float64], shape: tuple[int, int], mm_per_texel: float
) -> NDArray[np.float64]:
    """Return the light lost to vessels, 0 to 1: lines of their width with soft edges."""
    from scipy.ndimage import gaussian_filter  # slow to import

    passed = np.ones(shape)
    kind = np.abs(points[:, 2, None] - np.array(_WIDTHS_MM)).argmin(axis=1)
    for number, width in enumerate(_WIDTHS_MM):
        x, y, _ = points[kind == number].T
        row, col = np.floor(np.stack([y, x]) / mm_per_texel).astype(np.int64)
        inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
        place_in_map = row[inside] * shape[1] + col[inside]
        ink = np.bincount(place_in_map, minlength=shape[0] * shape[1]).reshape(shape)
        sigma = max(width / 2 / mm_per_texel, 0.55)
        # the middle of a straight line comes out at its depth, crossings saturate
        per_length = ink * _STEP_MM / mm_per_texel
        line = gaussian_filter(per_length, sigma) * sigma * np.sqrt(2 * np.pi)
        passed *= np.exp(-min(0.06 + 6.5 * width, 0.8) * np.minimum(line, 1.5))
    return 1.0 - passed


def surface_texture(
    box_mm: tuple[float, float, float], mm_per_texel: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return vessels and a faint mottle for the dorsal surface.

    Parameters
    ----------
    box_mm : tuple of float
        Extent of the atlas along (x, y, z) in mm.
    mm_per_texel : float
        Size of a texel in mm.
    rng : numpy.random.Generator
        Source of chance; the same state gives the same vessels.

    Returns
    -------
    vessels : numpy.ndarray, shape (Y, X)
        Part of the light that is lost, 0 to 1; texel (j, i) is centred at
        ``((i + 1/2), (j + 1/2)) * mm_per_texel`` in x and y.
    mottle : numpy.ndarray, shape (Y, X)
        Relative change of brightness about 0.
    """
    from scipy.ndimage import gaussian_filter  # slow to import

    shape = round(box_mm[1] / mm_per_texel), round(box_mm[0] / mm_per_texel)
    lines, waiting = _sinuses(rng), _trunks(rng)
    while waiting:
        line, branches = _grow(waiting.pop(), rng)
        lines.append(line)
        waiting += branches
    vessels = _draw(np.concatenate(lines), shape, mm_per_texel)
    mottle = np.zeros(shape)
    for size_mm, strength in ((0.6, 0.05), (0.15, 0.025), (0.04, 0.015)):
        wave = gaussian_filter(rng.normal(size=shape), size_mm / mm_per_texel)
        mottle += strength * wave / wave.std()
    return vessels, mottle
