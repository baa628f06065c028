"""Points whose places are lengths, and what points count in."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import finite_numbers, read_only
from brainreg3d._logging import logger
from brainreg3d.errors import InputError
from brainreg3d.lookup.rois import Rois, gather, point

PIXELS = "px"
UNITS_MM = {"mm": 1.0, "um": 0.001}
"""Units of lengths, and how many mm each is."""

UNITS = (PIXELS, *UNITS_MM)
"""All that points may count in."""

FARTHEST = 1 << 30
"""No place is farther from the corner of an image, in whatever it counts."""

_FEWEST_TO_WARN, _LARGEST_PIXEL_MM = 3, 0.1


def _texts(values: Any) -> tuple[str, ...]:
    try:
        # A text is a sequence of letters, which nobody means as names.
        names = None if isinstance(values, str) else tuple(values)
    except TypeError:
        names = None
    if names is None or not all(isinstance(name, str) for name in names):
        message = f"names of points are texts, one for each; got {values!r}."
        raise InputError(message)
    return names


def _pairs_mm(values: Any) -> NDArray[np.float64]:
    expected = "places_mm are pairs of numbers in mm, (down, to the right), of shape (R, 2)"
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "iufO":
            message = f"{expected}; got {given.dtype} of shape {given.shape}."
            raise InputError(message)
        places = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        message = f"{expected}; got what is no array of numbers ({error})."
        raise InputError(message) from error
    if places.ndim != 2 or places.shape[1] != 2:
        message = f"{expected}; got shape {places.shape}."
        raise InputError(message)
    wrong = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if wrong.size:
        down, right = places[wrong[0]]
        message = (
            f"{expected}, all finite; got ({down:g}, {right:g}) in row {wrong[0]} (rows like it: "
            f"{wrong.size}). Leave out points without a place."
        )
        raise InputError(message)
    return read_only(places)  # type: ignore[no-any-return]


def _one_each(points: Points, _: Any, places_mm: NDArray[np.float64]) -> None:
    if len(points.names) != len(places_mm):
        message = (
            f"There are {len(points.names)} names of points and {len(places_mm)} rows of "
            f"places_mm; expected one name for each."
        )
        raise InputError(message)


@attrs.frozen(eq=False)
class Points:
    """Points of a recording in mm, as long as it is not known how large its pixels are.

    Parameters
    ----------
    names : sequence of str
        One for each point; kept as a tuple.
    places_mm : array_like, shape (R, 2)
        How far each lies (down, to the right) from the upper left corner of the recording, the
        outer corner of its first pixel. Kept as a copy that is read-only.

    Raises
    ------
    InputError
        If names are no texts, places no pairs of finite numbers, or there are more of one than of
        the other.
    """

    names: tuple[str, ...] = attrs.field(converter=_texts)
    places_mm: NDArray[np.float64] = attrs.field(
        converter=_pairs_mm, validator=_one_each, repr=False
    )

    def __len__(self) -> int:
        return len(self.names)

    def in_pixels(self, pixel_size_mm: tuple[float, float]) -> Rois:
        """Return the pixels that points lie in.

        Parameters
        ----------
        pixel_size_mm : tuple of float
            (row, column) size of a pixel of the recording.

        Returns
        -------
        Rois
            One pixel each.

        Raises
        ------
        InputError
            If a point lies beyond any recording, or the size is no two numbers above 0.
        """
        size_mm = finite_numbers(pixel_size_mm, 2)
        if size_mm is None or min(size_mm) <= 0:
            message = (
                f"pixel_size_mm is two numbers above 0 in mm, (row, column); got {pixel_size_mm!r}."
            )
            raise InputError(message)
        with np.errstate(over="ignore"):  # it is far beyond any recording then
            places_px = self.places_mm / size_mm - 0.5
        if np.abs(places_px).max(initial=0) > FARTHEST:
            message = (
                f"Points lie up to {np.abs(self.places_mm).max():g} mm from the corner of the "
                f"image; expected places in it. Check point_unit (--point-unit)."
            )
            raise InputError(message)
        places = zip(self.names, places_px.tolist(), strict=True)
        return gather([point(name, "point", row, col) for name, (row, col) in places])


def warn_of_millimetres(
    rois: Rois, shape: tuple[int, int], pixel_size_mm: tuple[float, float]
) -> None:
    """Warn of points in pixels where points in mm would lie, all in one corner of the image.

    Only of those whose table can be read in mm as well: others cannot mean mm.

    Parameters
    ----------
    rois : Rois
        In pixels.
    shape : tuple of int
        (rows, columns) of the image.
    pixel_size_mm : tuple of float
        (row, column) size of its pixels.
    """
    places = rois.centers_px
    if len(rois) < _FEWEST_TO_WARN or not rois.perhaps_mm:
        return
    extent_mm = np.array(shape) * pixel_size_mm
    in_corner = ((places >= 0) & (places < extent_mm)).all()
    if in_corner and max(pixel_size_mm) <= _LARGEST_PIXEL_MM and np.any(places % 1):
        logger.warning(
            "All %d points lie in the first %.3g x %.3g pixels (rows x columns) of the image, "
            "where they would if they were in mm. If they are, say so: point_unit='mm' "
            "(--point-unit mm).",
            len(rois),
            *places.max(axis=0),
        )


def check_point_unit(unit: str) -> None:
    """Refuse what is no unit.

    Parameters
    ----------
    unit : str
        What was given.

    Raises
    ------
    InputError
        If it is none of those known.
    """
    if not isinstance(unit, str) or unit not in UNITS:
        message = f"point_unit is one of {', '.join(UNITS)} (--point-unit); got {unit!r}."
        raise InputError(message)
