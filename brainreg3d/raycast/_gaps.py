"""How far each part of a volume is from the next voxel that is looked for."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d._kept import Kept
from brainreg3d.atlas import Annotation
from brainreg3d.atlas.block_search import blocks_of
from brainreg3d.atlas.blocks import BLOCK_VOXELS
from brainreg3d.atlas.cropped import CroppedVolume

_FARTHEST = 255


@attrs.frozen(eq=False)
class Gaps:
    """Space around the voxels that are looked for.

    Parameters
    ----------
    blocks : numpy.ndarray of uint8, shape (Z, Y, X)
        Chessboard distance of each block to the next that holds such a voxel, at most 255.
    box : numpy.ndarray of int64, shape (6,)
        Voxels that hold all of them, to whole blocks, none of which the annotation does not hold:
        first (x, y, z), then end (x, y, z).
    """

    blocks: NDArray[np.uint8]
    box: NDArray[np.int64]


_gaps: Kept[Gaps] = Kept(4)


def gaps_around(annotation: Annotation, member: NDArray[np.bool_]) -> Gaps:
    """Return the space around a set of structures, kept while the annotation is in use.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    member : numpy.ndarray of bool, shape (n_ids,)
        Which entries of its table of ids are looked for, without the first.

    Returns
    -------
    Gaps
        For the last few sets the same object again.
    """
    key = member.tobytes()
    gaps = _gaps.get(annotation, key)
    if gaps is None:
        gaps = _measure(blocks_of(annotation).occupied(member), annotation.volume)
        _gaps.put(annotation, key, gaps)
    return gaps


def _measure(occupied: NDArray[np.bool_], volume: CroppedVolume) -> Gaps:
    box = np.zeros(6, dtype=np.int64)
    for place, axis in enumerate((2, 1, 0)):
        along = np.flatnonzero(
            occupied.any(axis=tuple(other for other in range(3) if other != axis))
        )
        if along.size:
            box[place] = max(along[0] * BLOCK_VOXELS, volume.start[axis])
            box[place + 3] = min((along[-1] + 1) * BLOCK_VOXELS, volume.stop[axis])
    distance = np.where(occupied, 0, _FARTHEST).astype(np.uint8)
    _spread(distance)
    return Gaps(distance, box)


@njit()
def _spread(distance):  # type: ignore[no-untyped-def]
    """Turn 0 and 255 into chessboard distances, one axis after the other.

    The distance is the largest of those along the axes, so the least k for which something lies
    within k along each; A. Rosenfeld and J. Pfaltz, "Sequential operations in digital picture
    processing", J. ACM 13(4), 1966, do it in two passes over all neighbours at once, as here.
    """
    n_z, n_y, n_x = distance.shape
    for turn in range(2):
        for i in range(n_z):
            z = i if turn == 0 else n_z - 1 - i
            for j in range(n_y):
                y = j if turn == 0 else n_y - 1 - j
                for k in range(n_x):
                    x = k if turn == 0 else n_x - 1 - k
                    near = np.int64(distance[z, y, x])
                    for number in range(13 if near > 0 else 0):
                        # The 13 neighbours that the pass has been at.
                        step_z, step_y, step_x = (
                            number // 9 - 1,
                            number // 3 % 3 - 1,
                            number % 3 - 1,
                        )
                        if turn == 1:
                            step_z, step_y, step_x = -step_z, -step_y, -step_x
                        other_z, other_y, other_x = z + step_z, y + step_y, x + step_x
                        if 0 <= other_z < n_z and 0 <= other_y < n_y and 0 <= other_x < n_x:
                            near = min(near, np.int64(distance[other_z, other_y, other_x]) + 1)
                    distance[z, y, x] = near
