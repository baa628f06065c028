"""Finding the basin: every orientation is tried, in numbers small enough to be quick.

Both volumes are reduced to a few classes of brightness, by rank within their tissue, so that
neither contrast nor its sign matters. Mutual information of the classes at some thousand points
then judges thousands of poses; the best of them, kept apart from each other, are improved by a
pattern search. How well the best pose of each basin does is also what tells a found brain from
a meaningless best.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.registration.images import PhysicalImage
from brainreg3d.registration.rotations import angles_between_deg, rotation_from_vector
from brainreg3d.registration.threads import in_threads
from brainreg3d.registration.tissue import Tissue

CLASSES = 12
"""Classes of brightness in tissue; class 0 is background."""

_UNKNOWN = 255
_SMOOTHING_MM = 0.25
_SHELL_MM = 0.6
"""Background this near to the fixed tissue is sampled too, so that outlines count."""

_POINTS_GLOBAL, _POINTS_LOCAL = 1500, 6000
_SHIFT_MM = 1.0
_STARTS, _KEPT = 96, 24
_APART_DEG, _APART_MM = 20.0, 1.0
_COARSE_STEPS = ((8.0, 0.6), (4.0, 0.3))
_FINE_STEPS = ((2.0, 0.15), (1.0, 0.08), (0.5, 0.04))
"""Steps of the pattern search, in degrees and mm."""
_SWEEPS_PER_STEP = 4
_SEED = 20


@attrs.frozen(eq=False)
class Pose:
    """Where the fixed volume lies in the moving one, and how well it fits there.

    Parameters
    ----------
    rotation : numpy.ndarray, shape (3, 3)
        Turns fixed directions to moving ones.
    image_mm : numpy.ndarray, shape (3,)
        Moving point of the centre of the fixed tissue.
    information : float
        Mutual information in nats; the share of points whose partner is known weighs it.
    """

    rotation: NDArray[np.float64]
    image_mm: NDArray[np.float64]
    information: float

    def matrix(self, center_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pose as a 4 x 4 matrix from fixed to moving points."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.image_mm - self.rotation @ center_mm
        return matrix


@attrs.frozen(eq=False)
class ClassVolume:
    """Classes of brightness on a grid; its outermost voxels stand for all that lies beyond."""

    image: PhysicalImage

    @classmethod
    def of(cls, tissue: Tissue) -> ClassVolume:
        """Sort the voxels of a volume into classes."""
        from scipy import ndimage

        sigma = _SMOOTHING_MM / np.array(tissue.image.spacing_mm)
        smooth = ndimage.gaussian_filter(tissue.image.data, sigma)
        inside = smooth[tissue.mask]
        edges = np.quantile(inside, np.arange(1, CLASSES) / CLASSES)
        classes = np.zeros(smooth.shape, dtype=np.uint8)
        classes[tissue.mask] = 1 + np.searchsorted(edges, inside, side="right")
        widths = ((1, 1),) * 3
        ringed = np.pad(classes, widths)
        for axis in range(3):
            for side, index in enumerate((0, -1)):
                if tissue.cut_sides[side, axis]:
                    ringed[(slice(None),) * axis + (index,)] = _UNKNOWN
        spacing = tissue.image.spacing_mm
        return cls(PhysicalImage(ringed, spacing, tissue.image.points_mm((-1, -1, -1))))


@njit()
def _information(points, classes, volume, matrix, offset):  # type: ignore[no-untyped-def]
    """Return the mutual information of fixed classes and those met in the moving volume.

    `points` are in mm relative to the centre, `matrix` and `offset` lead from them to (z, y, x)
    indices plus one half.
    """
    size = CLASSES + 1
    joint = np.zeros((size, size), dtype=np.int64)
    last_z, last_y, last_x = volume.shape[0] - 1, volume.shape[1] - 1, volume.shape[2] - 1
    known = 0
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        iz = int(np.floor(matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + offset[0]))
        iy = int(np.floor(matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + offset[1]))
        ix = int(np.floor(matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + offset[2]))
        iz, iy, ix = min(max(iz, 0), last_z), min(max(iy, 0), last_y), min(max(ix, 0), last_x)
        found = volume[iz, iy, ix]
        if found < size:
            joint[classes[i], found] += 1
            known += 1
    if known == 0:
        return 0.0
    information = 0.0
    column_sums = joint.sum(axis=0)
    for row in range(size):
        row_sum = joint[row].sum()
        for column in range(size):
            count = joint[row, column]
            if count > 0:
                information += count * np.log(count * known / (row_sum * column_sums[column]))
    return information / points.shape[0]


@njit()
def _score_all(points, classes, volume, matrices, offsets):  # type: ignore[no-untyped-def]
    scores = np.empty(len(matrices))
    for i in range(len(matrices)):
        scores[i] = _information(points, classes, volume, matrices[i], offsets[i])
    return scores


class PoseScorer:
    """Judges poses of a fixed volume in a moving one.

    Parameters
    ----------
    fixed, moving : Tissue
        The two volumes.
    """

    def __init__(self, fixed: Tissue, moving: Tissue) -> None:
        self.center_mm = fixed.center_mm
        self.moving_center_mm = moving.center_mm
        self._moving = ClassVolume.of(moving).image
        fixed_classes = ClassVolume.of(fixed).image
        points, classes = _sample(fixed_classes, fixed)
        self._points = np.ascontiguousarray(points - self.center_mm)
        self._classes = classes

    def scores(
        self, rotations: NDArray[Any], images_mm: NDArray[Any], points: int = _POINTS_LOCAL
    ) -> NDArray[np.float64]:
        """Return the information of poses, given as arrays of their rotations and images."""
        scale = 1 / self._moving.spacing_xyz_mm
        matrices = (rotations * scale[:, None])[:, ::-1]
        offsets = self._moving.indices(images_mm) + 0.5
        return np.asarray(
            _score_all(
                self._points[:points],
                self._classes[:points],
                self._moving.data,
                np.ascontiguousarray(matrices),
                np.ascontiguousarray(offsets),
            )
        )

    def score(self, matrix: NDArray[np.float64]) -> float:
        """Return the information of a 4 x 4 matrix from fixed to moving points."""
        image = matrix[:3, :3] @ self.center_mm + matrix[:3, 3]
        return float(self.scores(matrix[None, :3, :3], image[None])[0])


def search(
    scorer: PoseScorer,
    rotations: NDArray[np.float64],
    shifts_mm: Sequence[float] = (0.0, _SHIFT_MM),
) -> list[Pose]:
    """Find the best poses, apart from each other.

    Parameters
    ----------
    scorer : PoseScorer
        The two volumes.
    rotations : numpy.ndarray, shape (N, 3, 3)
        Orientations to try; each basin should hold one of them.
    shifts_mm : sequence of float
        How far the centres of the tissues may lie apart along each axis.

    Returns
    -------
    list of Pose
        Best first; each is the top of a basin of its own.
    """
    offsets = _offsets(shifts_mm)
    turned = np.repeat(rotations, len(offsets), axis=0)
    images = scorer.moving_center_mm + np.tile(offsets, (len(rotations), 1))
    chunks = np.array_split(np.arange(len(turned)), 16)
    scores = np.concatenate(
        in_threads(lambda rows: scorer.scores(turned[rows], images[rows], _POINTS_GLOBAL), chunks)
    )
    # One pose a rotation, or the shifts of the best orientation would leave room for no other.
    best = scores.reshape(len(rotations), -1).argmax(axis=1) + len(offsets) * np.arange(
        len(rotations)
    )
    order = best[np.argsort(-scores[best], kind="stable")]
    poses = [Pose(turned[row], images[row], float(scores[row])) for row in order[: 4 * _STARTS]]
    poses = apart(poses, _STARTS)
    for steps, points in ((_COARSE_STEPS, _POINTS_GLOBAL), (_FINE_STEPS, _POINTS_LOCAL)):
        climb = functools.partial(_climb, scorer, steps=steps, points=points)
        poses = apart(sorted(in_threads(climb, poses), key=_worst_last), _KEPT)
    return poses


def _climb(
    scorer: PoseScorer, pose: Pose, steps: Sequence[tuple[float, float]], points: int
) -> Pose:
    """Climb towards the top of a pose's basin by a pattern search."""
    rotation, image = pose.rotation, pose.image_mm
    score = float(scorer.scores(rotation[None], image[None], points)[0])
    for degrees, millimetres in steps:
        turns, moves = _pattern(degrees, millimetres)
        for _ in range(_SWEEPS_PER_STEP):
            rotations, images = turns @ rotation, image + moves
            scores = scorer.scores(rotations, images, points)
            top = int(scores.argmax())
            if scores[top] <= score:
                break
            score, rotation, image = float(scores[top]), rotations[top], images[top]
    return Pose(rotation, image, score)


def _worst_last(pose: Pose) -> float:
    return -pose.information


def _offsets(shifts_mm: Sequence[float]) -> NDArray[np.float64]:
    found = [np.zeros(3)]
    for shift in shifts_mm:
        if shift:
            found += [sign * shift * axis for axis in np.eye(3) for sign in (1, -1)]
    return np.array(found)


def _pattern(degrees: float, millimetres: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    turns = [rotation_from_vector(s * np.radians(degrees) * a) for a in np.eye(3) for s in (1, -1)]
    moves = [s * millimetres * a for a in np.eye(3) for s in (1, -1)]
    return (
        np.array(turns + [np.eye(3)] * len(moves)),
        np.array([np.zeros(3)] * len(turns) + moves),
    )


def apart(poses: Sequence[Pose], count: int = _KEPT) -> list[Pose]:
    """Keep poses that differ from all kept before them.

    Parameters
    ----------
    poses : sequence of Pose
        Best first.
    count : int
        How many to keep at most.

    Returns
    -------
    list of Pose
        In the same order.
    """
    kept: list[Pose] = []
    for pose in poses:
        if len(kept) == count:
            break
        if kept:
            turned = angles_between_deg(np.array([other.rotation for other in kept]), pose.rotation)
            moved = np.array([np.linalg.norm(other.image_mm - pose.image_mm) for other in kept])
            if np.any((turned < _APART_DEG) & (moved < _APART_MM)):
                continue
        kept.append(pose)
    return kept


def _sample(classes: PhysicalImage, fixed: Tissue) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return points in and around the fixed tissue, in random order, and their classes."""
    from scipy import ndimage

    mask = np.pad(fixed.mask, 1)
    near = ndimage.distance_transform_edt(~mask, sampling=classes.spacing_mm) <= _SHELL_MM
    indices = np.argwhere(near & (classes.data != _UNKNOWN))
    rng = np.random.default_rng(_SEED)
    indices = indices[rng.permutation(len(indices))[:_POINTS_LOCAL]]
    return classes.points_mm(indices), classes.data[tuple(indices.T)]
