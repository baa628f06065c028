"""MaskWriter: masks, labels, tables, other tools' formats and provenance on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.errors import InputError, OutputError
from brainreg3d.io.alignment import (
    alignment_content,
    keep_other_alignment,
    says_the_same,
    write_json,
)
from brainreg3d.io.atomic import AtomicFiles, atomic_files
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.io.masks import write_label_image, write_mask_stack, write_table
from brainreg3d.io.output_folder import is_one_of
from brainreg3d.state import Alignment, Image, Labels, Outputs
from brainreg3d.steps.base import Step
from brainreg3d.steps.exporting import (
    DEFAULT_FORMATS,
    FORMATS,
    ExportContent,
    Exporter,
    format_names,
)
from brainreg3d.steps.parameters import one_of, optional_path, true_or_false
from brainreg3d.steps.region_table import mask_table

RUN_SCHEMA = "brainreg3d/run/1"
_RECORDS = {"alignment": "_alignment.json", "run": "_run.json"}
FILE_NAMES = {kind: end for files in FORMATS.values() for kind, end in files.items()} | _RECORDS
"""How names of files end, by kind."""


def _start_of_names(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Accept what can start the name of a file in the output folder, and in no other."""
    if value is not None and (not isinstance(value, str) or set(value) & set("/\\\0")):
        message = (
            f"{attribute.name} is how names of files start, without a folder; got {value!r}. "
            f"Name the folder with output_dir (--output-dir)."
        )
        raise InputError(message)


class MaskWriter(Step):
    """Write what was found, all files together or none.

    Parameters
    ----------
    output_dir : path-like, optional
        Where to; beside the image when not given.
    stem : str, optional
        How file names start; the image's name without its suffix when not given.
    formats : str or iterable of str
        Which of `brainreg3d.steps.exporting.FORMATS`; the alignment and the run file are always
        written.
    label_values : {"index", "ids"}
        Whether the label image holds 1, 2, 3, ... in the order of the regions, or structure ids.
    split_hemispheres : bool
        Whether left and right get masks, labels and rows of their own.
    exporters : mapping of str to Exporter
        What writes other tools' formats; the pipeline gives them.
    certain : callable, optional
        Returns the share of draws of the pose in which each pixel keeps its label; the pipeline
        gives it where it is known how certain the pose is.
    """

    provides: ClassVar[str] = "outputs"

    output_dir: Path | None = attrs.field(default=None, converter=optional_path)
    stem: str | None = attrs.field(default=None, validator=_start_of_names)
    formats: tuple[str, ...] = attrs.field(default=DEFAULT_FORMATS, converter=format_names)
    label_values: str = attrs.field(default="index", validator=one_of("index", "ids"))
    split_hemispheres: bool = attrs.field(default=False, validator=true_or_false)
    exporters: Mapping[str, Exporter] = attrs.field(factory=dict, eq=False, repr=False)
    certain: Callable[[], NDArray[np.float32]] | None = attrs.field(
        default=None, eq=False, repr=False
    )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the files that are written, keys of `FILE_NAMES`."""
        return (*(kind for name in self.formats for kind in FORMATS[name]), *_RECORDS)

    def target(self, image: Image, kind: str) -> Path:
        """Return where a file goes.

        Parameters
        ----------
        image : Image
            The image that is labelled.
        kind : str
            Which file, a key of `FILE_NAMES`.

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
        targets = {kind: self.target(image, kind) for kind in self.kinds}
        content = self.content(
            atlas,
            regions,
            alignment,
            labels,
            image=image,
            stem=self.stem or image.stem,
            alignment_file=alignment_content(alignment, image, atlas),
            provenance=provenance,
        )
        with atomic_files() as files:
            for name in self.formats:
                own = {kind: files.temporary(targets[kind]) for kind in FORMATS[name]}
                self.write_format(name, content, own)
                _record(content, targets, own)
            place = targets["alignment"]
            record = _write_alignment(files, place, alignment, content.alignment_file)
            _record(content, targets, {"alignment": record})
            write_json(files.temporary(targets["run"]), content.run)
        return Outputs(targets)

    def content(
        self,
        atlas: Atlas,
        regions: RegionSet,
        alignment: Alignment,
        labels: Labels,
        *,
        image: Image | None,
        stem: str,
        alignment_file: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> ExportContent:
        """Return what there is to write.

        Parameters
        ----------
        atlas : Atlas
            The atlas.
        regions : RegionSet
            The regions.
        alignment : Alignment
            Pose, camera and pixel size.
        labels : Labels
            The region of every pixel.
        image : Image or None
            The image that was labelled, where it is at hand.
        stem : str
            How names of the files start.
        alignment_file : mapping
            Content of the alignment file.
        provenance : mapping
            Inputs, steps and versions of the run.

        Returns
        -------
        ExportContent
            With all masks numbered and measured.
        """
        masks = mask_table(regions, labels, split_hemispheres=self.split_hemispheres)
        ids = self.label_values == "ids"
        run = {
            "schema": RUN_SCHEMA,
            **provenance,
            "alignment": dict(alignment_file),
            "unseen": dict(labels.unseen),
            "outputs": {},
        }
        return ExportContent(
            atlas,
            regions,
            alignment,
            labels,
            stem=stem,
            masks=masks,
            image=image,
            table=masks.as_text(labels, alignment, atlas.title, ids=ids),
            alignment_file=alignment_file,
            run=run,
            certain=self.certain,
        )

    def write_format(self, name: str, content: ExportContent, paths: Mapping[str, Path]) -> None:
        """Write the files of one format.

        Parameters
        ----------
        name : str
            A key of `FORMATS`.
        content : ExportContent
            What there is to write.
        paths : mapping of str to pathlib.Path
            Where to, by kind.

        Raises
        ------
        OutputError
            If the format cannot hold it, or nothing writes it.
        """
        size_mm = content.alignment.view.pixel_size_mm
        atlas, bregma = content.atlas.title, content.alignment.bregma
        info = f"brainreg3d {__version__}; atlas {atlas}; bregma {bregma}"
        if name == "masks":
            names = [row.name for row in content.masks.rows]
            masks = (content.masks.numbers == number for number in range(1, len(names) + 1))
            write_mask_stack(paths["masks"], masks, names, content.shape, size_mm, info)
        elif name == "labels":
            write_label_image(paths["labels"], self._label_picture(content), size_mm, info)
        elif name == "csv":
            write_table(paths["regions"], content.table)
        elif name in self.exporters:
            self.exporters[name].write(content, paths)
        else:
            message = (
                f"Nothing writes the format {name!r} here: run the step inside BrainReg3D, or give "
                f"it exporters={{{name!r}: ...}}."
            )
            raise OutputError(message)

    def _label_picture(self, content: ExportContent) -> NDArray[Any]:
        if self.label_values == "index":
            return content.masks.numbers
        ids = np.array([0, *(region.id for region in content.regions)], dtype=np.uint32)
        return np.asarray(ids[content.labels.labels])


def _write_alignment(
    files: AtomicFiles, place: Path, alignment: Alignment, content: Mapping[str, Any]
) -> Path:
    """Write the alignment file, or leave the user's own: it may hold more than we know."""
    given = [] if alignment.file is None else [alignment.file]
    if is_one_of(place, given) and says_the_same(place, alignment):
        return place
    temporary = files.temporary(place)
    write_json(temporary, content)
    keep_other_alignment(files, place, alignment)
    return temporary


def _record(content: ExportContent, targets: Mapping[str, Path], paths: Mapping[str, Path]) -> None:
    """Add files to the record of the run; without times or places, so equal runs are equal."""
    content.run["outputs"].update(
        {
            kind: {"file": targets[kind].name, "sha256": sha256_of_file(path)}
            for kind, path in paths.items()
        }
    )
