"""Whether the result of a registration can be trusted.

Optimisers always end somewhere. A brain that was found differs from an arbitrary best in three
ways: the tissues lie on each other, the volumes tell much about each other, and no other
orientation comes near. The limits below lie between what was measured on brains (spoilt in many
ways, and a real one against the average template) and on volumes that show none.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import RegistrationFailed
from brainreg3d.registration.images import map_points
from brainreg3d.registration.tissue import Tissue

LEAST_COVERED = 0.42
"""Least share of the atlas tissue that must be there: a hemisphere will do, a third will not."""

LEAST_SPAN = 0.45
"""Least share of the atlas brain's length, along its shortest cut, that must be there."""

MOSTLY_COVERED = 0.8
"""Below this share a warning says how much of the brain there is: what is left of a real brain with
a quarter cut off pulls the pose by up to 0.4 mm, since its shape is not quite the atlas's."""

LEAST_FILLED = 0.35
"""Least share of the volume's tissue that must lie in the atlas's: a head has more than brain."""

LEAST_INFORMATION = 0.2
"""In nats. A real brain: 0.47, the template itself 1.6; an extruded photograph 0.18, noise 0.03."""

CLEAR_GAP, LEAST_GAP = 1.3, 1.12
"""Information at the result over that at the best other orientation. A real brain: 1.6, a
quarter missing 2.5; an ellipsoid 1.01, a photograph 1.08, noise up to 1.1."""

LEAST_FINE_GAP, LEAST_INSIDE = 1.15, 0.1
"""The gap by grey values, which are compared where the one by classes is small, and the information
in nats deep within both tissues. A real brain with a quarter cut off: 1.19 and 0.12 or more; the
next best orientations: at most 0.09; an ellipsoid full of clouds, cut or not: 1.18 and 0.05."""

_MOST_TISSUE_RATIO = 20.0
_THINNEST_MM = 2.0


@attrs.frozen
class Overlap:
    """How the tissues of two volumes lie on each other.

    Parameters
    ----------
    dice : float
        Twice the common volume over the sum of both, 0 to 1.
    covered : float
        Share of the fixed tissue that lies in moving tissue.
    filled : float
        Share of the moving tissue that lies in fixed tissue.
    span : float
        Share of the fixed tissue's length that is covered, along the axis where that is least.
    """

    dice: float
    covered: float
    filled: float
    span: float = 1.0


@attrs.frozen
class Evidence:
    """What speaks for a pose.

    Parameters
    ----------
    information : float
        Mutual information in nats, by classes of brightness.
    gap : float
        How many times better the pose is than the best of any other orientation.
    inside : float, optional
        Mutual information by grey values deep within both tissues, if the gap is by those, too.
    """

    information: float
    gap: float
    inside: float | None = None


def check_tissue(fixed: Tissue, moving: Tissue) -> None:
    """Refuse volumes whose tissue cannot be that of a whole brain, before any search.

    Parameters
    ----------
    fixed, moving : Tissue
        The tissue of both volumes.

    Raises
    ------
    RegistrationFailed
        If the moving tissue is far too little, too much, or too flat.
    """
    ratio = moving.volume_mm3 / fixed.volume_mm3
    spans = [
        np.ptp(np.flatnonzero(moving.mask.any(axis=other))) + 1
        for other in ((1, 2), (0, 2), (0, 1))
    ]
    thinnest = float(np.min(np.array(spans) * np.array(moving.image.spacing_mm)))
    found = f"{moving.volume_mm3:.3g} mm³ of tissue"
    if thinnest < _THINNEST_MM:
        message = (
            f"The volume shows tissue only {thinnest:.2g} mm thick; expected a whole brain. Check "
            f"its spacing (in mm) and that it is a volume, not a slice."
        )
        raise RegistrationFailed(message)
    if ratio < 0.8 * LEAST_COVERED:
        message = (
            f"The volume shows {found}, {ratio:.0%} of the atlas's {fixed.volume_mm3:.0f} mm³; "
            f"expected at least {LEAST_COVERED:.0%}. Check its spacing (in mm)."
        )
        raise RegistrationFailed(message)
    if ratio > _MOST_TISSUE_RATIO:
        message = (
            f"The volume shows {found}, {ratio:.0f} times the atlas's {fixed.volume_mm3:.0f} mm³. "
            f"Check its spacing (in mm), or give a mask of the brain."
        )
        raise RegistrationFailed(message)


def measure_overlap(fixed: Tissue, moving: Tissue, matrix: NDArray[np.float64]) -> Overlap:
    """Return how the tissues lie on each other at a pose.

    Parameters
    ----------
    fixed, moving : Tissue
        The tissue of both volumes.
    matrix : numpy.ndarray, shape (4, 4)
        From fixed to moving points, mm.

    Returns
    -------
    Overlap
        Counted on the voxels of the fixed tissue.
    """
    points = fixed.image.points_mm(np.argwhere(fixed.mask))
    inside = moving.contains(map_points(matrix, points))
    covered = float(inside.mean())
    common = covered * fixed.volume_mm3
    return Overlap(
        2 * common / (fixed.volume_mm3 + moving.volume_mm3),
        covered,
        min(1.0, common / moving.volume_mm3),
        float(np.min(_lengths(points[inside]) / _lengths(points))),
    )


def _lengths(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far points reach along each axis, the outermost hundredths left out."""
    if not len(points_mm):
        return np.zeros(3)
    low, high = np.quantile(points_mm, (0.01, 0.99), axis=0)
    return np.asarray(high - low)


def judge(overlap: Overlap, evidence: Evidence) -> tuple[str, ...]:
    """Raise if a result cannot be trusted; return what is doubtful about it otherwise.

    Parameters
    ----------
    overlap : Overlap
        Of the tissues at the result.
    evidence : Evidence
        What the volumes tell about each other there.

    Returns
    -------
    tuple of str
        Warnings.

    Raises
    ------
    RegistrationFailed
        With the reason.
    """
    _check_evidence(evidence)
    if overlap.covered < LEAST_COVERED:
        raise RegistrationFailed(
            _failed(
                f"the volume covers only {overlap.covered:.0%} of the atlas brain, expected at "
                f"least {LEAST_COVERED:.0%}"
            )
        )
    if overlap.span < LEAST_SPAN:
        raise RegistrationFailed(
            _failed(
                f"the volume reaches over only {overlap.span:.0%} of the atlas brain's length, "
                f"expected at least {LEAST_SPAN:.0%}"
            )
        )
    if overlap.filled < LEAST_FILLED:
        raise RegistrationFailed(
            _failed(f"only {overlap.filled:.0%} of the volume's tissue lies in the atlas brain")
        )
    warnings = []
    if evidence.gap < CLEAR_GAP:
        warnings.append(
            f"Another orientation fits nearly as well (the chosen one is {evidence.gap:.2f} times "
            f"as good): look at the result. The spacing may be wrong, or in the wrong order "
            f"(Z, Y, X); if not, give the orientation."
        )
    if overlap.covered < MOSTLY_COVERED:
        warnings.append(
            f"The volume covers only {overlap.covered:.0%} of the atlas brain: its pose rests on "
            f"the shape of what is there."
        )
    return tuple(warnings)


def _check_evidence(evidence: Evidence) -> None:
    if evidence.information < LEAST_INFORMATION:
        raise RegistrationFailed(
            _failed(
                f"the volume and the atlas have next to nothing in common (mutual information "
                f"{evidence.information:.3f} nats at the best pose, expected {LEAST_INFORMATION:g})"
            )
        )
    if evidence.gap < (LEAST_GAP if evidence.inside is None else LEAST_FINE_GAP):
        raise RegistrationFailed(
            _failed(
                f"another orientation fits about as well, or better (the one found is "
                f"{evidence.gap:.2f} times as good)"
            )
        )
    if evidence.inside is not None and evidence.inside < LEAST_INSIDE:
        raise RegistrationFailed(
            _failed(
                f"the outlines may fit, but what lies within them has next to nothing in common "
                f"(mutual information {evidence.inside:.3f} nats, expected {LEAST_INSIDE:g})"
            )
        )


def _failed(reason: str) -> str:
    return (
        f"No pose of the volume can be trusted: {reason}. Check that it shows a whole mouse "
        f"brain, and that its spacing and its orientation, if given, are right; "
        f"RigidRegistrar(moving_mask=...) may help."
    )
