"""The window on a real (virtual) screen, driven by a mouse and a keyboard that are not ours."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from injected_window import arrow_picture
from scipy.spatial.transform import Rotation

from brainreg3d.io.images import load_image

pytestmark = [pytest.mark.gui, pytest.mark.slow]

HANGS_S = 60  # nothing takes as long, however busy the machine
SCREEN = (1300, 900)
PIXEL_MM = 0.025
WIDTH_MM, HEIGHT_MM = 200 * PIXEL_MM, 120 * PIXEL_MM
START = {"center_mm": [5.7, 7.0, 8.0], "yaw_deg": 0, "pitch_deg": 0, "roll_deg": 0}


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """Return the number of a virtual screen, and the file that its picture stands in."""
    missing = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
    if missing:
        message = f"needs {' and '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("screen")
    reading, writing = os.pipe()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    # GLX has to be there for VTK; Xvfb picks a free number and tells it through the pipe.
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-fbdir", str(folder)]
    server = subprocess.Popen([*command, "+extension", "GLX", "-noreset"], pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    yield f":{number}", folder / "Xvfb_screen0"
    server.terminate()
    server.wait(timeout=HANGS_S)


class Hand:
    """A window in a process of its own, and what a user does to it."""

    def __init__(self, screen, folder):
        self.display, self._picture_file = screen
        self.saved = folder / "placed.json"
        start = folder / "start.json"
        image = {"pixel_size_mm": [PIXEL_MM, PIXEL_MM]}
        content = {"schema": "brainreg3d/alignment/1", "pose": START, "image": image}
        start.write_text(json.dumps(content))
        np.save(folder / "picture.npy", load_image(arrow_picture()).pixels)
        command = [sys.executable, "-m", "brainreg3d", "align", str(folder / "picture.npy")]
        command += ["--atlas", "phantom_100um", "--from", str(start), "-o", str(self.saved)]
        self._env = {**os.environ, "DISPLAY": self.display}
        self.process = subprocess.Popen(
            command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.window = self._wait_for_window()
        self.act("windowfocus", "--sync", self.window)
        self.settle()

    def act(self, *words):
        done = subprocess.run(
            ["xdotool", *map(str, words)], env=self._env, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def _wait_for_window(self):
        stop = time.monotonic() + 2 * HANGS_S
        while time.monotonic() < stop:
            found = self.act("search", "--name", "^brainreg3d: ")
            if found and self.edge_box() is not None:
                return found.split()[0]
            assert self.process.poll() is None, self.process.stdout.read()
            time.sleep(0.3)
        pytest.fail("the window did not open")

    def picture(self):
        """Return the screen as (H, W, 3), from the XWD file that Xvfb keeps."""
        data = self._picture_file.read_bytes()
        header = struct.unpack(">25I", data[:100])
        size, width, height, bytes_per_line, colors = (header[k] for k in (0, 4, 5, 12, 19))
        body = np.frombuffer(
            data, np.uint8, offset=size + 12 * colors, count=height * bytes_per_line
        )
        return body.reshape(height, bytes_per_line // 4, 4)[:, :width, 2::-1] / 255.0

    def edge_box(self):
        yellow = np.all(np.abs(self.picture() - (1.0, 0.82, 0.35)) < 0.04, axis=-1)
        rows, cols = (np.flatnonzero(yellow.sum(axis=axis) > 100) for axis in (1, 0))
        if rows.size < 2 or cols.size < 2 or cols[-1] - cols[0] < 50:
            return None
        return cols[0], cols[-1], rows[0], rows[-1]

    def settle(self, before=None):
        """Wait until the picture is another one than before, and stands still."""
        stop = time.monotonic() + HANGS_S
        while before is not None and np.array_equal(before, self.picture()):
            assert time.monotonic() < stop, "nothing happened in the window"
            time.sleep(0.1)
        last = None
        while last is None or not np.array_equal(last, self.picture()):
            assert time.monotonic() < stop + HANGS_S, "the window does not come to rest"
            last = self.picture()
            time.sleep(0.4)

    def mm_per_px(self):
        left, right, top, bottom = self.edge_box()
        across, down = WIDTH_MM / (right - left - 1), HEIGHT_MM / (bottom - top - 1)
        assert across == pytest.approx(down, rel=0.01)
        return across

    def drag(self, button, *points):
        before = self.picture()
        self.act("mousemove", *points[0], "mousedown", button)
        for point in points[1:]:
            time.sleep(0.1)
            self.act("mousemove", *point)
        time.sleep(0.1)
        self.act("mouseup", button)
        self.settle(before)

    def press(self, *keys):
        for key in keys:
            before = self.picture()
            self.act("key", key)
            self.settle(before)

    def close(self):
        """Ask the window to close, as the button of a window manager does."""
        x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
        x11.XOpenDisplay.restype, x11.XInternAtom.restype = ctypes.c_void_p, ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.display.encode()))
        protocols, close = (
            x11.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        )
        # XClientMessageEvent: type, serial, send_event, display, window, message_type, format, data
        client_message, window = 33, int(self.window)
        fields = (client_message, 0, 0, 0, window, protocols, 32, close)
        event = ctypes.create_string_buffer(struct.pack("@iLiPLLil", *fields), 192)
        x11.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), event)
        x11.XCloseDisplay(display)

    def end(self, key):
        self.act("key", key)
        output, _ = self.process.communicate(timeout=HANGS_S)
        return self.process.returncode, output


@pytest.fixture
def hand(screen, tmp_path):
    made = Hand(screen, tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def test_gestures_of_a_hand_are_saved_as_they_were_meant(hand):
    left, right, top, bottom = hand.edge_box()
    x, y = (left + right) // 2, (top + bottom) // 2
    scale = hand.mm_per_px()
    hand.drag(1, (x, y), (x + 30, y - 10), (x + 60, y - 40))  # 60 px right, 40 px up
    moved = np.subtract(hand.edge_box(), (left, right, top, bottom))
    np.testing.assert_allclose(moved, (60, 60, -40, -40), atol=1)
    middle = np.array([(left + right) / 2 + 60, (top + bottom) / 2 - 40])
    path = [(middle + offset).astype(int) for offset in ([200, 0], [180, -80], [150, -120])]
    hand.drag(3, *path)
    start, stop = ((point - middle) * (1, -1) for point in (path[0], path[-1]))
    turn = np.degrees(np.arctan2(*stop[::-1]) - np.arctan2(*start[::-1]))
    hand.press("i", "i", "l")  # raise the top edge by 2 degrees, lower the right one by 1
    hand.press("plus")  # locked: the pixel size is known
    hand.press("u", "shift+Right", "plus", "plus", "f", "z")  # the mirror is taken back
    code, output = hand.end("Return")
    assert code == 0, output
    saved = json.loads(hand.saved.read_text())
    pose, image = saved["pose"], saved["image"]
    assert pose["mirrored"] is False
    turned = Rotation.from_euler("Z", turn, degrees=True)
    pitched = Rotation.from_rotvec(np.radians([2, 0, 0]))
    rolled = Rotation.from_rotvec(np.radians(1) * pitched.apply([0, 1, 0]))
    expected = rolled * pitched * turned
    angles = [pose[name] for name in ("yaw_deg", "pitch_deg", "roll_deg")]
    got = Rotation.from_euler("ZXY", angles, degrees=True)
    assert np.degrees((got.inv() * expected).magnitude()) < 0.2
    along = [60 * scale, 40 * scale, 0.0] + 0.01 * (rolled * pitched).apply([1, 0, 0])
    np.testing.assert_allclose(pose["center_mm"], np.add(START["center_mm"], along), atol=0.015)
    np.testing.assert_allclose(image["pixel_size_mm"], PIXEL_MM * 1.01**2, rtol=0.002)


def test_escape_leaves_an_earlier_alignment_alone(hand):
    hand.saved.write_text("earlier")
    hand.press("Right")
    code, output = hand.end("Escape")
    assert code != 0
    assert "cancelled" in output
    assert hand.saved.read_text() == "earlier"


def test_accepting_the_start_is_fine(hand):
    code, output = hand.end("Return")
    assert code == 0, output
    assert json.loads(hand.saved.read_text())["pose"]["center_mm"] == START["center_mm"]


def test_ctrl_c_in_the_terminal_ends_it(hand):
    hand.process.send_signal(signal.SIGINT)
    output, _ = hand.process.communicate(timeout=HANGS_S)
    assert hand.process.returncode == 130
    assert "Traceback" not in output
    assert not hand.saved.exists()


def test_closing_the_window_is_a_cancel(hand):
    hand.saved.write_text("earlier")
    hand.press("Right")
    hand.close()
    output, _ = hand.process.communicate(timeout=HANGS_S)
    assert hand.process.returncode == 1
    assert "cancelled" in output
    assert hand.saved.read_text() == "earlier"


def test_keys_of_vtk_do_not_end_it(hand):
    hand.act("key", "e", "w", "3")
    hand.settle()
    code, output = hand.end("Return")
    assert code == 0, output


def test_a_window_that_is_killed_does_not_hang(hand):
    hand.saved.write_text("earlier")
    hand.act("windowkill", hand.window)
    with contextlib.suppress(subprocess.TimeoutExpired):
        hand.process.communicate(timeout=HANGS_S)
    assert hand.process.poll() not in (None, 0)
    assert hand.saved.read_text() == "earlier"


def test_a_screen_that_does_not_answer_is_an_error_at_once(tmp_path):
    np.save(tmp_path / "picture.npy", arrow_picture())
    command = [sys.executable, "-m", "brainreg3d", "align", str(tmp_path / "picture.npy")]
    env = {**os.environ, "DISPLAY": ":9731"}
    done = subprocess.run(
        [*command, "--atlas", "phantom_100um"], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "--web" in done.stderr
    assert "--landmarks" in done.stderr
