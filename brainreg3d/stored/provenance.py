"""What is said of how a loaded result came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas
from brainreg3d.io.hashing import sha256_of_array
from brainreg3d.pose_sigma import PoseSigma, given_numbers
from brainreg3d.provenance import describe_atlas, describe_software, describe_step
from brainreg3d.steps import Step
from brainreg3d.stored.record import Record

_SAID_BY_STEPS = frozenset({
    "brain_regions", "method", "overlap", "occluders", "label_depth_um", "along", "hemisphere",
    "pose_sigma_mm", "pose_sigma_deg",
})  # fmt: skip
"""Arguments that are wholly recorded by steps, names and numbers."""


def provenance_of(
    record: Record,
    given: Mapping[str, Any],
    steps: Mapping[str, Step],
    brain_regions: tuple[str | int, ...],
    sigma: PoseSigma | None,
    *,
    is_labelled_again: bool,
    window_mask: NDArray[np.bool_] | None,
    atlas: Atlas,
) -> dict[str, Any]:
    """Return inputs, steps and versions behind a loaded result.

    Parameters
    ----------
    record : Record
        Of the run.
    given : mapping
        Arguments that are given anew.
    steps : mapping of str to Step
        The steps that label, by slot.
    brain_regions : tuple of str or int
        Regions as they are asked for now.
    sigma : PoseSigma or None
        How uncertain the user says that the pose is.
    is_labelled_again : bool
        Whether labels are computed now, and not those of the file.
    window_mask : numpy.ndarray of bool, shape (H, W), or None
        The mask that holds now.
    atlas : Atlas
        The atlas that holds now.

    Returns
    -------
    dict
        As the run recorded it, with what holds now. Without steps where an image, a place or an
        atlas was given that the files of the run do not hold: nothing could repeat it from them.
    """
    if not record.run:
        return {}
    content = {**record.provenance, **given_numbers(sigma)}
    if not is_labelled_again:
        return content
    content |= describe_software()
    content["brain_regions"] = list(brain_regions)
    content["method"] = given.get("method", content["method"])
    content["atlas"] = describe_atlas(atlas)
    if window_mask is not None:
        earlier = content.get("window_mask") or {"file": None}
        file = None if "window_mask" in given else earlier["file"]
        content["window_mask"] = {"file": file, "sha256": sha256_of_array(window_mask)}
    if not set(given) <= _SAID_BY_STEPS:
        del content["steps"]
        return content
    content["steps"] = [
        describe_step(entry["slot"], steps[entry["slot"]], record.folder)
        if entry["slot"] in steps and entry["slot"] != "MaskWriter"
        else entry
        for entry in content["steps"]
    ]
    return content
