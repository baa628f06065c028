"""How uncertain the pose of an image is, and where it may lie instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from brainreg3d._arrays import finite_numbers
from brainreg3d.errors import AlignmentError, InputError, did_you_mean
from brainreg3d.geometry import ImageView
from brainreg3d.geometry.view import MAX_PIXEL_SIZE_MM, MIN_PIXEL_SIZE_MM
from brainreg3d.state import Alignment

_COUNTS = {
    "position_mm": (1, 2), "center_mm": (3,), "yaw_deg": (1,), "pitch_deg": (1,), "roll_deg": (1,),
    "tilt_deg": (1,), "scale": (1,),
}  # fmt: skip
"""The keys of an alignment's uncertainty, and how many numbers each may hold."""

_WORDS = {1: "a number", 2: "two numbers", 3: "three numbers"}
_LARGEST = 1000.0  # mm or degrees: with this no label is kept but by chance


def check_sigma(name: str, value: Any, counts: Sequence[int] = (1,)) -> tuple[float, ...]:
    """Return standard deviations as plain floats, or say what is wrong with them.

    Parameters
    ----------
    name : str
        What the user calls them.
    value : object
        What was given.
    counts : sequence of int
        How many numbers it may be.

    Returns
    -------
    tuple of float
        The numbers.

    Raises
    ------
    InputError
        If there are more or fewer of them, or one is no finite number, or negative.
    """
    numbers = next((n for c in counts if (n := finite_numbers(value, c)) is not None), None)
    if numbers is None or min(numbers) < 0:
        expected = " or ".join(_WORDS[count] for count in counts)
        message = f"{name} is a 1-sigma, {expected} from 0 on; got {value!r}."
        raise InputError(message)
    return numbers


def _spread(value: Any, attribute: attrs.Attribute[Any]) -> float:
    return check_sigma(attribute.name, value)[0]


def _pair(value: Any, attribute: attrs.Attribute[Any]) -> tuple[float, float]:
    """Accept one number for both directions, too."""
    numbers = check_sigma(attribute.name, value, (1, 2))
    return numbers[0], numbers[-1]


def _sigma() -> Any:
    return attrs.field(default=0.0, converter=attrs.Converter(_spread, takes_field=True))


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
    height_mm: float = _sigma()
    yaw_deg: float = _sigma()
    pitch_deg: float = _sigma()
    roll_deg: float = _sigma()
    scale: float = _sigma()

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
            Normally distributed about `view`, the pixel size log-normally; its camera moves along.

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
        draws = ndtri(np.clip(points, 1e-9, 1 - 1e-9)) * np.minimum(sigmas, _LARGEST)
        # A wide spread reaches pixels that no image has; such a draw ends at the nearest that may
        # be, where next to no label is kept either.
        size = np.asarray(view.pixel_size_mm)
        smallest, largest = MIN_PIXEL_SIZE_MM / size.min(), MAX_PIXEL_SIZE_MM / size.max()
        draws[:, 6] = np.exp(np.clip(draws[:, 6], np.log(smallest), np.log(largest)))
        for along, down, up, yaw, pitch, roll, factor in draws.tolist():
            pose = view.pose
            moved = np.array([along, down, -up]) @ pose.axes
            yield attrs.evolve(
                view,
                # Rounding must not take it over the edge again.
                pixel_size_mm=np.clip(size * factor, MIN_PIXEL_SIZE_MM, MAX_PIXEL_SIZE_MM),
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
    position, angle = (
        0.0 if value is None else check_sigma(name, value)[0]
        for name, value in {"pose_sigma_mm": sigma_mm, "pose_sigma_deg": sigma_deg}.items()
    )
    return PoseSigma(position_mm=position, yaw_deg=angle, pitch_deg=angle, roll_deg=angle)


def given_numbers(sigma: PoseSigma | None) -> dict[str, float | None]:
    """Return the two numbers that `given_sigma` was given.

    Parameters
    ----------
    sigma : PoseSigma or None
        What it returned.

    Returns
    -------
    dict of str to (float or None)
        ``pose_sigma_mm`` and ``pose_sigma_deg``: 0 for one that was missing, None for both.
    """
    return {
        "pose_sigma_mm": None if sigma is None else sigma.position_mm[0],
        "pose_sigma_deg": None if sigma is None else sigma.yaw_deg,
    }


def check_uncertainty(uncertainty: Any) -> dict[str, tuple[float, ...]]:
    """Return the uncertainty of an alignment file as plain floats.

    Parameters
    ----------
    uncertainty : object
        As it stands there: an object of 1-sigmas by name, or null.

    Returns
    -------
    dict of str to tuple of float
        What is known; empty for null.

    Raises
    ------
    AlignmentError
        If it is something else, has other keys, or a number is not one, or negative.
    """
    if uncertainty is None:
        return {}
    known = ", ".join(_COUNTS)
    if not isinstance(uncertainty, Mapping):
        message = (
            f'"uncertainty" is an object of 1-sigmas by name; got {uncertainty!r}. Known keys: '
            f"{known}."
        )
        raise AlignmentError(message)
    for name in uncertainty:
        if name not in _COUNTS:
            hint = did_you_mean(str(name), _COUNTS)
            message = f'"uncertainty" has an unknown key {name!r}.{hint} Known keys: {known}.'
            raise AlignmentError(message)
    try:
        return {
            name: check_sigma(f'"{name}" of "uncertainty"', value, _COUNTS[name])
            for name, value in uncertainty.items()
            if value is not None
        }
    except InputError as error:
        message = f"{error} Leave out what is not known."
        raise AlignmentError(message) from error


def sigma_of(alignment: Alignment) -> PoseSigma | None:
    """Return what is known of the uncertainty of an alignment.

    Parameters
    ----------
    alignment : Alignment
        Its ``uncertainty`` holds 1 sigma of each number of the pose, as a fit of landmarks gives
        it: ``center_mm`` along the axes of the atlas, instead of which ``position_mm`` counts
        within the image plane, ``yaw_deg``, ``pitch_deg`` and ``roll_deg`` (or else ``tilt_deg``
        for both), ``scale``. What is missing or null counts as certain.

    Returns
    -------
    PoseSigma or None
        None where nothing is known.

    Raises
    ------
    AlignmentError
        If a number is not one, or negative; or if the uncertainty has other keys.
    """
    known = check_uncertainty(alignment.extra.get("uncertainty"))
    if not known:
        return None
    # Independent along the axes of the atlas, for want of more.
    center = np.asarray(known.get("center_mm", (0.0, 0.0, 0.0)))
    along, down, height = np.hypot.reduce(alignment.view.pose.axes * center, axis=1).tolist()
    certain = (0.0,)
    tilt = known.get("tilt_deg", certain)
    position = known.get("position_mm", (along, down))
    return PoseSigma(
        position_mm=(position[0], position[-1]),
        height_mm=height,
        yaw_deg=known.get("yaw_deg", certain)[0],
        pitch_deg=known.get("pitch_deg", tilt)[0],
        roll_deg=known.get("roll_deg", tilt)[0],
        scale=known.get("scale", certain)[0],
    )
