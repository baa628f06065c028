"""Files that are checked while they come in, from a server or from this computer."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from brainreg3d.io.content_check import ContentCheck, RefusedContentError
from brainreg3d.io.http_transfer import (
    is_passing,
    open_url,
    pieces_of,
    total_bytes,
    with_patience,
)

_PIECE_BYTES = 1 << 18
_MAX_TEXT_BYTES = 1 << 20


@attrs.frozen
class Transfer:
    """What to fetch, and how to tell that it is right.

    Parameters
    ----------
    url : str
        Address.
    label : str
        Short name for the progress bar.
    make_check : callable
        Returns a new `ContentCheck` for every attempt.
    sha256 : str, optional
        Hash of the whole file, where it is known.
    on_progress : callable
        Called often, without arguments.
    """

    url: str
    label: str
    make_check: Callable[[], ContentCheck]
    sha256: str | None = None
    on_progress: Callable[[], None] = lambda: None


def download(transfer: Transfer, folder: Path) -> tuple[Path, str]:
    """Fetch a file into an empty folder; passing troubles of the network are waited out.

    Parameters
    ----------
    transfer : Transfer
        What to fetch.
    folder : pathlib.Path
        An empty folder. What it holds after an error is of no use.

    Returns
    -------
    path : pathlib.Path
        The file, checked.
    sha256 : str
        Its hash.

    Raises
    ------
    DownloadError
        If it cannot be fetched whole, or is not what was expected.
    OSError
        If it cannot be stored.
    """
    with progress_bar(transfer.label) as bar:
        return with_patience(transfer.url, lambda: _fetch_file(transfer, folder, bar))


def fetch_text(url: str) -> str | None:
    """Fetch a small text file that a server may have.

    Parameters
    ----------
    url : str
        Address.

    Returns
    -------
    str or None
        None when the server says that it has no such file.

    Raises
    ------
    DownloadError
        If the server does not answer, or not in time.
    """

    def fetch() -> str | None:
        content = b""
        with open_url(url) as response:
            if 400 <= response.status_code < 500 and not is_passing(response.status_code):
                return None
            response.raise_for_status()
            for piece in pieces_of(response):
                content += piece
                if len(content) > _MAX_TEXT_BYTES:
                    return None
        return content.decode("utf-8", "replace")

    return with_patience(url, fetch)


def copy_checked(source: Path, target: Path, transfer: Transfer) -> str:
    """Copy a file of this computer with the checks of a download.

    Parameters
    ----------
    source, target : pathlib.Path
        From where, and to where.
    transfer : Transfer
        How to tell that it is right.

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    RefusedContentError
        If it is not what was expected.
    OSError
        If it cannot be read or stored.
    """
    with source.open("rb") as file, target.open("wb") as copy, progress_bar(transfer.label) as bar:
        bar.reset(total=os.fstat(file.fileno()).st_size)
        pieces = iter(lambda: file.read(_PIECE_BYTES), b"")
        return _receive(pieces, copy, transfer, target, bar)


def progress_bar(label: str) -> Any:
    """Make a bar of bytes with total and speed; nothing is shown where no person looks.

    Parameters
    ----------
    label : str
        What is being worked on.

    Returns
    -------
    tqdm.tqdm
        At 0 of an unknown total.
    """
    from tqdm import tqdm

    return tqdm(desc=label, unit="B", unit_scale=True, disable=None, dynamic_ncols=True)


def _fetch_file(transfer: Transfer, folder: Path, bar: Any) -> tuple[Path, str]:
    import pooch

    found = ""

    def downloader(url: str, path: str, _: Any) -> None:
        nonlocal found
        with open_url(url) as response, Path(path).open("wb") as file:
            response.raise_for_status()
            bar.reset(total=total_bytes(response))
            found = _receive(pieces_of(response), file, transfer, Path(path), bar)

    pooch_logger = pooch.get_logger()
    level = pooch_logger.level
    pooch_logger.setLevel(logging.WARNING)  # it announces every download on stderr
    known = None if transfer.sha256 is None else f"sha256:{transfer.sha256}"
    try:
        path = pooch.retrieve(transfer.url, known, "fetched", folder, downloader=downloader)
    except ValueError as error:
        if not found:  # not pooch's answer to another hash than expected
            raise
        reason = "its SHA-256 is not the published one"
        raise RefusedContentError(reason, may_pass=True) from error
    finally:
        pooch_logger.setLevel(level)
    return Path(path), found


def _receive(
    pieces: Iterator[bytes], file: BinaryIO, transfer: Transfer, path: Path, bar: Any
) -> str:
    """Write, check and count what comes; return its SHA-256."""
    digest = hashlib.sha256()
    check = transfer.make_check()
    for piece in pieces:
        file.write(piece)
        digest.update(piece)
        check.feed(piece)
        bar.update(len(piece))
        transfer.on_progress()
    # A full disk or a network drive may say so only now.
    file.flush()
    os.fsync(file.fileno())
    check.finish(path)
    return digest.hexdigest()
