"""Aligner: what all ways of placing an image have in common."""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Final

import attrs
import numpy as np

from brainreg3d._arrays import finite_numbers
from brainreg3d._logging import logger
from brainreg3d.atlas import DEFAULT_BREGMA, find_bregma
from brainreg3d.errors import InputError
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.geometry.view import pixel_size_of
from brainreg3d.state import Image
from brainreg3d.steps.base import Step

DEFAULT_PIXEL_SIZE_MM = (0.015, 0.015)
CONTRADICTION = 0.01  # relative difference between two sources that is worth a warning


class NotGiven(enum.Enum):
    """Stands for an argument that was not given, where None has a meaning of its own."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return self.name


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


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


class Aligner(Step):
    """Find where the image lies in the atlas; each way of doing so is a subclass.

    What is given here wins over what an alignment file says, which wins over the image's
    metadata, which win over defaults; contradictions above 1 % are warned about.

    Parameters
    ----------
    camera_distance_mm : float or None
        From the image plane to the camera, along the view axis; None for parallel rays. 230 mm
        when neither this nor a file says.
    principal_point_px : tuple of float, optional
        (row, column) under the camera's axis, for cropped sensors.
    focal_point_mm : tuple of float, optional
        From the centre of the image to a camera whose direction is fixed in the atlas, whatever
        the tilt of the image; instead of `camera_distance_mm`.
    bregma : str, optional
        Name of a bregma preset; ``"ibl"`` when neither this nor a file says.
    default_image_dims_mm, default_bregma, default_focal_point_mm : optional
        What holds where neither these arguments nor a file nor the image say anything.
    """

    provides: ClassVar[str] = "alignment"

    camera_distance_mm: float | NotGiven | None = attrs.field(
        default=NOT_GIVEN, converter=_distance
    )
    principal_point_px: tuple[float, float] | None = attrs.field(
        default=None, converter=_principal_point
    )
    focal_point_mm: tuple[float, float, float] | None = attrs.field(default=None, converter=_vector)
    bregma: str | None = attrs.field(default=None, validator=_check_bregma)
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

    def _focal_point(self, stored: Camera | None) -> tuple[float, float, float] | None:
        """Return the focal point that holds: given here, or the default where nothing else is."""
        if self.focal_point_mm is not None:
            return self.focal_point_mm
        if stored is None and isinstance(self.camera_distance_mm, NotGiven):
            return self.default_focal_point_mm
        return None

    def _under_focal_point(self, view: ImageView, stored: Camera | None) -> ImageView:
        """Return the view from the focal point, where one holds."""
        vector = self._focal_point(stored)
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

    def _bregma_name(self, stored: str | None = None) -> str:
        """Return the bregma preset given here, then the stored one, then the default."""
        return self.bregma or stored or self.default_bregma or DEFAULT_BREGMA


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
