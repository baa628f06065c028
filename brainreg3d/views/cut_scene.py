"""What surrounds the cut brain: the spectator, the edges of the view, the image plane."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.contrast import to_grey
from brainreg3d.geometry import ImageView
from brainreg3d.state import Image
from brainreg3d.surfaces import Surface

PICTURE_PX = (1340, 1000)
_ELEVATION_DEG, _AZIMUTH_DEG = 38.0, 28.0
_LARGEST_TEXTURE_PX = 400
_ABOVE_MM = 1.5  # how far the edges of the view are drawn towards the camera
_TUBE_MM = 0.025


@attrs.frozen(eq=False)
class Spectator:
    """From where the picture is taken: a parallel projection.

    Parameters
    ----------
    right, up, forward : numpy.ndarray, shape (3,)
        Unit vectors of the picture in the atlas frame.
    center_mm : numpy.ndarray, shape (3,)
        The point in the middle of the picture.
    height_mm : float
        What the height of the picture spans.
    """

    right: NDArray[np.float64]
    up: NDArray[np.float64]
    forward: NDArray[np.float64]
    center_mm: NDArray[np.float64]
    height_mm: float

    @classmethod
    def facing(cls, view: ImageView, points_mm: NDArray[np.float64]) -> Spectator:
        """Return a spectator who looks at an image obliquely, with all points in the picture.

        Parameters
        ----------
        view : ImageView
            Seen from its camera's side, tilted towards its lower edge.
        points_mm : numpy.ndarray, shape (N, 3)
            What has to be in the picture.

        Returns
        -------
        Spectator
            With a little space around the points.
        """
        col_axis, row_axis, view_axis = view.pose.axes
        elevation, azimuth = np.deg2rad([_ELEVATION_DEG, _AZIMUTH_DEG])
        sideways = np.cos(azimuth) * row_axis + np.sin(azimuth) * col_axis
        forward = np.sin(elevation) * view_axis - np.cos(elevation) * sideways
        right = np.cross(forward, -view_axis)
        right /= np.linalg.norm(right)
        up = np.cross(right, forward)
        along, high = points_mm @ right, points_mm @ up
        span = max(np.ptp(high), np.ptp(along) * PICTURE_PX[1] / PICTURE_PX[0])
        middle = (along.max() + along.min()) / 2 * right + (high.max() + high.min()) / 2 * up
        center = middle + np.mean(points_mm @ forward) * forward
        return cls(right, up, forward, center, float(span) * 1.14)

    def project(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where points appear in the picture.

        Parameters
        ----------
        points_mm : array_like, shape (..., 3)
            In the atlas frame.

        Returns
        -------
        numpy.ndarray, shape (..., 2)
            (x, y) in pixels, row 0 at the top.
        """
        offset = np.asarray(points_mm, dtype=float) - self.center_mm
        scale = PICTURE_PX[1] / self.height_mm
        x = offset @ self.right * scale + (PICTURE_PX[0] - 1) / 2
        y = -(offset @ self.up) * scale + (PICTURE_PX[1] - 1) / 2
        return np.stack([x, y], axis=-1)

    def camera(self) -> dict[str, Any]:
        """Return the camera as the renderer wants it.

        Returns
        -------
        dict
            Plain numbers.
        """
        return {
            "position_mm": (self.center_mm - 100.0 * self.forward).tolist(),
            "focal_point_mm": self.center_mm.tolist(),
            "up": self.up.tolist(),
            "height_mm": self.height_mm,
        }


def view_edges(view: ImageView, pieces: dict[str, Surface]) -> NDArray[np.float64]:
    """Return the edges of the view as line segments.

    Parameters
    ----------
    view : ImageView
        Whose pyramid or prism.
    pieces : dict of str to Surface
        The edges reach below the deepest of them.

    Returns
    -------
    numpy.ndarray, shape (12, 2, 3)
        Four edges along the view, the frame of the image, and the frame at the far end; in mm
        in the atlas frame.
    """
    rows = np.array([-0.5, -0.5, view.shape[0] - 0.5, view.shape[0] - 0.5])
    cols = np.array([-0.5, view.shape[1] - 0.5, view.shape[1] - 0.5, -0.5])
    corners = view.pixel_to_plane_mm(rows, cols)
    depths = [view.project(piece.vertices_mm)[2].max() for piece in pieces.values()]
    deepest = max([*depths, 1.0]) + 0.3
    camera = view.camera_position_mm
    directions = np.tile(view.pose.view_axis, (4, 1)) if camera is None else corners - camera
    directions = directions / (directions @ view.pose.view_axis)[:, None]
    above = _ABOVE_MM
    if view.camera.distance_mm is not None:
        above = min(above, view.camera.distance_mm)
    far, near = corners + deepest * directions, corners - above * directions
    around = [1, 2, 3, 0]
    return np.concatenate(
        [
            np.stack([near, far], axis=1),
            np.stack([corners, corners[around]], axis=1),
            np.stack([far, far[around]], axis=1),
        ]
    )


def tubes(segments_mm: NDArray[np.float64]) -> Surface:
    """Return thin square bars along line segments.

    Parameters
    ----------
    segments_mm : numpy.ndarray, shape (N, 2, 3)
        Their ends.

    Returns
    -------
    Surface
        All of them.
    """
    vertices, faces = [], []
    quads = np.array([[0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
    for place, (start, stop) in enumerate(segments_mm):
        along = (stop - start) / max(float(np.linalg.norm(stop - start)), 1e-9)
        helper = np.eye(3)[int(np.argmin(np.abs(along)))]
        first = np.cross(along, helper)
        first /= np.linalg.norm(first)
        second = np.cross(along, first)
        ring = [first + second, second - first, -first - second, first - second]
        vertices += [end + _TUBE_MM * offset for end in (start, stop) for offset in ring]
        faces.append(quads + 8 * place)
    quad = np.concatenate(faces)
    triangles = np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
    return Surface(np.array(vertices), triangles)


def textured_plane(view: ImageView, image: Image) -> tuple[Surface, NDArray[np.uint8]]:
    """Return an image as a mesh of one coloured square for each pixel, or block of pixels.

    Parameters
    ----------
    view : ImageView
        Where the image lies.
    image : Image
        Shown with automatic contrast.

    Returns
    -------
    surface : Surface
        Faces of four corners.
    colors : numpy.ndarray of uint8, shape (M, 3)
        The colour of each face.
    """
    step = -(-max(view.shape) // _LARGEST_TEXTURE_PX)
    grey = to_grey(image.pixels)[::step, ::step]
    rows = np.minimum(np.arange(grey.shape[0] + 1) * step, view.shape[0]) - 0.5
    cols = np.minimum(np.arange(grey.shape[1] + 1) * step, view.shape[1]) - 0.5
    points = view.pixel_to_plane_mm(rows[:, None], cols[None, :])
    numbers = np.arange(rows.size * cols.size).reshape(rows.size, cols.size)
    faces = np.stack(
        [numbers[:-1, :-1], numbers[:-1, 1:], numbers[1:, 1:], numbers[1:, :-1]], axis=-1
    ).reshape(-1, 4)
    colors = np.repeat(np.rint(grey.reshape(-1, 1) * 255), 3, axis=1).astype(np.uint8)
    return Surface(points.reshape(-1, 3), faces), colors
