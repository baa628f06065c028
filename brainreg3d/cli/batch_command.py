"""``batch``: many images, on all cores or on a cluster."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainreg3d.cli.options import (
    ATLAS_OPTION_NAMES,
    atlas_arguments,
    atlas_options,
    image_options,
    region_options,
)
from brainreg3d.cli.result_options import labelling_options, result_options

if TYPE_CHECKING:
    from brainreg3d.batch import BatchSummary, SessionOutcome

SOME_FAILED = 1
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("sessions", type=_PATH)
@click.option(
    "-o", "--output-dir", type=_PATH, required=True, metavar="DIR", help="Folder for all results."
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Sessions at a time.  [default: one for each core]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on a dask.distributed cluster, such as tcp://10.0.0.1:8786.",
)
@click.option("--check", is_flag=True, help="Read all earlier results again, not only their sizes.")
@click.option(
    "--group-space",
    type=click.Choice(["ccf", "image"]),
    default="ccf",
    show_default=True,
    help="How sessions of a group lie on each other: in the brain seen from above, or pixel on "
    "pixel.",
)
@click.option("--alignment", type=_PATH, metavar="FILE", help="Alignment of all images.")
@click.option(
    "--reference", type=_PATH, metavar="IMAGE", help="Earlier image to carry the pose over from."
)
@click.option(
    "--reference-alignment", type=_PATH, metavar="FILE", help="Its alignment.  [default: beside it]"
)
@image_options
@atlas_options
@region_options
@labelling_options
@result_options
@click.option("--save-plots", is_flag=True, help="Save pictures of every intermediate result.")
def batch(sessions: Path, output_dir: Path, **options: Any) -> int:
    """Label the images of the table SESSIONS, each into a folder of its own.

    SESSIONS is a CSV file with a row for each image, in the column image. Others may be session,
    animal, alignment, image_width_mm and image_height_mm; the guide lists all. Options hold for
    rows that do not say otherwise. What was done before is not done again. The exit code is 0 only
    if every session is done.
    """
    from brainreg3d.batch import run_batch

    chosen = atlas_arguments(**{name: options.pop(name) for name in ATLAS_OPTION_NAMES})
    verbose = "save" if options.pop("save_plots") else False
    summary = run_batch(
        sessions, output_dir, on_outcome=_show, verbose=verbose, **chosen, **options
    )
    _report(summary)
    return 0 if summary.is_complete else SOME_FAILED


def _show(outcome: SessionOutcome) -> None:
    from tqdm import tqdm

    if outcome.reason:  # above the progress bar, if there is one
        tqdm.write(f"Failed: {outcome.name}: {outcome.reason}", file=sys.stderr)


def _report(summary: BatchSummary) -> None:
    n_done, n_kept, n_failed = (
        len(names) for names in (summary.done, summary.kept, summary.failed)
    )
    click.echo(
        f"{n_done} of {n_done + n_failed} sessions are done: {n_done - n_kept} run now, {n_kept} "
        f"kept from before; {n_failed} failed."
    )
    for path in summary.files:
        click.echo(f"Wrote {path}")
