"""Planes of an atlas, and what volumes show in them along a transform."""

from __future__ import annotations

import itertools
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Annotation
from brainreg3d.contrast import contrast_limits
from brainreg3d.geometry import VolumeGrid
from brainreg3d.views.planes import Plane, slice_plane

_PIXELS = 256  # along the longest side of the box: 50 µm for a mouse brain, finer than is seen
_COARSE_PIXELS = 96  # along each axis; enough for a histogram
_DARKEST_TISSUE, _TISSUE_GREY, _GAMMAS = 0.1, 0.5, (0.4, 2.0)


@attrs.frozen
class VolumeContrast:
    """How the intensities of a volume become grey levels from 0 to 1.

    Parameters
    ----------
    low, high : float
        Intensities that become 0 and 1; what lies beyond is clipped.
    gamma : float
        Exponent of the grey levels in between.
    """

    low: float
    high: float
    gamma: float = 1.0

    @classmethod
    def of(cls, data: NDArray[Any], automatic: bool = True) -> VolumeContrast:
        """Return the contrast at which most of a volume's tissue is mid-grey.

        Two volumes can only be compared by eye when both are about as bright, but a few bright
        cells or fibres leave everything else in one of them dark.

        Parameters
        ----------
        data : numpy.ndarray, 3D
            Intensities; evenly spread ones are looked at, as volumes can be huge.
        automatic : bool
            As for `brainreg3d.contrast.contrast_limits`.

        Returns
        -------
        VolumeContrast
            Of the whole volume.
        """
        steps = tuple(slice(None, None, max(1, size // _COARSE_PIXELS)) for size in data.shape)
        coarse = data[steps]
        values = coarse[np.isfinite(coarse)]
        if values.size == 0:
            return cls(0.0, 0.0)
        limits = cls(*contrast_limits(values, automatic))
        grey = limits.grey(values)
        tissue = grey[(grey > _DARKEST_TISSUE) & (grey < 1)]
        if tissue.size == 0:
            return limits
        gamma = np.log(_TISSUE_GREY) / np.log(np.median(tissue))
        return attrs.evolve(limits, gamma=float(np.clip(gamma, *_GAMMAS)))

    def grey(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return intensities as grey levels from 0 to 1.

        Parameters
        ----------
        values : numpy.ndarray
            Intensities.

        Returns
        -------
        numpy.ndarray of float32
            A new array; mid-grey where all intensities are the same.
        """
        if self.high <= self.low:
            return np.full(values.shape, 0.5, np.float32)
        share = (values.astype(np.float32) - np.float32(self.low)) / np.float32(
            self.high - self.low
        )
        grey: NDArray[np.float32] = np.clip(np.nan_to_num(share), 0, 1) ** np.float32(self.gamma)
        return grey


@attrs.frozen(eq=False)
class GreyVolume:
    """A volume and how it is shown.

    Parameters
    ----------
    data : numpy.ndarray, shape (Z, Y, X)
        Intensities.
    grid : VolumeGrid
        Where the voxels lie.
    contrast : VolumeContrast
        How bright it is shown.
    """

    data: NDArray[Any] = attrs.field(repr=False)
    grid: VolumeGrid
    contrast: VolumeContrast


@attrs.frozen(eq=False)
class PlaneSampler:
    """The pixels of a plane through the atlas box.

    Parameters
    ----------
    plane : Plane
        Which plane, and how it is looked at.
    point_mm : numpy.ndarray, shape (3,)
        A point (x, y, z) in the plane.
    box_mm : numpy.ndarray, shape (3,)
        Extent of the atlas box along (x, y, z).
    """

    plane: Plane
    point_mm: NDArray[np.float64]
    box_mm: NDArray[np.float64]

    @property
    def grid(self) -> VolumeGrid:
        """One layer of voxels that fills the plane's rectangle; its normal starts at 0."""
        pixel = float(self.box_mm.max()) / _PIXELS
        counts = np.maximum(1, np.rint(self.box_mm / pixel)).astype(int)
        spacing = self.box_mm / counts
        counts[self.plane.normal] = 1
        return VolumeGrid(counts[::-1], spacing[::-1])

    @property
    def pixel_size_mm(self) -> tuple[float, float]:
        """(row, column) size of a pixel."""
        spacing = self.grid.spacing_mm
        return spacing[2 - self.plane.up], spacing[2 - self.plane.across]

    def squares(self, side_mm: float) -> NDArray[np.bool_]:
        """Return which pixels lie in every second square of a checkerboard.

        Parameters
        ----------
        side_mm : float
            Side of the squares, counted from the corner of the atlas box.

        Returns
        -------
        numpy.ndarray of bool, 2D
            As the plane is looked at.
        """
        indices = np.moveaxis(np.indices(self.grid.shape), 0, -1)
        places = np.floor(self.grid.voxel_centers_mm(indices) / side_mm)
        places[..., self.plane.normal] = 0
        return self._seen(places.sum(axis=-1) % 2 == 0)

    def grey(self, volume: GreyVolume, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what a volume shows in the plane, interpolated linearly.

        Parameters
        ----------
        volume : GreyVolume
            The volume.
        matrix : numpy.ndarray, shape (4, 4)
            From atlas points to points of the volume, mm.

        Returns
        -------
        numpy.ndarray of float32, 2D
            Grey levels as the plane is looked at; 0 where the volume does not reach.
        """
        from brainreg3d.registration import resample

        matrix = matrix @ _shift(self._offset_mm())
        part = self._reach(volume.grid, matrix)
        if any(where.start >= where.stop for where in part):
            return self._seen(np.zeros(self.grid.shape, np.float32))
        crop = volume.contrast.grey(volume.data[part])
        spacing = np.array(volume.grid.spacing_mm)
        start_mm = (np.array([where.start for where in part]) * spacing)[::-1]
        grid = VolumeGrid(crop.shape, volume.grid.spacing_mm)
        return self._seen(resample(crop, grid, self.grid, _shift(-start_mm) @ matrix))

    def labels(self, annotation: Annotation) -> NDArray[np.uint16]:
        """Return which structures the nearest voxels of an annotation have.

        Parameters
        ----------
        annotation : Annotation
            The volume.

        Returns
        -------
        numpy.ndarray of uint16, 2D
            Places in its table of ids, as the plane is looked at.
        """
        grid = annotation.grid
        centers = [
            (np.arange(count) + 0.5) * spacing
            for count, spacing in zip(self.grid.shape, self.grid.spacing_mm, strict=True)
        ]
        centers[2 - self.plane.normal] = self.point_mm[[self.plane.normal]]
        places = [
            np.clip((center / spacing).astype(int), 0, count - 1)
            for center, spacing, count in zip(centers, grid.spacing_mm, grid.shape, strict=True)
        ]
        return self._seen(annotation.volume.at(*np.ix_(*places)))

    def _offset_mm(self) -> NDArray[np.float64]:
        offset = np.zeros(3)
        normal = self.plane.normal
        offset[normal] = self.point_mm[normal] - self.grid.spacing_mm[2 - normal] / 2
        return offset

    def _reach(self, grid: VolumeGrid, matrix: NDArray[np.float64]) -> tuple[slice, ...]:
        """Return the part of a volume that the plane runs through: volumes can be huge."""
        corners = np.array(list(itertools.product(*((0.0, side) for side in self.grid.box_mm))))
        indices = grid.voxel_indices(corners @ matrix[:3, :3].T + matrix[:3, 3])
        # Linear interpolation looks one voxel further.
        first = np.clip(indices.min(axis=0) - 2, 0, grid.shape)
        last = np.clip(indices.max(axis=0) + 3, 0, grid.shape)
        return tuple(slice(int(low), int(high)) for low, high in zip(first, last, strict=True))

    def _seen(self, layer: NDArray[Any]) -> NDArray[Any]:
        return slice_plane(layer, self.grid, self.plane, np.zeros(3))


def _shift(by_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, 3] = by_mm
    return matrix
