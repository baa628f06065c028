"""Reading TIFFs without what the library prints of them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_tifffile() -> Iterator[None]:
    """Leave it to our own messages to say that a file is cut short.

    Yields
    ------
    None
        While tifffile logs nothing.
    """
    library = logging.getLogger("tifffile")
    before = library.disabled
    library.disabled = True
    try:
        yield
    finally:
        library.disabled = before
