"""Images on common grids of square pixels, small enough to be searched."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.matching.plane_map import PlaneMap
from brainreg3d.matching.vessels import VesselMap, vessel_map


@attrs.frozen(eq=False)
class Working:
    """The vessels of an image on a grid of square pixels.

    Parameters
    ----------
    vessels : VesselMap
        On the grid.
    to_pixels : PlaneMap
        From the grid to pixels of the image.
    """

    vessels: VesselMap
    to_pixels: PlaneMap

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the grid."""
        rows, columns = self.vessels.ridge.shape
        return rows, columns


def working_image(
    pixels: NDArray[np.generic], pixel_size: tuple[float, float], grid: float
) -> Working:
    """Find the vessels of an image on a grid.

    Parameters
    ----------
    pixels : numpy.ndarray, shape (H, W)
        The image.
    pixel_size : tuple of float
        (row, column) size of a pixel, in any unit.
    grid : float
        Size of a grid cell in that unit.

    Returns
    -------
    Working
        Covers the image, about the same centre.
    """
    image = pixels.astype(np.float32)
    steps = (grid / pixel_size[0], grid / pixel_size[1])
    resampled, to_pixels = _resample(image, steps)
    return Working(vessel_map(resampled), to_pixels)


def coarser(working: Working, factor: float) -> tuple[Working, PlaneMap]:
    """Return the vessels on a coarser grid, and the map from that to the finer one.

    Parameters
    ----------
    working : Working
        Vessels on a grid.
    factor : float
        Cells of that grid along one of the new.

    Returns
    -------
    coarse : Working
        The same vessels.
    to_fine : PlaneMap
        From the coarse grid to the fine one.
    """
    ridge, to_fine = _resample(working.vessels.ridge, (factor, factor))
    brain, _ = _resample(working.vessels.brain, (factor, factor))
    return Working(VesselMap(ridge, brain), working.to_pixels @ to_fine), to_fine


def warped(vessels: VesselMap, onto: PlaneMap, shape: tuple[int, int]) -> VesselMap:
    """Return vessels carried onto another grid.

    Parameters
    ----------
    vessels : VesselMap
        Vessels.
    onto : PlaneMap
        From their grid to the other one.
    shape : tuple of int
        Of the other grid.

    Returns
    -------
    VesselMap
        0 where they do not reach.
    """
    from scipy.ndimage import affine_transform  # slow to import

    back = onto.inverse
    ridge, brain = (
        affine_transform(part, back.linear, back.shift, shape, order=1)
        for part in (vessels.ridge, vessels.brain)
    )
    return VesselMap(ridge, brain)


def _resample(
    image: NDArray[np.float32], steps: tuple[float, float]
) -> tuple[NDArray[np.float32], PlaneMap]:
    """Return an image at every so many pixels, averaged over them, and the map back to it."""
    from scipy.ndimage import affine_transform, gaussian_filter  # slow to import

    shape = tuple(max(round(n / step), 1) for n, step in zip(image.shape, steps, strict=True))
    middles = [(np.array(size) - 1) / 2 for size in (shape, image.shape)]
    to_image = PlaneMap.about(np.diag(steps), *middles)
    if steps == (1.0, 1.0):
        return image, to_image
    sigmas = [0.5 * np.sqrt(max(step**2 - 1, 0.0)) for step in steps]
    smooth = gaussian_filter(image, sigmas, truncate=3.0, mode="nearest")
    order = 1 if max(steps) >= 1 else 3
    resampled = affine_transform(
        smooth, to_image.linear, to_image.shift, shape, order=order, mode="nearest"
    )
    return resampled, to_image
