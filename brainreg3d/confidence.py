"""How certain the label of every pixel is, when the pose of its image is not quite."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._arrays import is_whole, read_only
from brainreg3d._logging import silence
from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView
from brainreg3d.pose_sigma import PoseSigma, sigma_of
from brainreg3d.state import State
from brainreg3d.steps import DepthResolver, PixelLabeller, Projector, Step

DEFAULT_DRAWS = 128
"""Draws of the pose: on a real image with 0.1 mm and 2 degrees of uncertainty they leave an error
of 0.02 (root mean square, against 2048 draws) where labels are uncertain at all; 64 leave 0.03."""

_LABELLING_SLOTS = ("Projector", "DepthResolver", "PixelLabeller")


@attrs.frozen(eq=False, slots=False)
class Certainty:
    """How certain the labels of a run are, worked out once for all who ask.

    Parameters
    ----------
    state : State
        The results up to the labels.
    steps : mapping of str to Step
        As for `label_confidence`.
    sigma : PoseSigma
        How uncertain the pose is.
    """

    state: State = attrs.field(repr=False)
    steps: Mapping[str, Step] = attrs.field(repr=False)
    sigma: PoseSigma

    @classmethod
    def of(
        cls, state: State, steps: Mapping[str, Step], sigma: PoseSigma | None
    ) -> Certainty | None:
        """Return it where anything is known of how certain the pose is.

        Parameters
        ----------
        state : State
            The results up to the labels.
        steps : mapping of str to Step
            As for `label_confidence`.
        sigma : PoseSigma or None
            What the user said; what the alignment says when not given.

        Returns
        -------
        Certainty or None
            None where nothing is known, or there are no labels.
        """
        if state.alignment is None or state.labels is None:
            return None
        known = sigma or sigma_of(state.alignment)
        return None if known is None else cls(state, steps, known)

    @functools.cached_property
    def confidence(self) -> NDArray[np.float32]:
        """Share of draws of the pose in which each pixel keeps its label, shape (H, W)."""
        kept: NDArray[np.float32] = read_only(label_confidence(self.state, self.steps, self.sigma))
        return kept


def label_confidence(
    state: State,
    steps: Mapping[str, Step],
    sigma: PoseSigma,
    *,
    n_draws: int = DEFAULT_DRAWS,
    seed: int = 0,
    numbers: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Return in which share of draws of the pose each pixel keeps its label.

    Parameters
    ----------
    state : State
        The results up to the labels.
    steps : mapping of str to Step
        What fills the slots Projector, DepthResolver and PixelLabeller; the package's own steps
        where there is none.
    sigma : PoseSigma
        How uncertain the pose is.
    n_draws : int
        How many poses are drawn.
    seed : int
        For other draws.
    numbers : numpy.ndarray of int64, shape (N,), optional
        The pixels that are asked for, counted row by row; all when not given. Where rays label
        pixels one by one, no others are looked at.

    Returns
    -------
    numpy.ndarray of float32, shape (H, W) or (N,)
        From 0 to 1. "No region" is a label like any other. A pixel has the same, to the last bit,
        whatever others are asked for.

    Raises
    ------
    InputError
        If `n_draws` is no positive whole number.
    """
    from tqdm import tqdm

    if not is_whole(n_draws) or n_draws < 1:
        message = f"n_draws is a whole number from 1 on; got {n_draws!r}."
        raise InputError(message)
    known: Any = state
    own: NDArray[np.int64] | None = None
    labels = known.labels.labels
    if numbers is not None:
        own, place = np.unique(numbers, return_inverse=True)
        labels = labels.ravel()[own]
    label = _labeller(known, steps, own)
    kept = np.zeros(labels.shape, dtype=np.uint32)
    views = sigma.views(known.alignment.view, int(n_draws), seed)
    for view in tqdm(views, "Drawing poses", n_draws, leave=False, disable=None):
        kept += label(view) == labels
    shares = (kept / np.float64(n_draws)).astype(np.float32)
    return shares if own is None else shares[place]


_OWN: dict[str, Step] = {
    "Projector": Projector(),
    "DepthResolver": DepthResolver(),
    "PixelLabeller": PixelLabeller(),
}


def labels_pixel_by_pixel(steps: Mapping[str, Step]) -> bool:
    """Tell whether the label of a pixel depends on its own ray only.

    Parameters
    ----------
    steps : mapping of str to Step
        As for `label_confidence`.

    Returns
    -------
    bool
        False where neighbours vote, and for steps that are not the package's own.
    """
    projector, resolver, labeller = _filling(steps)
    return (
        (type(projector), type(resolver), type(labeller)) == tuple(map(type, _OWN.values()))
        and projector.sampling == "rays"
        and resolver.cell_px == 1
        and labeller.n_neighbors == 1
    )


def _filling(steps: Mapping[str, Step]) -> list[Any]:
    return [steps.get(slot, _OWN[slot]) for slot in _LABELLING_SLOTS]


def _labeller(
    state: Any, steps: Mapping[str, Step], numbers: NDArray[np.int64] | None
) -> Callable[[ImageView], NDArray[np.uint16]]:
    """Return a function that labels the image, or some pixels of it, at another view."""
    filling = _filling(steps)
    if labels_pixel_by_pixel(steps):
        projector, _, labeller = filling
        return lambda view: _label_first_hits(state, projector, labeller.hemisphere, view, numbers)
    if numbers is None:
        return lambda view: _run_again(state, filling, view)
    return lambda view: _run_again(state, filling, view).ravel()[numbers]


def _label_first_hits(
    state: Any,
    projector: Projector,
    hemisphere: str,
    view: ImageView,
    numbers: NDArray[np.int64] | None,
) -> NDArray[np.uint16]:
    samples = projector.first_samples(
        atlas=state.atlas, regions=state.regions, view=view, numbers=numbers
    )
    region, window = samples.region, state.window_mask
    if hemisphere != "both":
        region = np.where(samples.right == (hemisphere == "right"), region, 0)
    place = samples.y_px.astype(np.int64) * view.shape[1] + samples.x_px.astype(np.int64)
    if numbers is not None:
        place = np.searchsorted(numbers, place)
        window = None if window is None else window.ravel()[numbers]
    shape = view.shape if numbers is None else numbers.shape
    labels = np.zeros(shape, dtype=np.uint16)
    labels.ravel()[place] = region
    return labels if window is None else np.where(window, labels, 0)


def _run_again(state: Any, steps: list[Step], view: ImageView) -> NDArray[np.uint16]:
    state = attrs.evolve(state, alignment=attrs.evolve(state.alignment, view=view))
    with silence():  # each draw would say what the run has said
        for step in steps:
            result = step.compute(**{name: getattr(state, name) for name in step.uses()})
            state = attrs.evolve(state, **{step.provides: result})
    return np.asarray(state.labels.labels)
