"""Options for how pixels are labelled, and what is written of them."""

from __future__ import annotations

from pathlib import Path

import click

from brainreg3d.cli.options import CommandT, add_options

_PATH = click.Path(path_type=Path)


def labelling_options(command: CommandT) -> CommandT:
    """Add the options that say how pixels are labelled.

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
            "--method",
            metavar="HOW",
            help="exact (one ray a pixel), surface (meshes) or original.  [default: exact]",
        ),
        click.option(
            "--occluders", metavar="WHAT", help="What hides: tissue, or only the regions."
        ),
        click.option(
            "--label-depth-um",
            type=float,
            metavar="UM",
            help="Label by the tissue below the surface.",
        ),
        click.option(
            "--along",
            metavar="WAY",
            help="Down along the ray, or the surface's normal.  [default: ray]",
        ),
        click.option("--hemisphere", metavar="SIDE", help="both, left or right.  [default: both]"),
        click.option(
            "--window-mask", type=_PATH, metavar="FILE", help="Not zero inside the window."
        ),
    )


def result_options(command: CommandT) -> CommandT:
    """Add the options that say what is written of labelled pixels.

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
            "--formats",
            metavar="A,B,...",
            help="What is written: masks, labels, csv, rois, geojson, ome, wfield, nwb, preview, "
            "report.  [default: masks,labels,csv]",
        ),
        click.option(
            "--label-values",
            metavar="KIND",
            help="index (1, 2, 3, ...) or ids.  [default: index]",
        ),
        click.option(
            "--split-hemispheres", is_flag=True, default=None, help="Left and right apart."
        ),
        click.option(
            "--pose-sigma-mm",
            type=float,
            metavar="MM",
            help="How uncertain the position is, 1 sigma.",
        ),
        click.option(
            "--pose-sigma-deg",
            type=float,
            metavar="DEG",
            help="How uncertain each angle is, 1 sigma.",
        ),
    )
