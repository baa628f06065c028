"""Finding out early whether results can be written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from brainreg3d.errors import OutputError


def check_writable(folder: Path) -> None:
    """Raise before a long run if its results could not be written.

    Parameters
    ----------
    folder : pathlib.Path
        Where results are to go; it need not exist, and is not made.

    Raises
    ------
    OutputError
        If it is a file, or the nearest existing folder above it cannot be written to.
    """
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        message = f"{existing} is a file; results need a folder. Choose another with output_dir."
        raise OutputError(message)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        message = (
            f"Cannot write results to {folder}: {error.strerror}. Choose another folder with "
            f"output_dir (--output-dir)."
        )
        raise OutputError(message) from error


def is_one_of(path: Path, files: Iterable[Path]) -> bool:
    """Tell whether writing to a path would replace one of some files.

    Parameters
    ----------
    path : pathlib.Path
        What is to be written.
    files : iterable of pathlib.Path
        Files, whether they exist or not.

    Returns
    -------
    bool
        True also if the file has another name there.
    """
    return path.exists() and any(file.exists() and path.samefile(file) for file in files)
