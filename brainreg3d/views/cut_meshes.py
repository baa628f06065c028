"""Surfaces of the brain and of the parts of regions that lie in the view of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, RegionSet
from brainreg3d.geometry import ImageView
from brainreg3d.surfaces import Surface, sampled_voxels, smooth_field, zero_surface

_SHELL_MM = 0.12
_PIECE_MM = 0.1
_FINE_PIECE_MM = 0.05
_FINE_LIMIT_MM3 = 250.0  # of the boxes around all pieces together; then 2 million fine voxels
_SMOOTHING = 0.9  # voxels


def brain_shell(annotation: Annotation) -> Surface | None:
    """Return the outer surface of all tissue.

    Parameters
    ----------
    annotation : Annotation
        Which structure each voxel belongs to.

    Returns
    -------
    Surface or None
        None where there is no tissue.
    """
    coarse, spacing, origin = sampled_voxels(annotation, _SHELL_MM)
    return zero_surface(smooth_field(coarse > 0, 1.0), spacing, origin)


def pieces_in_view(
    annotation: Annotation, regions: RegionSet, view: ImageView
) -> dict[str, Surface]:
    """Return the part of each region that lies in the view of an image, as a closed surface.

    Parameters
    ----------
    annotation : Annotation
        Which structure each voxel belongs to.
    regions : RegionSet
        What to cut.
    view : ImageView
        Its pyramid (or prism, where rays are parallel) cuts.

    Returns
    -------
    dict of str to Surface
        By acronym; regions with nothing in view are left out.

    Notes
    -----
    Each piece is the zero level of the smaller of two fields: the smoothed mask of the region
    and the distance to the sides of the view. So the cut faces are flat and the surfaces closed,
    without cutting meshes.
    """
    labels = regions.label_of_index(annotation)
    coarse, spacing, origin = sampled_voxels(annotation, _PIECE_MM)
    boxes = _boxes(labels[coarse], _distance_into_view(coarse.shape, spacing, origin, view))
    total_mm3 = sum(np.prod([s.stop - s.start for s in box]) for box in boxes.values())
    if total_mm3 * np.prod(spacing) < _FINE_LIMIT_MM3:
        coarse, spacing, origin = sampled_voxels(annotation, _FINE_PIECE_MM)
        boxes = _boxes(labels[coarse], _distance_into_view(coarse.shape, spacing, origin, view))
    found = {}
    for label, box in boxes.items():
        corner = origin + np.array([s.start for s in box]) * spacing
        shape = tuple(s.stop - s.start for s in box)
        sides = _distance_into_view(shape, spacing, corner, view) / spacing.mean()
        field = np.minimum(smooth_field(labels[coarse[box]] == label, _SMOOTHING), sides)
        surface = zero_surface(field, spacing, corner)
        if surface is not None:
            found[regions[label - 1].acronym] = surface
    return found


def _distance_into_view(
    shape: tuple[int, ...],
    spacing: NDArray[np.float64],
    origin: NDArray[np.float64],
    view: ImageView,
) -> NDArray[np.float64]:
    """Return how far inside the sides of the view voxels lie, in mm at the image plane."""
    z, y, x = (origin[axis] + np.arange(shape[axis]) * spacing[axis] for axis in range(3))
    points = np.stack(np.meshgrid(z, y, x, indexing="ij"), axis=-1)[..., ::-1]
    rows, cols, _ = view.project(points)
    height, width = view.pixel_size_mm
    sides = np.minimum.reduce(
        [
            (rows + 0.5) * height,
            (view.shape[0] - 0.5 - rows) * height,
            (cols + 0.5) * width,
            (view.shape[1] - 0.5 - cols) * width,
        ]
    )
    return np.where(np.isfinite(sides), sides, -1e3)


def _boxes(
    labels: NDArray[np.uint16], distance_mm: NDArray[np.float64]
) -> dict[int, tuple[slice, slice, slice]]:
    """Return for each label the box of voxels around what is in view, by label."""
    from scipy import ndimage

    boxes = ndimage.find_objects(np.where(distance_mm > 0, labels, 0))
    margin = 2
    found: dict[int, tuple[slice, slice, slice]] = {}
    for place, box in enumerate(boxes):
        if box is not None:
            z, y, x = (
                slice(max(0, side.start - margin), min(length, side.stop + margin))
                for side, length in zip(box, labels.shape, strict=True)
            )
            found[place + 1] = (z, y, x)
    return found
