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
    window_options,
)
from brainreg3d.cli.run_commands import report_pose

if TYPE_CHECKING:
    from brainreg3d.pipeline import BrainReg3D
    from brainreg3d.state import Alignment

REPORT_SCHEMA = "brainreg3d/landmark-report/1"
_PATH = click.Path(path_type=Path)
_OF_THE_WINDOW = ("web", "start", "anterior", "tilt", "hemisphere", "match_to")


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
@click.option("--regions", metavar="A,B,...", help="Regions to show in the window.")
def align(image: Path, output: Path | None, landmarks: Path | None, **options: Any) -> None:
    """Place IMAGE on the brain and write its alignment file.

    A window asks for the pose, on the screen or with --web in a browser; with --landmarks it is
    computed. An alignment that is there already is kept under another name; give it with --from to
    start from it.
    """
    from brainreg3d.pipeline import BrainReg3D

    if output is None:
        # Where `run` looks for it.
        output = image.with_name(f"{image.stem.removesuffix('.ome')}_alignment.json")
    if landmarks is not None:
        _check_alone(options)
    chosen = atlas_arguments(**{name: options.pop(name) for name in ATLAS_OPTION_NAMES})
    web, match_to = options.pop("web"), options.pop("match_to")
    registration = BrainReg3D(
        image,
        brain_regions=options.pop("regions"),
        window=open_window(web=web),
        **chosen,
        **options,
    )
    if match_to is not None:
        registration.match_to(match_to)
    if landmarks is not None:
        _use_landmarks(registration, landmarks)
    result = registration.align(output)
    report_pose(result)
    if landmarks is not None and result.alignment is not None:
        _report_landmarks(result.alignment, output)
    click.echo(f"Wrote {output}")


def _check_alone(options: dict[str, Any]) -> None:
    """Refuse options of the window where none opens, rather than ignore them."""
    given = [name for name in _OF_THE_WINDOW if options[name]]
    if given:
        name = {"start": "from"}.get(given[0], given[0]).replace("_", "-")
        message = f"--{name} is for the window, but with --landmarks none opens; give one of them."
        raise click.UsageError(message)


def _use_landmarks(registration: BrainReg3D, landmarks: Path) -> None:
    from brainreg3d.steps.landmark_align import LandmarkAligner

    slot = "ManualAligner"
    setattr(registration, slot, LandmarkAligner(landmarks=landmarks))


def _report_landmarks(alignment: Alignment, output: Path) -> None:
    """Print residuals and spread, and write them beside the alignment."""
    from brainreg3d.io.alignment import write_json
    from brainreg3d.io.atomic import atomic_files
    from brainreg3d.landmarks.result import landmark_report

    lines = landmark_report(alignment.extra)
    for line in lines:
        click.echo(line)
    path = output.with_name(f"{output.stem}_landmarks_report.json")
    content = {
        "schema": REPORT_SCHEMA,
        "alignment": output.name,
        "landmarks": alignment.extra.get("landmarks", []),
        "uncertainty": alignment.extra.get("uncertainty", {}),
        "report": lines,
    }
    with atomic_files("the report") as files:
        write_json(files.temporary(path), content)
    click.echo(f"Wrote {path}")
