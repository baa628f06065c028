"""The table of ROIs and the regions that they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import BregmaPreset, ccf_to_stereotaxic
from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView
from brainreg3d.io.atomic import atomic_files
from brainreg3d.lookup.border import border_distances_mm
from brainreg3d.lookup.covered import Covered
from brainreg3d.lookup.placement import Placement
from brainreg3d.lookup.points import PIXELS, Points, check_point_unit, warn_of_millimetres
from brainreg3d.lookup.read import read_rois
from brainreg3d.lookup.rois import Rois
from brainreg3d.result import NotComputed, Result
from brainreg3d.state import LEFT, RIGHT
from brainreg3d.steps.exporting import no_result

if TYPE_CHECKING:
    import pandas as pd

_DECIMALS = {
    "row_px": 3, "col_px": 3, "share": 4, "ap_um": 1, "dv_um": 1, "ml_um": 1,
    "stereotaxic_ml_mm": 4, "stereotaxic_ap_mm": 4, "stereotaxic_dv_mm": 4,
    "distance_to_border_mm": 4, "confidence": 3,
}  # fmt: skip
_SIDES = {LEFT: "left", RIGHT: "right", 0: ""}


def look_up_rois(
    rois: str | Path | Rois | Points | NDArray[np.integer],
    result: Result,
    *,
    binning: int = 1,
    crop_origin: Sequence[int] | None = None,
    bregma: str | BregmaPreset | None = None,
    point_unit: str = PIXELS,
) -> pd.DataFrame:
    """Find the regions that ROIs lie in.

    Parameters
    ----------
    rois : path-like, Rois, Points or array_like
        ROIs, or where to read them; see `read_rois`.
    result : Result
        An image that is labelled; that of an earlier run by `BrainReg3D.load`.
    binning : int
        Pixels of the aligned image along each side of a pixel of the recording that ROIs were made
        on. Each pixel of a ROI then stands for all pixels of the image that it covers.
    crop_origin : sequence of int, optional
        (row, column) in the aligned image of the first pixel of a recording that shows a part.
    bregma : str or BregmaPreset, optional
        What stereotaxic positions count from; that of the alignment when not given.
    point_unit : {"px", "mm", "um"}
        What a CSV of points counts in; see `read_rois`. Pixels are as large as the alignment says,
        times `binning`.

    Returns
    -------
    pandas.DataFrame
        One line for each ROI, in order:

        - ``name``, ``kind``, ``n_pixels``; ``n_outside``, those of them outside the aligned image;
        - ``row_px``, ``col_px``: its middle in the aligned image, pixel centres at integers. For
          suite2p weighted by ``lam``;
        - ``region``, ``region_id``, ``region_name``: the region that most of its pixels are in, or
          empty where most are in none. Of equal shares the region that was named first;
        - ``hemisphere``: ``"left"`` or ``"right"``, by most of its pixels on the brain;
        - ``share``: of its pixels in that region; ``shares``: in all regions, such as
          ``"VISp:0.8000;VISl:0.2000"``, the largest first. What is missing to 1 is in none, or
          outside;
        - ``ap_um``, ``dv_um``, ``ml_um``: the surface under its middle in the CCF, in µm from the
          anterior-superior-left corner; ``stereotaxic_ml_mm``, ``stereotaxic_ap_mm``,
          ``stereotaxic_dv_mm``: from bregma to the right, to anterior and up;
        - ``distance_to_border_mm``: from there straight to the nearest border of its region that
          the image shows; negative where the middle lies outside of the region;
        - ``confidence``, where it is known how certain the pose is: in which share of poses the
          pixels keep their labels, on average;
        - ``iscell``, ``iscell_probability``: suite2p's verdicts, where there are any.

    Raises
    ------
    NotComputed
        If the run ended before the labels.
    MissingFileError
        If there is no such file.
    InputError
        If ROIs cannot be read, do not fit the image, or an argument makes no sense.
    """
    import pandas as pd

    if not isinstance(result, Result):
        raise no_result(result)
    labels, alignment = result.labels, result.alignment
    if labels is None or result.hemisphere is None or alignment is None:
        message = "The run ended before pixels were labelled; call run() without until=."
        raise NotComputed(message)
    shape = (labels.shape[0], labels.shape[1])
    found = _read(rois, point_unit)
    recorded = found.shape if isinstance(found, Rois) else None
    placement = Placement.of(shape, recorded, binning, crop_origin)
    found = _in_pixels(found, alignment.view, placement.binning)
    covered = Covered.of(found, placement, shape)
    columns = _columns(result, labels, found, covered, placement, bregma)
    columns.update({name: list(values) for name, values in found.columns.items()})
    table = pd.DataFrame(columns)
    return table.round({name: n for name, n in _DECIMALS.items() if name in table})


def write_roi_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV.

    Parameters
    ----------
    table : pandas.DataFrame
        From `look_up_rois`.
    path : path-like
        Where to.

    Returns
    -------
    pathlib.Path
        The same.

    Raises
    ------
    InputError
        If the name is not that of a .csv file.
    OutputError
        If it cannot be written; an earlier file stays as it was then.
    """
    target = check_table_name(path)
    with atomic_files("the table") as files:
        place = files.temporary(target)
        table.to_csv(place, index=False, lineterminator="\n", encoding="utf-8")
    return target


def check_table_name(path: str | Path) -> Path:
    """Return where a table goes, checked before anything slow happens.

    Parameters
    ----------
    path : path-like
        Where to.

    Returns
    -------
    pathlib.Path
        The same.

    Raises
    ------
    InputError
        If the name is not that of a .csv file.
    """
    target = Path(path)
    if target.suffix.lower() != ".csv":
        message = f"The table is written to a .csv file; got {str(path)!r}."
        raise InputError(message)
    return target


def _read(rois: Any, point_unit: str) -> Rois | Points:
    check_point_unit(point_unit)
    if not isinstance(rois, Rois | Points):
        return read_rois(rois, point_unit)
    if point_unit != PIXELS:
        message = (
            f"point_unit is {point_unit!r}, but these ROIs were read before; say it there: "
            f"read_rois(path, point_unit={point_unit!r})."
        )
        raise InputError(message)
    return rois


def _in_pixels(rois: Rois | Points, view: ImageView, binning: int) -> Rois:
    """Return ROIs in pixels of the recording."""
    height_mm, width_mm = view.pixel_size_mm
    if isinstance(rois, Points):
        return rois.in_pixels((height_mm * binning, width_mm * binning))
    warn_of_millimetres(rois, view.shape, view.pixel_size_mm)
    return rois


def _columns(
    result: Result,
    labels: NDArray[np.uint16],
    rois: Rois,
    covered: Covered,
    placement: Placement,
    bregma: str | BregmaPreset | None,
) -> dict[str, Any]:
    regions = result.regions or ()
    counts = covered.counts(labels, len(regions) + 1)
    counts[:, 0] = covered.n_all - counts[:, 1:].sum(axis=1)  # outside of the image is in none
    # Of equals the first wins, and a region wins over none.
    chosen = (np.roll(counts, -1, axis=1).argmax(axis=1) + 1) % (len(regions) + 1)
    chosen = np.where(covered.n_all > 0, chosen, 0)
    shares = counts / np.maximum(covered.n_all, 1)[:, None]
    named = [regions[place - 1] if place else None for place in chosen.tolist()]
    middle = placement.in_image(rois.centers_px)
    ccf = result.pixel_to_ccf(middle[:, 0], middle[:, 1]).reshape(-1, 3)
    system = result.alignment.bregma if bregma is None and result.alignment else bregma
    from_bregma = ccf_to_stereotaxic(ccf, system or "ibl")
    columns: dict[str, Any] = {
        "name": list(rois.names),
        "kind": list(rois.kinds),
        "n_pixels": rois.n_pixels,
        "n_outside": covered.n_outside,
        "row_px": middle[:, 0],
        "col_px": middle[:, 1],
        "region": [region.acronym if region else "" for region in named],
        "region_id": _whole_numbers([region.id if region else None for region in named]),
        "region_name": [region.name if region else "" for region in named],
        "hemisphere": _sides(result, covered),
        "share": np.where(chosen > 0, shares[np.arange(len(chosen)), chosen], 0.0),
        "shares": _all_shares(shares, [region.acronym for region in regions]),
        **{name: ccf[:, place] for place, name in enumerate(("ap_um", "dv_um", "ml_um"))},
    }
    for place, name in enumerate(("ml", "ap", "dv")):
        columns[f"stereotaxic_{name}_mm"] = from_bregma[:, place]
    distances = border_distances_mm(result, chosen, ccf)
    inside = _label_at(labels, middle) == chosen
    columns["distance_to_border_mm"] = np.where(inside, distances, -distances)
    if result.pose_sigma is not None:
        columns["confidence"] = covered.means(result.confidence_at(covered.rows, covered.cols))
    return columns


def _whole_numbers(values: list[int | None]) -> Any:
    """Return whole numbers of which some are missing, without making them fractions."""
    import pandas as pd

    return pd.array(values, dtype="Int64")


def _sides(result: Result, covered: Covered) -> list[str]:
    side = result.hemisphere
    if side is None:
        return [""] * len(covered.n_all)
    _, left, right = covered.counts(side, 3).T
    winner = np.where(right > left, RIGHT, np.where(left > 0, LEFT, 0))
    return [_SIDES[value] for value in winner.tolist()]


def _all_shares(shares: NDArray[np.float64], acronyms: list[str]) -> list[str]:
    texts = []
    for row in shares[:, 1:]:
        there = np.flatnonzero(row)
        order = there[np.argsort(-row[there], kind="stable")]
        texts.append(";".join(f"{acronyms[place]}:{row[place]:.4f}" for place in order))
    return texts


def _label_at(labels: NDArray[np.uint16], places_px: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the label of the pixel that each position lies in; 0 outside of the image."""
    at = np.floor(np.nan_to_num(places_px, nan=-1.0) + 0.5).astype(np.int64)
    rows, cols = labels.shape
    on_image = (at >= 0).all(axis=1) & (at[:, 0] < rows) & (at[:, 1] < cols)
    found = np.zeros(len(at), np.int64)
    found[on_image] = labels[at[on_image, 0], at[on_image, 1]]
    return found
