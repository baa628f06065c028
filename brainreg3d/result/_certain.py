"""How certain labels are."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import finite_numbers, read_only
from brainreg3d.confidence import DEFAULT_DRAWS, label_confidence, labels_pixel_by_pixel
from brainreg3d.coordinates import pixel_positions
from brainreg3d.errors import InputError
from brainreg3d.pose_sigma import PoseSigma, check_sigma, sigma_of
from brainreg3d.result._products import NotComputed, Products


class Certain(Products):
    """How certain labels are, as far as the pose goes."""

    @property
    def pose_sigma(self) -> PoseSigma | None:
        """How uncertain the pose is: as the run was told, else as its alignment says."""
        if self._pose_sigma is not None or self.alignment is None:
            return self._pose_sigma
        return sigma_of(self.alignment)

    @functools.cached_property
    def confidence(self) -> NDArray[np.float32]:
        """Share of draws of the pose in which each pixel keeps its label, shape (H, W).

        The pose is drawn as uncertain as the run was told (``pose_sigma_mm``, ``pose_sigma_deg``),
        or else as the alignment's ``uncertainty`` says; `NotComputed` where neither is known.
        """
        self._labelled()
        sigma = self._known_sigma()
        if self._certainty is not None:
            return self._certainty.confidence
        return self._confidence(sigma, DEFAULT_DRAWS, 0)

    def confidence_at(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.float32]:
        """Return `confidence` at some pixels, without drawing the poses of all others.

        Parameters
        ----------
        rows, cols : array_like
            Positions in pixels, broadcast against each other; pixel centres are integers. A
            fraction means the pixel that it lies in.

        Returns
        -------
        numpy.ndarray of float32
            What `confidence` holds there, to the last bit; NaN beyond the edges of the image. Where
            neighbours vote on labels (``method="original"`` and ``"surface"``), and for steps of
            your own, the whole image is drawn.

        Raises
        ------
        NotComputed
            If the run ended before the labels, or nothing is known of how certain the pose is.
        InputError
            If rows and columns are no numbers, or do not go together.
        """
        labels, _ = self._labelled()
        sigma = self._known_sigma()
        row, col = pixel_positions(rows, cols)
        at = np.floor(np.stack([row, col]) + 0.5)
        on_image = (at >= 0).all(axis=0) & (at[0] < labels.shape[0]) & (at[1] < labels.shape[1])
        numbers = np.ravel_multi_index(tuple(at[:, on_image].astype(np.int64)), labels.shape)
        found = np.full(row.shape, np.nan, dtype=np.float32)
        known_by = [self] if self._certainty is None else [self, self._certainty]
        is_drawn = any("confidence" in vars(each) for each in known_by)
        if is_drawn or not labels_pixel_by_pixel(self._steps):
            found[on_image] = self.confidence.ravel()[numbers]
        else:
            found[on_image] = self._confidence(sigma, DEFAULT_DRAWS, 0, numbers)
        return found

    def _known_sigma(self) -> PoseSigma:
        sigma = self.pose_sigma
        if sigma is None:
            message = (
                "How certain the pose is, is not known: the alignment has no uncertainty, as a fit "
                "of landmarks gives it. Say it: BrainReg3D(..., pose_sigma_mm=0.1, "
                "pose_sigma_deg=2) (--pose-sigma-mm 0.1 --pose-sigma-deg 2), or "
                "result.confidence_for(position_mm=0.1, tilt_deg=2)."
            )
            raise NotComputed(message)
        return sigma

    def confidence_for(
        self,
        *,
        position_mm: float | tuple[float, float] = 0.0,
        yaw_deg: float = 0.0,
        tilt_deg: float = 0.0,
        scale: float = 0.0,
        height_mm: float = 0.0,
        n_draws: int = DEFAULT_DRAWS,
        seed: int = 0,
    ) -> NDArray[np.float32]:
        """Return in which share of draws of the pose each pixel keeps its label.

        Parameters
        ----------
        position_mm : float or tuple of float
            1 sigma of the image's centre within its plane, along its (columns, rows).
        yaw_deg : float
            1 sigma of the turn of the image about its centre.
        tilt_deg : float
            1 sigma of pitch, and of roll.
        scale : float
            1 sigma of the pixel size, relative.
        height_mm : float
            1 sigma of the image's centre along the view.
        n_draws : int
            How many poses are drawn, independently in each of these numbers.
        seed : int
            For other draws; equal seeds give equal draws.

        Returns
        -------
        numpy.ndarray of float32, shape (H, W)
            From 0 to 1. "No region" is a label like any other.

        Raises
        ------
        NotComputed
            If the run ended before the labels.
        InputError
            If a number is not one, or negative.
        """
        self._labelled()
        check_sigma("tilt_deg", tilt_deg)  # not under the names that it has there
        sigma = PoseSigma(
            position_mm=position_mm,
            height_mm=height_mm,
            yaw_deg=yaw_deg,
            pitch_deg=tilt_deg,
            roll_deg=tilt_deg,
            scale=scale,
        )
        return self._confidence(sigma, n_draws, seed)

    def safe_core(
        self, share: float = 0.95, confidence: NDArray[np.floating] | None = None
    ) -> NDArray[np.bool_]:
        """Return masks of the pixels that keep their region in most draws of the pose.

        Parameters
        ----------
        share : float
            In which share of the draws at least, from 0 to 1.
        confidence : numpy.ndarray, shape (H, W), optional
            From `confidence_for`; `confidence` when not given.

        Returns
        -------
        numpy.ndarray of bool, shape (R, H, W)
            One mask for each region, inside that of `masks`.

        Raises
        ------
        NotComputed
            If the run ended before the labels, or nothing is known of how certain the pose is.
        InputError
            If `share` is no number from 0 to 1, or `confidence` is not of the image's shape.
        """
        labels, names = self._labelled()
        numbers = finite_numbers(share, 1)
        if numbers is None or not 0 <= numbers[0] <= 1:
            message = f"share is a number from 0 to 1; got {share!r}."
            raise InputError(message)
        kept = self.confidence if confidence is None else np.asarray(confidence)
        if kept.shape != labels.shape:
            message = f"confidence has shape {kept.shape}; the image has {labels.shape}."
            raise InputError(message)
        core = np.where(kept >= numbers[0], labels, 0)
        places = np.arange(1, len(names) + 1, dtype=core.dtype)
        return np.asarray(core[None] == places[:, None, None])

    def _confidence(
        self,
        sigma: PoseSigma,
        n_draws: int,
        seed: int,
        numbers: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        kept: NDArray[np.float32] = read_only(
            label_confidence(
                self.state, self._steps, sigma, n_draws=n_draws, seed=seed, numbers=numbers
            )
        )
        return kept
