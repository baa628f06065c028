"""From the numbers of the phantom's shape to the arrays that the compiled code takes."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brainreg3d.sources.phantom._shape import (
    AGRANULAR,
    AREA_CENTERS,
    BRAINSTEM,
    GRANULAR,
    HULL_CENTER,
    HULL_RADII,
    INNER,
    MARKER_LATERAL_AP_DV_MM,
    MARKER_RADIUS_MM,
    OUTER,
    PHANTOM_BOX_MM,
    SHEETS,
    SINGLE,
)
from brainreg3d.sources.phantom.structures import layer_ids, phantom_structures


class Tables(NamedTuple):
    """What the compiled functions need; plain arrays, so that numba can take them.

    Parameters
    ----------
    hull : numpy.ndarray, shape (3, 181, 361)
        Radius of the cerebrum's surface about `hull_center`, and its derivatives by polar and
        azimuth angle, on a grid of one degree.
    hull_center : numpy.ndarray, shape (3,)
        (lateral, ap, dv) in mm.
    seeds : numpy.ndarray, shape (S, 4)
        Centres (lateral, ap, dv) of the parts of the cerebrum's surface in mm, and their weight
        in mm².
    seed_area : numpy.ndarray of int64, shape (S,)
        Row of `layers` each centre belongs to.
    layers : numpy.ndarray of int64, shape (A, 6)
        Structure codes of layers 1, 2/3, 4, 5, 6a and 6b of each area.
    bounds : numpy.ndarray, shape (A, 6)
        Lower bound of each layer as a fraction of the thickness.
    thickness : numpy.ndarray, shape (A,)
        Thickness of each area relative to the isocortex.
    n_isocortex : int
        The first so many areas are isocortex.
    bodies : numpy.ndarray, shape (B, 8)
        Superellipsoids: centre (lateral, ap, dv), half axes, exponent, and how far the centre
        moves laterally per mm towards posterior. Within a group the first match wins.
    body_code : numpy.ndarray of int64, shape (B,)
        Structure code of each body.
    groups : numpy.ndarray of int64, shape (4,)
        Where brainstem, inner and outer bodies begin in `bodies`, and their number.
    codes : numpy.ndarray of int64
        Codes of single structures, in the order of ``_shape.SINGLE``.
    marker : numpy.ndarray, shape (4,)
        Centre (lateral, ap, dv) and radius of the marker in mm.
    """

    hull: NDArray[np.float64]
    hull_center: NDArray[np.float64]
    seeds: NDArray[np.float64]
    seed_area: NDArray[np.int64]
    layers: NDArray[np.int64]
    bounds: NDArray[np.float64]
    thickness: NDArray[np.float64]
    n_isocortex: int
    bodies: NDArray[np.float64]
    body_code: NDArray[np.int64]
    groups: NDArray[np.int64]
    codes: NDArray[np.int64]
    marker: NDArray[np.float64]


@functools.cache
def code_ids() -> NDArray[np.uint32]:
    """Return the structure id behind each code of the compiled functions.

    Returns
    -------
    numpy.ndarray of uint32, shape (N,)
        In ascending order; the first is 0, outside the brain.
    """
    tree = phantom_structures()
    acronyms = [*SINGLE, *SHEETS]
    acronyms += [body[0] for body in (*BRAINSTEM, *INNER, *OUTER)]
    ids = {tree.find(acronym).id for acronym in acronyms}
    ids.update(i for row in layer_ids().values() for i in row if i)
    return np.array([0, *sorted(ids)], dtype=np.uint32)


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def _hull() -> NDArray[np.float64]:
    """Return the radii and their derivatives on a grid of one degree."""
    from scipy.interpolate import RectBivariateSpline  # slow to import

    radii = np.array([_numbers(line) for line in HULL_RADII.strip().splitlines()])
    # Past a pole the surface goes on at the opposite angle.
    over = np.roll(radii, 6, axis=1)
    rows = np.concatenate([over[3:0:-1], radii, over[-2:-5:-1]])
    table = np.concatenate([rows[:, -3:], rows, rows[:, :4]], axis=1)
    polar = np.deg2rad(np.arange(-3, 16) * 15.0)
    azimuth = np.deg2rad(np.arange(-3, 16) * 30.0)
    spline = RectBivariateSpline(polar, azimuth, table)
    at = np.deg2rad(np.arange(181.0)), np.deg2rad(np.arange(361.0))
    return np.stack([spline(*at), spline(*at, dx=1), spline(*at, dy=1)])


def _areas() -> tuple[list[str], NDArray[np.float64], NDArray[np.int64]]:
    """Return the names of the surface's areas, all centres, and the area of each centre."""
    names: list[str] = []
    centers: list[list[float]] = []
    owner: list[int] = []
    for line in AREA_CENTERS.strip().splitlines():
        name, *cells = line.split("|")
        centers += [_numbers(cell) for cell in cells]
        owner += [len(names)] * len(cells)
        names.append(name.strip())
    return names, np.array(centers), np.array(owner, dtype=np.int64)


def _layers(
    names: list[str], code_of: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the codes and the lower bounds of the layers of each area."""
    code_of_id = {int(identifier): code for code, identifier in enumerate(code_ids())}
    codes = np.zeros((len(names), 6), dtype=np.int64)
    bounds = np.ones((len(names), 6))
    for row, name in enumerate(names):
        if name in SHEETS:
            codes[row] = code_of[name]
            continue
        codes[row] = [code_of_id[identifier] for identifier in layer_ids()[name]]
        bounds[row] = GRANULAR if layer_ids()[name][2] else AGRANULAR
    return codes, bounds


@functools.cache
def shape_tables() -> Tables:
    """Return everything the compiled functions need.

    Returns
    -------
    Tables
        Plain arrays, made once.
    """
    tree = phantom_structures()
    place = {int(identifier): code for code, identifier in enumerate(code_ids())}
    code_of = {s.acronym: place[s.id] for s in tree if s.id in place}
    names, centers, owner = _areas()
    layers, bounds = _layers(names, code_of)
    bodies = [*BRAINSTEM, *INNER, *OUTER]
    groups = np.cumsum([0, len(BRAINSTEM), len(INNER), len(OUTER)])
    return Tables(
        hull=_hull(),
        hull_center=np.array(HULL_CENTER),
        seeds=centers,
        seed_area=owner,
        layers=layers,
        bounds=bounds,
        thickness=np.array([SHEETS.get(name, 1.0) for name in names]),
        n_isocortex=sum(name not in SHEETS for name in names),
        bodies=np.array([[*at, *half, power, shift] for _, at, half, power, shift in bodies]),
        body_code=np.array([code_of[body[0]] for body in bodies], dtype=np.int64),
        groups=groups.astype(np.int64),
        codes=np.array([code_of[acronym] for acronym in SINGLE], dtype=np.int64),
        marker=np.array([*MARKER_LATERAL_AP_DV_MM, MARKER_RADIUS_MM]),
    )


def codes_at_points(
    points_mm: NDArray[np.float64], right: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Return the structure codes at atlas points; see `code_ids`.

    Parameters
    ----------
    points_mm : numpy.ndarray, shape (N, 3)
        Points (x, y, z) in mm in the atlas frame.
    right : numpy.ndarray of bool, shape (N,), optional
        Which points to treat as lying on the right, where the marker is; by default those that do.

    Returns
    -------
    numpy.ndarray of int64, shape (N,)
        Codes; 0 outside the brain.
    """
    from brainreg3d.sources.phantom._kernel import codes_at  # numba is slow to import

    width, length, height = PHANTOM_BOX_MM
    x, y, z = np.moveaxis(np.asarray(points_mm, dtype=float), -1, 0)
    lateral = x - width / 2
    if right is None:
        right = lateral > 0.0
    folded = np.stack([np.abs(lateral), length - y, height - z], axis=1)
    return np.asarray(codes_at(folded, right, shape_tables()))
