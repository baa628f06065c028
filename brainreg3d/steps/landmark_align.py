"""LandmarkAligner: the pose of an image from named points that were found in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import finite_numbers
from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas
from brainreg3d.errors import InputError
from brainreg3d.landmarks import (
    BrainHull,
    Landmark,
    LandmarkFile,
    LandmarkFit,
    fit_pose,
    positions_mm,
    read_landmarks,
)
from brainreg3d.state import Alignment, Image
from brainreg3d.steps.aligner import Aligner

_STRAIGHT_UP = (0.0, 0.0, 1.0)


def _landmarks(value: Any) -> Path | LandmarkFile:
    if isinstance(value, Path | LandmarkFile):
        return value
    if isinstance(value, str):
        return Path(value)
    entries = tuple(value) if isinstance(value, list | tuple) else ()
    if not entries or not all(isinstance(entry, Landmark) for entry in entries):
        message = f"landmarks is a file of landmarks, or a list of Landmark; got {value!r}."
        raise InputError(message)
    return LandmarkFile(entries)


def _facing(value: Any) -> str | tuple[float, ...]:
    if isinstance(value, str):
        numbers = None
        if value in ("up", "surface"):
            return value
    else:
        numbers = finite_numbers(value, 3)
    if numbers is None or not any(numbers):
        message = (
            f'facing is "up", "surface", or a direction (x, y, z) in the atlas frame; got '
            f"{value!r}."
        )
        raise InputError(message)
    return numbers


class LandmarkAligner(Aligner):
    """Place the image in the atlas by landmarks, without a window.

    Two landmarks give position and yaw, three or more the tilt as well, if they determine it. The
    alignment holds the landmarks with their residuals, the spread of the pose (1 sigma), and how it
    came about; what is doubtful is logged as a warning.

    The pixel size given explicitly wins over the file of landmarks, which wins over the image; it
    is fitted if none of them says.

    Parameters
    ----------
    landmarks : path-like or sequence of Landmark
        Our own JSON, or wfield's ``dorsal_cortex_landmarks.json``.
    mirrored : bool, optional
        Whether the image is mirrored; found from the landmarks when not given.
    facing : str or tuple of float
        What the image plane faces as far as the landmarks leave that open: straight ``"up"``, or
        outwards like the brain's ``"surface"`` at the landmarks, or along a vector (x, y, z).
    """

    landmarks: Path | LandmarkFile = attrs.field(converter=_landmarks)
    mirrored: bool | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.instance_of(bool))
    )
    facing: str | tuple[float, ...] = attrs.field(default="up", converter=_facing)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.focal_point_mm is not None:
            distance = float(np.linalg.norm(self.focal_point_mm))
            message = (
                f"A focal point fixes from where the brain is seen, which is what landmarks are to "
                f"find; give camera_distance_mm={distance:g} instead of focal_point."
            )
            raise InputError(message)

    def compute(  # type: ignore[override]
        self, *, image: Image, atlas: Atlas, pixel_size_mm: tuple[float, float] | None = None
    ) -> Alignment:
        """Return the alignment.

        Parameters
        ----------
        image : Image
            The image in which the landmarks were found.
        atlas : Atlas
            The brain it lies in.
        pixel_size_mm : tuple of float, optional
            (row, column) pixel size that was given explicitly.

        Returns
        -------
        Alignment
            Pose, camera and pixel size; ``extra`` holds landmarks, uncertainty and history.

        Raises
        ------
        InputError
            If the landmarks give no pose.
        """
        file = self.landmarks if isinstance(self.landmarks, Path) else None
        found = read_landmarks(file) if file is not None else self.landmarks
        if not isinstance(found, LandmarkFile):
            message = f"landmarks is a file or a list of Landmark; got {found!r}."
            raise InputError(message)
        _check_in_image(found, image)
        bregma = self._bregma_name(found.bregma)
        fit = self._fit(found, image, atlas, bregma, pixel_size_mm)
        for warning in fit.warnings:
            logger.warning("%s", warning)
        return Alignment(
            fit.view,
            bregma=bregma,
            source="landmarks",
            file=file,
            image_sha256=image.sha256,
            given_pixel_size_mm=pixel_size_mm,
            extra=_extra(fit, file),
        )

    def _fit(
        self,
        found: LandmarkFile,
        image: Image,
        atlas: Atlas,
        bregma: str,
        pixel_size_mm: tuple[float, float] | None,
    ) -> LandmarkFit:
        known = pixel_size_mm or found.pixel_size_mm or image.pixel_size_mm
        if known is not None:  # says so if they contradict each other
            known = self._pixel_size(pixel_size_mm, found.pixel_size_mm, image)
        return fit_pose(
            found.landmarks,
            atlas.annotation,
            image.shape,
            pixel_size_mm=known,
            camera=self._camera(None),
            bregma=bregma,
            mirrored=self.mirrored,
            expected_up=self._expected_up(found, atlas, bregma),
        )

    def _expected_up(
        self, found: LandmarkFile, atlas: Atlas, bregma: str
    ) -> NDArray[np.float64] | tuple[float, ...]:
        if self.facing == "up":
            return _STRAIGHT_UP
        if not isinstance(self.facing, str):
            return self.facing
        points = positions_mm(found.landmarks, atlas.annotation, bregma)
        normals = BrainHull.of(atlas.annotation).normals(points)
        mean = np.nan_to_num(normals).sum(axis=0)
        return mean if np.linalg.norm(mean) > 1e-6 else np.array(_STRAIGHT_UP)


def _check_in_image(found: LandmarkFile, image: Image) -> None:
    """Warn of landmarks far beyond the image: they belong to another one, or row is column."""
    height, width = image.shape
    for landmark in found.landmarks:
        inside = -0.5 * height < landmark.row < 1.5 * height
        if not (inside and -0.5 * width < landmark.col < 1.5 * width):
            logger.warning(
                "Landmark %s at row %g, column %g lies far beyond the image of %d x %d pixels "
                "(rows x columns); check that it was found in this image.",
                landmark.label,
                landmark.row,
                landmark.col,
                height,
                width,
            )


def _extra(fit: LandmarkFit, file: Path | None) -> Mapping[str, Any]:
    fitted = ", ".join(fit.free)
    source = "" if file is None else f" of {file.name}"
    note = f"{int(fit.used.sum())} landmarks{source}; fitted: {fitted}"
    return {
        "uncertainty": fit.uncertainty(),
        "landmarks": fit.record(),
        "history": [note, *fit.warnings],
    }
