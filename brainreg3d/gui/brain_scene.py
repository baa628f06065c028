"""What stands around the image while it is placed: the brain and the marks on it.

Plain arrays in the atlas frame; windows draw them.
"""

from __future__ import annotations

from collections.abc import Container

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, Atlas, RegionSet, find_bregma
from brainreg3d.gui.mesh_cache import cached_surfaces
from brainreg3d.gui.screen import MOUSE_MM
from brainreg3d.landmarks.hull import BrainHull
from brainreg3d.surfaces import Surface, sampled_voxels, smooth_field, zero_surface

# With these a mouse's brain has about 130,000 triangles: quick on software OpenGL.
_REGION_MM, _SHELL_MM, _HULL_MM = 0.125, 0.2, 0.2
_FINER = (1, 2)  # finer still would be a million triangles, of layers that nobody sees
_SMOOTHING = 0.8  # voxels
_LAMBDA_MM = (0.0, -4.2)  # from bregma, to the right and to anterior
_MARKS_MM = {
    "bregma": (0.0, 0.0),
    "lambda": _LAMBDA_MM,
    "1 mm rostral": (0.0, 1.0),
    "1 mm lateral": (1.0, 0.0),
}
_MIDLINE_STEP_MM = 0.1  # on a mouse's brain


@attrs.frozen(eq=False)
class Part:
    """A surface and how it is painted.

    Parameters
    ----------
    name : str
        Acronym of the region; empty for the whole brain.
    surface : Surface
        The mesh.
    rgb : tuple of float
        Colour, 0 to 1.
    grey : numpy.ndarray of uint8, shape (N,), optional
        Grey value of each vertex, instead of the colour.
    """

    name: str
    surface: Surface
    rgb: tuple[float, float, float]
    grey: NDArray[np.uint8] | None = None


@attrs.frozen(eq=False)
class BrainScene:
    """The brain that an image is placed on; points (x, y, z) in mm in the atlas frame.

    Parameters
    ----------
    parts : tuple of Part
        Regions in atlas colours.
    shell : Part or None
        The outside of the brain.
    marks_mm : mapping of str to numpy.ndarray, shape (3,)
        Bregma and points that tell directions from it, on the hull; none on the brain of an animal
        of quite another size than a mouse.
    midline_mm : numpy.ndarray, shape (N, 3)
        Along the hull, in the plane of bregma, or through the middle.
    middle_mm : numpy.ndarray, shape (3,)
        Of the brain.
    """

    parts: tuple[Part, ...]
    shell: Part | None
    marks_mm: dict[str, NDArray[np.float64]]
    midline_mm: NDArray[np.float64]
    middle_mm: NDArray[np.float64]


def make_brain_scene(atlas: Atlas, regions: RegionSet, bregma: str) -> BrainScene:
    """Return the brain around an image.

    Parameters
    ----------
    atlas : Atlas
        The brain.
    regions : RegionSet
        What is drawn in colour.
    bregma : str
        Name of a bregma preset.

    Returns
    -------
    BrainScene
        Its surfaces come from the cache where they were made before.
    """
    surfaces = cached_surfaces(atlas, regions, make_surfaces)
    parts = tuple(
        Part(region.acronym, surfaces[region.acronym], _color(region.rgb))
        for region in regions
        if region.acronym in surfaces
    )
    outside = surfaces.get("")
    shell = None if outside is None else Part("", outside, (0.78, 0.78, 0.80))
    hull = BrainHull.of(atlas.annotation)
    marks = _marks(atlas, hull, bregma)
    points = hull_points(hull)
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    origin = marks.get("bregma", middle)
    step = _MIDLINE_STEP_MM * max(atlas.grid.box_mm) / MOUSE_MM
    midline = _midline(hull, float(origin[0]), np.arange(low[1], high[1], step))
    return BrainScene(parts, shell, marks, midline, middle)


def hull_points(hull: BrainHull) -> NDArray[np.float64]:
    """Return points all over the upper side of a brain's hull.

    Parameters
    ----------
    hull : BrainHull
        The hull.

    Returns
    -------
    numpy.ndarray, shape (N, 3)
        On a grid of 0.2 mm for a mouse, seen from above.
    """
    width, length, _ = hull.box_mm
    step = _HULL_MM * max(hull.box_mm) / MOUSE_MM
    x, y = np.meshgrid(np.arange(step / 2, width, step), np.arange(step / 2, length, step))
    points = hull.below_mm(x.ravel(), y.ravel())
    return np.asarray(points[np.isfinite(points).all(axis=1)])


def make_surfaces(annotation: Annotation, regions: RegionSet) -> dict[str, Surface]:
    """Return smooth surfaces of regions and of the whole brain.

    Parameters
    ----------
    annotation : Annotation
        Which structure each voxel belongs to.
    regions : RegionSet
        The regions.

    Returns
    -------
    dict of str to Surface
        By acronym; the whole brain under the empty name. Regions that vanish when they are smoothed
        are sampled more finely; those that vanish even then have none.
    """
    share = max(annotation.grid.box_mm) / MOUSE_MM
    found: dict[str, Surface] = {}
    for finer in _FINER:
        found |= _region_surfaces(annotation, regions, _REGION_MM * share / finer, found)
        if len(found) == len(regions):
            break
    coarse, spacing, first = sampled_voxels(annotation, _SHELL_MM * share)
    shell = zero_surface(smooth_field(coarse > 0, _SMOOTHING), spacing, first)
    return found if shell is None else {**found, "": shell}


def _region_surfaces(
    annotation: Annotation, regions: RegionSet, spacing_mm: float, done: Container[str]
) -> dict[str, Surface]:
    """Return the surfaces of the regions that have none yet, by acronym."""
    from scipy.ndimage import find_objects  # slow to import

    index, spacing, first = sampled_voxels(annotation, spacing_mm)
    labels = regions.label_of_index(annotation)[index]
    boxes = find_objects(labels, max_label=len(regions))
    found = {}
    for number, (region, box) in enumerate(zip(regions, boxes, strict=True), 1):
        if box is None or region.acronym in done:
            continue
        wide = tuple(slice(max(0, side.start - 3), side.stop + 3) for side in box)
        field = smooth_field(labels[wide] == number, _SMOOTHING)
        corner = first + spacing * [side.start for side in wide]
        surface = zero_surface(field, spacing, corner)
        if surface is not None:
            found[region.acronym] = surface
    return found


def _marks(atlas: Atlas, hull: BrainHull, bregma: str) -> dict[str, NDArray[np.float64]]:
    """Return named points on the hull, straight below where the convention has them."""
    if not 0.5 < max(atlas.grid.box_mm) / MOUSE_MM < 2.0:
        return {}  # all conventions are those of the mouse
    preset = find_bregma(bregma)
    places = [(ml, ap, 0.0) for ml, ap in _MARKS_MM.values()]
    x, y, _ = preset.to_atlas_mm(places, atlas.grid.box_mm).T
    points = hull.below_mm(x, y)
    return {
        name: point
        for name, point in zip(_MARKS_MM, points, strict=True)
        if np.isfinite(point).all()
    }


def _midline(hull: BrainHull, x: float, y: NDArray[np.float64]) -> NDArray[np.float64]:
    points = hull.below_mm(np.full(y.size, x), y)
    return np.asarray(points[np.isfinite(points).all(axis=1)])


def _color(rgb: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = (value / 255.0 for value in rgb)
    return red, green, blue
