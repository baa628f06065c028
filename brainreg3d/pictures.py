"""Verbose: a picture of every result, shown or saved; steps know nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from brainreg3d import views
from brainreg3d._logging import logger
from brainreg3d.atlas import DEFAULT_BREGMA
from brainreg3d.confidence import Certainty
from brainreg3d.errors import InputError, OutputError, RegistrationFailed, RenderingUnavailable
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
    # By the time a result is there, so is what it was made from: `Any` says what types cannot.
    s: Any = state
    if product == "atlas":
        return [("01_atlas", lambda: views.draw_atlas(s.atlas))]
    if product == "registration":
        return [
            (
                "09_registration",
                lambda: views.draw_registration(
                    s.atlas, s.volume, s.registration, automatic_contrast=automatic_contrast
                ),
            )
        ]
    if s.image is None:
        return []

    def image() -> Figure:
        return views.draw_image(
            s.image,
            s.alignment.view.pixel_size_mm,
            atlas=s.atlas,
            automatic_contrast=automatic_contrast,
        )

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
        return views.draw_maps(seen, s.labels, s.regions, **where)

    where = {"alignment": s.alignment, "atlas": s.atlas}
    drawings: dict[str, list[Drawing]] = {
        "alignment": [
            ("02_image", image),
            (
                "03_brain_cut",
                lambda: views.draw_cut(s.atlas, s.regions, s.alignment, image=s.image),
            ),
        ],
        "projections": [
            ("04_projections", lambda: views.draw_projections(s.projections, s.regions, **where)),
        ],
        "visible": [
            ("05_depth", lambda: views.draw_depth(s.projections, s.visible, s.regions, **where)),
        ],
        "labels": [
            ("06_labels", lambda: views.draw_labels(s.labels, s.regions, **where)),
            ("07_overlay", overlay),
            ("08_masks", lambda: views.draw_masks(s.labels, s.regions, **where)),
            ("11_maps", maps),
        ],
    }
    if product == "alignment" and s.alignment.bregma != DEFAULT_BREGMA:
        # Only now is it known which bregma the run counts from.
        atlas = ("01_atlas", lambda: views.draw_atlas(s.atlas, bregma=s.alignment.bregma))
        return [atlas, *drawings[product]]
    return drawings.get(product, [])


def confidence_drawings(
    state: State, certainty: Certainty | None, automatic_contrast: bool = True
) -> list[Drawing]:
    """Return what is to be drawn of how certain labels are.

    Parameters
    ----------
    state, certainty
        As for `Pictures.draw_confidence`.
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
