"""What a run gives back."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d import coordinates
from brainreg3d._arrays import finite_numbers, read_only
from brainreg3d.atlas import Atlas, BregmaPreset, Region, ccf_to_stereotaxic, stereotaxic_to_ccf
from brainreg3d.confidence import DEFAULT_DRAWS, label_confidence
from brainreg3d.errors import BrainReg3DError, InputError, OutputError, RegionError, did_you_mean
from brainreg3d.io.alignment import alignment_content
from brainreg3d.maps import SurfaceMaps
from brainreg3d.pose_sigma import PoseSigma, check_sigma, sigma_of
from brainreg3d.state import (
    Alignment,
    Image,
    Labels,
    Projections,
    Registration,
    State,
    VisibleSamples,
)
from brainreg3d.steps import MaskWriter, Step
from brainreg3d.steps.exporting import ExportContent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_MOST_NAMES = 20  # in an error message


class NotComputed(BrainReg3DError, AttributeError):  # noqa: N818 - a state, named as such
    """A result was asked for that the run did not get to."""


@attrs.frozen(eq=False, slots=False)
class Result:
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
    """

    state: State = attrs.field(repr=False)
    _steps: Mapping[str, Step] = attrs.field(factory=dict, repr=False)
    _pose_sigma: PoseSigma | None = attrs.field(default=None, repr=False)
    plots_folder: Path | None = attrs.field(default=None, repr=False)

    @property
    def image(self) -> Image | None:
        """The image."""
        return self.state.image

    @property
    def atlas(self) -> Atlas | None:
        """The atlas."""
        return self.state.atlas

    @property
    def regions(self) -> tuple[Region, ...] | None:
        """The regions in the order asked for, those without a pixel included."""
        return None if self.state.regions is None else self.state.regions.regions

    @property
    def registration(self) -> Registration | None:
        """The registration of the 3D volume."""
        return self.state.registration

    @property
    def alignment(self) -> Alignment | None:
        """Where the image lies."""
        return self.state.alignment

    @property
    def projections(self) -> Projections | None:
        """Samples of the regions on the image, visible or not."""
        return self.state.projections

    @property
    def visible(self) -> VisibleSamples | None:
        """The samples nearest to the camera."""
        return self.state.visible

    @property
    def labels(self) -> NDArray[np.uint16] | None:
        """Region of every pixel, shape (H, W): 0 for none, else 1 + index into `regions`."""
        return None if self.state.labels is None else self.state.labels.labels

    @functools.cached_property
    def masks(self) -> NDArray[np.bool_] | None:
        """One mask for each region, shape (R, H, W)."""
        if self.labels is None or self._acronyms is None:
            return None
        numbers = np.arange(1, len(self._acronyms) + 1, dtype=self.labels.dtype)
        masks: NDArray[np.bool_] = read_only(self.labels[None] == numbers[:, None, None])
        return masks

    @property
    def hemisphere(self) -> NDArray[np.uint8] | None:
        """Side of every pixel, shape (H, W): 1 left, 2 right, 0 where no side is seen.

        That is off the brain and outside the window mask; with ``occluders="regions"`` also where
        none of the regions lies, whatever other tissue there is.
        """
        return None if self.state.labels is None else self.state.labels.hemisphere

    @property
    def depth_mm(self) -> NDArray[np.float32] | None:
        """Distance of the tissue below the image plane, shape (H, W); NaN where none is seen.

        That is where `hemisphere` is 0: off the brain, outside the window mask, and with
        ``occluders="regions"`` where none of the regions lies.
        """
        return None if self.state.labels is None else self.state.labels.depth_mm

    @property
    def ccf(self) -> NDArray[np.float64] | None:
        """(AP, DV, ML) of the tissue surface in µm, shape (H, W, 3); NaN off the brain."""
        return None if self._maps is None else self._maps.ccf

    @property
    def incidence_deg(self) -> NDArray[np.float32] | None:
        """Angle between ray and normal of the tissue surface, shape (H, W); NaN off the brain."""
        return None if self._maps is None else self._maps.incidence_deg

    @property
    def area_mm2(self) -> NDArray[np.float64] | None:
        """Area of the tissue surface that a pixel sees, shape (H, W); NaN beyond 85 degrees."""
        return None if self._maps is None else self._maps.area_mm2

    @property
    def pose_sigma(self) -> PoseSigma | None:
        """How uncertain the pose is: as the run was told, else as its alignment says."""
        if self._pose_sigma is not None or self.alignment is None:
            return self._pose_sigma
        return sigma_of(self.alignment)

    @functools.cached_property
    def confidence(self) -> NDArray[np.float32]:
        """Share of draws of the pose in which each pixel keeps its label, shape (H, W).

        The pose is drawn as uncertain as the run was told (``pose_sigma_mm``, ``pose_sigma_deg``),
        or else as the alignment's ``uncertainty`` says; `NotComputed` where neither is known.
        """
        self._labelled()
        sigma = self.pose_sigma
        if sigma is None:
            message = (
                "How certain the pose is, is not known: the alignment has no uncertainty, as a fit "
                "of landmarks gives it. Say it: BrainReg3D(..., pose_sigma_mm=0.1, "
                "pose_sigma_deg=2), or result.confidence_for(position_mm=0.1, tilt_deg=2)."
            )
            raise NotComputed(message)
        return self._confidence(sigma, DEFAULT_DRAWS, 0)

    def confidence_for(
        self,
        *,
        position_mm: float | tuple[float, float] = 0.0,
        yaw_deg: float = 0.0,
        tilt_deg: float = 0.0,
        scale: float = 0.0,
        height_mm: float = 0.0,
        n_draws: int = DEFAULT_DRAWS,
        seed: int = 0,
    ) -> NDArray[np.float32]:
        """Return in which share of draws of the pose each pixel keeps its label.

        Parameters
        ----------
        position_mm : float or tuple of float
            1 sigma of the image's centre within its plane, along its (columns, rows).
        yaw_deg : float
            1 sigma of the turn of the image about its centre.
        tilt_deg : float
            1 sigma of pitch, and of roll.
        scale : float
            1 sigma of the pixel size, relative.
        height_mm : float
            1 sigma of the image's centre along the view.
        n_draws : int
            How many poses are drawn, independently in each of these numbers.
        seed : int
            For other draws; equal seeds give equal draws.

        Returns
        -------
        numpy.ndarray of float32, shape (H, W)
            From 0 to 1. "No region" is a label like any other.

        Raises
        ------
        NotComputed
            If the run ended before the labels.
        InputError
            If a number is not one, or negative.
        """
        self._labelled()
        check_sigma("tilt_deg", tilt_deg)  # not under the names that it has there
        sigma = PoseSigma(
            position_mm=position_mm,
            height_mm=height_mm,
            yaw_deg=yaw_deg,
            pitch_deg=tilt_deg,
            roll_deg=tilt_deg,
            scale=scale,
        )
        return self._confidence(sigma, n_draws, seed)

    def safe_core(
        self, share: float = 0.95, confidence: NDArray[np.floating] | None = None
    ) -> NDArray[np.bool_]:
        """Return masks of the pixels that keep their region in most draws of the pose.

        Parameters
        ----------
        share : float
            In which share of the draws at least, from 0 to 1.
        confidence : numpy.ndarray, shape (H, W), optional
            From `confidence_for`; `confidence` when not given.

        Returns
        -------
        numpy.ndarray of bool, shape (R, H, W)
            One mask for each region, inside that of `masks`.

        Raises
        ------
        NotComputed
            If the run ended before the labels, or nothing is known of how certain the pose is.
        InputError
            If `share` is no number from 0 to 1, or `confidence` is not of the image's shape.
        """
        labels, names = self._labelled()
        numbers = finite_numbers(share, 1)
        if numbers is None or not 0 <= numbers[0] <= 1:
            message = f"share is a number from 0 to 1; got {share!r}."
            raise InputError(message)
        kept = self.confidence if confidence is None else np.asarray(confidence)
        if kept.shape != labels.shape:
            message = f"confidence has shape {kept.shape}; the image has {labels.shape}."
            raise InputError(message)
        core = np.where(kept >= numbers[0], labels, 0)
        places = np.arange(1, len(names) + 1, dtype=core.dtype)
        return np.asarray(core[None] == places[:, None, None])

    @property
    def unseen(self) -> Mapping[str, str] | None:
        """Acronyms of the regions without a pixel, and why."""
        return None if self.state.labels is None else self.state.labels.unseen

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that were written, by kind; empty when nothing was."""
        written = (self.state.volume_outputs, self.state.outputs)
        return {k: path for outputs in written if outputs for k, path in outputs.files.items()}

    def mask(self, acronym: str) -> NDArray[np.bool_]:
        """Return the mask of one region.

        Parameters
        ----------
        acronym : str
            One of the regions of the run.

        Returns
        -------
        numpy.ndarray of bool, shape (H, W)
            True inside the region.

        Raises
        ------
        RegionError
            If the region was not part of the run.
        NotComputed
            If the run ended before the labels.
        """
        labels, names = self._labelled()
        if acronym not in names:
            shown = ", ".join(names[:_MOST_NAMES]) + (" ..." if len(names) > _MOST_NAMES else "")
            message = f"{acronym!r} is not among the regions of this run, {shown}."
            raise RegionError(message + did_you_mean(acronym, names))
        mask: NDArray[np.bool_] = read_only(labels == names.index(acronym) + 1)
        return mask

    def pixel_to_ccf(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.float64]:
        """Return where the tissue lies that the image shows at pixel positions.

        Parameters
        ----------
        rows, cols : array_like, shape (N,)
            Positions in pixels, fractions included; pixel centres are integers.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            (AP, DV, ML) in micrometres from the anterior-superior-left corner of the atlas box,
            on the face of the voxel of tissue that is met first; NaN off the brain. A single
            position gives an array of three numbers.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If rows and columns are no numbers, or do not go together.
        """
        atlas, alignment = self._placed()
        return coordinates.pixel_to_ccf(alignment.view, atlas.annotation, rows, cols)

    def ccf_to_pixel(self, points_um: ArrayLike) -> NDArray[np.float64]:
        """Project points of the CCF onto the image, whatever lies in front of them.

        Parameters
        ----------
        points_um : array_like, shape (N, 3)
            (AP, DV, ML) in micrometres from the anterior-superior-left corner of the atlas box.

        Returns
        -------
        numpy.ndarray, shape (N, 2)
            (row, column) in pixels, on the image or beyond its edges; NaN behind the camera. A
            single point gives an array of two numbers.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If a point has not three numbers.
        """
        atlas, alignment = self._placed()
        return coordinates.ccf_to_pixel(alignment.view, atlas.grid.box_mm, points_um)

    def pixel_to_stereotaxic(
        self, rows: ArrayLike, cols: ArrayLike, bregma: str | BregmaPreset | None = None
    ) -> NDArray[np.float64]:
        """Return where the tissue lies that the image shows at pixel positions, from bregma.

        Parameters
        ----------
        rows, cols : array_like, shape (N,)
            Positions in pixels, fractions included; pixel centres are integers.
        bregma : str or BregmaPreset, optional
            Name of a preset, or one of your own; that of the alignment when not given.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            (ML, AP, DV) in mm from bregma, positive to the right, to anterior and up; NaN off the
            brain.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If positions are no numbers, or there is no such preset.
        """
        return ccf_to_stereotaxic(self.pixel_to_ccf(rows, cols), self._bregma(bregma))

    def stereotaxic_to_pixel(
        self, points_mm: ArrayLike, bregma: str | BregmaPreset | None = None
    ) -> NDArray[np.float64]:
        """Project points given from bregma onto the image, whatever lies in front of them.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            (ML, AP, DV) in mm from bregma, positive to the right, to anterior and up.
        bregma : str or BregmaPreset, optional
            Name of a preset, or one of your own; that of the alignment when not given.

        Returns
        -------
        numpy.ndarray, shape (N, 2)
            (row, column) in pixels, on the image or beyond its edges; NaN behind the camera.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If a point has not three numbers, or there is no such preset.
        """
        return self.ccf_to_pixel(stereotaxic_to_ccf(points_mm, self._bregma(bregma)))

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
        sigma = self._pose_sigma or sigma_of(alignment)
        certain = None if sigma is None else lambda: self.confidence
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

    def _confidence(self, sigma: PoseSigma, n_draws: int, seed: int) -> NDArray[np.float32]:
        kept: NDArray[np.float32] = read_only(
            label_confidence(self.state, self._steps, sigma, n_draws=n_draws, seed=seed)
        )
        return kept

    @functools.cached_property
    def _maps(self) -> SurfaceMaps | None:
        if self.atlas is None or self.alignment is None:
            return None
        return SurfaceMaps(self.alignment.view, self.atlas.annotation)

    def _placed(self) -> tuple[Atlas, Alignment]:
        if self.atlas is None or self.alignment is None:
            message = "The run ended before the image was placed; call run() without until=."
            raise NotComputed(message)
        return self.atlas, self.alignment

    def _bregma(self, given: str | BregmaPreset | None) -> str | BregmaPreset:
        return self._placed()[1].bregma if given is None else given

    @property
    def _acronyms(self) -> tuple[str, ...] | None:
        """Names of the regions that labels stand for."""
        return None if self.state.regions is None else self.state.regions.acronyms

    @property
    def _image_record(self) -> Any:
        """What an alignment file says of the image; its pixels are not looked at."""
        return self.image

    def _labelled(self) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
        """Return the labels and the names of what they stand for."""
        if self.labels is None or self._acronyms is None:
            message = "The run ended before pixels were labelled; call run() without until=."
            raise NotComputed(message)
        return self.labels, self._acronyms

    def _drawable(self) -> tuple[Labels, tuple[Region, ...], Image, Alignment]:
        self._labelled()
        labels, image, alignment = self.state.labels, self.image, self.alignment
        if image is None:
            message = (
                "The image is not there to be drawn: its file has been moved away, or it was an "
                "array. Give it: BrainReg3D.load(path, image=...)."
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
