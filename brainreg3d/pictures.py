"""Verbose: a picture of every result, shown or saved; steps know nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from brainreg3d import views
from brainreg3d._logging import logger
from brainreg3d.confidence import Certainty
from brainreg3d.drawings import Drawing, confidence_drawings, drawings_of
from brainreg3d.errors import InputError, OutputError, RegistrationFailed, RenderingUnavailable
from brainreg3d.state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Pictures:
    """Draws results as they come; a context manager that shows them at the end.

    Parameters
    ----------
    mode : {"off", "save", "show"}
        What happens to the pictures.
    folder : pathlib.Path or None
        Where they are saved.
    automatic_contrast : bool
        As for `drawings_of`.
    """

    def __init__(self, mode: str, folder: Path | None, automatic_contrast: bool = True) -> None:
        self.mode = mode
        self.folder = folder
        self.automatic_contrast = automatic_contrast
        self._figures: dict[str, Figure] = {}

    @classmethod
    def of(
        cls, verbose: bool | str, folder: Path | None, automatic_contrast: bool = True
    ) -> Pictures:
        """Make what the ``verbose`` argument asks for.

        Parameters
        ----------
        verbose : bool or "save"
            True shows where there is a screen or a notebook, and saves elsewhere.
        folder : pathlib.Path or None
            Where pictures are saved.
        automatic_contrast : bool
            As for `drawings_of`.

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
            if mode == "save" and folder is not None:
                logger.warning("There is no screen; pictures are saved in %s.", folder)
        if mode == "save" and folder is None:
            logger.warning("Pictures are not saved: give output_dir for an image that is an array.")
            mode = "off"
        return cls(mode, folder, automatic_contrast)

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

            show_figures(list(self._figures.values()))

    def draw(self, product: str, state: State) -> None:
        """Draw what belongs to a result.

        Parameters
        ----------
        product : str
            The field of `State` that was just made.
        state : State
            All results so far.
        """
        self._draw(lambda: drawings_of(product, state, self.automatic_contrast))

    def draw_confidence(self, state: State, certainty: Certainty | None) -> None:
        """Draw how certain labels are, where it is known how certain the pose is.

        Parameters
        ----------
        state : State
            All results up to the labels.
        certainty : Certainty or None
            How certain labels are, where anything is known of it.
        """
        self._draw(lambda: confidence_drawings(state, certainty, self.automatic_contrast))

    def _draw(self, drawings: Callable[[], list[Drawing]]) -> None:
        if self.mode == "off":
            return
        for name, make in drawings():
            try:
                figure = make()
            except RenderingUnavailable as error:
                logger.warning("No picture %s: %s", name, error)
                if self.folder is not None:  # what is there shows an earlier run
                    (self.folder / f"{name}.png").unlink(missing_ok=True)
                continue
            self._keep(name, figure)

    def explained(self, error: RegistrationFailed, state: State) -> RegistrationFailed:
        """Return an error with the place of a picture that shows what went wrong.

        Parameters
        ----------
        error : RegistrationFailed
            Why a volume could not be registered.
        state : State
            Holds the atlas and the volume.

        Returns
        -------
        RegistrationFailed
            The picture is saved whatever the mode, but not where results go nowhere.
        """
        if self.folder is None or state.atlas is None or state.volume is None:
            return error
        try:
            figure = views.draw_registration(state.atlas, state.volume, None, problem=str(error))
            path = views.save_figure(figure, self.folder / "09_registration.png")
        except OutputError as unwritable:  # the failed registration matters more
            logger.warning("%s", unwritable)
            return error
        return RegistrationFailed(f"{error} See {path}.")

    def _keep(self, name: str, figure: Figure) -> None:
        if self.mode == "show":
            self._figures[name] = figure
        elif self.folder is not None:
            from brainreg3d.views import save_figure

            path = self.folder / f"{name}.png"
            save_figure(figure, path)
            logger.info("Saved %s.", path)
