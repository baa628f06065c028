"""From what the user gave to the first state of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from brainreg3d._logging import logger
from brainreg3d.errors import RegionError
from brainreg3d.geometry.view import check_pixel_size, pixel_size_of
from brainreg3d.io.fingerprint import fingerprint
from brainreg3d.io.images import load_image, load_window_mask
from brainreg3d.io.moving_volume import load_volume
from brainreg3d.state import Image, State

Source = str | Path | ArrayLike
_OBLONG = 0.05  # a camera's pixels differ by less


class ImageMemory:
    """Remembers an image, so that one that has not changed stays the same object."""

    def __init__(self) -> None:
        self._image: Image | None = None

    def load(self, source: Source, frame: int | None) -> Image:
        """Read an image, or return the one in memory if it is still the same.

        Parameters
        ----------
        source : path-like or array_like
            The image.
        frame : int or None
            Which frame of a stack.

        Returns
        -------
        Image
            The image.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        image = load_image(source, frame)
        same = self._image is not None and fingerprint(self._image) == fingerprint(image)
        if self._image is None or not same or self._image.path != image.path:
            self._image = image
        return self._image


def load_inputs(
    image: Image | None,
    volume: Source | None,
    volume_spacing_mm: Sequence[float] | None,
    volume_orientation: str | None,
    window_mask: Source | None,
    brain_regions: tuple[str | int, ...],
    pixel_size_mm: tuple[float, float] | None,
) -> State:
    """Read what a run starts from.

    Parameters
    ----------
    image : Image or None
        The image.
    volume : path-like, array_like or None
        The 3D volume.
    volume_spacing_mm : sequence of float, optional
        Its voxel size along (Z, Y, X).
    volume_orientation : str, optional
        Where its axes start, or grow to.
    window_mask : path-like, array_like or None
        Not zero inside the imaging window.
    brain_regions : tuple of str or int
        Regions as the user named them.
    pixel_size_mm : tuple of float or None
        (row, column) pixel size that was given explicitly.

    Returns
    -------
    State
        With inputs only.

    Raises
    ------
    ImageError
        If one of them cannot be read, or the mask has another shape than the image.
    """
    mask = None
    if image is not None and window_mask is not None:
        mask = load_window_mask(window_mask, image.shape)
    moving = None
    if volume is not None:
        moving = load_volume(volume, volume_spacing_mm, volume_orientation)
    return State(
        image=image,
        volume=moving,
        brain_regions=brain_regions,
        pixel_size_mm=pixel_size_mm,
        window_mask=mask,
    )


def explicit_pixel_size(
    image: Image | None, pixel_size_mm: Any, image_dims_mm: Any
) -> tuple[float, float] | None:
    """Return the pixel size that the user gave, directly or as the size of the image.

    Parameters
    ----------
    image : Image or None
        Its shape turns a size into a pixel size.
    pixel_size_mm : sequence of float or None
        (row, column) size of a pixel.
    image_dims_mm : sequence of float or None
        (width, height) of the image; not looked at when `pixel_size_mm` is there.

    Returns
    -------
    tuple of float or None
        (row, column) size of a pixel.

    Raises
    ------
    InputError
        If the numbers make no sense.
    """
    if pixel_size_mm is not None:
        return check_pixel_size(pixel_size_mm)
    if image_dims_mm is None or image is None:
        return None
    height, width = pixel_size_of(image.shape, image_dims_mm)
    rows, columns = image.shape
    # Cameras have square pixels: an image of the right size in the wrong order has none.
    turned = (height * rows / columns, width * columns / rows)
    oblong = abs(height / width - 1.0) > _OBLONG
    if oblong and abs(turned[0] / turned[1] - 1.0) < abs(height / width - 1.0) / 5:
        logger.warning(
            "image_dims_mm is (width, height); %g x %g mm makes pixels of %.4g x %.4g mm (width, "
            "height), but square ones the other way round. Are they swapped?",
            *image_dims_mm,
            width,
            height,
        )
    return height, width


def region_names_of(value: Any) -> tuple[str | int, ...] | None:
    """Copy region names, so that the list cannot change behind the user's back.

    Parameters
    ----------
    value : str, int, iterable of str or int, or None
        As the user gave them; a text is taken apart at commas.

    Returns
    -------
    tuple of str or int, or None
        None for None.

    Raises
    ------
    RegionError
        If it is something else.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return tuple(name for part in value.split(",") if (name := part.strip()))
    if isinstance(value, int | np.integer):
        return (int(value),)
    if not isinstance(value, Iterable):
        message = f"brain_regions is a list of acronyms, ids or names; got {value!r}."
        raise RegionError(message)
    return tuple(int(name) if isinstance(name, np.integer) else name for name in value)
