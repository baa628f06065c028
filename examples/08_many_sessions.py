"""A table of sessions, one of them broken: run, stopped by nothing, and gone on with."""

import attrs
import numpy as np
import tifffile
from _phantom_image import ATLAS, output_dir

from brainreg3d import load_atlas
from brainreg3d.batch import run_batch
from brainreg3d.sources.phantom import demo_view, render_phantom_image

folder, atlas, view = output_dir(), load_atlas(ATLAS), demo_view()
view = attrs.evolve(view, shape=(180, 210), pixel_size_mm=(0.044, 0.044))

# Six images of two animals, each at a pose of its own; one file will not open.
sessions = []
for number, shift_mm in enumerate(np.linspace(-0.5, 0.5, 6)):
    x, y, z = view.pose.center_mm
    pose = attrs.evolve(view.pose, center_mm=(x + shift_mm, y - shift_mm / 2, z))
    path = folder / f"day{number}.tif"
    tifffile.imwrite(path, render_phantom_image(atlas, attrs.evolve(view, pose=pose)))
    sessions.append({"image": path, "alignment": pose, "animal": f"mouse{number % 2}"})
(folder / "day3.tif").write_bytes(b"cut off by a full disk")

options = {"atlas": ATLAS, "pixel_size_mm": view.pixel_size_mm}
summary = run_batch(sessions, folder / "results", **options)
print(summary.table[["session", "group", "status", "labelled_share"]].to_string(index=False))
print(f"day3: {summary.reasons['day3']}")

# The file is there again: only its session is run, the others are kept.
tifffile.imwrite(folder / "day3.tif", render_phantom_image(atlas, view))
again = run_batch(sessions, folder / "results", **options)
print(f"{len(again.done)} done, {len(again.kept)} of them before")

share = tifffile.imread(folder / "results" / "group_mouse0_share.tif")
for what, mask in (("all", share == 1), ("any", share > 0)):
    area_mm2 = np.count_nonzero(mask.any(axis=0)) * 0.05**2
    print(f"labelled in {what} sessions of mouse0: {area_mm2:.1f} mm2 seen from above")
