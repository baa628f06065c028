"""Why regions have no pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import Projections, Samples, Visibility, VisibleSamples, cell_numbers
from brainreg3d.steps.visibility import count_visibility

_OTHER_SIDE = {"left": "right", "right": "left"}
_MOST_HIDERS = 3
_LEAST_SHARE = 0.005  # rounds to 1 %


def explain_unseen(
    labels: NDArray[np.uint16],
    visible: VisibleSamples,
    regions: RegionSet,
    projections: Projections | None,
    atlas: Atlas | None,
    window_mask: NDArray[np.bool_] | None,
    hemisphere: str,
) -> dict[str, str]:
    """Tell why regions have no pixel.

    Parameters
    ----------
    labels : numpy.ndarray of uint16, shape (H, W)
        What was labelled.
    visible : VisibleSamples
        The nearest sample of each cell of the whole image.
    regions : RegionSet
        The regions.
    projections : Projections or None
        All samples; tell what hides a region in the part of the image that is labelled.
    atlas : Atlas or None
        Names what hides a region.
    window_mask : numpy.ndarray of bool, shape (H, W), or None
        Where the image is labelled.
    hemisphere : {"both", "left", "right"}
        Which side is labelled.

    Returns
    -------
    dict of str to str
        A reason for the acronym of each region without a pixel.
    """
    counts = np.bincount(labels.ravel(), minlength=len(regions) + 1)[1:]
    missing = np.flatnonzero(counts == 0).tolist()
    if not missing:
        return {}
    depth_um = 0.0 if projections is None else projections.label_depth_um
    if hemisphere == "both" and window_mask is None:
        return {
            visible.visibility[place].acronym: _reason(visible, regions, place, depth_um)
            for place in missing
        }
    right = None if hemisphere == "both" else hemisphere == "right"
    parts: tuple[Visibility, ...] | None = None
    if projections is not None:
        parts = count_visibility(
            projections, visible.samples, visible.cell_px, regions, atlas,
            within=window_mask, right=right,
        )  # fmt: skip
    on_side = _on_side(visible.samples, right)
    in_window = _in_window(visible, window_mask)
    reasons = {}
    for place in missing:
        own = visible.samples.region == place + 1
        if np.any(own & on_side & in_window):
            reason = "too small to be labelled"
        elif parts is not None and parts[place].n_projected:
            reason = _hidden_by(parts[place], depth_um)
        elif np.any(own & on_side):
            reason = "seen only outside the imaging window"
        elif np.any(own):
            reason = (
                f"seen only in the {_OTHER_SIDE[hemisphere]} hemisphere, not in the {hemisphere}"
            )
        else:
            reason = _reason(visible, regions, place, depth_um)
        reasons[visible.visibility[place].acronym] = reason
    return reasons


def _reason(visible: VisibleSamples, regions: RegionSet, place: int, depth_um: float) -> str:
    """Return why a region has no pixel in an image that is labelled as a whole."""
    report = visible.visibility[place]
    if not regions[place].structure_ids:
        return "all of it belongs to regions inside it"
    if report.n_projected == 0:
        return "outside the image"
    return _hidden_by(report, depth_um) if report.n_visible == 0 else "too small to be labelled"


def _hidden_by(report: Visibility, depth_um: float) -> str:
    shares = [(n, s) for n, s in report.hidden_by[:_MOST_HIDERS] if s >= _LEAST_SHARE]
    hiders = [f"{name} ({share:.0%})" for name, share in shares]
    others = ", ".join(hiders) or "other tissue"
    if depth_um:
        return f"not {depth_um:g} µm below the surface, where {others} is labelled"
    return f"hidden by {others}"


def _on_side(samples: Samples, right: bool | None) -> NDArray[np.bool_]:
    return np.ones(len(samples), dtype=bool) if right is None else samples.right == right


def _in_window(visible: VisibleSamples, window_mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    if window_mask is None:
        return np.ones(len(visible.samples), dtype=bool)
    return window_mask.ravel()[cell_numbers(visible.samples, visible.image_shape, 1)]
