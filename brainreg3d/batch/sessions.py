"""Sessions of a batch: what each row of the table asks for."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from brainreg3d.batch.columns import COLUMNS, INSTEAD_OF_EACH_OTHER, path_from, read_cells
from brainreg3d.batch.table import Row
from brainreg3d.errors import InputError
from brainreg3d.steps.write import FILE_NAMES

_ALIGNMENT_END = FILE_NAMES["alignment"]
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10))}
_LONGEST_NAME = 120  # in bytes; file systems take 255, of which names of files need some
_FILE_OF_THE_BATCH = re.compile(r"(batch|group)_.*\.(csv|png|tif)", re.IGNORECASE)


@attrs.frozen
class Session:
    """One image of a batch.

    Parameters
    ----------
    name : str
        Of the session, and of its folder.
    group : str
        Sessions of one group go together into masks; empty for none.
    image : pathlib.Path or None
        The image.
    arguments : mapping of str to object
        The rest, for `BrainReg3D`.
    reference : str
        Name of an earlier session, or path of an earlier image or its alignment; empty for none.
    reference_alignment : pathlib.Path or None
        Alignment of that image; found beside it when not given.
    reference_frame : int or None
        Which frame of its stack.
    problem : str
        Why it cannot be run, if so.
    """

    name: str
    group: str = ""
    image: Path | None = None
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    reference: str = ""
    reference_alignment: Path | None = None
    reference_frame: int | None = None
    problem: str = ""

    @property
    def image_stem(self) -> str:
        """How names of files made from the image start."""
        return "" if self.image is None else self.image.stem.removesuffix(".ome")

    @property
    def stem(self) -> str:
        """How names of results start."""
        return self.arguments.get("stem") or self.image_stem


def make_sessions(
    rows: Sequence[Row], folder: Path, for_all: Mapping[str, Any]
) -> tuple[Session, ...]:
    """Return the sessions of a table.

    Parameters
    ----------
    rows : sequence of Row
        The table.
    folder : pathlib.Path
        What relative paths in it start from.
    for_all : mapping of str to object
        Columns, or arguments of `BrainReg3D`, for all rows that do not say otherwise.

    Returns
    -------
    tuple of Session
        In the order of the rows. One whose row cannot be used says why.

    Raises
    ------
    InputError
        If two have the same name, or a name cannot be that of a folder.
    """
    of_batch, arguments = _read_for_all(for_all)
    images = [_image_of(row, folder) for row in rows]
    names = _names(rows, images)
    sessions = [
        _session(row, name, folder, of_batch, arguments)
        for row, name in zip(rows, names, strict=True)
    ]
    return tuple(_with_reference(session, sessions, folder) for session in sessions)


def arguments_for_all(for_all: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each row's `BrainReg3D` gets unless the row says otherwise.

    Parameters
    ----------
    for_all : mapping of str to object
        As for `make_sessions`.

    Returns
    -------
    dict
        Arguments by name.

    Raises
    ------
    InputError
        If a column holds what it cannot.
    """
    return dict(_read_for_all(for_all)[1])


def _read_for_all(for_all: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is for the batch, and what is for `BrainReg3D`."""
    cells = {name: value for name, value in for_all.items() if name in COLUMNS}
    of_batch, arguments = read_cells(cells, Path().absolute())
    others = {name: value for name, value in for_all.items() if name not in COLUMNS}
    return dict(of_batch), {**arguments, **others}


def _with_reference(session: Session, sessions: Sequence[Session], folder: Path) -> Session:
    """Find out whether a reference is a session of the table, by name or image, or a file."""
    if not session.reference or any(session.reference == other.name for other in sessions):
        return session
    path = path_from(session.reference, folder)
    beside = path.with_name(f"{path.stem.removesuffix('.ome')}{_ALIGNMENT_END}")
    if session.reference_alignment is None and not beside.exists():
        found = next((other.name for other in sessions if other.image == path), None)
        if found is not None:
            return attrs.evolve(session, reference=found)
    return attrs.evolve(session, reference=str(path))


def _session(
    row: Row, name: str, folder: Path, of_batch: Mapping[str, Any], arguments: Mapping[str, Any]
) -> Session:
    try:
        own_of_batch, own = read_cells(row.cells, folder, decimal_comma=row.decimal_comma)
    except InputError as error:
        group = str(row.cells.get("group") or row.cells.get("animal") or "").strip()
        return Session(name, group, _image_of(row, folder), problem=f"{row.place}: {error}")
    # A row that says the size in one way overrides what is said for all in another.
    given = {*own, *own_of_batch}
    left_out = {n for family in INSTEAD_OF_EACH_OTHER if given & family for n in family}
    merged = {k: v for k, v in arguments.items() if k not in left_out} | own
    both = {k: v for k, v in of_batch.items() if k not in left_out} | own_of_batch
    image = both.get("image")
    reference = str(both.get("reference") or "")
    # A reference may be the name of a session; as a path it is relative to its table.
    if reference and "reference" not in own_of_batch:
        reference = str(Path(reference).absolute())
    poses = [n for n in ("alignment", "landmarks", "reference") if n in merged or n in both]
    problem = "" if image is not None else f"{row.place} names no image."
    if len(poses) > 1:
        problem = f"{row.place} gives {' and '.join(poses)}; a pose has one origin, keep one."
    if not reference and {"reference_alignment", "reference_frame"} & both.keys():
        problem = f"{row.place} gives the alignment or frame of a reference, but no reference."
    return Session(
        name,
        str(both.get("group") or both.get("animal") or ""),
        image,
        merged,
        reference,
        both.get("reference_alignment"),
        both.get("reference_frame"),
        problem,
    )


def _image_of(row: Row, folder: Path) -> Path | None:
    text = str(row.cells.get("image", "")).strip()
    return path_from(text, folder) if text else None


def _names(rows: Sequence[Row], images: Sequence[Path | None]) -> list[str]:
    """Return the names of sessions: as given, else from the images' names."""
    given = [_given_name(row) for row in rows]
    names = [
        name or (_default_name(image, 1) if image else f"unnamed-{number}")
        for number, (name, image) in enumerate(zip(given, images, strict=True), 1)
    ]
    deepest = max((len(image.parts) for image in images if image is not None), default=1)
    for n_parts in range(2, deepest + 1):
        count = Counter(map(_as_compared, names))
        again = [
            (place, image)
            for place, image in enumerate(images)
            if image is not None and count[_as_compared(names[place])] > 1 and not given[place]
        ]
        if not again:
            break
        for place, image in again:
            names[place] = _default_name(image, n_parts)
    _check_unique(names, rows)
    return names


def _given_name(row: Row) -> str:
    value = row.cells.get("session", "")
    name = str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
    bad = _UNSAFE.search(name) or name.startswith(".") or name.endswith(".")
    if bad or _is_taken(name) or len(name.encode()) > _LONGEST_NAME:
        message = (
            f"{row.place} calls its session {name!r}, which cannot be the name of a folder "
            f"everywhere; use letters, digits, blanks, - and _, at most {_LONGEST_NAME} bytes of "
            f"them."
        )
        raise InputError(message)
    return name


def _is_taken(name: str) -> bool:
    """Tell whether Windows or the batch itself has another use for a name."""
    return name.lower().split(".")[0] in _RESERVED or bool(_FILE_OF_THE_BATCH.fullmatch(name))


def _as_compared(name: str) -> str:
    """Return what is equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def _default_name(image: Path, n_parts: int) -> str:
    """Return a name from the last parts of an image's path."""
    parts = [*image.parts[-n_parts:-1], image.stem.removesuffix(".ome")]
    whole = _UNSAFE.sub("-", "_".join(parts)).strip(" .-").encode()
    name = whole[-_LONGEST_NAME + 1 :].decode(errors="ignore").strip(" .-") or "unnamed"
    return f"_{name}" if _is_taken(name) else name


def _check_unique(names: Sequence[str], rows: Sequence[Row]) -> None:
    seen: dict[str, Row] = {}
    for name, row in zip(names, rows, strict=True):
        other = seen.setdefault(_as_compared(name), row)
        if other is not row:
            message = (
                f"{other.place} and {row.place} are both called {name!r}; give each a name of its "
                f"own in the column session."
            )
            raise InputError(message)


def in_order(sessions: Sequence[Session]) -> list[list[Session]]:
    """Return sessions so that each comes after the one that it takes its pose from.

    Parameters
    ----------
    sessions : sequence of Session
        All of a batch.

    Returns
    -------
    list of list of Session
        Those of one list do not depend on each other. Where references go round in circles, the
        sessions say so and come first.
    """
    by_name = {session.name: session for session in sessions}
    levels: dict[int, list[Session]] = {}
    for session in sessions:
        level, seen = 0, {session.name}
        other = by_name.get(session.reference)
        while other is not None:
            if other.name in seen:
                problem = f"Its reference {session.reference!r} goes back to itself."
                session, level = attrs.evolve(session, problem=problem), 0
                break
            seen.add(other.name)
            level, other = level + 1, by_name.get(other.reference)
        levels.setdefault(level, []).append(session)
    return [levels[level] for level in sorted(levels)]
