"""Which structures occur where in a volume, so that the rest need not be looked at."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only
from brainreg3d.errors import AtlasError

BLOCK_SHIFT = 3
"""Binary logarithm of the voxels along a side of a block."""

BLOCK_VOXELS = 1 << BLOCK_SHIFT


def blocks_along(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return how many blocks cover a volume along each axis.

    Parameters
    ----------
    shape : tuple of int
        Its voxels along (Z, Y, X).

    Returns
    -------
    tuple of int
        The last block of an axis may be cut off.
    """
    z, y, x = (-(-length // BLOCK_VOXELS) for length in shape)
    return z, y, x


@attrs.frozen(eq=False)
class BlockTable:
    """The structures in each block of 8 × 8 × 8 voxels of an annotation.

    Most blocks hold one or two, so the table takes a few hundredths of the annotation's space, and
    says exactly which blocks any set of structures occupies.

    Parameters
    ----------
    shape : tuple of int
        Blocks along (Z, Y, X).
    ends : numpy.ndarray of uint32, shape (Z * Y * X,)
        Where the entries of each block end; those of the first start at 0.
    entries : numpy.ndarray of uint16, shape (M,)
        Places in the annotation's table of ids, without 0, block by block.
    """

    shape: tuple[int, int, int]
    ends: NDArray[np.uint32] = attrs.field(converter=read_only, repr=False)
    entries: NDArray[np.uint16] = attrs.field(converter=read_only, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse parts that do not belong together.

        Raises
        ------
        AtlasError
            If lengths or types are wrong.
        """
        types = self.ends.dtype == np.uint32 and self.entries.dtype == np.uint16
        lengths = self.ends.shape == (int(np.prod(self.shape)),) and self.entries.ndim == 1
        if not (types and lengths and int(self.ends[-1]) == self.entries.size):
            message = f"A table of {self.shape} blocks does not fit its entries; make it anew."
            raise AtlasError(message)

    def occupied(self, member: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell which blocks hold a voxel of a set of structures.

        Parameters
        ----------
        member : numpy.ndarray of bool, shape (n_ids,)
            Which entries of the annotation's table of ids are meant, without the first.

        Returns
        -------
        numpy.ndarray of bool, shape (Z, Y, X)
            True where there is one, exactly.
        """
        up_to = np.zeros(self.entries.size + 1, dtype=np.uint32)
        np.cumsum(member[self.entries], out=up_to[1:])
        at_end = up_to[self.ends]
        found = np.empty(at_end.size, dtype=np.bool_)
        found[0] = at_end[0] > 0
        np.greater(at_end[1:], at_end[:-1], out=found[1:])
        return found.reshape(self.shape)
