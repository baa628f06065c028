"""A folder of synthetic sessions for batches, some of them broken, and registrations that crash."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import attrs
import numpy as np
import tifffile

from brainreg3d import BrainReg3D, Pose, steps

SHAPE, PIXEL_MM = (60, 80), 0.11
ATLAS = "phantom_100um"
BROKEN = {
    5: "There is no file",  # its image is gone
    11: "cannot be read as an image",  # its image is garbage
    17: "It has no pose",  # nothing says where it lies
}


def pose_of(number: int) -> Pose:
    rng = np.random.default_rng(number)
    x, y, yaw, pitch, roll = rng.normal((6.6, 7.2, 5.0, -4.0, 11.0), (0.3, 0.3, 2.0, 2.0, 2.0))
    return Pose((x, y, 8.0), yaw, pitch, roll)


def make_image(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.integers(100, 4000, SHAPE, dtype=np.uint16)


def save_alignment(path: Path, pose: Pose) -> None:
    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(pose)}
    path.write_text(json.dumps(content))


def make_study(folder: Path, count: int, broken=BROKEN) -> Path:
    """Write images, alignments and the table; return the table."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(count):
        name = f"day{number:02d}"
        tifffile.imwrite(folder / f"{name}.tif", make_image(number))
        save_alignment(folder / f"{name}.json", pose_of(number))
        rows.append(
            {
                "session": name,
                "image": f"{name}.tif",
                "alignment": f"{name}.json",
                "image_width_mm": SHAPE[1] * PIXEL_MM,
                "image_height_mm": SHAPE[0] * PIXEL_MM,
                "animal": f"mouse{number % 2}",
            }
        )
    if broken:
        (folder / "day05.tif").unlink()
        (folder / "day11.tif").write_bytes(b"not an image at all")
        rows[17]["alignment"] = ""
    return write_table(folder / "sessions.csv", rows)


def write_table(path: Path, rows: list[dict]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_rows(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class DeadlyAligner(steps.ManualAligner):
    """Ends its process where a file beside the image says so: always, or only once."""

    def compute(self, *, image, atlas, regions, pixel_size_mm=None):
        """Return the alignment, or do not return."""
        order = image.path.with_suffix(".deadly")
        if order.exists():
            if order.read_text() == "once":
                order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().compute(
            image=image, atlas=atlas, regions=regions, pixel_size_mm=pixel_size_mm
        )


class Deadly(BrainReg3D):
    """A registration that ends its process when told to."""

    ManualAligner = DeadlyAligner


class FaultyLabeller(steps.PixelLabeller):
    """A step with a slip in it."""

    def compute(self, *, regions, visible, projections=None, window_mask=None):
        """Fail in a way that nobody expects."""
        return {}["a key that is not there"]


class Faulty(BrainReg3D):
    """A registration with a slip in one of its steps."""

    PixelLabeller = FaultyLabeller
