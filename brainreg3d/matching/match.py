"""Finding a new image of an animal on an old one by its vessels."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import read_only
from brainreg3d.errors import ImageError
from brainreg3d.geometry.view import check_pixel_size
from brainreg3d.matching.blocks import Blocks, improved, match_blocks
from brainreg3d.matching.plane_map import PlaneMap, decompose
from brainreg3d.matching.search import SCALE_STEP, Candidate, scale_steps, search
from brainreg3d.matching.working import Working, coarser, warped, working_image

LEAST_QUALITY = 0.35
"""Below this a match is not trusted. Measured: images of the same animal 0.6 to 1, a fifth of the
vessels changed; of others, noise and images without vessels 0 to 0.2 (docs/benchmarks.md)."""

DOUBTFUL_QUALITY = 0.5
"""Below this a match that is trusted should be looked at."""

_LEAST_LEAD = 0.15  # of the best place over the second: a repeated pattern is found in both
_LEAST_BLOCKS = 12  # overlapping by half: the brain that both show is too small to be sure
_WORKING_PX = (256, 400)  # longer side of the image
_LEAST_SIDE_PX = 32
_ELSEWHERE = 0.05  # of the old image's longer side, mean distance at the corners
_KNOWN_SCALES = (0.9, 1.1)
_ANY_SCALES = (0.5, 2.0)
_CANDIDATES = 4
_QUICK_BLOCK_PX, _QUICK_REACH_PX = 24, 14  # at half the resolution
_REFINING = ((48, 16), (40, 8), (32, 6), (32, 6))  # sides of blocks and how far to look


@attrs.frozen(eq=False)
class ImageMatch:
    """Where a new image lies on an old one.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (2, 3)
        Maps pixels of the new image to pixels of the old one:
        ``(row_old, col_old) = matrix @ (row_new, col_new, 1)``, pixel centres at integers. In
        lengths on the brain it is a similarity; in pixels too where they are square.
    rotation_deg : float
        How the new image has to be turned to lie on the old one, counter-clockwise as seen in the
        picture, -180 to 180; after the mirror, if there is one.
    scale : float
        Factor from lengths in the new image to lengths in the old one: in pixels where a pixel
        size is missing, else in mm, where it is 1 if both pixel sizes are right.
    translation_px : tuple of float
        (rows, columns) from the middle of the old image to where the middle of the new one lies.
    mirrored : bool
        Whether left and right are swapped.
    quality : float
        Share of the brain, in overlapping squares, whose vessels by themselves lie within 1.5
        pixels of the working image (one of 400, longer side) of where the match expects them,
        among all places up to 6 of these pixels away along each axis. By chance it would be 0.04.
    runner_up : float
        Quality at the best other place, without the mirror or with it.
    mirror_quality : float
        Quality at the best place of the other handedness.
    residual_px : float
        Root mean square of the distances, in pixels of the old image, of the squares that agree.
    n_blocks : int
        How many squares there are.
    """

    matrix: NDArray[np.float64] = attrs.field(converter=read_only)
    rotation_deg: float
    scale: float
    translation_px: tuple[float, float]
    mirrored: bool
    quality: float
    runner_up: float
    mirror_quality: float
    residual_px: float
    n_blocks: int
    chance: float

    @property
    def trusted(self) -> bool:
        """Whether it is good enough to place an image by."""
        return not self.doubt

    @property
    def doubt(self) -> str:
        """Why it is not trusted; empty when it is."""
        if self.n_blocks < _LEAST_BLOCKS:
            return "too little of the brain with vessels is seen in both"
        if self.quality < LEAST_QUALITY:
            return (
                f"vessels lie on each other in {self.quality:.0%} of the places looked at, at "
                f"least {LEAST_QUALITY:.0%} is needed"
            )
        if self.quality - self.runner_up < _LEAST_LEAD:
            return (
                f"another place fits about as well ({self.runner_up:.0%} against "
                f"{self.quality:.0%})"
            )
        return ""

    def to_old(self, points_px: ArrayLike) -> NDArray[np.float64]:
        """Return where points of the new image lie on the old one.

        Parameters
        ----------
        points_px : array_like, shape (..., 2)
            (row, column) in pixels of the new image.

        Returns
        -------
        numpy.ndarray, shape (..., 2)
            (row, column) in pixels of the old image.
        """
        return PlaneMap(self.matrix[:, :2], self.matrix[:, 2])(points_px)


@attrs.frozen(eq=False)
class _Image:
    """An image with a pixel size in some unit, and its vessels on one grid."""

    pixels: NDArray[np.generic]
    pixel_size: tuple[float, float]

    @property
    def side(self) -> float:
        """Length of the longer side."""
        return max(n * size for n, size in zip(self.pixels.shape, self.pixel_size, strict=True))


@attrs.frozen(eq=False)
class _Place:
    """A place that was looked at: how it maps grids, and how well the blocks agree."""

    moving: Working
    fixed: Working
    onto: PlaneMap
    blocks: Blocks


def match_images(
    moving: ArrayLike,
    fixed: ArrayLike,
    *,
    moving_pixel_size_mm: tuple[float, float] | None = None,
    fixed_pixel_size_mm: tuple[float, float] | None = None,
) -> ImageMatch:
    """Find a new image of an animal on an old one by its vessels.

    The images may differ in shape, pixel size, illumination, exposure and contrast; one may be
    turned by any angle, or mirrored.

    Parameters
    ----------
    moving : array_like, shape (H, W)
        The new image, finite numbers.
    fixed : array_like, shape (H', W')
        The old image, finite numbers.
    moving_pixel_size_mm, fixed_pixel_size_mm : tuple of float, optional
        (row, column) size of a pixel. When both are known, scales within 10 % of them are tried
        first. When one is missing, pixels are taken to have the proportions of the other's, and
        both images to show about the same extent. Whatever is known, scales from 0.5 to 2 are
        tried when that finds nothing.

    Returns
    -------
    ImageMatch
        The best match; look at `trusted` before using it. The same for any number of threads.

    Raises
    ------
    ImageError
        If an image is not 2D, is too small, or holds values that are not finite.

    Notes
    -----
    Dark lines of both images (`vessel_map`) are laid on each other at all turns, a range of scales
    and all shifts, small, by cross-correlation. The best places are compared by block matching:
    squares of one map are looked for around where they should lie on the other. From where they
    are found, a similarity is fitted robustly, which is repeated with smaller squares. Squares
    that were not used to choose the place could lie anywhere, hence the meaning of `quality`.

    References
    ----------
    Ourselin, S. et al. (2001). Reconstructing a 3D structure from serial histological sections.
    Image and Vision Computing 19, 25-31.
    """
    images = _images(moving, fixed, moving_pixel_size_mm, fixed_pixel_size_mm)
    in_pixels = moving_pixel_size_mm is None or fixed_pixel_size_mm is None
    best = _find(*images, scale_steps(*_KNOWN_SCALES), in_pixels)
    if not best.trusted:
        wider = _find(*images, _wide_scales(*images), in_pixels)
        best = wider if wider.trusted or wider.quality > best.quality else best
    return best


def _images(
    moving: ArrayLike,
    fixed: ArrayLike,
    moving_size: tuple[float, float] | None,
    fixed_size: tuple[float, float] | None,
) -> tuple[_Image, _Image]:
    new, old = _pixels(moving, "new"), _pixels(fixed, "old")
    sizes = [None if size is None else check_pixel_size(size) for size in (moving_size, fixed_size)]
    if sizes[0] is not None and sizes[1] is not None:
        return _Image(new, sizes[0]), _Image(old, sizes[1])
    proportions = next((size for size in sizes if size is not None), (1.0, 1.0))
    second = _Image(old, proportions)
    first = _Image(new, proportions)
    factor = second.side / first.side
    row, column = (factor * size for size in proportions)
    return _Image(new, (row, column)), second


def _pixels(image: ArrayLike, name: str) -> NDArray[np.generic]:
    pixels = np.asarray(image)
    if pixels.ndim != 2 or pixels.dtype.kind not in "buif":
        message = (
            f"The {name} image has shape {pixels.shape} and holds {pixels.dtype}; expected a grey "
            f"image, rows x columns."
        )
        raise ImageError(message)
    if min(pixels.shape) < _LEAST_SIDE_PX:
        message = (
            f"The {name} image is {pixels.shape} pixels; vessels can be matched in images of at "
            f"least {_LEAST_SIDE_PX} x {_LEAST_SIDE_PX}."
        )
        raise ImageError(message)
    if not np.isfinite(pixels).all():
        message = f"The {name} image holds NaN or infinite pixels; replace them first."
        raise ImageError(message)
    return pixels


def _wide_scales(moving: _Image, fixed: _Image) -> tuple[float, ...]:
    """Return the scales of lengths that make pixels or extents differ by at most two."""
    low, high = _ANY_SCALES
    by_pixel = fixed.pixel_size[1] / moving.pixel_size[1]
    limits = min(low, low * by_pixel), max(high, high * by_pixel)
    extent = fixed.side / moving.side
    # A quarter of the extent leaves nothing to be sure of.
    return scale_steps(max(limits[0], 0.25 * extent), min(limits[1], 4.0 * extent))


def _find(moving: _Image, fixed: _Image, scales: tuple[float, ...], in_pixels: bool) -> ImageMatch:
    pairs: dict[int, tuple[Working, Working]] = {}
    start = _working_pair(moving, fixed, 1.0)
    places: list[_Place] = []
    for mirrored in (False, True):
        for candidate in search(*start, scales, mirrored, _CANDIDATES):
            pair, onto = _at_its_scale(moving, fixed, start, candidate, pairs)
            places.append(_quick_look(*pair, onto))
    places.sort(key=lambda place: place.blocks.chance)
    best = _refine(places[0])
    return _as_match(best, places[1:], moving, fixed, in_pixels)


def _working_pair(moving: _Image, fixed: _Image, scale: float) -> tuple[Working, Working]:
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
    moving: _Image,
    fixed: _Image,
    start: tuple[Working, Working],
    candidate: Candidate,
    pairs: dict[int, tuple[Working, Working]],
) -> tuple[tuple[Working, Working], PlaneMap]:
    """Return grids on which a candidate's scale is near 1: vessels have a width to be seen at."""
    _, scale, _ = decompose(candidate.onto.linear)
    step = round(np.log(scale) / np.log(SCALE_STEP**2))
    if step == 0:
        return start, candidate.onto
    if step not in pairs:
        pairs[step] = _working_pair(moving, fixed, SCALE_STEP ** (2 * step))
    new, old = pairs[step]
    in_pixels = start[1].to_pixels @ candidate.onto @ start[0].to_pixels.inverse
    return (new, old), old.to_pixels.inverse @ in_pixels @ new.to_pixels


def _quick_look(moving: Working, fixed: Working, onto: PlaneMap) -> _Place:
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
    return _Place(moving, fixed, fixed_up @ here @ moving_up.inverse, blocks)


def _refine(place: _Place) -> _Place:
    onto, blocks = place.onto, place.blocks
    for block, reach in _REFINING:
        carried = warped(place.moving.vessels, onto, place.fixed.shape)
        blocks = match_blocks(carried, place.fixed.vessels, block, reach)
        if len(blocks.peaks) < 3:
            break
        if (block, reach) != _REFINING[-1]:
            onto = improved(blocks) @ onto
    return attrs.evolve(place, onto=onto, blocks=blocks)


def _as_match(
    best: _Place, others: list[_Place], moving: _Image, fixed: _Image, in_pixels: bool
) -> ImageMatch:
    total = _pixel_map(best)
    lengths = np.diag(fixed.pixel_size) @ total.linear @ np.diag(1 / np.array(moving.pixel_size))
    rotation, scale, mirrored = decompose(lengths)
    if in_pixels:
        scale = decompose(total.linear)[1]
    rows, cols = moving.pixels.shape
    corners = np.array([[0, 0], [0, cols], [rows, 0], [rows, cols]]) - 0.5
    elsewhere, other_hand = [0.0], [0.0]
    for place in others:
        if len(place.blocks.peaks) < _LEAST_BLOCKS:
            continue
        there = _pixel_map(place)
        away = np.linalg.norm((there(corners) - total(corners)) * fixed.pixel_size, axis=1).mean()
        if away > _ELSEWHERE * fixed.side:
            elsewhere.append(place.blocks.agreement)
        if decompose(there.linear)[2] != mirrored:
            other_hand.append(place.blocks.agreement)
    middles = [(np.array(image.pixels.shape) - 1) / 2 for image in (moving, fixed)]
    row_shift, col_shift = (float(v) for v in total(middles[0]) - middles[1])
    agreeing = best.blocks.offsets[best.blocks.agreeing]
    cell_px = np.sqrt(abs(np.linalg.det(best.fixed.to_pixels.linear)))
    return ImageMatch(
        matrix=total.matrix,
        rotation_deg=rotation,
        scale=scale,
        translation_px=(row_shift, col_shift),
        mirrored=mirrored,
        quality=best.blocks.agreement,
        runner_up=max(elsewhere),
        mirror_quality=max(other_hand),
        residual_px=float(cell_px * np.sqrt((agreeing**2).sum(axis=1).mean()))
        if len(agreeing)
        else float("inf"),
        n_blocks=len(best.blocks.peaks),
        chance=best.blocks.chance,
    )


def _pixel_map(place: _Place) -> PlaneMap:
    return place.fixed.to_pixels @ place.onto @ place.moving.to_pixels.inverse
