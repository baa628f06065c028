"""``align``: only place the image, and write the alignment file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainreg3d.cli.options import (
    ATLAS_OPTION_NAMES,
    atlas_arguments,
    atlas_options,
    image_options,
    open_window,
    region_options,
    window_options,
)
from brainreg3d.cli.run_commands import report_pose

if TYPE_CHECKING:
    from brainreg3d.state import Alignment

REPORT_SCHEMA = "brainreg3d/landmark-report/1"
_PATH = click.Path(path_type=Path)
_OF_THE_WINDOW = ("web", "port", "start", "anterior", "tilt", "hemisphere", "match_to")


@click.command()
@click.argument("image", type=_PATH)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    metavar="FILE",
    help="Alignment file to write.  [default: IMAGE's <stem>_alignment.json]",
)
@click.option(
    "--landmarks", type=_PATH, metavar="FILE", help="Points with known places; no window opens."
)
@click.option(
    "--from", "start", type=_PATH, metavar="FILE", help="Start the window at this alignment."
)
@window_options
@click.option("--hemisphere", help="Start over both, left or right.  [default: both]")
@image_options
@atlas_options
@region_options
def align(image: Path, output: Path | None, landmarks: Path | None, **options: Any) -> None:
    """Place IMAGE on the brain and write its alignment file.

    A window asks for the pose, on the screen or with --web in a browser; with --landmarks it is
    computed. An alignment that is there already is kept under another name; give it with --from to
    start from it.
    """
    from brainreg3d.io.images import stem_of
    from brainreg3d.pipeline import BrainReg3D

    if output is None:
        # Where `run` looks for it.
        output = image.with_name(f"{stem_of(image)}_alignment.json")
    if landmarks is not None:
        _check_alone(options)
    chosen = atlas_arguments(**{name: options.pop(name) for name in ATLAS_OPTION_NAMES})
    window = open_window(web=options.pop("web"), port=options.pop("port"))
    match_to = options.pop("match_to")
    registration = BrainReg3D(
        image,
        brain_regions=options.pop("regions"),
        landmarks=landmarks,
        window=window,
        **chosen,
        **options,
    )
    if match_to is not None:
        registration.match_to(match_to)
    result = registration.align(output)
    report_pose(result)
    click.echo(f"Wrote {output}")
    if landmarks is not None and result.alignment is not None:
        click.echo(f"Wrote {_write_report(result.alignment, output)}")


def _check_alone(options: dict[str, Any]) -> None:
    """Refuse options of the window where none opens, rather than ignore them."""
    given = [name for name in _OF_THE_WINDOW if options[name]]
    if given:
        name = {"start": "from"}.get(given[0], given[0]).replace("_", "-")
        message = f"--{name} is for the window, but with --landmarks none opens; give one of them."
        raise click.UsageError(message)


def _write_report(alignment: Alignment, output: Path) -> Path:
    """Write residuals and spread beside the alignment, for programs to read."""
    from brainreg3d.io.alignment import write_json
    from brainreg3d.io.atomic import atomic_files
    from brainreg3d.landmarks.result import landmark_report

    path = output.with_name(f"{output.stem}_landmarks_report.json")
    content = {
        "schema": REPORT_SCHEMA,
        "alignment": output.name,
        "landmarks": alignment.extra.get("landmarks", []),
        "uncertainty": alignment.extra.get("uncertainty", {}),
        "history": alignment.extra.get("history", []),
        "report": landmark_report(alignment.extra),
    }
    with atomic_files("the report") as files:
        write_json(files.temporary(path), content)
    return path
