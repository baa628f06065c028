"""What the examples share: a synthetic image with a known pose, in place of one of your own."""

import argparse
import tempfile
from pathlib import Path

import tifffile

from brainreg3d import Atlas, ImageView, load_atlas
from brainreg3d.sources.phantom import demo_view, render_phantom_image

ATLAS = "phantom_50um"


def output_dir() -> Path:
    """Return the folder named by --output-dir, or a temporary one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output-dir", type=Path, default=None)
    folder = parser.parse_args().output_dir or Path(tempfile.mkdtemp(prefix="brainreg3d_"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_image(folder: Path) -> tuple[Path, ImageView, Atlas]:
    """Save a synthetic widefield image; return its path, its true view, and the brain it shows."""
    atlas, view = load_atlas(ATLAS), demo_view()
    path = folder / "window.tif"
    per_mm = (1 / view.pixel_size_mm[1], 1 / view.pixel_size_mm[0])
    pixels = render_phantom_image(atlas, view)
    tifffile.imwrite(path, pixels, imagej=True, resolution=per_mm, metadata={"unit": "mm"})
    return path, view, atlas
