"""The match of a new image to an old one, and whether it can be trusted."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import read_only
from brainreg3d.matching.plane_map import PlaneMap

LEAST_QUALITY = 0.25
"""Below this a match is not trusted. Measured: images of the same animal 0.6 to 1, a fifth of the
vessels changed; others up to 0.2, or more of few squares (docs/benchmarks.md)."""

DOUBTFUL_QUALITY = 0.5
"""Below this a match that is trusted should be looked at."""

_LEAST_BLOCKS = 12  # overlapping by half: fewer say nothing about the rest of the brain
_MOST_CHANCE = 1e-4  # of an accident; unrelated images stay above 0.1
_LEAST_LEAD = 0.15  # of the best place over the second: a repeated pattern is found in both


@attrs.frozen(eq=False)
class ImageMatch:
    """Where a new image lies on an old one.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (2, 3)
        Maps pixels of the new image to pixels of the old one:
        ``(row_old, col_old) = matrix @ (row_new, col_new, 1)``, pixel centres at integers. In
        lengths on the brain it is a similarity; in pixels too where they are square.
    rotation_deg : float
        How the new image has to be turned to lie on the old one, counter-clockwise as seen in the
        picture, -180 to 180; after the mirror, if there is one.
    scale : float
        Factor from lengths in the new image to lengths in the old one: in pixels where a pixel
        size is missing, else in mm, where it is 1 if both pixel sizes are right.
    translation_px : tuple of float
        (rows, columns) from the middle of the old image to where the middle of the new one lies.
    mirrored : bool
        Whether left and right are swapped.
    quality : float
        Share of the brain, in overlapping squares, whose vessels by themselves lie within 1.5
        pixels of the working image (one of 400, longer side) of where the match expects them,
        among all places up to 6 of these pixels away along each axis. By chance it would be 0.04.
    runner_up : float
        Quality at the best other place, without the mirror or with it; squares that the two
        images do not share there count as not agreeing.
    mirror_quality : float
        The same at the best place of the other handedness.
    residual_px : float
        Root mean square of the distances, in pixels of the old image, of the squares that agree.
    n_blocks : int
        How many squares there are.
    chance : float
        Probability that as many squares of unrelated images agree by accident.
    """

    matrix: NDArray[np.float64] = attrs.field(converter=read_only)
    rotation_deg: float
    scale: float
    translation_px: tuple[float, float]
    mirrored: bool
    quality: float
    runner_up: float
    mirror_quality: float
    residual_px: float
    n_blocks: int
    chance: float

    @property
    def trusted(self) -> bool:
        """Whether it is good enough to place an image by."""
        return not self.doubt

    @property
    def doubt(self) -> str:
        """Why it is not trusted; empty when it is."""
        if self.n_blocks < _LEAST_BLOCKS:
            return "too little of the brain, with vessels, is seen in both"
        if self.quality < LEAST_QUALITY:
            return (
                f"vessels lie on each other in {self.quality:.0%} of the places looked at, at "
                f"least {LEAST_QUALITY:.0%} is needed"
            )
        if self.chance > _MOST_CHANCE:
            return (
                f"vessels lie on each other in {self.quality:.0%} of the places looked at, but "
                f"these are so few that it may be an accident"
            )
        if self.quality - self.runner_up < _LEAST_LEAD:
            return (
                f"another place fits about as well ({self.runner_up:.0%} against "
                f"{self.quality:.0%})"
            )
        return ""

    def to_old(self, points_px: ArrayLike) -> NDArray[np.float64]:
        """Return where points of the new image lie on the old one.

        Parameters
        ----------
        points_px : array_like, shape (..., 2)
            (row, column) in pixels of the new image.

        Returns
        -------
        numpy.ndarray, shape (..., 2)
            (row, column) in pixels of the old image.
        """
        return PlaneMap(self.matrix[:, :2], self.matrix[:, 2])(points_px)
