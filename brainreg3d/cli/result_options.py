"""Options for how pixels are labelled, and what is written of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from brainreg3d.cli.options import (
    ATLAS_OPTION_NAMES,
    CommandT,
    add_options,
    atlas_arguments,
    atlas_options,
    pixel_size_option,
    region_options,
)

_PATH = click.Path(path_type=Path)


RELABELLING_OPTION_NAMES = (
    *ATLAS_OPTION_NAMES,
    "regions",
    "overlap",
    "method",
    "occluders",
    "label_depth_um",
    "along",
    "hemisphere",
    "window_mask",
    "pixel_size_mm",
    "pose_sigma_mm",
    "pose_sigma_deg",
)
"""What `relabelling_options` adds, and `relabelling_arguments` takes."""


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
    return add_options(command, *_labelling_options("exact", "ray", "both"))


def relabelling_options(command: CommandT) -> CommandT:
    """Add the options that make a command label the pixels of an earlier run in another way.

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
        functools.partial(atlas_options, default="the alignment's"),
        functools.partial(region_options, overlap="as the run"),
        *_labelling_options(*["as the run"] * 3),
        pixel_size_option,
        _pose_sigma_options,
    )


def relabelling_files(options: dict[str, Any]) -> list[Path]:
    """Return the files among what `relabelling_options` has added; a command reads them.

    Parameters
    ----------
    options : dict
        All options by name, before `relabelling_arguments` takes any.

    Returns
    -------
    list of pathlib.Path
        Volumes and structures of a local atlas, and the window mask, where they are given.
    """
    values = (options[name] for name in RELABELLING_OPTION_NAMES)
    return [value.expanduser() for value in values if isinstance(value, Path)]


def relabelling_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Take what `relabelling_options` has added out of the options of a command.

    Parameters
    ----------
    options : dict
        All options by name; those that are taken are no longer in it.

    Returns
    -------
    dict
        Arguments of `BrainReg3D.load`: what was given, and nothing else.

    Raises
    ------
    click.UsageError
        If the options contradict each other.
    """
    taken = {name: options.pop(name) for name in RELABELLING_OPTION_NAMES}
    chosen = atlas_arguments(**{name: taken.pop(name) for name in ATLAS_OPTION_NAMES})
    taken["brain_regions"] = taken.pop("regions")
    return chosen | {name: value for name, value in taken.items() if value is not None}


def _labelling_options(method: str, along: str, hemisphere: str) -> list[Callable[..., Any]]:
    """Return the options, whose help names these as what holds without them."""
    return [
        click.option(
            "--method",
            metavar="HOW",
            help=f"exact (one ray a pixel), surface (meshes) or original.  [default: {method}]",
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
            help=f"Down along the ray, or the surface's normal.  [default: {along}]",
        ),
        click.option(
            "--hemisphere",
            metavar="SIDE",
            help=f"both, left or right.  [default: {hemisphere}]",
        ),
        click.option(
            "--window-mask", type=_PATH, metavar="FILE", help="Not zero inside the window."
        ),
    ]


def _pose_sigma_options(command: CommandT) -> CommandT:
    return add_options(
        command,
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
        _pose_sigma_options,
    )
