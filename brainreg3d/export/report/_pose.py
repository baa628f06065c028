"""Where the image lies, and how certain that is, in words and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from brainreg3d.atlas import find_bregma
from brainreg3d.export.report._drawing import confidence_figure
from brainreg3d.export.report._html import Html, definitions, element, join, table
from brainreg3d.export.report._pixels import Thinning
from brainreg3d.export.report._regions import SAFE_SHARE
from brainreg3d.pose_sigma import PoseSigma, sigma_of
from brainreg3d.state import Alignment
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.views.planes import CCF_BOX

_ORIGINS = {
    "file": "read from an alignment file",
    "pose": "given as a pose",
    "window": "placed by hand in the window",
    "landmarks": "fitted to landmarks",
    "transfer": "carried over from an earlier image of the same animal",
}
_TURNS = {
    "yaw_deg": ("counter-clockwise", "clockwise", "seen from above"),
    "pitch_deg": ("anterior edge up", "anterior edge down", ""),
    "roll_deg": ("right edge down", "right edge up", ""),
}


def pose_section(content: ExportContent) -> Html:
    """Return the pose in numbers and in words.

    Parameters
    ----------
    content : ExportContent
        A labelled image.

    Returns
    -------
    Html
        A list of terms.
    """
    alignment, view = content.alignment, content.alignment.view
    (rows, columns), (height_mm, width_mm) = view.shape, view.pixel_size_mm
    x, y, z = view.pose.center_mm
    size_mm = f"{columns * width_mm:.4g} × {rows * height_mm:.4g} mm"
    where = f"x {x:.3f}, y {y:.3f}, z {z:.3f} mm in the atlas (right, anterior, up)"
    entries: list[tuple[str, Any]] = [
        ("Image", f"{columns} × {rows} px, {size_mm} (width × height)"),
        ("Pixel", f"{1000 * width_mm:.5g} × {1000 * height_mm:.5g} µm (width × height)"),
        ("Centre", f"{where}; {_from_bregma(content)}"),
        *(
            (name.removesuffix("_deg").capitalize(), _turn(name, getattr(view.pose, name)))
            for name in _TURNS
        ),
        ("Mirrored", "yes" if view.pose.mirrored else "no"),
        ("Camera", _camera(alignment)),
        ("Bregma", _bregma(content) if content.atlas.grid.same_box(CCF_BOX) else None),
        ("Pose", _origin(alignment)),
    ]
    history = alignment.extra.get("history") or []
    notes = [history] if isinstance(history, str) else list(history)
    if notes:
        entries.append(("History", join(notes, "; ")))
    return definitions(entries)


def certainty_section(content: ExportContent, thinning: Thinning, *, left_out: bool) -> Html:
    """Return what is known of how certain the pose and the labels are.

    Parameters
    ----------
    content : ExportContent
        A labelled image.
    thinning : Thinning
        Which of its pixels are shown.
    left_out : bool
        Whether confidence was not computed because the image is large.

    Returns
    -------
    Html
        Text, tables, and a map where there is one.
    """
    parts = [_spread(content), _landmarks(content.alignment.extra)]
    if content.confidence is not None:
        parts += [_safe_words(content), confidence_figure(content, thinning)]
    elif left_out:
        words = (
            "How certain each label is was not computed, as the image is large. Say how uncertain "
            "the pose is (--pose-sigma-mm, --pose-sigma-deg) to have it in the report."
        )
        parts.append(element("p", words))
    return join(parts)


def _from_bregma(content: ExportContent) -> str:
    if not content.atlas.grid.same_box(CCF_BOX):
        return "bregma is known in the box of the Allen CCF alone"
    preset = find_bregma(content.alignment.bregma)
    center, box_mm = content.alignment.view.pose.center_mm, content.atlas.grid.box_mm
    right, anterior, up = preset.from_atlas_mm(center, box_mm)
    return (
        f"from bregma {abs(right):.3f} mm {'right' if right >= 0 else 'left'}, "
        f"{abs(anterior):.3f} mm {'anterior' if anterior >= 0 else 'posterior'}, "
        f"{abs(up):.3f} mm {'above' if up >= 0 else 'below'}"
    )


def _turn(name: str, degrees: float) -> str:
    forward, backward, seen = _TURNS[name]
    if abs(degrees) < 0.005:
        return "0°"
    words = [forward if degrees > 0 else backward, seen]
    return f"{'−' if degrees < 0 else ''}{abs(degrees):.2f}° ({' '.join(filter(None, words))})"


def _camera(alignment: Alignment) -> str:
    camera = alignment.view.camera
    if camera.distance_mm is None:
        return "parallel rays"
    words = f"{camera.distance_mm:g} mm from the image plane"
    if camera.principal_point_px is None:
        return f"{words}, above the middle of the image"
    row, column = camera.principal_point_px
    return f"{words}, above row {row:.1f}, column {column:.1f}"


def _bregma(content: ExportContent) -> str:
    preset = find_bregma(content.alignment.bregma)
    ap, dv, ml = preset.ccf_um
    words = f"preset {preset.name!r}: AP {ap:g}, DV {dv:g}, ML {ml:g} µm in the CCF"
    if preset.tilt_deg:
        words += f", tilt {preset.tilt_deg:g}°"
    if preset.scale != (1.0, 1.0, 1.0):
        words += f", scale {', '.join(f'{factor:g}' for factor in preset.scale)} (AP, DV, ML)"
    return words + (f" ({preset.note})" if preset.note else "")


def _origin(alignment: Alignment) -> str:
    words = _ORIGINS.get(alignment.source, alignment.source)
    return words if alignment.file is None else f"{words}, {alignment.file.name}"


def _spread(content: ExportContent) -> Html:
    sigma = _sigma(content)
    if sigma is None:
        words = (
            "Nothing is known of how certain the pose is: it was not fitted to landmarks, and the "
            "run was not told. Labels near borders may be wrong by as much as the pose is."
        )
        return element("p", words)
    lines = [element("p", f"1 sigma of the pose: {_rounded(sigma)}.")]
    known = content.alignment.extra.get("uncertainty") or {}
    tilt = known.get("tilt_deg")
    if tilt is not None:
        lines.append(element("p", f"In its least certain direction the tilt has {tilt:.1f}°."))
    return join(lines)


def _rounded(sigma: PoseSigma) -> PoseSigma:
    """Return a spread with as many digits as it deserves."""

    def short(value: Any) -> Any:
        return tuple(map(short, value)) if isinstance(value, tuple) else float(f"{value:.2g}")

    return PoseSigma(**{key: short(value) for key, value in attrs.asdict(sigma).items()})


def _sigma(content: ExportContent) -> PoseSigma | None:
    """Return the spread that the run was told, or else that of the alignment."""
    position, angle = (content.run.get(f"pose_sigma_{unit}") for unit in ("mm", "deg"))
    if position is not None or angle is not None:
        degrees = angle or 0.0
        return PoseSigma(
            position_mm=position or 0.0, yaw_deg=degrees, pitch_deg=degrees, roll_deg=degrees
        )
    return sigma_of(content.alignment)


def _landmarks(extra: Mapping[str, Any]) -> Html:
    entries = [entry for entry in extra.get("landmarks") or [] if "residual_mm" in entry]
    if not entries:
        return Html()
    rows = []
    for entry in entries:
        off_row, off_column = entry["residual_px"]
        place = entry.get("stereotaxic_mm") or entry.get("ccf_um") or ""
        name = entry.get("name") or ", ".join(f"{number:g}" for number in place)
        rows.append(
            (
                name,
                f"{entry.get('row', float('nan')):.1f}",
                f"{entry.get('col', float('nan')):.1f}",
                _signed(off_row),
                _signed(off_column),
                f"{entry['residual_mm']:.3f}",
                "yes" if entry.get("used", True) else "left out",
            )
        )
    head = ("Landmark", "Row (px)", "Column (px)", "Off in rows", "Off in columns", "mm", "Used")
    caption = "Landmarks: from where the pose sees each to where it was clicked"
    return join(
        [element("h3", "Landmarks"), element("p", caption + "."), table(head, rows, caption)]
    )


def _signed(value: float) -> str:
    """Return a number with its sign, a real minus, and no sign for zero."""
    text = f"{value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def _safe_words(content: ExportContent) -> Html:
    labelled = content.labels.labels > 0
    if content.confidence is None or not labelled.any():
        return Html()
    share = float(np.mean(content.confidence[labelled] >= SAFE_SHARE))
    words = (
        f"{share:.0%} of the labelled pixels keep their region in {SAFE_SHARE:.0%} or more of the "
        "poses that were drawn with that spread."
    )
    return element("p", words)
