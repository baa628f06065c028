"""Which landmark to add, when the tilt of an image is uncertain."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, BregmaPreset
from brainreg3d.landmarks._solve import Solution
from brainreg3d.landmarks._spread import (
    covariance,
    tilt_deg,
    tilts_with_points_deg,
    with_tilt,
)
from brainreg3d.landmarks.catalogue import LANDMARKS_MM
from brainreg3d.landmarks.drop import drop_near_hull, drop_on_hull
from brainreg3d.landmarks.hull import BrainHull

_GRID_ML_MM = np.arange(-5.0, 5.1, 0.5)
_GRID_AP_MM = np.arange(-5.5, 4.1, 0.5)
_NAMES_WIN_BY = 1.15  # a landmark with a name is easier to find than one without
_WORTH_IT = 0.9


@attrs.frozen
class Advice:
    """A landmark that would make the tilt more certain.

    Parameters
    ----------
    label : str
        Its name, or where it lies.
    place_mm : tuple of float
        (ML, AP) in mm from bregma.
    tilt_deg : float
        Standard deviation of the tilt once it is added.
    in_image : bool
        Whether the image shows it.
    """

    label: str
    place_mm: tuple[float, float]
    tilt_deg: float
    in_image: bool

    def __str__(self) -> str:
        ml, ap = self.place_mm
        if abs(ml) < 0.05:
            where = f"on the midline, {_ap(ap)}"
        else:
            side = "left" if ml < 0 else "right"
            where = f"{abs(ml):.1f} mm to the {side}, {_ap(ap)}"
        beyond = "" if self.in_image else "; it lies beyond this image, so take a wider one"
        return f"{self.label} ({where}{beyond}), which would bring it to {self.tilt_deg:.1f}°"


def _ap(ap: float) -> str:
    if abs(ap) < 0.05:
        return "level with bregma"
    return f"{abs(ap):.1f} mm {'in front of' if ap > 0 else 'behind'} bregma"


def advise(
    solution: Solution,
    annotation: Annotation,
    bregma: BregmaPreset,
    given: Sequence[str],
) -> Advice | None:
    """Say which one landmark would make the tilt most certain.

    Parameters
    ----------
    solution : Solution
        The fit.
    annotation : Annotation
        The brain.
    bregma : BregmaPreset
        The convention of stereotaxic coordinates.
    given : sequence of str
        Names of landmarks that are there already.

    Returns
    -------
    Advice or None
        A landmark of the catalogue, or a point of the cortex; one that the image shows if that
        helps. None if no landmark would help.
    """
    wanting = with_tilt(solution)
    now = tilt_deg(wanting, covariance(wanting))
    names = [name for name in LANDMARKS_MM if name not in given]
    grid = [(float(ml), float(ap)) for ml in _GRID_ML_MM for ap in _GRID_AP_MM]
    places = [LANDMARKS_MM[name] for name in names] + grid
    points = np.concatenate(
        [
            # An atlas may show a hemisphere, or another animal: names are missing there.
            drop_near_hull(places[: len(names)], annotation, bregma),
            drop_on_hull(grid, annotation, bregma),
        ]
    )
    seen, in_image = _visible(solution, annotation, points)
    after = np.full(len(points), np.inf)
    if seen.any():
        after[seen] = tilts_with_points_deg(wanting, points[seen])
    after[len(names) :] *= _NAMES_WIN_BY
    for allowed in (in_image, seen):
        best = int(np.where(allowed, after, np.inf).argmin())
        if allowed[best] and after[best] < _WORTH_IT * now:
            is_named = best < len(names)
            label = names[best] if is_named else "a point of the cortex"
            spread = after[best] / (1.0 if is_named else _NAMES_WIN_BY)
            return Advice(label, places[best], float(spread), bool(in_image[best]))
    return None


def _visible(
    solution: Solution, annotation: Annotation, points: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which points of the hull face the camera, and which of these lie in the image."""
    view = solution.model.view(solution.x)
    normals = BrainHull.of(annotation).normals(points)
    faces = normals @ view.pose.view_axis < 0.2  # the outline of the brain counts, too
    rows, cols, _ = view.project(points)
    height, width = view.shape
    inside = (rows >= 0) & (rows <= height - 1) & (cols >= 0) & (cols <= width - 1)
    return faces, faces & inside
