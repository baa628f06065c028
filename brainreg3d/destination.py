"""Where the results of a run go."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brainreg3d._logging import logger
from brainreg3d.errors import OutputError
from brainreg3d.export import check_exporters
from brainreg3d.io.output_folder import check_writable, is_one_of
from brainreg3d.plan import Plan
from brainreg3d.state import Image, State, Volume
from brainreg3d.steps import MaskWriter, VolumeWriter
from brainreg3d.steps.volume_write import FILE_NAMES as VOLUME_FILES


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
    InputError
        If a package is missing that a format needs.
    """
    places: dict[str, tuple[type, list[Path | None], str]] = {
        "MaskWriter": (
            MaskWriter,
            [target(plan, state.image, kind) for kind in _mask_files(plan)],
            "image",
        ),
        "VolumeWriter": (
            VolumeWriter,
            [volume_target(plan, state.volume, kind) for kind in VOLUME_FILES],
            "volume",
        ),
    }
    writer = plan.step("MaskWriter")
    if isinstance(writer, MaskWriter) and not plan.skipped("MaskWriter"):
        check_exporters(writer.formats, writer.exporters)
    read = list(inputs)
    for slot, (kind, paths, what) in places.items():
        if plan.skipped(slot) or not isinstance(plan.step(slot), kind):
            continue
        if None in paths:
            logger.warning("Nothing is written of the %s: an array needs output_dir.", what)
            plan = plan.skip(slot, "an array needs output_dir")
            continue
        for path in filter(None, paths):
            check_writable(path.parent)
            check_spares(path, read)
    return plan


def _mask_files(plan: Plan) -> list[str]:
    """Return the kinds of files that must not replace one that is read; an alignment may."""
    writer = plan.step("MaskWriter")
    kinds = writer.kinds if isinstance(writer, MaskWriter) else ()
    return [kind for kind in kinds if kind != "alignment"]


def check_spares(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write over a file that a run reads.

    Parameters
    ----------
    path : pathlib.Path
        What is to be written.
    inputs : iterable of pathlib.Path
        Files that the run reads.

    Raises
    ------
    OutputError
        If it is one of them.
    """
    if is_one_of(path, inputs):
        message = (
            f"Writing {path} would replace a file that this run reads; choose another folder with "
            f"output_dir (--output-dir), or rename that file."
        )
        raise OutputError(message)
