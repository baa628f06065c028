"""What fails while a window deals with an event: VTK itself would print it and go on."""

import pytest

from brainreg3d import ImageView, Pose
from brainreg3d.gui.controller import AlignmentController
from brainreg3d.gui.events import EventRouter
from brainreg3d.gui.session import Session

START = ImageView((40, 60), (0.02, 0.02), Pose((5.0, 6.0, 7.0)))


class Interactor:
    """Calls its observers like VTK's, and takes note of what they raise."""

    def __init__(self):
        self.observers, self.swallowed = {}, []

    def AddObserver(self, event, observer):
        self.observers[event] = observer

    def GetKeySym(self):
        return "Return"

    def GetShiftKey(self):
        return 0

    def invoke(self, event):
        try:
            self.observers[event](self, event)
        except Exception as error:
            self.swallowed.append(error)


class Stage:
    """Can break while it draws, or while it acts."""

    def __init__(self, breaks):
        self.controller, self._breaks = AlignmentController(START), breaks

    def refresh(self):
        if self._breaks == "refresh":
            raise ZeroDivisionError(self._breaks)

    def key(self, name, shift):
        if self._breaks == "key":
            raise ZeroDivisionError(self._breaks)
        self.controller.apply_key(name, shift)


@pytest.mark.parametrize(
    ("breaks", "event"),
    [("refresh", "KeyPressEvent"), ("key", "KeyPressEvent"), ("refresh", "ExitEvent")],
)
def test_the_window_ends_and_the_error_gets_out(breaks, event, log):
    interactor, stage, changes = Interactor(), Stage(breaks), []
    router = EventRouter(interactor, stage, lambda: changes.append(stage.controller.status))
    session = Session(stage.controller, stage, router)
    assert session.outcome() is None
    interactor.invoke(event)
    assert interactor.swallowed == []
    # The window hears that it is over, though the picture could not be drawn.
    assert changes == ["cancelled"]
    with pytest.raises(ZeroDivisionError, match=breaks):
        session.outcome()
    # What was placed is not lost.
    assert "center_mm=(5.0, 6.0, 7.0)" in log[-1]
    interactor.invoke(event)
    assert len(changes) == 1
