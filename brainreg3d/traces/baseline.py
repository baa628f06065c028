"""ΔF/F: signals relative to a baseline that is stated."""

from __future__ import annotations

import re
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.errors import InputError

_FRAMES = re.compile(r"frames:(\d+):(\d+)")
_PERCENTILE = re.compile(r"percentile:(\d+(?:\.\d*)?)")
_MOST_NAMES = 10  # in a warning


@attrs.frozen
class Baseline:
    """What ΔF/F is relative to.

    Parameters
    ----------
    text : str
        As it is stated in the output.
    percentile : float or None
        Over all frames; None for a mean.
    frames : tuple of int or None
        First frame and the one behind the last that are averaged; None for all.
    """

    text: str
    percentile: float | None = None
    frames: tuple[int, int] | None = None

    def check(self, n_frames: int | None) -> None:
        """Check that a recording has the frames of the baseline.

        Parameters
        ----------
        n_frames : int or None
            How many it should have; None when that is not known.

        Raises
        ------
        InputError
            If there are fewer.
        """
        if self.frames is not None and n_frames is not None and self.frames[1] > n_frames:
            message = (
                f"The baseline is the {self.text}, but there are only {n_frames} frames, counted "
                f"from 0."
            )
            raise InputError(message)

    def stated(self, n_frames: int) -> str:
        """Return what it is, when a recording broke off.

        Parameters
        ----------
        n_frames : int
            How many were read.

        Returns
        -------
        str
            The text, with how many of its frames are among them.
        """
        if self.frames is None or self.frames[1] <= n_frames:
            return self.text
        start, stop = self.frames
        n_read = max(0, n_frames - start)
        return f"{self.text}, of which {n_read} of {stop - start} could be read"

    def of(self, signals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the baseline of each column.

        Parameters
        ----------
        signals : numpy.ndarray, shape (T, C)
            Of all frames.

        Returns
        -------
        numpy.ndarray, shape (C,)
            Frames without a number do not count; NaN where there is none.
        """
        if self.frames is not None:
            signals = signals[slice(*self.frames)]
        levels = np.full(signals.shape[1], np.nan)
        for column, values in enumerate(signals.T):
            known = values[~np.isnan(values)]
            if known.size and self.percentile is not None:
                levels[column] = np.percentile(known, self.percentile)
            elif known.size:
                levels[column] = known.mean()
        return levels


def parse_baseline(given: Any) -> Baseline:
    """Return the baseline that a user means.

    Parameters
    ----------
    given : str or slice
        ``"mean"``, ``"percentile:10"`` or ``"frames:0:100"``; or a slice of frames.

    Returns
    -------
    Baseline
        Checked.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(given, Baseline):
        return given
    if isinstance(given, slice) and given.step in (None, 1) and given.stop is not None:
        given = f"frames:{given.start or 0}:{given.stop}"
    text = str(given).replace(" ", "")
    if text == "mean":
        return Baseline("mean of all frames")
    if (found := _PERCENTILE.fullmatch(text)) and float(found[1]) <= 100:
        return Baseline(f"percentile {float(found[1]):g} of all frames", float(found[1]))
    if (found := _FRAMES.fullmatch(text)) and int(found[1]) < int(found[2]):
        start, stop = int(found[1]), int(found[2])
        return Baseline(f"mean of frames {start} to {stop - 1}", frames=(start, stop))
    message = (
        f'baseline is "mean" (of all frames), "percentile:P" with P up to 100, or '
        f'"frames:START:STOP" with frames from 0 and STOP behind the last; got {given!r}.'
    )
    raise InputError(message)


def relative_to(
    signals: NDArray[np.float64], levels: NDArray[np.float64], names: tuple[str, ...]
) -> NDArray[np.float64]:
    """Return ΔF/F; NaN where the baseline is 0 or infinite.

    Parameters
    ----------
    signals : numpy.ndarray, shape (T, C)
        Mean signals.
    levels : numpy.ndarray, shape (C,)
        The baseline of each.
    names : tuple of str
        Of the columns, for warnings.

    Returns
    -------
    numpy.ndarray, shape (T, C)
        (F − F0) / F0.
    """
    doubtful = [name for name, level in zip(names, levels, strict=True) if level <= 0]
    if doubtful:
        more = " ..." if len(doubtful) > _MOST_NAMES else ""
        logger.warning(
            "The baseline of %s is 0 or negative, which makes ΔF/F meaningless there; were the "
            "frames already relative to a baseline?",
            ", ".join(doubtful[:_MOST_NAMES]) + more,
        )
    levels = np.where((levels == 0) | np.isinf(levels), np.nan, levels)
    return np.asarray((signals - levels) / levels)
