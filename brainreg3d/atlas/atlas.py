"""An atlas: annotation, structure tree and template under one name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.atlas.annotation import Annotation
from brainreg3d.atlas.structures import StructureTree
from brainreg3d.errors import AtlasError
from brainreg3d.geometry import VolumeGrid


def _check_volume(_: Any, __: Any, data: NDArray[Any]) -> None:
    if data.ndim != 3:
        message = f"A template is a 3D array; got {data.ndim}D."
        raise AtlasError(message)


@attrs.frozen(eq=False)
class Template:
    """A grey-value volume in the atlas frame.

    Parameters
    ----------
    data : numpy.ndarray, shape (Z, Y, X)
        Intensities of any real type.
    spacing_mm : tuple of float
        Voxel size along (Z, Y, X) in mm.
    """

    data: NDArray[Any] = attrs.field(converter=read_only, validator=_check_volume, repr=False)
    spacing_mm: tuple[float, float, float]

    @property
    def grid(self) -> VolumeGrid:
        """Where the voxels lie."""
        return VolumeGrid(self.data.shape, self.spacing_mm)


@attrs.frozen(eq=False, slots=False)
class Atlas:
    """A brain atlas in the atlas frame.

    Parameters
    ----------
    name : str
        Name without resolution, such as ``"allen_mouse"``.
    annotation : Annotation
        Which structure each voxel belongs to.
    structures : StructureTree
        All structures.
    load_template : callable, optional
        Called without arguments, once, when the template is first asked for; None when the atlas
        has no template. A run with a saved alignment never needs it.
    synthetic : bool
        Whether the atlas was made up by code and shows no real brain.
    citation : str
        What to cite for the data.
    sha256 : mapping of str to str
        Hashes of what the atlas was made from: ``"annotation"``, ``"structures"``, ``"template"``.
    species : str
        Such as ``"Mus musculus"``; empty where it is not known.
    """

    name: str
    annotation: Annotation = attrs.field(validator=attrs.validators.instance_of(Annotation))
    structures: StructureTree = attrs.field(validator=attrs.validators.instance_of(StructureTree))
    load_template: Callable[[], Template] | None = attrs.field(default=None, repr=False)
    synthetic: bool = False
    citation: str = attrs.field(default="", repr=False)
    sha256: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    species: str = attrs.field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        unknown = [int(i) for i in self.annotation.ids[1:] if int(i) not in self.structures]
        if unknown and len(unknown) == self.annotation.ids.size - 1:
            message = (
                "None of the annotation's values is a structure id; expected an annotation and a "
                "structure file that belong together."
            )
            raise AtlasError(message)

    @functools.cached_property
    def template(self) -> Template | None:
        """The template volume, loaded when first used; None if there is none."""
        return None if self.load_template is None else self.load_template()

    @property
    def grid(self) -> VolumeGrid:
        """The grid of the annotation, which sets the resolution of labels."""
        return self.annotation.grid

    @property
    def resolution_um(self) -> float | tuple[float, float, float]:
        """Voxel size of the annotation in µm: one number, or (Z, Y, X) where they differ."""
        sizes = self.grid.resolution_um
        return sizes[0] if len(set(sizes)) == 1 else sizes

    @property
    def full_name(self) -> str:
        """Name and resolution, such as ``"allen_mouse_25um"``."""
        size = self.resolution_um
        text = f"{size:g}" if isinstance(size, float) else "x".join(f"{s:g}" for s in size)
        return f"{self.name}_{text}um"

    @property
    def title(self) -> str:
        """Name for pictures and reports; says so when the atlas is synthetic."""
        return f"{self.full_name} (synthetic)" if self.synthetic else self.full_name

    def is_empty(self, structure_id: int) -> bool:
        """Tell whether a structure and all its descendants have no voxels.

        Parameters
        ----------
        structure_id : int
            Id of the structure.

        Returns
        -------
        bool
            True if there is nothing of it in the annotation.
        """
        return not np.any(self.annotation.members(self.structures.descendants(structure_id)))
