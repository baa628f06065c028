"""``traces``: the signal of each region in a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainreg3d.cli.result_options import (
    relabelling_arguments,
    relabelling_files,
    relabelling_options,
)
from brainreg3d.cli.run_files import files_of_run

if TYPE_CHECKING:
    import pandas as pd

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("recording")
@click.option(
    "--alignment",
    type=_PATH,
    required=True,
    metavar="FILE",
    help="<stem>_alignment.json of the image on which the frames lie, or the folder of its run.",
)
@click.option(
    "-o", "--output", type=_PATH, required=True, metavar="FILE", help="Table: .csv or .parquet."
)
@click.option(
    "--statistic",
    type=click.Choice(("mean", "median", "dff")),
    multiple=True,
    default=("mean",),
    help="dff is ΔF/F of the mean; may be repeated.  [default: mean]",
)
@click.option(
    "--baseline",
    default="mean",
    show_default=True,
    metavar="WHAT",
    help="Of ΔF/F: mean, percentile:10, or frames:0:100.",
)
@click.option(
    "--weights", type=click.Choice(("confidence",)), help="Certain pixels count more in means."
)
@click.option("--split-hemispheres", is_flag=True, help="Columns VISp_L and VISp_R.")
@click.option(
    "--binning",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Pixels of the image along each side of one of the recording.",
)
@click.option(
    "--crop-origin",
    type=int,
    nargs=2,
    metavar="ROW COL",
    help="First pixel of a recording of a part, in pixels of the image.",
)
@click.option("--whole-bins", is_flag=True, help="Of binned pixels, only those in one region.")
@click.option("--channel", type=int, metavar="N", help="Which channel, from 0.")
@click.option(
    "--missing-chunks",
    type=click.Choice(("error", "fill")),
    default="error",
    show_default=True,
    help="Whether chunks that a Zarr store or HDF5 file lacks are lost, or full of its fill value.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Work on a dask cluster.")
@relabelling_options
def traces(recording: str, alignment: Path, output: Path, **options: Any) -> None:
    """Write the signal of each region in RECORDING: a row for each frame.

    RECORDING is a TIFF, Zarr, HDF5, .npy or raw file; what is meant within a file follows two
    colons, as in session.h5::acquisition/frames. It may be larger than memory. Labels are those
    of the run that left the alignment file, or are made anew where other options are given.
    """
    from brainreg3d.errors import MissingFileError
    from brainreg3d.pipeline import BrainReg3D
    from brainreg3d.traces import region_traces
    from brainreg3d.traces.files import TraceFiles
    from brainreg3d.traces.open import split_path

    statistics = options.pop("statistic")
    read = [*files_of_run(alignment), *relabelling_files(options)]
    TraceFiles.named(output, statistics, *read)  # before reading in vain
    path = split_path(recording)[0]
    if not path.exists():
        message = f"There is no file {path}. Check the path of the recording."
        raise MissingFileError(message)
    result = BrainReg3D.load(alignment, **relabelling_arguments(options))
    table = region_traces(recording, result, statistic=statistics, output=output, **options)
    _report(table, output, statistics)


def _report(table: pd.DataFrame, output: Path, statistics: tuple[str, ...]) -> None:
    from brainreg3d.traces.files import TraceFiles

    files = TraceFiles.named(output, statistics)
    n_regions = len(table.attrs["columns"])
    click.echo(f"{len(table)} frames, {n_regions} columns")
    if "baseline" in table.attrs:
        click.echo(f"Baseline of ΔF/F: {table.attrs['baseline']}")
    for path in (*files.tables.values(), files.pixels, files.info):
        if path is not None:
            click.echo(f"Wrote {path}")
