"""Where regions lie that no pixel sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.geometry import ImageView
from brainreg3d.state import HiddenPixels

_MOST_RAYS = 1 << 18
"""Rays that are followed to their end for all hidden regions. All rays of 2048 x 2048 pixels for
600 regions took 40 s and 1 GB."""
_ENOUGH_PIXELS = 1000
"""From so many on, shares of what hides a region are within 3 % of those of all pixels."""


def find_hidden(
    annotation: Annotation,
    view: ImageView,
    label_of_index: NDArray[np.uint16],
    wanted: Sequence[int],
    rays: NDArray[np.int64],
) -> HiddenPixels:
    """Follow rays through the brain to regions that none of them meets first.

    Of many rays those of some rows and columns are followed for all regions, and then all of them
    for the regions that these have missed or hardly met, so that none is overlooked: with small
    regions left, nearly all of the brain is jumped over.

    Parameters
    ----------
    annotation : Annotation
        The brain.
    view : ImageView
        Pose, camera and pixel size of the image.
    label_of_index : numpy.ndarray of uint16, shape (n_ids,)
        Label of each entry of the annotation's table; 0 for none.
    wanted : sequence of int
        Labels of the regions.
    rays : numpy.ndarray of int64, shape (N,)
        Numbers of the pixels whose rays meet anything, ascending.

    Returns
    -------
    HiddenPixels
        For each region the pixels behind which it lies: all of them, or an even share.
    """
    from brainreg3d.raycast import cast_label_pixels

    few = rays[_on_grid(rays, view.shape[1])]
    ray, label, right = cast_label_pixels(annotation, view, label_of_index, wanted, few)
    n_pixels = np.bincount(label, minlength=max(wanted) + 1)
    missed = [place for place in wanted if n_pixels[place] < _ENOUGH_PIXELS]
    if few.size == rays.size or not missed:
        return HiddenPixels(label, ray, right)
    met_often = n_pixels[label] >= _ENOUGH_PIXELS
    ray, label, right = ray[met_often], label[met_often], right[met_often]
    more_ray, more_label, more_right = cast_label_pixels(
        annotation, view, label_of_index, missed, rays
    )
    return HiddenPixels(
        np.concatenate([label, more_label]),
        np.concatenate([ray, more_ray]),
        np.concatenate([right, more_right]),
    )


def _on_grid(rays: NDArray[np.int64], n_columns: int) -> NDArray[np.bool_]:
    """Tell which pixels lie on every n-th row and column, so that few enough of them do."""
    step = int(np.ceil(np.sqrt(rays.size / _MOST_RAYS)))
    row, column = np.divmod(rays, n_columns)
    return np.asarray((row % max(1, step) == 0) & (column % max(1, step) == 0))
