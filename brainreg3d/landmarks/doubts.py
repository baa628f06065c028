"""What is doubtful about a pose from landmarks, in words."""

from __future__ import annotations

import attrs
import numpy as np

from brainreg3d.atlas import Annotation, BregmaPreset
from brainreg3d.landmarks._problem import CLICK_NOISE_MM, SCALE
from brainreg3d.landmarks._solve import Solution, solve
from brainreg3d.landmarks._spread import pose_spread
from brainreg3d.landmarks.advice import advise
from brainreg3d.landmarks.result import LandmarkFit

UNCERTAIN_TILT_DEG = 3.0
"""A tilt that is less certain than this is warned about: 3° move the side of the cortex, 3 mm
below its top, by 0.15 mm against it."""

_POOR_FIT = 3.0
_OTHER_SCALE = 0.02
_SIDEWAYS = 0.7  # sine of the turn, 45 degrees and more
_TRANSPOSED = (
    "Rows and columns of the landmarks are swapped: many lie beside the image, but with each taken "
    "for the other all lie inside. The row counts down from the top, the column from the left; "
    "programs for images often show x, the column, first."
)


def doubts(
    fit: LandmarkFit,
    solution: Solution,
    annotation: Annotation,
    bregma: BregmaPreset,
    mirrored: bool | None,
    mirror_told: bool,
) -> list[str]:
    """Say what is doubtful.

    Parameters
    ----------
    fit : LandmarkFit
        The fit.
    solution : Solution
        How it was found.
    annotation : Annotation
        The brain.
    bregma : BregmaPreset
        The convention of stereotaxic coordinates.
    mirrored : bool or None
        What was given.
    mirror_told : bool
        Whether the landmarks tell if the image is mirrored.

    Returns
    -------
    list of str
        One sentence or two for each doubt; empty if there is none.
    """
    if _is_transposed(fit, solution):
        return [_TRANSPOSED]  # what else is odd follows from it
    other_scale = _scale(fit, solution)
    return [
        *_left_out(fit),
        *_given_twice(fit),
        *(other_scale or _poor_fit(fit)),
        *_mirror(fit, solution, mirrored, mirror_told),
        *_tilt(fit, solution, annotation, bregma),
    ]


def _is_transposed(fit: LandmarkFit, solution: Solution) -> bool:
    """Tell whether rows and columns were surely swapped, rather than blame the names.

    That is a mirror image, as a swap of names is; but clicks that lie beside the image until they
    are swapped leave no doubt.
    """
    if not (fit.view.pose.mirrored or _from_behind(fit, solution)):
        return False
    clicks = np.array([(landmark.row, landmark.col) for landmark in fit.landmarks])
    last = np.array(fit.view.shape) - 0.5
    inside, swapped = (
        bool(np.all((pixels >= -0.5) & (pixels <= last))) for pixels in (clicks, clicks[:, ::-1])
    )
    return swapped and not inside


def _from_behind(fit: LandmarkFit, solution: Solution) -> bool:
    """Tell whether the image looks at the brain from the side that it is not expected on."""
    return bool(fit.view.pose.view_axis @ solution.model.problem.expected_up > 0)


def _left_out(fit: LandmarkFit) -> list[str]:
    """Name landmarks that were left out."""
    off = fit.residuals_mm
    return [
        f"Landmark {fit.landmarks[number].label} lies {off[number]:.2f} mm from where the others "
        f"place it and was left out; check its name and its position."
        for number in np.flatnonzero(~fit.used)
    ]


def _given_twice(fit: LandmarkFit) -> list[str]:
    """Name landmarks that were clicked more than once, which may be a slip of the name."""
    labels = [landmark.label for landmark in fit.landmarks]
    return [
        f"Landmark {label} is given {labels.count(label)} times; each counts. If one of them is "
        f"another place, correct its name."
        for label in dict.fromkeys(labels)
        if labels.count(label) > 1
    ]


def _poor_fit(fit: LandmarkFit) -> list[str]:
    """Say when landmarks contradict each other, and no single one of them is to blame."""
    if fit.noise_mm <= _POOR_FIT * CLICK_NOISE_MM:
        return []
    off = np.where(fit.used, fit.residuals_mm, 0.0)
    worst = int(off.argmax())
    text = (
        f"The landmarks do not fit together: {fit.landmarks[worst].label} lies {off[worst]:.2f} mm "
        f"from where the pose sees it, the others {np.median(off):.2f} mm (median). Check names, "
        f"sides and the pixel size."
    )
    return [text]


def _tilt(
    fit: LandmarkFit, solution: Solution, annotation: Annotation, bregma: BregmaPreset
) -> list[str]:
    """Say how uncertain the tilt is, and what would help."""
    spread = fit.spread
    if spread.tilt_deg is not None and spread.tilt_deg <= UNCERTAIN_TILT_DEG:
        return []
    if spread.tilt_deg is None:
        pose = fit.view.pose
        text = (
            f"The landmarks cannot fix the tilt of the image; it was taken as pitch "
            f"{pose.pitch_deg:.1f}°, roll {pose.roll_deg:.1f}°, and is not known."
        )
    else:
        text = (
            f"The tilt is uncertain by {spread.tilt_deg:.1f}° (1 sigma; pitch "
            f"{spread.pitch_deg:.1f}°, roll {spread.roll_deg:.1f}°)."
        )
    given = [landmark.label for landmark in fit.landmarks]
    advice = advise(solution, annotation, bregma, given)
    return [text if advice is None else f"{text} Add {advice}."]


def _mirror(fit: LandmarkFit, solution: Solution, mirrored: bool | None, told: bool) -> list[str]:
    """Say when a mirror was assumed or found, or was missing."""
    if mirrored is None and not told:
        text = (
            "The landmarks cannot tell whether the image is mirrored; it was taken as not "
            "mirrored. Say so if it is, or add a landmark beside the line through the others."
        )
        return [text]
    slips = ["left and right are swapped in their names", "row and column in their positions"]
    if abs(np.sin(np.radians(fit.view.pose.yaw_deg))) > _SIDEWAYS:
        # As an upright image comes to lie when rows and columns are swapped.
        slips = ["row and column are swapped in their positions", "left and right in their names"]
    if _from_behind(fit, solution):
        text = (
            f"With mirrored={bool(mirrored)} the landmarks only fit an image that is taken from "
            f"the other side of the brain. Either mirrored is wrong, or {slips[0]}, or {slips[1]}."
        )
        return [text]
    if mirrored is None and fit.view.pose.mirrored:
        text = (
            f"The landmarks only fit a mirrored image, and it was taken as one. If it is not, "
            f"{slips[0]}, or {slips[1]}."
        )
        return [text]
    return []


def _scale(fit: LandmarkFit, solution: Solution) -> list[str]:
    """Say when the landmarks contradict the pixel size that was given."""
    if "scale" in fit.free or len(fit.landmarks) < 3:
        return []
    problem = attrs.evolve(solution.model.problem, scale_known=False)
    tilted = "tilt" in fit.free
    free = solve(problem, solution.model.mirrored, tilt=tilted, one_start=True)
    spread = pose_spread(free).scale or np.inf
    change = float(free.x[SCALE])
    if abs(change) < max(_OTHER_SCALE, 3.0 * spread):
        return []
    size = fit.view.pixel_size_mm[1]
    text = (
        f"The landmarks say that a pixel is {size * np.exp(change):.4g} mm wide, not {size:.4g} "
        f"mm; check the pixel size."
    )
    return [text]
