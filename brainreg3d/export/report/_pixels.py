"""What the page knows of every pixel."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import find_bregma
from brainreg3d.export.report._packing import pack
from brainreg3d.steps.exporting import ExportContent
from brainreg3d.views.planes import CCF_BOX

MOST_PX = 2048
"""Pixels along the longer side that are embedded at most."""

_QUANTUM_MM = 0.001
_NO_DISTANCE = 0xFFFF


@attrs.frozen
class Thinning:
    """Which pixels of an image are embedded: every n-th along both axes.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns) of the image.
    most_px : int
        Pixels along the longer side that are embedded at most.
    """

    shape: tuple[int, int]
    most_px: int = MOST_PX

    @property
    def step(self) -> int:
        """Each of how many pixels along an axis one stands for."""
        return -(-max(self.shape) // self.most_px)

    @property
    def thin_shape(self) -> tuple[int, int]:
        """(rows, columns) that are embedded."""
        rows, columns = (-(-size // self.step) for size in self.shape)
        return rows, columns

    def chosen(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the pixels that are embedded, as they are.

        Parameters
        ----------
        array : numpy.ndarray, shape (H, W, ...)
            One entry for each pixel of the image.

        Returns
        -------
        numpy.ndarray
            The middle one of each block.
        """
        rows, columns = (
            np.minimum(np.arange(thin) * self.step + self.step // 2, size - 1)
            for thin, size in zip(self.thin_shape, self.shape, strict=True)
        )
        return np.asarray(array[np.ix_(rows, columns)])

    def averaged(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Return the means of the blocks, for pictures.

        Parameters
        ----------
        array : numpy.ndarray of float, shape (H, W)
            One number for each pixel of the image.

        Returns
        -------
        numpy.ndarray of float64
            Blocks that reach beyond the image count its last pixels again.
        """
        if self.step == 1:
            return np.asarray(array, dtype=np.float64)
        rows, columns = self.thin_shape
        missing = [(0, n * self.step - s) for n, s in zip((rows, columns), self.shape, strict=True)]
        padded = np.pad(np.asarray(array, dtype=np.float64), missing, mode="edge")
        return np.asarray(padded.reshape(rows, self.step, columns, self.step).mean(axis=(1, 3)))


def pixel_data(content: ExportContent, thinning: Thinning) -> dict[str, Any]:
    """Return labels, sides, distances and confidence, and how places follow from distances.

    Parameters
    ----------
    content : ExportContent
        A labelled image.
    thinning : Thinning
        Which of its pixels are embedded.

    Returns
    -------
    dict
        Ready for JSON.
    """
    labels, sides = content.labels.labels, content.labels.hemisphere
    rows, columns = thinning.thin_shape
    data: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "step": thinning.step,
        "shape": list(content.shape),
        "labels": pack(thinning.chosen(labels).astype(np.uint16)),
        "sides": pack(thinning.chosen(sides).astype(np.uint8)),
        "distance": _distances(thinning.chosen(content.maps.distance_mm)),
        "view": _view(content),
        "bregma": _bregma(content),
    }
    if content.confidence is not None:
        shares = np.clip(thinning.chosen(content.confidence), 0.0, 1.0)
        data["confidence"] = pack(np.rint(shares * 255).astype(np.uint8))
    return data


def _distances(distance_mm: NDArray[np.float64]) -> dict[str, Any]:
    """Pack how far the tissue lies along each ray; places then follow to half a quantum."""
    known = np.isfinite(distance_mm)
    first, last = (
        (float(distance_mm[known].min()), float(distance_mm[known].max()))
        if known.any()
        else (0.0, 0.0)
    )
    first = np.floor(first / _QUANTUM_MM) * _QUANTUM_MM
    quantum = max(_QUANTUM_MM, (last - first) / (_NO_DISTANCE - 1))
    counts = np.rint((np.where(known, distance_mm, first) - first) / quantum)
    packed = pack(np.where(known, counts, _NO_DISTANCE).astype(np.uint16))
    return {"first_mm": float(first), "quantum_mm": quantum, "none": _NO_DISTANCE, **packed}


def _view(content: ExportContent) -> dict[str, Any]:
    view = content.alignment.view
    return {
        "center_mm": list(view.pose.center_mm),
        "axes": view.pose.axes.tolist(),
        "center_px": list(view.center_px),
        "pixel_size_mm": list(view.pixel_size_mm),
        "camera_mm": None if view.camera.distance_mm is None else view.camera_position_mm.tolist(),  # type: ignore[union-attr]
        "box_mm": np.asarray(content.atlas.grid.box_mm).tolist(),
    }


def _bregma(content: ExportContent) -> dict[str, Any] | None:
    """Return the stereotaxic frame as origin and matrix; None where the box is not the CCF's."""
    if not content.atlas.grid.same_box(CCF_BOX):
        return None
    preset = find_bregma(content.alignment.bregma)
    box_mm = content.atlas.grid.box_mm
    origin = preset.position_mm(box_mm)
    columns = preset.from_atlas_mm(origin + np.eye(3), box_mm)
    return {"name": preset.name, "origin_mm": origin.tolist(), "matrix": columns.T.tolist()}
