"""Clicking named landmarks in the window, and the pose that they give."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from brainreg3d.errors import BrainReg3DError
from brainreg3d.geometry import ImageView
from brainreg3d.gui.controller import AlignmentController
from brainreg3d.gui.keys import canonical_key
from brainreg3d.landmarks.catalogue import LANDMARKS_MM
from brainreg3d.landmarks.fit import fit_pose
from brainreg3d.landmarks.landmark import Landmark
from brainreg3d.landmarks.result import LandmarkFit
from brainreg3d.steps.base import AlignmentScene

_FEWEST = 2


class LandmarkClicks:
    """The landmarks that the user has clicked so far, and which one comes next.

    Parameters
    ----------
    scene : AlignmentScene
        The image and the brain.
    controller : AlignmentController
        Gets the pose.

    Attributes
    ----------
    active : bool
        Whether clicks and keys are meant for landmarks now.
    points_px : dict of str to tuple of float
        (row, column) of each landmark, in the order of the clicks.
    """

    def __init__(self, scene: AlignmentScene, controller: AlignmentController) -> None:
        self._scene, self._controller = scene, controller
        self._names = tuple(LANDMARKS_MM)
        self._place = 0
        self._fitted: tuple[ImageView, LandmarkFit] | None = None
        self.active = False
        self.points_px: dict[str, tuple[float, float]] = {}

    @property
    def name(self) -> str:
        """The landmark that the next click sets."""
        return self._names[self._place]

    def toggle(self) -> None:
        """Begin to click landmarks, or stop; those clicked are kept."""
        self._controller.message = ""  # it would hide what is to be done now
        self.active = not self.active
        if self.active:  # there is no clicking on an image that is seen from aside
            self._controller.looking_around = False

    def choose(self, step: int) -> None:
        """Go to another name.

        Parameters
        ----------
        step : int
            How many names further; negative is back.
        """
        self._place = (self._place + step) % len(self._names)

    def click(self, row: float, col: float) -> None:
        """Set the landmark whose turn it is, and go on to one that is not set yet.

        Parameters
        ----------
        row, col : float
            Where it is seen in the image; beside it the click is refused.
        """
        rows, columns = self._controller.view.shape
        if not (-0.5 <= row < rows - 0.5 and -0.5 <= col < columns - 0.5):
            self._controller.message = f"That is beside the image: click {self.name} inside it."
            return
        self._controller.message = ""
        self.points_px.pop(self.name, None)  # the newest click is the first that undo takes
        self.points_px[self.name] = (row, col)
        for _ in self._names:
            if self.name not in self.points_px:
                break
            self.choose(+1)

    def undo(self) -> None:
        """Take back the last click."""
        if not self.points_px:
            self._controller.message = "There is no landmark to take back."
            return
        name, _ = self.points_px.popitem()
        self._place = self._names.index(name)

    def fit(self) -> LandmarkFit | None:
        """Put the image where the landmarks say, as one step that can be undone.

        Returns
        -------
        LandmarkFit or None
            None where they do not give a pose; the controller's message says why.
        """
        if len(self.points_px) < _FEWEST:
            self._controller.message = "Click at least two landmarks."
            return None
        view = self._controller.view
        known = view.pixel_size_mm if self._controller.scale_locked else None
        landmarks = [Landmark(row, col, name) for name, (row, col) in self.points_px.items()]
        try:
            found = fit_pose(
                landmarks,
                self._scene.atlas.annotation,
                view.shape,
                pixel_size_mm=known,
                camera=view.camera,
                bregma=self._scene.bregma,
                expected_up=-view.pose.view_axis,
            )
        except BrainReg3DError as error:
            self._controller.message = str(error)
            return None
        fitted = found.view
        self._controller.place(
            attrs.evolve(view, pose=fitted.pose, pixel_size_mm=fitted.pixel_size_mm)
        )
        if self._controller.pose != fitted.pose:
            return None  # the controller has said why it cannot lie there
        self._controller.message = _summary(found)
        self._fitted = (self._controller.view, found)
        return found

    def extra_of(self, view: ImageView) -> dict[str, Any]:
        """Return what an alignment file is to hold of the landmarks.

        Parameters
        ----------
        view : ImageView
            Where the image lies in the end.

        Returns
        -------
        dict
            Landmarks and uncertainty, if the image still lies where they put it; else nothing.
        """
        if self._fitted is None or self._fitted[0] != view:
            return {}
        found = self._fitted[1]
        return {"uncertainty": found.uncertainty(), "landmarks": found.record()}

    def apply_key(self, key: str, shift: bool = False) -> bool:
        """Do what a key stands for while landmarks are clicked.

        Parameters
        ----------
        key : str
            A key symbol of VTK, X11 or a browser.
        shift : bool
            Whether Shift is held.

        Returns
        -------
        bool
            False for keys that mean the same as ever.
        """
        name = canonical_key(key)
        if name != "p" and not self.active:
            return False
        self._controller.message = ""
        if name == "p":
            self.toggle()
        elif name in ("tab", "right", "down"):
            self.choose(-1 if shift and name == "tab" else +1)
        elif name in ("left", "up"):
            self.choose(-1)
        elif name in ("backspace", "z"):
            self.undo()
        elif name == "enter":
            self.active = self.fit() is None
        elif name == "escape":
            self.active = False
        else:
            return False
        return True

    def prompt(self) -> str:
        """Return what the user is to do.

        Returns
        -------
        str
            Empty while no landmarks are clicked.
        """
        if not self.active:
            return ""
        done = len(self.points_px)
        return (
            f"Click {self.name} in the image ({done} set).   arrows: another name   "
            f"z: take back   Enter: fit   p: stop"
        )


def _summary(found: LandmarkFit) -> str:
    """Say in one line how well the landmarks fit."""
    typical_um = 1000.0 * float(np.sqrt(np.mean(found.residuals_mm[found.used] ** 2)))
    text = f"Fitted {int(found.used.sum())} landmarks; they are {typical_um:.0f} µm off."
    return " ".join([text, *found.warnings[:1]])
