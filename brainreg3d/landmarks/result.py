"""What a fit of landmarks gives: a pose, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.geometry import ImageView
from brainreg3d.landmarks.landmark import Landmark


@attrs.frozen
class PoseSpread:
    """How uncertain a pose is: standard deviations (1 sigma).

    Parameters
    ----------
    position_mm : tuple of float
        Of the middle of the image along its (columns, rows).
    center_mm : tuple of float
        The same along the atlas axes (x, y, z), and how deep the image plane lies.
    yaw_deg : float
        Of the turn of the image.
    pitch_deg, roll_deg : float or None
        Of its tilt; None where it was not free.
    tilt_deg : float or None
        Of the tilt in its least certain direction.
    scale : float or None
        Of the pixel size, relative; None where it was known.
    """

    position_mm: tuple[float, float]
    center_mm: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float | None
    roll_deg: float | None
    tilt_deg: float | None
    scale: float | None


@attrs.frozen(eq=False)
class LandmarkFit:
    """The pose that landmarks give an image.

    Parameters
    ----------
    view : ImageView
        Pose, pixel size and camera; the middle of the image lies on the brain's outer hull.
    landmarks : tuple of Landmark
        As they were clicked.
    positions_mm : numpy.ndarray, shape (N, 3)
        Where they lie in the atlas frame.
    residuals_px : numpy.ndarray, shape (N, 2)
        From where each is seen under the pose to its click: (row, column).
    used : numpy.ndarray of bool, shape (N,)
        False for landmarks that were left out because they cannot be right.
    free : tuple of str
        What was fitted: ``"position"``, ``"yaw"``, ``"scale"``, ``"tilt"``.
    spread : PoseSpread
        How uncertain the pose is.
    noise_mm : float
        Standard deviation of the clicks along each axis.
    warnings : tuple of str
        What is doubtful, and what to do about it.
    """

    view: ImageView
    landmarks: tuple[Landmark, ...]
    positions_mm: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    residuals_px: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    used: NDArray[np.bool_] = attrs.field(converter=read_only, repr=False)
    free: tuple[str, ...]
    spread: PoseSpread
    noise_mm: float
    warnings: tuple[str, ...] = ()

    @property
    def residuals_mm(self) -> NDArray[np.float64]:
        """Distances between clicks and where the landmarks are seen, in mm, shape (N,)."""
        return np.asarray(np.hypot(*(self.residuals_px * self.view.pixel_size_mm).T))

    def uncertainty(self) -> dict[str, Any]:
        """Return the spread as the ``uncertainty`` of an alignment file.

        Returns
        -------
        dict
            1 sigma of each number of the pose, of the position within the image plane, of the
            tilt in its least certain direction, and of the scale (relative); None where a number
            was not fitted.
        """
        return {
            key: _rounded(value) for key, value in attrs.asdict(self.spread, recurse=False).items()
        }

    def record(self) -> list[dict[str, Any]]:
        """Return the landmarks as they stand in an alignment file.

        Returns
        -------
        list of dict
            Place, pixel, residual and whether it was used, for each.
        """
        entries = []
        columns = zip(self.landmarks, self.residuals_px, self.residuals_mm, self.used, strict=True)
        for landmark, off_px, off_mm, used in columns:
            fields = attrs.asdict(
                landmark, recurse=False, filter=lambda _, value: value is not None
            )
            entry = {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in fields.items()
            }
            entry |= {
                "residual_px": _rounded(off_px.tolist()),
                "residual_mm": _rounded(float(off_mm)),
                "used": bool(used),
            }
            entries.append(entry)
        return entries

    def report(self) -> list[str]:
        """Return lines for a reader: residuals, spread, warnings.

        Returns
        -------
        list of str
            Without line ends.
        """
        lines = landmark_report({"landmarks": self.record(), "uncertainty": self.uncertainty()})
        return [*lines, *(f"Warning: {warning}" for warning in self.warnings)]


def _rounded(value: Any) -> Any:
    """Round numbers to what matters; a nanometre, or a millionth of a degree."""
    if isinstance(value, tuple | list):
        return [_rounded(item) for item in value]
    return None if value is None else round(float(value), 6)


def landmark_report(extra: Mapping[str, Any]) -> list[str]:
    """Return lines on the landmarks of an alignment, and on how certain they make it.

    Parameters
    ----------
    extra : mapping
        `Alignment.extra`, or what an alignment file holds, with ``landmarks`` and
        ``uncertainty``.

    Returns
    -------
    list of str
        A line for each landmark with its residual, then the spread; empty without landmarks.
    """
    entries, spread = extra.get("landmarks") or [], extra.get("uncertainty") or {}
    lines = [_landmark_line(entry) for entry in entries if "residual_mm" in entry]
    if not lines:
        return []
    lines = ["Residuals (from where the pose sees a landmark to where it was clicked):", *lines]
    if not spread:
        return lines
    along, down = spread["position_mm"]
    parts = [
        f"position {along:.3f} mm along columns and {down:.3f} mm along rows",
        f"yaw {spread['yaw_deg']:.2f}°",
    ]
    if spread.get("tilt_deg") is None:
        parts.append("tilt not fitted")
    else:
        parts.append(f"pitch {spread['pitch_deg']:.1f}°, roll {spread['roll_deg']:.1f}°")
    if spread.get("scale") is not None:
        parts.append(f"scale {spread['scale']:.2%}")
    return [*lines, f"Spread (1 sigma): {'; '.join(parts)}."]


def _landmark_line(entry: Mapping[str, Any]) -> str:
    landmark = {key: entry.get(key) for key in ("name", "stereotaxic_mm", "ccf_um")}
    label = Landmark(0.0, 0.0, **landmark).label
    off_row, off_col = entry["residual_px"]
    note = "" if entry.get("used", True) else "  (left out)"
    return (
        f"{label:>24}  row {off_row:+7.1f}  col {off_col:+7.1f} px  "
        f"{entry['residual_mm']:6.3f} mm{note}"
    )
