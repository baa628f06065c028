"""The stage: brain, image and marks in a render window, drawn from a controller."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkBillboardTextActor3D,
    vtkCamera,
    vtkRenderer,
    vtkRenderWindow,
)

from brainreg3d.contrast import to_grey
from brainreg3d.geometry import ImageView
from brainreg3d.gui import vtk_parts
from brainreg3d.gui.brain_scene import BrainScene, Part
from brainreg3d.gui.controller import AlignmentController
from brainreg3d.gui.free_camera import FreeCamera
from brainreg3d.gui.hud import Hud
from brainreg3d.gui.landmark_clicks import LandmarkClicks
from brainreg3d.gui.outlines import region_outlines
from brainreg3d.gui.pins import Pins
from brainreg3d.gui.pose_text import key_lines, pose_lines, title
from brainreg3d.io.images import load_image
from brainreg3d.steps.base import AlignmentScene

_BACKGROUND_TOP, _BACKGROUND = (0.20, 0.21, 0.23), (0.09, 0.095, 0.105)
_SHELL_OPACITY = 0.28
_EDGE_RGB, _MARK_RGB, _MIDLINE_RGB = (1.0, 0.82, 0.35), (1.0, 0.35, 0.25), (0.95, 0.95, 0.95)
_DEPTH_MM = 40.0  # how far before and behind the plane of an image of a mouse anything is drawn
_LARGEST_TEXTURE_PX = 4096


class Stage:
    """What an alignment window shows; the window itself only forwards events.

    Three renderers lie on each other and share a camera: the brain, the image with its outlines,
    and marks and texts. So the image is never cut by the brain that bulges through its plane,
    and marks are never hidden by the image.

    Parameters
    ----------
    window : vtkRenderWindow
        Where to draw.
    scene : AlignmentScene
        The image and the brain.
    brain : BrainScene
        What the brain looks like.
    controller : AlignmentController
        Holds the placement.
    """

    def __init__(
        self,
        window: vtkRenderWindow,
        scene: AlignmentScene,
        brain: BrainScene,
        controller: AlignmentController,
    ) -> None:
        self.window, self.scene, self.controller = window, scene, controller
        self.camera = vtkCamera()
        self.free_camera = FreeCamera.starting(
            controller.view, scene.window_camera, controller.screen.brain_mm
        )
        self._layers = [self._add_layer(number) for number in range(3)]
        self._add_brain(brain)
        self._matched = self._add_matched_image()
        self._image = vtk_parts.Picture(_texture(scene.image.pixels))
        self._edge, self._borders = vtk_parts.Lines(2), vtk_parts.Lines(1.6)
        self._names = [_name_label(region.acronym) for region in scene.regions]
        for actor in (self._image.actor, self._edge.actor, self._borders.actor):
            self._layers[1].AddActor(actor)
        for label in self._names:
            self._layers[2].AddActor(label)
        self.hud = Hud(self._layers[2])
        self._writes = True
        self.clicks = LandmarkClicks(scene, controller)
        self._pins = Pins(self._layers[2], scene, controller.screen.brain_share)
        self._outlined: ImageView | None = None
        self.refresh()

    def refresh(self) -> None:
        """Show what the controller holds now."""
        size = self.window.GetSize()
        if min(size) > 1:
            self.controller.resize((size[0], size[1]))
        view = self.controller.view
        self._place_image(view)
        self._place_camera(view)
        if not self.controller.is_dragging and view != self._outlined:
            self._draw_outlines(view)
        self._pins.draw(view, self.clicks)
        shown = self.controller.outlines_shown
        self._borders.actor.SetVisibility(shown)
        if not shown:
            for label in self._names:
                label.SetVisibility(False)
        elif view == self._outlined:
            for label in self._names:
                label.SetVisibility(bool(label.GetInput()))
        if self._writes:
            lines = pose_lines(self.scene, self.controller)
            self.hud.write(title(self.scene), lines, key_lines(self.controller))
            self.hud.tell(self.message())
        around = self.controller.looking_around
        axes = self.free_camera.axes if around else self.controller.screen.axes(view)
        scale = None if around else self.controller.screen.mm_per_px
        self.hud.arrange(self.controller.screen.size_px, scale, axes)

    def hide_texts(self) -> None:
        """Write nothing into the picture any more: a page in a browser has texts of its own."""
        self._writes = False
        self.hud.write("", [], ([], []))
        self.hud.tell("")
        self.refresh()

    def key(self, name: str, shift: bool) -> None:
        """Do what a key stands for.

        Parameters
        ----------
        name : str
            A key symbol.
        shift : bool
            Whether Shift is held.
        """
        if self.clicks.apply_key(name, shift):
            return
        self.controller.apply_key(name, shift)

    def clicked(self, position_px: tuple[int, int], kind: str) -> bool:
        """Take a click that is no drag.

        Parameters
        ----------
        position_px : tuple of int
            Where, from the window's lower left corner.
        kind : str
            What a drag with this button would do.

        Returns
        -------
        bool
            Whether the click was taken.
        """
        if not self.clicks.active or kind != "move":
            return False
        view = self.controller.view
        point = self.controller.screen.plane_point_mm(view, *position_px)
        self.clicks.click(*self.controller.pixel_at(point))
        return True

    def message(self) -> str:
        """Return what the user is to be told now.

        Returns
        -------
        str
            Empty when there is nothing to say.
        """
        if self.controller.message:
            return self.controller.message
        if self.controller.looking_around:
            return "Looking around: drag turns the brain, v goes back to placing the image."
        return self.clicks.prompt()

    def _add_layer(self, number: int) -> vtkRenderer:
        renderer = vtkRenderer()
        renderer.SetActiveCamera(self.camera)
        renderer.SetLayer(number)
        renderer.SetInteractive(number == 0)
        if number == 0:
            renderer.SetBackground(_BACKGROUND)
            renderer.SetBackground2(_BACKGROUND_TOP)
            renderer.GradientBackgroundOn()
        self.window.SetNumberOfLayers(max(self.window.GetNumberOfLayers(), number + 1))
        self.window.AddRenderer(renderer)
        return renderer

    def _add_brain(self, brain: BrainScene) -> None:
        props = [_painted(part) for part in brain.parts]
        if brain.shell is not None:
            shell = _painted(brain.shell, 1.0 if brain.shell.grey is not None else _SHELL_OPACITY)
            vtk_parts.push_back(shell)
            props.append(shell)
        for prop in props:
            prop.GetProperty().BackfaceCullingOn()
            self._layers[0].AddActor(prop)
        midline = vtk_parts.Lines(1.2)
        if len(brain.midline_mm) > 1:
            midline.draw([brain.midline_mm], [_MIDLINE_RGB])
        midline.actor.GetProperty().SetOpacity(0.55)
        self._layers[2].AddActor(midline.actor)
        for name, point in brain.marks_mm.items():
            radius = 0.09 if name in ("bregma", "lambda") else 0.06
            radius *= self.controller.screen.brain_share
            self._layers[2].AddActor(vtk_parts.sphere_actor(point, radius, _MARK_RGB))
            label = vtk_parts.label_at(name, point, 13, _MARK_RGB)
            label.GetTextProperty().SetJustificationToLeft()
            label.SetDisplayOffset(9, 9)
            self._layers[2].AddActor(label)

    def _add_matched_image(self) -> vtk_parts.Picture | None:
        """Lay the image of an earlier session where it was, or where the new one starts."""
        if self.scene.matched_image is None:
            return None
        pixels = load_image(self.scene.matched_image, self.scene.matched_frame).pixels
        view = self.scene.matched_view
        if view is None or view.shape != pixels.shape:
            view = attrs.evolve(self.scene.start, shape=pixels.shape)
        matched = vtk_parts.Picture(_texture(pixels))
        matched.place(_corners(view))
        vtk_parts.push_back(matched.actor)  # where the new image lies in its plane
        self._layers[1].AddActor(matched.actor)
        return matched

    def _place_image(self, view: ImageView) -> None:
        corners = _corners(view)
        self._image.place(corners)
        if self._matched is not None:
            self._matched.actor.SetVisibility(self.controller.matched_shown)
        self._edge.draw([corners[[0, 1, 2, 3, 0]]], [_EDGE_RGB])
        shown = self.controller.image_shown
        self._image.actor.SetVisibility(shown)
        self._image.actor.GetProperty().SetOpacity(self.controller.opacity)

    def _place_camera(self, view: ImageView) -> None:
        around = self.controller.looking_around
        for layer in self._layers[1:]:
            # From aside, the brain has to hide what lies behind it.
            layer.SetPreserveDepthBuffer(around)
        if around:
            self.free_camera.apply(self.camera)
            return
        lens = self.controller.screen.lens(view)
        distance = float(np.linalg.norm(lens.foot_mm - lens.position_mm))
        camera = self.camera
        camera.SetPosition(lens.position_mm)
        camera.SetFocalPoint(lens.foot_mm)
        camera.SetViewUp(lens.up)
        camera.SetWindowCenter(*lens.window_center)
        camera.SetParallelProjection(lens.parallel)
        camera.SetParallelScale(lens.half_height_mm)
        camera.SetViewAngle(2.0 * np.degrees(np.arctan2(lens.half_height_mm, distance)))
        depth = _DEPTH_MM * self.controller.screen.brain_share
        near = max(0.02 * distance, distance - depth)
        camera.SetClippingRange(near, distance + depth)

    def _draw_outlines(self, view: ImageView) -> None:
        lines, colors = [], []
        for label in self._names:
            label.SetInput("")
        for outline in region_outlines(view, self.scene.atlas, self.scene.regions):
            color = _bright(self.scene.regions[outline.place].rgb)
            for line in outline.lines_px:
                lines.append(view.pixel_to_plane_mm(line[:, 0], line[:, 1]))
                colors.append(color)
            if outline.middle_px is not None:
                label = self._names[outline.place]
                label.SetInput(self.scene.regions[outline.place].acronym)
                label.SetPosition(*view.pixel_to_plane_mm(*outline.middle_px).tolist())
        self._borders.draw(lines, colors)
        self._outlined = view


def _corners(view: ImageView) -> NDArray[np.float64]:
    """Return the outer corners of an image: top left, top right, bottom right, bottom left."""
    last_row, last_col = view.shape[0] - 0.5, view.shape[1] - 0.5
    rows, cols = [-0.5, -0.5, last_row, last_row], [-0.5, last_col, last_col, -0.5]
    return view.pixel_to_plane_mm(rows, cols)


def _painted(part: Part, opacity: float = 1.0) -> vtkActor:
    return vtk_parts.mesh_actor(part.surface, part.rgb, opacity, part.grey)


def _name_label(acronym: str) -> vtkBillboardTextActor3D:
    return vtk_parts.label_at(acronym, (0.0, 0.0, 0.0), 13, (1.0, 1.0, 1.0))


def _texture(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return an image as it is shown: with automatic contrast, and no larger than needed."""
    step = -(-max(pixels.shape) // _LARGEST_TEXTURE_PX)
    return np.asarray(np.rint(to_grey(pixels[::step, ::step]) * 255), dtype=np.uint8)


def _bright(rgb: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return a region's colour, lightened so that it shows on dark and grey alike."""
    red, green, blue = (0.45 + 0.55 * value / 255.0 for value in rgb)
    return red, green, blue
