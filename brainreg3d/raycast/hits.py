"""What rays meet."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray


@attrs.frozen(eq=False)
class Hits:
    """Where rays first meet tissue.

    Parameters
    ----------
    index : numpy.ndarray of uint16, shape (N,)
        Place of the structure in the annotation's table of ids; 0 where nothing was met.
    distance_mm : numpy.ndarray of float64, shape (N,)
        From the ray's origin to the face through which it enters the voxel; NaN for no hit.
    right : numpy.ndarray of bool, shape (N,)
        Whether the voxel lies in the right half of the box, as `VolumeGrid.first_right` has it.
    """

    index: NDArray[np.uint16]
    distance_mm: NDArray[np.float64]
    right: NDArray[np.bool_]


@attrs.frozen(eq=False)
class LabelHits:
    """Where rays first meet each of several labels, as columns of one table.

    Parameters
    ----------
    ray : numpy.ndarray of uint32, shape (M,)
        Number of the ray, ascending.
    label : numpy.ndarray of uint16, shape (M,)
        The label that it meets, ascending for each ray.
    index : numpy.ndarray of uint16, shape (M,)
        Place of the structure in the annotation's table of ids.
    distance_mm : numpy.ndarray of float64, shape (M,)
        From the ray's origin to the face through which it enters the voxel.
    right : numpy.ndarray of bool, shape (M,)
        Whether the voxel lies in the right half of the box.
    """

    ray: NDArray[np.uint32]
    label: NDArray[np.uint16]
    index: NDArray[np.uint16]
    distance_mm: NDArray[np.float64]
    right: NDArray[np.bool_]
