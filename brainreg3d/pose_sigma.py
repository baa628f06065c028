"""How uncertain the pose of an image is, and where it may lie instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import InputError, did_you_mean
from brainreg3d.geometry import ImageView
from brainreg3d.state import Alignment

_UNCERTAINTY_KEYS = (
    "position_mm", "center_mm", "yaw_deg", "pitch_deg", "roll_deg", "tilt_deg", "scale",
)  # fmt: skip


def _spread(value: Any, attribute: attrs.Attribute[Any]) -> float:
    return _numbers(value, attribute, 1)[0]


def _pair(value: Any, attribute: attrs.Attribute[Any]) -> tuple[float, float]:
    """Accept one number for both directions, too."""
    count = 1 if np.ndim(value) == 0 else 2
    numbers = _numbers(value, attribute, count)
    return numbers[0], numbers[-1]


def _numbers(value: Any, attribute: attrs.Attribute[Any], count: int) -> tuple[float, ...]:
    numbers = finite_numbers(value, count)
    if numbers is None or min(numbers) < 0:
        expected = "a number" if count == 1 else "two numbers"
        message = f"{attribute.name} is a 1-sigma, {expected} from 0 on; got {value!r}."
        raise InputError(message)
    return numbers


@attrs.frozen
class PoseSigma:
    """How uncertain a pose is: standard deviations (1 sigma) of independent errors.

    Parameters
    ----------
    position_mm : float or tuple of float
        Of the centre of the image within its plane, along its (columns, rows).
    height_mm : float
        Of the centre along the view.
    yaw_deg, pitch_deg, roll_deg : float
        Of the angles of the pose; the image turns about its centre.
    scale : float
        Of the pixel size, relative.
    """

    position_mm: tuple[float, float] = attrs.field(
        default=(0.0, 0.0),
        converter=attrs.Converter(_pair, takes_field=True),  # type: ignore[misc]
    )
    height_mm: float = attrs.field(
        default=0.0,
        converter=attrs.Converter(_spread, takes_field=True),  # type: ignore[misc]
    )
    yaw_deg: float = attrs.field(
        default=0.0,
        converter=attrs.Converter(_spread, takes_field=True),  # type: ignore[misc]
    )
    pitch_deg: float = attrs.field(
        default=0.0,
        converter=attrs.Converter(_spread, takes_field=True),  # type: ignore[misc]
    )
    roll_deg: float = attrs.field(
        default=0.0,
        converter=attrs.Converter(_spread, takes_field=True),  # type: ignore[misc]
    )
    scale: float = attrs.field(
        default=0.0,
        converter=attrs.Converter(_spread, takes_field=True),  # type: ignore[misc]
    )

    def __str__(self) -> str:
        along, down = self.position_mm
        position = f"{along:g} mm" if along == down else f"{along:g} and {down:g} mm"
        words = {
            f"{position} within the image plane": along or down,
            f"{self.height_mm:g} mm along the view": self.height_mm,
            f"{self.yaw_deg:g}° of yaw": self.yaw_deg,
            f"{self.pitch_deg:g}° of pitch": self.pitch_deg,
            f"{self.roll_deg:g}° of roll": self.roll_deg,
            f"{self.scale:.2%} of scale": self.scale,
        }
        return ", ".join(word for word, value in words.items() if value) or "nothing"

    def views(self, view: ImageView, n_draws: int, seed: int = 0) -> Iterator[ImageView]:
        """Draw where the image might lie.

        Parameters
        ----------
        view : ImageView
            Where it is thought to lie.
        n_draws : int
            How many; a power of two is spread most evenly.
        seed : int
            Equal seeds give equal draws, scaled by the sigmas.

        Yields
        ------
        ImageView
            Normally distributed about `view`; its camera moves along.

        Notes
        -----
        Sobol's points, which fill space more evenly than random ones, shifted at random as a
        whole; R. Cranley and T. N. L. Patterson, "Randomization of number theoretic methods for
        multiple integration", SIAM J. Numer. Anal. 13, 1976.
        """
        from scipy.special import ndtri  # slow to import
        from scipy.stats import qmc

        shift = np.random.default_rng(seed).random(7)
        sobol = qmc.Sobol(7, scramble=False).random_base2(int(n_draws - 1).bit_length())
        points = (sobol[:n_draws] + shift) % 1.0
        sigmas = [*self.position_mm, self.height_mm]
        sigmas += [self.yaw_deg, self.pitch_deg, self.roll_deg, self.scale]
        for draw in ndtri(np.clip(points, 1e-9, 1 - 1e-9)) * sigmas:
            along, down, up, yaw, pitch, roll, log_scale = draw.tolist()
            pose = view.pose
            moved = np.array([along, down, -up]) @ pose.axes
            yield attrs.evolve(
                view,
                pixel_size_mm=tuple(size * np.exp(log_scale) for size in view.pixel_size_mm),
                pose=attrs.evolve(
                    pose,
                    center_mm=tuple((moved + pose.center_mm).tolist()),
                    yaw_deg=pose.yaw_deg + yaw,
                    pitch_deg=pose.pitch_deg + pitch,
                    roll_deg=pose.roll_deg + roll,
                ),
            )


def given_sigma(sigma_mm: float | None, sigma_deg: float | None) -> PoseSigma | None:
    """Return the uncertainty of a pose in two numbers.

    Parameters
    ----------
    sigma_mm : float or None
        1 sigma of the position within the image plane, along each of its axes.
    sigma_deg : float or None
        1 sigma of each angle.

    Returns
    -------
    PoseSigma or None
        None where neither is given; one that is missing counts as certain.

    Raises
    ------
    InputError
        If a number is not one, or negative.
    """
    if sigma_mm is None and sigma_deg is None:
        return None
    angle = 0.0 if sigma_deg is None else sigma_deg
    position = 0.0 if sigma_mm is None else sigma_mm
    return PoseSigma(position_mm=position, yaw_deg=angle, pitch_deg=angle, roll_deg=angle)


def sigma_of(alignment: Alignment) -> PoseSigma | None:
    """Return what is known of the uncertainty of an alignment.

    Parameters
    ----------
    alignment : Alignment
        Its ``uncertainty`` holds 1 sigma of each number of the pose, as a fit of landmarks gives
        it: ``position_mm`` (or else ``center_mm``), ``yaw_deg``, ``pitch_deg`` and ``roll_deg``
        (or else ``tilt_deg`` for both), ``scale``. What is missing or null counts as certain.

    Returns
    -------
    PoseSigma or None
        None where nothing is known.

    Raises
    ------
    InputError
        If a number is not one, or negative; or if the uncertainty has other keys.
    """
    known = alignment.extra.get("uncertainty")
    if not isinstance(known, Mapping):
        return None
    known = {name: value for name, value in known.items() if value is not None}
    if not known:
        return None
    for name in known:
        if name not in _UNCERTAINTY_KEYS:
            hint = did_you_mean(name, _UNCERTAINTY_KEYS)
            message = (
                f"The alignment's uncertainty has an unknown key {name!r}.{hint} Known keys: "
                f"{', '.join(_UNCERTAINTY_KEYS)}."
            )
            raise InputError(message)
    position = known.get("position_mm")
    if position is None and "center_mm" in known:
        # Independent along the axes of the atlas, for want of more.
        spread = finite_numbers(known["center_mm"], 3)
        if spread is not None:
            position = np.hypot.reduce(alignment.view.pose.axes[:2] * spread, axis=1).tolist()
    tilt = known.get("tilt_deg", 0.0)
    return PoseSigma(
        position_mm=0.0 if position is None else position,
        yaw_deg=known.get("yaw_deg", 0.0),
        pitch_deg=known.get("pitch_deg", tilt),
        roll_deg=known.get("roll_deg", tilt),
        scale=known.get("scale", 0.0),
    )
