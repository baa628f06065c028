"""Volumes to register: every format, the slowest axis first, and all 48 orientations."""

from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile
import zarr
from brainglobe_space import AnatomicalSpace
from skimage.io import imsave

from brainreg3d.errors import AtlasError, ImageError, MissingFileError
from brainreg3d.geometry import reorient_from_atlas, reorient_to_atlas
from brainreg3d.io.moving_volume import load_volume
from brainreg3d.io.volumes import parse_orientation

SHAPE = (5, 6, 7)
SPACING_MM = (0.5, 0.4, 0.3)
BRAIN = np.random.default_rng(0).integers(1, 60000, SHAPE).astype(np.uint16)
ORIENTATIONS = [
    "".join(letters) for order in permutations(("ap", "si", "lr")) for letters in product(*order)
]


def test_there_are_48_orientations():
    assert len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_orientation_is_read_as_brainglobe_reads_it(orientation):
    # "ipl" is BrainGlobe's name for axes that grow to superior, anterior and right.
    theirs = AnatomicalSpace(orientation).map_stack_to("ipl", BRAIN)
    directions = parse_orientation(orientation)
    assert np.array_equal(reorient_to_atlas(BRAIN, directions), theirs)
    assert np.array_equal(reorient_from_atlas(theirs, directions), BRAIN)
    assert load_volume(BRAIN, SPACING_MM, orientation).directions == directions


def test_a_tiff_stack_with_a_spacing(tmp_path):
    tifffile.imwrite(tmp_path / "brain.tif", BRAIN)
    volume = load_volume(tmp_path / "brain.tif", SPACING_MM)
    assert np.array_equal(volume.data, BRAIN)
    assert volume.spacing_mm == SPACING_MM
    assert (volume.stem, volume.directions) == ("brain", None)
    with pytest.raises(ImageError, match="voxel size"):
        load_volume(tmp_path / "brain.tif")


def test_an_imagej_stack_says_its_spacing(tmp_path):
    tifffile.imwrite(
        tmp_path / "brain.tif", BRAIN, imagej=True, resolution=(1 / 300, 1 / 400),
        metadata={"spacing": 500, "unit": "um"},
    )  # fmt: skip
    assert load_volume(tmp_path / "brain.tif").spacing_mm == pytest.approx(SPACING_MM)


def test_a_folder_of_slices_in_natural_order(tmp_path):
    for number, plane in enumerate(np.repeat(BRAIN, 3, axis=0)):
        imsave(tmp_path / f"slice_{number}.png", plane, check_contrast=False)
    (tmp_path / "notes.txt").write_text("not a slice")
    volume = load_volume(tmp_path, SPACING_MM)
    assert np.array_equal(volume.data, np.repeat(BRAIN, 3, axis=0))


def test_nrrd_axes_are_reversed_to_slowest_first(tmp_path):
    image = sitk.GetImageFromArray(BRAIN)
    image.SetSpacing([1000 * size for size in SPACING_MM[::-1]])
    sitk.WriteImage(image, str(tmp_path / "brain.nrrd"))
    volume = load_volume(tmp_path / "brain.nrrd")
    assert np.array_equal(volume.data, BRAIN)
    assert volume.spacing_mm == pytest.approx(SPACING_MM)


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAR", "PIR"])
def test_nifti_says_its_orientation(tmp_path, codes):
    data = BRAIN.transpose(2, 1, 0)  # the file's own order, fastest axis first
    affine = np.zeros((4, 4))
    for axis, code in enumerate(codes):
        row = next(n for n, pair in enumerate(("RL", "AP", "SI")) if code in pair)
        affine[row, axis] = SPACING_MM[::-1][axis] * (1 if code in "RAS" else -1)
    affine[3, 3] = 1
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "brain.nii.gz")
    volume = load_volume(tmp_path / "brain.nii.gz")
    assert np.array_equal(volume.data, BRAIN)
    assert volume.spacing_mm == pytest.approx(SPACING_MM, rel=1e-5)
    assert volume.directions == codes[::-1]
    assert load_volume(tmp_path / "brain.nii.gz", orientation="psl").directions == "AIR"
    assert volume.stem == "brain"


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_ome_zarr_and_its_levels(tmp_path, zarr_format):
    path = tmp_path / "brain.ome.zarr"
    root = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    root.create_array("0", data=BRAIN[None])
    root.create_array("1", data=BRAIN[None, :, ::2, ::2])
    scales = [[1.0, 500.0, 400.0, 300.0], [1.0, 500.0, 800.0, 600.0]]
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    datasets = [
        {"path": str(n), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for n, scale in enumerate(scales)
    ]
    content = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": datasets}]}
    root.attrs.update(content if zarr_format == 2 else {"ome": content})
    finest, coarse = load_volume(path), load_volume(path / "1")
    assert np.array_equal(finest.data, BRAIN)
    assert finest.spacing_mm == pytest.approx(SPACING_MM)
    assert np.array_equal(coarse.data, BRAIN[:, ::2, ::2])
    assert coarse.spacing_mm == pytest.approx((0.5, 0.8, 0.6))
    assert finest.stem == "brain"


def test_an_array_is_copied():
    mine = BRAIN.copy()
    volume = load_volume(mine, SPACING_MM)
    mine[:] = 0
    assert np.array_equal(volume.data, BRAIN)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((2, 3)), "Z, Y, X"),
        (np.full(SHAPE, 7), "same value"),
        (np.where(BRAIN > 30000, np.nan, BRAIN), "NaN"),
        (np.full(SHAPE, "x"), "numbers"),
        ([[1, 2], [3]], "array"),
    ],
)
def test_what_is_no_volume(bad, words):
    with pytest.raises(ImageError, match=words):
        load_volume(bad, SPACING_MM)


@pytest.mark.parametrize("spacing", [(0.1, 0.1), (0.1, 0.1, 0.0), (0.1, np.nan, 0.1), "x"])
def test_spacings_that_make_no_sense(spacing):
    with pytest.raises(ImageError, match="voxel size"):
        load_volume(BRAIN, spacing)


def test_what_is_not_there(tmp_path):
    with pytest.raises(MissingFileError):
        load_volume(tmp_path / "brain.tif", SPACING_MM)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="no slices"):
        load_volume(tmp_path / "empty", SPACING_MM)
    with pytest.raises(AtlasError, match="orientation"):
        load_volume(BRAIN, SPACING_MM, "xyz")


@pytest.mark.parametrize("spacing", [(5e-5, 4e-5, 3e-5), (500, 400, 300)])
def test_a_unit_that_was_mistaken_is_noticed(spacing):
    with pytest.raises(ImageError, match="mm long"):
        load_volume(BRAIN, spacing)


def test_true_and_false_are_one_and_zero():
    data = np.arange(24).reshape(2, 3, 4) % 3 == 0
    volume = load_volume(data, spacing_mm=(1, 1, 1))
    assert volume.data.dtype == np.uint8
    np.testing.assert_array_equal(volume.data, data.astype(int))
