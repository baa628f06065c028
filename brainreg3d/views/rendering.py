"""Offscreen 3D rendering in a process of its own, after finding out what works here."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.errors import RenderingUnavailable

_WINDOW = "VTK_DEFAULT_OPENGL_WINDOW"
_PROBE_SECONDS = 90.0
_RENDER_SECONDS = 600.0


def can_render_3d() -> tuple[bool, str]:
    """Tell whether 3D pictures can be rendered on this machine.

    The first call renders a small picture in another process, because VTK ends the process
    that asks where no OpenGL works; the answer is remembered.

    Returns
    -------
    possible : bool
        Whether something works.
    reason : str
        What works, or what was tried and how it failed.
    """
    environment, reason = _working_environment()
    return environment is not None, reason


def render_scene(scene: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Render a scene in another process.

    Parameters
    ----------
    scene : mapping
        See `brainreg3d.views.render_worker.render`.
    arrays : mapping of str to numpy.ndarray
        Vertices, faces and colours of its meshes.

    Returns
    -------
    numpy.ndarray of uint8, shape (height, width, 3)
        The picture.

    Raises
    ------
    RenderingUnavailable
        If nothing here can render, or rendering failed.
    """
    environment, reason = _working_environment()
    if environment is None:
        message = (
            f"No 3D picture can be drawn here: {reason}. Install OpenGL for machines without a "
            f"screen (on Debian or Ubuntu: apt-get install libegl1 libgl1) or run with a display."
        )
        raise RenderingUnavailable(message)
    with tempfile.TemporaryDirectory(prefix="brainreg3d_scene_") as name:
        folder = Path(name)
        (folder / "scene.json").write_text(json.dumps(scene), encoding="utf-8")
        named: Any = dict(arrays)
        np.savez(folder / "arrays.npz", **named)
        failure = _run_worker([name], environment, _RENDER_SECONDS)
        if failure:
            message = f"The 3D picture could not be rendered: {failure}."
            raise RenderingUnavailable(message)
        return np.asarray(np.load(folder / "picture.npy"))


@functools.cache
def _working_environment() -> tuple[dict[str, str] | None, str]:
    """Return environment variables under which rendering works, or None, and why."""
    failures = []
    for name, environment in _candidates():
        failure = _run_worker([], environment, _PROBE_SECONDS)
        if not failure:
            logger.debug("3D rendering works with %s.", name)
            return environment, name
        failures.append(f"{name}: {failure}")
    return None, "; ".join(failures)


def _candidates() -> list[tuple[str, dict[str, str]]]:
    """Return the ways to render that are worth a try, best first."""
    if not sys.platform.startswith("linux"):
        return [("the system's OpenGL", {})]
    if os.environ.get(_WINDOW):
        return [(f"{_WINDOW}={os.environ[_WINDOW]}", {})]
    found: list[tuple[str, dict[str, str]]] = []
    if os.environ.get("DISPLAY"):
        found.append(("the display", {}))
    found.append(("EGL", {_WINDOW: "vtkEGLRenderWindow"}))
    found.append(("OSMesa", {_WINDOW: "vtkOSOpenGLRenderWindow"}))
    return found


def _run_worker(arguments: list[str], environment: Mapping[str, str], seconds: float) -> str:
    """Run the rendering program; return how it failed, or an empty string."""
    program = Path(__file__).with_name("render_worker.py")
    # -P: modules of this folder must not hide others of the same name.
    command = [sys.executable, "-P", str(program), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no picture within {seconds:g} s"
    except OSError as error:
        return f"Python could not be started ({error})"
    if done.returncode == 0:
        return ""
    if done.returncode < 0:
        return f"ended by {_signal_name(-done.returncode)}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit code {done.returncode}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
