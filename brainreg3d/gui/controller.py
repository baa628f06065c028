"""The alignment controller: what an image's placement is, whatever window shows it."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView, Pose
from brainreg3d.gui import moves
from brainreg3d.gui.key_actions import FINE, actions_of_keys
from brainreg3d.gui.keys import canonical_key
from brainreg3d.gui.screen import MOUSE_MM, Screen

_LOCKED = "The scale is locked because the pixel size is known; u unlocks it."
_DragKind = Literal["move", "rotate"]


@attrs.frozen
class _Placement:
    """What undo brings back: the image on the brain, and its turn on the screen."""

    view: ImageView
    turn_deg: float


@attrs.frozen(eq=False)
class _Drag:
    """A drag under way: what it does, from where, and what was before."""

    kind: _DragKind
    start_mm: NDArray[np.float64]
    before: _Placement


class AlignmentController:
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
        self._focal_point_mm = focal_point_mm
        self._start = _Placement(self._under_focal_point(start), 0.0)
        self._now = self._start
        self._undo: list[_Placement] = []
        self._redo: list[_Placement] = []
        self._drag: _Drag | None = None
        self.scale_locked = scale_locked
        self.status: Literal["placing", "accepted", "cancelled"] = "placing"
        self.opacity = 0.6
        self.image_shown = True
        self.outlines_shown = True
        self.matched_shown = True
        self.keys_shown = True
        self.looking_around = False
        self.message = ""
        self.screen = Screen.fitting(self.view, size_px, brain_mm)

    @property
    def view(self) -> ImageView:
        """Where the image lies now."""
        return self._now.view

    @property
    def pose(self) -> Pose:
        """The pose of the image now."""
        return self.view.pose

    @property
    def is_dragging(self) -> bool:
        """Whether a drag is under way."""
        return self._drag is not None

    # Placing the image

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
        self._step(attrs.evolve(self._now, view=view))

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
        self._step(_Placement(view, self._now.turn_deg + angle_deg))

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

    def mirror(self) -> None:
        """Flip the image left to right, as after an odd number of mirrors in the optics."""
        self.place(moves.mirrored(self.view))

    def undo(self) -> None:
        """Take back the last step."""
        self._swap(self._undo, self._redo, "There is nothing to undo.")

    def redo(self) -> None:
        """Do again what was taken back."""
        self._swap(self._redo, self._undo, "There is nothing to redo.")

    def reset(self) -> None:
        """Put the image back where it started; this can be undone."""
        self._step(self._start)

    # Dragging, in points of the image plane

    def begin_drag(self, kind: _DragKind, point_mm: ArrayLike) -> None:
        """Take hold of the image.

        Parameters
        ----------
        kind : {"move", "rotate"}
            What the drag does.
        point_mm : array_like, shape (3,)
            The point of the image plane under the pointer; see `on_plane`.
        """
        self.cancel_drag()
        self._drag = _Drag(kind, np.asarray(point_mm, dtype=float), self._now)

    def drag_to(self, point_mm: ArrayLike) -> None:
        """Move or turn the image such that what was taken hold of lies under the pointer.

        Parameters
        ----------
        point_mm : array_like, shape (3,)
            The point of the image plane under the pointer now.
        """
        if self._drag is None:
            return
        drag, point = self._drag, np.asarray(point_mm, dtype=float)
        before = drag.before.view
        if drag.kind == "move":
            now = attrs.evolve(drag.before, view=moves.moved(before, point - drag.start_mm))
        else:
            # A turn in the plane leaves a camera that is fixed in the atlas in front of it.
            angle = moves.angle_between(before.pose, drag.start_mm, point)
            now = _Placement(moves.turned(before, angle), drag.before.turn_deg + angle)
        self._show(attrs.evolve(now, view=self._under_focal_point(now.view)))

    def end_drag(self) -> None:
        """Let go of the image; the whole drag is one step that can be undone."""
        if self._drag is None:
            return
        after, before = self._now, self._drag.before
        self.cancel_drag()
        if after != before:
            self._step(after)

    def cancel_drag(self) -> None:
        """Let go of the image and put it back where it was taken."""
        if self._drag is not None:
            before, self._drag = self._drag.before, None
            self._show(before)

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

    def toggle_lock(self) -> None:
        """Lock the scale, or unlock it."""
        self.scale_locked = not self.scale_locked
        self.message = "The scale is locked." if self.scale_locked else "The scale is unlocked."

    def fade(self, step: float) -> None:
        """Make the image more or less opaque.

        Parameters
        ----------
        step : float
            Added to the opacity, which stays between 0 and 1.
        """
        self.opacity = round(min(1.0, max(0.0, self.opacity + step)), 3)

    def _under_focal_point(self, view: ImageView) -> ImageView:
        if self._focal_point_mm is None:
            return view
        return view.with_camera_at(np.asarray(view.pose.center_mm) + self._focal_point_mm)

    def _step(self, placement: _Placement) -> None:
        self.end_drag()  # a wheel turned in the middle of a drag must not be lost at its end
        try:
            view = self._under_focal_point(placement.view)
        except InputError:
            self.message = "The image cannot face away from the camera."
            return
        placement = attrs.evolve(placement, view=view)
        if placement == self._now:
            return
        self._undo.append(self._now)
        self._redo.clear()
        self._show(placement)

    def _swap(self, source: list[_Placement], other: list[_Placement], nothing: str) -> None:
        self.end_drag()
        if not source:
            self.message = nothing
            return
        other.append(self._now)
        self._show(source.pop())

    def _show(self, placement: _Placement) -> None:
        self._now = placement
        self.screen = attrs.evolve(self.screen, turn_deg=placement.turn_deg)
