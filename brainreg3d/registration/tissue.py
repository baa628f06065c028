"""Which part of a volume is tissue."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.errors import RegistrationFailed
from brainreg3d.registration.images import PhysicalImage, shrink

TISSUE_VOXEL_MM = 0.2
"""Voxels of the mask: coarse enough to average noise away, fine enough for a mouse brain."""

_COARSE_MM = 0.4
_LARGE_CANVAS_SHARE = 0.5
_CLIPPED_PERCENT = (0.1, 99.8)
_SHARE_OF_CONTRAST = 0.3
"""Where tissue begins between background and tissue; Otsu's own threshold, half way, would cut
off what is dimmer than half the mean, such as the olfactory bulbs and the brain stem."""
_NOISE_WIDTHS = 4.0
_SMALLEST_PIECE = 0.05
_MARGIN_MM = 1.0
_OPEN_SIDE_MM2 = 1.0
"""A face of the volume that tissue touches over more than this is a cut through the brain."""


@attrs.frozen(eq=False)
class Tissue:
    """Where a volume shows tissue.

    Parameters
    ----------
    image : PhysicalImage
        float32, the volume at `TISSUE_VOXEL_MM`, cropped to the tissue with a margin.
    mask : numpy.ndarray of bool
        Tissue on the grid of `image`.
    background : float
        Grey value typical of what is not tissue.
    cut_sides : numpy.ndarray of bool, shape (2, 3)
        Whether tissue runs into the first or the last face along (Z, Y, X): what lies beyond is
        unknown there, and background elsewhere.
    """

    image: PhysicalImage
    mask: NDArray[np.bool_] = attrs.field(repr=False)
    background: float
    cut_sides: NDArray[np.bool_] = attrs.field(repr=False)

    @property
    def volume_mm3(self) -> float:
        """Volume of the tissue."""
        return float(np.count_nonzero(self.mask) * np.prod(self.image.spacing_mm))

    @property
    def center_mm(self) -> NDArray[np.float64]:
        """Centre (x, y, z) of the tissue."""
        return self.image.points_mm(np.argwhere(self.mask).mean(axis=0))

    @property
    def box_mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Opposite corners (x, y, z) of the box of voxel centres, margin included."""
        last = np.array(self.mask.shape) - 1
        return self.image.points_mm((0, 0, 0)), self.image.points_mm(last)

    def contains(
        self, points_mm: NDArray[np.float64], distance_mm: float = 0.0
    ) -> NDArray[np.bool_]:
        """Tell which points, shape (N, 3), lie in tissue or not farther from it than that.

        A negative distance asks for points at least that deep within.
        """
        indices = np.rint(self.image.indices(points_mm)).astype(int)
        on_grid = np.all((indices >= 0) & (indices < self.mask.shape), axis=1)
        found = np.zeros(len(indices), dtype=bool)
        found[on_grid] = self._within(distance_mm)[tuple(indices[on_grid].T)]
        return found

    def near(self, image: PhysicalImage, distance_mm: float) -> NDArray[np.bool_]:
        """Return which voxels of another image lie in tissue or not far from it.

        A negative distance asks for voxels at least that deep within.
        """
        shape, offset = np.array(self.mask.shape), self.image.indices(image.origin_mm)
        steps = np.array(image.spacing_mm) / np.array(self.image.spacing_mm)
        lines = [
            np.clip(np.rint(offset[axis] + steps[axis] * np.arange(count)), 0, shape[axis] - 1)
            for axis, count in enumerate(image.data.shape)
        ]
        grid = np.ix_(*(line.astype(int) for line in lines))
        return np.asarray(self._within(distance_mm)[grid])

    def _within(self, distance_mm: float) -> NDArray[np.bool_]:
        if distance_mm == 0:
            return self.mask
        from scipy import ndimage

        if distance_mm < 0:
            depth = ndimage.distance_transform_edt(self.mask, sampling=self.image.spacing_mm)
            return np.asarray(depth >= -distance_mm)
        away = ndimage.distance_transform_edt(~self.mask, sampling=self.image.spacing_mm)
        return np.asarray(away <= distance_mm)


def find_tissue(image: PhysicalImage, name: str, mask: NDArray[Any] | None = None) -> Tissue:
    """Find the tissue in a volume, however large, noisy or off-centre its canvas.

    Parameters
    ----------
    image : PhysicalImage
        Finite numbers of any type.
    name : str
        What to call the volume in messages.
    mask : numpy.ndarray, shape (Z, Y, X), optional
        Voxels that are known to be tissue; nothing is searched for then.

    Returns
    -------
    Tissue
        The tissue, on a grid of about `TISSUE_VOXEL_MM`.

    Raises
    ------
    RegistrationFailed
        If no tissue stands out.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions
       on Systems, Man, and Cybernetics 9 (1979) 62-66.
    """
    if mask is None:
        image = _without_canvas(image, name)
    small = shrink(image, TISSUE_VOXEL_MM)
    if mask is None:
        found, background = _search_mask(small, name)
    else:
        found = shrink(image.with_data(np.asarray(mask, dtype=bool)), TISSUE_VOXEL_MM).data >= 0.5
        background = float(np.median(small.data[~found])) if not found.all() else 0.0
    if not found.any():
        message = f"There is no tissue in {name}: its mask is empty."
        raise RegistrationFailed(message)
    return _crop(small, found, background)


def otsu_threshold(values: NDArray[Any]) -> float:
    """Return the threshold that parts values into two classes best (Otsu's method).

    Parameters
    ----------
    values : numpy.ndarray
        Finite numbers.

    Returns
    -------
    float
        The threshold; the smallest value when all are the same.
    """
    low, high = np.percentile(values, _CLIPPED_PERCENT)
    if high <= low:
        return float(values.min())
    counts, edges = np.histogram(np.clip(values, low, high), bins=256, range=(low, high))
    centers = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * centers)
    mean_below = sums[:-1] / np.maximum(below, 1)
    mean_above = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    variance = below.astype(float) * above * (mean_below - mean_above) ** 2
    return float(edges[1 + int(np.argmax(variance))])


def _without_canvas(image: PhysicalImage, name: str) -> PhysicalImage:
    """Crop a canvas that is far larger than the tissue, which a quick look finds."""
    coarse = shrink(image, _COARSE_MM)
    rough = _crop(coarse, _search_mask(coarse, name)[0], 0.0)
    if rough.mask.size > _LARGE_CANVAS_SHARE * coarse.data.size:
        return image
    return image.cropped_to_box(*rough.box_mm)


def _search_mask(small: PhysicalImage, name: str) -> tuple[NDArray[np.bool_], float]:
    from scipy import ndimage

    # Even out what noise is left; the mask of a coarser image would cut thin parts off.
    smooth = ndimage.gaussian_filter(small.data, 0.8)
    split = otsu_threshold(smooth)
    bright = smooth > split
    if bright.all() or not bright.any():
        message = f"There is no tissue in {name}: nothing stands out from the background."
        raise RegistrationFailed(message)
    border = _border_values(bright)
    sign = -1.0 if border.mean() > 0.5 else 1.0  # tissue is dark on a bright background
    values = sign * smooth
    outside = values[values <= sign * split] if sign > 0 else values[~(values > sign * split)]
    inside = values[values > sign * split]
    background = float(np.median(outside))
    noise = 1.4826 * float(np.median(np.abs(outside - background)))
    contrast = float(np.median(inside)) - background
    threshold = max(background + _SHARE_OF_CONTRAST * contrast, background + _NOISE_WIDTHS * noise)
    mask = _large_pieces(values > min(threshold, sign * split))
    return mask, sign * background


def _border_values(array: NDArray[Any]) -> NDArray[Any]:
    faces = [array.take(index, axis).ravel() for axis in range(3) for index in (0, -1)]
    return np.concatenate(faces)


def _large_pieces(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the largest connected pieces and fill their holes."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept = (sizes >= _SMALLEST_PIECE * sizes.max())[labels]
    return np.asarray(ndimage.binary_fill_holes(kept), dtype=bool)


def _crop(small: PhysicalImage, mask: NDArray[np.bool_], background: float) -> Tissue:
    """Crop to the tissue; pad where the margin reaches over a face with known background."""
    cut = _cut_sides(mask, small.spacing_mm)
    margin = np.ceil(_MARGIN_MM / np.array(small.spacing_mm)).astype(int)
    spans = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    low = np.array([span[0] for span in spans]) - margin
    high = np.array([span[-1] + 1 for span in spans]) + margin
    shape = np.array(mask.shape)
    before = np.where(cut[0], 0, np.maximum(-low, 0))
    after = np.where(cut[1], 0, np.maximum(high - shape, 0))
    low, high = np.maximum(low, 0), np.minimum(high, shape)
    image = small.cropped(low, high).padded(before, after, background)
    part = small.with_data(mask).cropped(low, high).padded(before, after, 0)
    return Tissue(image, part.data, background, cut)


def _cut_sides(mask: NDArray[np.bool_], spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    cut = np.zeros((2, 3), dtype=bool)
    for axis in range(3):
        area = float(np.prod([spacing_mm[other] for other in range(3) if other != axis]))
        for side, index in enumerate((0, -1)):
            touched = np.count_nonzero(mask.take(index, axis)) * area
            cut[side, axis] = touched > _OPEN_SIDE_MM2
    return cut
