"""Writing tables of signals."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from brainreg3d.errors import InputError, OutputError
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.output_folder import check_writable, is_one_of

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".parquet", ".pq")
_SCHEMA_FAMILY = "brainreg3d/traces/"


@attrs.frozen
class TraceFiles:
    """What is written.

    Parameters
    ----------
    output : pathlib.Path
        Table of the first statistic.
    tables : mapping of str to pathlib.Path
        One for each statistic.
    pixels : pathlib.Path or None
        Table of the columns: region, side and number of pixels; `info` says the same.
    info : pathlib.Path
        How the tables were made.
    """

    output: Path
    tables: Mapping[str, Path]
    pixels: Path | None
    info: Path

    @classmethod
    def named(
        cls, output: str | Path, statistics: Sequence[str], *inputs: str | Path | None
    ) -> TraceFiles:
        """Return the files that go with an output, checked.

        Parameters
        ----------
        output : path-like
            The table.
        statistics : sequence of str
            What is computed; all but the first get files of their own.
        *inputs : path-like or None
            Files that must not be replaced.

        Returns
        -------
        TraceFiles
            In one folder.

        Raises
        ------
        InputError
            If the name does not say a format.
        OutputError
            If a file that is read would be replaced, or one of another origin that was not named;
            by the whole table, or by what is kept of a recording that breaks off.
        """
        if not isinstance(output, str | os.PathLike):
            message = f"output is the path of a .csv or .parquet file; got {output!r}."
            raise InputError(message)
        path = Path(output).expanduser()
        if path.suffix.lower() not in _SUFFIXES:
            message = f"The table is written to a .csv or .parquet file; got {path.name!r}."
            raise InputError(message)
        made = cls._at(path, statistics)
        kept = made.partial()
        read = [Path(one) for one in inputs if one is not None]
        _check_free([*made.paths, *kept.paths], read)
        _check_ours(made.paths[1:], made.info)
        _check_ours(kept.paths, kept.info)
        check_writable(path.parent)  # rather than after hours of reading
        return made

    @classmethod
    def _at(cls, path: Path, statistics: Sequence[str]) -> TraceFiles:
        tables = {
            name: path if place == 0 else path.with_name(f"{path.stem}_{name}{path.suffix}")
            for place, name in enumerate(statistics)
        }
        pixels, info = (path.with_name(f"{path.stem}_{end}") for end in ("pixels.csv", "info.json"))
        return cls(path, tables, pixels, info)

    @property
    def paths(self) -> list[Path]:
        """All files, the first table first."""
        pixels = [] if self.pixels is None else [self.pixels]
        return [*self.tables.values(), *pixels, self.info]

    def partial(self) -> TraceFiles:
        """Return the files for a recording that broke off."""
        name = f"{self.output.stem}_partial{self.output.suffix}"
        made = TraceFiles._at(self.output.with_name(name), tuple(self.tables))
        return attrs.evolve(made, pixels=None)


def _check_free(targets: Iterable[Path], inputs: Sequence[Path]) -> None:
    taken = {one.resolve() for one in inputs}
    for target in targets:
        if target.resolve() in taken or is_one_of(target, inputs):
            message = f"{target} is read, and would be replaced by the table; choose another -o."
            raise OutputError(message)
        if target.is_dir():
            message = f"{target} is a folder; choose another name for the table (-o)."
            raise OutputError(message)


def _check_ours(targets: Iterable[Path], info: Path) -> None:
    """Check that files beside the one that a user named are from an earlier call."""
    found = [target for target in targets if os.path.lexists(target)]
    if not found:
        return
    try:
        schema = json.loads(info.read_text(encoding="utf-8"))["schema"]
    except (OSError, ValueError, TypeError, KeyError):
        schema = ""
    if not str(schema).startswith(_SCHEMA_FAMILY):
        message = (
            f"{found[0]} would be written beside the table, but is there and was not made with "
            f"one; move it, or choose another name for the table (-o)."
        )
        raise OutputError(message)


def write_traces(
    files: TraceFiles, tables: Mapping[str, pd.DataFrame], info: Mapping[str, Any]
) -> None:
    """Write tables, with what they are.

    Parameters
    ----------
    files : TraceFiles
        Where to.
    tables : mapping of str to pandas.DataFrame
        One for each statistic.
    info : mapping
        How they were made.

    Raises
    ------
    OutputError
        If they cannot be written; nothing is changed then.
    """
    import pandas as pd

    pixels = pd.DataFrame.from_dict(info["columns"], orient="index").rename_axis("column")
    with atomic_files("the signals") as new:
        for name, path in files.tables.items():
            _write_table(tables[name], new.temporary(path))
        if files.pixels is not None:
            pixels.to_csv(new.temporary(files.pixels), lineterminator="\n")
        text = json.dumps(info, indent=1, ensure_ascii=False) + "\n"
        new.temporary(files.info).write_text(text, encoding="utf-8", newline="\n")


def _write_table(table: pd.DataFrame, path: Path) -> None:
    if path.suffix.lower() == ".csv":
        # Shortest texts that read back as the same numbers.
        table.to_csv(path, na_rep="NaN", lineterminator="\n")
    else:
        table.reset_index().to_parquet(path, index=False, engine="pyarrow")
