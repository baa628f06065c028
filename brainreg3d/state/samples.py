"""Samples of tissue on the image."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import read_only


@attrs.frozen(eq=False)
class Samples:
    """Points of tissue as the image sees them, as columns of one table.

    Parameters
    ----------
    region : numpy.ndarray of uint16, shape (N,)
        0 for other tissue, else 1 + place of the region.
    structure_id : numpy.ndarray of uint32, shape (N,)
        Structure at the point; 0 where it is not known.
    x_px, y_px : numpy.ndarray of float, shape (N,)
        Column and row in the image, pixel centres at integers.
    depth_mm : numpy.ndarray of float, shape (N,)
        Signed distance below the image plane along the view axis.
    right : numpy.ndarray of bool, shape (N,)
        Whether the point lies in the animal's right hemisphere.
    """

    region: NDArray[np.uint16] = attrs.field(converter=read_only, repr=False)
    structure_id: NDArray[np.uint32] = attrs.field(converter=read_only, repr=False)
    x_px: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    y_px: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    depth_mm: NDArray[np.float64] = attrs.field(converter=read_only, repr=False)
    right: NDArray[np.bool_] = attrs.field(converter=read_only, repr=False)

    def __attrs_post_init__(self) -> None:
        lengths = {column.shape for column in attrs.astuple(self, recurse=False)}
        if len(lengths) != 1 or len(next(iter(lengths))) != 1:
            message = f"Columns of samples are 1D arrays of one length; got shapes {lengths}."
            raise ValueError(message)

    def __len__(self) -> int:
        return len(self.region)

    def take(self, chosen: NDArray[Any]) -> Samples:
        """Return some of the samples.

        Parameters
        ----------
        chosen : numpy.ndarray
            Indices or a boolean mask.

        Returns
        -------
        Samples
            In the order chosen.
        """
        return Samples(*(column[chosen] for column in attrs.astuple(self, recurse=False)))

    @staticmethod
    def concatenate(parts: list[Samples]) -> Samples:
        """Join tables of samples.

        Parameters
        ----------
        parts : list of Samples
            At least one table.

        Returns
        -------
        Samples
            All rows, in order.
        """
        tables = [attrs.astuple(part, recurse=False) for part in parts]
        return Samples(*(np.concatenate(columns) for columns in zip(*tables, strict=True)))


def cell_numbers(samples: Samples, image_shape: tuple[int, int], cell_px: int) -> NDArray[np.int64]:
    """Return which cell of the image each sample falls into.

    Parameters
    ----------
    samples : Samples
        The samples.
    image_shape : tuple of int
        (rows, columns) of the image.
    cell_px : int
        Side of a cell in pixels; with 1, cells are pixels.

    Returns
    -------
    numpy.ndarray of int64, shape (N,)
        Cells counted row by row, ``floor((x + 1/2) / cell_px)`` along each axis; -1 for samples
        that lie beyond the outer edges of the image or nowhere at all (NaN).
    """
    n_rows, n_cols = image_shape
    cells_in_row = -(-n_cols // cell_px)
    y, x = samples.y_px + 0.5, samples.x_px + 0.5
    on_image = (y >= 0) & (y < n_rows) & (x >= 0) & (x < n_cols)
    row = np.floor(np.where(on_image, y, 0.0) / cell_px).astype(np.int64)
    col = np.floor(np.where(on_image, x, 0.0) / cell_px).astype(np.int64)
    return np.where(on_image, row * cells_in_row + col, -1)


def _no_pixels(dtype: type[np.generic]) -> Any:
    return attrs.Factory(lambda: np.empty(0, dtype))


@attrs.frozen(eq=False)
class HiddenPixels:
    """Pixels that regions fall onto behind other tissue, in a quarter of the space of samples.

    Of large images they may be an even share of the pixels, for regions that have many.

    Parameters
    ----------
    region : numpy.ndarray of uint16, shape (N,)
        1 + place of the region.
    pixel : numpy.ndarray of uint32, shape (N,)
        The pixel, counted row by row.
    right : numpy.ndarray of bool, shape (N,)
        Whether the nearest point of the region there lies in the animal's right hemisphere.
    """

    region: NDArray[np.uint16] = attrs.field(
        default=_no_pixels(np.uint16), converter=read_only, repr=False
    )
    pixel: NDArray[np.uint32] = attrs.field(
        default=_no_pixels(np.uint32), converter=read_only, repr=False
    )
    right: NDArray[np.bool_] = attrs.field(
        default=_no_pixels(np.bool_), converter=read_only, repr=False
    )

    def __len__(self) -> int:
        return len(self.region)


@attrs.frozen
class Projections:
    """What of each region falls onto the image, visible or not.

    Parameters
    ----------
    samples : Samples
        Samples, those behind others included.
    image_shape : tuple of int
        (rows, columns).
    sampling : str
        How they were made: ``"rays"``, ``"vertices"`` or a name of your own.
    reach_px : float
        How far around a sample there is tissue for certain; pixels farther from all samples than
        this are off the tissue that was sampled.
    hidden : HiddenPixels
        Where regions lie that are nowhere nearest to the camera, when they have no samples.
    label_depth_um : float
        How far below the surface, whose depth samples have, the tissue lies that gave them their
        region, structure and side.
    """

    samples: Samples
    image_shape: tuple[int, int]
    sampling: str
    reach_px: float = np.inf
    hidden: HiddenPixels = attrs.field(factory=HiddenPixels)
    label_depth_um: float = 0.0


@attrs.frozen
class Visibility:
    """How much of one region the image sees, and what is in front of the rest.

    Parameters
    ----------
    acronym : str
        The region.
    n_projected : int
        Cells of the image that its samples fall into.
    n_visible : int
        Cells in which it is nearest to the camera.
    hidden_by : tuple of (str, float)
        Acronyms of what is nearest in the other cells with their share of these, largest first.
    """

    acronym: str
    n_projected: int
    n_visible: int
    hidden_by: tuple[tuple[str, float], ...] = ()


@attrs.frozen
class VisibleSamples:
    """The nearest sample in each cell of the image.

    Parameters
    ----------
    samples : Samples
        At most one for each cell, sorted by cell, row by row.
    image_shape : tuple of int
        (rows, columns) of the image.
    cell_px : int
        Side of a cell in pixels.
    visibility : tuple of Visibility
        One for each region, in order.
    """

    samples: Samples
    image_shape: tuple[int, int]
    cell_px: int
    visibility: tuple[Visibility, ...]
