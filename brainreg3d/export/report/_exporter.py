"""ReportExporter: all that is known of a labelled image, on one page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import attrs

from brainreg3d._version import __version__
from brainreg3d.export.report._html import Html, element, escape, join, script_json
from brainreg3d.export.report._picture import make_picture
from brainreg3d.export.report._pixels import MOST_PX, Thinning, pixel_data
from brainreg3d.export.report._pose import certainty_section, pose_section
from brainreg3d.export.report._record import (
    citation_section,
    files_section,
    reproduce_section,
    versions_section,
)
from brainreg3d.export.report._regions import RegionSections
from brainreg3d.export.report._scene import scene_data
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.views.planes import CCF_BOX

_QUICK_PX = 1_000_000
"""Up to here 128 draws of the pose take well below a minute of one core."""

_PLACE = re.compile(r"\{\{(\w+)\}\}")


class ReportExporter:
    """Write ``<stem>_report.html``: picture, masks, table, pose, scene and record of a run.

    Parameters
    ----------
    most_px : int
        Pixels along the longer side of the image that are embedded at most; of larger images
        every second pixel is, or every third and so on.
    """

    def __init__(self, most_px: int = MOST_PX) -> None:
        self.most_px = most_px

    def check(self) -> None:
        """Do nothing: a page can always be written."""

    def write(self, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the page.

        Parameters
        ----------
        content : ExportContent
            What there is to report.
        paths : mapping of str to pathlib.Path
            Where to, under ``"report"``.
        """
        # With line ends of its own everywhere, so that equal runs are equal.
        paths["report"].write_bytes(self.page(content).encode("utf-8"))

    def page(self, content: ExportContent) -> str:
        """Return the page.

        Parameters
        ----------
        content : ExportContent
            What there is to report.

        Returns
        -------
        str
            HTML; the same for the same content.
        """
        asked = any(content.run.get(f"pose_sigma_{unit}") is not None for unit in ("mm", "deg"))
        rows, columns = content.shape
        left_out = content.certain is not None and not asked and rows * columns > _QUICK_PX
        if left_out:
            content = attrs.evolve(content, certain=None)
        thinning = Thinning(content.shape, self.most_px)
        picture = make_picture(content, thinning)
        regions = RegionSections(content, picture)
        script = _file("report.js") + _file("scene.js")
        return _filled(
            _file("template.html"),
            {
                "title": f"{content.stem} - brainreg3d report",
                "policy": _policy(script),
                "style": Html(_file("style.css")),
                "heading": content.stem,
                "summary": _summary(content),
                "banner": _banner(content),
                "thinned": _thinned(thinning),
                "outlines": picture.definitions(),
                "picture": picture.figure(),
                "below": picture.below(),
                "gallery": regions.gallery(),
                "table": regions.table(),
                "table_notes": regions.notes(),
                "hidden": regions.hidden(),
                "pose": pose_section(content),
                "certainty": certainty_section(content, thinning, left_out=left_out),
                "reproduce": reproduce_section(content),
                "files": files_section(content),
                "versions": versions_section(content),
                "citation": citation_section(content),
                "version": __version__,
                "data": script_json(_data(content, thinning, regions)),
                "script": Html(script),
            },
        )


def _data(content: ExportContent, thinning: Thinning, regions: RegionSections) -> dict[str, Any]:
    return {
        "pixels": pixel_data(content, thinning),
        "regions": [[region.acronym, region.name] for region in content.regions],
        "masks": regions.data(),
        "scene": scene_data(content),
    }


def _file(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")


def _filled(template: str, parts: Mapping[str, Any]) -> str:
    """Fill in all parts at once, so that nothing in them is taken for a place."""
    return _PLACE.sub(lambda found: escape(parts[found[1]]), template)


def _policy(script: str) -> str:
    """Return what a browser lets the page do: run its own script, and fetch nothing."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _summary(content: ExportContent) -> Html:
    view, labels = content.alignment.view, content.labels
    (rows, columns), (height_mm, width_mm) = content.shape, view.pixel_size_mm
    total = len(content.regions)
    labelled = float((labels.labels > 0).mean())
    facts = [
        ("Regions seen", f"{total - len(labels.unseen)} of {total}"),
        ("Labelled", f"{labelled:.1%} of the pixels"),
        ("Image", f"{columns * width_mm:.2f} × {rows * height_mm:.2f} mm"),
        ("Atlas", content.atlas.full_name),
    ]
    if content.atlas.grid.same_box(CCF_BOX):
        facts.append(("Bregma", content.alignment.bregma))
    return join(element("div", element("dt", name), element("dd", text)) for name, text in facts)


def _banner(content: ExportContent) -> Html:
    if not content.atlas.synthetic:
        return Html()
    words = "Synthetic data: this atlas was made by code and shows no real brain."
    return element("p", words, class_="banner", role="note")


def _thinned(thinning: Thinning) -> Html:
    if thinning.step == 1:
        return Html()
    words = (
        f"Of this image one pixel in {thinning.step} × {thinning.step} is embedded, hence the sign "
        "≈; outlines, table and files are those of all pixels."
    )
    return element("p", words, class_="note")
