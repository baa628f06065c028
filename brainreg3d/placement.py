"""Where the pose of an image comes from, and where it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brainreg3d._logging import logger
from brainreg3d.destination import check_spares, target
from brainreg3d.errors import AlignmentError, OutputError
from brainreg3d.geometry import Camera, ImageView
from brainreg3d.gui.default import default_window
from brainreg3d.gui.free_camera import check_window_camera
from brainreg3d.io.alignment import read_alignment, write_alignment
from brainreg3d.io.output_folder import check_writable
from brainreg3d.landmarks import read_landmarks
from brainreg3d.plan import Plan
from brainreg3d.state import Alignment, Image, State
from brainreg3d.steps import LandmarkAligner, ManualAligner
from brainreg3d.steps.write import FILE_NAMES


def with_pose_source(plan: Plan, image: Image | None, earlier: object, *, afresh: bool) -> Plan:
    """Give the aligner what it takes a pose from; raise if no pose can be had.

    Parameters
    ----------
    plan : Plan
        The steps of the run.
    image : Image or None
        The image of the run.
    earlier : Alignment or None
        Of the last run; one that was placed by hand, on the same image, is asked for no more.
    afresh : bool
        Whether neither that one counts, nor the one that is saved beside the results.

    Returns
    -------
    Plan
        With the saved alignment or a window on the screen in the aligner, if nothing was given.

    Raises
    ------
    AlignmentNeeded
        If there is no screen either. It is raised before an atlas is loaded.
    BrainReg3DError
        If the saved alignment, the file of landmarks, the alignment to start from, or the window's
        camera cannot be used.
    """
    if afresh:
        return _with_window(plan)
    if _was_placed_by_hand(earlier, image):
        return plan
    return _with_window(_with_saved_alignment(plan, image))


def _was_placed_by_hand(earlier: object, image: Image | None) -> bool:
    if image is None or not isinstance(earlier, Alignment):
        return False
    return earlier.source == "window" and earlier.image_sha256 == image.sha256


def _with_saved_alignment(plan: Plan, image: Image | None) -> Plan:
    """Take the alignment that lies beside the results when none was given."""
    aligner = _own_aligner(plan)
    if aligner is None or aligner.alignment is not None:
        return plan
    saved = _saved_alignment(plan, image)
    if image is None or saved is None:
        return plan
    record = read_alignment(saved)
    is_other = record.image_sha256 not in (None, image.sha256)
    if record.image_shape not in (None, image.shape) or (is_other and image.path is None):
        logger.info("%s was saved for another image and is not used.", saved)
        return plan
    logger.info("Taking the alignment saved as %s.", saved)
    return plan.replace("ManualAligner", aligner.replace(alignment=saved))


def _with_window(plan: Plan) -> Plan:
    """Give the aligner a window where it needs one; raise if no pose can be had."""
    if plan.skipped("ManualAligner"):
        return plan
    slot = plan.step("ManualAligner")
    if isinstance(slot, LandmarkAligner) and isinstance(slot.landmarks, Path):
        read_landmarks(slot.landmarks)
    aligner = _own_aligner(plan)
    if aligner is None:
        return plan
    check_window_camera(aligner.window_camera)
    if aligner.alignment is None and aligner.window is None:
        aligner = aligner.replace(window=default_window())
        plan = plan.replace("ManualAligner", aligner)
    aligner.check_source()
    return plan


def _own_aligner(plan: Plan) -> ManualAligner | None:
    """Return the aligner if it takes an alignment or a window."""
    aligner = plan.step("ManualAligner")
    # A subclass that computes otherwise has no use for either.
    is_own = getattr(type(aligner), "compute", None) is ManualAligner.compute
    return aligner if is_own and isinstance(aligner, ManualAligner) else None


def _saved_alignment(plan: Plan, image: Image | None) -> Path | None:
    """Return the alignment file among the results, or else beside the image."""
    places = [place_for_alignment(plan, image)]
    if image is not None and image.path is not None:
        places.append(_beside(image.path, image))
    return next((place for place in places if place is not None and place.is_file()), None)


def place_for_alignment(plan: Plan, image: Image | None) -> Path | None:
    """Return where a pose that was placed by hand is kept.

    Parameters
    ----------
    plan : Plan
        The steps of the run.
    image : Image or None
        The image of the run.

    Returns
    -------
    pathlib.Path or None
        Among the results, or beside the image where another writer decides on these; None for an
        array that has neither.
    """
    place = target(plan, image, "alignment")
    if place is None and image is not None and image.path is not None:
        return _beside(image.path, image)
    return place


def _beside(path: Path, image: Image) -> Path:
    return path.with_name(f"{image.stem}{FILE_NAMES['alignment']}")


def view_of_earlier(image: Image, alignment: Path | None) -> ImageView | None:
    """Return where the image of an earlier session lies.

    Parameters
    ----------
    image : Image
        The image.
    alignment : pathlib.Path or None
        Its alignment file; the one beside it when not given.

    Returns
    -------
    ImageView or None
        None, with a warning, if there is no such file or it says no scale.

    Raises
    ------
    AlignmentError
        If the file cannot be used, or is that of an image of another size.
    MissingFileError
        If a file that was named is not there.
    """
    file = alignment
    if file is None and image.path is not None:
        file = _beside(image.path, image)
        if not file.is_file():
            logger.warning(
                "There is no %s; the earlier image is shown, but not in its place.", file
            )
            return None
    if file is None:
        return None
    record = read_alignment(file)
    if record.image_shape not in (None, image.shape):
        message = (
            f"{file} was made for an image of {record.image_shape} pixels (rows, columns), but "
            f"the earlier image is {image.shape}; give the alignment that belongs to it."
        )
        raise AlignmentError(message)
    size = record.pixel_size_mm or image.pixel_size_mm
    if size is None:
        logger.warning("%s says no pixel size; the earlier image is not shown in place.", file)
        return None
    return ImageView(image.shape, size, record.pose, record.camera or Camera())


def check_alignment_file(path: Path, inputs: Iterable[Path]) -> None:
    """Find out before anything slow whether an alignment can be written.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    inputs : iterable of pathlib.Path
        Files that the run reads.

    Raises
    ------
    OutputError
        If its folder cannot be written to, or it is one of the inputs.
    """
    if path.is_dir():
        message = f"{path} is a folder; give the name of an alignment file, such as a.json."
        raise OutputError(message)
    check_writable(path.parent)
    check_spares(path, inputs)


def save_alignment(path: Path | None, state: State) -> None:
    """Write a pose that was placed by hand at once: what comes after it may still fail.

    Parameters
    ----------
    path : pathlib.Path or None
        Where to; None for an image that is an array, which has no place of its own.
    state : State
        Holds the alignment.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    if path is None:
        return
    if state.alignment is None or state.image is None or state.atlas is None:
        return
    try:
        write_alignment(path, state.alignment, state.image, state.atlas)
    except OutputError:
        view = state.alignment.view
        logger.error("The image lies at %r, with pixels of %s mm.", view.pose, view.pixel_size_mm)
        raise
