"""What is true of the phantom, without voxels and without the ray engine.

The phantom is a function of position; these functions evaluate it directly, so that labels made
from its voxels can be compared with something that was not made by the code under test.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView
from brainreg3d.sources.phantom._shape import PHANTOM_BOX_MM, code_ids, shape_tables


def phantom_structure_at(points_mm: ArrayLike) -> NDArray[np.uint32]:
    """Return the phantom's structure at any points.

    Parameters
    ----------
    points_mm : array_like, shape (..., 3)
        Points (x, y, z) in mm in the atlas frame.

    Returns
    -------
    numpy.ndarray of uint32, shape (...)
        Structure ids; 0 outside the brain.
    """
    from brainreg3d.sources.phantom._kernel import codes_at_points  # numba is slow to import

    points = np.asarray(points_mm, dtype=float)
    flat = np.ascontiguousarray(points.reshape(-1, 3))
    return np.asarray(code_ids()[codes_at_points(flat, shape_tables())].reshape(points.shape[:-1]))


def _span_in_box(
    origins: NDArray[np.float64], directions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where rays enter and leave the box of the atlas; entry > exit where they miss it."""
    with np.errstate(divide="ignore"):
        slope = 1.0 / np.where(directions == 0.0, 1e-300, directions)
    to_low = (0.0 - origins) * slope
    to_high = (np.array(PHANTOM_BOX_MM) - origins) * slope
    enter = np.minimum(to_low, to_high).max(axis=1)
    leave = np.maximum(to_low, to_high).min(axis=1)
    return enter, leave


def true_labels(
    view: ImageView, label_of_id: Mapping[int, int], *, step_mm: float = 0.01
) -> NDArray[np.uint16]:
    """Label what each pixel sees of the phantom by marching its ray in small steps.

    Parameters
    ----------
    view : ImageView
        The image, its pose and camera.
    label_of_id : mapping of int to int
        The label of each structure id; structures that are missing get 0.
    step_mm : float
        Length of a step. A ray takes the first structure it meets, so that a border seen at a
        slant can come out at most this much too deep.

    Returns
    -------
    numpy.ndarray of uint16, shape (H, W)
        Labels; 0 where a ray meets nothing or a structure without a label.

    Raises
    ------
    InputError
        If the step is not a positive number.

    Notes
    -----
    Voxels differ from this truth by up to half a voxel at borders.
    """
    from brainreg3d.sources.phantom._kernel import march  # numba is slow to import

    if not 0.0 < step_mm < np.inf:
        message = f"step_mm is a positive number of mm; got {step_mm!r}."
        raise InputError(message)
    rays = view.rays()
    enter, leave = _span_in_box(rays.origins_mm, rays.directions)
    enter = np.maximum(enter, rays.start_mm)
    codes = march(rays.origins_mm, rays.directions, enter, leave, float(step_mm), shape_tables())[0]
    label_of_code = np.array([label_of_id.get(int(i), 0) for i in code_ids()], dtype=np.uint16)
    label_of_code[0] = 0
    return np.asarray(label_of_code[codes].reshape(view.shape))
