"""Rays against the original's sampling, on the phantom: time and agreement with the truth.

    python benchmarks/projection_quick.py [--atlas phantom_50um] [--repeats 5]

Times are the best of several runs in this process, compiled code warmed up. Compare the ratios:
both methods run in the same minute on the same machine.
"""

import argparse
import time

import numpy as np

from brainreg3d import BrainReg3D, Result, load_atlas
from brainreg3d.sources.phantom import demo_view, render_phantom_image, true_labels

METHODS = {
    "rays": {"method": "exact"},
    "rays, regions only": {"method": "exact", "occluders": "regions"},
    "original": {"method": "original"},
    "original, tissue": {"method": "original", "occluders": "tissue"},
}
CHANGED = ("Projector", "DepthResolver", "PixelLabeller")


def best_of(registration: BrainReg3D, repeats: int) -> tuple[float, Result]:
    """Return the shortest time from alignment to labels in seconds, and the result."""
    result = registration.run(until="PixelLabeller")
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = registration.run(until="PixelLabeller", redo=CHANGED)
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atlas", default="phantom_50um")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    atlas, view = load_atlas(arguments.atlas), demo_view()
    pixels = render_phantom_image(atlas, view)
    rows, truth = [], None
    for name, options in METHODS.items():
        registration = BrainReg3D(
            pixels, pixel_size_mm=view.pixel_size_mm, alignment=view.pose, atlas=atlas, **options
        )
        seconds, result = best_of(registration, arguments.repeats)
        if truth is None:
            numbered = enumerate(result.regions, 1)
            truth = true_labels(view, {i: n for n, r in numbered for i in r.structure_ids})
        tissue = np.asarray(result.hemisphere) > 0
        rows.append((name, seconds, (result.labels == truth).mean(), tissue.mean()))

    print(f"{atlas.title}, {view.shape[0]} x {view.shape[1]} pixels, best of {arguments.repeats}")
    print(f"{'':<20}{'time':>9}{'ratio':>8}{'labels right':>14}{'has tissue':>12}")
    for name, seconds, right, seen in rows:
        ratio = seconds / rows[0][1]
        print(f"{name:<20}{seconds * 1e3:>6.0f} ms{ratio:>8.1f}{right:>14.2%}{seen:>12.1%}")


if __name__ == "__main__":
    main()
