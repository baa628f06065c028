"""Colours, shapes and outlines as a page writes them, and the map of confidence."""

from __future__ import annotations

import numpy as np

from brainreg3d.export.report._html import Html, element, join
from brainreg3d.export.report._packing import png_uri
from brainreg3d.export.report._pixels import Thinning
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.views.outlines import Part, mask_outlines

_MAGMA = (
    (45, 17, 96), (114, 31, 129), (183, 55, 121), (241, 96, 93), (254, 176, 120), (252, 253, 191),
)  # fmt: skip
"""Along matplotlib's magma, which the other pictures of confidence have."""


def hex_color(rgb: tuple[float, float, float]) -> str:
    """Return a colour as a page writes it.

    Parameters
    ----------
    rgb : tuple of float
        Red, green, blue from 0 to 1.

    Returns
    -------
    str
        Such as ``"#1f9d5a"``.
    """
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * value) for value in rgb))


def part_name(label: int, hemisphere: int) -> str:
    """Return the id of an outline in the page.

    Parameters
    ----------
    label : int
        1 + place of the region.
    hemisphere : int
        0, `brainreg3d.state.LEFT` or `brainreg3d.state.RIGHT`.

    Returns
    -------
    str
        Such as ``"o12-1"``.
    """
    return f"o{label}-{hemisphere}"


def aspect_of(content: ExportContent) -> float:
    """Return the width of an image by its height, as it lies in the plane.

    Parameters
    ----------
    content : ExportContent
        A labelled image.

    Returns
    -------
    float
        Pixels need not be square.
    """
    (rows, columns), (height_mm, width_mm) = content.shape, content.alignment.view.pixel_size_mm
    return columns * width_mm / (rows * height_mm)


def path_data(part: Part) -> str:
    """Return the outline of a part along the borders of its pixels, as an SVG path has it.

    Parameters
    ----------
    part : Part
        A mask in its box.

    Returns
    -------
    str
        Pixel centres lie at integers of the image.
    """
    words = []
    for corners in mask_outlines(part.mask):
        (x, y), *others = (corners + part.corner[::-1]).tolist()
        words.append(f"M{x:g} {y:g}")
        for next_x, next_y in others[:-1]:
            words.append(f"H{next_x:g}" if next_y == y else f"V{next_y:g}")
            x, y = next_x, next_y
        words.append("Z")
    return "".join(words)


def confidence_figure(content: ExportContent, thinning: Thinning) -> Html:
    """Return a map of how certain labels are, with its legend.

    Parameters
    ----------
    content : ExportContent
        A labelled image whose confidence is known.
    thinning : Thinning
        Which of its pixels are shown.

    Returns
    -------
    Html
        A figure; nothing where the confidence is not known.
    """
    if content.confidence is None:
        return Html()
    shares = np.clip(thinning.averaged(content.confidence), 0.5, 1.0)
    colors = np.array(_MAGMA, dtype=float)
    place = (shares - 0.5) * 2 * (len(colors) - 1)
    stops = np.arange(len(colors))
    rgb = np.stack([np.interp(place, stops, colors[:, c]) for c in range(3)], axis=-1)
    ramp = ", ".join(f"rgb({r} {g} {b})" for r, g, b in _MAGMA)
    words = "Share of the drawn poses in which each pixel keeps its label"
    legend = join(
        [
            element("span", "50 % or less"),
            element("i", style=f"background:linear-gradient(90deg, {ramp})"),
            element("span", "100 %"),
        ]
    )
    return element(
        "figure",
        element(
            "img",
            src=png_uri(np.rint(rgb).astype(np.uint8)),
            alt=words,
            style=f"--aspect:{aspect_of(content):.6g}",
        ),
        element("figcaption", words, ". ", element("span", legend, class_="ramp")),
        class_="confidence",
    )
