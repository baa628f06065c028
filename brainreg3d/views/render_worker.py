"""Renders one 3D scene and ends; run as a program of its own by `brainreg3d.views.rendering`.

Without a working OpenGL, VTK does not fail but takes the whole process down. Here that process
is this one, never the user's. The module stands alone: it imports nothing of the package.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SUPERSAMPLING = 2  # software OpenGL has no reliable multisampling


def render(scene: dict[str, Any], arrays: Any) -> NDArray[np.uint8]:
    """Render a scene offscreen.

    Parameters
    ----------
    scene : dict
        ``"size_px"`` (width, height); ``"camera"`` with position, focal point, up and height of
        the view, all in mm; ``"meshes"``: prefix of the arrays, colour and opacity of each.
    arrays : mapping
        ``<prefix>_vertices`` (N, 3) and ``<prefix>_faces`` (M, 3 or 4), and optionally
        ``<prefix>_colors`` (M, 3) uint8 for each face.

    Returns
    -------
    numpy.ndarray of uint8, shape (height, width, 3)
        The picture on white.
    """
    import vedo

    # Multisampling makes translucent surfaces vanish on software OpenGL.
    vedo.settings.multi_samples = 0
    vedo.settings.use_depth_peeling = True
    vedo.settings.use_parallel_projection = True
    width, height = (int(side) * _SUPERSAMPLING for side in scene["size_px"])
    plotter = vedo.Plotter(offscreen=True, size=(width, height), bg="white", axes=0)
    for item in scene["meshes"]:
        plotter.add(_mesh(vedo, item, arrays))
    camera = scene["camera"]
    plotter.show(resetcam=False, interactive=False)
    plotter.camera.SetPosition(camera["position_mm"])
    plotter.camera.SetFocalPoint(camera["focal_point_mm"])
    plotter.camera.SetViewUp(camera["up"])
    plotter.camera.SetParallelProjection(True)
    plotter.camera.SetParallelScale(camera["height_mm"] / 2)
    plotter.renderer.ResetCameraClippingRange()
    plotter.render()
    picture = np.asarray(plotter.screenshot(asarray=True))[..., :3]
    plotter.close()
    return _averaged(picture, _SUPERSAMPLING)


def _mesh(vedo: Any, item: dict[str, Any], arrays: Any) -> Any:
    name = item["name"]
    mesh = vedo.Mesh([arrays[f"{name}_vertices"], arrays[f"{name}_faces"]])
    mesh.alpha(item["alpha"])
    if f"{name}_colors" in arrays:
        mesh.cellcolors = arrays[f"{name}_colors"]
        mesh.lighting("off")
        return mesh
    mesh.color(item["rgb"])
    if item.get("flat"):
        mesh.lighting("off")
        return mesh
    mesh.compute_normals(feature_angle=40)
    mesh.lighting("default", ambient=0.35, diffuse=0.75, specular=0.05)
    if item.get("behind"):
        # The shell of the brain coincides with the cortex and would flicker.
        mesh.mapper.SetResolveCoincidentTopologyToPolygonOffset()
        mesh.mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(4, 400)
    return mesh


def _averaged(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    rows, cols = (length // factor for length in picture.shape[:2])
    blocks = picture[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor, 3)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))), dtype=np.uint8)


def main(arguments: list[str]) -> int:
    """Render the scene of one file into another.

    Parameters
    ----------
    arguments : list of str
        A folder holding ``scene.json`` and ``arrays.npz``, into which ``picture.npy`` is
        written.

    Returns
    -------
    int
        0 when all went well.
    """
    folder = Path(arguments[0])
    scene = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
    with np.load(folder / "arrays.npz") as arrays:
        np.save(folder / "picture.npy", render(scene, arrays))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
