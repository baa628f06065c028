"""The demo: from a synthetic image to its masks, and how right they are."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np

from brainreg3d.errors import OutputError
from brainreg3d.io.alignment import write_alignment
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.images import load_image
from brainreg3d.io.masks import write_label_image
from brainreg3d.io.output_folder import check_writable
from brainreg3d.pipeline import BrainReg3D
from brainreg3d.result import Result
from brainreg3d.state import Alignment

DEMO_ATLAS = "phantom_25um"
STEM = "phantom_image"


@attrs.frozen(eq=False)
class DemoOutcome:
    """What the demo made, and how it compares with the truth.

    Parameters
    ----------
    result : Result
        Of the run.
    plots : tuple of pathlib.Path
        Pictures of all intermediate results.
    agreement : float
        Share of the pixels inside the imaging window whose label is the true one.
    n_pixels : int
        Number of these pixels.
    """

    result: Result
    plots: tuple[Path, ...]
    agreement: float
    n_pixels: int


def run_demo(output_dir: str | Path, atlas_name: str = DEMO_ATLAS) -> DemoOutcome:
    """Make a synthetic brain and an image of it, label the image, and compare with the truth.

    The truth comes from the continuous definition of the phantom, marched through in small steps,
    not from its voxels and not from the rays of the package.

    Parameters
    ----------
    output_dir : path-like
        Where everything goes.
    atlas_name : str
        One of the phantom atlases.

    Returns
    -------
    DemoOutcome
        Results, pictures and the agreement.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    from brainreg3d.sources import load_atlas
    from brainreg3d.sources.phantom import (
        demo_view,
        phantom_window_mask,
        render_phantom_image,
        true_labels,
    )

    folder = Path(output_dir)
    check_writable(folder)
    atlas, view = load_atlas(atlas_name), demo_view()
    window = phantom_window_mask(view)
    image_file = folder / f"{STEM}.tif"
    window_file = folder / f"{STEM}_window.tif"
    with atomic_files("the synthetic image") as files:
        pixels = render_phantom_image(atlas, view)
        write_label_image(files.temporary(image_file), pixels, view.pixel_size_mm, atlas.title)
        shown = window.astype(np.uint16)
        write_label_image(files.temporary(window_file), shown, view.pixel_size_mm, atlas.title)
    alignment_file = folder / f"{STEM}_alignment.json"
    write_alignment(alignment_file, Alignment(view), load_image(image_file), atlas)
    registration = BrainReg3D(
        image_file,
        atlas=atlas_name,
        alignment=alignment_file,
        window_mask=window_file,
        verbose="save",
    )
    result = registration.run()
    plots = tuple(sorted((folder / f"{STEM}_plots").glob("*.png")))
    regions = result.state.regions
    if result.labels is None or regions is None:
        message = f"The demo wrote no labels to {folder}."
        raise OutputError(message)
    label_of_id = {i: n for n, region in enumerate(regions, 1) for i in region.structure_ids}
    right = result.labels[window] == true_labels(view, label_of_id)[window]
    return DemoOutcome(result, plots, float(right.mean()), int(right.size))
