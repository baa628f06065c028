"""Signals of regions: speed against merely reading the same file, and peak memory.

    python benchmarks/traces.py [--gigabytes 2] [--rounds 5] [--folder DIR] [--formats tiff zarr]

Recordings of noise are made on the fly in a temporary folder. "Reading" is what the format's own
library does: tifffile page by page (which takes less memory and time than the whole at once), zarr
and h5py in blocks of 64 frames, NumPy with a plain read. Reading and signals take turns in one
process; the ratio is that of the medians. The peak of memory is that of a process of its own that
makes the signals and nothing else. Signals are compared with NumPy's over the first frames.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from brainreg3d import BrainReg3D, Pose, region_traces

SHAPE = (512, 512)
WIDTH_MM = 9.0
REGIONS = ("MOp", "MOs", "SSp", "VIS", "RSP")
CHECKED = 200  # frames that NumPy has to agree on
BLOCK = 64
ALLOWED = 1e-6


def make_result():
    """Return labels of the phantom on an image of the recording's size."""
    size = WIDTH_MM / SHAPE[1]
    return BrainReg3D(
        np.zeros(SHAPE, np.uint8),
        pixel_size_mm=(size, size),
        alignment=Pose((5.7, 7.5, 7.6)),
        atlas="phantom_50um",
        brain_regions=REGIONS,
    ).run(until="PixelLabeller")


def frames(n):
    """Yield blocks of noise on a bright background, as a camera gives it."""
    draw = np.random.default_rng(0)
    level = draw.integers(2000, 30000, SHAPE).astype(np.float32)
    for start in range(0, n, BLOCK):
        noise = draw.standard_normal((min(BLOCK, n - start), *SHAPE), np.float32)
        yield start, (level + 100 * noise).astype(np.uint16)


def make(kind, folder, n):
    """Write a recording and return its path."""
    path = folder / f"recording_{kind}.{SUFFIX[kind]}"
    if path.exists():
        return path
    if kind.startswith("tiff"):
        import tifffile

        options = {"compression": "zlib"} if kind == "tiff_zlib" else {}
        with tifffile.TiffWriter(path, bigtiff=True) as writer:
            for _, block in frames(n):
                for frame in block:
                    # One by one, as programs do that record: a description for all is unknown.
                    writer.write(frame, contiguous=False, metadata=None, **options)
    elif kind.startswith("zarr"):
        import zarr

        array = zarr.create_array(
            path, shape=(n, *SHAPE), chunks=(BLOCK, *SHAPE), dtype="u2",
            compressors="auto" if kind == "zarr" else None,
        )  # fmt: skip
        for start, block in frames(n):
            array[start : start + len(block)] = block
    elif kind == "hdf5":
        import h5py

        with h5py.File(path, "w") as file:
            data = file.create_dataset("frames", (n, *SHAPE), "u2", chunks=(8, *SHAPE))
            for start, block in frames(n):
                data[start : start + len(block)] = block
    else:
        array = np.lib.format.open_memmap(path, "w+", np.uint16, (n, *SHAPE))
        for start, block in frames(n):
            array[start : start + len(block)] = block
        array.flush()
    return path


SUFFIX = {
    "tiff": "tif", "tiff_zlib": "tif", "zarr": "zarr", "zarr_plain": "zarr", "hdf5": "h5",
    "npy": "npy",
}  # fmt: skip


def read(kind, path):
    """Read a recording to the end and do nothing with it."""
    if kind.startswith("tiff"):
        import tifffile

        with tifffile.TiffFile(path) as tif:
            for page in tif.pages:
                page.asarray()
    elif kind.startswith("zarr"):
        import zarr

        array = zarr.open_array(path, mode="r")
        for start in range(0, array.shape[0], BLOCK):
            array[start : start + BLOCK]
    elif kind == "hdf5":
        import h5py

        with h5py.File(path) as file:
            for start in range(0, file["frames"].shape[0], BLOCK):
                file["frames"][start : start + BLOCK]
    else:
        with path.open("rb") as file:
            while np.fromfile(file, np.uint16, BLOCK * SHAPE[0] * SHAPE[1]).size:
                pass


def first_frames(kind, path):
    """Return the first frames as the format's own library reads them."""
    if kind.startswith("tiff"):
        import tifffile

        return tifffile.imread(path, key=range(CHECKED))
    if kind.startswith("zarr"):
        import zarr

        return zarr.open_array(path, mode="r")[:CHECKED]
    if kind == "hdf5":
        import h5py

        with h5py.File(path) as file:
            return file["frames"][:CHECKED]
    return np.load(path, mmap_mode="r")[:CHECKED]


def measure(kind, path, rounds):
    """Print a row for a format."""
    result = make_result()
    table = region_traces(path, result)  # compiles, and warms the disk's cache
    pixels = first_frames(kind, path)
    worst = max(
        np.max(np.abs(table[name][:CHECKED] / pixels[:, result.mask(name)].mean(axis=1) - 1))
        for name in REGIONS
    )
    if not worst < ALLOWED:
        message = f"{kind}: the signals differ from NumPy's by {worst}."
        raise SystemExit(message)
    times = []
    for _ in range(rounds):
        moments = [clocks()]
        read(kind, path)
        moments.append(clocks())
        region_traces(path, result)
        moments.append(clocks())
        times.append(np.diff(moments, axis=0).ravel())
    reading_s, reading_cpu_s, signals_s, signals_cpu_s = np.median(times, axis=0)
    print(
        f"| {kind} | {reading_s:.2f} | {signals_s:.2f} | {reading_s / signals_s:.0%} | "
        f"{reading_cpu_s:.2f} | {signals_cpu_s:.2f} | {peak_mb(path)} | {worst:.0e} |",
        flush=True,
    )


def clocks():
    """Return seconds on the wall, and those of all threads of this process."""
    return time.perf_counter(), time.process_time()


def peak_mb(path):
    """Return the peak memory of a new process that makes the signals, in MB."""
    done = subprocess.run(  # noqa: S603 - this very file
        [sys.executable, __file__, "--peak-of", path], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def print_peak(path):
    """Make the signals and print the peak memory of this process, in MB."""
    region_traces(path, make_result())
    # The figure of getrusage starts at that of the process that started this one.
    status = Path("/proc/self/status").read_text().split()
    print(int(status[status.index("VmHWM:") + 1]) // 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep the recordings here")
    parser.add_argument("--formats", nargs="+", choices=SUFFIX, default=["tiff", "zarr"])
    parser.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_of is not None:
        print_peak(arguments.peak_of)
        return
    n = max(CHECKED, round(arguments.gigabytes * 1e9 / (2 * SHAPE[0] * SHAPE[1])))
    print(f"{n} frames of {SHAPE[0]} x {SHAPE[1]}, uint16")
    print(
        "| format | reading s | signals s | speed | reading CPU s | signals CPU s | peak MB "
        "| differs from NumPy by |"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in arguments.formats:
            measure(kind, make(kind, folder, n), arguments.rounds)


if __name__ == "__main__":
    main()
