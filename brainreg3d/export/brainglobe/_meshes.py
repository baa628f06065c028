"""Smooth surfaces of all structures, as coarse as each can be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, StructureTree
from brainreg3d.surfaces import Surface, smooth_field, zero_surface

CELLS = 100_000
"""About how many cells the box around a part is divided into: single voxels of 25 µm for parts
smaller than 1.5 mm."""

CELLS_ACROSS = 100
"""Cells are never larger than this fraction of the whole volume: 0.1 mm for a mouse brain."""

MAX_CELLS = 8_000_000
"""How far cells are divided to keep a thin sheet."""

MIN_VOLUME = 0.9
"""Share of a structure's volume that its surface has to enclose, or it is made finer."""

_SMOOTHING = 0.8  # cells
_LEAST_SMOOTHING = 0.5  # cells; for structures of a few voxels
_MARGIN = 3  # cells around a part: as far as the smoothing reaches
_LAYERS = 32  # of voxels that are looked up at a time

Box = tuple[slice, slice, slice]


class MeshMaker:
    """Surfaces of parts of an annotation.

    Parameters
    ----------
    annotation : Annotation
        The volume.

    Notes
    -----
    A structure is cut into the parts that lie apart along the left-right axis, each part into
    cells of whole voxels, and the share of tissue in each cell is smoothed and cut at one half.
    Thin sheets would vanish that way: cells are made smaller until the surface encloses
    `MIN_VOLUME` of the tissue. Where single voxels are not small enough, the surface is smoothed
    outwards only, so that it encloses the middle of every voxel.
    """

    def __init__(self, annotation: Annotation) -> None:
        from scipy.ndimage import find_objects  # slow to import

        self._index, self._start = annotation.volume.values, annotation.volume.start
        self._box_mm = np.asarray(annotation.grid.shape) * annotation.spacing_mm
        self._spacing_mm = np.asarray(annotation.spacing_mm)
        count = annotation.ids.size
        self._boxes = [None, *find_objects(self._index, max_label=max(1, count - 1))]
        # Where along x each entry of the table has voxels.
        self._columns = np.zeros((count, self._index.shape[2]), dtype=bool)
        x = np.arange(self._index.shape[2])
        for slab in self._index:
            self._columns[slab, x] = True

    def surface(self, member: NDArray[np.bool_]) -> Surface | None:
        """Return the surface of a part of the annotation.

        Parameters
        ----------
        member : numpy.ndarray of bool, shape (n_ids,)
            Which entries of the annotation's table belong to the part.

        Returns
        -------
        Surface or None
            In the atlas frame; None for a part without voxels.
        """
        boxes = [self._boxes[i] for i in np.flatnonzero(member) if self._boxes[i] is not None]
        if not boxes:
            return None
        z, y = (
            slice(min(b[axis].start for b in boxes), max(b[axis].stop for b in boxes))
            for axis in (0, 1)
        )
        found = [
            self._part((z, y, x), member) for x in _runs(np.any(self._columns[member], axis=0))
        ]
        return _joined([surface for surface in found if surface is not None])

    def _part(self, box: Box, member: NDArray[np.bool_]) -> Surface | None:
        lengths = np.array([side.stop - side.start for side in box])
        cell_mm = min(
            float(np.prod(lengths * self._spacing_mm) / CELLS) ** (1 / 3),
            float(np.prod(self._box_mm)) ** (1 / 3) / CELLS_ACROSS,
        )
        while True:
            steps = np.maximum(1, np.ceil(cell_mm / self._spacing_mm - 0.25)).astype(int)
            share = np.pad(_share(self._index[box], member, steps), _MARGIN)
            finer = np.prod(np.ceil(lengths / np.maximum(1, steps // 2))) <= MAX_CELLS
            surface = self._cut(smooth_field(share, _SMOOTHING), box, steps)
            if _volume_mm3(surface) >= MIN_VOLUME * share.sum() * self._cell_mm3(steps):
                return surface
            if not finer or bool((steps == 1).all()):
                kept = np.maximum(smooth_field(share, _LEAST_SMOOTHING), share - share.max() / 2)
                return self._cut(kept, box, steps)
            cell_mm /= 2

    def _cell_mm3(self, steps: NDArray[Any]) -> float:
        return float(np.prod(steps * self._spacing_mm))

    def _cut(self, field: NDArray[np.float64], box: Box, steps: NDArray[Any]) -> Surface | None:
        start = np.array([side.start for side in box]) + self._start
        first_mm = (start + (0.5 - _MARGIN) * steps) * self._spacing_mm
        return zero_surface(field, steps * self._spacing_mm, first_mm)


def structure_surfaces(
    annotation: Annotation, structures: StructureTree
) -> Iterator[tuple[int, Surface]]:
    """Make the surfaces of all structures that have voxels.

    Parameters
    ----------
    annotation : Annotation
        The volume.
    structures : StructureTree
        All structures. A root stands for all tissue, also for values that are no structures.

    Yields
    ------
    identifier : int
        Id of the structure.
    surface : Surface
        Of the structure and everything below it, in the atlas frame.
    """
    maker = MeshMaker(annotation)
    roots = {root.id for root in structures.roots} if len(structures.roots) == 1 else set()
    for structure in structures:
        if structure.id in roots:
            member = annotation.ids != 0
        else:
            member = annotation.members(structures.descendants(structure.id))
        surface = maker.surface(member)
        if surface is not None:
            yield structure.id, surface


def _share(index: NDArray[Any], member: NDArray[np.bool_], steps: NDArray[Any]) -> Any:
    """Return how much of each cell is filled, without a mask of all voxels at once."""
    slabs = []
    layers = int(steps[0]) * max(1, _LAYERS // int(steps[0]))
    for start in range(0, index.shape[0], layers):
        counts: NDArray[Any] = np.take(member, index[start : start + layers]).view(np.uint8)
        for axis, step in enumerate(steps.tolist()):
            counts = _summed(counts, axis, step)
        slabs.append(counts)
    return np.concatenate(slabs).astype(np.float32) / np.float32(np.prod(steps))


def _summed(counts: NDArray[Any], axis: int, step: int) -> NDArray[Any]:
    """Add up every `step` neighbours along an axis; several times as fast as ``reduceat``."""
    if step == 1:
        return counts
    counts = np.moveaxis(counts, axis, 0)
    total = np.zeros((-(-len(counts) // step), *counts.shape[1:]), dtype=np.uint32)
    for first in range(min(step, len(counts))):
        part = counts[first::step]
        total[: len(part)] += part
    return np.moveaxis(total, 0, axis)


def _volume_mm3(surface: Surface | None) -> float:
    """Return the volume a closed surface encloses, by the divergence theorem."""
    if surface is None:
        return 0.0
    a, b, c = (surface.vertices_mm[surface.faces[:, corner]] for corner in range(3))
    return abs(float(np.einsum("ij,ij->", a, np.cross(b, c)))) / 6.0


def _runs(occupied: NDArray[np.bool_]) -> list[slice]:
    """Return the stretches of occupied columns that lie too far apart to touch when smoothed."""
    places = np.flatnonzero(occupied)
    cuts = np.flatnonzero(np.diff(places) > 4 * _MARGIN)
    starts = places[np.concatenate([[0], cuts + 1])]
    stops = places[np.concatenate([cuts, [places.size - 1]])] + 1
    return [slice(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]


def _joined(surfaces: list[Surface]) -> Surface | None:
    if len(surfaces) < 2:
        return surfaces[0] if surfaces else None
    offsets = np.cumsum([0, *(len(surface.vertices_mm) for surface in surfaces[:-1])])
    faces = [surface.faces + offset for surface, offset in zip(surfaces, offsets, strict=True)]
    vertices = [surface.vertices_mm for surface in surfaces]
    return Surface(np.concatenate(vertices), np.concatenate(faces))
