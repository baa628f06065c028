"""How much of each region the image sees, and what is in front of the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, Region, RegionSet
from brainreg3d.state import Projections, Samples, Visibility, cell_numbers


def count_visibility(
    projections: Projections,
    nearest: Samples,
    cell_px: int,
    regions: RegionSet,
    atlas: Atlas | None = None,
    *,
    within: NDArray[np.bool_] | None = None,
    right: bool | None = None,
) -> tuple[Visibility, ...]:
    """Count the cells that each region falls into, and those in which it is nearest.

    Parameters
    ----------
    projections : Projections
        All samples.
    nearest : Samples
        The nearest sample of each cell that has any.
    cell_px : int
        Side of a cell in pixels.
    regions : RegionSet
        The regions.
    atlas : Atlas, optional
        Names what hides a region; without it, only other regions have names.
    within : numpy.ndarray of bool, shape (H, W), optional
        Only what falls onto these pixels counts.
    right : bool, optional
        Only what lies in the animal's right (True) or left (False) hemisphere counts.

    Returns
    -------
    tuple of Visibility
        One for each region, in order.
    """
    region, cell = _own_cells(projections, cell_px, within, right)
    kind_of_cell, kinds = _kinds(nearest, projections.image_shape, cell_px)
    # Sorting 16-bit numbers stably is a radix sort: the rows of each region, in one pass.
    order = np.argsort(region, kind="stable")
    stops = np.cumsum(np.bincount(region, minlength=len(regions) + 1))
    taken = np.zeros(kind_of_cell.size, dtype=bool)
    reports = []
    for label, entry in enumerate(regions, 1):
        taken[:] = False
        taken[cell[order[stops[label - 1] : stops[label]]]] = True
        counts = np.bincount(kind_of_cell[taken], minlength=len(kinds) + 1)[:-1]
        own = kinds[:, 0] == label
        hiders = _name_hiders(np.where(own, 0, counts), kinds, entry, regions, atlas)
        n_projected, n_visible = np.count_nonzero(taken), counts[own].sum()
        reports.append(Visibility(entry.acronym, int(n_projected), int(n_visible), hiders))
    return tuple(reports)


def _own_cells(
    projections: Projections,
    cell_px: int,
    within: NDArray[np.bool_] | None,
    right: bool | None,
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Return region and cell of all that counts, a cell perhaps several times."""
    samples, hidden, shape = projections.samples, projections.hidden, projections.image_shape
    cell = cell_numbers(samples, shape, cell_px).astype(np.int32)
    chosen = (samples.region > 0) & (cell >= 0) & ~np.isnan(samples.depth_mm)
    pixel, label = hidden.pixel.astype(np.int32), hidden.region
    if right is not None or within is not None:
        whole = np.ones(shape, dtype=bool) if within is None else within
        chosen[chosen] = whole.ravel()[cell_numbers(samples.take(chosen), shape, 1)]
        chosen_hidden = whole.ravel()[pixel]
        if right is not None:
            chosen &= samples.right == right
            chosen_hidden &= hidden.right == right
        pixel, label = pixel[chosen_hidden], label[chosen_hidden]
    if cell_px > 1:
        row, col = np.divmod(pixel, shape[1])
        pixel = row // cell_px * -(-shape[1] // cell_px) + col // cell_px
    region = np.concatenate([samples.region[chosen], label])
    return region, np.concatenate([cell[chosen], pixel])


def _kinds(
    nearest: Samples, image_shape: tuple[int, int], cell_px: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each cell what kind of tissue is nearest, and (region, structure) of each kind.

    Cells without any have a number beyond the last kind.
    """
    key = nearest.region.astype(np.int64) << 32 | nearest.structure_id.astype(np.int64)
    kinds, kind = np.unique(key, return_inverse=True)
    n_rows, n_cols = (-(-size // cell_px) for size in image_shape)
    kind_of_cell = np.full(n_rows * n_cols, len(kinds), dtype=np.int64)
    kind_of_cell[cell_numbers(nearest, image_shape, cell_px)] = kind
    return kind_of_cell, np.stack([kinds >> 32, kinds & 0xFFFFFFFF], axis=1)


def _name_hiders(
    counts: NDArray[np.int64],
    kinds: NDArray[np.int64],
    region: Region,
    regions: RegionSet,
    atlas: Atlas | None,
) -> tuple[tuple[str, float], ...]:
    """Return the names of what is in front of a region with their shares, largest first."""
    cells: dict[str, int] = {}
    for place in np.flatnonzero(counts).tolist():
        label, identifier = kinds[place].tolist()
        if label:
            name = regions[label - 1].acronym
        elif atlas is not None and identifier in atlas.structures:
            branch = atlas.structures.common_branch(region.id, identifier)
            name = atlas.structures[branch].acronym
        else:
            name = "other tissue"
        cells[name] = cells.get(name, 0) + int(counts[place])
    total = sum(cells.values())
    ranked = sorted(cells.items(), key=lambda item: (-item[1], item[0]))
    return tuple((name, count / total) for name, count in ranked)
