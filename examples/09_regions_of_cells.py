"""Regions of cells that were found elsewhere, from the files of an earlier run."""

import numpy as np
from _phantom_image import ATLAS, output_dir, save_image

from brainreg3d import BrainReg3D, look_up_rois
from brainreg3d.lookup import write_roi_table

folder = output_dir()
image, view, _ = save_image(folder)
BrainReg3D(image, alignment=view.pose, atlas=ATLAS).run()

# Later, perhaps on another machine: nothing is labelled again.
result = BrainReg3D.load(folder)

# Discs in place of cells, as a tool for finding cells may paint them: on a recording whose pixels
# are 2 x 2 of the aligned image's. suite2p's stat.npy or ImageJ's RoiSet.zip do as well.
rows, cols = np.mgrid[: view.shape[0] // 2, : view.shape[1] // 2]
cells = np.zeros(rows.shape, np.uint16)
random = np.random.default_rng(0)
for number in range(1, 41):
    row, col = random.uniform(0, 1, 2) * rows.shape
    cells[(rows - row) ** 2 + (cols - col) ** 2 < 3**2] = number

table = look_up_rois(cells, result, binning=2)
for region, own in table[table["region"] != ""].groupby("region"):
    inner = (own["distance_to_border_mm"] > 0.1).sum()
    print(f"{region:>6}: {len(own)} cells, {inner} of them 0.1 mm or more from its border")
print(f"{(table['region'] == '').sum()} of {len(table)} cells lie in none of the regions.")
print("Wrote", write_roi_table(table, folder / "cells.csv"))
