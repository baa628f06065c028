"""Offscreen 3D rendering in a process of its own, after finding out what works here."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d import offscreen
from brainreg3d.errors import RenderingUnavailable

_RENDER_SECONDS = 600.0
_WORKER = Path(__file__).with_name("render_worker.py")


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
    environment, reason = offscreen.working_environment()
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
    environment, reason = offscreen.working_environment()
    if environment is None:
        message = f"No 3D picture can be drawn here: {reason}. {offscreen.INSTALL_OPENGL}"
        raise RenderingUnavailable(message)
    with tempfile.TemporaryDirectory(prefix="brainreg3d_scene_") as name:
        folder = Path(name)
        (folder / "scene.json").write_text(json.dumps(scene), encoding="utf-8")
        named: Any = dict(arrays)
        np.savez(folder / "arrays.npz", **named)
        failure = offscreen.run_program(_WORKER, [name], environment, _RENDER_SECONDS)
        if failure:
            message = f"The 3D picture could not be rendered: {failure}."
            raise RenderingUnavailable(message)
        return np.asarray(np.load(folder / "picture.npy"))
