"""The table while it is filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
from brainreg3d.traces.baseline import Baseline, relative_to
from brainreg3d.traces.reader import Recording
from brainreg3d.traces.sums import Sums
from brainreg3d.traces.weights import Weighting

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "brainreg3d/traces/1"


@attrs.define(eq=False)
class SignalTable:
    """Signals of the frames read so far.

    Parameters
    ----------
    recording : Recording
        What is read.
    weighting : Weighting
        Which pixels count where.
    statistics : tuple of str
        What is asked for.
    baseline : Baseline
        For ΔF/F.
    options : mapping
        What else was said, for the description.
    """

    recording: Recording
    weighting: Weighting
    statistics: tuple[str, ...]
    baseline: Baseline
    options: Mapping[str, Any]
    n_done: int = attrs.field(default=0, init=False)
    _totals: NDArray[np.float64] = attrs.field(init=False)
    _means: NDArray[np.float64] = attrs.field(init=False)
    _medians: NDArray[np.float64] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        shape = (self.recording.shape[0], len(self.weighting.columns))
        self._totals = self.weighting.totals
        self._means = np.full(shape, np.nan)
        if "median" in self.statistics:
            self._medians = np.full(shape, np.nan)

    def add(self, times: slice, parts: Sequence[Sums]) -> None:
        """Take in frames that follow those before.

        Parameters
        ----------
        times : slice
            Which frames.
        parts : sequence of Sums
            One for each tile, always in the same order.
        """
        sums, known = parts[0].sums.copy(), self._totals
        for part in parts[1:]:
            sums += part.sums
        of_parts = [part.known for part in parts if part.known is not None]
        if of_parts:  # else all pixels are
            known = np.add.reduce(of_parts)
        with np.errstate(invalid="ignore", divide="ignore"):
            self._means[times] = np.where(known > 0, sums / known, np.nan)
        if self._medians is not None and parts[0].medians is not None:
            self._medians[times] = parts[0].medians
        self.n_done = times.stop

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return a table for each statistic, of the frames read so far.

        Returns
        -------
        dict of str to pandas.DataFrame
            In the order asked for.
        """
        import pandas as pd

        names = [column.name for column in self.weighting.columns]
        made = {}
        for statistic in self.statistics:
            values = self._values(statistic)
            index = pd.RangeIndex(self.n_done, name="frame")
            made[statistic] = pd.DataFrame(values, index=index, columns=names)
            made[statistic].attrs = {**self.info(), "statistic": statistic}
        return made

    def _values(self, statistic: str) -> NDArray[np.float64]:
        means = self._means[: self.n_done]
        if statistic == "median" and self._medians is not None:
            return self._medians[: self.n_done]
        if statistic == "dff":
            names = tuple(column.name for column in self.weighting.columns)
            return relative_to(means, self.baseline.of(means), names)
        return means

    def info(self) -> dict[str, Any]:
        """Return how the table was made, for its ``attrs`` and for the file beside it.

        Returns
        -------
        dict
            Plain numbers and texts.
        """
        recording, columns = self.recording, self.weighting.columns
        info: dict[str, Any] = {
            "schema": SCHEMA,
            "recording": recording.name,
            "frames": self.n_done,
            "frames_expected": recording.n_expected,
            "frame_shape": [int(n) for n in recording.shape[1:]],
            "dtype": recording.dtype.name,
            "statistics": list(self.statistics),
            **self.options,
        }
        if "dff" in self.statistics and self.n_done:
            levels = self.baseline.of(self._means[: self.n_done])
            info["baseline"] = self.baseline.stated(self.n_done)
            info["baseline_of_column"] = {
                column.name: float(level) if np.isfinite(level) else None
                for column, level in zip(columns, levels, strict=True)
            }
        info["columns"] = {
            column.name: {
                "region": column.acronym,
                "id": column.id,
                "side": column.side,
                "pixels": int(n_pixels),
                "pixels_in_image": column.n_pixels_in_image,
            }
            for column, n_pixels in zip(columns, self.weighting.n_pixels, strict=True)
        }
        info["brainreg3d"] = __version__
        return info
