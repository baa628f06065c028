"""The table of regions, the gallery of masks, and what is not seen."""

from __future__ import annotations

import functools
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.export.report._drawing import hex_color
from brainreg3d.export.report._html import Html, element, join
from brainreg3d.export.report._picture import Picture
from brainreg3d.maps import MAX_INCIDENCE_DEG
from brainreg3d.state import LEFT, RIGHT
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.steps.region_table import MaskRow
from brainreg3d.views.style import region_color

_SIDES = {"both": (0, LEFT, RIGHT), "left": (LEFT,), "right": (RIGHT,)}
_MANY_MASKS = 20
_MANY_REASONS = 40
SAFE_SHARE = 0.95


@attrs.frozen(eq=False, slots=False)
class RegionSections:
    """What a report says of its regions.

    Parameters
    ----------
    content : ExportContent
        A labelled image.
    picture : Picture
        Its outlines.
    """

    content: ExportContent
    picture: Picture

    @property
    def seen(self) -> list[tuple[int, MaskRow]]:
        """Masks with pixels, and their numbers."""
        return [(n, row) for n, row in enumerate(self.content.masks.rows, 1) if row.n_pixels]

    def table(self) -> Html:
        """Return the table of regions that are seen.

        Returns
        -------
        Html
            Its columns can be sorted by.
        """
        sided = self._sided()
        heads = [
            ("Region", "text", ""),
            ("Name", "text", ""),
            *([("Side", "text", "")] if sided else []),
            ("Pixels", "number", ""),
            ("In the image", "number", "mm²"),
            ("On the surface", "number", "mm²"),
            ("Row", "number", "px"),
            ("Column", "number", "px"),
            ("Depth", "number", "mm"),
            *([("Safe", "number", "%")] if self._safe is not None else []),
        ]
        cells = [
            element(
                "th",
                element("button", name, element("small", unit) if unit else None, type="button"),
                scope="col",
                data_kind=kind,
                aria_sort="none",
            )
            for name, kind, unit in heads
        ]
        surface = self._surface_mm2()
        rows = [self._row(number, row, surface[number], sided) for number, row in self.seen]
        inner = element(
            "table",
            element("caption", "Regions that are seen", class_="unseen"),
            element("thead", element("tr", *cells)),
            element("tbody", *rows),
            id="regions",
        )
        return element(
            "div", inner, class_="wide", tabindex="0", role="region", aria_label="Table of regions"
        )

    def notes(self) -> Html:
        """Return what the columns of the table mean.

        Returns
        -------
        Html
            A paragraph.
        """
        words = (
            "In the image: pixels times the area of a pixel. On the surface: the area of the "
            f"curved surface that they see, without pixels that meet it at more than "
            f"{MAX_INCIDENCE_DEG:g}°. Row, column: middle of the pixels, the first pixel being 0. "
            "Depth: mean distance of the labelled tissue below the image plane."
        )
        if self._safe is not None:
            words += (
                f" Safe: pixels that keep the region in {SAFE_SHARE:.0%} of the poses that were "
                f"drawn."
            )
        return element("p", words, class_="note")

    def gallery(self) -> Html:
        """Return small pictures of all masks, folded away where they are many.

        Returns
        -------
        Html
            A ``details`` element.
        """
        tiles = [
            element(
                "button",
                self.picture.thumbnail(
                    self._label(number),
                    _SIDES[row.hemisphere],
                    f"Mask of {row.name}: {row.n_pixels} pixels",
                ),
                element("span", row.name),
                type="button",
                class_="tile",
                data_mask=number,
            )
            for number, row in self.seen
        ]
        few = len(tiles) <= _MANY_MASKS
        return element(
            "details",
            element("summary", f"{len(tiles)} masks"),
            element("div", *tiles, class_="tiles"),
            id="masks-box",
            open=few,
        )

    def hidden(self) -> Html:
        """Return the regions without a pixel, and why they have none.

        Returns
        -------
        Html
            A list by reason.
        """
        unseen = self.content.labels.unseen
        if not unseen:
            return element("p", "Every region that was asked for is seen.")
        by_reason: dict[str, list[str]] = {}
        for acronym, reason in unseen.items():
            by_reason.setdefault(reason, []).append(acronym)
        names = {region.acronym: region.name for region in self.content.regions}
        items = []
        for reason, acronyms in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
            marks = [element("abbr", name, title=names.get(name, name)) for name in acronyms]
            items.append(element("div", element("dt", join(marks, ", ")), element("dd", reason)))
        total = len(self.content.regions)
        words = (
            "has no pixel; its mask is" if len(unseen) == 1 else "have no pixel; their masks are"
        )
        intro = element(
            "p",
            f"{len(unseen)} of the {total} regions asked for {words} empty. Shares say how much of "
            "a region lies behind what.",
        )
        reasons = element("dl", *items, class_="hidden")
        if len(items) > _MANY_REASONS:
            reasons = element("details", element("summary", f"{len(items)} reasons"), reasons)
        return join([intro, reasons])

    def data(self) -> list[dict[str, Any]]:
        """Return what the page says of each mask that the pointer meets.

        Returns
        -------
        list of dict
            In the order of the masks.
        """
        return [
            {
                "label": self._label(number),
                "sides": list(_SIDES[row.hemisphere]),
                "color": hex_color(region_color(row.region)),
            }
            for number, row in enumerate(self.content.masks.rows, 1)
        ]

    def _sided(self) -> bool:
        return any(row.hemisphere != "both" for row in self.content.masks.rows)

    def _label(self, number: int) -> int:
        """Return 1 + place of the region of a mask; there are one or two for each region."""
        return -(-number * len(self.content.regions) // len(self.content.masks.rows))

    @functools.cached_property
    def _safe(self) -> NDArray[np.float64] | None:
        """Share of safe pixels for each number of a mask."""
        if self.content.confidence is None:
            return None
        numbers = self.content.masks.numbers.ravel()
        count = len(self.content.masks.rows) + 1
        safe = (self.content.confidence >= SAFE_SHARE).ravel()
        total = np.bincount(numbers, minlength=count)
        return np.asarray(np.bincount(numbers, safe, minlength=count) / np.maximum(total, 1))

    def _surface_mm2(self) -> NDArray[np.float64]:
        numbers = self.content.masks.numbers.ravel()
        areas = np.nan_to_num(self.content.maps.area_mm2).ravel()
        count = len(self.content.masks.rows) + 1
        return np.asarray(np.bincount(numbers, areas, minlength=count))

    def _row(self, number: int, row: MaskRow, surface_mm2: float, sided: bool) -> Html:
        chip = element(
            "i", class_="chip", style=f"background:{hex_color(region_color(row.region))}"
        )
        height_mm, width_mm = self.content.alignment.view.pixel_size_mm
        safe = self._safe
        values = [
            (row.n_pixels, f"{row.n_pixels:,}".replace(",", " ")),
            (row.n_pixels * height_mm * width_mm, None),
            (float(surface_mm2), None),
            (row.centroid_px[0], f"{row.centroid_px[0]:.1f}"),
            (row.centroid_px[1], f"{row.centroid_px[1]:.1f}"),
            (row.mean_depth_mm, f"{row.mean_depth_mm:.2f}".replace("-", "−")),
        ]
        if safe is not None:
            values.append((float(safe[number]), f"{100 * safe[number]:.0f}"))
        numbers = [
            element("td", text or f"{value:.3f}", data_value=f"{value:.9g}", class_="number")
            if np.isfinite(value)  # steps of one's own may label what has no depth
            else element("td", "–", data_value="", class_="number")
            for value, text in values
        ]
        return element(
            "tr",
            element(
                "th",
                element("button", chip, row.region.acronym, type="button", data_mask=number),
                scope="row",
            ),
            element("td", row.region.name),
            *([element("td", row.hemisphere)] if sided else []),
            *numbers,
            data_mask=number,
        )
