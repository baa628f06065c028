"""``lookup``: the regions that ROIs lie in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from brainreg3d.cli.result_options import (
    relabelling_arguments,
    relabelling_files,
    relabelling_options,
)
from brainreg3d.cli.run_files import files_of_run

_PATH = click.Path(path_type=Path)
_MOST_LINES = 20


@click.command()
@click.argument("rois", type=_PATH)
@click.option(
    "--alignment",
    type=_PATH,
    required=True,
    metavar="FILE",
    help="Alignment file, or any file or the folder of an earlier run.",
)
@click.option("-o", "--output", type=_PATH, required=True, metavar="CSV", help="The table, .csv.")
@click.option(
    "--binning",
    type=int,
    default=1,
    metavar="N",
    help="ROIs were made on a recording whose pixels are N x N of the aligned image's.",
)
@click.option(
    "--crop-origin",
    type=int,
    nargs=2,
    metavar="ROW COL",
    help="ROIs were made on a part of the aligned image that starts here.",
)
@click.option(
    "--point-unit",
    type=click.Choice(("px", "mm", "um")),
    default="px",
    show_default=True,
    help="What a CSV of points counts in; mm and um from the upper left corner of the image.",
)
@click.option("--bregma", metavar="PRESET", help="ibl, wfield, ...  [default: the alignment's]")
@relabelling_options
def lookup(
    rois: Path,
    alignment: Path,
    output: Path,
    binning: int,
    crop_origin: tuple[int, int] | None,
    point_unit: str,
    bregma: str | None,
    **options: Any,
) -> None:
    """Find the regions that ROIS lie in.

    ROIS is suite2p's stat.npy, a .roi or .zip of ImageJ, a label image or a CSV of points. The
    table has region, share per region, hemisphere, CCF and stereotaxic position and the distance
    to the border of the region.
    """
    from brainreg3d.io.output_folder import is_one_of
    from brainreg3d.lookup import look_up_rois, read_rois, write_roi_table
    from brainreg3d.lookup.look_up import check_table_name
    from brainreg3d.pipeline import BrainReg3D

    read = [rois, *files_of_run(alignment), *relabelling_files(options)]
    if is_one_of(output, read):
        message = f"{output} is read from; give the table another name."
        raise click.UsageError(message)
    changes = relabelling_arguments(options)
    check_table_name(output)
    found = read_rois(rois, point_unit)  # a wrong file is found out before an atlas is loaded
    result = BrainReg3D.load(alignment, bregma=bregma, **changes)
    table = look_up_rois(found, result, binning=binning, crop_origin=crop_origin)
    click.echo(f"Atlas: {result.atlas.title if result.atlas else ''}")
    for line in _summary(table):
        click.echo(line)
    click.echo(f"Wrote {write_roi_table(table, output)}")


def _summary(table: Any) -> list[str]:
    """Count ROIs by region, and name what is not on the image."""
    counts = table["region"].value_counts(sort=True)
    lines = [f"{len(table)} ROIs"]
    lines += [
        f"{name or '(none)':>12}  {count:>6}" for name, count in counts.head(_MOST_LINES).items()
    ]
    if len(counts) > _MOST_LINES:
        lines.append(f"... and {len(counts) - _MOST_LINES} more regions: see the table")
    outside = int((table["n_outside"] > 0).sum())
    if outside:
        lines.append(
            f"{outside} of {len(table)} ROIs reach beyond the aligned image (n_outside); check "
            f"--binning, --crop-origin and, for a table of points, --point-unit."
        )
    return lines
