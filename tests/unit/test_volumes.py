"""Volumes of known content, written with other tools, have to land at the right place."""

import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile

from brainreg3d.errors import AtlasError, MissingFileError
from brainreg3d.io.volumes import parse_orientation, read_volume, read_volume_header

SHAPE_ZYX = (20, 40, 30)
SPACING_MM = (0.4, 0.3, 0.35)
MARKER_ZYX = (15, 31, 24)  # superior, anterior, right of the middle


@pytest.fixture
def truth():
    """A volume in the atlas frame: noise, and one marker high, in front and on the right."""
    volume = np.random.default_rng(0).integers(1, 60000, SHAPE_ZYX).astype(np.uint32)
    volume[MARKER_ZYX] = 614454277
    return volume


def as_pir(volume):
    """(Z, Y, X) to (AP, DV, ML), element by element: no code of the package is involved."""
    z, y, x = volume.shape
    out = np.zeros((y, z, x), volume.dtype)
    for ap in range(y):
        for dv in range(z):
            out[ap, dv, :] = volume[z - 1 - dv, y - 1 - ap, :]
    return out


def as_ras(volume):
    """(Z, Y, X) to (x, y, z), as NIfTI likes it."""
    return np.swapaxes(volume, 0, 2)


PIR_UM = (300.0, 400.0, 350.0)


def write_nrrd(path, volume_pir, spacing=PIR_UM, space="left-posterior-superior"):
    """Write an NRRD by hand, as Allen lays it out: first axis fastest."""
    vectors = " ".join(
        str(tuple(size if axis == row else 0 for axis in range(3))).replace(" ", "")
        for row, size in enumerate(spacing)
    )
    header = (
        f"NRRD0004\ntype: unsigned int\ndimension: 3\nspace: {space}\n"
        f"sizes: {' '.join(map(str, volume_pir.shape))}\nspace directions: {vectors}\n"
        f"kinds: domain domain domain\nendian: little\nencoding: gzip\nspace origin: (0,0,0)\n\n"
    )
    payload = np.asarray(volume_pir, "<u4").tobytes(order="F")
    path.write_bytes(header.encode() + gzip.compress(payload))
    return path


def write_nifti(path, data, affine, code=1, units="mm"):
    image = nibabel.Nifti1Image(data, affine)
    image.set_sform(affine, code=code)
    image.set_qform(affine, code=code)
    image.header.set_xyzt_units(units)
    image.to_filename(path)
    return path


def assert_is_truth(volume, truth):
    assert volume.data.shape == SHAPE_ZYX
    assert np.array_equal(volume.data, truth)
    (place,) = np.argwhere(volume.data == 614454277)
    assert tuple(place) == MARKER_ZYX
    assert place[2] > SHAPE_ZYX[2] / 2
    assert volume.spacing_mm == pytest.approx(SPACING_MM, rel=1e-6)


def test_an_nrrd_laid_out_as_allen_does(tmp_path, truth):
    path = write_nrrd(tmp_path / "a.nrrd", as_pir(truth))
    assert_is_truth(read_volume(path), truth)


def test_the_voxels_outlive_their_reader(tmp_path, truth):
    import gc

    data = read_volume(write_nrrd(tmp_path / "a.nrrd", as_pir(truth))).data
    gc.collect()
    rubbish = [np.full(truth.size, 7, np.uint32) for _ in range(20)]
    assert len(rubbish) == 20
    assert np.array_equal(data, truth)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_nifti_with_a_true_ras_affine(tmp_path, truth, suffix):
    path = tmp_path / f"a{suffix}"
    write_nifti(path, as_ras(truth), np.diag([0.35, 0.3, 0.4, 1]))
    assert_is_truth(read_volume(path), truth)


def test_a_nifti_with_other_axes(tmp_path, truth):
    # Stored as (inferior, left, posterior): file axis 0 is z, 1 is x, 2 is y, all reversed.
    data = truth.transpose(0, 2, 1)[::-1, ::-1, ::-1]
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = -0.4, -0.35, -0.3, 1
    path = write_nifti(tmp_path / "a.nii.gz", data, affine)
    assert_is_truth(read_volume(path), truth)
    assert read_volume_header(path).directions == "ILP"


def test_a_nifti_that_simpleitk_wrote(tmp_path, truth):
    """SimpleITK thinks in LPS, so that a RAS file of its making crosses two conventions."""
    image = sitk.GetImageFromArray(truth)  # numpy (Z, Y, X) is (x, y, z) in SimpleITK
    image.SetSpacing((0.35, 0.3, 0.4))
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    assert_is_truth(read_volume(tmp_path / "a.nii.gz"), truth)


def test_a_nifti_without_codes_is_laid_out_as_allen_does(tmp_path, truth):
    path = write_nifti(tmp_path / "a.nii", as_pir(truth), np.diag([0.3, 0.4, 0.35, 1]), code=0)
    assert_is_truth(read_volume(path), truth)


def test_a_tiff_stack(tmp_path, truth):
    tifffile.imwrite(tmp_path / "a.tif", as_pir(truth))
    assert_is_truth(read_volume(tmp_path / "a.tif", spacing_um=PIR_UM), truth)


@pytest.mark.parametrize(("unit", "factor"), [("micron", 1.0), ("mm", 1e-3)])
def test_a_tiff_with_imagejs_voxel_size(tmp_path, truth, unit, factor):
    page, row, column = (size * factor for size in PIR_UM)
    stack = as_pir(truth).astype(np.float32)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack,
        imagej=True,
        resolution=(1 / column, 1 / row),
        metadata={"spacing": page, "unit": unit, "axes": "ZYX"},
    )
    volume = read_volume(tmp_path / "a.tif")
    assert volume.spacing_mm == pytest.approx(SPACING_MM, rel=1e-4)
    assert np.array_equal(volume.data, truth.astype(np.float32))


def test_a_tiff_with_omes_voxel_size(tmp_path, truth):
    metadata = {"axes": "ZYX"}
    for axis, size in zip("ZYX", PIR_UM, strict=True):
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", as_pir(truth), ome=True, metadata=metadata)
    assert_is_truth(read_volume(tmp_path / "a.ome.tif"), truth)


@pytest.mark.parametrize("orientation", ["SAR", "ipl"])
def test_an_orientation_given_wins(tmp_path, truth, orientation):
    path = write_nrrd(tmp_path / "a.nrrd", truth, spacing=[1000 * size for size in SPACING_MM])
    assert_is_truth(read_volume(path, orientation=orientation), truth)


def test_letters_of_the_two_conventions_are_opposites():
    assert parse_orientation("asl") == parse_orientation("PIR") == "PIR"
    assert parse_orientation("asr") == "PIL"
    for wrong in ("Pir", "PIX", "PI", "PPR", "xyz", ""):
        with pytest.raises(AtlasError, match="where they start"):
            parse_orientation(wrong)


@pytest.mark.parametrize("size_um", [10, 25, 50, 100, 200])
def test_a_careless_nifti_of_an_allen_grid_is_recognised(tmp_path, caplog, size_um):
    grid = (13200 // size_um, 8000 // size_um, 11400 // size_um)
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    image.header.set_data_shape(grid)  # a header alone: the voxels are never read
    image.header.set_zooms([size_um / 1000] * 3)
    image.header.set_sform(np.diag([size_um / 1000] * 3 + [1]), code=1)
    path = tmp_path / "a.nii"
    path.write_bytes(image.header.binaryblock + bytes(4))
    with caplog.at_level("WARNING", logger="brainreg3d"):
        header = read_volume_header(path)
    assert header.directions == "PIR"
    assert header.grid.box_mm == (11.4, 13.2, 8.0)
    assert "RAS" in caplog.text
    assert read_volume_header(path, orientation="RAS").directions == "RAS"


def test_an_allen_grid_with_a_true_header_is_believed(tmp_path, caplog):
    data = np.zeros((132, 80, 114), np.uint8)
    affine = np.zeros((4, 4))
    affine[1, 0], affine[2, 1], affine[0, 2], affine[3, 3] = -0.1, -0.1, -0.1, 1
    with caplog.at_level("WARNING", logger="brainreg3d"):
        header = read_volume_header(write_nifti(tmp_path / "a.nii", data, affine))
    assert header.directions == "PIL"
    assert not caplog.records


def test_a_size_of_allens_in_another_order_is_warned_about(tmp_path, caplog):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((80, 132, 114), np.uint8))
    with caplog.at_level("WARNING", logger="brainreg3d"):
        read_volume_header(tmp_path / "a.tif", spacing_um=100)
    assert "orientation" in caplog.text


def test_an_oblique_nifti_is_refused_and_a_slight_lean_is_not(tmp_path, truth):
    def affine(angle_deg):
        cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.diag([0.35, 0.3, 0.4])
        return np.block([[turn, np.zeros((3, 1))], [np.zeros((1, 3)), np.ones((1, 1))]])

    with pytest.raises(AtlasError, match="20°"):
        read_volume(write_nifti(tmp_path / "a.nii", as_ras(truth), affine(20)))
    assert_is_truth(read_volume(write_nifti(tmp_path / "b.nii", as_ras(truth), affine(1))), truth)


@pytest.mark.parametrize(
    ("spacing", "expected_mm"),
    [((300.0, 400.0, 350.0), (0.4, 0.3, 0.35)), ((0.3, 0.4, 0.35), (0.4, 0.3, 0.35))],
)
def test_large_numbers_are_micrometres_and_small_ones_millimetres(
    tmp_path, truth, caplog, spacing, expected_mm
):
    path = write_nrrd(tmp_path / "a.nrrd", as_pir(truth), spacing)
    with caplog.at_level("INFO", logger="brainreg3d"):
        assert read_volume_header(path).spacing_mm == pytest.approx(expected_mm)
    assert f"read as {'um' if spacing[0] > 1 else 'mm'}" in caplog.text


def test_a_nifti_in_large_millimetres(tmp_path):
    """A human brain at 2 mm: as micrometres it would be a speck, and the header says mm."""
    data = np.zeros((90, 108, 90), np.uint8)
    header = read_volume_header(write_nifti(tmp_path / "a.nii", data, np.diag([2, 2, 2, 1.0])))
    assert header.grid.box_mm == (180.0, 216.0, 180.0)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (30000.0, 30000.0, 30000.0)])
def test_a_brain_of_impossible_size_is_refused(tmp_path, truth, spacing):
    path = write_nrrd(tmp_path / "a.nrrd", as_pir(truth), spacing)
    with pytest.raises(AtlasError, match="spacing_um"):
        read_volume(path)
    with pytest.raises(AtlasError, match="spacing_um"):
        read_volume(path, spacing_um=0.025)
    assert_is_truth(read_volume(path, spacing_um=PIR_UM), truth)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_with_a_plane_of_another_type(compression, tmp_path, truth):
    """The plane would be read together with the bytes that follow it."""
    with tifffile.TiffWriter(tmp_path / "v.tif") as writer:
        for number, plane in enumerate(truth.astype(np.uint16)):
            odd = plane.astype(np.uint8) if number == 5 else plane
            writer.write(odd, contiguous=False, metadata=None, compression=compression)
    with pytest.raises(AtlasError, match=r"Plane 5 of v\.tif .* uint8"):
        read_volume(tmp_path / "v.tif", spacing_um=100)


def test_a_tiff_without_voxel_size(tmp_path, truth):
    tifffile.imwrite(tmp_path / "a.tif", as_pir(truth))
    with pytest.raises(AtlasError, match="give spacing_um"):
        read_volume(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((132, 80, 114), np.uint8))
    assert read_volume(tmp_path / "b.tif").spacing_mm == (0.1, 0.1, 0.1)


@pytest.mark.parametrize("wrong", [0, -25, "a", (25, 25), (25, 25, float("nan"))])
def test_a_wrong_spacing_is_refused(tmp_path, truth, wrong):
    tifffile.imwrite(tmp_path / "a.tif", as_pir(truth))
    with pytest.raises(AtlasError, match="spacing_um"):
        read_volume(tmp_path / "a.tif", spacing_um=wrong)


def test_files_that_are_none(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.nrrd"):
        read_volume(tmp_path / "none.nrrd")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(AtlasError, match=r"\.nii\.gz"):
        read_volume(tmp_path / "a.txt")
    (tmp_path / "b.nrrd").mkdir()
    with pytest.raises(AtlasError):
        read_volume(tmp_path / "b.nrrd")


def big_volume_files(folder):
    volume = np.random.default_rng(1).integers(0, 2**31, (40, 50, 60)).astype(np.uint32)
    yield write_nrrd(folder / "a.nrrd", volume, (100, 100, 100))
    for name in ("a.nii", "a.nii.gz"):
        yield write_nifti(folder / name, volume, np.diag([0.1, 0.1, 0.1, 1]))
    tifffile.imwrite(folder / "a.tif", volume)
    yield folder / "a.tif"
    tifffile.imwrite(folder / "b.tif", volume, compression="deflate", contiguous=False)
    yield folder / "b.tif"


def test_damaged_files_are_one_clear_error(tmp_path, capfd):
    for path in big_volume_files(tmp_path):
        whole = path.read_bytes()
        assert read_volume(path, spacing_um=100).data.size == 120_000
        for kept in (0, 10, 200, len(whole) // 2):
            path.write_bytes(whole[:kept])
            with pytest.raises(AtlasError) as caught:
                read_volume(path, spacing_um=100)
            assert "\n" not in str(caught.value)
            assert path.name in str(caught.value)
        path.write_bytes(b"<html>" * 500)
        with pytest.raises(AtlasError):
            read_volume(path, spacing_um=100)
    assert capfd.readouterr() == ("", "")


def test_data_of_other_dimensions(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 9), np.uint8))
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((5, 8, 9, 3), np.uint8), photometric="rgb")
    nibabel.Nifti1Image(np.zeros((5, 6, 7, 2), np.uint8), np.eye(4)).to_filename(tmp_path / "c.nii")
    sitk.WriteImage(sitk.Image(8, 9, sitk.sitkUInt8), str(tmp_path / "d.nrrd"))
    sitk.WriteImage(sitk.Image([5, 6, 7], sitk.sitkVectorUInt8, 3), str(tmp_path / "e.nrrd"))
    for name in ("a.tif", "b.tif", "c.nii", "d.nrrd", "e.nrrd"):
        with pytest.raises(AtlasError, match="Expected a 3D volume"):
            read_volume(tmp_path / name, spacing_um=1000)


def test_a_fourth_axis_of_one_is_dropped(tmp_path, truth):
    affine = np.diag([0.35, 0.3, 0.4, 1])
    path = write_nifti(tmp_path / "a.nii", as_ras(truth)[..., np.newaxis], affine)
    assert_is_truth(read_volume(path), truth)


def test_foreign_byte_order(tmp_path, truth):
    tifffile.imwrite(tmp_path / "a.tif", as_pir(truth), byteorder=">")
    volume = read_volume(tmp_path / "a.tif", spacing_um=PIR_UM)
    assert volume.data.dtype.isnative
    assert_is_truth(volume, truth)


def test_the_voxels_cannot_be_changed(tmp_path, truth):
    volume = read_volume(write_nrrd(tmp_path / "a.nrrd", as_pir(truth)))
    with pytest.raises(ValueError, match="read-only"):
        volume.data[0, 0, 0] = 1
