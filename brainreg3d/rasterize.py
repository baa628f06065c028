"""Triangles seen at the centres of pixels, the nearest of them kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._compiled import njit
from brainreg3d.geometry import ImageView

_ON_EDGE = -1e-9  # neighbours share their edge, so that no pixel falls between them


_AROUND_PX = 1e-6  # an edge over the middles of pixels is beside them after rounding
_TIE_MM = 1e-6
"""Surfaces that touch have the same depth but for rounding, which is far less than this."""


@njit()
def _draw(x, y, near, faces, kind, perspective, nearest, kinds):  # type: ignore[no-untyped-def]
    """Draw triangles into the two images; equally near goes to the lower kind."""
    n_rows, n_cols = nearest.shape
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])
        if not abs(area) > 1e-12:  # seen edge on, or NaN
            continue
        first_row = max(0, int(np.ceil(min(y[a], y[b], y[c]) - _AROUND_PX)))
        last_row = min(n_rows - 1, int(np.floor(max(y[a], y[b], y[c]) + _AROUND_PX)))
        first_col = max(0, int(np.ceil(min(x[a], x[b], x[c]) - _AROUND_PX)))
        last_col = min(n_cols - 1, int(np.floor(max(x[a], x[b], x[c]) + _AROUND_PX)))
        for row in range(first_row, last_row + 1):
            for col in range(first_col, last_col + 1):
                u = ((x[b] - col) * (y[c] - row) - (x[c] - col) * (y[b] - row)) / area
                v = ((x[c] - col) * (y[a] - row) - (x[a] - col) * (y[c] - row)) / area
                w = 1.0 - u - v
                if u < _ON_EDGE or v < _ON_EDGE or w < _ON_EDGE:
                    continue
                here = u * near[a] + v * near[b] + w * near[c]
                slack = _TIE_MM * here * here if perspective else _TIE_MM
                if here > nearest[row, col] + slack:
                    nearest[row, col] = here
                    kinds[row, col] = kind
                elif here >= nearest[row, col] - slack:
                    nearest[row, col] = max(here, nearest[row, col])
                    kinds[row, col] = min(kind, kinds[row, col])


class SurfaceBuffer:
    """The nearest surface at the centre of each pixel: a z-buffer.

    Parameters
    ----------
    view : ImageView
        Where the image lies, and from where it is seen.

    Notes
    -----
    E. Catmull, "A subdivision algorithm for computer display of curved surfaces", 1974. Under a
    camera at a distance D, 1 / (D + depth) is linear over the projection of a triangle, as depth
    itself is under parallel rays; J. F. Blinn, "Hyperbolic interpolation", IEEE CG&A 12, 1992.
    """

    def __init__(self, view: ImageView) -> None:
        self.view = view
        self._near = np.full(view.shape, -np.inf)
        self.kinds = np.zeros(view.shape, dtype=np.uint16)
        """What is nearest in each pixel, shape (H, W); 0 for nothing."""

    @property
    def depth_mm(self) -> NDArray[np.float64]:
        """Distance of what is nearest below the image plane, shape (H, W); inf for nothing."""
        distance_mm = self.view.camera.distance_mm
        if distance_mm is None:
            return -self._near
        with np.errstate(divide="ignore"):
            depth_mm = 1.0 / np.maximum(self._near, 0.0) - distance_mm
        return np.asarray(depth_mm)

    def may_show(self, corners_mm: NDArray[np.float64]) -> bool:
        """Tell whether anything inside a box may be seen.

        Parameters
        ----------
        corners_mm : numpy.ndarray, shape (8, 3)
            The corners of the box in the atlas frame.

        Returns
        -------
        bool
            False if all of it lies off the image, or behind what is there already.
        """
        rows, cols, depth_mm = self.view.project(corners_mm)
        if np.isnan(rows).any():  # around the camera, or behind it
            return not np.isnan(rows).all()
        low = np.ceil(np.array([rows.min(), cols.min()]) - _AROUND_PX)
        high = np.floor(np.array([rows.max(), cols.max()]) + _AROUND_PX)
        low, high = np.maximum(low, 0), np.minimum(high, np.array(self.view.shape) - 1)
        if np.any(low > high):
            return False
        part = tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
        nearest = self._nearness(depth_mm - _TIE_MM).max()
        return bool(np.any(self._near[part] <= nearest))

    def draw(self, vertices_mm: NDArray[np.float64], faces: NDArray[Any], kind: int) -> None:
        """Draw a mesh.

        Parameters
        ----------
        vertices_mm : numpy.ndarray, shape (N, 3)
            Points in the atlas frame; triangles that reach behind the camera are left out.
        faces : numpy.ndarray of int, shape (M, 3)
            Corners of each triangle, seen from both sides.
        kind : int
            From 1 on, what the mesh is the surface of; of two within a nanometre, the lower is
            kept, whichever is drawn first.
        """
        rows, cols, depth_mm = self.view.project(vertices_mm)
        perspective = self.view.camera.distance_mm is not None
        near = self._nearness(depth_mm)
        _draw(cols, rows, near, faces, np.uint16(kind), perspective, self._near, self.kinds)

    def _nearness(self, depth_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is linear over the projection of a plane, and grows towards the camera."""
        distance_mm = self.view.camera.distance_mm
        if distance_mm is None:
            return -depth_mm
        return np.asarray(1.0 / (distance_mm + depth_mm))
