"""Signals of regions from a recording on disk, which may be larger than memory."""

import numpy as np
import tifffile
from _phantom_image import ATLAS, output_dir, save_image

from brainreg3d import BrainReg3D, region_traces

folder = output_dir()
image, view, _ = save_image(folder)
result = BrainReg3D(image, alignment=view.pose, atlas=ATLAS, brain_regions=["VIS", "SSp"]).run()

# A synthetic recording: camera noise everywhere, and VIS of the right hemisphere is 10 % brighter
# every second second. It is written frame by frame, as a camera would.
FRAMES_PER_S, SECONDS, RIGHT = 20, 6, 2
lit = result.mask("VIS") & (result.hemisphere == RIGHT)
draw = np.random.default_rng(0)
recording = folder / "recording.tif"
with tifffile.TiffWriter(recording, bigtiff=True) as camera:
    for frame in range(FRAMES_PER_S * SECONDS):
        light = 1000 + 100 * lit * (frame // FRAMES_PER_S % 2)
        camera.write(draw.poisson(light).astype(np.uint16), contiguous=True)

# One pass over the file gives both tables; the baseline is the first second.
signals = region_traces(
    recording,
    result,
    statistic=("mean", "dff"),
    baseline=f"frames:0:{FRAMES_PER_S}",
    split_hemispheres=True,
    output=folder / "signals.csv",
)
print(f"{len(signals)} frames; the baseline is the {signals.attrs['baseline']}")
for name, change in signals["dff"].items():
    n_pixels = signals.attrs["columns"][name]["pixels"]
    print(f"{name:>6}: {n_pixels:6d} px, largest change {change.max():.1%}")

# A camera that bins 2 x 2 pixels sees the same regions.
frames = tifffile.imread(recording)
binned = frames.reshape(len(frames), frames.shape[1] // 2, 2, -1, 2).mean(axis=(2, 4))
again = region_traces(binned, result, binning=2)
print(f"binned 2 x 2: VIS changes by up to {again['VIS'].max() / again['VIS'][0] - 1:.1%}")
