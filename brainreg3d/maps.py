"""What each pixel sees of the surface of the brain: where, at which angle, and how much of it."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.atlas import Annotation
from brainreg3d.geometry import ImageView, atlas_mm_to_ccf_um
from brainreg3d.normals import SurfaceNormals
from brainreg3d.raycast import cast_first_hits, hit_points

MAX_INCIDENCE_DEG = 85.0
"""Beyond this angle a pixel sees the surface edge on, and the area it sees is not known."""

_ROWS_PER_BLOCK = 64


@attrs.frozen(eq=False, slots=False)
class SurfaceMaps:
    """Maps of the tissue surface that an image sees, each computed when it is first asked for.

    The surface is where rays first enter annotated tissue, however pixels are labelled: neither
    the sampling, nor which regions were asked for, nor a window mask changes it.

    Parameters
    ----------
    view : ImageView
        Where the image lies, and from where it was taken.
    annotation : Annotation
        The brain; whatever has a structure is tissue.
    """

    view: ImageView
    annotation: Annotation = attrs.field(repr=False)

    @functools.cached_property
    def distance_mm(self) -> NDArray[np.float64]:
        """From the start of each pixel's ray to the surface, shape (H, W); NaN off the brain."""
        hits = cast_first_hits(self.annotation, self.view)  # makes rays as they are needed
        distance: NDArray[np.float64] = read_only(hits.distance_mm.reshape(self.view.shape))
        return distance

    @functools.cached_property
    def ccf(self) -> NDArray[np.float64]:
        """(AP, DV, ML) of the surface in µm, shape (H, W, 3); NaN off the brain."""
        ccf = np.empty((*self.view.shape, 3))
        flat = ccf.reshape(-1, 3)
        for part, points, _ in self._points_mm():
            flat[part] = atlas_mm_to_ccf_um(points, self.annotation.grid.box_mm)
        result: NDArray[np.float64] = read_only(ccf)
        return result

    @functools.cached_property
    def incidence_deg(self) -> NDArray[np.float32]:
        """Angle between ray and normal of the surface, shape (H, W); NaN off the brain.

        0 where the pixel looks straight onto the surface. It exceeds 90 degrees where a ray only
        just catches voxels whose smoothed surface faces away.
        """
        incidence = np.empty(self.view.shape, dtype=np.float32)
        flat = incidence.reshape(-1)
        normals = SurfaceNormals(self.annotation, (points for _, points, _ in self._points_mm()))
        for part, points, directions in self._points_mm():
            cosine = -(normals.at(points) * directions).sum(axis=1)
            flat[part] = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        result: NDArray[np.float32] = read_only(incidence)
        return result

    @functools.cached_property
    def area_mm2(self) -> NDArray[np.float64]:
        """Area of the surface that each pixel sees, shape (H, W); NaN where it is not known.

        The pixel's cross-section at the distance of the surface over the cosine of the incidence;
        NaN off the brain and where the incidence exceeds `MAX_INCIDENCE_DEG`. Right to 1 % where
        the surface is seen at up to 60 degrees; between 75 and 85 degrees a tenth to a fifth too
        small, since voxels and smoothing round off where walls begin.
        """
        area = np.empty(self.view.shape)
        for start in range(0, len(area), _ROWS_PER_BLOCK):
            rows = slice(start, start + _ROWS_PER_BLOCK)
            incidence_deg = self.incidence_deg[rows].astype(np.float64)
            known = incidence_deg <= MAX_INCIDENCE_DEG  # False for NaN
            cosine = np.cos(np.radians(np.where(known, incidence_deg, 0.0)))
            area[rows] = np.where(known, self._cross_section_mm2(rows) / cosine, np.nan)
        result: NDArray[np.float64] = read_only(area)
        return result

    def _points_mm(self) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
        return hit_points(self.view, self.distance_mm.reshape(-1))

    def _cross_section_mm2(self, some: slice) -> NDArray[np.float64]:
        """Return the area of the cone of pixels in some rows, where rays meet the surface."""
        height_mm, width_mm = self.view.pixel_size_mm
        camera_mm = self.view.camera.distance_mm
        distance_mm = self.distance_mm[some]
        if camera_mm is None:
            return np.full(distance_mm.shape, height_mm * width_mm)
        rows, cols = np.ogrid[: self.view.shape[0], : self.view.shape[1]]
        axis_row, axis_col = self.view.principal_point_px
        down, along = (rows[some] - axis_row) * height_mm, (cols - axis_col) * width_mm
        to_plane_mm = np.sqrt(camera_mm**2 + down**2 + along**2)
        # A pixel of the plane is seen at an angle, the further from the camera's axis the more;
        # its solid angle stays the same along the ray.
        solid_angle = height_mm * width_mm * (camera_mm / to_plane_mm) / to_plane_mm**2
        return np.asarray(solid_angle * distance_mm**2)
