"""The image, the outlines and the names of its regions, as SVG and HTML."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Region
from brainreg3d.contrast import to_grey
from brainreg3d.export.report._drawing import aspect_of, hex_color, part_name, path_data
from brainreg3d.export.report._html import Html, element
from brainreg3d.export.report._packing import png_uri
from brainreg3d.export.report._pixels import Thinning
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.views.compass import compass_directions
from brainreg3d.views.names import place_names
from brainreg3d.views.outlines import Part, split_hemispheres
from brainreg3d.views.regions_on_image import name_part
from brainreg3d.views.style import brightened, region_color

_WIDE_IN, _NARROW_IN = 8.5, 3.6
"""Widths of the picture, in inches of the page, that names are placed for."""

_NO_IMAGE = 214  # grey, where only the labels are left
_BAR_MM = (5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
_LONGEST_BAR = 0.3  # of the width


@attrs.frozen(eq=False)
class Picture:
    """The image of a report, and the outlines on it.

    Parameters
    ----------
    content : ExportContent
        A labelled image.
    thinning : Thinning
        Which of its pixels are embedded.
    parts : list of Part
        Each region in each hemisphere.
    """

    content: ExportContent
    thinning: Thinning
    parts: list[Part]

    @property
    def view_box(self) -> str:
        """The pixels of the image, their centres at integers."""
        rows, columns = self.content.shape
        return f"-0.5 -0.5 {columns} {rows}"

    @property
    def aspect(self) -> float:
        """Width by height of the image, as it lies in the plane."""
        return aspect_of(self.content)

    def definitions(self) -> Html:
        """Return all outlines, once, for the other drawings of the page to use.

        Returns
        -------
        Html
            An SVG that is not seen itself.
        """
        paths = [_path(part_name(part.label, part.hemisphere), part) for part in self.parts]
        brain = self.content.labels.hemisphere > 0
        if brain.any():
            paths.append(_path("brain", Part(0, 0, (0, 0), brain)))
        return element(
            "svg",
            element("defs", *paths),
            width="0",
            height="0",
            class_="outlines",
            aria_hidden="true",
        )

    def figure(self) -> Html:
        """Return the picture with outlines, names, scale bar and compass.

        Returns
        -------
        Html
            The box that the pointer moves over.
        """
        drawing = element(
            "svg",
            element("title", f"{self.content.stem} with the outlines of the regions"),
            self._image(),
            self._brain(),
            *self._uses("fills", lambda region: {"fill": hex_color(region_color(region))}),
            *self._uses("casings", lambda _: {}),
            *self._uses(
                "lines", lambda region: {"stroke": hex_color(brightened(region_color(region), 0.5))}
            ),
            element("g", id="chosen"),
            element("path", id="cursor", d="", class_="cursor"),
            viewBox=self.view_box,
            preserveAspectRatio="none",
            role="img",
        )
        return element(
            "div",
            drawing,
            self._names(_WIDE_IN, "wide-names"),
            self._names(_NARROW_IN, "narrow-names"),
            id="picture",
            class_="picture",
            style=f"--aspect:{self.aspect:.6g}",
            tabindex="0",
            role="application",
            aria_label="Image with outlines; arrow keys move a cursor, Enter selects a region",
            aria_describedby="readout",
        )

    def below(self) -> Html:
        """Return the scale bar and the compass, which stand below the picture.

        Returns
        -------
        Html
            As wide as the picture.
        """
        return element(
            "div",
            self._scale_bar(),
            self._compass(),
            class_="below",
            style=f"--aspect:{self.aspect:.6g}",
        )

    def thumbnail(self, label: int, hemispheres: tuple[int, ...], title: str) -> Html:
        """Return a small picture of one mask.

        Parameters
        ----------
        label : int
            1 + place of the region.
        hemispheres : tuple of int
            Which parts of it.
        title : str
            What it shows.

        Returns
        -------
        Html
            An SVG.
        """
        region = self.content.regions[label - 1]
        own = [
            element("use", href=f"#{part_name(p.label, p.hemisphere)}")
            for p in self.parts
            if p.label == label and p.hemisphere in hemispheres
        ]
        return element(
            "svg",
            element("title", title),
            element("use", href="#brain", class_="ground"),
            element("g", *own, fill=hex_color(region_color(region))),
            viewBox=self.view_box,
            preserveAspectRatio="none",
            style=f"--aspect:{self.aspect:.6g}",
            role="img",
        )

    def _image(self) -> Html:
        image = self.content.image
        rows, columns = self.thinning.thin_shape
        if image is None:
            grey: NDArray[np.uint8] = np.full((1, 1), _NO_IMAGE, dtype=np.uint8)
        else:
            levels = self.thinning.averaged(to_grey(image.pixels))
            grey = np.rint(255 * levels).astype(np.uint8)
        return element(
            "image",
            id="photo",
            href=png_uri(grey),
            x="-0.5",
            y="-0.5",
            width=columns * self.thinning.step,
            height=rows * self.thinning.step,
            preserveAspectRatio="none",
        )

    def _brain(self) -> Html:
        """Return the outline of the brain where there is no image to show it."""
        shown = self.content.image is None and self.content.labels.hemisphere.any()
        return element("use", href="#brain", class_="brain") if shown else Html()

    def _uses(self, kind: str, style: Callable[[Region], dict[str, str]]) -> list[Html]:
        regions = self.content.regions
        uses = [
            element(
                "use",
                href=f"#{part_name(part.label, part.hemisphere)}",
                **style(regions[part.label - 1]),
            )
            for part in self.parts
        ]
        return [element("g", *uses, class_=kind)]

    def _names(self, width_in: float, kind: str) -> Html:
        shape = self.content.shape
        pieces = [name_part(part, self.content.regions) for part in self.parts]
        placed, _ = place_names(pieces, shape, (width_in, width_in / self.aspect))
        spans = [
            element(
                "span",
                name.text,
                style=(
                    f"left:{100 * (name.x_px + 0.5) / shape[1]:.2f}%;"
                    f"top:{100 * (name.y_px + 0.5) / shape[0]:.2f}%;"
                    f"font-size:{100 * name.size_pt / 72 / width_in:.3f}cqw"
                ),
            )
            for name in placed
        ]
        return element("div", *spans, class_=f"names {kind}", aria_hidden="true")

    def _scale_bar(self) -> Html:
        width_mm = self.content.shape[1] * self.content.alignment.view.pixel_size_mm[1]
        fitting = [size for size in _BAR_MM if size <= _LONGEST_BAR * width_mm]
        size = fitting[0] if fitting else _BAR_MM[-1]
        text = f"{size:g} mm" if size >= 0.1 else f"{1000 * size:g} µm"
        return element("div", text, class_="bar", style=f"width:{100 * size / width_mm:.3f}%")

    def _compass(self) -> Html:
        marks = []
        for letter, (right, down) in compass_directions(self.content.alignment.view.pose).items():
            length = float(np.hypot(right, down))
            x, y = right / length * (13 * length + 7), down / length * (13 * length + 7)
            line = {"x1": 0, "y1": 0, "x2": f"{13 * right:.2f}", "y2": f"{13 * down:.2f}"}
            marks += [element("line", **line), element("text", letter, x=f"{x:.2f}", y=f"{y:.2f}")]
        words = element("title", "Compass: anterior, posterior, left and right of the animal")
        return element("svg", words, *marks, class_="compass", viewBox="-28 -28 56 56", role="img")


def make_picture(content: ExportContent, thinning: Thinning) -> Picture:
    """Return the picture of a labelled image.

    Parameters
    ----------
    content : ExportContent
        A labelled image.
    thinning : Thinning
        Which of its pixels are embedded.

    Returns
    -------
    Picture
        With the outlines of all regions that are seen.
    """
    parts = split_hemispheres(content.labels.labels, content.labels.hemisphere)
    return Picture(content, thinning, parts)


def _path(name: str, part: Part) -> Html:
    # An attribute, as rules of the style sheet do not reach into copies.
    return element("path", id=name, d=path_data(part), vector_effect="non-scaling-stroke")
