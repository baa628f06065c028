"""Ways to project an atlas onto an image: time, memory, and agreement with a slow reference.

    python benchmarks/projection.py --data DIR [--resolutions 100 50 25] [--fine annotation_10.nrrd]
    python benchmarks/projection.py --data DIR --resolutions --fine annotation_10.nrrd --rounds 1
    python benchmarks/projection.py --phantom 100

`DIR` holds `annotation_100.nrrd`, `annotation_50.nrrd`, `annotation_25.nrrd` and
`structure_graph.json` as Allen offers them; `upsampled_annotation.py` makes the 10 µm one. Methods
take turns in one process, compiled code and meshes prepared, and the best of several rounds counts:
ratios mean more than seconds. Seconds are wall time, and "ratio" compares CPU time, all threads
together, with that of the rays, since other work may run on the machine: so rays are always
measured, whatever methods are named. Rays and the march give what is hit first; VTK gives a picture
of all regions, read back; the others go from meshes to labels. Meshes for VTK are of all voxels, at
10 µm of cells of 30 µm: finer ones of a whole brain do not fit into memory. "MB" is by how much the
memory of the process rises, without what a method has prepared. A method that cannot be had on this
machine is named, with the reason, and left out.
"""

import argparse
import functools
import os
import time
from pathlib import Path

import numpy as np
from projection_methods import ZBuffer, march, peak_mb, reference

from brainreg3d import BrainReg3D, Camera, ImageView, Pose, load_atlas
from brainreg3d.atlas import select_regions
from brainreg3d.raycast import cast_first_hits
from brainreg3d.sources.local import load_local_atlas

SHAPES = ((251, 400), (512, 512), (2048, 2048))
WIDTH_MM = 9.0
PHANTOM_REGIONS = ("MOp", "VIS")
REGIONS = ("MOp", "MOs", "SSp", "SSs", "VIS", "RSP", "AUD", "PTLp", "ACA")
POSE = Pose((5.7, 7.5, 7.6), yaw_deg=8, pitch_deg=12, roll_deg=-10)
CHANGED = ("Projector", "DepthResolver", "PixelLabeller")
METHODS = ("rays", "march", "surface", "vertices", "vtk")


def make_method(name, atlas, names, view):
    """Return a function without arguments that gives the label of each pixel."""
    regions = select_regions(atlas, names)
    label_of_index = regions.label_of_index(atlas.annotation)
    if name == "rays":
        return lambda: label_of_index[cast_first_hits(atlas.annotation, view).index]
    if name == "march":
        volume = np.ascontiguousarray(atlas.annotation.index)
        return lambda: label_of_index[march(atlas.annotation, volume, view)]
    if name == "vtk":
        return ZBuffer(atlas, regions, view).labels
    registration = BrainReg3D(
        np.zeros(view.shape, np.uint8),
        pixel_size_mm=view.pixel_size_mm,
        alignment=view.pose,
        camera_distance_mm=view.camera.distance_mm,
        atlas=atlas,
        brain_regions=names,
        method={"vertices": "original", "surface": "surface"}[name],
        occluders="tissue",
    )
    return lambda: registration.run(until="PixelLabeller", redo=CHANGED).labels


def measure(atlas, shape, chosen, rounds, sample):
    """Print a row for each method."""
    view = ImageView(shape, (WIDTH_MM / shape[1],) * 2, POSE, Camera(230.0))
    names = PHANTOM_REGIONS if "phantom" in atlas.name else REGIONS
    label_of_index = select_regions(atlas, names).label_of_index(atlas.annotation)
    draw = np.random.default_rng(0)
    rows, cols = (draw.integers(0, n, sample) for n in shape)
    found = reference(atlas.annotation, view, rows, cols)
    truth, inside = label_of_index[found], found > 0
    methods, wall, cpu, peaks, right = {}, {}, {}, {}, {}
    for name in ["rays", *(name for name in chosen if name != "rays")]:
        try:
            methods[name] = make_method(name, atlas, names, view)
            labels = methods[name]().reshape(shape)  # compiles, and fills caches
        except (ImportError, MemoryError, RuntimeError, ValueError) as error:
            print(f"{name} left out: {error or type(error).__name__}", flush=True)
            methods.pop(name, None)
            continue
        right[name] = np.mean((labels[rows, cols] == truth)[inside])
        peaks[name] = peak_mb(methods[name])
    for _ in range(rounds):
        for name, method in methods.items():
            start = time.perf_counter(), time.process_time()
            method()
            wall[name] = min(wall.get(name, np.inf), time.perf_counter() - start[0])
            cpu[name] = min(cpu.get(name, np.inf), time.process_time() - start[1])
    for name in methods:
        speed = shape[0] * shape[1] / wall[name] / 1e6
        print(
            f"| {atlas.resolution_um:g} | {shape[0]} × {shape[1]} | {name} | "
            f"{wall[name] * 1e3:.0f} | {cpu[name] * 1e3:.0f} | {cpu[name] / cpu['rays']:.1f} | "
            f"{speed:.1f} | {peaks[name]:.0f} | {right[name]:.2%} |",
            flush=True,
        )


def list_atlases(arguments):
    """Return what loads each atlas."""
    if arguments.phantom:
        return [functools.partial(load_atlas, f"phantom_{arguments.phantom}um")]
    files = [arguments.data / f"annotation_{um}.nrrd" for um in arguments.resolutions]
    files += [arguments.fine] if arguments.fine else []
    structures = arguments.data / "structure_graph.json"
    return [functools.partial(load_local_atlas, path, structures) for path in files]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--phantom", type=int, help="instead: the phantom of this voxel size")
    parser.add_argument("--resolutions", type=int, nargs="*", default=[100, 50, 25])
    parser.add_argument("--fine", type=Path, help="a 10 µm annotation, measured last")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--sizes", type=int, nargs="+", choices=range(3), default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=2000, help="pixels that are checked")
    arguments = parser.parse_args()
    if not arguments.phantom and arguments.data is None:
        parser.error("expected --data DIR or --phantom UM")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| µm | px | method | ms | CPU ms | ratio | megapixels / s | MB | agreement |")
    print("|---|---|---|---|---|---|---|---|---|")
    for load in list_atlases(arguments):
        atlas = load()
        for size in arguments.sizes:
            measure(atlas, SHAPES[size], arguments.methods, arguments.rounds, arguments.sample)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
