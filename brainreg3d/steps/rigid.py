"""RigidRegistrar: a brain volume onto the atlas template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.atlas import Atlas
from brainreg3d.errors import InputError, RegistrationFailed
from brainreg3d.state import Registration, Volume
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import one_of, whole_number

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation

METRICS = ("MI", "MSE", "CC", "AntsCC")
_HISTOGRAM_BINS = 50
_SHRINK_FACTORS = (8, 4, 2, 1)
_SMOOTHING_MM = (0.4, 0.2, 0.1, 0.0)
_SAMPLED_SHARE = 0.2
_SEED = 1


def _angles(value: Any) -> tuple[float, float, float]:
    numbers = finite_numbers(value, 3)
    if numbers is None:
        message = f"initial_rotation_deg is three angles (rx, ry, rz) in degrees; got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1], numbers[2]


class RigidRegistrar(Step):
    """Register a volume to the atlas template by a rotation and a shift.

    A multi-resolution gradient descent that starts with the centres of mass on each other. It
    finds brains that lie roughly as the atlas does, or as `initial_rotation_deg` says.

    Parameters
    ----------
    metric : {"MI", "MSE", "CC", "AntsCC"}
        Mattes mutual information, mean squares, correlation, or neighbourhood correlation.
    max_iterations : int
        Most iterations at each level.
    initial_rotation_deg : tuple of float
        Angles (rx, ry, rz) at which the search starts.
    """

    provides: ClassVar[str] = "registration"

    metric: str = attrs.field(default="MI", validator=one_of(*METRICS))
    max_iterations: int = attrs.field(default=1000, validator=whole_number(1))
    initial_rotation_deg: tuple[float, float, float] = attrs.field(
        default=(0.0, 0.0, 0.0), converter=_angles
    )

    def compute(self, *, atlas: Atlas, volume: Volume) -> Registration:  # type: ignore[override]
        """Return the registration.

        Parameters
        ----------
        atlas : Atlas
            Its template is the fixed image.
        volume : Volume
            The moving image, roughly in the orientation of the atlas.

        Returns
        -------
        Registration
            From atlas points to points of the volume.

        Raises
        ------
        RegistrationFailed
            If the optimiser could not work with these images.
        """
        import SimpleITK as sitk  # noqa: N813 - the library's own abbreviation

        if atlas.template is None:
            message = f"Atlas {atlas.full_name} has no template to register a volume to."
            raise InputError(message)
        fixed = _to_sitk(atlas.template.data, atlas.template.spacing_mm, half_voxel=True)
        moving = _to_sitk(volume.data, volume.spacing_mm, half_voxel=False)
        method = self._method()
        try:
            initial = self._initial(fixed, moving)
            method.SetInitialTransform(initial, inPlace=True)
            method.Execute(fixed, moving)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            message = f"The volume could not be registered to {atlas.full_name}: {reason}"
            raise RegistrationFailed(message) from error
        transform = sitk.Euler3DTransform(initial)
        return Registration(
            _matrix(transform),
            float(method.GetMetricValue()),
            method.GetOptimizerStopConditionDescription(),
            int(method.GetOptimizerIteration()),
        )

    def _initial(self, fixed: sitk.Image, moving: sitk.Image) -> sitk.Euler3DTransform:
        import SimpleITK as sitk  # noqa: N813

        start = sitk.CenteredTransformInitializer(
            fixed,
            moving,
            sitk.Euler3DTransform(),
            sitk.CenteredTransformInitializerFilter.MOMENTS,
        )
        transform = sitk.Euler3DTransform(start)
        transform.SetRotation(*np.deg2rad(self.initial_rotation_deg).tolist())
        return transform

    def _method(self) -> sitk.ImageRegistrationMethod:
        import SimpleITK as sitk  # noqa: N813

        method = sitk.ImageRegistrationMethod()
        if self.metric == "MI":
            method.SetMetricAsMattesMutualInformation(_HISTOGRAM_BINS)
        elif self.metric == "MSE":
            method.SetMetricAsMeanSquares()
        elif self.metric == "CC":
            method.SetMetricAsCorrelation()
        else:
            method.SetMetricAsANTSNeighborhoodCorrelation(2)
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(_SAMPLED_SHARE, _SEED)
        method.SetNumberOfWorkUnits(1)  # sums in thread order would change from run to run
        method.SetInterpolator(sitk.sitkLinear)
        method.SetShrinkFactorsPerLevel(_SHRINK_FACTORS)
        method.SetSmoothingSigmasPerLevel(_SMOOTHING_MM)
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=1.0,
            minStep=1e-4,
            numberOfIterations=self.max_iterations,
            relaxationFactor=0.75,
        )
        method.SetOptimizerScalesFromPhysicalShift()
        return method


def _to_sitk(
    data: NDArray[Any], spacing_mm: tuple[float, float, float], *, half_voxel: bool
) -> sitk.Image:
    """Return a (Z, Y, X) array as an ITK image whose axes are the array's (x, y, z)."""
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(np.ascontiguousarray(data, dtype=np.float32))
    image.SetSpacing(spacing_mm[::-1])
    if half_voxel:  # the atlas frame starts at the outer face of the first voxel
        image.SetOrigin([spacing / 2 for spacing in spacing_mm[::-1]])
    return image


def _matrix(transform: sitk.Euler3DTransform) -> NDArray[np.float64]:
    rotation = np.array(transform.GetMatrix()).reshape(3, 3)
    center = np.array(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = np.array(transform.GetTranslation()) + center - rotation @ center
    return matrix
