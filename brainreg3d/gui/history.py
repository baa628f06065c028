"""Where an image has been placed, step by step."""

from __future__ import annotations

import attrs

from brainreg3d.geometry import ImageView


@attrs.frozen
class Placement:
    """What undo brings back: the image on the brain, and its turn on the screen.

    Parameters
    ----------
    view : ImageView
        Where the image lies.
    turn_deg : float
        How far it was turned in its plane since the start, counter-clockwise on the screen.
    """

    view: ImageView
    turn_deg: float


class History:
    """Placements in the order in which they were made; each can be taken back and made again.

    Parameters
    ----------
    start : Placement
        The first one.

    Attributes
    ----------
    start, now : Placement
        The first one, and the one that counts now.
    """

    def __init__(self, start: Placement) -> None:
        self.start = self.now = start
        self._earlier: list[Placement] = []
        self._later: list[Placement] = []

    def add(self, placement: Placement) -> None:
        """Make a step; what was taken back before it is forgotten.

        Parameters
        ----------
        placement : Placement
            Where the image lies now.
        """
        self._earlier.append(self.now)
        self._later.clear()
        self.now = placement

    def undo(self) -> bool:
        """Take back the last step.

        Returns
        -------
        bool
            Whether there was one.
        """
        return self._go(self._earlier, self._later)

    def redo(self) -> bool:
        """Make the step again that was taken back last.

        Returns
        -------
        bool
            Whether there was one.
        """
        return self._go(self._later, self._earlier)

    def _go(self, source: list[Placement], left_behind: list[Placement]) -> bool:
        if not source:
            return False
        left_behind.append(self.now)
        self.now = source.pop()
        return True
