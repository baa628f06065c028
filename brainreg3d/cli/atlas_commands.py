"""``fetch`` and ``regions``."""

from __future__ import annotations

from typing import Any

import click

from brainreg3d.cli.options import atlas_arguments, atlas_options


@click.command()
@click.option("--resolution", type=int, default=25, show_default=True, help="10, 25, 50 or 100 µm.")
def fetch(resolution: int) -> None:
    """Download Allen's annotation, template and structure tree, and list what is cached."""
    from brainreg3d.sources.allen_files import cached_allen_files, fetch_allen_file

    for kind in ("structures", "annotation", "template"):
        fetch_allen_file(kind, None if kind == "structures" else resolution)
    for path in cached_allen_files().values():
        click.echo(f"{path.stat().st_size / 1e6:9.1f} MB  {path}")


@click.command()
@click.argument("pattern", required=False)
@click.option("--under", metavar="REGION", help="Only what belongs to this structure.")
@atlas_options
def regions(pattern: str | None, under: str | None, **options: Any) -> None:
    """List the structures of an atlas that have voxels; PATTERN keeps names that hold it."""
    from brainreg3d.pipeline import BrainReg3D

    atlas = BrainReg3D(**atlas_arguments(**options)).load_atlas()
    wanted = None
    if under is not None:
        wanted = set(atlas.structures.descendants(atlas.structures.find(under).id))
    for structure in atlas.structures:
        text = f"{structure.acronym} {structure.name}".lower()
        if pattern and pattern.lower() not in text:
            continue
        if (wanted is None or structure.id in wanted) and not atlas.is_empty(structure.id):
            click.echo(f"{structure.acronym:>16}  {structure.id:>10}  {structure.name}")
