"""Rigid registration to the Allen template, as plain functions of arrays and SimpleITK images.

Frames
------
`download_template_ras_aligned` returns an image that is RAS by content: its first axis runs to
the right, the second to anterior, the third to superior, and the centre of its first voxel is at
0 mm. SimpleITK, and the files it writes, call the directions of physical space LPS. The functions
here do not mind: they only ask that numbers agree. A viewer that goes by the header does: where
the image is written to a file as it is, +x is shown as left and +y as posterior, so that the
brain appears turned by half a turn about its superior axis (not mirrored). To have it shown the
right way, set the direction to ``(-1, 0, 0, 0, -1, 0, 0, 0, 1)`` before writing; transforms from
here do not fit such an image any more.

The moving volume is taken as it comes, array axes (Z, Y, X) as physical (z, y, x), with the
centre of its first voxel at 0 mm, too. Note that the atlas frame in the rest of the package starts
at the outer corner of the Allen box, half a voxel farther out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from brainreg3d._logging import log_shown, logger
from brainreg3d.errors import InputError
from brainreg3d.registration import PhysicalImage, RigidResult, register_rigid
from brainreg3d.sources.allen_files import fetch_allen_file, temporary_allen_file

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation

AVAILABLE_RESOLUTIONS = [10, 25, 50, 100]
"""Voxel sizes of the Allen template in micrometres."""


def numpy_to_sitk_image(
    volume: ArrayLike, spacing: Sequence[float], cast_dtype: DTypeLike | None = None
) -> sitk.Image:
    """Turn an array into a SimpleITK image.

    Parameters
    ----------
    volume : array_like, shape (Z, Y, X)
        Voxels.
    spacing : sequence of float
        Voxel size (res_z, res_y, res_x) in mm.
    cast_dtype : dtype, optional
        Type to convert the voxels to; kept as it is when not given, but for bool, which becomes
        0 and 1 of uint8.

    Returns
    -------
    SimpleITK.Image
        Size (X, Y, Z), spacing (res_x, res_y, res_z), origin 0, identity direction.

    Raises
    ------
    InputError
        If the volume is not 3D or the spacing is not three positive numbers (a ValueError).
    """
    array = np.asarray(volume)
    if cast_dtype is not None:
        array = array.astype(cast_dtype)
    if array.dtype == np.bool_:  # ITK has no such type
        array = array.astype(np.uint8)
    image: sitk.Image = PhysicalImage(array, spacing).to_sitk()
    return image


def download_template(
    resolution: int, cache: bool = True, cache_dir: str | Path | None = None
) -> sitk.Image:
    """Return the Allen average mouse brain as its file has it.

    Parameters
    ----------
    resolution : {10, 25, 50, 100}
        Voxel size in micrometres.
    cache : bool
        Keep the file, ``allen_template_{resolution}um.nrrd``, for the next time. Otherwise it is
        fetched anew and none is left behind.
    cache_dir : path-like, optional
        Folder to keep it in; by default in the package's cache.

    Returns
    -------
    SimpleITK.Image
        Axes (+X posterior, +Y inferior, +Z right), spacing as in the file (micrometres).

    Raises
    ------
    InputError
        If there is no such resolution (a ValueError).
    DownloadError
        If the template cannot be fetched whole.
    """
    import SimpleITK as sitk  # noqa: N813

    if resolution not in AVAILABLE_RESOLUTIONS:
        sizes = ", ".join(str(size) for size in AVAILABLE_RESOLUTIONS)
        message = f"Expected a resolution among {sizes} µm; got {resolution!r}."
        raise InputError(message)
    if cache:
        path = fetch_allen_file("template", int(resolution), cache_dir=cache_dir)
        return sitk.ReadImage(str(path))
    with temporary_allen_file("template", int(resolution)) as path:
        return sitk.ReadImage(str(path))


def download_template_ras_aligned(
    resolution: int, cache: bool = True, cache_dir: str | Path | None = None
) -> sitk.Image:
    """Return the Allen average mouse brain, turned to right, anterior and superior.

    Parameters
    ----------
    resolution : {10, 25, 50, 100}
        Voxel size in micrometres.
    cache : bool
        As for `download_template`.
    cache_dir : path-like, optional
        As for `download_template`.

    Returns
    -------
    SimpleITK.Image
        Axes (+X right, +Y anterior, +Z superior), spacing in mm, origin 0 at the centre of the
        first voxel, identity direction. See the module's notes on what a file of it is taken for.

    Raises
    ------
    InputError
        If there is no such resolution (a ValueError).
    DownloadError
        If the template cannot be fetched whole.
    """
    import SimpleITK as sitk  # noqa: N813

    template = download_template(resolution, cache, cache_dir)
    turned: sitk.Image = sitk.Flip(sitk.PermuteAxes(template, (2, 0, 1)), (False, True, True))
    turned.SetSpacing((resolution / 1000.0,) * 3)
    turned.SetOrigin((0.0, 0.0, 0.0))
    turned.SetDirection(np.eye(3).ravel().tolist())
    return turned


def register_3d_rigid_to_allen(
    moving_image: ArrayLike,
    moving_spacing: Sequence[float],
    allen_resolution: int = 100,
    metric: str = "MI",
    max_iterations: int = 1000,
    verbose: bool = False,
    progress_callback: Callable[[Any], object] | None = None,
    initial_rotation_deg: Sequence[float] = (0, 0, 0),
) -> tuple[sitk.Euler3DTransform, str, float]:
    """Register a brain volume to the Allen template by a rotation and a shift.

    The brain is found in whatever orientation it lies, on a canvas of any size. An array that is
    mirrored cannot be told from one that is not: the brain is symmetric.

    Parameters
    ----------
    moving_image : array_like, shape (Z, Y, X)
        The whole volume, as it was recorded.
    moving_spacing : sequence of float
        Voxel size (res_z, res_y, res_x) in mm.
    allen_resolution : {10, 25, 50, 100}
        Voxel size of the template in micrometres. Where the volume is coarser, the template is
        averaged down to it.
    metric : {"MI", "MSE", "CC", "AntsCC"}
        Mattes mutual information (50 bins), mean squares, correlation, neighbourhood correlation.
    max_iterations : int
        Most iterations of the optimiser at each level.
    verbose : bool
        Report what happens through the package's logger, and on standard error unless logging
        has been set up to show it.
    progress_callback : callable, optional
        Called with the ``sitk.ImageRegistrationMethod`` once per iteration of the optimiser.
    initial_rotation_deg : sequence of float
        Angles (rx, ry, rz) of the transform at which the search starts; other than zeros they
        narrow it to orientations within 60 degrees.

    Returns
    -------
    transform : SimpleITK.Euler3DTransform
        Maps points (x, y, z) in mm of the RAS template (`download_template_ras_aligned`) to
        points of the whole moving volume; both frames put the first voxel's centre at 0.
    stop_condition : str
        Why the optimiser ended.
    error : float
        The metric's value; smaller is better.

    Raises
    ------
    InputError
        If an argument or the volume cannot be used (a ValueError).
    DownloadError
        If the template cannot be fetched.
    RegistrationFailed
        If no transform can be trusted.
    """
    import SimpleITK as sitk  # noqa: N813

    moving = PhysicalImage(np.asarray(moving_image), moving_spacing)
    with log_shown() if verbose else nullcontext():
        template = download_template_ras_aligned(allen_resolution)
        fixed = PhysicalImage(sitk.GetArrayViewFromImage(template), template.GetSpacing()[::-1])
        result = register_rigid(
            fixed,
            moving,
            metric=metric,
            max_iterations=max_iterations,
            initial_rotation_deg=initial_rotation_deg,
            progress_callback=progress_callback,
        )
        _report(result)
    return _euler_transform(result.matrix), result.stop_condition, result.metric_value


def _euler_transform(matrix: NDArray[np.float64]) -> sitk.Euler3DTransform:
    import SimpleITK as sitk  # noqa: N813

    transform = sitk.Euler3DTransform()
    transform.SetMatrix(matrix[:3, :3].ravel().tolist(), 1e-8)
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def _report(result: RigidResult) -> None:
    logger.info(
        "Registered in %.1f s, %d iterations: %s",
        result.duration_s,
        result.iterations,
        result.stop_condition,
    )
    logger.info(
        "Metric %.6g; tissue overlap (Dice) %.2f; %.1f times as good as any other orientation",
        result.metric_value,
        result.overlap.dice,
        result.basin_gap,
    )
