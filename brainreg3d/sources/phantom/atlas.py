"""Voxel volumes of the phantom: annotation, template and the atlas of both."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation, Atlas, Template
from brainreg3d.errors import AtlasError
from brainreg3d.sources.phantom._shape import MARKER_LATERAL_AP_DV_MM, PHANTOM_BOX_MM
from brainreg3d.sources.phantom._tables import code_ids, codes_at_points
from brainreg3d.sources.phantom.intensity import template_slab_maker
from brainreg3d.sources.phantom.structures import MARKER_ID, phantom_structures

PHANTOM_VERSION = 1
"""Raised whenever the same call gives another volume, so that caches are made anew."""

PHANTOM_RESOLUTIONS_UM = (25, 50, 100)

MARKER_CENTER_MM = (
    round(PHANTOM_BOX_MM[0] / 2 + MARKER_LATERAL_AP_DV_MM[0], 6),
    round(PHANTOM_BOX_MM[1] - MARKER_LATERAL_AP_DV_MM[1], 6),
    round(PHANTOM_BOX_MM[2] - MARKER_LATERAL_AP_DV_MM[2], 6),
)
"""Centre of the marker in the atlas frame, just below the surface of the right hemisphere."""

PHANTOM_SPECIES = "Mus musculus (synthetic)"

PHANTOM_CITATION = (
    "Synthetic mouse-brain phantom of brainreg3d: made by code, shows no real brain. Acronyms, "
    "ids, names, colours and rough sizes follow the Allen CCFv3 (Wang et al. 2020, Cell 181, "
    "936-953)."
)


def _resolution_mm(resolution_um: float) -> float:
    if resolution_um not in PHANTOM_RESOLUTIONS_UM:
        choices = ", ".join(str(value) for value in PHANTOM_RESOLUTIONS_UM)
        message = f"The phantom is made at {choices} µm; got {resolution_um!r}."
        raise AtlasError(message)
    return resolution_um / 1000.0


def _codes_of_slab(z: int, shape: tuple[int, int], size_mm: float) -> NDArray[np.int64]:
    """Return the codes of one horizontal slab (Y, X): the right half, and its mirror image."""
    half = shape[1] // 2
    rows, cols = np.indices((shape[0], half)).reshape(2, -1)
    x = PHANTOM_BOX_MM[0] / 2 + (cols + 0.5) * size_mm
    points = np.stack([x, (rows + 0.5) * size_mm, np.full(x.size, (z + 0.5) * size_mm)], axis=1)
    right = codes_at_points(points)
    left = right.copy()
    marker = code_ids()[right] == MARKER_ID
    left[marker] = codes_at_points(points[marker], np.zeros_like(marker[marker]))
    slab = (left.reshape(shape[0], half)[:, ::-1], right.reshape(shape[0], half))
    return np.concatenate(slab, axis=1)


def make_phantom_annotation(resolution_um: int) -> Annotation:
    """Make the phantom's annotation.

    Parameters
    ----------
    resolution_um : int
        25, 50 or 100.

    Returns
    -------
    Annotation
        Of the same physical shape at each resolution, sampled at the centres of voxels.

    Raises
    ------
    AtlasError
        If the resolution is another one.
    """
    size = _resolution_mm(resolution_um)
    n_x, n_y, n_z = (round(length / size) for length in PHANTOM_BOX_MM)
    index = np.zeros((n_z, n_y, n_x), dtype=np.uint16)
    ids = code_ids()

    def fill(z: int) -> NDArray[np.bool_]:
        index[z] = _codes_of_slab(z, (n_y, n_x), size)
        return np.bincount(index[z].ravel(), minlength=ids.size) > 0

    codes_at_points(np.zeros((1, 3)))  # compile before the threads start
    # Slabs do not depend on each other: the threads' order cannot change the result.
    with ThreadPoolExecutor() as pool:
        present = np.logical_or.reduce(list(pool.map(fill, range(n_z))))
    present[0] = True
    if not present.all():
        new_place = (np.cumsum(present) - 1).astype(np.uint16)
        for z in range(n_z):
            index[z] = new_place[index[z]]
    return Annotation(index, ids[present], (size, size, size))


def make_phantom_template(source: Annotation | int) -> Template:
    """Make grey values for the phantom, such as a whole-brain microscope would give.

    Parameters
    ----------
    source : Annotation or int
        The phantom's annotation, or the resolution in µm to make it at.

    Returns
    -------
    Template
        uint16, 0 outside the brain, about 40 to 500 inside.

    Raises
    ------
    AtlasError
        If the phantom is not made at that resolution.
    """
    annotation = source if isinstance(source, Annotation) else make_phantom_annotation(source)
    data = np.empty(annotation.grid.shape, dtype=np.uint16)
    make_slab = template_slab_maker(annotation)

    def fill(z: int) -> None:
        data[z] = make_slab(z)

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(annotation.grid.shape[0])))
    return Template(data, annotation.spacing_mm)


def make_phantom_atlas(resolution_um: int) -> Atlas:
    """Make the phantom: a synthetic mouse-brain atlas with a marker on its right side.

    Parameters
    ----------
    resolution_um : int
        25, 50 or 100.

    Returns
    -------
    Atlas
        Named ``"phantom"`` and marked as synthetic.

    Raises
    ------
    AtlasError
        If the resolution is another one.
    """
    annotation = make_phantom_annotation(resolution_um)
    return Atlas(
        name="phantom",
        annotation=annotation,
        structures=phantom_structures(),
        load_template=functools.partial(make_phantom_template, annotation),
        synthetic=True,
        citation=PHANTOM_CITATION,
        species=PHANTOM_SPECIES,
    )
