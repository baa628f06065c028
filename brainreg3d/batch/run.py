"""Running a batch of sessions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs

from brainreg3d._logging import logger
from brainreg3d._threads import count_threads
from brainreg3d.atlas import Atlas
from brainreg3d.batch.columns import COLUMNS
from brainreg3d.batch.contact_sheet import SHEET_NAME, write_contact_sheets
from brainreg3d.batch.groups import ALL, SPACES, write_groups
from brainreg3d.batch.processes import run_in_processes
from brainreg3d.batch.record import is_done, remove_left_overs
from brainreg3d.batch.sessions import Session, arguments_for_all, in_order, make_sessions
from brainreg3d.batch.summary import DONE, BatchSummary, Book, SessionOutcome
from brainreg3d.batch.table import read_table
from brainreg3d.batch.task import Report, Task, make_task, problem_of
from brainreg3d.errors import BrainReg3DError, InputError, OutputError, did_you_mean
from brainreg3d.io.file_lock import FileLock, file_lock
from brainreg3d.io.output_folder import check_writable
from brainreg3d.pipeline import BrainReg3D
from brainreg3d.steps import NOT_GIVEN

LOCK_NAME = ".brainreg3d_batch.lock"
_FOR_ALL = ("brain_regions", "template_source", "focal_point", "verbose")
_OF_ONE_ROW = ("session", "image")

OnOutcome = Callable[[SessionOutcome], None]


def run_batch(
    sessions: Any,
    output_dir: str | Path,
    *,
    registration: type[BrainReg3D] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    check: bool = False,
    group_space: str = "ccf",
    on_outcome: OnOutcome | None = None,
    **for_all: Any,
) -> BatchSummary:
    """Register many images, each into a folder of its own.

    No window opens. A session that fails never stops the others. Sessions that were done before,
    from the same image, alignment and options, are not run again, so that a batch that was stopped
    goes on where it was.

    Parameters
    ----------
    sessions : path-like, pandas.DataFrame or iterable of mapping
        The table: a CSV file, or its content. Its columns are those of the guide; relative paths
        start from the folder of the file.
    output_dir : path-like
        Where everything goes. Each session has a folder of its name in it.
    registration : type, optional
        A subclass of `BrainReg3D` to use instead.
    workers : int, optional
        How many sessions at a time on this computer; one for each core when not given.
    scheduler : str, optional
        Address of a dask.distributed scheduler, whose workers are used instead.
    check : bool
        Whether to read all earlier results again, rather than to look at their sizes.
    group_space : {"ccf", "image"}
        How sessions of a group are laid on each other for the masks of the group: by places in the
        brain as seen from above, or pixel on pixel, for images that lie on each other already.
    on_outcome : callable, optional
        Called with the `SessionOutcome` of each session that is run, or fails, as they end.
    **for_all
        Columns of the table, or arguments of `BrainReg3D`, for all rows that do not say otherwise.

    Returns
    -------
    BatchSummary
        Which sessions are done, and why others are not.

    Raises
    ------
    InputError
        If the table cannot be used as a whole, or an argument for all rows is unknown or wrong.
    BrainReg3DError
        If results cannot be written to `output_dir`, or the cluster cannot be used.
    """
    rows, folder = read_table(sessions)
    common = _checked(for_all)
    made = make_sessions(rows, folder, common)
    if group_space not in SPACES:
        message = f"group_space is one of {', '.join(SPACES)}; got {group_space!r}."
        raise InputError(message)
    if workers is not None and (scheduler is not None or workers < 1):
        message = f"workers is a number from 1 on, without a scheduler; got {workers!r}."
        raise InputError(message)
    kind = registration or BrainReg3D
    # What is wrong for all rows is said once, before anything is written.
    kind(Path("image.tif"), **arguments_for_all(common)).plan()
    batch = _Batch(made, Path(output_dir).absolute(), kind, workers, scheduler, check)
    with batch.held():
        batch.run(on_outcome or _ignore)
        return batch.finish(group_space)


def _ignore(_: SessionOutcome) -> None:
    """Take no notice of a session's end."""


def _checked(for_all: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given for all rows; refuse what no row could hold."""
    known = [name for name in COLUMNS if name not in _OF_ONE_ROW]
    for name in for_all:
        if name not in known and name not in _FOR_ALL:
            message = (
                f"A batch takes no {name!r}.{did_you_mean(name, [*known, *_FOR_ALL])} It takes "
                f"{', '.join((*known, *_FOR_ALL))}."
            )
            raise InputError(message)
    if isinstance(for_all.get("atlas"), Atlas):
        message = "atlas is a name in a batch, as each worker loads it; or give template_source."
        raise InputError(message)
    if for_all.get("verbose", False) not in (False, "save"):
        message = f'verbose is "save" or False in a batch; got {for_all["verbose"]!r}.'
        raise InputError(message)
    # None is a camera distance of its own, parallel rays; elsewhere it means "not given".
    return {
        name: value
        for name, value in for_all.items()
        if value is not NOT_GIVEN and (value is not None or name == "camera_distance_mm")
    }


@attrs.define(eq=False)
class _Batch:
    """One start of a batch."""

    sessions: Sequence[Session]
    output_dir: Path
    registration: type[BrainReg3D]
    workers: int | None
    scheduler: str | None
    check: bool
    book: Book = attrs.field(init=False)
    _lock: FileLock | None = attrs.field(default=None, init=False)
    _bar: Any = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.book = Book(self.sessions, self.output_dir)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep others out of the folder meanwhile, and leave a table of what there is."""
        check_writable(self.output_dir)
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
            with file_lock(self.output_dir / LOCK_NAME, "running this batch") as self._lock:
                remove_left_overs(self.output_dir, "batch_", "group_")
                try:
                    yield
                finally:
                    self.book.write()
        except OSError as error:
            if isinstance(error, BrainReg3DError):
                raise
            message = f"Cannot write to {self.output_dir}: {error.strerror or error}."
            raise OutputError(message) from error

    def run(self, on_outcome: OnOutcome) -> None:
        """Run all sessions that are not done."""
        from tqdm import tqdm

        with tqdm(total=len(self.sessions), desc="Sessions", unit="session", disable=None) as bar:
            self._bar = bar
            for level in in_order(self.sessions):
                tasks = self._tasks(level, on_outcome)
                for report in self._reports(tasks):
                    if self._lock is not None:
                        self._lock.beat()
                    if report is not None:
                        on_outcome(self.book.enter_report(report))
                        bar.update()

    def _tasks(self, level: Sequence[Session], on_outcome: OnOutcome) -> list[Task]:
        """Return what has to be run; enter what is done already or cannot be."""
        by_name = {session.name: session for session in self.sessions}

        def look(session: Session) -> tuple[Task | None, str]:
            other = self.book.outcomes.get(session.reference)
            if other is not None and other.status != DONE and not session.problem:
                return None, f"Its reference, the session {other.name!r}, is not done."
            try:
                task = make_task(session, self.output_dir, self.registration, by_name)
            except Exception as error:  # also of classes of someone's own: other sessions go on
                return None, problem_of(error)
            if is_done(task.folder, task.made_from, check=self.check):
                return None, ""
            return task, ""

        tasks = []
        with ThreadPoolExecutor(count_threads()) as pool:  # files are hashed
            for session, (task, problem) in zip(level, pool.map(look, level), strict=True):
                if task is not None:
                    tasks.append(task)
                    continue
                if problem:
                    on_outcome(self.book.enter_failure(session.name, problem))
                else:
                    self.book.enter_kept(session.name)
                self._bar.update()
        return tasks

    def _reports(self, tasks: Sequence[Task]) -> Iterator[Report | None]:
        if not tasks:
            return
        if self.scheduler is not None:
            from brainreg3d.batch.cluster import run_on_cluster

            yield from run_on_cluster(tasks, self.scheduler)
            return
        ready = []
        for task, problem in _with_atlases(tasks):
            if problem:
                yield Report(task.name, problem)
            else:
                ready.append(task)
        if ready:
            yield from run_in_processes(ready, self.workers or count_threads())

    def finish(self, group_space: str) -> BatchSummary:
        """Write sheets and masks of groups; return what all came to."""
        outcomes = list(self.book.outcomes.values())
        files: list[Path] = []
        problems: list[str] = []
        try:
            files += write_contact_sheets(outcomes, self.output_dir)
        except OutputError as error:
            problems.append(f"No {SHEET_NAME}.png: {error}")
        records = {o.name: o.record for o in outcomes if o.status == DONE and "regions" in o.record}
        written, lacking = write_groups(
            self._groups(records), records, self.output_dir, group_space
        )
        problems += lacking
        for problem in problems:
            logger.warning("%s", problem)
        return self.book.summary(files + written, problems)

    def _groups(self, records: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the sessions of each group that are done; all of them where none is named."""
        named = any(session.group for session in self.sessions)
        groups: dict[str, list[str]] = {}
        for session in self.sessions:
            group = session.group if named else ALL
            if group and session.name in records:
                groups.setdefault(group, []).append(session.name)
        return groups


def _with_atlases(tasks: Sequence[Task]) -> Iterator[tuple[Task, str]]:
    """Make sure of each atlas once, before many workers fetch and prepare it at the same time."""
    problems: dict[str, str] = {}
    for task in tasks:
        registration = task.build()
        source = repr(registration.plan().step("TemplateSource"))
        if source not in problems:
            try:
                registration.load_atlas()
                problems[source] = ""
            except Exception as error:
                problems[source] = problem_of(error)
        yield task, problems[source]
