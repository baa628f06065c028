"""The vertices of region meshes as an image sees them, as the original did."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.atlas.sides import own_sides
from brainreg3d.geometry import ImageView
from brainreg3d.state import Samples
from brainreg3d.surfaces import SurfaceMaker, mesh_spacing_mm


def sample_vertices(
    atlas: Atlas, regions: RegionSet, view: ImageView, spacing_um: float, with_tissue: bool
) -> Samples:
    """Return the vertices of all meshes that fall onto the image, visible or not.

    Parameters
    ----------
    atlas : Atlas
        The brain.
    regions : RegionSet
        The regions.
    view : ImageView
        Where the image lies, and from where it is seen.
    spacing_um : float
        Spacing at which the annotation is meshed, at least that of its voxels.
    with_tissue : bool
        Whether all other tissue has vertices too, as region 0.

    Returns
    -------
    Samples
        Region after region.
    """
    parts = []
    surfaces = SurfaceMaker(atlas.annotation, spacing_um)
    reach_mm = mesh_spacing_mm(atlas.annotation, spacing_um)
    label_of_index = regions.label_of_index(atlas.annotation)
    for label in range(0 if with_tissue else 1, len(regions) + 1):
        member = (label_of_index == label) & (atlas.annotation.ids != 0)
        points, _ = surfaces.mesh(member)
        y_px, x_px, depth_mm = view.project(points)
        right_half = points[:, 0] >= atlas.grid.right_from_mm
        seen = _inside(y_px, view.shape[0]) & _inside(x_px, view.shape[1])
        identifier = regions[label - 1].id if label else 0
        parts.append(
            Samples(
                np.full(seen.sum(), label, dtype=np.uint16),
                np.full(seen.sum(), identifier, dtype=np.uint32),
                x_px[seen],
                y_px[seen],
                depth_mm[seen],
                own_sides(atlas.annotation, points[seen], right_half[seen], reach_mm),
            )
        )
    return Samples.concatenate(parts)


def vertex_reach_px(atlas: Atlas, view: ImageView, spacing_um: float) -> float:
    """Return half the diagonal between the vertices of a surface that is seen face on.

    Parameters
    ----------
    atlas, view, spacing_um
        As for `sample_vertices`.

    Returns
    -------
    float
        In pixels, and half a pixel more.
    """
    spacing_mm = mesh_spacing_mm(atlas.annotation, spacing_um)
    return float(spacing_mm / min(view.pixel_size_mm) * np.sqrt(0.5) + 0.5)


def _inside(position_px: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Tell which positions lie on the image; NaN lies nowhere."""
    return (position_px >= -0.5) & (position_px < size - 0.5)
