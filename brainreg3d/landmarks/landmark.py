"""A landmark: a place in the brain, and where it is seen in an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d.atlas import Annotation, BregmaPreset, find_bregma
from brainreg3d.errors import InputError
from brainreg3d.geometry import ccf_um_to_atlas_mm
from brainreg3d.landmarks.catalogue import LANDMARKS_MM, find_landmark
from brainreg3d.landmarks.drop import drop_on_hull


def _number(value: Any) -> float:
    numbers = finite_numbers(value, 1)
    if numbers is None:
        message = f"The row and the column of a landmark are finite numbers; got {value!r}."
        raise InputError(message)
    return numbers[0]


def _size(value: Any) -> float | None:
    numbers = None if value is None else finite_numbers(value, 1)
    if value is not None and (numbers is None or numbers[0] <= 0):
        message = f"The diameter of a window is a positive number; got {value!r}."
        raise InputError(message)
    return None if numbers is None else numbers[0]


def _stereotaxic(value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = finite_numbers(value, 2) or finite_numbers(value, 3)
    if numbers is None:
        message = (
            f"stereotaxic_mm is [ml, ap], or [ml, ap, dv], in mm from bregma (to the right, to "
            f"anterior, up); got {value!r}."
        )
        raise InputError(message)
    if max(abs(number) for number in numbers) > 1000:
        message = f"stereotaxic_mm is in mm, not µm; got {value!r}."
        raise InputError(message)
    return numbers


def _ccf(value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = finite_numbers(value, 3)
    if numbers is None:
        message = f"ccf_um is [ap, dv, ml] in µm; got {value!r}."
        raise InputError(message)
    return numbers


def _name(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        message = f"The name of a landmark is a text; got {value!r}."
        raise InputError(message)
    return value


@attrs.frozen
class Landmark:
    """A place in the brain that was found in an image.

    The place is given by a name of the catalogue, by `stereotaxic_mm` or by `ccf_um`; with
    coordinates, the name is a mere label.

    Parameters
    ----------
    row, col : float
        Where it is seen, in pixels; pixel centres are integers.
    name : str, optional
        A key of `LANDMARKS_MM`, or any label.
    stereotaxic_mm : tuple of float, optional
        (ML, AP) in mm from bregma, to the right and to anterior: the place on the brain's outer
        hull straight below. With a third number, up from bregma, the point itself.
    ccf_um : tuple of float, optional
        (AP, DV, ML) in µm from the anterior-superior-left corner of the atlas: the point itself.
    diameter_mm, diameter_px : float, optional
        For the centre of a round window: its diameter, and the larger one of its outline.
    """

    row: float = attrs.field(converter=_number)
    col: float = attrs.field(converter=_number)
    name: str | None = attrs.field(default=None, converter=_name)
    stereotaxic_mm: tuple[float, ...] | None = attrs.field(
        default=None, converter=_stereotaxic, kw_only=True
    )
    ccf_um: tuple[float, ...] | None = attrs.field(default=None, converter=_ccf, kw_only=True)
    diameter_mm: float | None = attrs.field(default=None, converter=_size, kw_only=True)
    diameter_px: float | None = attrs.field(default=None, converter=_size, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.stereotaxic_mm is not None and self.ccf_um is not None:
            message = (
                f"Landmark {self.label!r} has both stereotaxic_mm and ccf_um; give one of them."
            )
            raise InputError(message)
        if self.stereotaxic_mm is None and self.ccf_um is None:
            if self.name is None:
                message = (
                    'A landmark needs a "name", or "stereotaxic_mm": [ml, ap], or "ccf_um": '
                    "[ap, dv, ml]; got none of them."
                )
                raise InputError(message)
            object.__setattr__(self, "name", find_landmark(self.name))

    @property
    def label(self) -> str:
        """What to call it: its name, or its coordinates."""
        if self.name is not None:
            return self.name
        if self.ccf_um is not None:
            return "CCF ({:g}, {:g}, {:g}) µm".format(*self.ccf_um)
        numbers = ", ".join(f"{number:g}" for number in self.stereotaxic_mm or ())
        return f"stereotaxic ({numbers}) mm"


def positions_mm(
    landmarks: Sequence[Landmark], annotation: Annotation, bregma: str | BregmaPreset
) -> NDArray[np.float64]:
    """Return where landmarks lie in the atlas.

    Parameters
    ----------
    landmarks : sequence of Landmark
        The landmarks; where they are seen does not matter.
    annotation : Annotation
        The brain, whose outer hull those without a depth lie on.
    bregma : str or BregmaPreset
        The convention that stereotaxic coordinates refer to.

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        (x, y, z) in mm in the atlas frame.

    Raises
    ------
    InputError
        If one does not lie on the brain, or not in the atlas.
    """
    preset = find_bregma(bregma) if isinstance(bregma, str) else bregma
    box = annotation.grid.box_mm
    points = np.full((len(landmarks), 3), np.nan)
    on_hull = []
    for number, landmark in enumerate(landmarks):
        place = landmark.stereotaxic_mm
        if landmark.ccf_um is not None:
            points[number] = _in_box(landmark, ccf_um_to_atlas_mm(landmark.ccf_um, box), box)
        elif place is not None and len(place) == 3:
            points[number] = _in_box(landmark, preset.to_atlas_mm(place, box), box)
        else:
            on_hull.append(number)
    chosen = [landmarks[number] for number in on_hull]
    places = [lm.stereotaxic_mm or LANDMARKS_MM[str(lm.name)] for lm in chosen]
    points[on_hull] = drop_on_hull(places, annotation, preset, [lm.label for lm in chosen])
    return points


def _in_box(
    landmark: Landmark, point: NDArray[np.float64], box: tuple[float, float, float]
) -> NDArray[np.float64]:
    if np.any(point < 0) or np.any(point > box):
        extent = [round(1000 * side) for side in (box[1], box[2], box[0])]
        message = (
            f"Landmark {landmark.label} lies outside of the atlas, which is {extent} µm long, high "
            f"and wide (AP, DV, ML)."
        )
        raise InputError(message)
    return point
