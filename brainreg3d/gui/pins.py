"""Landmarks as they stand in the window: where they were clicked, and where they lie."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkRenderer

from brainreg3d.atlas import find_bregma
from brainreg3d.geometry import ImageView
from brainreg3d.gui.landmark_clicks import LandmarkClicks
from brainreg3d.gui.vtk_parts import RGB, label_at, sphere_actor
from brainreg3d.landmarks.catalogue import LANDMARKS_MM
from brainreg3d.landmarks.drop import drop_near_hull
from brainreg3d.steps.base import AlignmentScene

_CLICKED_RGB: RGB = (0.35, 0.85, 1.0)
_TARGET_RGB: RGB = (1.0, 0.82, 0.35)
_RADIUS_MM = 0.06  # on a mouse's brain


class Pins:
    """Balls and names of landmarks, drawn anew whenever they change.

    Parameters
    ----------
    renderer : vtkRenderer
        The topmost one.
    scene : AlignmentScene
        The brain that landmarks lie on.
    share : float
        How large it is, as a share of a mouse's.
    """

    def __init__(self, renderer: vtkRenderer, scene: AlignmentScene, share: float = 1.0) -> None:
        self._renderer, self._scene = renderer, scene
        self._radius_mm = _RADIUS_MM * share
        self._actors: list[object] = []
        self._drawn: object = None

    def draw(self, view: ImageView, clicks: LandmarkClicks) -> None:
        """Show the landmarks, while they are being clicked.

        Parameters
        ----------
        view : ImageView
            Clicks move with the image.
        clicks : LandmarkClicks
            What was clicked, and what comes next.
        """
        state = (view, tuple(clicks.points_px.items()), clicks.name) if clicks.active else None
        if state == self._drawn:
            return
        self._drawn = state
        for actor in self._actors:
            self._renderer.RemoveViewProp(actor)
        self._actors = []
        if not clicks.active:
            return
        for name, (row, col) in clicks.points_px.items():
            self._add(name, view.pixel_to_plane_mm(row, col), _CLICKED_RGB)
        target = self._place_of(clicks.name)
        if np.isfinite(target).all():
            self._add(f"{clicks.name}?", target, _TARGET_RGB)

    def _add(self, text: str, point_mm: np.ndarray, rgb: RGB) -> None:
        label = label_at(text, point_mm, 14, rgb)
        label.GetTextProperty().SetJustificationToRight()
        label.SetDisplayOffset(-9, -12)
        for actor in (sphere_actor(point_mm, self._radius_mm, rgb), label):
            self._renderer.AddViewProp(actor)
            self._actors.append(actor)

    def _place_of(self, name: str) -> np.ndarray:
        """Return where a landmark lies on the hull; the fit takes it to lie there as well."""
        annotation = self._scene.atlas.annotation
        bregma = find_bregma(self._scene.bregma)
        return np.asarray(drop_near_hull([LANDMARKS_MM[name]], annotation, bregma)[0])
