"""Print, as JSON, how much memory maps and samples of a large image take beside themselves, in MB.

Run with the distance of the camera in mm, or 0 for parallel rays.
"""

import json
import sys
import tracemalloc

import numpy as np

from brainreg3d import Camera, ImageView, Pose, load_atlas
from brainreg3d.atlas import select_regions
from brainreg3d.maps import SurfaceMaps
from brainreg3d.steps import Projector

ATLAS = load_atlas("phantom_100um")
REGIONS = select_regions(ATLAS, ["MOp", "VIS"])
POSE, CAMERA = Pose((5.7, 7.0, 8.0), 10, 5, 8), Camera(float(sys.argv[1]) or None)


def samples(view, **options):
    found = Projector(**options).first_samples(atlas=ATLAS, regions=REGIONS, view=view)
    return [found.region, found.structure_id, found.x_px, found.y_px, found.depth_mm, found.right]


def work_on(view):
    maps = SurfaceMaps(view, ATLAS.annotation)
    names = ("distance_mm", "ccf", "incidence_deg", "area_mm2")
    return {name: lambda name=name: [getattr(maps, name)] for name in names} | {
        "samples": lambda: samples(view),
        "along the ray": lambda: samples(view, label_depth_um=300),
        "along the normal": lambda: samples(view, label_depth_um=300, along="normal"),
    }


def main():
    for work in work_on(ImageView((20, 20), (0.4, 0.4), POSE, CAMERA)).values():
        work()  # compiles, and imports
    tracemalloc.start()
    found = {}
    for name, work in work_on(ImageView((2048, 2048), (0.004, 0.004), POSE, CAMERA)).items():
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        own = sum(array.nbytes for array in work() if isinstance(array, np.ndarray))
        found[name] = (tracemalloc.get_traced_memory()[1] - before - own) / 2**20
    print(json.dumps(found))


if __name__ == "__main__":
    main()
