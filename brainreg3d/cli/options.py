"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from brainreg3d.steps import AlignmentWindow

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)

ATLAS_OPTION_NAMES = (
    "atlas",
    "annotation",
    "structures",
    "template",
    "atlas_orientation",
    "atlas_spacing_um",
)
"""What `atlas_options` adds, and `atlas_arguments` takes."""


def atlas_options(command: CommandT, default: str = "allen_mouse_25um") -> CommandT:
    """Add the options that choose an atlas.

    Parameters
    ----------
    command : callable
        A click command function.
    default : str
        What its help says that is taken without them.

    Returns
    -------
    callable
        The same, with the options added.
    """
    return add_options(
        command,
        click.option(
            "--atlas",
            metavar="NAME",
            help="allen_mouse_{10,25,50,100}um, phantom_{25,50,100}um, or an installed "
            f"BrainGlobe atlas.  [default: {default}]",
        ),
        click.option("--annotation", type=_PATH, help="Local atlas: volume of structure ids."),
        click.option("--structures", type=_PATH, help="Local atlas: structure tree, JSON or CSV."),
        click.option("--template", type=_PATH, help="Local atlas: grey-value volume."),
        click.option(
            "--atlas-orientation",
            metavar="LETTERS",
            help='Local atlas: where its axes grow to, such as "PIR".',
        ),
        click.option(
            "--atlas-spacing-um",
            type=float,
            nargs=3,
            metavar="A B C",
            help="Local atlas: voxel size along the file's axes.",
        ),
    )


def image_options(command: CommandT) -> CommandT:
    """Add the options that say what an image is: its size, frame and camera.

    Parameters
    ----------
    command : callable
        A click command function.

    Returns
    -------
    callable
        The same, with the options added.
    """
    return add_options(
        command,
        click.option(
            "--image-dims-mm", type=float, nargs=2, metavar="W H", help="Size of the image."
        ),
        pixel_size_option,
        click.option("--frame", type=int, metavar="N", help="Frame of a stack, counted from 0."),
        click.option(
            "--camera-distance-mm",
            callback=_distance,
            metavar="MM",
            help='Camera above the image; "none" for parallel rays.',
        ),
        click.option(
            "--principal-point-px",
            type=float,
            nargs=2,
            metavar="ROW COL",
            help="Pixel under the camera's axis.",
        ),
        click.option(
            "--bregma", metavar="PRESET", help="ibl, wfield, community, ...  [default: ibl]"
        ),
    )


def pixel_size_option(command: CommandT) -> CommandT:
    """Add the option that says how large the pixels of an image are.

    Parameters
    ----------
    command : callable
        A click command function.

    Returns
    -------
    callable
        The same, with the option added.
    """
    return click.option(
        "--pixel-size-mm",
        type=float,
        nargs=2,
        metavar="ROW COL",
        help="Size of a pixel of the image.",
    )(command)


def region_options(command: CommandT, overlap: str = "error") -> CommandT:
    """Add the options that say which regions are labelled.

    Parameters
    ----------
    command : callable
        A click command function.
    overlap : str
        What its help says that holds without ``--overlap``.

    Returns
    -------
    callable
        The same, with the options added.
    """
    return add_options(
        command,
        click.option(
            "--regions",
            metavar="A,B,...",
            help="Acronyms, ids or names, commas included, or a cut: families, areas, "
            "areas+layers, wfield or all.",
        ),
        click.option(
            "--overlap",
            metavar="HOW",
            help="Regions inside each other: error, or deepest (the inner one wins).  "
            f"[default: {overlap}]",
        ),
    )


def window_options(command: CommandT) -> CommandT:
    """Add the options that say where the pose is asked for, and how the image starts there.

    Parameters
    ----------
    command : callable
        A click command function.

    Returns
    -------
    callable
        The same, with the options added.
    """
    return add_options(
        command,
        click.option("--web", is_flag=True, help="Open the alignment window in a browser."),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            metavar="N",
            help="Where --web serves its page, always the same for ssh.  [default: any free]",
        ),
        click.option(
            "--anterior", metavar="SIDE", help="Side of anterior in the picture.  [default: up]"
        ),
        click.option(
            "--tilt", metavar="HOW", help='"surface": start tilted like all that the image sees.'
        ),
        click.option(
            "--match-to",
            type=_PATH,
            metavar="IMAGE",
            help="Show an earlier image of the same animal in the window.",
        ),
    )


def open_window(*, web: bool, port: int | None) -> AlignmentWindow | None:
    """Return the window that was asked for.

    Parameters
    ----------
    web : bool
        Whether ``--web`` was given.
    port : int or None
        What ``--port`` was given.

    Returns
    -------
    AlignmentWindow or None
        None for the window on the screen, which opens by itself where it is needed.

    Raises
    ------
    click.UsageError
        If there is a port and no ``--web``.
    """
    if not web and port is not None:
        message = "--port says where --web serves its page; give --web too."
        raise click.UsageError(message)
    if not web:
        return None
    from brainreg3d.gui.web import WebWindow

    window: AlignmentWindow = WebWindow(port or 0, announce=click.echo)
    return window


def add_options(command: CommandT, *options: Callable[[CommandT], CommandT]) -> CommandT:
    """Add options so that the help shows them in this order.

    Parameters
    ----------
    command : callable
        A click command function.
    *options : callable
        Made by `click.option`.

    Returns
    -------
    callable
        The same, with the options added.
    """
    for option in reversed(options):
        command = option(command)
    return command


def _distance(_: click.Context, __: click.Parameter, value: str | None) -> Any:
    if value is None:
        from brainreg3d.steps import NOT_GIVEN

        return NOT_GIVEN
    if value.lower() in ("none", "parallel"):
        return None
    try:
        return float(value)
    except ValueError as error:
        message = f'{value!r} is neither a number of mm nor "none".'
        raise click.BadParameter(message) from error


def atlas_arguments(
    atlas: str | None,
    annotation: Path | None,
    structures: Path | None,
    template: Path | None,
    atlas_orientation: str | None,
    atlas_spacing_um: tuple[float, float, float] | None,
) -> dict[str, Any]:
    """Return the arguments of `BrainReg3D` that choose the atlas.

    Parameters
    ----------
    atlas, annotation, structures, template, atlas_orientation, atlas_spacing_um
        The options of `atlas_options`.

    Returns
    -------
    dict
        ``atlas`` or ``template_source``, or neither.

    Raises
    ------
    click.UsageError
        If the options contradict each other.
    """
    local = [annotation, structures, template, atlas_orientation, atlas_spacing_um]
    if all(value is None for value in local):
        return {} if atlas is None else {"atlas": atlas}
    if atlas is not None:
        message = "Give either --atlas or the files of a local atlas, not both."
        raise click.UsageError(message)
    from brainreg3d.steps import LocalTemplateSource

    source = LocalTemplateSource(
        annotation=annotation,
        structures=structures,
        template=template,
        orientation=atlas_orientation,
        spacing_um=atlas_spacing_um,
    )
    return {"template_source": source}
