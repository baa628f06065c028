"""ManualAligner: the image is placed by hand, now or in an earlier session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.errors import AlignmentCancelled, AlignmentError, AlignmentNeeded, InputError
from brainreg3d.geometry import ImageView, Pose
from brainreg3d.io.alignment import AlignmentFile, read_alignment
from brainreg3d.state import Alignment, Image, Registration
from brainreg3d.steps.aligner import Aligner
from brainreg3d.steps.base import AlignmentScene, AlignmentWindow


def _alignment(value: Any) -> Pose | AlignmentFile | Path | None:
    if value is None or isinstance(value, Pose | AlignmentFile | Path):
        return value
    if isinstance(value, str):
        return Path(value)
    view = value.view if isinstance(value, Alignment) else value
    if isinstance(view, ImageView):
        bregma = value.bregma if isinstance(value, Alignment) else None
        return AlignmentFile(view.pose, view.camera, view.pixel_size_mm, view.shape, bregma=bregma)
    message = (
        f"alignment is an alignment file, a Pose, the alignment of another result, or None; "
        f"got {value!r}."
    )
    raise InputError(message)


class ManualAligner(Aligner):
    """Place the image in the atlas: from a file, from a pose, or by hand in a window.

    Takes the parameters of `Aligner`, and those below.

    Parameters
    ----------
    alignment : path-like, Pose or None
        An alignment file, a pose, or None to ask in the window.
    window : AlignmentWindow, optional
        Where to ask for the pose.
    matched_image : path-like, optional
        Image of an earlier session that the window shows in place.
    window_camera : mapping, optional
        Camera with which the window starts.
    """

    alignment: Pose | AlignmentFile | Path | None = attrs.field(default=None, converter=_alignment)
    window: AlignmentWindow | None = attrs.field(default=None, eq=False, repr=False)
    matched_image: Path | None = attrs.field(default=None, eq=False, repr=False)
    window_camera: Mapping[str, Any] | None = attrs.field(default=None, eq=False, repr=False)

    def compute(  # type: ignore[override]
        self,
        *,
        image: Image,
        atlas: Atlas,
        regions: RegionSet,
        pixel_size_mm: tuple[float, float] | None = None,
        registration: Registration | None = None,
    ) -> Alignment:
        """Return the alignment.

        Parameters
        ----------
        image : Image
            The image.
        atlas : Atlas
            The brain it lies in.
        regions : RegionSet
            Shown in the window.
        pixel_size_mm : tuple of float, optional
            (row, column) pixel size that was given explicitly.
        registration : Registration, optional
            Of the animal's own volume, for the window.

        Returns
        -------
        Alignment
            Pose, camera and pixel size.

        Raises
        ------
        AlignmentNeeded
            If no alignment was given and there is no window to make one.
        AlignmentCancelled
            If the window was closed without accepting.
        AlignmentError
            If the file is malformed or was made for an image of another size.
        """
        file = self.alignment if isinstance(self.alignment, Path) else None
        record = self._record()
        if record is None:
            return self._ask(image, atlas, regions, pixel_size_mm, registration)
        _check_belongs(record, image, atlas)
        size = self._pixel_size(pixel_size_mm, record.pixel_size_mm, image)
        view = ImageView(image.shape, size, record.pose, self._camera(record.camera))
        return Alignment(
            self._under_focal_point(view, record.camera),
            bregma=self._bregma_name(record.bregma),
            source="pose" if file is None else "file",
            file=file,
            given_pixel_size_mm=pixel_size_mm,
            extra=record.extra,
        )

    def check_source(self) -> None:
        """Find out before anything slow whether a pose can be had.

        Raises
        ------
        AlignmentNeeded
            If no alignment was given and there is no window to make one.
        """
        if self.alignment is None and self.window is None:
            message = (
                "No alignment was given and no window can be opened to place the image by hand. "
                "Give alignment=FILE (the <stem>_alignment.json of an earlier session) or "
                "alignment=Pose(center_mm=(x, y, z), ...); on the command line, --alignment FILE."
            )
            raise AlignmentNeeded(message)

    def kept(self, previous: Any, **needs: Any) -> Alignment | None:
        """Keep a pose that was placed by hand, as long as the image is the same.

        A camera, a bregma or a pixel size that was given since then applies to it.

        Parameters
        ----------
        previous : Alignment
            The earlier result.
        **needs
            What ``compute`` would get.

        Returns
        -------
        Alignment or None
            None if there is no such pose, or an alignment was given.
        """
        if not isinstance(previous, Alignment) or previous.source != "window":
            return None
        if self.alignment is not None or previous.image_sha256 != needs["image"].sha256:
            return None
        view = attrs.evolve(previous.view, camera=self._over(previous.view.camera))
        given = needs.get("pixel_size_mm")
        if given is not None and given != previous.given_pixel_size_mm:
            view = attrs.evolve(view, pixel_size_mm=given)
        return attrs.evolve(
            previous,
            view=self._under_focal_point(view, previous.view.camera),
            bregma=self.bregma or previous.bregma,
            given_pixel_size_mm=given,
        )

    def _record(self) -> AlignmentFile | None:
        if isinstance(self.alignment, Path):
            return read_alignment(self.alignment)
        if isinstance(self.alignment, Pose):
            return AlignmentFile(self.alignment)
        return self.alignment

    def _ask(
        self,
        image: Image,
        atlas: Atlas,
        regions: RegionSet,
        pixel_size_mm: tuple[float, float] | None,
        registration: Registration | None,
    ) -> Alignment:
        self.check_source()
        size = self._pixel_size(pixel_size_mm, None, image)
        width, length, height = atlas.grid.box_mm
        pose = Pose((width / 2, length / 2, height))
        start = ImageView(image.shape, size, pose, self._camera(None))
        scene = AlignmentScene(
            image=image,
            atlas=atlas,
            regions=regions,
            start=start,
            registration=registration,
            matched_image=self.matched_image,
            window_camera=self.window_camera,
            bregma=self._bregma_name(),
            pixel_size_known=pixel_size_mm is not None or image.pixel_size_mm is not None,
        )
        accepted = None if self.window is None else self.window.ask(scene)
        if accepted is None:
            message = "The alignment was cancelled; no pose was accepted and nothing was written."
            raise AlignmentCancelled(message)
        return Alignment(
            self._under_focal_point(accepted, None),
            bregma=self._bregma_name(),
            source="window",
            image_sha256=image.sha256,
            given_pixel_size_mm=pixel_size_mm,
        )


def _check_belongs(record: AlignmentFile, image: Image, atlas: Atlas) -> None:
    """Refuse an alignment of an image of another size; warn of other differences."""
    if record.image_shape is not None and record.image_shape != image.shape:
        message = (
            f"The alignment was made for an image of {record.image_shape} pixels (rows, columns) "
            f"but this one is {image.shape}; give the alignment that belongs to it."
        )
        raise AlignmentError(message)
    if record.image_sha256 not in (None, image.sha256):
        logger.warning("The alignment was made for another image of the same size.")
    name = record.atlas.get("name", atlas.name)
    if name != atlas.name and "local" not in (name, atlas.name):
        logger.warning("The alignment was made with atlas %s, not %s.", name, atlas.name)
    if name == atlas.name and _is_other_annotation(record.atlas, atlas):
        logger.warning("The alignment was made with another annotation of atlas %s.", name)


def _is_other_annotation(recorded: Mapping[str, Any], atlas: Atlas) -> bool:
    """Tell whether annotations of one resolution differ; what is not known is no difference."""
    resolution = recorded.get("resolution_um")
    resolution = tuple(resolution) if isinstance(resolution, list) else resolution
    if resolution not in (None, atlas.resolution_um):
        return False
    hashes = recorded.get("annotation_sha256"), atlas.sha256.get("annotation")
    return all(hashes) and hashes[0] != hashes[1]
