"""Block matching: squares of one vessel map are looked for near their place on another."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.matching.plane_map import PlaneMap, fit_similarity
from brainreg3d.matching.vessels import VesselMap

_LEAST_BRAIN = 0.6  # of a block, seen by both
_LEAST_CONTENT = 0.1  # of the usual variation: a block without vessels lies anywhere
_AGREE_PX = 1.5
_BY_ACCIDENT = 0.1  # 0.04 by area; more, because the place was chosen and fitted to agree
_FIT_ROUNDS = 12


@attrs.frozen(eq=False)
class Blocks:
    """Where blocks of the fixed map are found on the moving one.

    Parameters
    ----------
    centers : numpy.ndarray, shape (N, 2)
        Their middles (row, column) on the fixed grid.
    offsets : numpy.ndarray, shape (N, 2)
        How far from there they are found, in cells.
    peaks : numpy.ndarray, shape (N,)
        Normalised correlation there.
    """

    centers: NDArray[np.float64]
    offsets: NDArray[np.float64]
    peaks: NDArray[np.float64]

    @property
    def agreeing(self) -> NDArray[np.bool_]:
        """Which ones are found where they are expected, shape (N,)."""
        return np.asarray(np.hypot(*self.offsets.T) <= _AGREE_PX)

    @property
    def agreement(self) -> float:
        """Share of the blocks that are found where they are expected; 0 when there are none."""
        return float(self.agreeing.mean()) if len(self.peaks) else 0.0

    @property
    def chance(self) -> float:
        """Probability that as many blocks agree by accident: a binomial distribution's tail."""
        from scipy.special import betainc  # slow to import

        # Blocks overlap by half along both axes: four make one that is independent.
        independent = len(self.peaks) / 4
        agreeing = self.agreement * independent
        if agreeing <= 0:
            return 1.0
        return float(betainc(agreeing, independent - agreeing + 1, _BY_ACCIDENT))


def match_blocks(moving: VesselMap, fixed: VesselMap, block_px: int, reach_px: int) -> Blocks:
    """Look for blocks of a vessel map near their place on another map of the same grid.

    Parameters
    ----------
    moving, fixed : VesselMap
        Maps of one shape.
    block_px : int
        Side of a block; blocks overlap by half.
    reach_px : int
        How far to look along each axis.

    Returns
    -------
    Blocks
        Those with enough brain, and something to see, on both.
    """
    from scipy import fft

    tiles = _tiles(fixed.brain, moving.brain, block_px)
    if not len(tiles):
        return Blocks(np.empty((0, 2)), np.empty((0, 2)), np.empty(0))
    size = block_px + 2 * reach_px
    wide = np.pad(moving.ridge, reach_px)
    own, brain = (_cut(part, tiles, block_px) for part in (fixed.ridge, fixed.brain))
    around = _cut(wide, tiles, size)
    mean = (own * brain).sum(axis=(1, 2)) / brain.sum(axis=(1, 2))
    own = (own - mean[:, None, None]) * brain
    shape = [fft.next_fast_len(size, real=True)] * 2

    def correlate(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        product = np.conj(fft.rfft2(a, shape, axes=(1, 2))) * fft.rfft2(b, shape, axes=(1, 2))
        lags = 2 * reach_px + 1
        return np.asarray(fft.irfft2(product, shape, axes=(1, 2))[:, :lags, :lags])

    energy = (own**2).sum(axis=(1, 2))
    usual = max(float(np.median(energy)), 1e-9)
    there = correlate(brain, around**2)
    full = np.minimum(energy, there[:, reach_px, reach_px]) > _LEAST_CONTENT * usual
    own_energy = np.maximum(energy, 0.25 * usual)[:, None, None]
    surface = correlate(own, around) / np.sqrt(own_energy * np.maximum(there, 0.25 * usual))
    offsets, peaks = _peaks(surface)
    centers = tiles + (block_px - 1) / 2
    return Blocks(centers[full], offsets[full] - reach_px, peaks[full])


def improved(blocks: Blocks) -> PlaneMap:
    """Return the similarity that puts blocks where they are expected, outliers left out.

    Parameters
    ----------
    blocks : Blocks
        At least three.

    Returns
    -------
    PlaneMap
        From where they are found to where they are expected.

    Notes
    -----
    Least squares, reweighted by how far off each block is (Geman-McClure), the width shrinking
    to the spread of what agrees.

    References
    ----------
    Ourselin, S. et al. (2001). Reconstructing a 3D structure from serial histological sections.
    Image and Vision Computing 19, 25-31: a robust transform from matched blocks.
    """
    found = blocks.centers + blocks.offsets
    trust = np.maximum(blocks.peaks, 0.01) ** 2
    weights = trust
    for round_number in range(_FIT_ROUNDS):
        fitted = fit_similarity(found, blocks.centers, weights)
        off = np.hypot(*(fitted(found) - blocks.centers).T)
        width = max(1.0, 1.5 * float(np.median(off)))
        if round_number >= _FIT_ROUNDS // 3:
            width = max(0.7, float(np.median(off)))
        weights = trust / (1 + (off / width) ** 2) ** 2
    return fitted


def _tiles(
    fixed: NDArray[np.float32], moving: NDArray[np.float32], block_px: int
) -> NDArray[np.int64]:
    """Return the upper left corners of blocks with enough brain on both, shape (N, 2)."""
    step = max(block_px // 2, 1)
    both = np.pad(np.cumsum(np.cumsum(fixed * moving, 0, dtype=float), 1), ((1, 0), (1, 0)))
    tops, lefts = (np.arange(0, n - block_px + 1, step) for n in fixed.shape)
    bottoms, rights = tops + block_px, lefts + block_px
    area = (
        both[np.ix_(bottoms, rights)]
        - both[np.ix_(tops, rights)]
        - both[np.ix_(bottoms, lefts)]
        + both[np.ix_(tops, lefts)]
    )
    chosen = np.argwhere(area >= _LEAST_BRAIN * block_px**2)
    corners: NDArray[np.int64] = chosen * step
    return corners


def _cut(image: NDArray[np.float32], corners: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return np.asarray(windows[corners[:, 0], corners[:, 1]])


def _peaks(surface: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the place of each surface's peak, to a fraction of a cell, and its height."""
    side = surface.shape[1]
    number = np.arange(len(surface))
    rows, cols = np.divmod(surface.reshape(len(surface), -1).argmax(axis=1), side)
    height = surface[number, rows, cols].astype(float)

    def fraction(row_step: int, col_step: int) -> NDArray[np.float64]:
        before, after = (
            surface[
                number,
                np.clip(rows + sign * row_step, 0, side - 1),
                np.clip(cols + sign * col_step, 0, side - 1),
            ].astype(float)
            for sign in (-1, 1)
        )
        curvature = np.minimum(before + after - 2 * height, -1e-6)
        # the vertex of the parabola through three values
        return np.asarray(np.clip((before - after) / (2 * curvature), -0.5, 0.5))

    return np.stack([rows + fraction(1, 0), cols + fraction(0, 1)], axis=1), height
