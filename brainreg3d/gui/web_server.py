"""One opening of the browser window: the server, from its start to the user's decision."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainreg3d.errors import AlignmentNeeded, InputError
from brainreg3d.gui.web_buttons import button_groups
from brainreg3d.gui.web_gate import Gate
from brainreg3d.gui.web_view import RemoteView
from brainreg3d.offscreen import environment_set
from brainreg3d.steps.base import AlignmentScene, PlacedImage

if TYPE_CHECKING:
    from brainreg3d.gui.web import WebWindow

_HOST = "127.0.0.1"
_PAGE = Path(__file__).with_name("web_page")
_LOOK_EVERY_S = 0.1
_SAY_AFTER_S = 2.0  # a page that is loaded again is back by then
_FAREWELL_S = 0.3
_STOP_WITHIN_S = 2.0
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='3' fill='%2317181b'/%3E%3Crect x='4' y='4' width='8' "
    "height='8' fill='none' stroke='%23ffd159' stroke-width='1.5' transform='rotate(15 8 8)'/"
    "%3E%3C/svg%3E"
)


class WebSession:
    """One opening of the browser window.

    Parameters
    ----------
    scene : AlignmentScene
        The image, the brain, and where to start.
    window : WebWindow
        Holds the settings.
    """

    def __init__(self, scene: AlignmentScene, window: WebWindow) -> None:
        self._scene, self._window = scene, window
        self._gate = Gate()
        self._server = _make_server(scene)
        self._view = RemoteView(scene, self._push_texts)
        self._server.trigger("event")(self._view.take)
        self._server.trigger("shown")(self._view.note_shown)
        self._server.controller.on_server_bind.add(self._guard)
        self._push_texts()

    async def serve(self) -> PlacedImage | None:
        """Serve the page until the user is done.

        Returns
        -------
        PlacedImage or None
            The view that was accepted; None when the user cancelled or stayed away.

        Raises
        ------
        AlignmentNeeded
            If no browser came in time.
        InputError
            If the port is in use.
        """
        tasks = [await self._start(), asyncio.create_task(self._view.draw(self._push_frame))]
        try:
            self._window.welcome(f"http://{_HOST}:{self._server.port}/?token={self._gate.token}")
            await self._wait(tasks)
        finally:
            await self._stop(tasks)
        return self._view.outcome()

    async def _start(self) -> asyncio.Task[None]:
        # Without this trame takes the arguments of our own program for its own.
        with environment_set({"TRAME_ARGS": "--no-ws-compress"}):
            serving = self._server.start(
                port=self._window.port,
                host=_HOST,
                thread=True,  # Ctrl-C is for whoever runs the event loop
                open_browser=False,
                show_connection_info=False,
                disable_logging=True,
                backend="aiohttp",
                exec_mode="coroutine",
                timeout=0,
            )
        task = asyncio.create_task(serving)
        ready = asyncio.ensure_future(self._server.ready)
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            try:
                task.result()
            except OSError as error:
                self._view.close()
                message = (
                    f"Port {self._window.port} cannot be served ({error.strerror}); give another "
                    f"one, or 0 for any that is free."
                )
                raise InputError(message) from error
        return task

    async def _wait(self, tasks: list[asyncio.Task[None]]) -> None:
        """Return when the user has decided, or has left for good."""
        clock = asyncio.get_running_loop().time
        controller, last_seen, told = self._view.controller, clock(), False
        while controller.status == "placing":
            for task in tasks:
                if task.done():
                    task.result()  # what failed there has to be known here
            if self._gate.is_connected:
                last_seen, told = clock(), False
            away = clock() - last_seen
            if self._gate.ever_connected:
                if not told and away > min(_SAY_AFTER_S, self._window.reconnect_s / 2):
                    told = True
                    self._view.let_go()
                    self._window.announce(
                        f"The page was closed. Without it, this ends as a cancel in "
                        f"{self._window.reconnect_s:g} s; to go on, open its address again."
                    )
                if away > self._window.reconnect_s:
                    controller.cancel()
            elif self._window.timeout_s is not None and away > self._window.timeout_s:
                message = f"No browser opened the page within {self._window.timeout_s:g} s."
                raise AlignmentNeeded(message)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        status = self._view.controller.status
        with self._server.state as state:
            state.done = "stopped" if status == "placing" else status
        if self._gate.is_connected:
            await asyncio.sleep(_FAREWELL_S)  # the page hears of it before its connection ends
        for task in tasks[1:]:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.stop(), _STOP_WITHIN_S)
        for task in tasks:
            task.cancel()
        self._view.close()

    def _guard(self, server: Any) -> None:
        server.app.middlewares.append(self._gate.middleware())

    def _push_texts(self) -> None:
        with self._server.state as state:
            state.update(self._view.texts())

    def _push_frame(self, url: str) -> None:
        with self._server.state as state:
            state.frame = url


def run(make: Callable[[], Coroutine[Any, Any, PlacedImage | None]]) -> PlacedImage | None:
    """Run a coroutine to its end, also in a notebook, where an event loop is running already.

    Parameters
    ----------
    make : callable
        Returns the coroutine; called in the thread in which it will run.

    Returns
    -------
    PlacedImage or None
        What it returns.
    """

    async def main() -> PlacedImage | None:
        return await make()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    return _run_beside(main)


def _run_beside(main: Callable[[], Coroutine[Any, Any, PlacedImage | None]]) -> PlacedImage | None:
    """Run a coroutine in a thread of its own."""
    outcome: list[PlacedImage | None] = []
    failure: list[BaseException] = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(main())

    def work() -> None:
        asyncio.set_event_loop(loop)
        try:
            outcome.append(loop.run_until_complete(task))
        except BaseException as error:  # raised again where it is waited for
            failure.append(error)
        finally:
            loop.close()

    thread = threading.Thread(target=work, name="brainreg3d-web", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(_STOP_WITHIN_S)
        raise
    if failure:
        raise failure[0]
    return outcome[0]


def _make_server(scene: AlignmentScene) -> Any:
    """Return a server of trame that has the page."""
    from trame_server.core import Server

    server = Server(f"brainreg3d-{secrets.token_hex(4)}")
    server.client_type = "vue3"
    folder = f"__brainreg3d_{secrets.token_hex(4)}"  # never one that a browser has kept
    page = {
        "serve": {folder: str(_PAGE)},
        "scripts": [f"{folder}/page.js"],
        "styles": [f"{folder}/page.css"],
    }
    server.enable_module(page)
    state = server.state
    state.trame__title, state.trame__favicon = f"brainreg3d: {scene.image.stem}", _ICON
    state.trame__template_main = (_PAGE / "page.html").read_text(encoding="utf-8")
    state.trame__template_error = (_PAGE / "lost.html").read_text(encoding="utf-8")
    state.done, state.frame = "", ""
    state.groups = button_groups(has_earlier_image=scene.matched_image is not None)
    return server
