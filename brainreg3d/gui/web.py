"""The alignment window in a browser, for machines without a screen and over ssh."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Callable
from typing import Any

from brainreg3d import offscreen
from brainreg3d._arrays import finite_numbers, is_whole
from brainreg3d._logging import logger
from brainreg3d.errors import AlignmentNeeded, InputError
from brainreg3d.gui.display import has_display
from brainreg3d.steps.base import AlignmentScene, PlacedImage

_OTHER_WAYS = "Give landmarks or a saved alignment instead, or run where there is a screen."


class WebWindow:
    """Lets the user place an image on a page in a browser, with mouse, keys and buttons.

    The page is drawn here and served on this machine's loopback address only; over ssh, forward
    the port. It shows nothing without the token in its address, serves one browser at a time, and
    loads nothing from elsewhere.

    Parameters
    ----------
    port : int
        Where to serve; 0 for a port that is free.
    open_browser : bool
        Whether to open the page in the browser of this machine's screen, if it has one.
    announce : callable, optional
        Given the address, and what else the user has to know, line by line; otherwise it is
        logged as a warning, which is shown even where nothing is set up for it.
    reconnect_s : float
        How long a page that was closed may stay away before that counts as a cancel.
    timeout_s : float, optional
        How long to wait for the first browser; otherwise forever.

    Raises
    ------
    InputError
        If a number cannot be meant so.
    """

    def __init__(
        self,
        port: int = 0,
        open_browser: bool = True,
        announce: Callable[[str], None] | None = None,
        *,
        reconnect_s: float = 30.0,
        timeout_s: float | None = None,
    ) -> None:
        if not is_whole(port) or not 0 <= port <= 65535:
            message = f"port is a whole number from 0 (any that is free) to 65535; got {port!r}."
            raise InputError(message)
        for name, value in {"reconnect_s": reconnect_s, "timeout_s": timeout_s}.items():
            numbers = finite_numbers(value, 1)
            is_open = name == "timeout_s" and value is None
            if not is_open and (numbers is None or numbers[0] <= 0):
                forever = ", or None for no limit" if name == "timeout_s" else ""
                message = f"{name} is a positive number of seconds{forever}; got {value!r}."
                raise InputError(message)
        self.port, self.open_browser = int(port), open_browser
        self.announce = logger.warning if announce is None else announce
        self.reconnect_s, self.timeout_s = reconnect_s, timeout_s

    def check(self) -> None:
        """Raise before anything slow if the page cannot be made here.

        Raises
        ------
        AlignmentNeeded
            If what it takes is not installed, or nothing can be rendered.
        """
        _check_installed()
        _rendering_environment()

    def ask(self, scene: AlignmentScene) -> PlacedImage | None:
        """Let the user place the image.

        Parameters
        ----------
        scene : AlignmentScene
            The image, the brain, and where to start.

        Returns
        -------
        PlacedImage or None
            The view that was accepted, or None when the user cancelled, or closed the page and
            did not come back.

        Raises
        ------
        AlignmentNeeded
            If what it takes is not installed, nothing can be rendered here, or no browser came in
            time.
        InputError
            If the port is in use.
        KeyboardInterrupt
            If Ctrl-C was pressed in the terminal.
        """
        self.check()
        from brainreg3d.gui.web_server import WebSession, run

        with offscreen.environment_set(_rendering_environment()):
            return run(lambda: WebSession(scene, self).serve())

    def welcome(self, address: str) -> None:
        """Tell the user where the page is, and open it where that is possible.

        Parameters
        ----------
        address : str
            With the token.
        """
        self.announce(f"Place the image in a browser: {address}")
        if _is_remote():
            port = address.split(":", 2)[2].split("/")[0]
            self.announce(
                f"From another computer, first forward the port there: "
                f"ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}"
            )
        elif self.open_browser and has_display():
            _open_browser(address)


def _check_installed() -> None:
    missing = [name for name in ("trame", "PIL") if importlib.util.find_spec(name) is None]
    if missing:
        message = (
            f"The window in a browser needs packages that are not installed "
            f'({", ".join(missing)}): pip install "brainreg3d[web]". {_OTHER_WAYS}'
        )
        raise AlignmentNeeded(message)


def _rendering_environment() -> dict[str, str]:
    """Return the way of rendering that works; VTK would end the process where none does."""
    environment, reason = offscreen.working_environment()
    if environment is None:
        message = (
            f"The window in a browser cannot be drawn here: {reason}. "
            f"{offscreen.INSTALL_OPENGL} {_OTHER_WAYS}"
        )
        raise AlignmentNeeded(message)
    return environment


def _is_remote() -> bool:
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))


def _open_browser(address: str) -> None:
    """Open the browser of the desktop; never one that would take over the terminal."""
    import threading
    import webbrowser

    try:
        browser: Any = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is webbrowser.GenericBrowser:
        return  # lynx and its like
    threading.Thread(target=browser.open, args=(address,), daemon=True).start()
