"""MaskWriter: masks, labels, tables and provenance on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas, Region, RegionSet
from brainreg3d.errors import OutputError
from brainreg3d.io.alignment import (
    alignment_content,
    keep_other_alignment,
    says_the_same,
    write_json,
)
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.io.masks import write_label_image, write_mask_stack, write_table
from brainreg3d.state import LEFT, RIGHT, Alignment, Image, Labels, Outputs
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import one_of, optional_path, true_or_false

RUN_SCHEMA = "brainreg3d/run/1"
FILE_NAMES = {
    "masks": "_masks.tif",
    "labels": "_labels.tif",
    "regions": "_regions.csv",
    "alignment": "_alignment.json",
    "run": "_run.json",
}


@attrs.frozen
class _Row:
    """One mask: a region, or one side of it."""

    region: Region
    hemisphere: str
    n_pixels: int
    centroid_px: tuple[float, float]
    mean_depth_mm: float

    @property
    def name(self) -> str:
        side = "" if self.hemisphere == "both" else f"_{self.hemisphere}"
        return f"{self.region.acronym}{side}"


class MaskWriter(Step):
    """Write what was found, all files together or none.

    Parameters
    ----------
    output_dir : path-like, optional
        Where to; beside the image when not given.
    stem : str, optional
        How file names start; the image's name without its suffix when not given.
    label_values : {"index", "ids"}
        Whether the label image holds 1, 2, 3, ... in the order of the regions, or structure ids.
    split_hemispheres : bool
        Whether left and right get masks, labels and rows of their own.
    """

    provides: ClassVar[str] = "outputs"

    output_dir: Path | None = attrs.field(default=None, converter=optional_path)
    stem: str | None = None
    label_values: str = attrs.field(default="index", validator=one_of("index", "ids"))
    split_hemispheres: bool = attrs.field(default=False, validator=true_or_false)

    def target(self, image: Image, kind: str) -> Path:
        """Return where a file goes.

        Parameters
        ----------
        image : Image
            The image that is labelled.
        kind : {"masks", "labels", "regions", "alignment", "run"}
            Which file.

        Returns
        -------
        pathlib.Path
            Its path, whether it exists or not.

        Raises
        ------
        OutputError
            If the image has no path and no folder was given.
        """
        folder = self.output_dir or (image.path.parent if image.path else None)
        if folder is None:
            message = "An image given as an array has no folder; give output_dir to write results."
            raise OutputError(message)
        return folder / f"{self.stem or image.stem}{FILE_NAMES[kind]}"

    def compute(  # type: ignore[override]
        self,
        *,
        image: Image,
        atlas: Atlas,
        regions: RegionSet,
        alignment: Alignment,
        labels: Labels,
        provenance: Mapping[str, Any],
    ) -> Outputs:
        """Write the files.

        Parameters
        ----------
        image : Image
            The image that was labelled.
        atlas : Atlas
            The atlas.
        regions : RegionSet
            The regions.
        alignment : Alignment
            Pose, camera and pixel size.
        labels : Labels
            The region of every pixel.
        provenance : mapping
            Goes into the run file as it is.

        Returns
        -------
        Outputs
            Where the files are.

        Raises
        ------
        OutputError
            If they cannot be written; nothing is changed then.
        """
        targets = {kind: self.target(image, kind) for kind in FILE_NAMES}
        place = targets["alignment"]
        # The user's own file may hold more than we know, so it stays while it says the same.
        keeps_alignment = _same_file(place, alignment.file) and says_the_same(place, alignment)
        numbers = self._number_masks(labels)
        rows = self._rows(regions, labels, numbers)
        with atomic_files() as files:
            paths = {
                kind: files.temporary(target)
                for kind, target in targets.items()
                if kind != "alignment"
            }
            paths["alignment"] = place
            info = f"brainreg3d {__version__}; atlas {atlas.title}; bregma {alignment.bregma}"
            self._write_pictures(paths, rows, numbers, labels, regions, alignment, info)
            table = [
                {**self._table_row(n, row, labels, alignment), "atlas": atlas.title}
                for n, row in enumerate(rows, 1)
            ]
            write_table(paths["regions"], table)
            content = alignment_content(alignment, image, atlas)
            if not keeps_alignment:
                paths["alignment"] = files.temporary(place)
                write_json(paths["alignment"], content)
                keep_other_alignment(files, place, alignment)
            write_json(paths["run"], self._run(content, labels, provenance, targets, paths))
        return Outputs(targets)

    def _number_masks(self, labels: Labels) -> NDArray[np.uint16]:
        """Return the number of the mask of every pixel, from 1 on; 0 for none."""
        if not self.split_hemispheres:
            return labels.labels.astype(np.uint16, copy=False)
        side = labels.hemisphere
        placed = (labels.labels > 0) & ((side == LEFT) | (side == RIGHT))
        left = 2 * labels.labels.astype(np.uint16) - 1
        return np.where(placed, left + (side == RIGHT), 0).astype(np.uint16)

    def _rows(self, regions: RegionSet, labels: Labels, numbers: NDArray[np.uint16]) -> list[_Row]:
        """Measure all masks at once: a pass for each would take minutes on large images."""
        sides = ("left", "right") if self.split_hemispheres else ("both",)
        parts = [(region, side) for region in regions for side in sides]
        rows, cols = np.nonzero(numbers)
        number = numbers[rows, cols]
        counts, *sums = (
            np.bincount(number, weights, minlength=len(parts) + 1)[1:]
            for weights in (None, rows, cols, labels.depth_mm[rows, cols])
        )
        row, col, depth_mm = (total / np.maximum(counts, 1) for total in sums)
        return [
            _Row(region, side, int(counts[n]), (float(row[n]), float(col[n])), float(depth_mm[n]))
            for n, (region, side) in enumerate(parts)
        ]

    def _write_pictures(
        self,
        paths: Mapping[str, Path],
        rows: list[_Row],
        numbers: NDArray[np.uint16],
        labels: Labels,
        regions: RegionSet,
        alignment: Alignment,
        info: str,
    ) -> None:
        view = alignment.view
        names = [row.name for row in rows]
        masks = (numbers == number for number in range(1, len(rows) + 1))
        write_mask_stack(paths["masks"], masks, names, view.shape, view.pixel_size_mm, info)
        if self.label_values == "ids":
            ids = np.array([0, *(region.id for region in regions)], dtype=np.uint32)
            picture: NDArray[Any] = ids[labels.labels]
        else:
            picture = numbers
        write_label_image(paths["labels"], picture, view.pixel_size_mm, info)

    def _table_row(
        self, number: int, row: _Row, labels: Labels, alignment: Alignment
    ) -> dict[str, Any]:
        n_pixels = row.n_pixels
        height_mm, width_mm = alignment.view.pixel_size_mm
        region = row.region
        return {
            "label": region.id if self.label_values == "ids" else number,
            "id": region.id,
            "acronym": region.acronym,
            "name": region.name,
            "hemisphere": row.hemisphere,
            "color": "#{:02x}{:02x}{:02x}".format(*region.rgb),
            "n_pixels": n_pixels,
            "area_mm2": f"{n_pixels * height_mm * width_mm:.6f}",
            "centroid_row_px": f"{row.centroid_px[0]:.3f}" if n_pixels else "",
            "centroid_col_px": f"{row.centroid_px[1]:.3f}" if n_pixels else "",
            "mean_depth_mm": f"{row.mean_depth_mm:.4f}" if n_pixels else "",
            "unseen": labels.unseen.get(region.acronym, ""),
        }

    def _run(
        self,
        alignment: Mapping[str, Any],
        labels: Labels,
        provenance: Mapping[str, Any],
        targets: Mapping[str, Path],
        paths: Mapping[str, Path],
    ) -> dict[str, Any]:
        """Return the provenance; no times or absolute places, so that equal runs are equal."""
        return {
            "schema": RUN_SCHEMA,
            **provenance,
            "alignment": dict(alignment),
            "unseen": dict(labels.unseen),
            "outputs": {
                kind: {"file": targets[kind].name, "sha256": sha256_of_file(path)}
                for kind, path in paths.items()
                if kind != "run"
            },
        }


def _same_file(target: Path, other: Path | None) -> bool:
    return other is not None and target.exists() and other.exists() and target.samefile(other)
