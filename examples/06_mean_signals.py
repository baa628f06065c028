"""The use of masks: one time course for each region and hemisphere of a recording."""

import numpy as np
from _phantom_image import ATLAS, output_dir, save_image

from brainreg3d import BrainReg3D

folder = output_dir()
image, view, _ = save_image(folder)
result = BrainReg3D(image, alignment=view.pose, atlas=ATLAS, brain_regions=["VIS", "SSp"]).run()

# A synthetic recording: noise everywhere, and VIS of the right hemisphere flickers at 2 Hz.
time_s = np.arange(60) / 20
recording = np.random.default_rng(0).normal(size=(time_s.size, *result.labels.shape))
LEFT, RIGHT = 1, 2
lit = result.mask("VIS") & (result.hemisphere == RIGHT)
recording[:, lit] += np.sin(2 * np.pi * 2 * time_s)[:, None]

rows, names = [], []
for region in result.regions:
    for side, value in (("left", LEFT), ("right", RIGHT)):
        mask = result.mask(region.acronym) & (result.hemisphere == value)
        rows.append(recording[:, mask].mean(axis=1))
        names.append(f"{region.acronym}_{side}")
        print(f"{names[-1]:>10}: {mask.sum():6d} px, standard deviation {rows[-1].std():.3f}")

table = np.column_stack([time_s, *rows])
np.savetxt(folder / "signals.csv", table, delimiter=",", header=",".join(["time_s", *names]))
