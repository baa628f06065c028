"""One family of exceptions.

Every error a user can cause is a `BrainReg3DError`; most are children of the matching built-in
too, so that ``except ValueError`` keeps working. Messages say what was expected, what was got and
what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class BrainReg3DError(Exception):
    """Anything that goes wrong for a reason a user can act on."""


class InputError(BrainReg3DError, ValueError):
    """An argument or a file holds something that cannot be used."""


class MissingFileError(BrainReg3DError, FileNotFoundError):
    """A file that was named does not exist."""


class ImageError(InputError):
    """An image cannot be read, or is not a 2D picture of finite numbers."""


class RecordingError(InputError):
    """A recording cannot be read, or does not fit the image."""


class RecordingCutShort(RecordingError):  # noqa: N818 - a state, named as such
    """A recording ends, or breaks, before its last frame.

    Parameters
    ----------
    message : str
        What was expected and what was got.
    traces : pandas.DataFrame, optional
        The signals of the frames before.
    """

    def __init__(self, message: str, traces: Any = None) -> None:
        super().__init__(message)
        self.traces = traces


class AlignmentError(InputError):
    """An alignment file is malformed or belongs to another image."""


class MatchNotTrusted(AlignmentError):  # noqa: N818 - a state, named as such
    """A new image cannot be found on an old one with any certainty."""


class AlignmentNeeded(BrainReg3DError, RuntimeError):  # noqa: N818 - a state, named as such
    """No alignment was given and no window can be opened to make one."""


class AlignmentCancelled(BrainReg3DError, RuntimeError):  # noqa: N818 - a choice of the user
    """The user closed the alignment window without accepting a pose."""


class AtlasError(InputError):
    """An atlas cannot be found, read, or does not fit together."""


class RegionError(InputError, KeyError):
    """A brain region is unknown, empty, named twice or overlaps another."""

    # KeyError quotes its message as if it were a key.
    __str__ = Exception.__str__


class PlanError(BrainReg3DError, TypeError):
    """The steps do not fit together, or a step breaks the contract."""


class RegistrationFailed(BrainReg3DError, RuntimeError):  # noqa: N818 - name fixed by the API
    """A 3D registration ended without a transform that can be trusted."""


class DownloadError(BrainReg3DError, OSError):
    """A file could not be fetched whole and unchanged."""


class OutputError(BrainReg3DError, OSError):
    """Results cannot be written where they should go."""


class RenderingUnavailable(BrainReg3DError, RuntimeError):  # noqa: N818 - a state, named as such
    """Nothing on this machine can draw a 3D picture."""


def close_matches(word: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """Return the candidates most like `word`, case ignored, best first.

    Parameters
    ----------
    word : str
        What the user typed.
    candidates : iterable of str
        What could have been meant.
    limit : int
        How many to return at most.

    Returns
    -------
    list of str
        Candidates in their own spelling; empty when nothing is close.
    """
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    found = difflib.get_close_matches(word.lower(), by_lower, n=limit, cutoff=0.6)
    return [by_lower[name] for name in found]


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return a sentence that proposes close matches, or an empty string.

    Parameters
    ----------
    word : str
        What the user typed.
    candidates : iterable of str
        What could have been meant.

    Returns
    -------
    str
        For example ``" Did you mean MOp or MOs?"``, with its leading space.
    """
    matches = close_matches(word, candidates)
    return f" Did you mean {' or '.join(matches)}?" if matches else ""
