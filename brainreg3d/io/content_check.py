"""What the checks of incoming files have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class RefusedContentError(Exception):
    """What came is not what was expected.

    Parameters
    ----------
    reason : str
        What came instead, for the error message.
    may_pass : bool
        Whether another attempt could help, as for a transfer that was cut.
    """

    def __init__(self, reason: str, *, may_pass: bool = False) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


class ContentCheck(Protocol):
    """Looks at a file while it comes in; raises `RefusedContentError`."""

    def feed(self, data: bytes) -> None:
        """Take the next piece."""

    def finish(self, path: Path) -> None:
        """Take the end; `path` is the whole file."""


def what_it_is(start: bytes, otherwise: str) -> str:
    """Say what content is that is not what was expected.

    Parameters
    ----------
    start : bytes
        Its first bytes.
    otherwise : str
        What to say of everything that is not known.

    Returns
    -------
    str
        For an error message.
    """
    beginning = start[:1000].lower()
    if not beginning.strip():
        return "an empty file"
    is_html = b"<html" in beginning or b"<!doctype html" in beginning
    return "an HTML page" if is_html else otherwise
