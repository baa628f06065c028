"""``run``, ``demo`` and ``show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainreg3d.cli.confidence_line import confidence_line
from brainreg3d.cli.image_dialog import choose_image
from brainreg3d.cli.options import (
    ATLAS_OPTION_NAMES,
    atlas_arguments,
    atlas_options,
    image_options,
    open_window,
    region_options,
    window_options,
)
from brainreg3d.cli.result_options import labelling_options, result_options
from brainreg3d.cli.run_files import files_of_run

if TYPE_CHECKING:
    from brainreg3d.result import Result

_MOST_LINES = 50  # of more regions only those with pixels are listed
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("image", type=_PATH, required=False)
@image_options
@click.option("--alignment", type=_PATH, metavar="FILE", help="Alignment of an earlier session.")
@click.option(
    "--landmarks", type=_PATH, metavar="FILE", help="Points with known places, instead of it."
)
@atlas_options
@region_options
@labelling_options
@window_options
@click.option("-o", "--output-dir", type=_PATH, metavar="DIR", help="Instead of beside the image.")
@click.option("--stem", metavar="NAME", help="How names of results start.  [default: the image's]")
@result_options
@click.option("--verbose", is_flag=True, help="Show every intermediate result.")
@click.option("--save-plots", is_flag=True, help="Save their pictures to <stem>_plots/.")
def run(image: Path | None, **options: Any) -> None:
    """Label the pixels of IMAGE and write a mask for each brain region."""
    from brainreg3d.pipeline import BrainReg3D

    image = choose_image() if image is None else image
    if image is None:
        message = "Missing argument 'IMAGE'."
        raise click.UsageError(message)
    chosen = atlas_arguments(**{name: options.pop(name) for name in ATLAS_OPTION_NAMES})
    save_plots, show_plots = options.pop("save_plots"), options.pop("verbose")
    method, match_to = options.pop("method") or "exact", options.pop("match_to")
    registration = BrainReg3D(
        image,
        brain_regions=options.pop("regions"),
        method=method,
        window=open_window(web=options.pop("web"), port=options.pop("port")),
        verbose="save" if save_plots else show_plots,
        **chosen,
        **options,
    )
    if match_to is not None:
        registration.match_to(match_to)
    asked = any(options[name] is not None for name in ("pose_sigma_mm", "pose_sigma_deg"))
    result = registration.run()
    report(result)
    if (line := confidence_line(result, asked=asked, method=method)) is not None:
        click.echo(line)


@click.command()
@click.argument("volume", type=_PATH)
@click.option(
    "--spacing-um", type=float, nargs=3, metavar="Z Y X", help="Voxel size, slowest axis first."
)
@click.option(
    "--orientation", metavar="LETTERS", help='Where its axes start, such as "psl"; else found.'
)
@click.option("--metric", help="MI, MSE, CC or AntsCC.  [default: MI]")
@atlas_options
@click.option("-o", "--output-dir", type=_PATH, metavar="DIR", help="Instead of beside the volume.")
@click.option("--verbose", is_flag=True, help="Show the registration.")
@click.option("--save-plots", is_flag=True, help="Save its pictures to <stem>_plots/.")
def register(volume: Path, spacing_um: tuple[float, ...] | None, **options: Any) -> None:
    """Register the brain VOLUME to the atlas template, whatever its orientation."""
    from brainreg3d.pipeline import BrainReg3D

    chosen = atlas_arguments(**{name: options.pop(name) for name in ATLAS_OPTION_NAMES})
    save_plots, show_plots = options.pop("save_plots"), options.pop("verbose")
    registration = BrainReg3D(
        volume=volume,
        volume_spacing_mm=None if spacing_um is None else [size / 1000 for size in spacing_um],
        volume_orientation=options.pop("orientation"),
        verbose="save" if save_plots else show_plots,
        **chosen,
        **options,
    )
    report(registration.run())


def report(result: Result) -> None:
    """Print what a run found.

    Parameters
    ----------
    result : Result
        Of a whole run.
    """
    found = result.registration
    if found is not None and result.atlas is not None:
        letters = found.directions
        click.echo(f"Atlas: {result.atlas.title}")
        click.echo(f"Axes of the volume grow to {letters}.")
        click.echo(
            f"It covers {found.covered:.0%} of the brain; overlap {found.overlap:.2f} (Dice)."
        )
    if result.labels is not None and result.atlas is not None:
        click.echo(f"Atlas: {result.atlas.title}")
        report_pose(result)
        unseen = result.unseen or {}
        import numpy as np

        regions = result.regions or ()
        counts = np.bincount(result.labels.ravel(), minlength=len(regions) + 1)[1:]
        few = len(regions) <= _MOST_LINES
        for region, count in zip(regions, counts.tolist(), strict=True):
            note = f"  ({unseen[region.acronym]})" if region.acronym in unseen else ""
            if few or count:
                click.echo(f"{region.acronym:>12}  {count:>9} px{note}")
        if not few:
            click.echo(f"{len(unseen)} of {len(regions)} regions without a pixel: see the table")
    for path in result.files.values():
        click.echo(f"Wrote {path}")
    file, alignment = result.files.get("alignment"), result.alignment
    if file is not None and alignment is not None and alignment.extra.get("landmarks"):
        click.echo(f"Landmarks, their residuals and the spread of the pose are in {file.name}")
    if result.plots_folder is not None:
        click.echo(f"Pictures are in {result.plots_folder}")


def report_pose(result: Result) -> None:
    """Print which pose was taken, as it may come from a file that nobody named, and how sure it is.

    Parameters
    ----------
    result : Result
        Of a run that got to the alignment.
    """
    alignment = result.alignment
    if alignment is None:
        return
    words = {"window": "placed in the window", "landmarks": f"from landmarks of {alignment.file}"}
    origin = words.get(alignment.source) or alignment.file or "given"
    height_mm, width_mm = alignment.view.pixel_size_mm
    click.echo(f"Pose: {origin}; pixels of {height_mm:g} x {width_mm:g} mm (row, column)")
    if alignment.source in ("landmarks", "window"):
        from brainreg3d.landmarks.result import landmark_report

        for line in landmark_report(alignment.extra):
            click.echo(line)


@click.command()
@click.option(
    "-o",
    "--output-dir",
    type=_PATH,
    default=Path("brainreg3d_demo"),
    show_default=True,
    metavar="DIR",
)
def demo(output_dir: Path) -> None:
    """See the whole thing work on a synthetic brain, and how right it is."""
    from brainreg3d.demo import run_demo

    click.echo("Making a synthetic brain (phantom) and an image of it ...")
    outcome = run_demo(output_dir)
    report(outcome.result)
    click.echo(f"Wrote {len(outcome.plots)} pictures to {outcome.plots[0].parent}")
    click.echo(
        f"Agreement with the known truth: {outcome.agreement:.2%} of {outcome.n_pixels} pixels "
        f"(synthetic data; the rest lie on borders between voxels)."
    )


@click.command()
@click.argument("path", type=_PATH)
@click.option("--save", type=_PATH, metavar="FILE", help="Write a PNG instead of showing it.")
@click.option("--image", type=_PATH, metavar="FILE", help="The image, if it is not where it was.")
def show(path: Path, save: Path | None, image: Path | None) -> None:
    """Draw an earlier registration again; PATH is its run file, alignment file or folder."""
    from brainreg3d.gui.display import can_show
    from brainreg3d.io.output_folder import is_one_of
    from brainreg3d.reload import load_registration_result
    from brainreg3d.views import save_figure, show_figures

    if save is None and not can_show():
        message = "There is no screen to show the picture on; give --save FILE."
        raise click.UsageError(message)
    files = [*files_of_run(path), *([] if image is None else [image])]
    if save is not None and is_one_of(save, files):
        message = f"{save} belongs to the run; give the picture another name."
        raise click.UsageError(message)
    figure = load_registration_result(path, image=image).plot_overlay()
    if save is None:
        show_figures([figure])
    else:
        click.echo(f"Wrote {save_figure(figure, save)}")
