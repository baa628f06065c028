"""Where in the brain pixels lie."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d import coordinates
from brainreg3d.atlas import BregmaPreset, ccf_to_stereotaxic, stereotaxic_to_ccf
from brainreg3d.maps import SurfaceMaps
from brainreg3d.result._products import Products


class Places(Products):
    """Where in the brain pixels lie, and where points of the brain lie on the image."""

    @property
    def ccf(self) -> NDArray[np.float64] | None:
        """(AP, DV, ML) of the tissue surface in µm, shape (H, W, 3); NaN off the brain."""
        return None if self._maps is None else self._maps.ccf

    @property
    def incidence_deg(self) -> NDArray[np.float32] | None:
        """Angle between ray and normal of the tissue surface, shape (H, W); NaN off the brain."""
        return None if self._maps is None else self._maps.incidence_deg

    @property
    def area_mm2(self) -> NDArray[np.float64] | None:
        """Area of the tissue surface that a pixel sees, shape (H, W); NaN beyond 85 degrees."""
        return None if self._maps is None else self._maps.area_mm2

    def pixel_to_ccf(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.float64]:
        """Return where the tissue lies that the image shows at pixel positions.

        Parameters
        ----------
        rows, cols : array_like, shape (N,)
            Positions in pixels, fractions included; pixel centres are integers.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            (AP, DV, ML) in micrometres from the anterior-superior-left corner of the atlas box,
            on the face of the voxel of tissue that is met first; NaN off the brain. A single
            position gives an array of three numbers.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If rows and columns are no numbers, or do not go together.
        """
        atlas, alignment = self._placed()
        return coordinates.pixel_to_ccf(alignment.view, atlas.annotation, rows, cols)

    def ccf_to_pixel(self, points_um: ArrayLike) -> NDArray[np.float64]:
        """Project points of the CCF onto the image, whatever lies in front of them.

        Parameters
        ----------
        points_um : array_like, shape (N, 3)
            (AP, DV, ML) in micrometres from the anterior-superior-left corner of the atlas box.

        Returns
        -------
        numpy.ndarray, shape (N, 2)
            (row, column) in pixels, on the image or beyond its edges; NaN behind the camera. A
            single point gives an array of two numbers.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If a point has not three numbers.
        """
        atlas, alignment = self._placed()
        return coordinates.ccf_to_pixel(alignment.view, atlas.grid.box_mm, points_um)

    def pixel_to_stereotaxic(
        self, rows: ArrayLike, cols: ArrayLike, bregma: str | BregmaPreset | None = None
    ) -> NDArray[np.float64]:
        """Return where the tissue lies that the image shows at pixel positions, from bregma.

        Parameters
        ----------
        rows, cols : array_like, shape (N,)
            Positions in pixels, fractions included; pixel centres are integers.
        bregma : str or BregmaPreset, optional
            Name of a preset, or one of your own; that of the alignment when not given.

        Returns
        -------
        numpy.ndarray, shape (N, 3)
            (ML, AP, DV) in mm from bregma, positive to the right, to anterior and up; NaN off the
            brain.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If positions are no numbers, or there is no such preset.
        """
        return ccf_to_stereotaxic(self.pixel_to_ccf(rows, cols), self._bregma(bregma))

    def stereotaxic_to_pixel(
        self, points_mm: ArrayLike, bregma: str | BregmaPreset | None = None
    ) -> NDArray[np.float64]:
        """Project points given from bregma onto the image, whatever lies in front of them.

        Parameters
        ----------
        points_mm : array_like, shape (N, 3)
            (ML, AP, DV) in mm from bregma, positive to the right, to anterior and up.
        bregma : str or BregmaPreset, optional
            Name of a preset, or one of your own; that of the alignment when not given.

        Returns
        -------
        numpy.ndarray, shape (N, 2)
            (row, column) in pixels, on the image or beyond its edges; NaN behind the camera.

        Raises
        ------
        NotComputed
            If the run ended before the alignment.
        InputError
            If a point has not three numbers, or there is no such preset.
        """
        return self.ccf_to_pixel(stereotaxic_to_ccf(points_mm, self._bregma(bregma)))

    @functools.cached_property
    def _maps(self) -> SurfaceMaps | None:
        if self.atlas is None or self.alignment is None:
            return None
        return SurfaceMaps(self.alignment.view, self.atlas.annotation)

    def _bregma(self, given: str | BregmaPreset | None) -> str | BregmaPreset:
        return self._placed()[1].bregma if given is None else given
