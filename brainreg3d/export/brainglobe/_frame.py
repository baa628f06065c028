"""The frame of BrainGlobe's atlases, and the way there from the atlas frame.

All atlases of BrainGlobe start at the anterior, superior, right corner (``"asr"``): the first axis
grows to posterior, the second to inferior, the third to the left. The atlas frame starts at the
opposite corner, so that all three axes turn round.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from brainreg3d.geometry import VolumeGrid

ORIENTATION = "asr"
"""BrainGlobe's letters for the corner where the axes of its atlases start."""

ScalarT = TypeVar("ScalarT", bound=np.generic)


def to_brainglobe_stack(stack: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """Turn a volume of the atlas frame into BrainGlobe's.

    Parameters
    ----------
    stack : numpy.ndarray, shape (Z, Y, X)
        In the atlas frame.

    Returns
    -------
    numpy.ndarray, shape (Y, Z, X)
        A view from front to back, top to bottom, right to left.
    """
    return stack.transpose(1, 0, 2)[::-1, ::-1, ::-1]


def to_brainglobe_sizes(sizes: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """Bring one number for each axis into BrainGlobe's order.

    Parameters
    ----------
    sizes : tuple of three
        Along (Z, Y, X) of the atlas frame.

    Returns
    -------
    tuple of three
        Along BrainGlobe's axes.
    """
    z, y, x = sizes
    return y, z, x


def to_brainglobe_points_um(points_mm: NDArray[np.float64], grid: VolumeGrid) -> NDArray[Any]:
    """Turn points of the atlas frame into BrainGlobe's.

    Parameters
    ----------
    points_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z) in mm in the atlas frame.
    grid : VolumeGrid
        Voxels of the atlas, whose box has the origin of both frames at opposite corners.

    Returns
    -------
    numpy.ndarray of float64, shape (N, 3)
        In µm from the outer corner of the first voxel, along BrainGlobe's axes.
    """
    from_other_corner = (np.asarray(grid.box_mm) - points_mm) * 1000.0
    return np.ascontiguousarray(from_other_corner[:, [1, 2, 0]])
