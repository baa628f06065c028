"""Drives an alignment window without a screen, by injected events; run as a program.

Takes a folder. Reads ``gestures.json`` from it and writes ``outcome.json`` and ``<name>.png``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
import numpy as np
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

from brainreg3d import Camera, ImageView, Pose, load_atlas
from brainreg3d.atlas import select_regions
from brainreg3d.gui.session import make_session, open_window
from brainreg3d.io.images import load_image
from brainreg3d.steps.base import AlignmentScene

SIZE = (800, 600)


def arrow_picture(shape=(120, 200)):
    """Return a picture that tells right from left and top from bottom: a bright top left."""
    picture = np.full(shape, 60, dtype=np.uint16)
    picture[: shape[0] // 2, : shape[1] // 2] = 200
    picture[: shape[0] // 2, shape[1] // 2 :] = 120
    picture[::10] += 5
    return picture


def of_another_animal(atlas, share):
    """Return the same brain in another size."""
    spacing = tuple(share * size for size in atlas.annotation.spacing_mm)
    return attrs.evolve(atlas, annotation=attrs.evolve(atlas.annotation, spacing_mm=spacing))


def _save(window, path):
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    writer = vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(grab.GetOutputPort())
    writer.Write()


def main(folder):
    job = json.loads((folder / "gestures.json").read_text())
    share = job.get("share", 1.0)
    atlas = of_another_animal(load_atlas("phantom_100um"), share)
    regions = select_regions(atlas, ["MOp", "MOs", "SSp", "VIS", "RSP"])
    pose = Pose(**job["pose"])
    pose = attrs.evolve(pose, center_mm=[share * value for value in pose.center_mm])
    distance_mm = None if job["distance_mm"] is None else share * job["distance_mm"]
    start = ImageView((120, 200), (share * 0.025,) * 2, pose, Camera(distance_mm))
    image = load_image(arrow_picture())
    scene = AlignmentScene(
        image=image,
        atlas=atlas,
        regions=regions,
        start=start,
        pixel_size_known=job.get("locked", False),
        window_camera=job.get("cam"),
        focal_point_mm=job.get("focal_point_mm"),
    )
    window, interactor = open_window(SIZE, offscreen=True)
    session = make_session(scene, window, interactor, lambda: None)
    window.Render()

    def send(event, x=0, y=0, key="", shift=False, ctrl=False):
        # positions count from the top left here, as screenshots do; VTK's from the bottom left
        code = key if len(key) == 1 else "\0"
        interactor.SetEventInformation(x, SIZE[1] - 1 - y, ctrl, shift, code, 0, key)
        interactor.InvokeEvent(event)

    for number, gesture in enumerate(job["gestures"]):
        kind, *rest = gesture
        if kind == "key":
            send("KeyPressEvent", key=rest[0], shift="shift" in rest[1:])
            send("CharEvent", key=rest[0], shift="shift" in rest[1:])  # as a keyboard does
        elif kind == "wheel":
            event = "MouseWheelForwardEvent" if rest[0] > 0 else "MouseWheelBackwardEvent"
            for _ in range(abs(rest[0])):
                send(event, 400, 300, ctrl="ctrl" in rest[1:], shift="shift" in rest[1:])
        elif kind == "drag":
            button, points = rest
            send(f"{button}ButtonPressEvent", *points[0])
            for point in points[1:]:
                send("MouseMoveEvent", *point)
            send(f"{button}ButtonReleaseEvent", *points[-1])
        elif kind == "exit":
            send("ExitEvent")
        elif kind == "picture":
            window.Render()
            _save(window, folder / f"{rest[0]}.png")
        else:
            raise ValueError((number, gesture))
    controller = session.controller
    pose = controller.pose
    outcome = {
        "status": controller.status,
        "center_mm": list(pose.center_mm),
        "angles_deg": [pose.yaw_deg, pose.pitch_deg, pose.roll_deg],
        "mirrored": pose.mirrored,
        "pixel_size_mm": list(controller.view.pixel_size_mm),
        "camera_mm": controller.view.camera.distance_mm,
        "message": controller.message or session.stage.clicks.prompt(),
        "landmarks": {k: list(v) for k, v in session.stage.clicks.points_px.items()},
    }
    (folder / "outcome.json").write_text(json.dumps(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
