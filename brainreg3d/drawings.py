"""What is drawn of each result of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from brainreg3d import views
from brainreg3d.atlas import DEFAULT_BREGMA
from brainreg3d.confidence import Certainty
from brainreg3d.maps import SurfaceMaps
from brainreg3d.state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = tuple[str, Callable[[], "Figure"]]


def drawings_of(product: str, state: State, automatic_contrast: bool = True) -> list[Drawing]:
    """Return what is to be drawn once a result is there.

    Parameters
    ----------
    product : str
        The field of `State` that was just made.
    state : State
        All results so far.
    automatic_contrast : bool
        Whether the image's contrast follows ImageJ's rule or spans all values.

    Returns
    -------
    list of (str, callable)
        File names without suffix, and functions that return a figure.
    """
    if product == "atlas":
        return _of_atlas(state)
    if product == "registration":
        return _of_registration(state, automatic_contrast)
    if state.image is None:
        return []
    if product == "alignment":
        return _of_alignment(state, automatic_contrast)
    if product == "projections":
        return _of_projections(state)
    if product == "visible":
        return _of_visible(state)
    if product == "labels":
        return _of_labels(state, automatic_contrast)
    return []


def confidence_drawings(
    state: State, certainty: Certainty | None, automatic_contrast: bool = True
) -> list[Drawing]:
    """Return what is to be drawn of how certain labels are.

    Parameters
    ----------
    state : State
        All results up to the labels.
    certainty : Certainty or None
        How certain labels are, where anything is known of it.
    automatic_contrast : bool
        As for `drawings_of`.

    Returns
    -------
    list of (str, callable)
        As `drawings_of` returns it; empty where it is not known how certain the pose is.
    """
    s: Any = state
    if certainty is None or s.image is None:
        return []

    def confidence() -> Figure:
        return views.draw_confidence(
            certainty.confidence,
            s.image,
            s.alignment,
            s.regions,
            s.labels,
            spread=str(certainty.sigma),
            atlas=s.atlas,
            automatic_contrast=automatic_contrast,
        )

    return [("10_confidence", confidence)]


# By the time a result is there, so is what it was made from: `Any` says what types cannot.


def _of_atlas(s: Any) -> list[Drawing]:
    return [("01_atlas", lambda: views.draw_atlas(s.atlas))]


def _of_registration(s: Any, automatic_contrast: bool) -> list[Drawing]:
    def registration() -> Figure:
        return views.draw_registration(
            s.atlas, s.volume, s.registration, automatic_contrast=automatic_contrast
        )

    return [("09_registration", registration)]


def _of_alignment(s: Any, automatic_contrast: bool) -> list[Drawing]:
    def image() -> Figure:
        return views.draw_image(
            s.image,
            s.alignment.view.pixel_size_mm,
            atlas=s.atlas,
            automatic_contrast=automatic_contrast,
        )

    def cut() -> Figure:
        return views.draw_cut(s.atlas, s.regions, s.alignment, image=s.image)

    drawings: list[Drawing] = [("02_image", image), ("03_brain_cut", cut)]
    if s.alignment.bregma != DEFAULT_BREGMA:
        # Only now is it known which bregma the run counts from.
        atlas = ("01_atlas", lambda: views.draw_atlas(s.atlas, bregma=s.alignment.bregma))
        drawings.insert(0, atlas)
    return drawings


def _of_projections(s: Any) -> list[Drawing]:
    def projections() -> Figure:
        return views.draw_projections(s.projections, s.regions, **_where(s))

    return [("04_projections", projections)]


def _of_visible(s: Any) -> list[Drawing]:
    def depth() -> Figure:
        return views.draw_depth(s.projections, s.visible, s.regions, **_where(s))

    return [("05_depth", depth)]


def _of_labels(s: Any, automatic_contrast: bool) -> list[Drawing]:
    def overlay() -> Figure:
        return views.draw_overlay(
            s.image,
            s.alignment,
            s.regions,
            s.labels,
            atlas=s.atlas,
            automatic_contrast=automatic_contrast,
        )

    def maps() -> Figure:
        seen = SurfaceMaps(s.alignment.view, s.atlas.annotation)
        return views.draw_maps(seen, s.labels, s.regions, **_where(s))

    return [
        ("06_labels", lambda: views.draw_labels(s.labels, s.regions, **_where(s))),
        ("07_overlay", overlay),
        ("08_masks", lambda: views.draw_masks(s.labels, s.regions, **_where(s))),
        ("11_maps", maps),
    ]


def _where(s: Any) -> dict[str, Any]:
    return {"alignment": s.alignment, "atlas": s.atlas}
