"""Telling a template that was given as an annotation by its voxels."""

from __future__ import annotations

import numpy as np

from brainreg3d.atlas import Annotation, StructureTree
from brainreg3d.errors import AtlasError

_PLANES = 16
_LEAST_VALUES = 100  # an atlas of fewer structures is not worth a doubt

# Grey values differ from voxel to voxel, if mostly little, and leave hardly a number out. Without
# the most common value, which fills the space around a brain, 3 to 8 % of neighbours are equal in
# templates of 100 µm, but 72 % in Allen's annotation, and 39 % at 300 µm.
_EQUAL_NEIGHBOURS = 0.3
_SHARE_OF_RANGE = 0.5
_STEP_SHARE = 0.05


def refuse_template(annotation: Annotation, structures: StructureTree, source: str) -> None:
    """Refuse grey values in the place of structure ids.

    Parameters
    ----------
    annotation : Annotation
        What was given as an annotation.
    structures : StructureTree
        All structures.
    source : str
        What it came from, for the message.

    Raises
    ------
    AtlasError
        If its voxels look like those of a template, or most of many values are no structures.
    """
    values = np.unique(annotation.ids[1:]).tolist()
    unknown = sum(value not in structures for value in values)
    if not looks_like_grey_values(annotation, mostly_unknown=unknown > len(values) / 2):
        return
    message = (
        f"{source} looks like a template, not an annotation: its {len(values)} different values "
        f"change from voxel to voxel as grey values do, and {unknown} of them are in no structure "
        f"of the tree. Give it as template (--template), and a volume of structure ids as "
        f"annotation (--annotation)."
    )
    raise AtlasError(message)


def looks_like_grey_values(annotation: Annotation, *, mostly_unknown: bool = False) -> bool:
    """Tell whether voxels hold grey values rather than structure ids.

    Parameters
    ----------
    annotation : Annotation
        A volume of whole numbers.
    mostly_unknown : bool
        Whether most values are in no structure; otherwise they have to be dense, and steps small.

    Returns
    -------
    bool
        True where values are many and change from voxel to voxel.
    """
    largest = int(annotation.ids.max())
    n_values = annotation.ids.size - 1
    is_dense = n_values >= _SHARE_OF_RANGE * largest
    if n_values < _LEAST_VALUES or not (is_dense or mostly_unknown):
        return False
    step = max(1, annotation.grid.shape[0] // _PLANES)
    planes = annotation.volume.every((0, 0, 0), (step, 1, 1)).values
    counts = np.bincount(planes.ravel(), minlength=1)
    counts[0] = 0
    values = annotation.ids[planes].astype(np.int64)
    compared = (planes > 0) & (planes != np.argmax(counts))
    steps = np.abs(np.diff(values, axis=2))[compared[..., 1:] & compared[..., :-1]]
    changes = steps[steps > 0]
    if not changes.size or changes.size < (1 - _EQUAL_NEIGHBOURS) * steps.size:
        return False
    return mostly_unknown or bool(np.median(changes) <= _STEP_SHARE * largest)
