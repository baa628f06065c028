"""Grey values of the phantom."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.sources.phantom.structures import LAYERS, MARKER_ID, layer_ids, phantom_structures

# Rounded means of Allen's average template, which shows autofluorescence: white matter and
# ventricles dark, middle layers of the cortex and the hippocampus bright. A structure takes the
# value of its nearest ancestor in this table.
_GREY = {
    "root": 60,
    "fiber tracts": 62,
    "cc": 70,
    "arb": 85,
    "VS": 43,
    "CTX": 130,
    "MOB": 127,
    "AON": 135,
    "PIR": 145,
    "TT": 145,
    "CA1": 186,
    "CA3": 175,
    "DG-mo": 165,
    "DG-sg": 125,
    "BLA": 160,
    "CP": 165,
    "ACB": 190,
    "OT": 138,
    "LSX": 124,
    "CEA": 171,
    "SI": 138,
    "PAL": 112,
    "TH": 140,
    "HY": 123,
    "MB": 131,
    "SCs": 150,
    "IC": 179,
    "P": 88,
    "MY": 82,
    "CB": 180,
    "CBN": 115,
}
_GREY_OF_LAYER = dict(zip(LAYERS, (112, 186, 228, 208, 168, 110), strict=True))
_GREY_OF_MARKER = 420
_TEXTURE_SEED = 20_200_501
_TEXTURE_MM = 0.2
_TEXTURE_STRENGTH = 0.05
_BLUR_MM = 0.03


def grey_values(ids: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Return the mean grey value of structures.

    Parameters
    ----------
    ids : numpy.ndarray of uint32, shape (N,)
        Structure ids; 0 is outside the brain.

    Returns
    -------
    numpy.ndarray of float32, shape (N,)
        Grey values; 0 outside.
    """
    tree = phantom_structures()
    grey = {tree.find(acronym).id: value for acronym, value in _GREY.items()}
    grey[MARKER_ID] = _GREY_OF_MARKER
    for row in layer_ids().values():
        grey.update(zip(row, _GREY_OF_LAYER.values(), strict=True))
    found = [
        0 if i == 0 else next(grey[a] for a in reversed(tree.ancestors(int(i))) if a in grey)
        for i in ids
    ]
    return np.array(found, dtype=np.float32)


def _between(n: int, spacing_mm: float) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return for the centre of each voxel the knot below it and the weight of the next one."""
    position = (np.arange(n) + 0.5) * spacing_mm / _TEXTURE_MM
    low = np.floor(position).astype(np.int64)
    return low, (position - low).astype(np.float32)


def template_slab_maker(annotation: Annotation) -> Callable[[int], NDArray[np.uint16]]:
    """Return a function that makes one horizontal slab of the template.

    Parameters
    ----------
    annotation : Annotation
        The phantom's annotation.

    Returns
    -------
    callable
        Takes the index of a slab along Z, returns it as uint16 of shape (Y, X).
    """
    from scipy.ndimage import gaussian_filter  # slow to import

    grid = annotation.grid
    grey = grey_values(annotation.ids)
    # The texture is a function of position, hence the same at each resolution.
    knots = [int(np.ceil(length / _TEXTURE_MM)) + 2 for length in grid.box_mm[::-1]]
    texture = np.random.Generator(np.random.PCG64(_TEXTURE_SEED)).normal(size=knots)
    texture = texture.astype(np.float32)
    (z_low, z_part), (y_low, y_part), (x_low, x_part) = (
        _between(n, spacing) for n, spacing in zip(grid.shape, grid.spacing_mm, strict=True)
    )
    blur_px = _BLUR_MM / grid.spacing_mm[1]

    def make_slab(z: int) -> NDArray[np.uint16]:
        index = annotation.volume.block((slice(z, z + 1), slice(None), slice(None)))[0]
        if not index.any():
            return np.zeros(index.shape, dtype=np.uint16)
        tissue = index != 0
        value = gaussian_filter(grey[index], blur_px)
        # Plain arithmetic instead of matrix products, whose libraries start threads of their own.
        knot = z_low[z]
        wave = (1 - z_part[z]) * texture[knot] + z_part[z] * texture[knot + 1]
        wave = (1 - y_part[:, None]) * wave[y_low] + y_part[:, None] * wave[y_low + 1]
        wave = (1 - x_part) * wave[:, x_low] + x_part * wave[:, x_low + 1]
        # light is lost towards the depth of the tissue
        gain = 0.88 + 0.24 * (z + 0.5) / grid.shape[0]
        value = value * (gain * (1.0 + _TEXTURE_STRENGTH * wave))
        return np.where(tissue, np.clip(np.rint(value), 1, 65535), 0).astype(np.uint16)

    return make_slab
