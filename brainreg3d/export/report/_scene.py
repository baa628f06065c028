"""The brain in three dimensions, as meshes small enough for a page."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, Region
from brainreg3d.export.report._drawing import hex_color
from brainreg3d.export.report._packing import pack
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.surfaces import Surface, sampled_voxels, smooth_field, zero_surface
from brainreg3d.views.style import region_color

_SPACINGS_MM = (0.15, 0.2, 0.27, 0.36, 0.5)
_SHELL_MM = 0.25
_SMOOTHING = 0.8  # voxels
_MOST_TRIANGLES = 60_000
"""Of all regions together: about half a megabyte, and quick to draw without a graphics card."""


@attrs.frozen(eq=False)
class _Found:
    label: int
    surface: Surface


def scene_data(content: ExportContent) -> dict[str, Any]:
    """Return the regions that are seen and the outside of the brain.

    Parameters
    ----------
    content : ExportContent
        A labelled image.

    Returns
    -------
    dict
        Ready for JSON: box, quantised vertices, and triangles.
    """
    annotation = content.atlas.annotation
    numbers = np.unique(content.labels.labels)
    wanted = [(int(n), content.regions[int(n) - 1]) for n in numbers if n > 0]
    extent = annotation.grid.box_mm
    # Brains of other sizes are meshed as finely for their size.
    scale = float(np.cbrt(np.prod(np.asarray(extent)) / (11.4 * 13.2 * 8.0)))
    found: list[_Found] = []
    for spacing_mm in _SPACINGS_MM:
        found = _region_surfaces(annotation, wanted, spacing_mm * scale)
        if sum(len(part.surface.faces) for part in found) <= _MOST_TRIANGLES:
            break
    box_mm = np.asarray(extent, dtype=float)
    parts = [
        {
            "label": part.label,
            "color": hex_color(region_color(content.regions[part.label - 1])),
            **_packed(part.surface, box_mm),
        }
        for part in found
    ]
    shell = _shell(annotation, _SHELL_MM * scale)
    return {
        "box_mm": box_mm.tolist(),
        "parts": parts,
        "shell": None if shell is None else _packed(shell, box_mm),
    }


def _region_surfaces(
    annotation: Annotation, wanted: list[tuple[int, Region]], spacing_mm: float
) -> list[_Found]:
    from scipy.ndimage import find_objects  # slow to import

    index, spacing, first = sampled_voxels(annotation, spacing_mm)
    label_of = np.zeros(annotation.ids.size, dtype=np.uint16)
    for place, (_, region) in enumerate(wanted, 1):
        label_of[annotation.members(region.structure_ids)] = place
    labels = label_of[index]
    found = []
    boxes = find_objects(labels, max_label=len(wanted))
    for place, ((label, _), box) in enumerate(zip(wanted, boxes, strict=True), 1):
        if box is None:
            continue
        wide = tuple(slice(max(0, side.start - 3), side.stop + 3) for side in box)
        corner = first + spacing * [side.start for side in wide]
        surface = _smooth_surface(labels[wide] == place, spacing, corner)
        if surface is not None:
            found.append(_Found(label, surface))
    return found


def _smooth_surface(
    mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64], corner_mm: NDArray[Any]
) -> Surface | None:
    """Return the surface of a mask, smoothed as long as that leaves anything of it."""
    surface = zero_surface(smooth_field(mask, _SMOOTHING), spacing_mm, corner_mm)
    if surface is not None:
        return surface
    return zero_surface(np.where(mask, 0.5, -0.5), spacing_mm, corner_mm)


def _shell(annotation: Annotation, spacing_mm: float) -> Surface | None:
    coarse, spacing, first = sampled_voxels(annotation, spacing_mm)
    return zero_surface(smooth_field(coarse > 0, _SMOOTHING), spacing, first)


def _packed(surface: Surface, box_mm: Any) -> dict[str, Any]:
    """Return a surface with its vertices rounded to 1/65535 of the box, which no eye sees."""
    share = np.clip(surface.vertices_mm / box_mm, 0.0, 1.0)
    # One axis after the other: neighbours in the list then differ little.
    points = np.rint(share * 0xFFFF).astype(np.uint16).T
    corners = surface.faces.astype(np.uint32).T
    return {"vertices": pack(points), "faces": pack(corners), "count": len(surface.vertices_mm)}
