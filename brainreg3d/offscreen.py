"""Finding out how pictures can be rendered without a screen, before VTK tries to."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from brainreg3d._logging import logger

WINDOW_VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
"""Environment variable by which VTK chooses among its render windows."""

PROBE_SECONDS = 90.0
"""How long the probe may take; the first import of VTK from a network disk is slow."""

PROBE = Path(__file__).with_name("offscreen_probe.py")
"""The program that renders a small picture, or does not survive it."""

INSTALL_OPENGL = (
    "Install OpenGL for machines without a screen (on Debian or Ubuntu: apt-get install libegl1 "
    "libgl1) or run with a display."
)
"""What to do where nothing can be rendered."""


@functools.cache
def working_environment() -> tuple[dict[str, str] | None, str]:
    """Find out with which environment variables VTK can render here.

    The first call renders a small picture in another process, because VTK ends the process that
    asks where no OpenGL works; the answer is remembered.

    Returns
    -------
    environment : dict of str to str, or None
        Variables to set; None if nothing works.
    reason : str
        What works, or what was tried and how it failed.
    """
    failures = []
    for name, environment in _candidates():
        failure = run_program(PROBE, [], environment, PROBE_SECONDS)
        if not failure:
            logger.debug("3D rendering works with %s.", name)
            return environment, name
        failures.append(f"{name}: {failure}")
    return None, "; ".join(failures)


def run_program(
    program: Path, arguments: Sequence[str], environment: Mapping[str, str], seconds: float
) -> str:
    """Run a program of the package in a process of its own.

    Parameters
    ----------
    program : pathlib.Path
        A Python file that stands alone.
    arguments : sequence of str
        What it is called with.
    environment : mapping of str to str
        Variables to set on top of those of this process.
    seconds : float
        How long it may take.

    Returns
    -------
    str
        How it failed; empty if all went well.
    """
    # -P: modules of its folder must not hide others of the same name.
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


@contextlib.contextmanager
def environment_set(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while.

    Parameters
    ----------
    variables : mapping of str to str
        Their values.

    Yields
    ------
    None
        Afterwards everything is as it was.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _candidates() -> list[tuple[str, dict[str, str]]]:
    """Return the ways to render that are worth a try, best first."""
    if not sys.platform.startswith("linux"):
        return [("the system's OpenGL", {})]
    if os.environ.get(WINDOW_VARIABLE):
        return [(f"{WINDOW_VARIABLE}={os.environ[WINDOW_VARIABLE]}", {})]
    found: list[tuple[str, dict[str, str]]] = [
        ("EGL", {WINDOW_VARIABLE: "vtkEGLRenderWindow"}),
        ("OSMesa", {WINDOW_VARIABLE: "vtkOSOpenGLRenderWindow"}),
    ]
    if os.environ.get("DISPLAY"):
        # A display that ssh forwards is slow, if it can draw in 3D at all.
        place = len(found) if os.environ.get("SSH_CONNECTION") else 0
        found.insert(place, ("the display", {}))
    return found


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
