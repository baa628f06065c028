"""TransferAligner: the pose of an earlier image of the same animal is carried over."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import attrs
from numpy.typing import ArrayLike

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas
from brainreg3d.errors import AlignmentError, InputError, MatchNotTrusted
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.geometry.view import check_pixel_size
from brainreg3d.io.alignment import AlignmentFile
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.io.images import load_image
from brainreg3d.matching.carry_over import carried_view
from brainreg3d.matching.match import match_images
from brainreg3d.matching.result import DOUBTFUL_QUALITY, ImageMatch
from brainreg3d.state import Alignment, Image
from brainreg3d.steps.aligner import CONTRADICTION, Aligner
from brainreg3d.steps.given_alignment import as_alignment, check_belongs, read_given

OTHER_WAYS = (
    "Check that both show the same animal and that the alignment belongs to the old image; or "
    "place the new one by hand (brainreg3d align IMAGE -o FILE) or by points with known places in "
    "the brain (brainreg3d align IMAGE --landmarks FILE -o FILE)."
)


@attrs.frozen(eq=False)
class Transfer:
    """An alignment that was carried over, and what it rests on.

    Parameters
    ----------
    alignment : Alignment
        Of the new image.
    match : ImageMatch
        Of the new image to the old one.
    reference : Image
        The old image.
    reference_view : ImageView
        Where the old image lies.
    record : AlignmentFile
        What the old alignment says.
    """

    alignment: Alignment
    match: ImageMatch
    reference: Image
    reference_view: ImageView
    record: AlignmentFile


def _reference(value: Any) -> Path | Image:
    if isinstance(value, str | Path):
        return Path(value)
    return value if isinstance(value, Image) else load_image(value)


def _same_image(value: Any) -> Any:
    """Compare images by their content; paths by themselves."""
    return (value.sha256, value.frame) if isinstance(value, Image) else value


def _from_alignment(value: Any) -> Pose | AlignmentFile | Path:
    alignment = as_alignment(value)
    if alignment is None:
        message = "from_alignment is the alignment of the old image (a file or a Pose); got None."
        raise InputError(message)
    return alignment


def _optional_size(value: Any) -> tuple[float, float] | None:
    return None if value is None else check_pixel_size(value)


class TransferAligner(Aligner):
    """Place the image where an earlier image of the same animal lies, found by its vessels.

    Takes the parameters of `Aligner`, and those below. The match says how large the pixels of the
    new image are: a pixel size that was given, or that the image itself states, is where the
    search starts, and a warning says when it was wrong by more than 1 %.

    Parameters
    ----------
    reference : path-like or array_like
        The old image.
    from_alignment : path-like, Pose, ImageView or Alignment
        Where the old image lies.
    reference_frame : int, optional
        Which frame of the old image's stack.
    reference_pixel_size_mm : tuple of float, optional
        (row, column) pixel size of the old image, instead of what its alignment says.
    """

    reference: Path | Image | ArrayLike = attrs.field(converter=_reference, eq=_same_image)
    from_alignment: Pose | AlignmentFile | Path = attrs.field(converter=_from_alignment)
    reference_frame: int | None = None
    reference_pixel_size_mm: tuple[float, float] | None = attrs.field(
        default=None, converter=_optional_size
    )

    def compute(  # type: ignore[override]
        self,
        *,
        image: Image,
        atlas: Atlas | None = None,
        pixel_size_mm: tuple[float, float] | None = None,
    ) -> Alignment:
        """Return the alignment.

        Parameters
        ----------
        image : Image
            The new image.
        atlas : Atlas, optional
            The brain it lies in, to warn when the old alignment was made with another one.
        pixel_size_mm : tuple of float, optional
            (row, column) pixel size that was given explicitly.

        Returns
        -------
        Alignment
            Its source is ``"transfer"``; the history says from what, and how well it fits.

        Raises
        ------
        MatchNotTrusted
            If the new image is not found on the old one with certainty.
        AlignmentError
            If the old alignment is malformed or was made for an image of another size.
        ImageError
            If the old image cannot be read.
        """
        return self.transfer(image, atlas=atlas, pixel_size_mm=pixel_size_mm).alignment

    def transfer(
        self,
        image: Image,
        *,
        atlas: Atlas | None = None,
        pixel_size_mm: tuple[float, float] | None = None,
    ) -> Transfer:
        """Return the alignment together with the match that it rests on.

        Parameters
        ----------
        image : Image
            The new image.
        atlas : Atlas, optional
            As for `compute`.
        pixel_size_mm : tuple of float, optional
            As for `compute`.

        Returns
        -------
        Transfer
            What was found.

        Raises
        ------
        MatchNotTrusted
            If the new image is not found on the old one with certainty.
        """
        record = cast("AlignmentFile", read_given(self.from_alignment))  # None is refused above
        reference = self._load_reference()
        check_belongs(record, reference, atlas)
        _check_reference(record, reference, image)
        size = self._pixel_size(self.reference_pixel_size_mm, record.pixel_size_mm, reference)
        old = ImageView(reference.shape, size, record.pose, record.camera or Camera())
        expected = pixel_size_mm or image.pixel_size_mm
        match = match_images(
            image.pixels,
            reference.pixels,
            moving_pixel_size_mm=expected,
            fixed_pixel_size_mm=size,
        )
        _check_match(match, image, reference)
        view = carried_view(match, old, image.shape)
        _warn_of_pixel_size(view.pixel_size_mm, expected)
        stored = None if record.camera is None else view.camera
        view = attrs.evolve(view, camera=self._camera(stored))
        alignment = Alignment(
            self._under_focal_point(view, stored),
            bregma=self._bregma_name(record.bregma),
            source="transfer",
            image_sha256=image.sha256,
            given_pixel_size_mm=pixel_size_mm,
            extra={"history": self._history(record, reference, match)},
        )
        return Transfer(alignment, match, reference, old, record)

    def _load_reference(self) -> Image:
        if isinstance(self.reference, Image):
            return self.reference
        return load_image(self.reference, self.reference_frame)

    def _history(self, record: AlignmentFile, reference: Image, match: ImageMatch) -> list[Any]:
        """Return how the old pose came about, and what was done to it."""
        earlier = record.extra.get("history", [])
        file = self.from_alignment if isinstance(self.from_alignment, Path) else None
        entry: dict[str, Any] = {
            "transfer": "matched by its vessels to an earlier image of the same animal",
            "reference": None if reference.path is None else reference.path.name,
            "reference_sha256": reference.sha256,
            "from_alignment": None if file is None else file.name,
            "from_alignment_sha256": None if file is None else sha256_of_file(file),
            "quality": round(match.quality, 4),
            "rotation_deg": round(match.rotation_deg, 4),
            "scale": round(match.scale, 6),
            "shift_px": [round(value, 3) for value in match.translation_px],
            "mirrored": match.mirrored,
        }
        return [*(earlier if isinstance(earlier, list) else [earlier]), entry]


def _check_reference(record: AlignmentFile, reference: Image, image: Image) -> None:
    """Refuse the new image as its own reference: it would match, at any pose."""
    if reference.sha256 == image.sha256 != record.image_sha256 is not None:
        made_for = record.image_file or "another image"
        message = (
            f"The reference is the new image itself, but the alignment was made for {made_for}; "
            f"give that image as reference= (--reference)."
        )
        raise AlignmentError(message)


def _check_match(match: ImageMatch, image: Image, reference: Image) -> None:
    new, old = (f"{one.path.name}" if one.path else "the array" for one in (image, reference))
    if not match.trusted:
        message = (
            f"The new image ({new}) is not found on the old one ({old}): {match.doubt}. "
            f"{OTHER_WAYS}"
        )
        raise MatchNotTrusted(message)
    if match.mirrored:
        logger.warning(
            "The new image looks mirrored against the old one; its pose is mirrored as well. If "
            "nothing in the optics or the export has changed, one of the files was flipped."
        )
    if match.quality < DOUBTFUL_QUALITY:
        logger.warning(
            "The new image fits the old one in %.0f %% of the places looked at; judge it by eye "
            "before use.",
            100 * match.quality,
        )


def _warn_of_pixel_size(found: tuple[float, float], expected: tuple[float, float] | None) -> None:
    if expected is None:
        return
    apart = max(abs(a - b) / b for a, b in zip(found, expected, strict=True))
    if apart > CONTRADICTION:
        logger.warning(
            "The pixel size is taken as %.4g x %.4g mm (row, column), from the match to the old "
            "image; the one given, or stated by the image, is %.4g x %.4g mm.",
            *found,
            *expected,
        )
