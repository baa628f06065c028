"""``export-atlas``: the active atlas in BrainGlobe's format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from brainreg3d.cli.options import atlas_arguments, atlas_options


@click.command("export-atlas")
@click.option(
    "-o",
    "--output-dir",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="BrainGlobe's data folder; made if there is none.",
)
@click.option("--name", metavar="NAME", help="Name of the export.  [default: the atlas's own]")
@click.option(
    "--species",
    metavar="NAME",
    help="For the manifest, such as Rattus norvegicus.  [default: the atlas's own]",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier export of that name.")
@atlas_options
def export_atlas(
    output_dir: Path, name: str | None, species: str | None, overwrite: bool, **options: Any
) -> None:
    """Write the atlas in BrainGlobe's format, for brainrender and the whole family.

    What it holds: annotation, template, structure tree and smooth meshes of all structures. It
    opens without a network; how is printed at the end.
    """
    from brainreg3d.export.brainglobe import export_brainglobe_atlas, opening_recipe
    from brainreg3d.pipeline import BrainReg3D

    atlas = BrainReg3D(**atlas_arguments(**options)).load_atlas()
    manifest = export_brainglobe_atlas(
        atlas, output_dir, name, species=species, overwrite=overwrite
    )
    click.echo(f"Wrote {manifest}")
    click.echo("\n".join(opening_recipe(manifest)))
