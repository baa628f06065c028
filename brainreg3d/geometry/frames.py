"""Where other tools' axes meet the atlas frame; flips and unit changes live here.

Two kinds of orientation letters are in use in this field and they are opposites. Upper case, as
in NWB or ITK, names the *direction* in which an axis grows: Allen's files are ``"PIR"``
(posterior, inferior, right). Lower case, as in BrainGlobe, names the *origin corner*: the same
array would be ``"asl"``. The functions here take directions in upper case only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError

ATLAS_DIRECTIONS = "SAR"
"""Directions of the (Z, Y, X) axes of every array in the atlas frame."""

_AXIS_OF_LETTER = {"S": 0, "I": 0, "A": 1, "P": 1, "R": 2, "L": 2}


def parse_directions(directions: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Say how an array with the given axis directions becomes an atlas array.

    Parameters
    ----------
    directions : str
        Three upper-case letters, one for each array axis, naming where it grows to; for example
        ``"PIR"`` for Allen's files read as (AP, DV, ML).

    Returns
    -------
    axes : tuple of int
        The argument for `numpy.transpose` that brings the axes into (Z, Y, X) order.
    flips : tuple of bool
        Which of the (Z, Y, X) axes have to be reversed afterwards.

    Raises
    ------
    InputError
        If the letters do not name the three anatomical axes once each.
    """
    letters = list(directions)
    if sorted(_AXIS_OF_LETTER.get(letter, -1) for letter in letters) != [0, 1, 2]:
        message = (
            f"An orientation is three upper-case letters, one of S/I, one of A/P and one of L/R, "
            f'naming where each array axis grows to, such as "PIR"; got {directions!r}.'
        )
        raise InputError(message)
    source = {_AXIS_OF_LETTER[letter]: axis for axis, letter in enumerate(letters)}
    flips = tuple(letters[source[axis]] != ATLAS_DIRECTIONS[axis] for axis in range(3))
    return (source[0], source[1], source[2]), (flips[0], flips[1], flips[2])


def reorient_to_atlas(volume: NDArray[Any], directions: str) -> NDArray[Any]:
    """Return a volume as a (Z, Y, X) view that grows to superior, anterior and right.

    Parameters
    ----------
    volume : numpy.ndarray, 3D
        A volume with axes in any order.
    directions : str
        Where its axes grow to, such as ``"PIR"``; see `parse_directions`.

    Returns
    -------
    numpy.ndarray, 3D
        A view, not a copy.
    """
    axes, flips = parse_directions(directions)
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    return volume.transpose(axes)[steps]


def reorient_from_atlas(volume: NDArray[Any], directions: str) -> NDArray[Any]:
    """Return a (Z, Y, X) atlas volume with its axes as `directions` says.

    The inverse of `reorient_to_atlas`.

    Parameters
    ----------
    volume : numpy.ndarray, 3D
        A volume in the atlas frame.
    directions : str
        Where the axes are to grow to, such as ``"PIR"``.

    Returns
    -------
    numpy.ndarray, 3D
        A view, not a copy.
    """
    axes, flips = parse_directions(directions)
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    return volume[steps].transpose(np.argsort(axes))


def to_ccf_layout(volume: NDArray[Any]) -> NDArray[Any]:
    """Return a (Z, Y, X) atlas volume as Allen lays it out: (AP, DV, ML), growing to PIR.

    The inverse of ``reorient_to_atlas(volume, "PIR")``.

    Parameters
    ----------
    volume : numpy.ndarray, 3D
        A volume in the atlas frame.

    Returns
    -------
    numpy.ndarray, 3D
        A view, not a copy.
    """
    return reorient_from_atlas(volume, "PIR")


def as_points(points: ArrayLike, what: str) -> NDArray[np.float64]:
    """Return what a user gave as points, or say what was expected.

    Parameters
    ----------
    points : array_like, shape (..., 3)
        What was given.
    what : str
        The three numbers and their unit, for the message.

    Returns
    -------
    numpy.ndarray, shape (..., 3)
        The same numbers.

    Raises
    ------
    InputError
        If they are no numbers, or not three of them for each point.
    """
    try:
        numbers = np.asarray(points, dtype=float)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.ndim == 0 or numbers.shape[-1] != 3:
        message = f"Points are {what}, of shape (3,) or (N, 3); got {points!r}."
        raise InputError(message)
    return numbers


def ccf_um_to_atlas_mm(points_um: ArrayLike, box_mm: ArrayLike) -> NDArray[np.float64]:
    """Turn CCF coordinates into atlas points.

    Parameters
    ----------
    points_um : array_like, shape (..., 3)
        (AP, DV, ML) in micrometres from the anterior-superior-left corner of the box.
    box_mm : array_like, shape (3,)
        Extent of the atlas box along (x, y, z) in mm.

    Returns
    -------
    numpy.ndarray, shape (..., 3)
        (x, y, z) in mm, in the atlas frame.
    """
    ap, dv, ml = np.moveaxis(np.asarray(points_um, dtype=float) / 1000.0, -1, 0)
    _, length, height = np.asarray(box_mm, dtype=float)
    return np.stack([ml, length - ap, height - dv], axis=-1)


def atlas_mm_to_ccf_um(points_mm: ArrayLike, box_mm: ArrayLike) -> NDArray[np.float64]:
    """Turn atlas points into CCF coordinates; the inverse of `ccf_um_to_atlas_mm`.

    Parameters
    ----------
    points_mm : array_like, shape (..., 3)
        (x, y, z) in mm, in the atlas frame.
    box_mm : array_like, shape (3,)
        Extent of the atlas box along (x, y, z) in mm.

    Returns
    -------
    numpy.ndarray, shape (..., 3)
        (AP, DV, ML) in micrometres from the anterior-superior-left corner of the box.
    """
    x, y, z = np.moveaxis(np.asarray(points_mm, dtype=float), -1, 0)
    _, length, height = np.asarray(box_mm, dtype=float)
    return np.stack([length - y, height - z, x], axis=-1) * 1000.0
