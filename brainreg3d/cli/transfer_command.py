"""``transfer``: place a new image where an earlier one of the same animal lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brainreg3d.cli.options import image_options

if TYPE_CHECKING:
    from brainreg3d.state import Image
    from brainreg3d.steps.transfer import Transfer

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("image", type=_PATH)
@click.option(
    "--from",
    "alignment",
    type=_PATH,
    required=True,
    metavar="FILE",
    help="Alignment file of the earlier image.",
)
@click.option(
    "--reference", type=_PATH, required=True, metavar="IMAGE", help="The earlier image itself."
)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    metavar="FILE",
    help="Alignment file to write.  [default: IMAGE's <stem>_alignment.json]",
)
@click.option("--reference-frame", type=int, metavar="N", help="Frame of the earlier image.")
@click.option(
    "--reference-pixel-size-mm",
    type=float,
    nargs=2,
    metavar="ROW COL",
    help="Size of its pixels.  [default: as its alignment says]",
)
@image_options
def transfer(
    image: Path, alignment: Path, reference: Path, output: Path | None, **options: Any
) -> None:
    """Place IMAGE where an earlier image of the same animal lies; no window opens.

    The vessels of both are laid on each other. A picture that blinks and a checkerboard are
    written beside the alignment file, to judge by eye. Nothing is written when the match is not
    certain.
    """
    from brainreg3d.inputs import explicit_pixel_size
    from brainreg3d.io.alignment import write_alignment
    from brainreg3d.io.images import load_image
    from brainreg3d.placement import check_alignment_file
    from brainreg3d.steps import TransferAligner

    new = load_image(image, options.pop("frame"))
    size = explicit_pixel_size(new, options.pop("pixel_size_mm"), options.pop("image_dims_mm"))
    if output is None:
        output = image.with_name(f"{new.stem}_alignment.json")
    check_alignment_file(output, [image, alignment, reference])
    aligner = TransferAligner(reference=reference, from_alignment=alignment, **options)
    found = aligner.transfer(new, pixel_size_mm=size)
    lines = _describe(found)
    click.echo("\n".join(lines))
    # The alignment is safe before pictures are drawn.
    write_alignment(output, found.alignment, new, found.record.atlas)
    click.echo(f"Wrote {output}")
    for path in _draw(found, new, output, lines):
        click.echo(f"Wrote {path}")


def _describe(found: Transfer) -> list[str]:
    match, view = found.match, found.alignment.view
    rows, columns = match.translation_px
    height_mm, width_mm = found.reference_view.pixel_size_mm
    mirror = "mirrored, then " if match.mirrored else ""
    fit = (
        f"Quality: {match.quality:.2f} (share of the places looked at in which the vessels lie on "
        f"each other; {match.runner_up:.2f} at the next best position)"
    )
    place = (
        f"On the earlier image: {mirror}turned by {match.rotation_deg:z.2f}° counter-clockwise, "
        f"scaled by {match.scale:.4f}, shifted by {rows * height_mm:z.3f} mm down and "
        f"{columns * width_mm:z.3f} mm right"
    )
    height_mm, width_mm = view.pixel_size_mm
    return [fit, place, f"Pixels of {height_mm:.6g} x {width_mm:.6g} mm (row, column)"]


def _draw(found: Transfer, new: Image, output: Path, captions: list[str]) -> list[Path]:
    """Write the pictures beside the alignment file."""
    from brainreg3d.views import draw_blink, draw_checkerboard, save_blink, save_figure

    images = (found.reference, found.reference_view, new, found.alignment.view)
    # Named after the alignment that they show: an image may be placed by several references.
    stem = output.stem.removesuffix("_alignment")
    blink = output.with_name(f"{stem}_transfer.gif")
    checkerboard = output.with_name(f"{stem}_transfer_checkerboard.png")
    return [
        save_blink(draw_blink(*images, captions=captions), blink),
        save_figure(draw_checkerboard(*images, captions=captions), checkerboard),
    ]
