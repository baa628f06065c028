"""What a step is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, dataclass_transform

import attrs

from brainreg3d._overrides import adopt_overrides, check_spelling, fields_of
from brainreg3d.errors import PlanError

if TYPE_CHECKING:
    from brainreg3d.atlas import Atlas, RegionSet
    from brainreg3d.geometry import ImageView
    from brainreg3d.state import Image, Registration, Volume


@attrs.frozen(eq=False)
class AlignmentScene:
    """What a window shows while an image is placed.

    Parameters
    ----------
    image : Image
        The image to place.
    atlas : Atlas
        The brain to place it on.
    regions : RegionSet
        Regions to show.
    start : ImageView
        Where the image starts.
    registration : Registration or None
        Of the animal's own volume to the atlas.
    volume : Volume or None
        That volume; its surface is shown in place of the atlas's.
    matched_image : pathlib.Path or None
        Image of an earlier session, to place the new one at the same spot.
    matched_frame : int or None
        Which frame of its stack.
    window_camera : mapping or None
        Camera with which the window starts.
    bregma : str
        Name of the bregma preset that positions are shown against.
    pixel_size_known : bool
        Whether the pixel size was given or stands in the image's file, so that the window keeps
        it; otherwise it is a guess that the user may have to correct.
    matched_view : ImageView or None
        Where the image of the earlier session lies, if its alignment is saved beside it.
    focal_point_mm : tuple of float or None
        From the image's centre to a camera whose direction stays fixed in the atlas however the
        image is tilted; None for a camera that moves with the image.
    """

    image: Image
    atlas: Atlas
    regions: RegionSet
    start: ImageView
    registration: Registration | None = None
    volume: Volume | None = None
    matched_image: Path | None = None
    window_camera: Mapping[str, Any] | None = None
    bregma: str = "ibl"
    pixel_size_known: bool = False
    matched_frame: int | None = None
    matched_view: ImageView | None = None
    focal_point_mm: tuple[float, float, float] | None = None


@attrs.frozen
class PlacedImage:
    """Where a user has placed an image, and what else is to be remembered of it.

    Parameters
    ----------
    view : ImageView
        The view that was accepted.
    extra : mapping
        Optional keys of an alignment file: the landmarks it was placed by, their uncertainty.
    """

    view: ImageView
    extra: Mapping[str, Any] = attrs.field(factory=dict, hash=False)


class AlignmentWindow(Protocol):
    """What an aligner asks for a pose when none was given; windows implement it.

    A window may have a method ``check()`` too, which raises at once if it cannot be opened, before
    an atlas is loaded for it.
    """

    def ask(self, scene: AlignmentScene) -> PlacedImage | ImageView | None:
        """Let the user place the image.

        Parameters
        ----------
        scene : AlignmentScene
            The image, the brain, and where to start.

        Returns
        -------
        PlacedImage or ImageView or None
            The view that was accepted, or None when the user cancelled.
        """
        ...


def _check_attributes(cls: type, own: Mapping[str, Any]) -> None:
    """Refuse class attributes that look like misspelt parameters."""
    names = [field.name for field in fields_of(cls)]
    known = {name for base in cls.__mro__[1:] for name in vars(base)}
    known |= set(own.get("__annotations__", {}))
    for name, value in own.items():
        plain = not (callable(value) or hasattr(value, "__get__") or name.startswith("_"))
        if plain and name not in known:
            check_spelling(cls, name, names)


@dataclass_transform(
    kw_only_default=True, frozen_default=True, eq_default=True, field_specifiers=(attrs.field,)
)
class Step:
    """One link of the chain: typed results in, one typed result out.

    A subclass declares its parameters as annotated class attributes (they become frozen attrs
    fields), names in ``provides`` the field of `State` that it makes, and writes ``compute``.
    What it needs is read from the signature of ``compute``: keyword-only arguments named after
    fields of `State`; one with a default is optional.

    A further subclass overrides a parameter by a plain class attribute, ``n_neighbors = 31``;
    the parent's validator still applies. Assigning to a step class later has no effect.

    Attributes
    ----------
    provides : str
        Name of the field of `State` that the step makes.
    version : int
        Raised whenever the code changes what comes out of the same inputs.
    """

    provides: ClassVar[str] = ""
    version: ClassVar[int] = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = dict(vars(cls))
        attrs.frozen(slots=False, kw_only=True, field_transformer=adopt_overrides)(cls)
        _check_attributes(cls, own)

    def compute(self, **needs: Any) -> Any:
        """Return the result of the step.

        Parameters
        ----------
        **needs
            Declared by each step as keyword-only arguments of its own.

        Returns
        -------
        object
            The value for the field ``provides`` of `State`.

        Raises
        ------
        NotImplementedError
            Always; subclasses write their own.
        """
        message = f"{type(self).__name__} has no compute method."
        raise NotImplementedError(message)

    def kept(self, previous: Any, **needs: Any) -> Any:
        """Return what is kept of an earlier result, though parameters or inputs have changed.

        A pose placed by hand is worth more than a new one; what can be computed again is not.

        Parameters
        ----------
        previous : object
            The earlier result.
        **needs
            What ``compute`` would get.

        Returns
        -------
        object or None
            A result to use instead of computing one; None here.
        """
        del previous, needs

    def is_current(self, previous: Any) -> bool:
        """Tell whether an earlier result still stands, when nothing has changed since.

        Parameters
        ----------
        previous : object
            The earlier result.

        Returns
        -------
        bool
            True, but False for a step that provides files: they may have been moved away.
        """
        del previous
        return self.provides not in ("outputs", "volume_outputs")

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Return the fields of `State` without which the step cannot run.

        Returns
        -------
        tuple of str
            The keyword-only arguments of ``compute`` that have no default.
        """
        return tuple(n for n, p in cls._arguments().items() if p.default is p.empty)

    @classmethod
    def uses(cls) -> tuple[str, ...]:
        """Return all fields of `State` that the step looks at, optional ones included.

        Returns
        -------
        tuple of str
            The keyword-only arguments of ``compute``.
        """
        return tuple(cls._arguments())

    @classmethod
    def _arguments(cls) -> dict[str, inspect.Parameter]:
        parameters = list(inspect.signature(cls.compute).parameters.values())[1:]
        wrong = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        if wrong:
            message = (
                f"{cls.__name__}.compute takes {', '.join(wrong)}; expected keyword-only arguments "
                f"named after fields of State, as in compute(self, *, image, atlas)."
            )
            raise PlanError(message)
        return {p.name: p for p in parameters}

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return the names of the step's parameters.

        Returns
        -------
        tuple of str
            In the order of their declaration.
        """
        return tuple(field.name for field in fields_of(cls))

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that take part in results.

        Returns
        -------
        dict
            By name; ports such as windows are left out.
        """
        return {f.name: getattr(self, f.name) for f in fields_of(type(self)) if f.eq}

    def replace(self, **changes: Any) -> Self:
        """Return the same step with other parameters.

        Parameters
        ----------
        **changes
            New values by name.

        Returns
        -------
        Step
            A new step of the same class.
        """
        return attrs.evolve(self, **changes)  # type: ignore[misc]  # __init_subclass__ makes it one
