"""What a run gives back."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainreg3d.atlas import Region
from brainreg3d.errors import OutputError
from brainreg3d.io.alignment import alignment_content
from brainreg3d.result._certain import Certain
from brainreg3d.result._places import Places
from brainreg3d.result._products import NotComputed
from brainreg3d.state import Alignment, Image, Labels
from brainreg3d.steps import MaskWriter
from brainreg3d.steps.exporting import ExportContent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Result(Places, Certain):
    """The results of a run; what was not computed is None.

    Parameters
    ----------
    state : State
        Inputs and the results of all steps.
    steps : mapping of str to Step
        The steps by slot; those that label are run again where the pose is uncertain.
    pose_sigma : PoseSigma, optional
        How uncertain the pose is, when the user said so.
    plots_folder : pathlib.Path, optional
        Where pictures of this run were saved.
    certainty : Certainty, optional
        How certain labels are, so that it is worked out once for files, pictures and the result.
    """

    def export(
        self,
        formats: str | Iterable[str],
        output_dir: str | Path | None = None,
        *,
        stem: str | None = None,
    ) -> dict[str, Path]:
        """Write the results in further formats; the run file is left as it is.

        Parameters
        ----------
        formats : str or iterable of str
            Such as ``"rois,geojson"`` or ``("nwb", "report")``; see `BrainReg3D`.
        output_dir : path-like, optional
            Where to; beside the files of the run, or the image, when not given.
        stem : str, optional
            How names of the files start; as those of the run when not given.

        Returns
        -------
        dict of str to pathlib.Path
            The files by kind.

        Raises
        ------
        NotComputed
            If the run ended before the labels.
        InputError
            If a format is unknown, or needs a package that is not installed.
        OutputError
            If the files cannot be written; nothing is changed then.
        """
        from brainreg3d.export.bundle import write_formats

        content = self.export_content(stem)
        folder = self._export_folder() if output_dir is None else Path(output_dir)
        return write_formats(content, formats, folder, self._writer())

    def export_content(self, stem: str | None = None) -> ExportContent:
        """Return all that is known of the labelled image, for writers of formats.

        Parameters
        ----------
        stem : str, optional
            How names of files start; as those of the run when not given.

        Returns
        -------
        ExportContent
            Labels, maps, table and records.

        Raises
        ------
        NotComputed
            If the run ended before the labels.
        """
        self._labelled()
        atlas, alignment = self._placed()
        labels, regions = self.state.labels, self.state.regions
        if labels is None or regions is None:
            message = "The run has no regions to write."
            raise NotComputed(message)
        writer, image = self._writer(), self.image
        certain = None if self.pose_sigma is None else lambda: self.confidence
        return writer.replace(certain=certain).content(
            atlas,
            regions,
            alignment,
            labels,
            image=image,
            stem=stem or writer.stem or (image.stem if image else "image"),
            alignment_file=alignment_content(alignment, self._image_record, atlas),
            provenance=self.state.provenance,
        )

    def plot_overlay(self) -> Figure:
        """Draw the image with the outlines and names of the regions.

        Returns
        -------
        matplotlib.figure.Figure
            To save or to show.

        Raises
        ------
        NotComputed
            If the run ended before the labels.
        """
        from brainreg3d.views import draw_overlay

        labels, _, image, alignment = self._drawable()
        regions, atlas = self.state.regions, self.state.atlas
        if regions is None or atlas is None:
            message = "The run has no regions to draw."
            raise NotComputed(message)
        return draw_overlay(image, alignment, regions, labels, atlas=atlas)

    def _writer(self) -> MaskWriter:
        writer = self._steps.get("MaskWriter")
        return writer if isinstance(writer, MaskWriter) else MaskWriter()

    def _export_folder(self) -> Path:
        image, written = self.image, self._writer().output_dir
        if written is not None:
            return written
        if image is None or image.path is None:
            message = "The image was an array, which has no folder; give output_dir=."
            raise OutputError(message)
        return image.path.parent

    @property
    def _image_record(self) -> Any:
        """What an alignment file says of the image; its pixels are not looked at."""
        return self.image

    def _drawable(self) -> tuple[Labels, tuple[Region, ...], Image, Alignment]:
        self._labelled()
        labels, image, alignment = self.state.labels, self.image, self.alignment
        if image is None:
            message = (
                "The image is not there to be drawn: its file has been moved away, or it was an "
                "array. Give it: BrainReg3D.load(path, image=...), or brainreg3d show --image FILE."
            )
            raise NotComputed(message)
        if labels is None or alignment is None or self.regions is None:
            message = "The run ended before pixels were labelled; call run() without until=."
            raise NotComputed(message)
        return labels, self.regions, image, alignment

    def _repr_png_(self) -> bytes | None:
        """Show the overlay in a notebook."""
        if self.labels is None or self.image is None:
            return None
        buffer = io.BytesIO()
        self.plot_overlay().savefig(buffer, format="png", dpi=120)
        return buffer.getvalue()

    def __repr__(self) -> str:
        parts: list[Any] = []
        if self.atlas is not None:
            parts.append(self.atlas.title)
        if self.regions is not None:
            parts.append(f"{len(self.regions)} regions")
        if self.labels is not None:
            seen = len(self.regions or ()) - len(self.unseen or {})
            rows, columns = self.labels.shape
            parts.append(f"{seen} seen on {rows} x {columns} px")
        if self.registration is not None:
            parts.append("registered volume")
        if self.files:
            parts.append(f"files in {next(iter(self.files.values())).parent}")
        return f"<Result: {', '.join(parts) or 'nothing computed'}>"
