"""The annotation: which structure each voxel belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.atlas.blocks import BlockTable
from brainreg3d.atlas.cropped import CroppedVolume
from brainreg3d.errors import AtlasError
from brainreg3d.geometry import VolumeGrid


def _as_volume(index: NDArray[np.uint16] | CroppedVolume) -> CroppedVolume:
    return CroppedVolume.of(index)


def _check_on_right(annotation: Annotation, _: Any, on_right: NDArray[np.bool_] | None) -> None:
    if on_right is None:
        return
    if on_right.shape != annotation.ids.shape or on_right.dtype != np.bool_:
        message = (
            f"The sides of an annotation are one bool for each of its {annotation.ids.size} ids; "
            f"got {on_right.dtype} of shape {on_right.shape}."
        )
        raise AtlasError(message)


def _check_ids(_: Any, __: Any, ids: NDArray[np.uint32]) -> None:
    if ids.ndim != 1 or ids.dtype != np.uint32 or ids.size == 0 or ids[0] != 0:
        message = "Annotation ids are a 1D uint32 array whose first entry is 0."
        raise AtlasError(message)


@attrs.frozen(eq=False)
class Annotation:
    """A label volume in the atlas frame, kept small: an index into a table of structure ids.

    Structure ids reach nine digits but fewer than 65,536 of them occur in any one atlas, so a
    16-bit index takes half the memory of the ids themselves and opens by memory map. Only the box
    around the tissue needs to be held; that is known to `volume` alone, and everything else counts
    voxels of the whole.

    Parameters
    ----------
    index : numpy.ndarray of uint16, shape (Z, Y, X), or CroppedVolume
        For each voxel its place in `ids`; kept as `volume`.
    ids : numpy.ndarray of uint32, shape (N,)
        Structure ids that occur; the first is 0, "no structure". With `on_right` an id that
        occurs on both sides stands there twice.
    spacing_mm : tuple of float
        Voxel size along (Z, Y, X) in mm.
    blocks : BlockTable, optional
        Which structures occur in each block of `index`, where that is known already.
    on_right : numpy.ndarray of bool, shape (N,), optional
        Which entries of `ids` lie in the right hemisphere, of an atlas that says so for each
        voxel. All others are parted by the middle of the box; see `VolumeGrid.first_right`.
    """

    volume: CroppedVolume = attrs.field(alias="index", converter=_as_volume)
    ids: NDArray[np.uint32] = attrs.field(converter=read_only, validator=_check_ids, repr=False)
    spacing_mm: tuple[float, float, float]
    blocks: BlockTable | None = attrs.field(default=None, repr=False)
    on_right: NDArray[np.bool_] | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(read_only),
        validator=_check_on_right,
        repr=False,
    )

    @property
    def grid(self) -> VolumeGrid:
        """Where the voxels lie."""
        return VolumeGrid(self.volume.shape, self.spacing_mm)

    @property
    def index(self) -> NDArray[np.uint16]:
        """For each voxel its place in `ids`, shape (Z, Y, X).

        A new array of the whole box where `volume` holds only a part of it: single voxels and
        blocks are better asked of `volume`.
        """
        return np.asarray(read_only(self.volume.whole()))

    def to_ids(self) -> NDArray[np.uint32]:
        """Return the volume of structure ids.

        Returns
        -------
        numpy.ndarray of uint32, shape (Z, Y, X)
            A new array.
        """
        return self._looked_up(self.ids)

    def _looked_up(self, table: NDArray[Any]) -> NDArray[Any]:
        """Return the entry of each voxel in a table whose first entry is 0."""
        found = np.zeros(self.volume.shape, dtype=table.dtype)
        found[self.volume.place] = table[self.volume.values]
        return found

    def with_own_sides(
        self, places: NDArray[np.uint16], right_half: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Replace halves of the box by hemispheres, of an atlas that has its own.

        Parameters
        ----------
        places : numpy.ndarray of uint16, shape (N,)
            What `index` holds at some voxels.
        right_half : numpy.ndarray of bool, shape (N,)
            Which of them lie in the right half of the box.

        Returns
        -------
        numpy.ndarray of bool, shape (N,)
            Which of them lie in the right hemisphere; outside of all structures `right_half`.
        """
        if self.on_right is None:
            return right_half
        return np.asarray(np.where(places > 0, self.on_right[places], right_half))

    def members(self, structure_ids: Iterable[int]) -> NDArray[np.bool_]:
        """Tell which entries of `ids` belong to a set of structures.

        Parameters
        ----------
        structure_ids : iterable of int
            Structure ids, present in the volume or not.

        Returns
        -------
        numpy.ndarray of bool, shape (N,)
            True where ``ids`` is one of them.
        """
        wanted = np.fromiter(structure_ids, dtype=np.uint32)
        return np.asarray(np.isin(self.ids, wanted) & (self.ids != 0))

    def mask(self, structure_ids: Iterable[int]) -> NDArray[np.bool_]:
        """Return where a set of structures lies.

        Parameters
        ----------
        structure_ids : iterable of int
            Structure ids, present in the volume or not.

        Returns
        -------
        numpy.ndarray of bool, shape (Z, Y, X)
            True inside any of them.
        """
        return self._looked_up(self.members(structure_ids))
