"""Volumes read slab by slab are the volumes read whole."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.errors import AtlasError
from brainreg3d.io.volumes import read_volume, read_volume_slabs
from brainreg3d.io.zarr_slabs import zarr_slabs

SHAPE = (5, 7, 23)


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch):
    monkeypatch.setattr("brainreg3d.io.raw_volume.SLAB_BYTES", 4 * 5 * 7 * 4)


def random_ids(dtype="u4", seed=0):
    return np.random.default_rng(seed).integers(0, 250, SHAPE).astype(dtype)


def write_nrrd(path, values, packed=False):
    """Write a file with the axes (AP, DV, ML) in that order, the first the fastest."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing((500.0, 500.0, 500.0))
    sitk.WriteImage(image, str(path), useCompression=packed)


def in_slabs(path, **options):
    slabs, header = read_volume_slabs(path, **options)
    whole = np.full(slabs.shape, 999_999)
    count = 0
    for place, slab in slabs.read():
        assert np.all(whole[place] == 999_999), "a voxel came twice"
        whole[place] = slab
        count += 1
    return whole, header, count


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "u4", "f4", "f8"])
def test_nrrd(tmp_path, dtype, packed):
    write_nrrd(tmp_path / "a.nrrd", random_ids(dtype), packed)
    whole, header, count = in_slabs(tmp_path / "a.nrrd")
    expected = random_ids().transpose(1, 0, 2)[::-1, ::-1]  # (DV, AP, ML), both from the other end
    assert np.array_equal(whole, expected)
    assert header.spacing_mm == (0.5, 0.5, 0.5)
    assert count > 1 or dtype == "u1"


def test_big_endian_nrrd(tmp_path):
    header = (
        "NRRD0004\ntype: uint32\ndimension: 3\nsizes: 5 7 23\nspacings: 500 500 500\n"
        "encoding: gzip\nendian: big\n\n"
    )
    values = random_ids(">u4").transpose(2, 1, 0).tobytes()
    (tmp_path / "a.nrrd").write_bytes(header.encode() + gzip.compress(values))
    whole, _, count = in_slabs(tmp_path / "a.nrrd")
    assert np.array_equal(whole, read_volume(tmp_path / "a.nrrd").data)
    assert np.array_equal(whole, random_ids().transpose(1, 0, 2)[::-1, ::-1])
    assert count > 1


@pytest.mark.parametrize("orientation", ["PIR", "RAS", "LPI", "SAL", "ILP"])
@pytest.mark.parametrize("suffix", ["nrrd", "nii", "nii.gz", "tif"])
def test_any_axes_and_format(tmp_path, orientation, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "nrrd":
        write_nrrd(path, random_ids())
    elif suffix == "tif":
        import tifffile

        tifffile.imwrite(path, random_ids("u2"))
    else:
        import nibabel

        nibabel.save(nibabel.Nifti1Image(random_ids("i2"), np.diag([0.5, 0.5, 0.5, 1])), path)
    options = {"orientation": orientation, "spacing_um": 500}
    whole, header, _ = in_slabs(path, **options)
    other = read_volume(path, **options)
    assert np.array_equal(whole, other.data)
    assert header == other.header
    slabs, _ = read_volume_slabs(path, **options)
    compact = compact_annotation(slabs, header.spacing_mm)
    assert np.array_equal(compact.to_ids(), other.data)
    at_once = compact_annotation(other.data, header.spacing_mm)
    assert np.array_equal(compact.index, at_once.index)
    assert np.array_equal(compact.ids, at_once.ids)


@pytest.mark.parametrize("further", [(), (1,), (1, 1)])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_nifti_with_further_axes(tmp_path, suffix, further):
    import nibabel

    path = tmp_path / f"a.{suffix}"
    values = random_ids("i2")
    image = nibabel.Nifti1Image(values.reshape(*SHAPE, *further), np.diag([0.5, 0.5, 0.5, 1]))
    nibabel.save(image, path)
    whole, _, count = in_slabs(path, orientation="RAS", spacing_um=500)
    assert np.array_equal(whole, values.transpose(2, 1, 0))
    assert count > 1


TIFF_KINDS = {
    "plain": {},
    "ImageJ": {"imagej": True},
    "OME": {"ome": True},
    "big-endian": {"byteorder": ">"},
    "big": {"bigtiff": True},
    "packed": {"compression": "zlib"},
    "packed OME": {"compression": "zlib", "ome": True},
    "tiles": {"tile": (16, 16)},
    "packed tiles": {"tile": (16, 16), "compression": "zlib"},
    "predictor": {"compression": "zlib", "predictor": True, "byteorder": ">"},
    "one page": {"volumetric": True, "tile": (16, 16, 16)},
}


@pytest.mark.parametrize("kind", TIFF_KINDS)
def test_tiff(tmp_path, kind):
    import tifffile

    path = tmp_path / "a.tif"
    values = np.random.default_rng(1).integers(0, 60_000, (19, 7, 5)).astype("u2")
    tifffile.imwrite(path, values, photometric="minisblack", **TIFF_KINDS[kind])
    whole, _, count = in_slabs(path, spacing_um=500)
    assert np.array_equal(whole, values.transpose(1, 0, 2)[::-1, ::-1])
    assert count == (1 if kind == "one page" else 3)  # of 8, 8 and 3 pages


@pytest.mark.parametrize("kind", ["plain", "packed"])
@pytest.mark.parametrize("missing", [1, 400])
def test_a_tiff_that_is_cut(tmp_path, kind, missing):
    import tifffile

    path = tmp_path / "a.tif"
    tifffile.imwrite(path, random_ids("u4"), metadata=None, **TIFF_KINDS[kind])
    with tifffile.TiffFile(path) as file:
        page = file.pages[-1]
        end = page.dataoffsets[-1] + page.databytecounts[-1]
    path.write_bytes(path.read_bytes()[: end - missing])
    with pytest.raises(AtlasError, match=r"a\.tif"):
        in_slabs(path, spacing_um=500)


@settings(max_examples=25)
@given(
    st.tuples(*[st.integers(1, 12)] * 3),
    st.tuples(*[st.integers(3, 6)] * 3),
    st.booleans(),
    st.sampled_from([1, 100, 700, 10**6]),
)
def test_zarr(shape, chunks, sharded, limit):
    """All voxels come once, in parts of whole chunks that are as large as they may be."""
    values = np.arange(np.prod(shape), dtype="u2").reshape(shape)
    shards = tuple(2 * chunk for chunk in chunks) if sharded else None
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("brainreg3d.io.raw_volume.SLAB_BYTES", limit)
        array = zarr.create_array(
            f"{folder}/a", shape=shape, dtype="u2", chunks=chunks, shards=shards
        )
        array[...] = values
        found = np.zeros(shape, int)
        for start, part in zarr_slabs(Path(folder) / "a"):
            box = tuple(slice(at, at + n) for at, n in zip(start, part.shape, strict=True))
            assert np.array_equal(part, values[box])
            found[box] += 1
            assert part.nbytes <= limit or all(np.less_equal(part.shape, shards or chunks))
            assert all(at % chunk == 0 for at, chunk in zip(start, shards or chunks, strict=True))
    assert np.all(found == 1)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("missing", [1, 3, 400])
def test_a_file_that_is_cut(tmp_path, packed, missing):
    path = tmp_path / "a.nrrd"
    write_nrrd(path, random_ids(), packed)
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(AtlasError, match=r"a\.nrrd"):
        in_slabs(path)


def test_packed_voxels_that_are_damaged(tmp_path):
    path = tmp_path / "a.nrrd"
    write_nrrd(path, random_ids(), packed=True)
    data = bytearray(path.read_bytes())
    data[-300] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(AtlasError, match=r"a\.nrrd"):
        in_slabs(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("more", [1, 5 * 7 * 4, 1 << 20])
def test_more_voxels_than_the_header_says(tmp_path, packed, more):
    header = (
        "NRRD0004\ntype: uint32\ndimension: 3\nsizes: 5 7 23\nspacings: 500 500 500\n"
        f"encoding: {'gzip' if packed else 'raw'}\nendian: little\n\n"
    )
    voxels = random_ids("<u4").transpose(2, 1, 0).tobytes() + bytes(more)
    path = tmp_path / "a.nrrd"
    path.write_bytes(header.encode() + (gzip.compress(voxels) if packed else voxels))
    with pytest.raises(AtlasError, match=r"a\.nrrd.*more bytes"):
        in_slabs(path)


@pytest.mark.parametrize("place", [-8, -4])
def test_a_wrong_checksum_or_length(tmp_path, place):
    """The last eight bytes of packed voxels are their CRC-32 and their number."""
    path = tmp_path / "a.nrrd"
    write_nrrd(path, random_ids(), packed=True)
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(AtlasError, match=r"a\.nrrd"):
        in_slabs(path)
