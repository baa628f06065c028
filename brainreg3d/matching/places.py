"""Places of a new image on an old one: found, compared, and made exact."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.matching.blocks import Blocks, improved, match_blocks
from brainreg3d.matching.plane_map import PlaneMap, decompose
from brainreg3d.matching.search import Candidate, search
from brainreg3d.matching.working import Working, coarser, warped, working_image

_WORKING_PX = (256, 400)  # longer side of the image
_SIMILAR = 1.3  # scales closer than this need no grids of their own
_CANDIDATES = 4
_QUICK_BLOCK_PX, _QUICK_REACH_PX = 24, 14  # at half the resolution
_REFINING = ((48, 16), (40, 8), (32, 6), (32, 6))  # sides of blocks and how far to look


@attrs.frozen(eq=False)
class SizedImage:
    """An image whose pixels have a size.

    Parameters
    ----------
    pixels : numpy.ndarray, shape (H, W)
        The image.
    pixel_size : tuple of float
        (row, column) size of a pixel, in a unit that both images share.
    """

    pixels: NDArray[np.generic]
    pixel_size: tuple[float, float]

    @property
    def side(self) -> float:
        """Length of the longer side."""
        height = self.pixels.shape[0] * self.pixel_size[0]
        width = self.pixels.shape[1] * self.pixel_size[1]
        return float(max(height, width))

    @property
    def middle_px(self) -> NDArray[np.float64]:
        """(row, column) of the middle, shape (2,)."""
        return (np.array(self.pixels.shape) - 1) / 2

    @property
    def corners_px(self) -> NDArray[np.float64]:
        """(row, column) of the outer corners, shape (4, 2)."""
        rows, cols = self.pixels.shape
        return np.array([[0, 0], [0, cols], [rows, 0], [rows, cols]]) - 0.5


@attrs.frozen(eq=False)
class Place:
    """A place of the moving image on the fixed one, and how well they agree there.

    Parameters
    ----------
    moving, fixed : Working
        Grids of one cell size.
    onto : PlaneMap
        From the moving grid to the fixed one.
    blocks : Blocks
        Where blocks of the fixed map are found on the moving one, carried there.
    """

    moving: Working
    fixed: Working
    onto: PlaneMap
    blocks: Blocks

    @property
    def in_pixels(self) -> PlaneMap:
        """From pixels of the moving image to pixels of the fixed one."""
        return self.fixed.to_pixels @ self.onto @ self.moving.to_pixels.inverse


def find_places(
    moving: SizedImage, fixed: SizedImage, scales: Sequence[float]
) -> tuple[Place, list[Place]]:
    """Return the best place of an image on another, made exact, and others that were looked at.

    Parameters
    ----------
    moving, fixed : SizedImage
        The new and the old image.
    scales : sequence of float
        Scales of lengths to try.

    Returns
    -------
    best : Place
        The one whose agreement is least likely to be an accident.
    others : list of Place
        As they are after a quick look, best first.
    """
    pairs: dict[int, tuple[Working, Working]] = {}
    start = _working_pair(moving, fixed, 1.0)
    places: list[Place] = []
    for mirrored in (False, True):
        for candidate in search(*start, scales, mirrored, _CANDIDATES):
            pair, onto = _at_its_scale(moving, fixed, start, candidate, pairs)
            places.append(_quick_look(*pair, onto))
    places.sort(key=lambda place: place.blocks.chance)
    return _refine(places[0]), places[1:]


def _working_pair(moving: SizedImage, fixed: SizedImage, scale: float) -> tuple[Working, Working]:
    """Return the vessels of both, cells being equal once the moving image is scaled."""
    least, most = _WORKING_PX
    finest = max(*fixed.pixel_size, *(scale * size for size in moving.pixel_size))
    extent = max(fixed.side, scale * moving.side)
    grid = extent / np.clip(extent / finest, least, most)
    return (
        working_image(moving.pixels, moving.pixel_size, grid / scale),
        working_image(fixed.pixels, fixed.pixel_size, grid),
    )


def _at_its_scale(
    moving: SizedImage,
    fixed: SizedImage,
    start: tuple[Working, Working],
    candidate: Candidate,
    pairs: dict[int, tuple[Working, Working]],
) -> tuple[tuple[Working, Working], PlaneMap]:
    """Return grids on which a candidate's scale is near 1: vessels have a width to be seen at."""
    _, scale, _ = decompose(candidate.onto.linear)
    step = round(np.log(scale) / np.log(_SIMILAR))
    if step == 0:
        return start, candidate.onto
    if step not in pairs:
        pairs[step] = _working_pair(moving, fixed, _SIMILAR**step)
    new, old = pairs[step]
    in_pixels = start[1].to_pixels @ candidate.onto @ start[0].to_pixels.inverse
    return (new, old), old.to_pixels.inverse @ in_pixels @ new.to_pixels


def _quick_look(moving: Working, fixed: Working, onto: PlaneMap) -> Place:
    """Judge a place at half the resolution, after one improvement."""
    (small_moving, moving_up), (small_fixed, fixed_up) = coarser(moving, 2.0), coarser(fixed, 2.0)
    here = fixed_up.inverse @ onto @ moving_up
    for reach in (_QUICK_REACH_PX, _QUICK_REACH_PX // 2):
        carried = warped(small_moving.vessels, here, small_fixed.shape)
        blocks = match_blocks(carried, small_fixed.vessels, _QUICK_BLOCK_PX, reach)
        if len(blocks.peaks) < 3:
            break
        if reach == _QUICK_REACH_PX:
            here = improved(blocks) @ here
    return Place(moving, fixed, fixed_up @ here @ moving_up.inverse, blocks)


def _refine(place: Place) -> Place:
    onto, blocks = place.onto, place.blocks
    for block, reach in _REFINING:
        carried = warped(place.moving.vessels, onto, place.fixed.shape)
        blocks = match_blocks(carried, place.fixed.vessels, block, reach)
        if len(blocks.peaks) < 3:
            break
        if (block, reach) != _REFINING[-1]:
            onto = improved(blocks) @ onto
    return attrs.evolve(place, onto=onto, blocks=blocks)
