"""Writing files so that a failure leaves what was there before."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from brainreg3d.errors import OutputError

_NAME_CHARACTERS = 40  # of the target's name that a temporary one repeats, to be recognised


class AtomicFiles:
    """A set of files that appear together, or not at all.

    Each is written under a temporary name in its own folder; they are moved into place only after
    all of them have been written.
    """

    def __init__(self) -> None:
        self._temporary: dict[Path, Path] = {}
        self._replaced: list[Path] = []

    def temporary(self, target: Path) -> Path:
        """Return the temporary path under which `target` is to be written.

        Parameters
        ----------
        target : pathlib.Path
            Where the file will be in the end.

        Returns
        -------
        pathlib.Path
            A new, empty file beside it with the same suffix.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        self._temporary[target] = _new_name(target, target.suffix)
        return self._temporary[target]

    def commit(self) -> None:
        """Move all files into place; if one cannot be moved, put the earlier ones back."""
        for target, temporary in self._temporary.items():
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "a folder has its name", str(target))
            _flush(temporary)
            temporary.chmod(0o666 & ~_umask())
        moved: dict[Path, Path | None] = {}
        try:
            for target, temporary in list(self._temporary.items()):
                moved[target] = _second_name(target) if target.exists() else None
                temporary.replace(target)
                del self._temporary[target]
        except BaseException:  # an interrupt too must not leave a mixture
            for target, earlier in moved.items():
                _put_back(target, earlier)
            raise
        self._replaced = [earlier for earlier in moved.values() if earlier is not None]

    def discard(self) -> None:
        """Remove the files that were not moved, and those that were replaced for good."""
        for temporary in (*self._temporary.values(), *self._replaced):
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._temporary.clear()
        self._replaced.clear()


@contextlib.contextmanager
def atomic_files(what: str = "results") -> Iterator[AtomicFiles]:
    """Write a set of files, moved into place when the block ends well.

    Parameters
    ----------
    what : str
        What is written, for the error message.

    Yields
    ------
    AtomicFiles
        Gives out temporary paths.

    Raises
    ------
    OutputError
        If the folder cannot be made or written to, or the disk is full.
    """
    files = AtomicFiles()
    try:
        yield files
        files.commit()
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        place = error.filename2 or error.filename or "the output folder"
        message = (
            f"Cannot write {what} to {place}: {error.strerror or error}. Nothing was changed; "
            f"choose another folder with output_dir (--output-dir) or make room."
        )
        raise OutputError(message) from error
    finally:
        files.discard()


def _flush(path: Path) -> None:
    """Bring a file to the disk, so that a full disk is noticed before the move."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _new_name(target: Path, suffix: str) -> Path:
    """Make an empty hidden file beside another one; its name is no longer than names may be."""
    prefix = f".{target.stem[:_NAME_CHARACTERS]}."
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=target.parent)
    os.close(handle)
    return Path(name)


def _second_name(path: Path) -> Path:
    """Give the content of a file another name in the same folder, by a link where there are any."""
    earlier = _new_name(path, ".earlier")
    try:
        earlier.unlink()
        try:
            earlier.hardlink_to(path)
        except OSError:
            shutil.copy2(path, earlier)
    except BaseException:
        earlier.unlink(missing_ok=True)
        raise
    return earlier


def _put_back(target: Path, earlier: Path | None) -> None:
    with contextlib.suppress(OSError):
        if earlier is None:
            target.unlink(missing_ok=True)
        else:
            earlier.replace(target)
            earlier.unlink(missing_ok=True)  # two names of one file: the move left both


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
