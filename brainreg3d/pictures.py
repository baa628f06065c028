"""Verbose: a picture of every result, shown or saved; steps know nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from brainreg3d._logging import logger
from brainreg3d.errors import InputError, RenderingUnavailable
from brainreg3d.state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = tuple[str, Callable[[State], "Figure"]]


def drawings_of(product: str, state: State) -> Iterator[Drawing]:
    """Yield what is to be drawn once a result is there.

    Parameters
    ----------
    product : str
        The field of `State` that was just made.
    state : State
        All results so far.

    Yields
    ------
    name : str
        File name without suffix.
    draw : callable
        Takes the state and returns a figure.
    """
    from brainreg3d import views

    # Fields are there by the time their product is; the annotations of State cannot say so.
    def known(state: State) -> Any:
        return state

    if product == "atlas":
        yield "01_atlas", lambda s: views.draw_atlas(known(s).atlas)
    elif product == "alignment":
        yield "02_image", lambda s: views.draw_image(s.image, known(s).alignment.view.pixel_size_mm)
        yield "03_brain_cut", lambda s: views.draw_cut(
            s.atlas, s.regions, s.alignment, image=s.image
        )
    elif product == "projections":
        yield "04_projections", lambda s: views.draw_projections(
            s.projections, s.regions, alignment=s.alignment, atlas=s.atlas
        )
    elif product == "visible":
        yield "05_depth", lambda s: views.draw_depth(
            s.projections, s.visible, s.regions, alignment=s.alignment, atlas=s.atlas
        )
    elif product == "labels" and state.image is not None:
        yield "06_labels", lambda s: views.draw_labels(
            s.labels, s.regions, s.alignment, atlas=s.atlas
        )
        yield "07_overlay", lambda s: views.draw_overlay(
            s.image, s.alignment, s.regions, s.labels, atlas=s.atlas
        )
        yield "08_masks", lambda s: views.draw_masks(
            s.labels, s.regions, s.alignment, atlas=s.atlas
        )


class Pictures:
    """Draws results as they come; a context manager that shows them at the end.

    Parameters
    ----------
    mode : {"off", "save", "show"}
        What happens to the pictures.
    folder : pathlib.Path or None
        Where they are saved.
    """

    def __init__(self, mode: str, folder: Path | None) -> None:
        self.mode = mode
        self.folder = folder
        self._figures: list[Figure] = []

    @classmethod
    def of(cls, verbose: bool | str, folder: Path | None) -> Pictures:
        """Make what the ``verbose`` argument asks for.

        Parameters
        ----------
        verbose : bool or "save"
            True shows where there is a screen or a notebook, and saves elsewhere.
        folder : pathlib.Path or None
            Where pictures are saved.

        Returns
        -------
        Pictures
            Ready to draw.

        Raises
        ------
        InputError
            If `verbose` is something else.
        """
        if not isinstance(verbose, bool) and verbose != "save":
            message = f'verbose is True, False or "save"; got {verbose!r}.'
            raise InputError(message)
        mode = "off" if verbose is False else "save" if verbose == "save" else "show"
        if mode == "show":
            from brainreg3d.gui.display import can_show

            mode = "show" if can_show() else "save"
        if mode == "save" and folder is None:
            logger.warning("Pictures are not saved: give output_dir for an image that is an array.")
            mode = "off"
        return cls(mode, folder)

    def __enter__(self) -> Pictures:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Show what was drawn, also when a later step failed: it helps to see why."""
        if self.mode == "show" and self._figures:
            from brainreg3d.views import show_figures

            show_figures(self._figures)

    def draw(self, product: str, state: State) -> None:
        """Draw what belongs to a result.

        Parameters
        ----------
        product : str
            The field of `State` that was just made.
        state : State
            All results so far.
        """
        if self.mode == "off":
            return
        for name, make in drawings_of(product, state):
            try:
                figure = make(state)
            except RenderingUnavailable as error:
                logger.warning("No picture %s: %s", name, error)
                continue
            self._keep(name, figure)

    def _keep(self, name: str, figure: Figure) -> None:
        if self.mode == "show":
            self._figures.append(figure)
        elif self.folder is not None:
            from brainreg3d.views import save_figure

            path = self.folder / f"{name}.png"
            save_figure(figure, path)
            logger.info("Saved %s.", path)
