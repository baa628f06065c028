"""The stage in a browser: events come in over the network, pictures go out."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.gui.pose_text import pose_lines, title
from brainreg3d.gui.session import make_session, open_window
from brainreg3d.steps.base import AlignmentScene

_STILL_AFTER_S = 0.2
_SHOWN_WITHIN_S = 2.0
_LARGEST_PX = 2_600_000  # software OpenGL is slow with more
_SLOW_S = 0.06  # a picture that takes longer is drawn coarsely while the image is dragged
_COARSE = 0.5
_USUAL_DPI = 72
_SMALLEST_SIDE_PX = 64
_MOVING = {"format": "JPEG", "quality": 70}
_STILL = {"format": "JPEG", "quality": 95, "subsampling": 0}  # thin coloured lines stay sharp
_BUTTONS = ("Left", "Middle", "Right")


class RemoteView:
    """Draws the stage into memory for a page in a browser, which sends its events back.

    Parameters
    ----------
    scene : AlignmentScene
        The image, the brain, and where to start.
    changed : callable
        Called without arguments whenever the texts of the page may be others.
    """

    def __init__(self, scene: AlignmentScene, changed: Callable[[], None]) -> None:
        self._scene, self._on_change = scene, changed
        self._window, self._interactor = open_window((960, 720), offscreen=True)
        session = make_session(scene, self._window, self._interactor, self._changed)
        self.controller, self._stage = session.controller, session.stage
        self.outcome = session.outcome
        self._stage.hide_texts()  # the page has them as text, which is sharp at any size
        self._dirty, self._shown = asyncio.Event(), asyncio.Event()
        self._page_px, self._ratio = self._window.GetSize(), 1.0
        self._is_slow = self._is_held = False

    def close(self) -> None:
        """Give the render window back."""
        self._window.Finalize()

    def take(self, message: Mapping[str, Any]) -> None:
        """Do what an event of the page stands for.

        Parameters
        ----------
        message : mapping
            ``"kind"`` and what belongs to it; see ``page.js``.
        """
        kind = message.get("kind")
        if kind == "size":
            self._resize(message)
        elif kind == "opacity":
            self.controller.opacity = float(np.clip(message["value"], 0.0, 1.0))
            self._stage.refresh()
            self._changed()
        elif kind == "key":
            self._invoke("KeyPressEvent", message)
        elif kind == "move":
            self._invoke("MouseMoveEvent", message)
        elif kind in ("press", "release") and message["button"] in _BUTTONS:
            self._is_held = kind == "press"
            self._invoke(f"{message['button']}Button{kind.capitalize()}Event", message)
        elif kind == "wheel":
            steps = int(np.clip(message["steps"], -10, 10))
            for _ in range(abs(steps)):
                way = "Forward" if steps > 0 else "Backward"
                self._invoke(f"MouseWheel{way}Event", message)

    def let_go(self) -> None:
        """Let go of the image, because the browser is gone."""
        self._is_held = False
        for button in _BUTTONS:
            self._interactor.InvokeEvent(f"{button}ButtonReleaseEvent")

    def texts(self) -> dict[str, Any]:
        """Return what the page shows beside the picture.

        Returns
        -------
        dict
            By the names that the page uses.
        """
        controller = self.controller
        return {
            "title": title(self._scene),
            "pose": _table(pose_lines(self._scene, controller)),
            "message": self._stage.message(),
            "opacity": controller.opacity,
            "flags": {
                "image": controller.image_shown,
                "outlines": controller.outlines_shown,
                "earlier": controller.matched_shown,
                "around": controller.looking_around,
                "unlocked": not controller.scale_locked,
                "landmarks": self._stage.clicks.active,
            },
        }

    def note_shown(self) -> None:
        """Take note that the browser shows the last picture."""
        self._shown.set()

    async def draw(self, send: Callable[[str], None]) -> None:
        """Draw whenever there is something new, and once more finely when all is quiet.

        The next picture waits until the browser shows the last one, so that a slow network
        makes for fewer pictures, not for late ones.

        Parameters
        ----------
        send : callable
            Given the picture as the URL of an image.
        """
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            await self._show(send, _MOVING)
            try:
                await asyncio.wait_for(self._dirty.wait(), _STILL_AFTER_S)
            except TimeoutError:
                await self._show(send, _STILL)

    async def _show(self, send: Callable[[str], None], quality: Mapping[str, Any]) -> None:
        is_coarse = self._is_slow and self._is_held and quality is _MOVING
        pixels = self._coarse_pixels() if is_coarse else self._pixels()
        self._shown.clear()
        send(_data_url(pixels, quality))
        try:
            await asyncio.wait_for(self._shown.wait(), _SHOWN_WITHIN_S)
        except TimeoutError:
            return  # nobody is looking

    def _changed(self) -> None:
        self._dirty.set()
        self._on_change()

    def _resize(self, message: Mapping[str, Any]) -> None:
        """Make the picture as large as its place in the page, in pixels of the screen."""
        width, height = float(message["width"]), float(message["height"])
        if not (width >= 1 and height >= 1):
            return
        most = (_LARGEST_PX / (width * height)) ** 0.5
        self._page_px, self._ratio = (width, height), min(float(message["ratio"]), most)
        self._set_size(self._ratio)
        self._changed()

    def _set_size(self, ratio: float) -> None:
        """Set the size of the picture, given its pixels for each pixel of the page."""
        size = [max(round(side * ratio), _SMALLEST_SIDE_PX) for side in self._page_px]
        self._window.SetSize(*size)
        self._window.SetDPI(round(_USUAL_DPI * ratio))  # texts keep their size in the page
        self._interactor.SetEventSize(*size)
        self._stage.refresh()

    def _invoke(self, event: str, message: Mapping[str, Any]) -> None:
        width, height = self._window.GetSize()
        # The page counts down from the top edge, in shares; VTK up, in pixels.
        col = int(np.floor(float(message.get("x", 0.5)) * width + 1e-6))
        row = int(np.floor(float(message.get("y", 0.5)) * height + 1e-6))
        ctrl, shift = bool(message.get("ctrl")), bool(message.get("shift"))
        name = str(message.get("key", ""))
        self._interactor.SetEventInformation(
            col, height - 1 - row, int(ctrl), int(shift), "\0", 0, name
        )
        self._interactor.InvokeEvent(event)

    def _coarse_pixels(self) -> NDArray[np.uint8]:
        """Return a smaller picture; events go on counting in the pixels of the large one."""
        self._set_size(self._ratio * _COARSE)
        pixels = self._rendered()
        self._set_size(self._ratio)
        return pixels

    def _pixels(self) -> NDArray[np.uint8]:
        start = time.perf_counter()
        pixels = self._rendered()
        self._is_slow = time.perf_counter() - start > _SLOW_S
        return pixels

    def _rendered(self) -> NDArray[np.uint8]:
        """Return the picture, from the top row down."""
        from vtkmodules.util.numpy_support import vtk_to_numpy
        from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

        self._window.Render()
        width, height = self._window.GetSize()
        data = vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, width - 1, height - 1, 0, data, 0)
        return np.ascontiguousarray(vtk_to_numpy(data).reshape(height, width, 3)[::-1])


def _table(lines: list[str]) -> list[list[str]]:
    """Return lines of text as pairs of a name and its values."""
    rows = []
    for line in lines:
        name, rest = line.split(maxsplit=1)
        for part in (f"{name} {rest}").split("   "):
            name, values = part.split(maxsplit=1)
            rows.append([name, values])
    return rows


def _data_url(pixels: NDArray[np.uint8], quality: Mapping[str, Any]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, **quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
