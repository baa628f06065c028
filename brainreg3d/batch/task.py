"""What a worker does for one session, and what it has to know for that."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from brainreg3d._logging import logger
from brainreg3d.batch.record import RECORD_SCHEMA, TRACE_NAME, begin_session, write_record
from brainreg3d.batch.sessions import Session
from brainreg3d.errors import (
    AlignmentNeeded,
    BrainReg3DError,
    InputError,
    MissingFileError,
)
from brainreg3d.io.alignment import read_alignment
from brainreg3d.io.hashing import sha256_of_file
from brainreg3d.provenance import describe_step
from brainreg3d.steps import ManualAligner, Step, TransferAligner
from brainreg3d.steps.write import FILE_NAMES

if TYPE_CHECKING:
    from brainreg3d.pipeline import BrainReg3D
    from brainreg3d.plan import Plan

_ARGUMENTS_OF_RESULTS = (
    *("frame", "image_dims_mm", "pixel_size_mm", "pose_sigma_mm", "pose_sigma_deg"),
    *("method", "stem", "verbose"),
)
"""Arguments that are no parameters of a step, or not in every step of its slot."""
_ALIGNMENT_END = FILE_NAMES["alignment"]


@attrs.frozen(eq=False)
class Task:
    """One session, ready to run anywhere.

    Parameters
    ----------
    name : str
        The session.
    folder : pathlib.Path
        Where its results go.
    registration : type
        `BrainReg3D`, or a subclass.
    arguments : mapping of str to object
        For that class.
    aligner : Step or None
        Instead of the aligner of that class.
    stem : str
        How names of its results start.
    made_from : str
        Fingerprint of all that the results follow from.
    """

    name: str
    folder: Path
    registration: type[BrainReg3D]
    arguments: Mapping[str, Any]
    aligner: Step | None = None
    stem: str = ""
    made_from: str = ""

    def build(self) -> BrainReg3D:
        """Return the registration of the session."""
        registration = self.registration(**self.arguments, output_dir=self.folder)
        if self.aligner is not None:
            registration.ManualAligner = self.aligner  # type: ignore[misc]
        return registration


@attrs.frozen
class Report:
    """What became of a task.

    Parameters
    ----------
    name : str
        The session.
    problem : str
        Why it failed, in one line; empty if it did not.
    """

    name: str
    problem: str = ""


def make_task(
    session: Session,
    output_dir: Path,
    registration: type[BrainReg3D],
    others: Mapping[str, Session],
) -> Task:
    """Check a session as far as that is quick, and say what its results follow from.

    Parameters
    ----------
    session : Session
        What its row asks for.
    output_dir : pathlib.Path
        Of the batch.
    registration : type
        `BrainReg3D`, or a subclass.
    others : mapping of str to Session
        All sessions by name; one may be another's reference.

    Returns
    -------
    Task
        What a worker runs.

    Raises
    ------
    BrainReg3DError
        If the session cannot be run.
    """
    if session.problem or session.image is None:
        raise InputError(session.problem)
    if not session.image.is_file():
        message = f"There is no file {session.image}. Check the path of the image."
        raise MissingFileError(message)
    arguments = {**session.arguments, "image": session.image}
    aligner = _transfer(session, output_dir, others) if session.reference else None
    folder = output_dir / session.name
    task = Task(session.name, folder, registration, arguments, aligner, session.stem)
    plan = task.build().plan()
    if _needs_pose(plan):
        beside = session.image.with_name(f"{session.image_stem}{_ALIGNMENT_END}")
        if not beside.is_file():
            message = (
                f"It has no pose: its row gives no alignment, landmarks or reference, and there "
                f"is no {beside}. Place it first: brainreg3d align {session.image.name}"
            )
            raise AlignmentNeeded(message)
        task = attrs.evolve(task, arguments={**arguments, "alignment": beside})
        plan = task.build().plan()
    return attrs.evolve(task, made_from=_made_from(task, plan))


def _needs_pose(plan: Plan) -> bool:
    """Tell whether the aligner would open a window."""
    aligner = plan.step("ManualAligner")
    is_own = getattr(type(aligner), "compute", None) is ManualAligner.compute
    return is_own and isinstance(aligner, ManualAligner) and aligner.alignment is None


def _transfer(session: Session, output_dir: Path, others: Mapping[str, Session]) -> TransferAligner:
    """Return the step that carries the pose of the reference over."""
    other = others.get(session.reference)
    alignment = session.reference_alignment
    frame = session.reference_frame
    if other is not None and other.image is not None:
        image = other.image
        frame = other.arguments.get("frame") if frame is None else frame
        alignment = alignment or output_dir / other.name / f"{other.stem}{_ALIGNMENT_END}"
    else:
        image = Path(session.reference)
        if image.suffix.lower() == ".json":
            alignment, image = image, _image_of_alignment(image)
        stem = image.stem.removesuffix(".ome")
        alignment = alignment or image.with_name(f"{stem}{_ALIGNMENT_END}")
    for path, what in ((image, "the image"), (alignment, "the alignment")):
        if not path.is_file():
            message = (
                f"{what.capitalize()} of its reference is not there: {path}. A reference is an "
                f"earlier image with its alignment beside it (or in the column "
                f"reference_alignment), or another session of the table."
            )
            raise MissingFileError(message)
    return TransferAligner(reference=image, from_alignment=alignment, reference_frame=frame)


def _image_of_alignment(path: Path) -> Path:
    name = read_alignment(path).image_file
    if not name:
        message = f"{path} does not say of which image it is; give that image as the reference."
        raise InputError(message)
    return path.with_name(Path(name).name)


def _made_from(task: Task, plan: Plan) -> str:
    """Return a text that changes with anything that results follow from."""
    registration = task.build()
    mask = registration.window_mask
    kind = task.registration
    content = {
        "record": RECORD_SCHEMA,
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "image": sha256_of_file(task.arguments["image"]),
        "window_mask": sha256_of_file(mask) if isinstance(mask, Path) and mask.is_file() else None,
        "regions": registration.region_names,
        "arguments": {name: getattr(registration, name) for name in _ARGUMENTS_OF_RESULTS},
        "steps": [describe_step(e.slot, e.step, task.folder) for e in plan.running],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def run_task(task: Task) -> Report:
    """Run one session; whatever goes wrong is reported, not raised.

    Parameters
    ----------
    task : Task
        What to run.

    Returns
    -------
    Report
        Small; results are in the session's folder.
    """
    try:
        with _warnings_of_this_thread() as warnings:
            begin_session(task.folder, task.stem)
            result = task.build().run()
            write_record(task.folder, task.made_from, result, warnings)
    except (BrainReg3DError, MemoryError) as error:
        return Report(task.name, problem_of(error))
    except Exception as error:
        return Report(task.name, f"{problem_of(error)} {_keep_trace(task.folder)}".strip())
    return Report(task.name)


def problem_of(error: BaseException) -> str:
    """Return what to tell of an error, in one line.

    Parameters
    ----------
    error : BaseException
        What went wrong with a session.

    Returns
    -------
    str
        Its message; with its type if nobody expected it.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, BrainReg3DError):
        return text
    if isinstance(error, MemoryError):
        return f"Not enough memory ({text})."
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"Cannot use {error.filename}: {error.strerror}."
    return f"Unexpected {type(error).__name__}: {text}"


def _keep_trace(folder: Path) -> str:
    """Write the traceback of an error that nobody expected; return where it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TRACE_NAME).write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        return ""
    return f"(see {folder.name}/{TRACE_NAME}, and please report it)"


@contextmanager
def _warnings_of_this_thread() -> Iterator[list[str]]:
    """Collect what the package warns of, instead of showing it among lines of other sessions."""
    collector = _Collector()
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)


class _Collector(logging.Handler):
    """Keeps warnings of one thread; a worker of a cluster may run sessions in several."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.messages.append(" ".join(record.getMessage().split()))
