"""The camera for looking around, which has nothing to do with the image's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import InputError, did_you_mean
from brainreg3d.geometry import ImageView
from brainreg3d.gui.moves import image_axes
from brainreg3d.gui.screen import MOUSE_MM

if TYPE_CHECKING:
    from vtkmodules.vtkRenderingCore import vtkCamera

_DISTANCE_MM = 40.0  # these three for a mouse's brain
_NEAREST_MM, _FARTHEST_MM = 5.0, 500.0
_DEPTH_MM = 40.0  # how far before and behind what it looks at anything is drawn
_VIEW_ANGLE_DEG = 24.0
_DEG_PER_PX = 0.4
_VECTORS = ("pos", "focal_point", "viewup")
_KEYS = (*_VECTORS, "view_angle", "clipping_range", "distance")


class FreeCamera:
    """Turns about a point of the brain.

    Parameters
    ----------
    position_mm, focal_point_mm, up : array_like, shape (3,)
        Where it stands, what it looks at, and what is up for it, in the atlas frame.
    view_angle_deg : float
        What its height takes in.
    brain_mm : float
        Longest side of the atlas's box.
    """

    def __init__(
        self,
        position_mm: Any,
        focal_point_mm: Any,
        up: Any,
        view_angle_deg: float,
        brain_mm: float = MOUSE_MM,
    ) -> None:
        self._focal = np.asarray(focal_point_mm, dtype=float)
        towards = np.asarray(position_mm, dtype=float) - self._focal
        self._distance = float(np.linalg.norm(towards))
        towards = towards / self._distance
        right = np.cross(np.asarray(up, dtype=float), towards)
        right = right / np.linalg.norm(right)
        self.axes: NDArray[np.float64] = np.stack([right, np.cross(towards, right), towards])
        self._view_angle_deg = view_angle_deg
        self._share = brain_mm / MOUSE_MM

    @classmethod
    def starting(
        cls, view: ImageView, given: Mapping[str, Any] | None, brain_mm: float = MOUSE_MM
    ) -> FreeCamera:
        """Return the camera as the user wants it, or in front of an image.

        Parameters
        ----------
        view : ImageView
            Where the image lies.
        given : mapping or None
            ``"pos"``, ``"focal_point"``, ``"viewup"`` and ``"view_angle"`` in mm and degrees in
            the atlas frame, each optional; ``"clipping_range"`` and ``"distance"``, which other
            programs write too, follow from the scene.
        brain_mm : float
            Longest side of the atlas's box.

        Returns
        -------
        FreeCamera
            A camera of its own.

        Raises
        ------
        InputError
            If a key is unknown or a vector is none.
        """
        check_window_camera(given)
        settings = {} if given is None else given
        _, up, towards = image_axes(view.pose)
        focal = np.asarray(settings.get("focal_point", view.pose.center_mm), dtype=float)
        usual = focal + _DISTANCE_MM * brain_mm / MOUSE_MM * towards
        position = np.asarray(settings.get("pos", usual), dtype=float)
        up = np.asarray(settings.get("viewup", up), dtype=float)
        _check_up(position, focal, up)
        angle_deg = float(settings.get("view_angle", _VIEW_ANGLE_DEG))
        return cls(position, focal, up, angle_deg, brain_mm)

    def orbit(self, right_px: float, up_px: float) -> None:
        """Turn the brain under the pointer.

        Parameters
        ----------
        right_px, up_px : float
            How far the pointer went.
        """
        from scipy.spatial.transform import Rotation  # slow to import

        right, up, _ = self.axes
        turn = Rotation.from_rotvec(np.radians(-right_px * _DEG_PER_PX) * up)
        tilt = Rotation.from_rotvec(np.radians(up_px * _DEG_PER_PX) * right)
        self.axes = np.asarray((turn * tilt).apply(self.axes))

    def dolly(self, factor: float) -> None:
        """Come nearer.

        Parameters
        ----------
        factor : float
            Above 1 is nearer.
        """
        nearest, farthest = _NEAREST_MM * self._share, _FARTHEST_MM * self._share
        self._distance = float(np.clip(self._distance / factor, nearest, farthest))

    def apply(self, camera: vtkCamera) -> None:
        """Set a camera of VTK.

        Parameters
        ----------
        camera : vtkCamera
            Is changed.
        """
        camera.SetParallelProjection(False)
        camera.SetWindowCenter(0.0, 0.0)
        camera.SetViewAngle(self._view_angle_deg)
        camera.SetFocalPoint(self._focal)
        camera.SetPosition(self._focal + self._distance * self.axes[2])
        camera.SetViewUp(self.axes[1])
        depth = _DEPTH_MM * self._share
        # A hundredth of it keeps what is near and what is far apart in the buffer of depths.
        camera.SetClippingRange(max(depth / 80, self._distance - depth), self._distance + depth)


def check_window_camera(given: Any) -> None:
    """Find out before anything slow whether a camera can be used.

    Parameters
    ----------
    given : mapping or None
        As for `FreeCamera.starting`.

    Raises
    ------
    InputError
        If it is no mapping, a key is unknown, or a vector or the angle is none.
    """
    if given is None:
        return
    if not isinstance(given, Mapping):
        message = f'cam is a mapping, such as {{"pos": (5, 5, 60)}}; got {given!r}.'
        raise InputError(message)
    for name, value in given.items():
        if name not in _KEYS:
            hint = did_you_mean(str(name), _KEYS)
            message = f"cam takes {', '.join(_KEYS)}; got {name!r}.{hint}"
            raise InputError(message)
        if name in _VECTORS and finite_numbers(value, 3) is None:
            message = f"cam's {name} is three numbers (x, y, z) in mm; got {value!r}."
            raise InputError(message)
    angle = finite_numbers(given.get("view_angle", _VIEW_ANGLE_DEG), 1)
    if angle is None or not 0.1 <= angle[0] <= 150:
        message = f"cam's view_angle is 0.1 to 150 degrees; got {given['view_angle']!r}."
        raise InputError(message)
    if all(name in given for name in _VECTORS):
        _check_up(*(np.asarray(given[name], dtype=float) for name in _VECTORS))


def _check_up(
    position: NDArray[np.float64], focal: NDArray[np.float64], up: NDArray[np.float64]
) -> None:
    if np.linalg.norm(np.cross(position - focal, up)) < 1e-9:
        message = "cam looks along its own viewup, or from its focal_point; give another pos."
        raise InputError(message)
