"""What a batch came to: a table with a row for each session."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from brainreg3d.batch.record import read_record
from brainreg3d.batch.sessions import Session
from brainreg3d.batch.task import Report
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.masks import write_table

if TYPE_CHECKING:
    import pandas as pd

SUMMARY_NAME = "batch_summary.csv"
DONE, FAILED, WAITING = "done", "failed", "waiting"
_NUMBERS = (
    *("n_regions", "n_seen", "labelled_share", "center_x_mm", "center_y_mm", "center_z_mm"),
    *("yaw_deg", "pitch_deg", "roll_deg", "pixel_height_mm", "pixel_width_mm"),
)
_COLUMNS = (
    *("session", "group", "image", "status", "reason", *_NUMBERS),
    *("mirrored", "pose_from", "warnings", "folder"),
)
_WRITE_EVERY_S = 1.0


@attrs.frozen
class SessionOutcome:
    """What became of one session.

    Parameters
    ----------
    name : str
        The session.
    status : {"done", "failed", "waiting"}
        "waiting" when the batch ended before it.
    reason : str
        Why it failed, in one line.
    kept : bool
        Whether it was done already by an earlier batch.
    record : mapping of str to object
        What its folder says of it.
    """

    name: str
    status: str = WAITING
    reason: str = ""
    kept: bool = False
    record: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen(eq=False)
class BatchSummary:
    """What a batch came to.

    Parameters
    ----------
    output_dir : pathlib.Path
        Where everything is.
    table : pandas.DataFrame
        One row for each session, in the order of the sessions; also in ``batch_summary.csv``.
    done, failed, kept : tuple of str
        Names of sessions; those that were done already count as done, too.
    reasons : mapping of str to str
        Why each of the failed ones did.
    files : tuple of pathlib.Path
        Table, contact sheets and masks of groups.
    problems : tuple of str
        What else could not be had, such as masks of a group.
    """

    output_dir: Path
    table: pd.DataFrame = attrs.field(repr=False)
    done: tuple[str, ...]
    failed: tuple[str, ...]
    kept: tuple[str, ...]
    reasons: Mapping[str, str]
    files: tuple[Path, ...] = attrs.field(repr=False)
    problems: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every session is done, and nothing else went wrong."""
        return not self.failed and not self.problems


class Book:
    """Keeps what became of each session, in memory and in the table on the disk.

    Parameters
    ----------
    sessions : sequence of Session
        All of the batch.
    output_dir : pathlib.Path
        Of the batch.
    """

    def __init__(self, sessions: Sequence[Session], output_dir: Path) -> None:
        self.outcomes = {session.name: SessionOutcome(session.name) for session in sessions}
        self._sessions = sessions
        self._output_dir = output_dir
        self._written_at = float("-inf")

    @property
    def path(self) -> Path:
        """The table."""
        return self._output_dir / SUMMARY_NAME

    def enter_report(self, report: Report) -> SessionOutcome:
        """Enter what a worker reports.

        Parameters
        ----------
        report : Report
            Of a session.

        Returns
        -------
        SessionOutcome
            Failed also when its results are not to be seen from here.
        """
        folder = self._output_dir / report.name
        record = None if report.problem else read_record(folder)
        reason = report.problem
        if record is None and not reason:
            reason = (
                f"It ran, but its results are not in {folder}: all workers have to see that "
                f"folder under this name."
            )
        return self._enter(report.name, reason, record)

    def enter_kept(self, name: str) -> SessionOutcome:
        """Enter a session that was done already.

        Parameters
        ----------
        name : str
            The session.

        Returns
        -------
        SessionOutcome
            Its state.
        """
        return self._enter(name, "", read_record(self._output_dir / name), kept=True)

    def enter_failure(self, name: str, reason: str) -> SessionOutcome:
        """Enter a session that cannot be run.

        Parameters
        ----------
        name : str
            The session.
        reason : str
            Why.

        Returns
        -------
        SessionOutcome
            Its state.
        """
        return self._enter(name, " ".join(reason.split()), None)

    def _enter(
        self, name: str, reason: str, record: Mapping[str, Any] | None, *, kept: bool = False
    ) -> SessionOutcome:
        status = FAILED if reason else DONE
        outcome = SessionOutcome(name, status, reason, kept, record or {})
        self.outcomes[name] = outcome
        if time.monotonic() - self._written_at > _WRITE_EVERY_S:
            self.write()
        return outcome

    def rows(self) -> list[dict[str, Any]]:
        """Return the table.

        Returns
        -------
        list of dict
            Without times, so that equal batches give equal tables, however often interrupted.
        """
        return [self._row(session) for session in self._sessions]

    def _row(self, session: Session) -> dict[str, Any]:
        outcome = self.outcomes[session.name]
        row: dict[str, Any] = dict.fromkeys(_COLUMNS, "")
        row |= {"session": session.name, "group": session.group, "folder": session.name}
        row |= {"image": self._relative(session.image), "status": outcome.status}
        row |= outcome.record.get("summary", {})
        row["reason"] = outcome.reason
        row["warnings"] = " | ".join(outcome.record.get("warnings", []))
        return row

    def _relative(self, path: Path | None) -> str:
        """Return a path as seen from the table, so that both may move together."""
        if path is None:
            return ""
        try:
            return Path(os.path.relpath(path, self._output_dir)).as_posix()
        except ValueError:  # another drive
            return str(path)

    def write(self) -> None:
        """Write the table, whole or not at all."""
        with atomic_files("the summary") as files:
            write_table(files.temporary(self.path), self.rows())
        self._written_at = time.monotonic()

    def summary(self, files: Sequence[Path], problems: Sequence[str]) -> BatchSummary:
        """Return what the batch came to.

        Parameters
        ----------
        files : sequence of pathlib.Path
            What was written beside the table.
        problems : sequence of str
            What could not be had.

        Returns
        -------
        BatchSummary
            For users.
        """
        import pandas as pd  # slow to import

        every = self.outcomes.values()
        table = pd.DataFrame(self.rows(), columns=_COLUMNS)
        for name in _NUMBERS:
            table[name] = pd.to_numeric(table[name])  # NaN where there is none
        return BatchSummary(
            self._output_dir,
            table,
            done=tuple(o.name for o in every if o.status == DONE),
            failed=tuple(o.name for o in every if o.status == FAILED),
            kept=tuple(o.name for o in every if o.kept),
            reasons={o.name: o.reason for o in every if o.status == FAILED},
            files=(self.path, *files),
            problems=tuple(problems),
        )
