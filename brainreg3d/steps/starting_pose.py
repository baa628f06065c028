"""Where an image starts in the window: on the brain's surface, turned as a few words say.

The middle of the cortex as it is seen from above is found in the annotation, so that the same
words serve the brains of other species.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas
from brainreg3d.errors import RegionError
from brainreg3d.geometry import Camera, ImageView, Pose, Rays
from brainreg3d.landmarks.hull import BrainHull
from brainreg3d.raycast import cast_first_hits

YAW_OF_ANTERIOR_DEG = {"up": 0.0, "right": 90.0, "down": 180.0, "left": -90.0}
"""Yaw of a level image that is not mirrored, by where anterior is in the picture."""

_CORTEX_NAMES = ("Isocortex", "CTX", "Cortex")  # acronyms and names, the first that is there
_COLUMNS_ALONG_BOX = 200  # from above; 66 µm apart in the mouse brain
_SAMPLES_ALONG_IMAGE = 25
_MAX_ROUNDS = 40
_SMALL_TURN = 1e-6  # radians

Array = NDArray[np.float64]


def starting_pose(
    atlas: Atlas,
    shape: tuple[int, int],
    pixel_size_mm: tuple[float, float],
    camera: Camera,
    *,
    anterior: str = "up",
    hemisphere: str = "both",
    mirrored: bool = False,
    tilt: str | None = None,
) -> Pose:
    """Return a pose on the surface of the brain, facing it.

    Parameters
    ----------
    atlas : Atlas
        The brain.
    shape : tuple of int
        (rows, columns) of the image.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.
    camera : Camera
        What the image sees depends on it.
    anterior : {"up", "down", "left", "right"}
        Where anterior is in the picture.
    hemisphere : {"both", "left", "right"}
        Over which side the centre of the image lies: the midline, or the middle of one half of
        the cortex as seen from above.
    mirrored : bool
        Whether the picture is a mirror image.
    tilt : {None, "surface"}
        Whether the image faces the surface under its centre, or all of the surface that it sees:
        then its plane has the mean normal of that patch.

    Returns
    -------
    Pose
        The anterior direction, projected onto the image, points exactly where it should. Over
        the midline the image does not lean to a side, whatever the sides of the atlas differ by.
    """
    hull = BrainHull.of(atlas.annotation)
    center = _center_on(hull, atlas, hemisphere)
    yaw_deg = YAW_OF_ANTERIOR_DEG[anterior]
    if mirrored and anterior in ("left", "right"):
        yaw_deg = -yaw_deg
    symmetric = hemisphere == "both"
    normal = _mean_normal(hull.normals(center), symmetric)
    if normal is None:
        normal = np.array([0.0, 0.0, 1.0])
    pose = _facing(center, normal, yaw_deg, mirrored)
    if tilt is None:
        return pose
    for _ in range(_MAX_ROUNDS):
        seen = _surface_seen(ImageView(shape, pixel_size_mm, pose, camera), hull)
        mean = _mean_normal(hull.normals(seen), symmetric)
        if mean is None:
            return pose
        turned, normal = float(np.linalg.norm(mean - normal)), mean
        pose = _facing(center, normal, yaw_deg, mirrored)
        if turned < _SMALL_TURN:
            return pose
    logger.debug("The tilt of the starting pose did not settle; the last one is taken.")
    return pose


def _center_on(hull: BrainHull, atlas: Atlas, hemisphere: str) -> Array:
    """Return the point of the hull above the middle of the cortex, or of half of it."""
    places, right = _cortex_from_above(atlas)
    if hemisphere == "both":
        x_mm = _midline_mm(atlas, places, right)
    else:
        on_side = right == (hemisphere == "right")
        places = places[on_side] if on_side.any() else places
        x_mm = float(places[:, 0].mean())
    y_mm = float(places[:, 1].mean())
    center = hull.below_mm(x_mm, y_mm)[0]
    if np.isnan(center[0]):  # half a brain has nothing at its midline
        center = hull.below_mm(*places[((places - places.mean(axis=0)) ** 2).sum(1).argmin()])[0]
    return np.asarray(center)


def _midline_mm(atlas: Atlas, places: Array, right: NDArray[np.bool_]) -> float:
    """Return where the sides part along x, as seen from above."""
    middle = atlas.grid.box_mm[0] / 2
    if atlas.annotation.on_right is None:
        return middle
    on_left, on_right = places[~right], places[right]
    rows = np.intersect1d(on_left[:, 1], on_right[:, 1])
    edges = [
        on_left[on_left[:, 1] == y, 0].max() + on_right[on_right[:, 1] == y, 0].min() for y in rows
    ]
    return float(np.median(edges)) / 2 if edges else middle


def _cortex_from_above(atlas: Atlas) -> tuple[Array, NDArray[np.bool_]]:
    """Return where (x, y) the cortex is seen from above, and which of that is on the right.

    All tissue counts where none is called cortex.
    """
    box, spacing = np.array(atlas.grid.box_mm), np.array(atlas.grid.spacing_mm)
    step = max(box.max() / _COLUMNS_ALONG_BOX, spacing.max())
    # The columns lie as far from one side of the box as from the other.
    counts = np.maximum(1, np.floor(box[:2] / step)).astype(int)
    x, y = ((np.arange(n) + 0.5) * side / n for n, side in zip(counts, box[:2], strict=True))
    columns = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    origins = np.column_stack([columns, np.full(len(columns), box[2])])
    down = np.array([[0.0, 0.0, -1.0]])
    hits = cast_first_hits(atlas.annotation, Rays(origins, down, -np.inf))
    cortex = _cortex_members(atlas)[hits.index]
    chosen = cortex if cortex.any() else hits.index > 0
    return columns[chosen], hits.right[chosen]


def _cortex_members(atlas: Atlas) -> NDArray[np.bool_]:
    for name in _CORTEX_NAMES:
        try:
            cortex = atlas.structures.find(name)
        except RegionError:
            continue
        return atlas.annotation.members(atlas.structures.descendants(cortex.id))
    return np.zeros(atlas.annotation.ids.size, dtype=bool)


def _surface_seen(view: ImageView, hull: BrainHull) -> Array:
    """Return points of the hull that an image sees, evenly over its pixels."""
    height, width = view.shape
    along = (np.arange(_SAMPLES_ALONG_IMAGE) + 0.5) / _SAMPLES_ALONG_IMAGE
    rows, cols = np.meshgrid(along * height - 0.5, along * width - 0.5, indexing="ij")
    rays = view.rays_at(rows.ravel(), cols.ravel())
    points = hull.first_hit_mm(rays.origins_mm, rays.directions, start_mm=rays.start_mm)
    return np.asarray(points[~np.isnan(points[:, 0])])


def _mean_normal(normals: Array, symmetric: bool) -> Array | None:
    """Return the unit vector along the mean; without a left-right part if `symmetric`."""
    known = normals[~np.isnan(normals[:, 0])]
    if not len(known):
        return None
    mean = known.mean(axis=0)
    if symmetric:
        mean[0] = 0.0
    length = float(np.linalg.norm(mean))
    return None if length == 0 else mean / length


def _facing(center_mm: Array, normal: Array, yaw_deg: float, mirrored: bool) -> Pose:
    """Return the pose whose plane has a normal and shows anterior exactly where it should be.

    A yaw of quarter turns would not do: the later turns of a pose, which tilt its plane, carry the
    picture of the anterior direction along, by 5 degrees over the middle of a hemisphere.
    """
    from scipy.spatial.transform import Rotation  # slow to import

    anterior = np.array([0.0, 1.0, 0.0])
    in_plane = anterior - (anterior @ normal) * normal
    in_plane /= np.linalg.norm(in_plane)
    quarter = np.radians(yaw_deg)
    up = np.cos(quarter).round(12) * in_plane + np.sin(quarter).round(12) * np.cross(
        normal, in_plane
    )
    axes = np.column_stack([np.cross(up, normal), up, normal])
    angles = Rotation.from_matrix(axes).as_euler("ZXY", degrees=True)
    # Numbers that a person may read; half a µm and half a thousandth of a degree off.
    x, y, z = (round(float(value), 3) for value in center_mm)
    yaw, pitch, roll = (round(float(angle), 3) + 0.0 for angle in angles)
    return Pose((x, y, z), yaw, pitch, roll, mirrored=mirrored)
