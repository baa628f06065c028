"""Volumes of which only the box around what is not 0 is held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import read_only
from brainreg3d.errors import AtlasError

Triple = tuple[int, int, int]
Place = tuple[slice, slice, slice]


def _triple(value: Iterable[int]) -> Triple:
    z, y, x = (int(number) for number in value)
    return z, y, x


@attrs.frozen(eq=False)
class CroppedVolume:
    """A volume of places in a table, held without what lies around the tissue.

    Voxels are always counted from the corner of the whole volume. Those that are not held are 0,
    as are those beyond the volume.

    Parameters
    ----------
    values : numpy.ndarray of uint16, shape (Z', Y', X')
        The voxels that are held.
    start : tuple of int
        Where the first of them lies in the volume, along (Z, Y, X).
    shape : tuple of int
        Voxels of the whole volume along (Z, Y, X).
    """

    values: NDArray[np.uint16] = attrs.field(converter=read_only, repr=False)
    start: Triple = attrs.field(converter=_triple)
    shape: Triple = attrs.field(converter=_triple)

    def __attrs_post_init__(self) -> None:
        """Refuse values that are no part of a volume.

        Raises
        ------
        AtlasError
            If they are of another type, or reach beyond the volume.
        """
        if self.values.ndim != 3 or self.values.dtype != np.uint16:
            kind = f"{self.values.ndim}D {self.values.dtype}"
            message = f"An annotation index is a 3D uint16 array; got {kind}."
            raise AtlasError(message)
        sides = zip(self.start, self.stop, self.shape, strict=True)
        if not all(0 <= start <= stop <= length for start, stop, length in sides):
            message = (
                f"A part of an annotation lies in it; {self.values.shape} voxels from {self.start} "
                f"on reach beyond {self.shape}."
            )
            raise AtlasError(message)

    @classmethod
    def of(cls, volume: NDArray[np.uint16] | CroppedVolume) -> CroppedVolume:
        """Return a volume that is held as it is.

        Parameters
        ----------
        volume : numpy.ndarray of uint16, shape (Z, Y, X), or CroppedVolume
            All of its voxels; what is cropped already is returned.

        Returns
        -------
        CroppedVolume
            A view, not cropped; see `tight`.
        """
        if isinstance(volume, CroppedVolume):
            return volume
        values = np.asarray(volume)
        return cls(values, (0, 0, 0), values.shape if values.ndim == 3 else (0, 0, 0))

    @property
    def stop(self) -> Triple:
        """Where the voxels that are held end, along (Z, Y, X)."""
        return _triple([a + n for a, n in zip(self.start, self.values.shape, strict=True)])

    @property
    def place(self) -> Place:
        """The voxels that are held, as slices of the whole volume."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    def whole(self) -> NDArray[np.uint16]:
        """Return all voxels.

        Returns
        -------
        numpy.ndarray of uint16, shape (Z, Y, X)
            A view if all are held, else a new array: prefer `block` where a part will do.
        """
        return self.block((slice(None), slice(None), slice(None)))

    def block(self, place: Place) -> NDArray[np.uint16]:
        """Return a box of voxels.

        Parameters
        ----------
        place : tuple of slice
            Where it lies, along (Z, Y, X), without steps; as for an array, what lies beyond the
            volume is left out.

        Returns
        -------
        numpy.ndarray of uint16, 3D
            A view if all of its voxels are held, else a new array.
        """
        held, wanted, into = [], [], []
        for side, start, stop, length in zip(place, self.start, self.stop, self.shape, strict=True):
            first, end, _ = side.indices(length)
            end = max(first, end)
            low, high = max(first, start), min(end, stop)
            high = max(low, high)
            held.append(slice(low - start, high - start))
            into.append(slice(low - first, high - first))
            wanted.append(end - first)
        part = self.values[tuple(held)]
        if part.shape == tuple(wanted):
            return part
        block = np.zeros(wanted, dtype=np.uint16)
        if part.size:
            block[tuple(into)] = part
        return block

    def at(self, z: Any, y: Any, x: Any) -> NDArray[np.uint16]:
        """Return single voxels.

        Parameters
        ----------
        z, y, x : int or numpy.ndarray of int
            Their places along each axis, of shapes that go together; in the volume or beyond.

        Returns
        -------
        numpy.ndarray of uint16
            Of the shape that the places have together.
        """
        z, y, x = (np.asarray(axis) - a for axis, a in zip((z, y, x), self.start, strict=True))
        n_z, n_y, n_x = self.values.shape
        inside = (z >= 0) & (z < n_z) & (y >= 0) & (y < n_y) & (x >= 0) & (x < n_x)
        if inside.all():
            return np.asarray(self.values[z, y, x])
        found = np.zeros(inside.shape, dtype=np.uint16)
        z, y, x = (np.broadcast_to(axis, inside.shape)[inside] for axis in (z, y, x))
        found[inside] = self.values[z, y, x]
        return found

    def every(self, first: ArrayLike, steps: ArrayLike) -> CroppedVolume:
        """Return every n-th voxel.

        Parameters
        ----------
        first : array_like of int, shape (3,)
            The first of them, along (Z, Y, X).
        steps : array_like of int, shape (3,)
            How many voxels further the next one lies along each axis.

        Returns
        -------
        CroppedVolume
            A view.
        """
        chosen, start, shape = [], [], []
        for f, n, low, high, length in zip(
            _triple(np.asarray(first)),
            _triple(np.asarray(steps)),
            self.start,
            self.stop,
            self.shape,
            strict=True,
        ):
            begin = max(0, -(-(low - f) // n))
            end = max(begin, -(-(high - f) // n))
            shape.append(len(range(f, length, n)))
            start.append(min(begin, shape[-1]))
            chosen.append(slice(f + begin * n - low, high - low if end > begin else 0, n))
        return CroppedVolume(self.values[tuple(chosen)], _triple(start), _triple(shape))

    def tight(self) -> CroppedVolume:
        """Return the volume cropped to the voxels that are not 0.

        Returns
        -------
        CroppedVolume
            A view; of a volume of zeros a single voxel.
        """
        low, high = occupied_box(self.values)
        start = [a + b for a, b in zip(low, self.start, strict=True)]
        place = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        return CroppedVolume(self.values[place], _triple(start), self.shape)


def occupied_box(values: NDArray[np.uint16]) -> tuple[Triple, Triple]:
    """Return the smallest box that holds all voxels that are not 0.

    Parameters
    ----------
    values : numpy.ndarray of uint16, shape (Z, Y, X)
        A volume.

    Returns
    -------
    low, high : tuple of int
        First voxel, and the one after the last, along (Z, Y, X). Of a volume of zeros it is one
        voxel, if it has any.
    """
    n_z, n_y, n_x = values.shape
    along_z = np.zeros(n_z, dtype=np.uint16)
    along_y, along_x = np.zeros(n_y, dtype=np.uint16), np.zeros(n_x, dtype=np.uint16)
    for z, plane in enumerate(values if values.size else ()):
        # Maxima of whole rows are several times as fast as asking whether any voxel is not 0.
        row = plane.max(axis=0)
        along_z[z] = row.max()
        if along_z[z]:
            np.maximum(along_x, row, out=along_x)
            np.maximum(along_y, plane.max(axis=1), out=along_y)
    ends = []
    for along in (along_z, along_y, along_x):
        places = np.flatnonzero(along)
        ends.append((places[0], places[-1] + 1) if places.size else (0, min(1, along.size)))
    return _triple([low for low, _ in ends]), _triple([high for _, high in ends])
