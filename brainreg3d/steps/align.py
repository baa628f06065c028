"""ManualAligner: the image is placed by hand, now or in an earlier session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.errors import AlignmentCancelled, AlignmentNeeded
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.io.alignment import AlignmentFile
from brainreg3d.state import Alignment, Image, Registration, Volume
from brainreg3d.steps.aligner import Aligner
from brainreg3d.steps.base import AlignmentScene, AlignmentWindow, PlacedImage
from brainreg3d.steps.given_alignment import (
    as_alignment,
    check_atlas,
    check_belongs,
    read_given,
)
from brainreg3d.steps.parameters import one_of
from brainreg3d.steps.starting_pose import YAW_OF_ANTERIOR_DEG, starting_pose

WAYS_TO_ALIGN = (
    "Give one of: the alignment of an earlier session, or a pose (--alignment FILE; alignment=); "
    "points with known places in the brain (brainreg3d align IMAGE --landmarks FILE -o FILE); a "
    "window in a browser, here or over ssh (--web; window=); the alignment of an earlier image "
    "of the same animal (brainreg3d transfer IMAGE --from FILE --reference EARLIER_IMAGE -o FILE)."
)


class ManualAligner(Aligner):
    """Place the image in the atlas: from a file, from a pose, or by hand in a window.

    Takes the parameters of `Aligner`, and those below.

    Parameters
    ----------
    alignment : path-like, Pose or None
        An alignment file, a pose, or None to ask in the window.
    window : AlignmentWindow, optional
        Where to ask for the pose.
    start : path-like, Pose or None
        Where the image starts in the window: an alignment file or a pose, to correct it. Otherwise
        the image starts where that of the earlier session lies, or else where the next three
        parameters say.
    anterior : {"up", "down", "left", "right"}
        Where anterior is in the picture when the image starts.
    hemisphere : {"both", "left", "right"}
        Over which side the centre of the image starts.
    tilt : {None, "surface"}
        Whether the image starts with the tilt of the surface under its centre, or of the patch of
        surface that it sees.
    matched_image : path-like, optional
        Image of an earlier session that the window shows in place.
    matched_frame : int, optional
        Which frame of its stack.
    matched_view : ImageView, optional
        Where that image lies.
    window_camera : mapping, optional
        Camera with which the window starts.
    """

    alignment: Pose | AlignmentFile | Path | None = attrs.field(
        default=None, converter=as_alignment
    )
    window: AlignmentWindow | None = attrs.field(default=None, eq=False, repr=False)
    # Where a pose starts takes no part in results, hence eq=False.
    start: Pose | AlignmentFile | Path | None = attrs.field(
        default=None, converter=as_alignment, eq=False
    )
    anterior: str = attrs.field(default="up", validator=one_of(*YAW_OF_ANTERIOR_DEG), eq=False)
    hemisphere: str = attrs.field(
        default="both", validator=one_of("both", "left", "right"), eq=False
    )
    tilt: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(one_of("surface")), eq=False
    )
    matched_image: Path | None = attrs.field(default=None, eq=False, repr=False)
    matched_frame: int | None = attrs.field(default=None, eq=False, repr=False)
    matched_view: ImageView | None = attrs.field(default=None, eq=False, repr=False)
    window_camera: Mapping[str, Any] | None = attrs.field(default=None, eq=False, repr=False)

    def compute(  # type: ignore[override]
        self,
        *,
        image: Image,
        atlas: Atlas,
        regions: RegionSet,
        pixel_size_mm: tuple[float, float] | None = None,
        registration: Registration | None = None,
        volume: Volume | None = None,
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
        volume : Volume, optional
            That volume.

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
        record = read_given(self.alignment)
        if record is None:
            return self._ask(image, atlas, regions, pixel_size_mm, registration, volume)
        check_belongs(record, image, atlas)
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
            If no alignment was given and there is no window to make one, or it cannot be opened.
        AlignmentError
            If the alignment that the window is to start from is malformed.
        """
        if self.alignment is None and self.window is None:
            nothing = "No alignment was given or saved, and there is no screen to open a window on."
            message = f"{nothing} {WAYS_TO_ALIGN}"
            raise AlignmentNeeded(message)
        check_window = getattr(self.window, "check", None)
        if self.alignment is None and check_window is not None:
            check_window()
        read_given(self.start)

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
        view = self._under_focal_point(view, previous.view.camera)
        return attrs.evolve(
            previous,
            view=view,
            bregma=self.bregma or previous.bregma,
            given_pixel_size_mm=given,
            # Residuals of landmarks hold for the view that they were fitted to, and no other.
            extra=previous.extra if view == previous.view else {},
        )

    def _ask(
        self,
        image: Image,
        atlas: Atlas,
        regions: RegionSet,
        pixel_size_mm: tuple[float, float] | None,
        registration: Registration | None,
        volume: Volume | None,
    ) -> Alignment:
        self.check_source()
        record = self._start_record(image)
        if record is not None:
            check_atlas(record, atlas)
        scene = AlignmentScene(
            image=image,
            atlas=atlas,
            regions=regions,
            start=self._start_view(record, image, atlas, pixel_size_mm),
            registration=registration,
            volume=volume,
            matched_image=self.matched_image,
            window_camera=self.window_camera,
            bregma=self._bregma_name(None if record is None else record.bregma),
            pixel_size_known=self._knows_pixel_size(record, image, pixel_size_mm),
            matched_frame=self.matched_frame,
            matched_view=self.matched_view,
            focal_point_mm=self._focal_point(None if record is None else record.camera),
        )
        accepted = None if self.window is None else self.window.ask(scene)
        if accepted is None:
            message = "The alignment was cancelled; no pose was accepted and nothing was written."
            raise AlignmentCancelled(message)
        placed = accepted if isinstance(accepted, PlacedImage) else PlacedImage(accepted)
        return Alignment(
            self._under_focal_point(placed.view, None if record is None else record.camera),
            bregma=scene.bregma,
            source="window",
            image_sha256=image.sha256,
            given_pixel_size_mm=pixel_size_mm,
            extra=placed.extra,
        )

    def _start_record(self, image: Image) -> AlignmentFile | None:
        """Return the alignment that the image starts from, if there is one."""
        record, view = read_given(self.start), self.matched_view
        if record is None and view is not None:
            record = AlignmentFile(view.pose, view.camera, image_shape=view.shape)
        if record is None or record.image_shape in (None, image.shape):
            return record
        # An image of another shape: what was said in pixels does not hold.
        camera = None if record.camera is None else Camera(record.camera.distance_mm)
        return attrs.evolve(record, pixel_size_mm=None, camera=camera)

    def _start_view(
        self,
        record: AlignmentFile | None,
        image: Image,
        atlas: Atlas,
        pixel_size_mm: tuple[float, float] | None,
    ) -> ImageView:
        """Return where the image starts: at an alignment, or where words say."""
        if record is not None:
            if self.anterior != "up" or self.tilt is not None:
                logger.warning(
                    "The image starts at an earlier alignment; anterior and tilt have no effect."
                )
            size = self._start_size(record, image, pixel_size_mm)
            return ImageView(image.shape, size, record.pose, self._camera(record.camera))
        size, camera = self._pixel_size(pixel_size_mm, None, image), self._camera(None)
        pose = starting_pose(
            atlas,
            image.shape,
            size,
            camera,
            anterior=self.anterior,
            hemisphere=self.hemisphere,
            tilt=self.tilt,
        )
        return ImageView(image.shape, size, pose, camera)

    def _start_size(
        self, record: AlignmentFile, image: Image, given: tuple[float, float] | None
    ) -> tuple[float, float]:
        """Return the pixel size of an image that starts at an alignment."""
        earlier = self.matched_view
        same_rig = earlier is not None and earlier.shape == image.shape
        if earlier is not None and same_rig and not self._knows_pixel_size(record, image, given):
            return earlier.pixel_size_mm  # a better guess than any, and the scale stays free
        return self._pixel_size(given, record.pixel_size_mm, image)

    def _knows_pixel_size(
        self, record: AlignmentFile | None, image: Image, given: tuple[float, float] | None
    ) -> bool:
        stored = None if record is None else record.pixel_size_mm
        known = (given, stored, image.pixel_size_mm, self.default_image_dims_mm)
        return any(size is not None for size in known)
