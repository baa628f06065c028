"""Recordings in every format, and results to lay on them."""

import os
import shutil

import numpy as np

from brainreg3d.atlas import Region
from brainreg3d.atlas.regions import RegionSet
from brainreg3d.result import Result
from brainreg3d.state import Labels, State

NAMES = ("VISp", "VISp2/3", "SSp-bfd", "CM", "cm", "a,b")


def make_result(labels, names=NAMES, hemisphere=None):
    """Return a result of known labels, without a run."""
    labels = np.asarray(labels, np.uint16)
    regions = [
        Region(100 + i, name, f"region {i}", (i, 0, 0), (i,)) for i, name in enumerate(names)
    ]
    if hemisphere is None:
        hemisphere = np.ones(labels.shape, np.uint8)
    return Result(
        State(
            regions=RegionSet(tuple(regions)),
            labels=Labels(labels, np.asarray(hemisphere, np.uint8), labels.astype(np.float32)),
        )
    )


def stripes(shape, n=4):
    """Return labels whose regions have ragged borders, holes and several parts."""
    rows, cols = np.indices(shape)
    labels = 1 + (rows // 3 + cols // 5) % n
    labels[(rows * 7 + cols * 3) % 11 == 0] = 0
    return labels


def means(frames, labels, n):
    """Return what NumPy finds, shape (frames, n)."""
    frames = np.asarray(frames, np.float64)
    table = np.full((len(frames), n), np.nan)
    for place in range(n):
        if np.any(labels == place + 1):
            table[:, place] = frames[:, labels == place + 1].mean(axis=1)
    return table


def _tiff(path, frames, **options):
    import tifffile

    tifffile.imwrite(path, frames, **options)


def _tiff_pages(path, frames, **options):
    """One page after the other, as programs write that do not know the end."""
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for frame in frames:
            writer.write(frame, contiguous=False, **options)


def _zarr(path, frames, **options):
    import zarr

    array = zarr.create_array(path, shape=frames.shape, dtype=frames.dtype, **options)
    array[:] = frames


def _ome_zarr(path, frames):
    import zarr

    group = zarr.open_group(path, mode="w")
    full = np.asarray(frames)[:, None, None]
    for level, pixels in enumerate((full, full[..., ::2, ::2])):
        array = group.create_array(str(level), shape=pixels.shape, dtype=pixels.dtype)
        array[:] = pixels
    datasets = [{"path": "0"}, {"path": "1"}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"datasets": datasets}]}


def _hdf5(path, frames, **options):
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("acquisition/frames", data=frames, **options)
        file.create_dataset("acquisition/time_s", data=np.arange(len(frames)))


def _npy(path, frames):
    np.save(path, frames)


def _raw(path, frames):
    np.asarray(frames).tofile(path)


def raw_name(frames):
    """Return how wfield names a raw file of one channel."""
    return f"frames_1_{frames.shape[1]}_{frames.shape[2]}_{frames.dtype.name}.dat"


WRITERS = {
    "plain": ("r.tif", _tiff, {}),
    "big": ("r.tif", _tiff, {"bigtiff": True}),
    "big endian": ("r.tif", _tiff, {"byteorder": ">"}),
    "imagej": ("r.tif", _tiff, {"imagej": True}),
    "ome": ("r.ome.tif", _tiff, {"metadata": {"axes": "TYX"}}),
    "strips": ("r.tif", _tiff, {"rowsperstrip": 3}),
    "tiles": ("r.tif", _tiff, {"tile": (16, 16)}),
    "deflate": ("r.tif", _tiff, {"compression": "zlib", "predictor": True}),
    "pages": ("r.tif", _tiff_pages, {"metadata": None}),
    "described pages": ("r.tif", _tiff_pages, {}),
    "deflated pages": ("r.tif", _tiff_pages, {"compression": "zlib", "metadata": None}),
    "zarr 3": ("r.zarr", _zarr, {"chunks": (4, 7, 9)}),
    "zarr 2": ("r.zarr", _zarr, {"chunks": (5, 30, 40), "zarr_format": 2}),
    "sharded": ("r.zarr", _zarr, {"chunks": (2, 5, 40), "shards": (6, 10, 40)}),
    "ome-zarr": ("r.ome.zarr", _ome_zarr, {}),
    "hdf5": ("r.h5", _hdf5, {}),
    "chunked hdf5": ("r.hdf5", _hdf5, {"chunks": (3, 10, 11), "compression": "gzip"}),
    "npy": ("r.npy", _npy, {}),
    "raw": (None, _raw, {}),
}


def write(kind, folder, frames):
    """Write a recording and return its path."""
    name, writer, options = WRITERS[kind]
    path = folder / (name or raw_name(frames))
    writer(path, frames, **options)
    return path


def cut_file(path, n_bytes):
    """Return a copy that lacks what comes after some bytes."""
    copy = path.with_name(f"cut_{path.name}")
    shutil.copy(path, copy)
    os.truncate(copy, n_bytes)
    return copy
