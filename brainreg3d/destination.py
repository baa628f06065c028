"""Where the results of a run go, and what is already there."""

from __future__ import annotations

from pathlib import Path

from brainreg3d._logging import logger
from brainreg3d.errors import OutputError
from brainreg3d.io.alignment import write_alignment
from brainreg3d.io.output_folder import check_writable
from brainreg3d.plan import Plan
from brainreg3d.state import Image, State
from brainreg3d.steps import ManualAligner, MaskWriter


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


def plots_folder(plan: Plan, image: Image | None) -> Path | None:
    """Return where pictures are saved.

    Parameters
    ----------
    plan : Plan
        Holds the writer.
    image : Image or None
        The image of the run.

    Returns
    -------
    pathlib.Path or None
        ``<stem>_plots`` beside the masks; None where these go nowhere.
    """
    masks = target(plan, image, "masks")
    return None if masks is None else masks.with_name(masks.stem.removesuffix("_masks") + "_plots")


def settle(plan: Plan, image: Image | None) -> Plan:
    """Find out before anything slow whether results can be written.

    Parameters
    ----------
    plan : Plan
        The steps of the run.
    image : Image or None
        The image of the run.

    Returns
    -------
    Plan
        Without the writer where there is nowhere to write to.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    if plan.skipped("MaskWriter") or not isinstance(plan.step("MaskWriter"), MaskWriter):
        return plan
    masks = target(plan, image, "masks")
    if masks is None:
        logger.warning("Nothing is written: give output_dir for an image that is an array.")
        return plan.skip("MaskWriter", "an array needs output_dir")
    check_writable(masks.parent)
    return plan


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
        With the saved alignment in the aligner, if there is one.
    """
    aligner = plan.step("ManualAligner")
    saved = target(plan, image, "alignment")
    if not isinstance(aligner, ManualAligner) or aligner.alignment is not None:
        return plan
    if saved is None or not saved.is_file():
        return plan
    logger.info("Taking the alignment saved as %s.", saved)
    return plan.replace("ManualAligner", aligner.replace(alignment=saved))


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
