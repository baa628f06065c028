"""The pose of an image plane in the atlas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import InputError

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation


def _point(value: ArrayLike) -> tuple[float, float, float]:
    numbers = finite_numbers(value, 3)
    if numbers is None:
        message = f"center_mm is three finite numbers (x, y, z) in mm; got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1], numbers[2]


def _angle(value: Any) -> float:
    numbers = finite_numbers(value, 1)
    if numbers is None:
        message = f"An angle of a pose is a finite number of degrees; got {value!r}."
        raise InputError(message)
    return numbers[0]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        message = f"mirrored is true or false; got {value!r}."
        raise InputError(message)
    return bool(value)


@attrs.frozen
class Pose:
    """Where an image lies in the brain, and how it is turned.

    With all angles zero the image is seen from above, anterior up, the animal's left on the left.

    Parameters
    ----------
    center_mm : tuple of float
        Centre of the image, (x, y, z) in mm in the atlas frame (right, anterior, superior).
    yaw_deg : float
        Turns the image counter-clockwise as seen from above; at 90 anterior is to the right.
    pitch_deg : float
        Positive values raise the anterior edge of the image.
    roll_deg : float
        Positive values lower the right edge of the image.
    mirrored : bool
        Whether the columns of the image run the other way, as after a flip by the optics.

    Notes
    -----
    The rotation is ``Rotation.from_euler("ZXY", [yaw, pitch, roll], degrees=True)``: intrinsic
    turns about the atlas axes, first about z, then x, then y.
    """

    center_mm: tuple[float, float, float] = attrs.field(converter=_point)
    yaw_deg: float = attrs.field(default=0.0, converter=_angle)
    pitch_deg: float = attrs.field(default=0.0, converter=_angle)
    roll_deg: float = attrs.field(default=0.0, converter=_angle)
    mirrored: bool = attrs.field(default=False, converter=_flag)

    @property
    def rotation(self) -> Rotation:
        """The rotation of the image plane, without the mirror."""
        from scipy.spatial.transform import Rotation  # slow to import

        angles = [self.yaw_deg, self.pitch_deg, self.roll_deg]
        return Rotation.from_euler("ZXY", angles, degrees=True)

    @property
    def axes(self) -> NDArray[np.float64]:
        """Unit vectors as rows: along columns, along rows, and along the view, shape (3, 3)."""
        columns = -1.0 if self.mirrored else 1.0
        local = np.diag([columns, -1.0, -1.0])
        return np.asarray(self.rotation.apply(local))

    @property
    def col_axis(self) -> NDArray[np.float64]:
        """Direction in which the column index grows."""
        return np.asarray(self.axes[0])

    @property
    def row_axis(self) -> NDArray[np.float64]:
        """Direction in which the row index grows."""
        return np.asarray(self.axes[1])

    @property
    def view_axis(self) -> NDArray[np.float64]:
        """Direction in which the camera looks, from outside into the brain."""
        return np.asarray(self.axes[2])
