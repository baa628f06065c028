"""The alignment window in a browser, driven in headless Chromium as a user would."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import importlib.util
import io
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from needed import lacks
from PIL import Image
from scipy.spatial.transform import Rotation

from brainreg3d import offscreen
from brainreg3d.errors import AlignmentNeeded, InputError
from brainreg3d.gui import web

pytestmark = pytest.mark.gui

PROGRAM = Path(__file__).parents[1] / "data" / "web_window.py"
PAGE_PX = {"width": 880, "height": 560}
LEVEL = {"center_mm": [5.7, 7.0, 8.0]}
TILTED = {"center_mm": [7.2, 7.5, 7.6], "yaw_deg": 90.0, "pitch_deg": -6.0, "roll_deg": 12.0}
WIDTH_MM, HEIGHT_MM = 200 * 0.025, 120 * 0.025
PICTURE = "#brainreg3d-view img[src^='data:']"
COUNT = """() => {
  const trigger = window.trame.trigger;
  window.unanswered = 0;
  window.trame.trigger = (...words) => {
    window.unanswered++;
    return trigger(...words).finally(() => window.unanswered--);
  };
}"""
HANGS_S = 60  # nothing takes as long, however busy the machine


class Windows:
    """A program in which windows are opened, one at a time."""

    def __init__(self, environment):
        # Interrupts must reach only this program, hence a group of its own.
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        self._said = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._waiting = False

    def _listen(self):
        for line in self.process.stdout:
            self._said.put(json.loads(line))
        self._said.put({"outcome": "the program has ended"})

    def open(self, pose=LEVEL, **window):
        """Open a window and return its address."""
        job = {"pose": pose, "window": {"open_browser": False, "reconnect_s": 20.0, **window}}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self._waiting = True
        said = self._said.get(timeout=HANGS_S)["announced"]
        return re.search(r"http://\S+", said).group()

    def outcome(self):
        """Return how the window ended, once it has."""
        deadline = time.monotonic() + HANGS_S
        while True:
            said = self._said.get(timeout=max(deadline - time.monotonic(), 0.01))
            if "outcome" in said:
                self._waiting = False
                return said

    def interrupt(self):
        """Do what Ctrl-C in the terminal does."""
        self.process.send_signal(signal.SIGINT)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def tidy(self):
        """End a window that a test has left open."""
        if self._waiting:
            self.interrupt()
            with contextlib.suppress(queue.Empty):
                self.outcome()


@pytest.fixture(scope="module")
def program():
    if importlib.util.find_spec("trame") is None:
        lacks("the extra web")
    environment, reason = offscreen.working_environment()
    if environment is None:
        lacks(f"offscreen rendering: {reason}")
    windows = Windows(environment)
    yield windows
    windows.close()


@pytest.fixture
def windows(program):
    yield program
    program.tidy()


@pytest.fixture
def visit(browser):
    """Return a function that opens an address in a browser of its own.

    What happened in the browsers is printed, for the log of a test that fails.
    """
    contexts = []

    def go(address, **options):
        context = browser.new_context(viewport=PAGE_PX, **options)
        context.set_default_timeout(HANGS_S * 1000)
        contexts.append((context, diary(context)))
        page = context.new_page()
        page.goto(address)
        return page

    yield go
    for context, lines in contexts:
        print("In a browser:", *lines, *map(last_look, context.pages), sep="\n  ")
        context.close()


def diary(context):
    """Return a list that gets a line for whatever happens in a browser."""
    lines, start = [], time.monotonic()

    def note(*words):
        lines.append(" ".join([f"{time.monotonic() - start:6.2f} s", *map(str, words)]))

    def follow(page):
        page.on("websocket", lambda ws: note("websocket opens"))
        page.on("websocket", lambda ws: ws.on("close", lambda _: note("websocket closes")))

    context.on("page", follow)
    context.on("console", lambda message: note("console", message.type, message.text))
    context.on("weberror", lambda failure: note("error", failure.error))
    context.on("response", lambda answer: note(answer.status, answer.url))
    context.on("requestfailed", lambda request: note(request.failure, request.url))
    return lines


def last_look(page):
    """Return what a page shows, in one line."""
    from playwright.sync_api import Error

    try:
        text = page.locator("body").inner_text(timeout=5000)
        pictures, connected = (
            page.locator(PICTURE).count(),
            page.evaluate("window.trame?.client?.isConnected()"),
        )
    except Error as error:
        return f"{page.url}: {error}"
    return f"{page.url}: {pictures} pictures, connected: {connected}, text: {text!r}"


def shows(page):
    """Return the page once it shows the brain."""
    page.wait_for_selector(PICTURE)
    page.evaluate(COUNT)
    return page


def quiet(page):
    """Wait until all that was done is answered, and the fine picture stays as it is."""
    last, since = None, time.monotonic()
    while time.monotonic() - since < 0.7:
        now = page.get_attribute(PICTURE, "src"), page.evaluate("window.unanswered")
        if now != last or now[1] or not is_fine(now[0]):
            last, since = now, time.monotonic()
        page.wait_for_timeout(50)


def is_fine(url):
    """Tell whether a picture is not one of those that are made in haste."""
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as jpeg:
        return max(jpeg.quantization[0]) < 20  # 12 for the quality 95, 73 for 70


def picture(page):
    """Return what is seen of the brain, shape (rows, cols, 3), in pixels of the page."""
    quiet(page)
    shot = page.locator("#brainreg3d-view").screenshot(scale="css")
    return plt.imread(io.BytesIO(shot))[..., :3]


def edge_box(seen):
    """Return (left, right, top, bottom) of the image's yellow outline, in pixels."""
    yellow = np.all(np.abs(seen - (1.0, 0.82, 0.35)) < 0.25, axis=-1) & (np.ptp(seen, -1) > 0.4)
    rows, cols = (np.flatnonzero(yellow.sum(axis=axis) > 60) for axis in (1, 0))
    return cols[0], cols[-1], rows[0], rows[-1]


def mm_per_px(seen):
    left, right, top, bottom = edge_box(seen)
    # the line is two pixels wide, half of it outside
    across, down = WIDTH_MM / (right - left - 1), HEIGHT_MM / (bottom - top - 1)
    assert across == pytest.approx(down, rel=0.02)
    return across


def pose_row(page, name):
    return page.locator(f".br-pose tr:has(th:text-is('{name}')) td").inner_text()


def drag(page, points, button="left"):
    """Drag along points that count from the middle of the picture, right and down."""
    box = page.locator("#brainreg3d-view").bounding_box()
    middle = np.array([box["x"] + box["width"] // 2, box["y"] + box["height"] // 2])
    page.mouse.move(*(middle + points[0]).tolist())
    page.mouse.down(button=button)
    for point in points[1:]:
        page.mouse.move(*(middle + point).tolist(), steps=4)
    page.mouse.up(button=button)


def rotation(angles):
    return Rotation.from_euler("ZXY", angles, degrees=True)


def test_gestures_on_the_page_place_the_image(windows, visit):
    page = shows(visit(windows.open()))
    seen = picture(page)
    scale = mm_per_px(seen)
    height, width = seen.shape[:2]
    assert (width % 2, height % 2) == (0, 0)  # so that the middle lies between pixels

    drag(page, [(200, 0), (170, -60), (150, -90)], button="right")
    drag(page, [(0, 0), (30, 10), (70, -40)])
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowUp")
    for _ in range(2):
        page.click("[data-key='i']")
    for _ in range(3):
        page.keyboard.press("l")
    page.click("[data-key='u']")
    page.keyboard.press("+")
    for step in range(3):
        page.mouse.move(300, 250)
        page.mouse.wheel(0, -100)
        wanted = f"{25 * 1.01 ** (2 + step):.2f} x"
        page.wait_for_function(
            "wanted => document.querySelector('.br-pose').innerText.includes(wanted)", arg=wanted
        )
    page.click("[data-key='f']")
    page.click("[data-key='right']", modifiers=["Shift"])
    page.click("[data-key='z']")
    page.keyboard.press("Control+z")
    quiet(page)
    assert "mirrored" not in pose_row(page, "turned")
    page.click(".accept")
    page.wait_for_selector("text=You can close this tab")
    outcome = windows.outcome()

    angle = np.degrees(np.arctan2(89.5, 150.5) - np.arctan2(-0.5, 200.5))
    turned = Rotation.from_euler("Z", angle, degrees=True)
    pitched = Rotation.from_rotvec(np.radians([2, 0, 0]))
    rolled = Rotation.from_rotvec(np.radians(3) * pitched.apply([0, 1, 0]))
    error = rotation(outcome["angles_deg"]).inv() * (rolled * pitched * turned)
    assert error.magnitude() < np.radians(0.2)
    center = np.add(LEVEL["center_mm"], [70 * scale + 0.3, 40 * scale + 0.05, 0.0])
    np.testing.assert_allclose(outcome["center_mm"], center, atol=0.015)
    np.testing.assert_allclose(outcome["pixel_size_mm"], 0.025 * 1.01**4, rtol=0.002)
    assert outcome["outcome"] == "accepted"
    assert not outcome["mirrored"]


def test_the_page_shows_the_image_upright_and_what_the_window_knows(windows, visit):
    page = shows(visit(windows.open(TILTED)))
    page.keyboard.press("o")
    page.locator("input[type=range]").fill("1")
    seen = picture(page)
    left, right, top, bottom = edge_box(seen)
    inside = seen[top + 4 : bottom - 3, left + 4 : right - 3].mean(axis=-1)
    half = np.array(inside.shape) // 2
    top_left, top_right = inside[: half[0], : half[1]], inside[: half[0], half[1] :]
    assert top_left.mean() > top_right.mean() + 0.1 > inside[half[0] :].mean() + 0.1
    assert pose_row(page, "opacity") == "100%"
    assert "yaw +90.0°" in pose_row(page, "turned")
    page.mouse.move(300, 250)
    page.mouse.wheel(0, -100)
    page.wait_for_selector("text=u unlocks it")
    page.click("[data-key='p']")
    page.wait_for_selector(".br-message:has-text('bregma')")
    drag(page, [(30, 20)])
    page.wait_for_selector(".br-message:has-text('lambda')")
    page.keyboard.press("Escape")  # ends the clicking only
    page.wait_for_selector("button:text-is('Cancel')")
    page.keyboard.press("Escape")
    page.wait_for_selector("text=Cancelled")
    assert windows.outcome() == {"outcome": "cancelled"}


def test_pointer_is_exact_at_any_size_and_pixel_ratio(windows, visit):
    page = shows(visit(windows.open(TILTED), device_scale_factor=1.5))
    picture(page)
    page.set_viewport_size({"width": 741, "height": 433})
    before = picture(page)
    scale = mm_per_px(before)
    drag(page, [(0, 0), (5, 9), (24, -30)], button="middle")  # shows another part
    moved = np.subtract(edge_box(picture(page)), edge_box(before))
    np.testing.assert_allclose(moved, (24, 24, -30, -30), atol=1)
    box = page.locator("#brainreg3d-view").bounding_box()
    size = page.evaluate(f'(() => {{ const i = document.querySelector("{PICTURE}");'
                         " return [i.naturalWidth, i.naturalHeight]; })()")  # fmt: skip
    np.testing.assert_allclose(size, np.multiply(1.5, [box["width"], box["height"]]), atol=1)
    drag(page, [(-80, 20), (10, 60), (40, -30)])
    page.keyboard.press("Enter")
    outcome = windows.outcome()
    angles = [TILTED["yaw_deg"], TILTED["pitch_deg"], TILTED["roll_deg"]]
    along = rotation(angles).apply([120 * scale, 50 * scale, 0.0])
    np.testing.assert_allclose(outcome["center_mm"], np.add(TILTED["center_mm"], along), atol=0.015)


def test_nothing_is_loaded_from_elsewhere(windows, visit, browser):
    address = windows.open()
    context = browser.new_context(viewport=PAGE_PX)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda ws: asked.append(ws.url))
    page.goto(address)
    picture(shows(page))
    context.close()
    own = re.match(r"http(://127\.0\.0\.1:\d+/)", address).group(1)
    assert [url for url in asked if re.match(r"\w+(://[^/]+/)", url).group(1) != own] == []
    assert f"ws{own}ws" in asked
    assert all("token" not in url for url in asked[1:])


def test_the_page_stays_when_a_part_of_it_comes_late(windows, visit):
    page, held = shows(visit(windows.open())), []
    page.route("**/loading.tpl", lambda route: held.append(route))
    shows(page.reload() and page)
    held.pop().continue_()
    page.unroute("**/loading.tpl")
    page.evaluate("fetch('loading.tpl').then(answer => answer.text())")  # not before the first
    assert page.is_visible(PICTURE)
    page.keyboard.press("Escape")
    page.wait_for_selector("text=Cancelled")
    assert windows.outcome() == {"outcome": "cancelled"}


def fetch(url, headers=None):
    host, path = re.match(r"http://([^/]+)(/.*)", url).groups()
    with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_only_the_token_lets_in_and_only_one_browser(windows, visit):
    address = windows.open()
    base, token = address.split("?")
    for wrong in ("", "index.html", "ws", "assets/x.js", "?token=", "?token=wrong", f"ws?{token}"):
        assert fetch(base + wrong)[0] == 403, wrong
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    assert fetch(f"{base}ws", upgrade)[0] == 403
    host, port = re.match(r"http://([^:]+):(\d+)", address).groups()
    assert host == "127.0.0.1"
    for other in _other_addresses():
        with pytest.raises((ConnectionError, TimeoutError)):
            socket.create_connection((other, int(port)), 1).close()

    first = shows(visit(address))
    assert token not in first.url
    code, text = fetch(address)
    assert (code, "another browser" in text) == (403, True)

    start = pose_row(first, "centre")
    first.keyboard.press("ArrowRight")
    first.wait_for_selector(f".br-pose tr:has(th:text-is('centre')) td:not(:text-is('{start}'))")
    quiet(first)
    shown = pose_row(first, "centre")
    shows(first.reload() and first)
    quiet(first)
    assert pose_row(first, "centre") == shown

    cookies = "; ".join(f"{c['name']}={c['value']}" for c in first.context.cookies())
    assert fetch(f"{base}index.html", {"Cookie": cookies})[0] == 200
    elsewhere = {"Cookie": cookies, "Origin": "http://example.org", **upgrade}
    assert fetch(f"{base}ws", elsewhere)[0] == 403

    again = first.context.new_page()  # of several tabs, the last one is served
    again.goto(base)
    shows(again)
    first.wait_for_selector("text=The connection to brainreg3d is lost")

    again.close()
    second = visit(address)  # takes over from the one that is gone
    deadline = time.monotonic() + HANGS_S
    while "another browser" in second.inner_text("body"):  # that has yet to be noticed
        assert time.monotonic() < deadline
        second.goto(address)
    shows(second)
    assert pose_row(second, "centre") == shown
    assert fetch(f"{base}index.html", {"Cookie": cookies})[0] == 403
    second.keyboard.press("Enter")
    assert windows.outcome()["outcome"] == "accepted"


def _other_addresses():
    """Return addresses of this machine that are not its loopback, if it has any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return []
        return [probe.getsockname()[0]]


def test_a_closed_tab_ends_as_a_cancel_after_a_while(windows, visit):
    page = shows(visit(windows.open(reconnect_s=3.0)))
    page.mouse.move(300, 250)
    page.mouse.down()
    page.mouse.move(340, 260)
    quiet(page)
    start = time.monotonic()
    page.close()
    assert windows.outcome() == {"outcome": "cancelled"}
    assert time.monotonic() - start > 1.0


def test_ctrl_c_ends_it_at_once_and_the_page_says_so(windows, visit):
    page = shows(visit(windows.open(reconnect_s=1000.0)))
    windows.interrupt()
    assert windows.outcome() == {"outcome": "interrupted"}
    page.wait_for_selector("text=brainreg3d was stopped")


def test_ctrl_c_ends_it_when_no_browser_ever_came(windows):
    windows.open()
    time.sleep(0.3)
    windows.interrupt()
    assert windows.outcome() == {"outcome": "interrupted"}


def test_waiting_for_a_browser_can_have_an_end(windows):
    windows.open(timeout_s=0.5)
    outcome = windows.outcome()
    assert outcome["outcome"] == AlignmentNeeded.__name__
    assert "No browser" in outcome["message"]


def test_a_port_can_be_chosen_unless_it_is_in_use(windows):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        windows.process.stdin.write(
            json.dumps({"pose": LEVEL, "window": {"port": port, "open_browser": False}}) + "\n"
        )
        windows.process.stdin.flush()
        outcome = windows.outcome()
    assert outcome["outcome"] == InputError.__name__
    assert str(port) in outcome["message"]
    assert f"127.0.0.1:{port}/" in windows.open(port=port)


def test_it_runs_where_an_event_loop_runs_already():
    """As in a notebook."""
    from brainreg3d.gui.web_server import run

    async def answer():
        await asyncio.sleep(0)
        return "a view"

    async def refuse():
        raise AlignmentNeeded("no")

    async def cell():
        assert run(answer) == "a view"
        with pytest.raises(AlignmentNeeded):
            run(refuse)

    with ThreadPoolExecutor(1) as thread:  # the loop of this one belongs to the browser
        thread.submit(asyncio.run, cell()).result(timeout=HANGS_S)


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(offscreen, "working_environment", lambda: (None, "EGL: ended by SIGSEGV"))
    with pytest.raises(AlignmentNeeded, match="SIGSEGV"):
        web.WebWindow().ask(None)
    monkeypatch.setattr(web.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(AlignmentNeeded, match=r'pip install "brainreg3d\[web\]"'):
        web.WebWindow().ask(None)
    with pytest.raises(InputError, match="port"):
        web.WebWindow(port=70000)


def test_over_ssh_the_way_to_the_page_is_told_and_no_browser_opened(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    said, opened = [], []
    monkeypatch.setattr(web, "_open_browser", opened.append)
    window = web.WebWindow(announce=said.append)
    window.welcome("http://127.0.0.1:4321/?token=abc")
    assert "http://127.0.0.1:4321/?token=abc" in said[0]
    assert "ssh -L 4321:127.0.0.1:4321" in said[1]
    assert opened == []
    monkeypatch.delenv("SSH_CONNECTION")
    window.welcome("http://127.0.0.1:4321/?token=abc")
    assert opened == ["http://127.0.0.1:4321/?token=abc"]


@pytest.fixture
def align_command(program, tmp_path):
    """Return a function that starts ``brainreg3d align --web``."""
    environment, _ = offscreen.working_environment()
    image = tmp_path / "image.npy"
    np.save(image, np.arange(1200.0).reshape(30, 40))
    command = [sys.executable, "-m", "brainreg3d", "align", str(image), "--web", "--atlas"]
    command += ["phantom_100um", "--image-dims-mm", "4", "3", "-o", str(tmp_path / "a.json")]
    started = []

    def start():
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        started.append(process)
        found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stdout)))
        return process, found.group()

    yield start, tmp_path / "a.json"
    for process in started:
        process.kill()
        process.communicate()


def test_the_command_saves_what_is_accepted_and_keeps_it_when_cancelled(align_command, visit):
    start, file = align_command
    process, address = start()
    page = shows(visit(address))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert process.wait(timeout=HANGS_S) == 0
    saved = file.read_bytes()
    assert json.loads(saved)["pose"]
    process, address = start()
    page = shows(visit(address))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    assert process.wait(timeout=HANGS_S) == 1
    assert file.read_bytes() == saved
    assert list(file.parent.glob("a*.json")) == [file]
