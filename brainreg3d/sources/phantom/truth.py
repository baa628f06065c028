"""What is true of the phantom, without voxels and without the ray engine.

The phantom is a function of position; these functions evaluate it directly, so that labels made
from its voxels can be compared with something that was not made by the code under test.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView
from brainreg3d.sources.phantom._shape import PHANTOM_BOX_MM
from brainreg3d.sources.phantom._tables import code_ids, codes_at_points

_RAYS_PER_CHUNK = 1 << 14


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
    points = np.asarray(points_mm, dtype=float)
    codes = codes_at_points(points.reshape(-1, 3))
    return np.asarray(code_ids()[codes].reshape(points.shape[:-1]))


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


def _march(
    origins: NDArray[np.float64],
    directions: NDArray[np.float64],
    enter: NDArray[np.float64],
    leave: NDArray[np.float64],
    step_mm: float,
) -> NDArray[np.int64]:
    """Return the code of the first structure along each ray, 0 if there is none."""
    codes = np.zeros(enter.size, dtype=np.int64)
    distance = enter.copy()
    active = np.flatnonzero(enter <= leave)
    while active.size:
        points = origins[active] + distance[active, None] * directions[active]
        codes[active] = codes_at_points(points)
        distance[active] += step_mm
        active = active[(codes[active] == 0) & (distance[active] <= leave[active])]
    return codes


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
    if not 0.0 < step_mm < np.inf:
        message = f"step_mm is a positive number of mm; got {step_mm!r}."
        raise InputError(message)
    rays = view.rays()
    enter, leave = _span_in_box(rays.origins_mm, rays.directions)
    enter = np.maximum(enter, rays.start_mm)
    n = enter.size
    origins = np.broadcast_to(rays.origins_mm, (n, 3))
    directions = np.broadcast_to(rays.directions, (n, 3))

    def march(rows: slice) -> NDArray[np.int64]:
        return _march(origins[rows], directions[rows], enter[rows], leave[rows], step_mm)

    chunks = [slice(start, start + _RAYS_PER_CHUNK) for start in range(0, n, _RAYS_PER_CHUNK)]
    with ThreadPoolExecutor() as pool:
        codes = np.concatenate(list(pool.map(march, chunks)))
    label_of_code = np.array([label_of_id.get(int(i), 0) for i in code_ids()], dtype=np.uint16)
    label_of_code[0] = 0
    return np.asarray(label_of_code[codes].reshape(view.shape))
