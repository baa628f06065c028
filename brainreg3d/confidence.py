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

    Returns
    -------
    numpy.ndarray of float32, shape (H, W)
        From 0 to 1. "No region" is a label like any other.

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
    label = _labeller(known, [steps.get(slot, _OWN[slot]) for slot in _LABELLING_SLOTS])
    kept = np.zeros(known.labels.labels.shape, dtype=np.uint32)
    views = sigma.views(known.alignment.view, int(n_draws), seed)
    for view in tqdm(views, "Drawing poses", n_draws, leave=False, disable=None):
        kept += label(view) == known.labels.labels
    return (kept / np.float64(n_draws)).astype(np.float32)


_OWN: dict[str, Step] = {
    "Projector": Projector(),
    "DepthResolver": DepthResolver(),
    "PixelLabeller": PixelLabeller(),
}


def _labeller(state: Any, steps: list[Any]) -> Callable[[ImageView], NDArray[np.uint16]]:
    """Return a function that labels the image at another view, as the run did."""
    projector, resolver, labeller = steps
    passes_through = (
        (type(projector), type(resolver), type(labeller)) == tuple(map(type, _OWN.values()))
        and projector.sampling == "rays"
        and resolver.cell_px == 1
        and labeller.n_neighbors == 1
    )
    if passes_through:
        return lambda view: _label_first_hits(state, projector, labeller.hemisphere, view)
    return lambda view: _run_again(state, steps, view)


def _label_first_hits(
    state: Any, projector: Projector, hemisphere: str, view: ImageView
) -> NDArray[np.uint16]:
    samples = projector.first_samples(atlas=state.atlas, regions=state.regions, view=view)
    region = samples.region
    if hemisphere != "both":
        region = np.where(samples.right == (hemisphere == "right"), region, 0)
    labels = np.zeros(view.shape, dtype=np.uint16)
    labels[samples.y_px.astype(np.int64), samples.x_px.astype(np.int64)] = region
    return labels if state.window_mask is None else np.where(state.window_mask, labels, 0)


def _run_again(state: Any, steps: list[Step], view: ImageView) -> NDArray[np.uint16]:
    state = attrs.evolve(state, alignment=attrs.evolve(state.alignment, view=view))
    with silence():  # each draw would say what the run has said
        for step in steps:
            result = step.compute(**{name: getattr(state, name) for name in step.uses()})
            state = attrs.evolve(state, **{step.provides: result})
    return np.asarray(state.labels.labels)
