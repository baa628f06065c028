"""The alignment controller: what an image's placement is, whatever window shows it."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.geometry import ImageView
from brainreg3d.gui.key_actions import FINE, actions_of_keys
from brainreg3d.gui.keys import canonical_key
from brainreg3d.gui.movable_image import MovableImage
from brainreg3d.gui.screen import MOUSE_MM


class AlignmentController(MovableImage):
    """Places an image on the brain, by keys, drags and calls; knows nothing of any window.

    Parameters
    ----------
    start : ImageView
        Where the image starts; its camera is kept.
    scale_locked : bool
        Whether the pixel size is known, so that scaling is refused until it is unlocked.
    size_px : tuple of int
        (width, height) of the window.
    focal_point_mm : tuple of float, optional
        From the image's centre to a camera whose direction stays fixed in the atlas; without it
        the camera moves with the image.
    brain_mm : float
        Longest side of the atlas's box.

    Attributes
    ----------
    status : {"placing", "accepted", "cancelled"}
        How far it is.
    opacity : float
        Of the image, 0 to 1.
    image_shown, outlines_shown, matched_shown, keys_shown, looking_around : bool
        What the window shows, and whether drags turn the brain instead of the image.
    message : str
        What to tell the user about the last thing done; empty when there is nothing to say.
    screen : Screen
        Which point of the image plane is where in the window.
    """

    def __init__(
        self,
        start: ImageView,
        *,
        scale_locked: bool = False,
        size_px: tuple[int, int] = (1200, 800),
        focal_point_mm: tuple[float, float, float] | None = None,
        brain_mm: float = MOUSE_MM,
    ) -> None:
        super().__init__(
            start,
            scale_locked=scale_locked,
            size_px=size_px,
            focal_point_mm=focal_point_mm,
            brain_mm=brain_mm,
        )
        self.status: Literal["placing", "accepted", "cancelled"] = "placing"
        self.opacity = 0.6
        self.image_shown = True
        self.outlines_shown = True
        self.matched_shown = True
        self.keys_shown = True
        self.looking_around = False

    def on_plane(self, origin_mm: ArrayLike, direction: ArrayLike) -> NDArray[np.float64] | None:
        """Return where a ray meets the image plane.

        Parameters
        ----------
        origin_mm, direction : array_like, shape (3,)
            The ray under the pointer, in the atlas frame.

        Returns
        -------
        numpy.ndarray, shape (3,), or None
            None where the ray runs along the plane.
        """
        axis = self.pose.view_axis
        origin, along = np.asarray(origin_mm, dtype=float), np.asarray(direction, dtype=float)
        slope = float(along @ axis)
        if abs(slope) < 1e-9 * float(np.linalg.norm(along)):
            return None
        depth = float((np.asarray(self.pose.center_mm) - origin) @ axis)
        return np.asarray(origin + depth / slope * along)

    def pixel_at(self, point_mm: ArrayLike) -> tuple[float, float]:
        """Return the pixel at a point of the image plane.

        Parameters
        ----------
        point_mm : array_like, shape (3,)
            In the atlas frame.

        Returns
        -------
        tuple of float
            (row, column); beyond the image's edges too.
        """
        row, col, _ = self.view.project(point_mm)
        return float(row), float(col)

    # What the window does with it

    def zoom(self, factor: float) -> None:
        """Look from nearer; the image stays as it is.

        Parameters
        ----------
        factor : float
            Above 1 is nearer.
        """
        self.screen = self.screen.zoomed(factor)

    def pan_to(self, anchor_mm: ArrayLike) -> None:
        """Show another part of the brain; the image stays where it is.

        Parameters
        ----------
        anchor_mm : array_like, shape (3,)
            The point in the middle of the window.
        """
        self.screen = attrs.evolve(self.screen, anchor_mm=np.asarray(anchor_mm, dtype=float))

    def resize(self, size_px: tuple[int, int]) -> None:
        """Take note of the size of the window.

        Parameters
        ----------
        size_px : tuple of int
            (width, height).
        """
        self.screen = self.screen.resized(size_px)

    def accept(self) -> None:
        """Take the image as it lies; accepting it where it started is fine."""
        self.end_drag()
        self.status = "accepted"

    def cancel(self) -> None:
        """Give up; nothing is kept."""
        self.cancel_drag()
        self.status = "cancelled"

    def apply_key(self, key: str, shift: bool = False) -> bool:
        """Do what a key stands for.

        Parameters
        ----------
        key : str
            A key symbol of VTK, X11 or a browser; see `brainreg3d.gui.keys.canonical_key`.
        shift : bool
            Whether Shift is held: steps are a tenth, but not those of the scale, whose plus
            needs Shift on some keyboards.

        Returns
        -------
        bool
            Whether the key means anything.
        """
        self.message = ""
        name = canonical_key(key)
        action = actions_of_keys(self, FINE if shift else 1.0).get(name)
        if action is None:
            return False
        if name == "escape" and self.is_dragging:
            self.cancel_drag()
            return True
        self.end_drag()
        action()
        return True

    def toggle(self, name: str) -> None:
        """Show something that was hidden, or the other way round.

        Parameters
        ----------
        name : str
            One of the attributes that are true or false.
        """
        setattr(self, name, not getattr(self, name))

    def fade(self, step: float) -> None:
        """Make the image more or less opaque.

        Parameters
        ----------
        step : float
            Added to the opacity, which stays between 0 and 1.
        """
        self.opacity = round(min(1.0, max(0.0, self.opacity + step)), 3)
