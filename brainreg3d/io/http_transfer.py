"""Asking a server for a file, within a bounded time; again where that can help."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from brainreg3d._logging import logger
from brainreg3d._version import __version__
from brainreg3d.errors import DownloadError
from brainreg3d.io.content_check import RefusedContentError

TIMEOUT_VARIABLE = "BRAINREG3D_DOWNLOAD_TIMEOUT_S"
"""Environment variable: seconds that a server may take to answer, or a transfer to be too slow."""

TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 10.0
MIN_BYTES_PER_S = 1000.0
"""A transfer that is slower than this for the time-out is given up; Allen's smallest files would
take ten minutes."""

PAUSES_S = (0.5, 2.0)
"""Waiting times before the second and the third attempt."""

_PIECE_BYTES = 1 << 18

_Fetched = TypeVar("_Fetched")


class _TooSlowError(Exception):
    """The server sends hardly anything."""


def with_patience(url: str, fetch: Callable[[], _Fetched]) -> _Fetched:
    """Run `fetch`, again after a pause where that can help.

    Parameters
    ----------
    url : str
        What it fetches, for messages.
    fetch : callable
        One attempt, without arguments.

    Returns
    -------
    object
        What `fetch` returns.

    Raises
    ------
    DownloadError
        If no attempt is left, or another would be in vain.
    """
    import requests
    import urllib3

    faults = (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        RefusedContentError,
        _TooSlowError,
    )
    for pause_s in (*PAUSES_S, None):
        try:
            return fetch()
        except faults as error:
            reason = _reason(error)
            if pause_s is None or not _may_pass(error):
                message = f"Cannot fetch {url}: {reason}."
                raise DownloadError(message) from error
        logger.warning("Fetching %s failed (%s); trying again.", url, reason)
        time.sleep(pause_s)
    raise AssertionError  # cannot be reached: the last attempt returns or raises


@contextlib.contextmanager
def open_url(url: str) -> Iterator[Any]:
    """Ask for a file.

    Parameters
    ----------
    url : str
        Address.

    Yields
    ------
    requests.Response
        When its headers are there; whatever its status is.
    """
    import requests

    limit_s = _timeout_s()
    headers = {"Accept-Encoding": "identity", "User-Agent": f"brainreg3d/{__version__}"}
    timeouts = (min(CONNECT_TIMEOUT_S, limit_s), limit_s)

    def ask() -> Any:
        return requests.get(url, stream=True, timeout=timeouts, headers=headers)

    # requests bounds each wait for a byte, but neither the search for the host nor all headers.
    response = _within(2 * limit_s, ask)
    with response:
        if url.startswith("https:") and not response.url.startswith("https:"):
            reason = "the server leads to an address without https"
            raise RefusedContentError(reason)
        yield response


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what `work` returns; give up waiting for it after some time."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except Exception as error:  # handed to the caller's thread
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise _TooSlowError
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def pieces_of(response: Any) -> Iterator[bytes]:
    """Yield what comes as it comes; `read` would wait for more and not notice a trickle.

    Parameters
    ----------
    response : requests.Response
        Of `open_url`.

    Yields
    ------
    bytes
        The next piece, never empty.
    """
    limit_s = _timeout_s()
    since, received = time.monotonic(), 0
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
        yield piece
        received += len(piece)
        now = time.monotonic()
        if now - since >= limit_s:
            if received < MIN_BYTES_PER_S * (now - since):
                raise _TooSlowError
            since, received = now, 0


def _timeout_s() -> float:
    text = os.environ.get(TIMEOUT_VARIABLE, "").strip()
    try:
        seconds = float(text) if text else TIMEOUT_S
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        message = f"{TIMEOUT_VARIABLE} must be a number of seconds above 0; got {text!r}."
        raise DownloadError(message)
    return seconds


def total_bytes(response: Any) -> int | None:
    """Return the size that a server announces.

    Parameters
    ----------
    response : requests.Response
        Of `open_url`.

    Returns
    -------
    int or None
        Bytes of the file; None when it is not announced.
    """
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() and "Content-Encoding" not in response.headers else None


def is_passing(status: int) -> bool:
    """Tell whether a status is that of a trouble which may be over soon.

    Parameters
    ----------
    status : int
        Of HTTP.

    Returns
    -------
    bool
        False when the server knows no such file, or does not give it away.
    """
    return status in (408, 425, 429) or status >= 500


def _may_pass(error: Any) -> bool:
    """Tell whether trying again can help: not when the server knows no such file."""
    import requests
    import urllib3

    if isinstance(error, RefusedContentError):
        return error.may_pass
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return is_passing(error.response.status_code)
    faults = requests.exceptions
    return isinstance(
        error,
        faults.ConnectionError | faults.Timeout | _TooSlowError | urllib3.exceptions.HTTPError,
    )


def _reason(error: Any) -> str:
    import requests
    import urllib3

    faults = requests.exceptions
    if isinstance(error, RefusedContentError):
        return f"what came is not the file expected ({error})"
    if isinstance(error, _TooSlowError):
        return f"the transfer is too slow; {TIMEOUT_VARIABLE} sets for how many seconds it may be"
    if isinstance(error, faults.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, faults.Timeout | urllib3.exceptions.TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, urllib3.exceptions.HTTPError):
        return "the transfer was cut short"
    if isinstance(error, faults.ConnectionError):
        return "no connection to the server"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
