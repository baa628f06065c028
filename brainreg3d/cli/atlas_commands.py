"""``fetch`` and ``regions``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from brainreg3d.cli.options import atlas_arguments, atlas_options

if TYPE_CHECKING:
    from brainreg3d.atlas import Region, Structure


@click.command()
@click.option(
    "--resolution",
    type=click.Choice(["10", "25", "50", "100"]),
    help="Voxel size in µm; 25 when left out.",
)
@click.option(
    "--from-file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Put a file that was fetched by other means into the cache; may be given again.",
)
@click.option(
    "--kind",
    type=click.Choice(["annotation", "template", "structures"]),
    help="What --from-file is, when its name is misleading.",
)
@click.option("--list", "only_list", is_flag=True, help="Fetch nothing.")
def fetch(
    resolution: str | None, files: tuple[str, ...], kind: str | None, only_list: bool
) -> None:
    """Download Allen's annotation, template and structure tree, and list what is cached."""
    from brainreg3d.sources import allen_files

    size = None if resolution is None else int(resolution)
    if kind is not None and not files:
        message = "--kind says what --from-file is, which is not given."
        raise click.UsageError(message)
    for file in files:
        allen_files.import_allen_file(file, kind, size)
    if not files and not only_list:
        for wanted in ("structures", "annotation", "template"):
            allen_files.fetch_allen_file(wanted, None if wanted == "structures" else size or 25)
    cached = allen_files.cached_allen_files()
    for path in cached.values():
        click.echo(f"{path.stat().st_size / 1e6:9.1f} MB  {path}")
    if not cached:
        click.echo("Nothing is cached yet.")


@click.command()
@click.argument("pattern", required=False)
@click.option("--under", metavar="REGION", help="Only what belongs to this structure.")
@click.option(
    "--cut",
    metavar="NAME",
    help="Only the regions of a cut: families, areas, areas+layers, wfield or all.",
)
@atlas_options
def regions(pattern: str | None, under: str | None, cut: str | None, **options: Any) -> None:
    """List the structures of an atlas that have voxels; PATTERN keeps names that hold it.

    What is listed may be given to --regions, and so may the name of a cut, which stands for all
    its regions.
    """
    from brainreg3d.atlas import cut_regions
    from brainreg3d.atlas.common_names import suggestion
    from brainreg3d.pipeline import BrainReg3D

    atlas = BrainReg3D(**atlas_arguments(**options)).load_atlas()
    listed = [s for s in atlas.structures if not atlas.is_empty(s.id)]
    rows: Iterable[Structure | Region] = listed if cut is None else cut_regions(atlas, cut)
    wanted = None
    if under is not None:
        wanted = set(atlas.structures.descendants(atlas.structures.find(under).id))
    found = False
    for structure in rows:
        text = f"{structure.acronym} {structure.name}".lower()
        if pattern and pattern.lower() not in text:
            continue
        if wanted is None or structure.id in wanted:
            found = True
            click.echo(f"{structure.acronym:>16}  {structure.id:>10}  {structure.name}")
    if not found:
        hint = suggestion(pattern or "", listed)
        click.echo(f"No structure with voxels in {atlas.full_name} is called so.{hint}", err=True)
