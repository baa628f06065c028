"""What the command line says of how certain labels are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brainreg3d.result import Result

_SHARE = 0.95
_QUICK_PX = 200_000
"""Up to here 128 draws of rays at 25 µm take less than ten seconds of one core: 3.6 s for 251 x 400
pixels. Larger images, and methods without rays, have to be asked for."""


def confidence_line(result: Result, *, asked: bool, method: str = "exact") -> str | None:
    """Return a line on the share of labelled pixels that keep their region.

    Parameters
    ----------
    result : Result
        Of a whole run.
    asked : bool
        Whether the user said how uncertain the pose is, and so wants to know however long it takes.
    method : str
        The method of the run.

    Returns
    -------
    str or None
        None where nothing is known, or where it would take long and was not asked for.
    """
    labels, sigma = result.labels, result.pose_sigma
    if labels is None or sigma is None or not labels.any():
        return None
    if not asked and (method != "exact" or labels.size > _QUICK_PX):
        return None
    part = (result.confidence[labels > 0] >= _SHARE).mean()
    return (
        f"Confidence: {part:.0%} of the labelled pixels keep their region in {_SHARE:.0%} of the "
        f"poses drawn (1 sigma: {sigma})."
    )
