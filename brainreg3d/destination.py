"""Where the results of a run go, and what is already there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brainreg3d._logging import logger
from brainreg3d.errors import OutputError
from brainreg3d.io.alignment import read_alignment, write_alignment
from brainreg3d.io.output_folder import check_writable
from brainreg3d.plan import Plan
from brainreg3d.state import Image, State, Volume
from brainreg3d.steps import ManualAligner, MaskWriter, VolumeWriter
from brainreg3d.steps.volume_write import FILE_NAMES as VOLUME_FILES
from brainreg3d.steps.write import FILE_NAMES as MASK_FILES


def target(plan: Plan, image: Image | None, kind: str) -> Path | None:
    """Return where a file goes.

    Parameters
    ----------
    plan : Plan
        Holds the writer.
    image : Image or None
        The image of the run.
    kind : str
        Which file; see `MaskWriter.target`.

    Returns
    -------
    pathlib.Path or None
        None without an image, for an array without a folder, or for a writer of another kind.
    """
    writer = plan.step("MaskWriter")
    if image is None or not isinstance(writer, MaskWriter):
        return None
    try:
        return writer.target(image, kind)
    except OutputError:
        return None


def volume_target(plan: Plan, volume: Volume | None, kind: str) -> Path | None:
    """Return where a file of a 3D registration goes.

    Parameters
    ----------
    plan : Plan
        Holds the writer.
    volume : Volume or None
        The volume of the run.
    kind : str
        Which file; see `VolumeWriter.target`.

    Returns
    -------
    pathlib.Path or None
        None without a volume, for an array without a folder, or for a writer of another kind.
    """
    writer = plan.step("VolumeWriter")
    if volume is None or not isinstance(writer, VolumeWriter):
        return None
    try:
        return writer.target(volume, kind)
    except OutputError:
        return None


def results_folder(plan: Plan, state: State) -> Path | None:
    """Return the folder that results of a run go to.

    Parameters
    ----------
    plan : Plan
        Holds the writers.
    state : State
        Holds the image, or the volume.

    Returns
    -------
    pathlib.Path or None
        None where they go nowhere.
    """
    run_file = target(plan, state.image, "run")
    record = run_file or volume_target(plan, state.volume, "registration")
    return None if record is None else record.parent


def plots_folder(plan: Plan, state: State) -> Path | None:
    """Return where pictures are saved.

    Parameters
    ----------
    plan : Plan
        Holds the writers.
    state : State
        Holds the image, or the volume.

    Returns
    -------
    pathlib.Path or None
        ``<stem>_plots`` beside the results; None where these go nowhere.
    """
    run_file = target(plan, state.image, "run")
    if run_file is not None:
        return run_file.with_name(run_file.name.removesuffix("_run.json") + "_plots")
    record = volume_target(plan, state.volume, "registration")
    if record is None:
        return None
    return record.with_name(record.name.removesuffix("_registration.json") + "_plots")


def settle(plan: Plan, state: State, inputs: Iterable[Path]) -> Plan:
    """Find out before anything slow whether results can be written.

    Parameters
    ----------
    plan : Plan
        The steps of the run.
    state : State
        Holds the image and the volume.
    inputs : iterable of pathlib.Path
        Files that the run reads.

    Returns
    -------
    Plan
        Without the writers where there is nowhere to write to.

    Raises
    ------
    OutputError
        If a folder cannot be written to, or a result would replace a file that the run reads.
    """
    places: dict[str, tuple[type, list[Path | None], str]] = {
        "MaskWriter": (
            MaskWriter,
            [target(plan, state.image, kind) for kind in MASK_FILES if kind != "alignment"],
            "image",
        ),
        "VolumeWriter": (
            VolumeWriter,
            [volume_target(plan, state.volume, kind) for kind in VOLUME_FILES],
            "volume",
        ),
    }
    read = [path for path in inputs if path.exists()]
    for slot, (kind, paths, what) in places.items():
        if plan.skipped(slot) or not isinstance(plan.step(slot), kind):
            continue
        if None in paths:
            logger.warning("Nothing is written of the %s: an array needs output_dir.", what)
            plan = plan.skip(slot, "an array needs output_dir")
            continue
        for path in filter(None, paths):
            check_writable(path.parent)
            _check_spares(path, read)
    return plan


def _check_spares(path: Path, inputs: Iterable[Path]) -> None:
    if path.exists() and any(path.samefile(other) for other in inputs):
        message = (
            f"Writing {path} would replace a file that this run reads; choose another folder with "
            f"output_dir (--output-dir), or rename that file."
        )
        raise OutputError(message)


def reuse_saved_alignment(plan: Plan, image: Image | None) -> Plan:
    """Take the alignment that lies beside the results when none was given.

    Parameters
    ----------
    plan : Plan
        The steps of the run.
    image : Image or None
        The image of the run.

    Returns
    -------
    Plan
        With the saved alignment in the aligner, if there is one of this image.
    """
    aligner = plan.step("ManualAligner")
    # A subclass that computes otherwise has no use for a file.
    if getattr(type(aligner), "compute", None) is not ManualAligner.compute:
        return plan
    if not isinstance(aligner, ManualAligner) or aligner.alignment is not None:
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


def check_pose_can_be_had(plan: Plan) -> None:
    """Raise before an atlas is loaded if the image could not be placed in it.

    Parameters
    ----------
    plan : Plan
        The steps of the run.

    Raises
    ------
    AlignmentNeeded
        If no alignment was given, none is saved and no window can be opened.
    """
    aligner = plan.step("ManualAligner")
    is_own = getattr(type(aligner), "compute", None) is ManualAligner.compute
    if is_own and isinstance(aligner, ManualAligner) and not plan.skipped("ManualAligner"):
        aligner.check_source()


def _saved_alignment(plan: Plan, image: Image | None) -> Path | None:
    """Return the alignment file among the results, or else beside the image."""
    places = [target(plan, image, "alignment")]
    if image is not None and image.path is not None:
        places.append(image.path.with_name(f"{image.stem}{MASK_FILES['alignment']}"))
    return next((place for place in places if place is not None and place.is_file()), None)


def save_alignment(plan: Plan, state: State) -> None:
    """Write a pose that was placed by hand at once: what comes after it may still fail.

    Parameters
    ----------
    plan : Plan
        The steps of the run.
    state : State
        Holds the alignment.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    path = target(plan, state.image, "alignment")
    if path is None:
        return
    if state.alignment is not None and state.image is not None and state.atlas is not None:
        write_alignment(path, state.alignment, state.image, state.atlas)
