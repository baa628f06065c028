"""Choosing among the basins that a search has found.

Where tissue is missing or shapes differ, an orientation that is wrong, such as the brain upside
down, may come close to the right one in classes of brightness alone. Mutual information of the
grey values themselves, each pose at the top of its own smooth landscape, tells them apart: it sees
what a few classes smear out. That takes longer, so that only close races are run again. Outlines
alone may still give a clear winner, to a lump of tissue too; so its inside must fit as well.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.registration.ascend import Ascender
from brainreg3d.registration.images import PhysicalImage, map_points
from brainreg3d.registration.refine import Level
from brainreg3d.registration.rotations import (
    angles_between_deg,
    axis_rotations,
    spread_rotations,
)
from brainreg3d.registration.search import Pose, PoseScorer, apart, search
from brainreg3d.registration.tissue import Tissue
from brainreg3d.registration.verdict import Evidence

ROTATIONS = 2000
BEYOND_REACH_DEG = 10.0
"""How far a climb may leave the orientations that were to be searched."""

_COMPARISONS = 256
_CLEAR_GAP = 1.4
"""Above this ratio of the best two poses there is nothing to decide."""
_COMPARED, _COMPARED_POINTS = 6, 20_000
_ROOM_MM = 3.0
"""Background around the moving tissue, so that most of the brain lies on the grid at any pose."""

_DEPTH_MM = 0.4
"""Deep enough for the brightness of the outline to have no part in it."""


@attrs.frozen(eq=False)
class Basin:
    """The basin that was chosen.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (4, 4)
        A pose in it, from fixed to moving points, mm.
    other_information : float
        Information of the best pose of any other orientation, by classes.
    fine_gap : float, optional
        Information at the top of this basin over that of the best other one, by grey values,
        where it was compared.
    inside : float, optional
        Information deep within both tissues, by grey values, where it was compared.
    """

    matrix: NDArray[np.float64]
    other_information: float
    fine_gap: float | None = None
    inside: float | None = None

    def evidence(self, scorer: PoseScorer, matrix: NDArray[np.float64] | None = None) -> Evidence:
        """Return what speaks for a pose in the basin, or for the basin's own.

        Parameters
        ----------
        scorer : PoseScorer
            The one that the basin was found by.
        matrix : numpy.ndarray, shape (4, 4), optional
            The pose.

        Returns
        -------
        Evidence
            By grey values where those were compared, since they decide.
        """
        information = scorer.score(self.matrix if matrix is None else matrix)
        if self.fine_gap is None:
            return Evidence(information, information / max(self.other_information, 1e-9))
        # A pose that has left the top must not profit from it.
        kept = min(1.0, information / max(scorer.score(self.matrix), 1e-9))
        return Evidence(information, kept * self.fine_gap, self.inside)


def find_basin(
    scorer: PoseScorer,
    level: Level,
    tissues: tuple[Tissue, Tissue],
    start: NDArray[np.float64],
    reach_deg: float,
) -> Basin:
    """Find the best basin within reach of an orientation.

    Parameters
    ----------
    scorer : PoseScorer
        The two volumes in classes of brightness.
    level : Level
        The two volumes in grey values.
    tissues : tuple of Tissue
        Of the fixed and the moving volume.
    start : numpy.ndarray, shape (3, 3)
        Orientation to search around.
    reach_deg : float
        How far from it; 180 is everywhere.

    Returns
    -------
    Basin
        The best one, and how good any other orientation is.
    """
    poses = _basins(scorer, start, reach_deg)
    best, other = poses[0], max((pose.information for pose in poses[1:]), default=0.0)
    if best.information >= _CLEAR_GAP * other:
        return Basin(best.matrix(scorer.center_mm), other)
    return _compared(scorer, level, tissues, poses, start, reach_deg)


def _basins(scorer: PoseScorer, start: NDArray[np.float64], reach_deg: float) -> list[Pose]:
    """Return the best pose within reach, and then those of other orientations."""
    rotations = np.concatenate([axis_rotations(), spread_rotations(ROTATIONS)])
    away = angles_between_deg(rotations, start)
    near = np.concatenate([start[None], rotations[away <= reach_deg]])
    poses = search(scorer, near)
    if reach_deg >= 180:
        return poses
    far = search(scorer, spread_rotations(_COMPARISONS))
    others = sorted([*far, *poses[1:]], key=lambda pose: -pose.information)
    return apart([poses[0], *others])


def _compared(
    scorer: PoseScorer,
    level: Level,
    tissues: tuple[Tissue, Tissue],
    poses: list[Pose],
    start: NDArray[np.float64],
    reach_deg: float,
) -> Basin:
    """Let the best poses climb by grey values, and choose again."""
    moving = _with_room(level.moving, tissues[1])
    ascender = Ascender(level.fixed, level.near_tissue, moving, _COMPARED_POINTS)
    tops = []
    for pose in poses[:_COMPARED]:
        matrix = ascender.climb(pose.matrix(scorer.center_mm)).matrix
        image_mm = matrix[:3, :3] @ scorer.center_mm + matrix[:3, 3]
        tops.append(Pose(matrix[:3, :3], image_mm, ascender.information(matrix)))
    tops = apart(sorted(tops, key=lambda pose: -pose.information))
    away = angles_between_deg(np.array([pose.rotation for pose in tops]), start)
    within = np.flatnonzero(away <= reach_deg + BEYOND_REACH_DEG)
    best = tops.pop(int(within[0]) if len(within) else 0)
    matrix = best.matrix(scorer.center_mm)
    return Basin(
        matrix,
        max((pose.information for pose in poses[1:]), default=0.0),
        best.information / max(1e-9, max((pose.information for pose in tops), default=0.0)),
        ascender.information_among(_inside(level, tissues, matrix), matrix),
    )


def _inside(
    level: Level, tissues: tuple[Tissue, Tissue], matrix: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which voxels of the fixed volume lie deep within both tissues at a pose."""
    fixed, moving = tissues
    inside = fixed.near(level.fixed, -_DEPTH_MM)
    points_mm = level.fixed.points_mm(np.argwhere(inside))
    inside[inside] = moving.contains(map_points(matrix, points_mm), -_DEPTH_MM)
    return inside


def _with_room(moving: PhysicalImage, tissue: Tissue) -> PhysicalImage:
    """Return the volume with background around it, but where it cuts the tissue off."""
    voxels = np.ceil(_ROOM_MM / np.array(moving.spacing_mm)).astype(int)
    before, after = (np.where(cut, 0, voxels) for cut in tissue.cut_sides)
    return moving.padded(before, after, tissue.background)
