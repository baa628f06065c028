"""Lists of hashes, as the program ``sha256sum`` writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A leading backslash says that the name is escaped, an asterisk that it was read as binary.
_LINE = re.compile(r"\\?([0-9a-fA-F]{64})[ \t]+\*?(\S.*)")


def parse_sha256_sums(text: str) -> dict[str, str]:
    """Read a list of hashes.

    Parameters
    ----------
    text : str
        Lines with a hash and a path; other lines are passed over.

    Returns
    -------
    dict of str to str
        Hashes in lower case, by path.
    """
    lines = [_LINE.fullmatch(line.strip()) for line in text.splitlines()]
    return {line[2]: line[1].lower() for line in lines if line is not None}


def find_sha256(sums: Mapping[str, str], path: str) -> str | None:
    """Find the hash of a file, relative to whatever folder the list was made in.

    Parameters
    ----------
    sums : mapping of str to str
        Hashes by path.
    path : str
        Path of the file from the root of its server.

    Returns
    -------
    str or None
        The hash whose path has most folders in common with `path`, counted from the end; a path
        that has another name or folder is no match.
    """
    whole = path.strip("/").split("/")
    best, best_shared = None, 0
    for listed, sha256 in sums.items():
        parts = [part for part in listed.replace("\\", "/").split("/") if part not in ("", ".")]
        shared = min(len(whole), len(parts))
        if shared > best_shared and whole[-shared:] == parts[-shared:]:
            best, best_shared = sha256, shared
    return best
