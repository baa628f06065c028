"""Where bregma lies in the CCF, by several conventions.

The Allen Institute defines no bregma; labs use different estimates. The one a run used is
recorded in everything it writes.

Stereotaxic coordinates are (ML, AP, DV) in mm from bregma, positive to the right, to anterior and
up. Coordinates of the CCF are (AP, DV, ML) in µm from the anterior-superior-left corner of the
atlas box, positive to posterior, down and to the right.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d.errors import InputError, did_you_mean
from brainreg3d.geometry import as_points, ccf_um_to_atlas_mm


@attrs.frozen
class BregmaPreset:
    """A named estimate of bregma in CCF coordinates.

    Parameters
    ----------
    name : str
        How it is asked for.
    ccf_um : tuple of float
        (AP, DV, ML) in micrometres from the anterior-superior-left corner of the atlas box.
    tilt_deg : float
        By how much the CCF sits nose-down against a flat skull, where the convention corrects it.
    scale : tuple of float
        Factors of (AP, DV, ML) from CCF to stereotaxic distances, once the tilt is corrected.
    note : str
        What else is known of it.
    """

    name: str
    ccf_um: tuple[float, float, float]
    tilt_deg: float = 0.0
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    note: str = ""

    def position_mm(self, box_mm: ArrayLike) -> NDArray[np.float64]:
        """Return bregma in the atlas frame.

        Parameters
        ----------
        box_mm : array_like, shape (3,)
            Extent of the atlas box along (x, y, z) in mm.

        Returns
        -------
        numpy.ndarray, shape (3,)
            (x, y, z) in mm.
        """
        return ccf_um_to_atlas_mm(self.ccf_um, box_mm)

    def from_atlas_mm(self, points_mm: ArrayLike, box_mm: ArrayLike) -> NDArray[np.float64]:
        """Turn points of the atlas frame into stereotaxic coordinates of this convention.

        The atlas is turned nose up about the left-right axis through bregma by `tilt_deg`, then
        stretched along each axis by `scale`.

        Parameters
        ----------
        points_mm : array_like, shape (..., 3)
            (x, y, z) in mm, in the atlas frame.
        box_mm : array_like, shape (3,)
            Extent of the atlas box along (x, y, z) in mm.

        Returns
        -------
        numpy.ndarray, shape (..., 3)
            (x, y, z) in mm from bregma: to the right (ML), anterior (AP) and up (DV).
        """
        offsets = np.asarray(points_mm, dtype=float) - self.position_mm(box_mm)
        return np.asarray(offsets @ self._matrix().T)

    def to_atlas_mm(self, points_mm: ArrayLike, box_mm: ArrayLike) -> NDArray[np.float64]:
        """Turn stereotaxic coordinates into points of the atlas frame.

        The inverse of `from_atlas_mm`.

        Parameters
        ----------
        points_mm : array_like, shape (..., 3)
            (x, y, z) in mm from bregma: to the right (ML), anterior (AP) and up (DV).
        box_mm : array_like, shape (3,)
            Extent of the atlas box along (x, y, z) in mm.

        Returns
        -------
        numpy.ndarray, shape (..., 3)
            (x, y, z) in mm, in the atlas frame.
        """
        offsets = np.asarray(points_mm, dtype=float) @ np.linalg.inv(self._matrix()).T
        return np.asarray(offsets + self.position_mm(box_mm))

    def from_ccf_um(self, points_um: ArrayLike) -> NDArray[np.float64]:
        """Turn CCF coordinates into stereotaxic coordinates of this convention.

        Distances from bregma do not depend on the box, so that none is asked for.

        Parameters
        ----------
        points_um : array_like, shape (..., 3)
            (AP, DV, ML) in micrometres from the anterior-superior-left corner of the box.

        Returns
        -------
        numpy.ndarray, shape (..., 3)
            (x, y, z) in mm from bregma: to the right (ML), anterior (AP) and up (DV).
        """
        offsets = np.asarray(points_um, dtype=float) - np.asarray(self.ccf_um)
        ap, dv, ml = np.moveaxis(offsets / 1000.0, -1, 0)
        return np.asarray(np.stack([ml, -ap, -dv], axis=-1) @ self._matrix().T)

    def to_ccf_um(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Turn stereotaxic coordinates into CCF coordinates.

        The inverse of `from_ccf_um`.

        Parameters
        ----------
        points_mm : array_like, shape (..., 3)
            (x, y, z) in mm from bregma: to the right (ML), anterior (AP) and up (DV).

        Returns
        -------
        numpy.ndarray, shape (..., 3)
            (AP, DV, ML) in micrometres from the anterior-superior-left corner of the box.
        """
        offsets = np.asarray(points_mm, dtype=float) @ np.linalg.inv(self._matrix()).T
        ml, ap, dv = np.moveaxis(offsets * 1000.0, -1, 0)
        return np.asarray(np.stack([-ap, -dv, ml], axis=-1) + np.asarray(self.ccf_um))

    @property
    def keeps_axes(self) -> bool:
        """Whether stereotaxic distances are plain differences of atlas coordinates."""
        return self.tilt_deg == 0 and self.scale == (1.0, 1.0, 1.0)

    def _matrix(self) -> NDArray[np.float64]:
        """Return what turns offsets from bregma in the atlas into stereotaxic ones."""
        cosine, sine = np.cos(np.radians(self.tilt_deg)), np.sin(np.radians(self.tilt_deg))
        nose_up = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
        scale_ap, scale_dv, scale_ml = self.scale
        return np.asarray(np.array([[scale_ml], [scale_ap], [scale_dv]]) * nose_up)


BREGMA_PRESETS: dict[str, BregmaPreset] = {
    preset.name: preset
    for preset in (
        BregmaPreset("ibl", (5400.0, 332.0, 5739.0), note="5 deg nose-down noted, not applied"),
        BregmaPreset("wfield", (5400.0, 0.0, 5700.0)),
        BregmaPreset("cortexlab", (5400.0, 0.0, 5700.0)),
        BregmaPreset("community", (5400.0, 440.0, 5700.0), 5.0, (1.0, 0.9434, 1.0)),
        BregmaPreset("trajectory_explorer", (5200.0, 440.0, 5705.0), 5.0, (1.031, 0.885, 0.952)),
        BregmaPreset("brainreg3d_original", (5699.5, 440.0, 5700.0)),
    )
}


DEFAULT_BREGMA = "ibl"
"""The preset that counts where none is named."""


def find_bregma(name: str) -> BregmaPreset:
    """Return a bregma preset by name.

    Parameters
    ----------
    name : str
        One of the keys of `BREGMA_PRESETS`.

    Returns
    -------
    BregmaPreset
        The preset.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if not isinstance(name, str) or name not in BREGMA_PRESETS:
        known = ", ".join(BREGMA_PRESETS)
        hint = did_you_mean(str(name), BREGMA_PRESETS)
        message = f"Unknown bregma {name!r}; expected one of {known}.{hint}"
        raise InputError(message)
    return BREGMA_PRESETS[name]


def ccf_to_stereotaxic(
    points_um: ArrayLike, bregma: str | BregmaPreset = "ibl"
) -> NDArray[np.float64]:
    """Turn CCF coordinates into stereotaxic coordinates.

    Parameters
    ----------
    points_um : array_like, shape (..., 3)
        (AP, DV, ML) in micrometres from the anterior-superior-left corner of the atlas box,
        positive to posterior, down and to the right.
    bregma : str or BregmaPreset
        Name of a preset, or one of your own.

    Returns
    -------
    numpy.ndarray, shape (..., 3)
        (ML, AP, DV) in mm from bregma, positive to the right, to anterior and up.

    Raises
    ------
    InputError
        If there is no such preset, or a point has not three numbers.

    Examples
    --------
    >>> from brainreg3d.atlas import ccf_to_stereotaxic
    >>> ccf_to_stereotaxic([7900, 832, 7739], bregma="ibl").round(3).tolist()
    [2.0, -2.5, -0.5]
    """
    return _preset(bregma).from_ccf_um(as_points(points_um, "(AP, DV, ML) in µm"))


def stereotaxic_to_ccf(
    points_mm: ArrayLike, bregma: str | BregmaPreset = "ibl"
) -> NDArray[np.float64]:
    """Turn stereotaxic coordinates into CCF coordinates; the inverse of `ccf_to_stereotaxic`.

    Parameters
    ----------
    points_mm : array_like, shape (..., 3)
        (ML, AP, DV) in mm from bregma, positive to the right, to anterior and up.
    bregma : str or BregmaPreset
        Name of a preset, or one of your own.

    Returns
    -------
    numpy.ndarray, shape (..., 3)
        (AP, DV, ML) in micrometres from the anterior-superior-left corner of the atlas box,
        positive to posterior, down and to the right.

    Raises
    ------
    InputError
        If there is no such preset, or a point has not three numbers.
    """
    return _preset(bregma).to_ccf_um(as_points(points_mm, "(ML, AP, DV) in mm"))


def _preset(bregma: str | BregmaPreset) -> BregmaPreset:
    return bregma if isinstance(bregma, BregmaPreset) else find_bregma(bregma)
