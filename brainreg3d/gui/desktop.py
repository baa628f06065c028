"""The alignment window on a desktop."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from brainreg3d.gui.screen_check import check_screen
from brainreg3d.steps.base import AlignmentScene, PlacedImage

_RENDER_AFTER_MS = 5
_LISTEN_EVERY_MS = 150


class DesktopWindow:
    """Lets the user place an image with mouse and keys; the keys stand in the window.

    Parameters
    ----------
    size_px : tuple of int
        (width, height) of the window.
    """

    def __init__(self, size_px: tuple[int, int] = (1280, 860)) -> None:
        self.size_px = size_px

    def check(self) -> None:
        """Raise at once if no window can be opened here.

        Raises
        ------
        AlignmentNeeded
            If there is no screen, or it does not answer.
        """
        check_screen()

    def ask(self, scene: AlignmentScene) -> PlacedImage | None:
        """Let the user place the image.

        Parameters
        ----------
        scene : AlignmentScene
            The image, the brain, and where to start.

        Returns
        -------
        PlacedImage or None
            The view that was accepted, or None when the user cancelled or closed the window.

        Raises
        ------
        AlignmentNeeded
            If there is no screen to open a window on.
        KeyboardInterrupt
            If Ctrl-C was pressed in the terminal.
        """
        self.check()
        with _Session(scene, self.size_px) as session:
            return session.run()


class _Session:
    """One opening of the window."""

    def __init__(self, scene: AlignmentScene, size_px: tuple[int, int]) -> None:
        from brainreg3d.gui.session import make_session, open_window

        self._window, self._interactor = open_window(size_px)
        session = make_session(scene, self._window, self._interactor, self._changed)
        self._session = session
        self._controller, self._stage = session.controller, session.stage
        self._window.SetWindowName(f"brainreg3d: {scene.image.stem}")
        self._render_asked = False
        self.interrupted = False

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._window.Finalize()
        self._interactor.TerminateApp()

    def run(self) -> PlacedImage | None:
        """Show the window until the user is done."""
        with self._catching_ctrl_c():  # raised within an event, VTK would swallow it
            self._interactor.Initialize()
            self._interactor.AddObserver("TimerEvent", self._tick)
            self._stage.refresh()
            self._window.Render()
            self._stage.refresh()  # the window manager may have chosen another size
            self._window.Render()
            # Python hears Ctrl-C only while Python runs, so VTK's loop has to call it now and then.
            self._interactor.CreateRepeatingTimer(_LISTEN_EVERY_MS)
            self._interactor.Start()
        if self.interrupted:
            raise KeyboardInterrupt
        return self._session.outcome()

    def _changed(self) -> None:
        if self._controller.status != "placing":
            self._interactor.TerminateApp()
        elif not self._render_asked:
            # Many events may come before a slow renderer is done: draw once for all of them.
            self._render_asked = True
            self._interactor.CreateOneShotTimer(_RENDER_AFTER_MS)

    def _tick(self, *_: Any) -> None:
        if self.interrupted:
            self._interactor.TerminateApp()
        elif self._render_asked:
            self._render_asked = False
            self._window.Render()

    @contextlib.contextmanager
    def _catching_ctrl_c(self) -> Iterator[None]:
        def note(*_: object) -> None:
            self.interrupted = True

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may, and only it gets Ctrl-C
            return
        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
