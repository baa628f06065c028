"""The window onto the brain: which point of the image plane lies under the pointer.

The picture is taken from the image's own camera, so that what is seen is what will be labelled.
The picture's frame is shifted against the camera such that the brain stays where it is while the
image moves over it.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.geometry import ImageView
from brainreg3d.gui.moves import image_axes

MOUSE_MM = 13.2
"""Longest side of the mouse's box, for which the lengths in the window were chosen."""

_MARGIN = 1.7  # how much more than the image the window shows at the start
_NARROWEST_MM = 9.0  # so much of a mouse's brain is shown around a small image
_FAR_MM = 100.0  # where a picture of a mouse's brain is taken from if rays are parallel
_ZOOM_LIMITS = (1e-4, 0.2)  # mm for each pixel of the screen, the second with a mouse


def _point(value: ArrayLike) -> NDArray[np.float64]:
    return np.array(value, dtype=float)


@attrs.frozen(eq=False)
class Lens:
    """Where a picture is taken from, as a renderer needs it; all in mm in the atlas frame.

    Parameters
    ----------
    position_mm : numpy.ndarray, shape (3,)
        Of the camera; far away for parallel rays.
    foot_mm : numpy.ndarray, shape (3,)
        Where the camera's axis meets the image plane.
    up : numpy.ndarray, shape (3,)
        Unit vector to the top of the screen.
    half_height_mm : float
        Half of what the window's height shows of the image plane.
    window_center : tuple of float
        Middle of the window, in half widths and half heights of it from the camera's axis.
    parallel : bool
        Whether rays are parallel.
    """

    position_mm: NDArray[np.float64]
    foot_mm: NDArray[np.float64]
    up: NDArray[np.float64]
    half_height_mm: float
    window_center: tuple[float, float]
    parallel: bool


@attrs.frozen(eq=False)
class Screen:
    """How the plane of an image lies on the screen: never distorted, whatever the perspective.

    Parameters
    ----------
    size_px : tuple of int
        (width, height) of the window.
    mm_per_px : float
        What a pixel of the screen shows of the image plane.
    anchor_mm : numpy.ndarray, shape (3,)
        The point of the brain that stays in the middle of the window.
    turn_deg : float
        By how much the image is turned on the screen, counter-clockwise.
    brain_mm : float
        Longest side of the atlas's box.
    """

    size_px: tuple[int, int]
    mm_per_px: float
    anchor_mm: NDArray[np.float64] = attrs.field(converter=_point)
    turn_deg: float = 0.0
    brain_mm: float = MOUSE_MM

    @property
    def brain_share(self) -> float:
        """How large the brain is, as a share of a mouse's."""
        return self.brain_mm / MOUSE_MM

    @classmethod
    def fitting(
        cls, view: ImageView, size_px: tuple[int, int], brain_mm: float = MOUSE_MM
    ) -> Screen:
        """Return a screen with an image upright in its middle and some brain around it.

        Parameters
        ----------
        view : ImageView
            Where the image lies.
        size_px : tuple of int
            (width, height) of the window.
        brain_mm : float
            Longest side of the atlas's box.

        Returns
        -------
        Screen
            In which rows of the image run down.
        """
        height_mm, width_mm = (
            n * size for n, size in zip(view.shape, view.pixel_size_mm, strict=True)
        )
        narrowest = _NARROWEST_MM * brain_mm / MOUSE_MM
        mm_per_px = max(
            max(width_mm * _MARGIN, narrowest) / size_px[0],
            max(height_mm * _MARGIN, narrowest) / size_px[1],
        )
        return cls(size_px, mm_per_px, view.pose.center_mm, brain_mm=brain_mm)

    def axes(self, view: ImageView) -> NDArray[np.float64]:
        """Return the directions of the screen.

        Parameters
        ----------
        view : ImageView
            Where the image lies.

        Returns
        -------
        numpy.ndarray, shape (3, 3)
            Unit vectors as rows: to the right, to the top, and towards the viewer.
        """
        x, y, towards = image_axes(view.pose)
        cosine, sine = np.cos(np.radians(self.turn_deg)), np.sin(np.radians(self.turn_deg))
        return np.stack([cosine * x - sine * y, sine * x + cosine * y, towards])

    def plane_point_mm(self, view: ImageView, x_px: float, y_px: float) -> NDArray[np.float64]:
        """Return the point of the image plane under a point of the screen.

        Parameters
        ----------
        view : ImageView
            Where the image lies.
        x_px, y_px : float
            To the right and *up* from the window's lower left corner, as VTK counts.

        Returns
        -------
        numpy.ndarray, shape (3,)
            In mm in the atlas frame.
        """
        right, up, _ = self.axes(view)
        width, height = self.size_px
        along = (x_px - (width - 1) / 2) * self.mm_per_px
        high = (y_px - (height - 1) / 2) * self.mm_per_px
        return np.asarray(self._middle_mm(view) + along * right + high * up)

    def screen_point_px(
        self, view: ImageView, point_mm: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Return where a point of the image plane appears; the inverse of `plane_point_mm`.

        Parameters
        ----------
        view : ImageView
            Where the image lies.
        point_mm : array_like, shape (3,)
            On the image plane.

        Returns
        -------
        tuple of float
            (x, y) from the window's lower left corner.
        """
        along, high, _ = self.axes(view) @ (np.asarray(point_mm) - self._middle_mm(view))
        width, height = self.size_px
        x_px = float(along) / self.mm_per_px + (width - 1) / 2
        return x_px, float(high) / self.mm_per_px + (height - 1) / 2

    def lens(self, view: ImageView) -> Lens:
        """Return the camera that takes the picture.

        Parameters
        ----------
        view : ImageView
            Where the image lies.

        Returns
        -------
        Lens
            At the image's own camera.
        """
        right, up, towards = self.axes(view)
        camera = view.camera_position_mm
        foot = view.pixel_to_plane_mm(*view.principal_point_px)
        half_height = self.size_px[1] / 2 * self.mm_per_px
        half_width = self.size_px[0] / 2 * self.mm_per_px
        offset = self._middle_mm(view) - foot
        center = float(offset @ right) / half_width, float(offset @ up) / half_height
        position = foot + _FAR_MM * self.brain_share * towards if camera is None else camera
        return Lens(position, foot, up, half_height, center, parallel=camera is None)

    def zoomed(self, factor: float) -> Screen:
        """Return the screen nearer to the middle of the window.

        Parameters
        ----------
        factor : float
            Above 1 shows less of the brain, larger.

        Returns
        -------
        Screen
            Within what makes sense.
        """
        # A screen that fits an image may lie beyond the limits; zooming never jumps.
        low = min(_ZOOM_LIMITS[0], self.mm_per_px)
        high = max(_ZOOM_LIMITS[1] * self.brain_share, self.mm_per_px)
        return attrs.evolve(self, mm_per_px=float(np.clip(self.mm_per_px / factor, low, high)))

    def resized(self, size_px: tuple[int, int]) -> Screen:
        """Return the screen for another size of the window, showing the same height of the plane.

        Parameters
        ----------
        size_px : tuple of int
            (width, height) of the window.

        Returns
        -------
        Screen
            Itself if nothing has changed.
        """
        if size_px == self.size_px:
            return self
        mm_per_px = self.mm_per_px * self.size_px[1] / max(size_px[1], 1)
        return attrs.evolve(self, size_px=size_px, mm_per_px=mm_per_px)

    def _middle_mm(self, view: ImageView) -> NDArray[np.float64]:
        """Return the point of the image plane in the middle of the window."""
        towards = image_axes(view.pose)[2]
        height = (np.asarray(view.pose.center_mm) - self.anchor_mm) @ towards
        return np.asarray(self.anchor_mm + height * towards)
