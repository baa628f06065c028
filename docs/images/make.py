"""Make the pictures of the documentation anew, from the demo: synthetic data only."""

import tempfile
from pathlib import Path

from PIL import Image

from brainreg3d.demo import run_demo

WIDTH_PX = 760
LEVELS = 64  # of each channel: greys stay grey, and noise does not fill the file
PICTURES = {"brain_cut": "03_brain_cut", "labels": "06_labels", "overlay": "07_overlay"}


def main() -> None:
    rounded = [round(value / 255 * (LEVELS - 1)) * 255 // (LEVELS - 1) for value in range(256)]
    with tempfile.TemporaryDirectory() as folder:
        plots = {path.stem: path for path in run_demo(folder).plots}
        for name, plot in PICTURES.items():
            picture = Image.open(plots[plot]).convert("RGB")
            height_px = round(picture.height * WIDTH_PX / picture.width)
            small = picture.resize((WIDTH_PX, height_px), Image.Resampling.LANCZOS)
            target = Path(__file__).with_name(f"{name}.png")
            small.point(rounded * 3).save(target, optimize=True)
            print(f"{target.stat().st_size / 1e3:5.0f} kB  {target.name}")


if __name__ == "__main__":
    main()
