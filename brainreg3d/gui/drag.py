"""A drag under way: what has hold of an image, and where it takes it."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.gui import moves
from brainreg3d.gui.history import Placement

DragKind = Literal["move", "rotate"]


def _as_point(point_mm: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(point_mm, dtype=float)


@attrs.frozen(eq=False)
class Drag:
    """An image that is held by a point of its plane.

    Parameters
    ----------
    kind : {"move", "rotate"}
        What the drag does.
    start_mm : array_like, shape (3,)
        The point that was taken hold of, in the atlas frame.
    before : Placement
        Where the image lay.
    """

    kind: DragKind
    start_mm: NDArray[np.float64] = attrs.field(converter=_as_point)
    before: Placement

    def to(self, point_mm: ArrayLike) -> Placement:
        """Return where the image lies when what was taken hold of comes to a point.

        Parameters
        ----------
        point_mm : array_like, shape (3,)
            In the atlas frame; a turn brings only its direction from the image's centre.

        Returns
        -------
        Placement
            Moved or turned from where it lay before.
        """
        point, view = _as_point(point_mm), self.before.view
        if self.kind == "move":
            return attrs.evolve(self.before, view=moves.moved(view, point - self.start_mm))
        angle = moves.angle_between(view.pose, self.start_mm, point)
        return Placement(moves.turned(view, angle), self.before.turn_deg + angle)
