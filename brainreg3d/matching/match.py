"""Finding a new image of an animal on an old one by its vessels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import ImageError
from brainreg3d.geometry.view import check_pixel_size
from brainreg3d.matching.places import Place, SizedImage, find_places
from brainreg3d.matching.plane_map import decompose
from brainreg3d.matching.result import ImageMatch
from brainreg3d.matching.search import scale_steps

_LEAST_SIDE_PX = 32
_KNOWN_SCALES = (0.9, 1.1)
_ANY_SCALES = (0.5, 2.0)
_EXTENTS = 4.0  # an image of a quarter of the other's extent leaves nothing to be sure of
_ELSEWHERE = 0.05  # of the old image's longer side, mean distance at the corners
_SAME_PROPORTIONS = 1e-3
_UPRIGHT_DEG, _SIDEWAYS_DEG = 45.0, 135.0


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
    InputError
        If a pixel size makes no sense.

    Notes
    -----
    Dark lines of both images are laid on each other at all turns, a range of scales and all shifts
    by cross-correlation, on small pictures. The best places are compared by block matching:
    squares of one map are looked for around where they should lie on the other. A similarity is
    fitted robustly to where they are found, again and again with smaller squares. Each square is
    looked for by itself, so that the share of them that agree says how much of the image fits.

    References
    ----------
    Ourselin, S. et al. (2001). Reconstructing a 3D structure from serial histological sections.
    Image and Vision Computing 19, 25-31.
    """
    sizes = [
        None if size is None else check_pixel_size(size)
        for size in (moving_pixel_size_mm, fixed_pixel_size_mm)
    ]
    new, old = _sized(_pixels(moving, "new"), _pixels(fixed, "old"), *sizes)
    match = _match(new, old, known=None not in sizes)
    height, width = new.pixel_size
    is_guess = sizes[0] is None and abs(height / width - 1) > _SAME_PROPORTIONS
    if is_guess and _UPRIGHT_DEG < abs(match.rotation_deg) < _SIDEWAYS_DEG:
        # The proportions may be those of the stage or the measure, not those of the camera.
        turned = SizedImage(new.pixels, (width, height))
        match = max(match, _match(turned, old, known=False), key=lambda one: one.quality)
    return match


def _sized(
    new: NDArray[np.generic],
    old: NDArray[np.generic],
    new_size: tuple[float, float] | None,
    old_size: tuple[float, float] | None,
) -> tuple[SizedImage, SizedImage]:
    """Return images with pixel sizes; what is missing is taken from the other image."""
    if new_size is not None and old_size is not None:
        return SizedImage(new, new_size), SizedImage(old, old_size)
    height, width = old_size or new_size or (1.0, 1.0)
    second = SizedImage(old, (height, width))
    factor = second.side / SizedImage(new, (height, width)).side
    return SizedImage(new, (height * factor, width * factor)), second


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
            f"The {name} image is {pixels.shape} pixels (rows, columns); vessels can be matched in "
            f"images of at least {_LEAST_SIDE_PX} x {_LEAST_SIDE_PX}."
        )
        raise ImageError(message)
    if not np.isfinite(pixels).all():
        message = f"The {name} image holds NaN or infinite pixels; replace them first."
        raise ImageError(message)
    return pixels


def _match(new: SizedImage, old: SizedImage, *, known: bool) -> ImageMatch:
    """Match at about the expected scale first, and at any when that fails."""
    match = _as_match(*find_places(new, old, scale_steps(*_KNOWN_SCALES)), new, old, known)
    if match.trusted:
        return match
    wider = _as_match(*find_places(new, old, _wide_scales(new, old)), new, old, known)
    return wider if wider.trusted or wider.quality > match.quality else match


def _wide_scales(new: SizedImage, old: SizedImage) -> tuple[float, ...]:
    """Return scales of lengths, but for known ones, at which pixels or extents differ by two."""
    low, high = _ANY_SCALES
    same_pixels, same_extent = old.pixel_size[1] / new.pixel_size[1], old.side / new.side
    lowest = max(low * min(1.0, same_pixels), same_extent / _EXTENTS)
    highest = min(high * max(1.0, same_pixels), same_extent * _EXTENTS)
    steps = scale_steps(min(lowest, low), max(highest, high))
    return tuple(step for step in steps if not _KNOWN_SCALES[0] <= step <= _KNOWN_SCALES[1])


def _as_match(
    best: Place, others: list[Place], new: SizedImage, old: SizedImage, known: bool
) -> ImageMatch:
    onto = best.in_pixels
    lengths = np.diag(old.pixel_size) @ onto.linear @ np.diag(1 / np.array(new.pixel_size))
    rotation, scale, mirrored = decompose(lengths)
    elsewhere, other_hand = [0.0], [0.0]
    for place in others:
        # Where the images hardly overlap there are few squares, which agree easily.
        most = max(len(best.blocks.peaks), len(place.blocks.peaks), 1)
        share = float(place.blocks.agreeing.sum()) / most
        there = place.in_pixels
        gaps = (there(new.corners_px) - onto(new.corners_px)) * old.pixel_size
        if np.linalg.norm(gaps, axis=1).mean() > _ELSEWHERE * old.side:
            elsewhere.append(share)
        if decompose(there.linear)[2] != mirrored:
            other_hand.append(share)
    row_shift, col_shift = (float(v) for v in onto(new.middle_px) - old.middle_px)
    off = best.blocks.offsets[best.blocks.agreeing]
    cell_px = decompose(best.fixed.to_pixels.linear)[1]
    return ImageMatch(
        matrix=onto.matrix,
        rotation_deg=rotation,
        scale=scale if known else decompose(onto.linear)[1],
        translation_px=(row_shift, col_shift),
        mirrored=mirrored,
        quality=best.blocks.agreement,
        runner_up=max(elsewhere),
        mirror_quality=max(other_hand),
        residual_px=float(cell_px * np.sqrt((off**2).sum() / max(len(off), 1))),
        n_blocks=len(best.blocks.peaks),
        chance=best.blocks.chance,
    )
