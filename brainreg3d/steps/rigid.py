"""RigidRegistrar: a brain volume onto the atlas template."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas
from brainreg3d.errors import InputError
from brainreg3d.geometry import ATLAS_DIRECTIONS, reorient_to_atlas
from brainreg3d.geometry.frames import parse_directions
from brainreg3d.registration.arguments import SEARCHES, check_metric
from brainreg3d.state import Registration, Volume
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import one_of, plain_number, whole_number

if TYPE_CHECKING:
    from tqdm import tqdm


def _known_metric(_: Any, __: attrs.Attribute[Any], value: str) -> None:
    check_metric(value)


def _angles(value: Any) -> tuple[float, float, float]:
    numbers = finite_numbers(value, 3)
    if numbers is None:
        message = f"initial_rotation_deg is three angles (rx, ry, rz) in degrees; got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1], numbers[2]


def _optional_mask(value: Any) -> NDArray[np.bool_] | None:
    return None if value is None else np.asarray(value) != 0


_same_array = attrs.cmp_using(eq=np.array_equal)


class RigidRegistrar(Step):
    """Register a volume to the atlas template by a rotation and a shift.

    The brain is found whatever its orientation, in a canvas of any size; see
    `brainreg3d.registration.register_rigid` for how. A result that cannot be trusted is an error.

    Parameters
    ----------
    metric : {"MI", "MSE", "CC", "AntsCC"}
        Mattes mutual information, mean squares, correlation, or neighbourhood correlation.
    search : {"global", "local"}
        Try all orientations, or only those near the known one. Where the orientation of the
        volume is known, "global" stays within 60 degrees of it.
    max_iterations : int
        Most iterations of the optimiser at each level.
    initial_rotation_deg : tuple of float
        Angles (rx, ry, rz) around which to search, when they are not all 0.
    fixed_mask : numpy.ndarray of bool, optional
        Tissue of the template, (Z, Y, X) in the atlas frame; found when not given.
    moving_mask : numpy.ndarray of bool, optional
        Tissue of the volume, on its own grid; found when not given.
    progress_callback : callable, optional
        Called with ITK's registration method once for each iteration.
    """

    provides: ClassVar[str] = "registration"
    version: ClassVar[int] = 2

    metric: str = attrs.field(default="MI", validator=_known_metric)
    search: str = attrs.field(default="global", validator=one_of(*SEARCHES))
    max_iterations: int = attrs.field(
        default=1000, converter=plain_number, validator=whole_number(1)
    )
    initial_rotation_deg: tuple[float, float, float] = attrs.field(
        default=(0.0, 0.0, 0.0), converter=_angles
    )
    fixed_mask: NDArray[np.bool_] | None = attrs.field(
        default=None, converter=_optional_mask, eq=_same_array
    )
    moving_mask: NDArray[np.bool_] | None = attrs.field(
        default=None, converter=_optional_mask, eq=_same_array
    )
    progress_callback: Callable[[Any], object] | None = attrs.field(
        default=None, eq=False, repr=False
    )

    def compute(self, *, atlas: Atlas, volume: Volume) -> Registration:  # type: ignore[override]
        """Return the registration.

        Parameters
        ----------
        atlas : Atlas
            Its template is the fixed image.
        volume : Volume
            The moving image.

        Returns
        -------
        Registration
            From atlas points to points of the volume.

        Raises
        ------
        RegistrationFailed
            If no transform can be trusted.
        InputError
            If the atlas has no template, or the volume cannot be used.
        """
        from tqdm import tqdm

        from brainreg3d.registration import PhysicalImage, register_rigid

        if atlas.template is None:
            message = (
                f"Atlas {atlas.full_name} has no template to register a volume to; give one with "
                f"template= (--template FILE)."
            )
            raise InputError(message)
        directions = volume.directions or ATLAS_DIRECTIONS
        data, spacing_mm = _turned(volume.data, volume.spacing_mm, directions)
        mask = None if self.moving_mask is None else reorient_to_atlas(self.moving_mask, directions)
        template = atlas.template
        with tqdm(desc="Registering", unit=" iterations", leave=False, disable=None) as bar:
            result = register_rigid(
                PhysicalImage(
                    template.data, template.spacing_mm, _first_center(template.spacing_mm)
                ),
                PhysicalImage(data, spacing_mm, _first_center(spacing_mm)),
                metric=self.metric,
                search=self.search,
                max_iterations=self.max_iterations,
                initial_rotation_deg=self.initial_rotation_deg,
                known_orientation=None if volume.directions is None else np.eye(3),
                fixed_mask=self.fixed_mask,
                moving_mask=mask,
                progress_callback=self._report(bar),
            )
        matrix = result.matrix
        if volume.directions is None:
            directions, matrix = _orient(volume, matrix)
            logger.info("The volume's axes grow to %s.", directions)
        return Registration(
            matrix,
            directions,
            metric_value=result.metric_value,
            stop_condition=result.stop_condition,
            iterations=result.iterations,
            overlap=result.overlap.dice,
            covered=result.overlap.covered,
            basin_gap=result.basin_gap,
            warnings=result.warnings,
            duration_s=result.duration_s,
        )

    def _report(self, bar: tqdm[Any]) -> Callable[[Any], None]:
        """Return what is called once for each iteration."""

        def report(method: Any) -> None:
            bar.update()
            if self.progress_callback is not None:
                self.progress_callback(method)

        return report


def _turned(
    data: NDArray[Any], spacing_mm: tuple[float, float, float], directions: str
) -> tuple[NDArray[Any], tuple[float, float, float]]:
    """Return a volume with its axes as those of the atlas, as a view."""
    axes, _ = parse_directions(directions)
    z, y, x = (spacing_mm[axis] for axis in axes)
    return reorient_to_atlas(data, directions), (z, y, x)


def _first_center(spacing_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the centre (x, y, z) of the first voxel of a box whose corner is the origin."""
    z, y, x = (spacing / 2 for spacing in spacing_mm)
    return x, y, z


def _orient(volume: Volume, matrix: NDArray[np.float64]) -> tuple[str, NDArray[np.float64]]:
    """Name the axes that a registration found, and lay the volume's points out accordingly.

    Parameters
    ----------
    volume : Volume
        Its points are (x, y, z) along its last, middle and first axis.
    matrix : numpy.ndarray, shape (4, 4)
        From atlas points to such points.

    Returns
    -------
    directions : str
        Where the axes of the volume grow to.
    matrix : numpy.ndarray, shape (4, 4)
        From atlas points to points along x to the right, y to anterior, z up.
    """
    from scipy.optimize import linear_sum_assignment

    # Row i of the rotation says which anatomical direction the volume's axis i lies along.
    rotation = matrix[:3, :3]
    _, anatomical = linear_sum_assignment(-np.abs(rotation))
    letters, turn = [], np.zeros((4, 4))
    turn[3, 3] = 1.0
    for axis, target in enumerate(anatomical):
        grows = rotation[axis, target] > 0
        letters.append("RAS"[target] if grows else "LPI"[target])
        turn[target, axis] = 1.0 if grows else -1.0
        length = volume.data.shape[2 - axis] * volume.spacing_mm[2 - axis]
        turn[target, 3] = 0.0 if grows else length
    return "".join(letters[::-1]), turn @ matrix
