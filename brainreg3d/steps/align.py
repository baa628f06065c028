"""ManualAligner: where the image lies in the atlas."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import numpy as np

from brainreg3d._arrays import finite_numbers
from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas, RegionSet, find_bregma
from brainreg3d.errors import AlignmentCancelled, AlignmentError, AlignmentNeeded, InputError
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.geometry.view import pixel_size_of
from brainreg3d.io.alignment import AlignmentFile, read_alignment
from brainreg3d.state import Alignment, Image, Registration
from brainreg3d.steps.base import AlignmentScene, AlignmentWindow, Step

DEFAULT_PIXEL_SIZE_MM = (0.015, 0.015)
DEFAULT_BREGMA = "ibl"
CONTRADICTION = 0.01  # relative difference between two sources that is worth a warning


class NotGiven(enum.Enum):
    """Stands for an argument that was not given, where None has a meaning of its own."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return self.name


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


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


def _distance(value: Any) -> float | NotGiven | None:
    return NOT_GIVEN if value is NOT_GIVEN else Camera(distance_mm=value).distance_mm


def _principal_point(value: Any) -> tuple[float, float] | None:
    return Camera(principal_point_px=value).principal_point_px


def _vector(value: Any) -> tuple[float, float, float] | None:
    if value is None:
        return None
    numbers = finite_numbers(value, 3)
    if numbers is None:
        message = f"focal_point is a vector of three numbers (x, y, z) in mm; got {value!r}."
        raise InputError(message)
    return numbers[0], numbers[1], numbers[2]


def _check_bregma(_: Any, __: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        find_bregma(value)


class ManualAligner(Step):
    """Place the image in the atlas: from a file, from a pose, or by hand in a window.

    What is given here wins over the alignment file, which wins over the image's metadata, which
    win over defaults; contradictions above 1 % are warned about.

    Parameters
    ----------
    alignment : path-like, Pose or None
        An alignment file, a pose, or None to ask in the window.
    camera_distance_mm : float or None
        From the image plane to the camera, along the view axis; None for parallel rays. 230 mm
        when neither this nor the file says.
    principal_point_px : tuple of float, optional
        (row, column) under the camera's axis, for cropped sensors.
    focal_point_mm : tuple of float, optional
        From the centre of the image to a camera whose direction is fixed in the atlas, whatever
        the tilt of the image; instead of `camera_distance_mm`.
    bregma : str, optional
        Name of a bregma preset; ``"ibl"`` when neither this nor the file says.
    window : AlignmentWindow, optional
        Where to ask for the pose.
    matched_image : path-like, optional
        Image of an earlier session that the window shows in place.
    window_camera : mapping, optional
        Camera with which the window starts.
    default_image_dims_mm, default_bregma, default_focal_point_mm : optional
        What holds where neither these arguments nor the file nor the image say anything.
    """

    provides: ClassVar[str] = "alignment"

    alignment: Pose | AlignmentFile | Path | None = attrs.field(default=None, converter=_alignment)
    camera_distance_mm: float | NotGiven | None = attrs.field(
        default=NOT_GIVEN, converter=_distance
    )
    principal_point_px: tuple[float, float] | None = attrs.field(
        default=None, converter=_principal_point
    )
    focal_point_mm: tuple[float, float, float] | None = attrs.field(default=None, converter=_vector)
    bregma: str | None = attrs.field(default=None, validator=_check_bregma)
    window: AlignmentWindow | None = attrs.field(default=None, eq=False, repr=False)
    matched_image: Path | None = attrs.field(default=None, eq=False, repr=False)
    window_camera: Mapping[str, Any] | None = attrs.field(default=None, eq=False, repr=False)
    default_image_dims_mm: tuple[float, ...] | None = None
    default_bregma: str | None = attrs.field(default=None, validator=_check_bregma)
    default_focal_point_mm: tuple[float, float, float] | None = attrs.field(
        default=None, converter=_vector
    )

    def __attrs_post_init__(self) -> None:
        has_distance = not isinstance(self.camera_distance_mm, NotGiven)
        if self.focal_point_mm is not None and (has_distance or self.principal_point_px):
            message = (
                "Give either focal_point, or camera_distance_mm and principal_point_px: a focal "
                "point says all of it."
            )
            raise InputError(message)

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
            bregma=self.bregma or record.bregma or self.default_bregma or DEFAULT_BREGMA,
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

    def _camera(self, stored: Camera | None) -> Camera:
        """Return the camera given here, then the stored one, then the default."""
        camera = self._over(stored or Camera())
        if stored is not None:
            _warn_if_apart("camera distance", camera.distance_mm, stored.distance_mm, "mm")
        return camera

    def _over(self, camera: Camera) -> Camera:
        """Return a camera with what was given here."""
        distance, point = camera.distance_mm, camera.principal_point_px
        if not isinstance(self.camera_distance_mm, NotGiven):
            distance = self.camera_distance_mm
        if self.principal_point_px is not None:
            point = self.principal_point_px
        return Camera(distance, point)

    def _under_focal_point(self, view: ImageView, stored: Camera | None) -> ImageView:
        """Return the view from the focal point, where one holds."""
        vector = self.focal_point_mm
        if vector is None and stored is None and isinstance(self.camera_distance_mm, NotGiven):
            vector = self.default_focal_point_mm
        if vector is None:
            return view
        return view.with_camera_at(np.asarray(view.pose.center_mm) + np.asarray(vector))

    def _pixel_size(
        self,
        explicit: tuple[float, float] | None,
        stored: tuple[float, float] | None,
        image: Image,
    ) -> tuple[float, float]:
        """Argument, then alignment file, then the image's metadata, then the default."""
        given = [size for size in (explicit, stored, image.pixel_size_mm) if size is not None]
        for other in given[1:]:
            _warn_if_apart("pixel height", given[0][0], other[0], "mm")
            _warn_if_apart("pixel width", given[0][1], other[1], "mm")
        if given:
            return given[0]
        if self.default_image_dims_mm is not None:
            return pixel_size_of(image.shape, self.default_image_dims_mm)
        logger.warning(
            "No pixel size is known; taking %g mm. Give image_dims_mm or pixel_size_mm "
            "(--image-dims-mm, --pixel-size-mm).",
            DEFAULT_PIXEL_SIZE_MM[0],
        )
        return DEFAULT_PIXEL_SIZE_MM

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
            image, atlas, regions, start, registration, self.matched_image, self.window_camera
        )
        accepted = None if self.window is None else self.window.ask(scene)
        if accepted is None:
            message = "The alignment was cancelled; no pose was accepted and nothing was written."
            raise AlignmentCancelled(message)
        return Alignment(
            self._under_focal_point(accepted, None),
            bregma=self.bregma or self.default_bregma or DEFAULT_BREGMA,
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


def _warn_if_apart(what: str, used: float | None, other: float | None, unit: str) -> None:
    if used == other:
        return
    if used is None or other is None or abs(used - other) > CONTRADICTION * abs(other):
        said, ignored = (
            "none (parallel rays)" if value is None else f"{value:g} {unit}"
            for value in (used, other)
        )
        logger.warning(
            "The %s is taken as %s; the alignment file, or the image itself, says %s.",
            what,
            said,
            ignored,
        )
