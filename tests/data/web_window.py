"""Opens alignment windows in a browser, one after the other; run as a program.

Reads a job from each line of its standard input, announces the address on its standard output and
then writes the outcome there, all as JSON.
"""

from __future__ import annotations

import json
import sys

from injected_window import arrow_picture

from brainreg3d import Camera, ImageView, Pose, load_atlas
from brainreg3d.atlas import select_regions
from brainreg3d.errors import BrainReg3DError
from brainreg3d.gui.web import WebWindow
from brainreg3d.io.images import load_image
from brainreg3d.steps.base import AlignmentScene


def say(**what):
    print(json.dumps(what), flush=True)


def outcome(placed):
    if placed is None:
        return {"outcome": "cancelled"}
    view = placed.view
    return {
        "outcome": "accepted",
        "center_mm": list(view.pose.center_mm),
        "angles_deg": [view.pose.yaw_deg, view.pose.pitch_deg, view.pose.roll_deg],
        "mirrored": view.pose.mirrored,
        "pixel_size_mm": list(view.pixel_size_mm),
    }


def main():
    atlas = load_atlas("phantom_100um")
    regions = select_regions(atlas, ["MOp", "MOs", "SSp", "VIS", "RSP"])
    image = load_image(arrow_picture())
    for line in sys.stdin:
        job = json.loads(line)
        start = ImageView(image.shape, (0.025, 0.025), Pose(**job["pose"]), Camera(230.0))
        scene = AlignmentScene(
            image=image, atlas=atlas, regions=regions, start=start, pixel_size_known=True
        )
        window = WebWindow(announce=lambda text: say(announced=text), **job["window"])
        try:
            say(**outcome(window.ask(scene)))
        except KeyboardInterrupt:
            say(outcome="interrupted")
        except BrainReg3DError as error:
            say(outcome=type(error).__name__, message=str(error))


if __name__ == "__main__":
    main()
