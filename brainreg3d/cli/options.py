"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

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


def atlas_options(command: CommandT) -> CommandT:
    """Add the options that choose an atlas.

    Parameters
    ----------
    command : callable
        A click command function.

    Returns
    -------
    callable
        The same, with the options added.
    """
    options = [
        click.option(
            "--atlas",
            metavar="NAME",
            help="allen_mouse_{10,25,50,100}um, phantom_{25,50,100}um, or an installed "
            "BrainGlobe atlas.  [default: allen_mouse_25um]",
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
    ]
    for option in reversed(options):
        command = option(command)
    return command


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
