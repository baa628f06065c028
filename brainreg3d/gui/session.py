"""What all alignment windows are put together from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import vtkmodules.vtkInteractionStyle  # the modules that VTK finds only when they are imported
import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
from vtkmodules.vtkRenderingCore import vtkRenderWindow, vtkRenderWindowInteractor

from brainreg3d.gui.brain_scene import make_brain_scene
from brainreg3d.gui.controller import AlignmentController
from brainreg3d.gui.events import EventRouter
from brainreg3d.gui.own_brain import own_surface
from brainreg3d.gui.stage import Stage
from brainreg3d.steps.base import AlignmentScene, PlacedImage


@attrs.frozen(eq=False)
class Session:
    """A controller, what shows it, and what moves it.

    Parameters
    ----------
    controller : AlignmentController
        Holds the placement.
    stage : Stage
        Draws it.
    router : EventRouter
        Forwards events.
    """

    controller: AlignmentController
    stage: Stage
    router: EventRouter

    def outcome(self) -> PlacedImage | None:
        """Return what the user has accepted.

        Returns
        -------
        PlacedImage or None
            None as long as nothing was accepted.

        Raises
        ------
        Exception
            What went wrong in the window while it dealt with an event, if anything did.
        """
        if self.router.failure is not None:
            raise self.router.failure
        if self.controller.status != "accepted":
            return None
        view = self.controller.view
        return PlacedImage(view, self.stage.clicks.extra_of(view))


def make_session(
    scene: AlignmentScene,
    window: vtkRenderWindow,
    interactor: vtkRenderWindowInteractor,
    changed: Callable[[], None],
) -> Session:
    """Put brain, image, controller and events together in a render window.

    Parameters
    ----------
    scene : AlignmentScene
        The image, the brain, and where to start.
    window : vtkRenderWindow
        Where to draw; of its final size.
    interactor : vtkRenderWindowInteractor
        Where events come from.
    changed : callable
        Called when there is something new to draw, or the user is done.

    Returns
    -------
    Session
        Ready to be drawn.
    """
    width, height = window.GetSize()
    controller = AlignmentController(
        scene.start,
        scale_locked=scene.pixel_size_known,
        size_px=(width, height),
        focal_point_mm=scene.focal_point_mm,
        brain_mm=max(scene.atlas.grid.box_mm),
    )
    controller.looking_around = scene.window_camera is not None
    brain = make_brain_scene(scene.atlas, scene.regions, scene.bregma)
    if scene.volume is not None and scene.registration is not None:
        own = own_surface(scene.volume, scene.registration)
        if own is not None:  # the animal's own brain hides the atlas's regions: outlines remain
            brain = attrs.evolve(brain, shell=own, parts=())
    stage = Stage(window, scene, brain, controller)
    # VTK's own styles turn the brain at every drag, and have keys of their own: e ends the program,
    # w shows wires, 3 is for red and green glasses.
    interactor.SetInteractorStyle(None)
    return Session(controller, stage, EventRouter(interactor, stage, changed))


def open_window(
    size_px: tuple[int, int], *, offscreen: bool = False
) -> tuple[vtkRenderWindow, Any]:
    """Return a render window and its interactor.

    Parameters
    ----------
    size_px : tuple of int
        (width, height).
    offscreen : bool
        Without a window on a screen; events are then injected.

    Returns
    -------
    window : vtkRenderWindow
        Not shown yet.
    interactor : vtkRenderWindowInteractor
        Of the kind that the platform has, or one that only takes injected events.
    """
    from vtkmodules.vtkRenderingUI import vtkGenericRenderWindowInteractor

    window = vtkRenderWindow()
    window.SetSize(*size_px)
    window.SetMultiSamples(0)  # translucent surfaces vanish with it on software OpenGL
    window.SetOffScreenRendering(offscreen)
    interactor = vtkGenericRenderWindowInteractor() if offscreen else vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    if offscreen:
        interactor.SetEventSize(*size_px)
        interactor.EnableRenderOff()
    return window, interactor
