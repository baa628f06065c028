"""An image that is moved about the brain; every move can be taken back."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike

from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView, Pose
from brainreg3d.gui import moves
from brainreg3d.gui.drag import Drag, DragKind
from brainreg3d.gui.history import History, Placement
from brainreg3d.gui.screen import Screen

_LOCKED = "The scale is locked because the pixel size is known; u unlocks it."


class MovableImage:
    """Moves an image by calls and drags, in the directions of the screen that shows it.

    Parameters
    ----------
    start : ImageView
        Where the image starts; its camera is kept.
    scale_locked : bool
        Whether scaling is refused.
    size_px : tuple of int
        (width, height) of the window.
    focal_point_mm : tuple of float or None
        From the image's centre to a camera whose direction stays fixed in the atlas; without it
        the camera moves with the image.
    brain_mm : float
        Longest side of the atlas's box.

    Attributes
    ----------
    message : str
        What to tell the user about the last move; empty when there is nothing to say.
    screen : Screen
        Which point of the image plane is where in the window.
    """

    def __init__(
        self,
        start: ImageView,
        *,
        scale_locked: bool,
        size_px: tuple[int, int],
        focal_point_mm: tuple[float, float, float] | None,
        brain_mm: float,
    ) -> None:
        self._focal_point_mm = focal_point_mm
        self._history = History(Placement(self._under_focal_point(start), 0.0))
        self._shown = self._history.now  # differs from it during a drag only
        self._drag: Drag | None = None
        self.scale_locked = scale_locked
        self.message = ""
        self.screen = Screen.fitting(self.view, size_px, brain_mm)

    @property
    def view(self) -> ImageView:
        """Where the image lies now."""
        return self._shown.view

    @property
    def pose(self) -> Pose:
        """The pose of the image now."""
        return self.view.pose

    @property
    def is_dragging(self) -> bool:
        """Whether a drag is under way."""
        return self._drag is not None

    def place(self, view: ImageView) -> None:
        """Put the image somewhere else, as one step that can be undone.

        Parameters
        ----------
        view : ImageView
            Where; of the same shape.

        Raises
        ------
        InputError
            If it is the view of an image of another shape.
        """
        if view.shape != self.view.shape:
            message = (
                f"The image has {self.view.shape} pixels (rows, columns); a view for "
                f"{view.shape} does not fit it."
            )
            raise InputError(message)
        self._step(attrs.evolve(self._shown, view=view))

    def nudge(self, right_mm: float, up_mm: float) -> None:
        """Shift the image in its plane.

        Parameters
        ----------
        right_mm, up_mm : float
            As seen on the screen.
        """
        right, up, _ = self.screen.axes(self.view)
        self.place(moves.moved(self.view, right_mm * right + up_mm * up))

    def raise_by(self, height_mm: float) -> None:
        """Shift the image along its view axis.

        Parameters
        ----------
        height_mm : float
            Towards the viewer; it changes what is seen only under perspective.
        """
        towards = self.screen.axes(self.view)[2]
        self.place(moves.moved(self.view, height_mm * towards))

    def rotate(self, angle_deg: float) -> None:
        """Turn the image in its plane about its centre.

        Parameters
        ----------
        angle_deg : float
            Counter-clockwise on the screen.
        """
        view = moves.turned(self.view, angle_deg)
        self._step(Placement(view, self._shown.turn_deg + angle_deg))

    def tilt(self, top_deg: float = 0.0, right_deg: float = 0.0) -> None:
        """Tilt the image about its centre; the screen tilts with it.

        Parameters
        ----------
        top_deg : float
            Positive values raise the edge of the image at the top of the screen.
        right_deg : float
            Positive values raise its edge at the right of the screen.
        """
        right, up, _ = self.screen.axes(self.view)
        view = moves.tilted(self.view, right, top_deg)
        self.place(moves.tilted(view, up, -right_deg))

    def scale(self, factor: float) -> None:
        """Enlarge the image about its centre, unless its scale is locked.

        Parameters
        ----------
        factor : float
            Of the pixel size.
        """
        if self.scale_locked:
            self.message = _LOCKED
            return
        try:
            self.place(moves.scaled(self.view, factor))
        except InputError:
            self.message = "The image cannot be scaled any further."

    def toggle_lock(self) -> None:
        """Lock the scale, or unlock it."""
        self.scale_locked = not self.scale_locked
        self.message = "The scale is locked." if self.scale_locked else "The scale is unlocked."

    def mirror(self) -> None:
        """Flip the image left to right, as after an odd number of mirrors in the optics."""
        self.place(moves.mirrored(self.view))

    def undo(self) -> None:
        """Take back the last step."""
        self.end_drag()
        if self._history.undo():
            self._show(self._history.now)
        else:
            self.message = "There is nothing to undo."

    def redo(self) -> None:
        """Do again what was taken back."""
        self.end_drag()
        if self._history.redo():
            self._show(self._history.now)
        else:
            self.message = "There is nothing to redo."

    def reset(self) -> None:
        """Put the image back where it started; this can be undone."""
        self._step(self._history.start)

    # Dragging, in points of the image plane

    def begin_drag(self, kind: DragKind, point_mm: ArrayLike) -> None:
        """Take hold of the image.

        Parameters
        ----------
        kind : {"move", "rotate"}
            What the drag does.
        point_mm : array_like, shape (3,)
            The point of the image plane under the pointer; see `on_plane`.
        """
        self.cancel_drag()
        self._drag = Drag(kind, point_mm, self._shown)

    def drag_to(self, point_mm: ArrayLike) -> None:
        """Move or turn the image such that what was taken hold of lies under the pointer.

        Parameters
        ----------
        point_mm : array_like, shape (3,)
            The point of the image plane under the pointer now.
        """
        if self._drag is None:
            return
        # A turn in the plane leaves a camera that is fixed in the atlas in front of it.
        now = self._drag.to(point_mm)
        self._show(attrs.evolve(now, view=self._under_focal_point(now.view)))

    def end_drag(self) -> None:
        """Let go of the image; the whole drag is one step that can be undone."""
        if self._drag is None:
            return
        after, before = self._shown, self._drag.before
        self.cancel_drag()
        if after != before:
            self._step(after)

    def cancel_drag(self) -> None:
        """Let go of the image and put it back where it was taken."""
        if self._drag is not None:
            before, self._drag = self._drag.before, None
            self._show(before)

    def _under_focal_point(self, view: ImageView) -> ImageView:
        if self._focal_point_mm is None:
            return view
        return view.with_camera_at(np.asarray(view.pose.center_mm) + self._focal_point_mm)

    def _step(self, placement: Placement) -> None:
        self.end_drag()  # a wheel turned in the middle of a drag must not be lost at its end
        try:
            view = self._under_focal_point(placement.view)
        except InputError:
            self.message = "The image cannot face away from the camera."
            return
        placement = attrs.evolve(placement, view=view)
        if placement == self._history.now:
            return
        self._history.add(placement)
        self._show(placement)

    def _show(self, placement: Placement) -> None:
        self._shown = placement
        self.screen = attrs.evolve(self.screen, turn_deg=placement.turn_deg)
