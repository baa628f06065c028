"""From what mouse and keyboard do in a VTK window to what the controller does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from brainreg3d._logging import logger
from brainreg3d.gui.key_actions import SCALE_STEP, ZOOM_STEP
from brainreg3d.gui.stage import Stage

_DRAGS = {"Left": "move", "Right": "rotate", "Middle": "pan"}


class EventRouter:
    """Listens to a VTK interactor, on a desktop, in a browser or in a test alike.

    Parameters
    ----------
    interactor : vtkRenderWindowInteractor
        Any kind of it; its own style must do nothing.
    stage : Stage
        Shows what the controller holds.
    changed : callable
        Called without arguments whenever there is something new to draw, or the user is done.

    Attributes
    ----------
    failure : Exception or None
        What went wrong while an event was dealt with; the controller is then cancelled. VTK would
        print it and go on, with a window that neither follows nor ends any more.
    """

    def __init__(self, interactor: Any, stage: Stage, changed: Callable[[], None]) -> None:
        self._interactor, self._stage, self._changed = interactor, stage, changed
        self._controller = stage.controller
        self.failure: Exception | None = None
        self._drag: str | None = None
        self._last_px = (0, 0)
        for button in _DRAGS:
            self._listen(f"{button}ButtonPressEvent", self._press(button))
            self._listen(f"{button}ButtonReleaseEvent", self._release(button))
        self._listen("MouseMoveEvent", self._move)
        self._listen("MouseWheelForwardEvent", lambda: self._wheel(+1))
        self._listen("MouseWheelBackwardEvent", lambda: self._wheel(-1))
        self._listen("KeyPressEvent", self._key)
        self._listen("ConfigureEvent", lambda: None)  # the window has another size
        self._listen("ExposeEvent", lambda: None)
        self._listen("ExitEvent", self._controller.cancel)

    def _listen(self, event: str, action: Callable[[], None]) -> None:
        def observer(*_: Any) -> None:
            # Nothing that comes after the last key or click counts.
            if self._controller.status != "placing":
                return
            try:
                action()
                self._stage.refresh()
            except Exception as error:
                self._fail(error)
            self._changed()

        self._interactor.AddObserver(event, observer)

    def _fail(self, error: Exception) -> None:
        self.failure = error
        # Minutes of work may be in it; it can be given back as the start of another window.
        view = self._controller.view
        logger.error(
            "The window failed (%s). The image lay at %r, with pixels of %s mm.",
            type(error).__name__, view.pose, view.pixel_size_mm,
        )  # fmt: skip
        self._controller.cancel()

    def _position(self) -> tuple[int, int]:
        x, y = self._interactor.GetEventPosition()
        return int(x), int(y)

    def _press(self, button: str) -> Callable[[], None]:
        def action() -> None:
            if self._drag is not None:  # a second button lets go of what the first one held
                self._controller.end_drag()
            self._drag, self._last_px = _DRAGS[button], self._position()
            if self._controller.looking_around or self._drag == "pan":
                return
            if self._stage.clicked(self._last_px, self._drag):
                self._drag = None
                return
            point = self._plane_point(self._last_px)
            self._controller.begin_drag("move" if self._drag == "move" else "rotate", point)

        return action

    def _release(self, button: str) -> Callable[[], None]:
        def action() -> None:
            if self._drag == _DRAGS[button]:
                self._move()
                self._drag = None
                self._controller.end_drag()

        return action

    def _move(self) -> None:
        if self._drag is None:
            return
        here, before = self._position(), self._last_px
        self._last_px = here
        if self._controller.looking_around:
            self._stage.free_camera.orbit(here[0] - before[0], here[1] - before[1])
        elif self._drag == "pan":
            # What was under the pointer stays under it, so the middle goes the other way.
            shift = self._plane_point(before) - self._plane_point(here)
            self._controller.pan_to(self._controller.screen.anchor_mm + shift)
        else:
            self._controller.drag_to(self._plane_point(here))

    def _wheel(self, direction: int) -> None:
        if self._controller.looking_around:
            self._stage.free_camera.dolly((1.0 + ZOOM_STEP) ** direction)
        elif self._interactor.GetControlKey():
            self._controller.zoom((1.0 + ZOOM_STEP) ** direction)
        else:
            step = SCALE_STEP / 10 if self._interactor.GetShiftKey() else SCALE_STEP
            self._controller.message = ""
            self._controller.scale((1.0 + step) ** direction)

    def _key(self) -> None:
        name = self._interactor.GetKeySym() or ""
        self._stage.key(name, bool(self._interactor.GetShiftKey()))

    def _plane_point(self, position: tuple[int, int]) -> np.ndarray:
        return self._controller.screen.plane_point_mm(self._controller.view, *position)
