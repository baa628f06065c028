"""Reading images: what other writers leave, read as they meant it."""

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from brainreg3d.errors import BrainReg3DError, ImageError, MissingFileError
from brainreg3d.io.images import load_image, load_window_mask

PICTURE = np.random.default_rng(0).integers(0, 4000, (13, 17), dtype=np.uint16)
STACK = np.random.default_rng(1).integers(0, 4000, (5, 13, 17), dtype=np.uint16)
COLOR = np.random.default_rng(2).integers(0, 255, (13, 17, 3), dtype=np.uint8)


def luminance(color):
    """Grey by ITU-R BT.709, channel by channel."""
    red, green, blue = (color[..., i].astype(float) for i in range(3))
    return 0.2125 * red + 0.7154 * green + 0.0721 * blue


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "lzw"},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
        {"imagej": True},
        {"ome": True},
        {"byteorder": ">", "compression": "zlib", "predictor": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_variants(tmp_path, options, dtype):
    pixels = PICTURE.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    image = load_image(tmp_path / "a.tif")
    assert np.array_equal(image.pixels, pixels)
    assert image.pixels.dtype == pixels.dtype
    assert image.stem == "a"
    assert image.frame is None


@pytest.mark.parametrize(
    "options",
    [
        {"imagej": True, "metadata": {"axes": "TYX"}},
        {"imagej": True, "metadata": {"axes": "ZYX"}, "byteorder": ">"},
        {"compression": "zlib"},
        {"ome": True, "metadata": {"axes": "TYX"}},
        {"ome": True, "compression": "zlib", "metadata": {"axes": "ZYX"}},
        {"bigtiff": True},
        {"photometric": "minisblack", "rowsperstrip": 2},
    ],
    ids=str,
)
def test_one_frame_of_a_stack(tmp_path, options):
    tifffile.imwrite(tmp_path / "stack.tif", STACK, **options)
    for frame in range(5):
        image = load_image(tmp_path / "stack.tif", frame)
        assert np.array_equal(image.pixels, STACK[frame])
        assert image.frame == frame
    with pytest.raises(ImageError, match="5 frames"):
        load_image(tmp_path / "stack.tif")
    for frame in (5, -1):
        with pytest.raises(ImageError, match="numbered from 0"):
            load_image(tmp_path / "stack.tif", frame)
    for frame in (1.5, True, "1"):
        with pytest.raises(ImageError, match="frame"):
            load_image(tmp_path / "stack.tif", frame)


def test_one_frame_of_a_hyperstack_counts_in_the_order_of_the_file(tmp_path):
    stack = np.arange(2 * 3 * 4 * 5 * 6, dtype=np.uint16).reshape(2, 3, 4, 5, 6)
    tifffile.imwrite(tmp_path / "h.tif", stack, imagej=True, metadata={"axes": "TZCYX"})
    frames = tifffile.imread(tmp_path / "h.tif").reshape(-1, 5, 6)
    assert len(frames) == 24
    for frame in (0, 7, 23):
        assert np.array_equal(load_image(tmp_path / "h.tif", frame).pixels, frames[frame])
    with pytest.raises(ImageError, match="24 frames"):
        load_image(tmp_path / "h.tif")


@pytest.mark.parametrize("suffix", ["npy", "array"])
def test_a_4d_array_needs_a_frame(tmp_path, suffix):
    stack = np.arange(2 * 3 * 9 * 11.0).reshape(2, 3, 9, 11)
    source = stack
    if suffix == "npy":
        source = tmp_path / "a.npy"
        np.save(source, stack)
    with pytest.raises(ImageError, match="6 frames"):
        load_image(source)
    assert np.array_equal(load_image(source, 4).pixels, stack[1, 1])


@pytest.mark.parametrize(
    "options",
    [{}, {"planarconfig": "separate"}, {"compression": "zlib"}, {"imagej": True}],
    ids=str,
)
def test_rgb_tiffs_become_grey(tmp_path, options):
    pixels = COLOR
    if options.get("planarconfig"):
        pixels = COLOR.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **options)
    assert np.allclose(load_image(tmp_path / "a.tif").pixels, luminance(COLOR), atol=0.51)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_three_pages_that_may_be_a_stack(tmp_path, log, dtype):
    """Some writers store three frames as colour planes; who meant frames has to notice."""
    planes = STACK[:3].astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    for frame in range(3):
        assert np.array_equal(load_image(tmp_path / "a.tif", frame).pixels, planes[frame])
    assert log == []
    blended = load_image(tmp_path / "a.tif").pixels
    assert np.allclose(blended, luminance(np.moveaxis(planes, 0, -1)), atol=0.51)
    assert any("a.tif" in message and "frame=" in message for message in log)
    with pytest.raises(ImageError, match="no frame 3"):
        load_image(tmp_path / "a.tif", 3)


def test_several_images_in_one_tiff_are_refused_and_previews_are_not(tmp_path):
    with tifffile.TiffWriter(tmp_path / "two.tif") as tif:
        tif.write(PICTURE)
        tif.write(PICTURE[:5, :6])
    with pytest.raises(ImageError, match=r"2 images.*\(13, 17\).*\(5, 6\)"):
        load_image(tmp_path / "two.tif")
    with tifffile.TiffWriter(tmp_path / "preview.tif") as tif:
        tif.write(PICTURE)
        tif.write(PICTURE[::2, ::2], subfiletype=1)
    assert np.array_equal(load_image(tmp_path / "preview.tif").pixels, PICTURE)


def test_values_are_as_stored_where_0_is_white(tmp_path, log):
    tifffile.imwrite(tmp_path / "white.tif", PICTURE, photometric="miniswhite")
    assert np.array_equal(load_image(tmp_path / "white.tif").pixels, PICTURE)
    assert any("0 is white" in message for message in log)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_frame_of_another_type_than_the_first(compression, tmp_path):
    stack = np.random.default_rng(3).integers(0, 200, (12, 13, 17)).astype(np.uint16)
    with tifffile.TiffWriter(tmp_path / "s.tif") as writer:
        for number, plane in enumerate(stack):
            odd = plane.astype(np.uint8) if number == 5 else plane
            writer.write(odd, contiguous=False, metadata=None, compression=compression)
    for number in (4, 5, 6):
        image = load_image(tmp_path / "s.tif", frame=number)
        np.testing.assert_array_equal(image.pixels, stack[number])


def test_rgba_tiff_and_grey_with_alpha(tmp_path):
    alpha = np.full((13, 17, 1), 77, np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", np.concatenate([COLOR, alpha], 2), photometric="rgb",
        extrasamples=["unassalpha"],
    )  # fmt: skip
    assert np.allclose(load_image(tmp_path / "a.tif").pixels, luminance(COLOR), atol=0.51)
    grey = np.concatenate([COLOR[..., :1], alpha], 2)
    tifffile.imwrite(
        tmp_path / "g.tif", grey, photometric="minisblack", planarconfig="contig",
        extrasamples=["unassalpha"],
    )  # fmt: skip
    assert np.array_equal(load_image(tmp_path / "g.tif").pixels, COLOR[..., 0])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", COLOR[..., 0]),
        ("RGB", luminance(COLOR)),
        ("RGBA", luminance(COLOR)),
        ("LA", COLOR[..., 0]),
        ("1", np.where(COLOR[..., 0] > 127, 1, 0)),
    ],
)
def test_png_of_each_kind(tmp_path, mode, expected):
    if mode == "LA":
        picture = PillowImage.merge("LA", [PillowImage.fromarray(COLOR[..., i]) for i in (0, 1)])
    elif mode == "1":
        picture = PillowImage.fromarray(COLOR[..., 0] > 127)
    elif mode == "L":
        picture = PillowImage.fromarray(COLOR[..., 0])
    else:
        picture = PillowImage.fromarray(COLOR).convert(mode)
    picture.save(tmp_path / "a.png")
    pixels = load_image(tmp_path / "a.png").pixels
    assert pixels.shape == (13, 17)
    if mode == "1":
        pixels = (pixels > 0).astype(int)
    assert np.allclose(pixels, expected, atol=0.51)


def test_16_bit_png_and_jpeg(tmp_path):
    PillowImage.fromarray(PICTURE).save(tmp_path / "a.png")
    assert np.array_equal(load_image(tmp_path / "a.png").pixels, PICTURE)
    smooth = np.add.outer(np.arange(16), np.arange(24)).astype(np.uint8) * 3
    PillowImage.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    assert np.allclose(load_image(tmp_path / "a.jpg").pixels, smooth, atol=8)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "f8", "?", ">u2", ">f4"])
def test_arrays_of_each_type(dtype):
    pixels = (PICTURE % 200).astype(dtype)
    image = load_image(pixels)
    assert np.array_equal(image.pixels, pixels)
    assert image.path is None
    assert image.stem == "image"


def test_an_image_is_not_changed_through_its_result():
    pixels = PICTURE.copy()
    image = load_image(pixels)
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1


def test_lists_are_arrays_too():
    assert load_image([[1, 2], [3, 4]]).shape == (2, 2)


# Pixel sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "per_unit", "expected"),
    [
        ("um", (1 / 15.6, 1 / 15.9), (0.0159, 0.0156)),
        ("micron", (0.1, 0.05), (0.02, 0.01)),
        ("\\u00B5m", (0.1, 0.05), (0.02, 0.01)),
        ("mm", (50, 40), (0.025, 0.02)),
        ("cm", (500, 400), (0.025, 0.02)),
    ],
)
def test_imagej_units(tmp_path, unit, per_unit, expected):
    tifffile.imwrite(
        tmp_path / "a.tif", PICTURE, imagej=True, resolution=per_unit, metadata={"unit": unit}
    )
    assert load_image(tmp_path / "a.tif").pixel_size_mm == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"PhysicalSizeX": 15.6, "PhysicalSizeY": 15.9}, (0.0159, 0.0156)),
        (
            {"PhysicalSizeX": 15.6, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.0159,
             "PhysicalSizeYUnit": "mm"},
            (0.0159, 0.0156),
        ),
        (
            {"PhysicalSizeX": 15600, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 15900,
             "PhysicalSizeYUnit": "nm"},
            (0.0159, 0.0156),
        ),
        ({"PhysicalSizeX": 15.6}, None),
        ({}, None),
    ],
    ids=str,
)  # fmt: skip
def test_ome_pixel_sizes(tmp_path, metadata, expected):
    tifffile.imwrite(tmp_path / "a.ome.tif", PICTURE, ome=True, metadata=metadata)
    image = load_image(tmp_path / "a.ome.tif")
    assert image.stem == "a"
    found = image.pixel_size_mm
    assert found == (pytest.approx(expected, rel=1e-6) if expected else None)


def test_resolution_in_centimetres_counts_and_printers_dots_do_not(tmp_path):
    tifffile.imwrite(
        tmp_path / "cm.tif", PICTURE, resolution=(640, 625), resolutionunit="CENTIMETER"
    )
    size = load_image(tmp_path / "cm.tif").pixel_size_mm
    assert size == pytest.approx((10 / 625, 10 / 640))
    for dots in (72, 96, 300):
        tifffile.imwrite(
            tmp_path / "in.tif", PICTURE, resolution=(dots, dots), resolutionunit="INCH"
        )
        assert load_image(tmp_path / "in.tif").pixel_size_mm is None
    tifffile.imwrite(tmp_path / "none.tif", PICTURE)
    assert load_image(tmp_path / "none.tif").pixel_size_mm is None


@pytest.mark.parametrize("dots", [72, 300, 2540])
def test_inches_that_imagej_took_over_from_a_printer_do_not_count(tmp_path, dots):
    tifffile.imwrite(
        tmp_path / "a.tif", PICTURE, imagej=True, resolution=(dots, dots),
        metadata={"unit": "inch"},
    )  # fmt: skip
    assert load_image(tmp_path / "a.tif").pixel_size_mm is None


def test_absurd_sizes_of_metadata_are_not_believed(tmp_path, log):
    tifffile.imwrite(
        tmp_path / "a.tif", PICTURE, imagej=True, resolution=(1, 1), metadata={"unit": "cm"}
    )
    assert load_image(tmp_path / "a.tif").pixel_size_mm is None
    assert any("not believed" in message for message in log)


# Bad files -------------------------------------------------------------------------------------


def bad_files(folder):
    def text(name):
        (folder / name).write_text("this is no picture\n" * 50)

    text("text.tif")
    text("text.png")
    text("text.npy")
    text("text.xyz")
    (folder / "empty.tif").write_bytes(b"")
    (folder / "empty.png").write_bytes(b"")
    (folder / "empty.npy").write_bytes(b"")
    np.save(folder / "flat.npy", np.arange(5))
    np.save(folder / "none.npy", np.zeros((0, 7)))
    np.save(folder / "objects.npy", np.array([{}, None]), allow_pickle=True)
    np.save(folder / "complex.npy", np.ones((3, 3), complex))
    tifffile.imwrite(folder / "nan.tif", np.full((4, 4), np.nan, np.float32))
    with_inf = np.ones((4, 4), np.float32)
    with_inf[2, 1] = np.inf
    tifffile.imwrite(folder / "inf.tif", with_inf)
    tifffile.imwrite(folder / "whole.tif", PICTURE)
    whole = (folder / "whole.tif").read_bytes()
    (folder / "cut.tif").write_bytes(whole[: len(whole) // 2])
    (folder / "header.tif").write_bytes(whole[:8])
    tifffile.imwrite(folder / "zip.tif", PICTURE, compression="zlib")
    packed = (folder / "zip.tif").read_bytes()
    (folder / "cutzip.tif").write_bytes(packed[: len(packed) - 60])
    (folder / "folder.tif").mkdir()


@pytest.mark.parametrize(
    "name",
    ["text.tif", "text.png", "text.npy", "text.xyz", "empty.tif", "empty.png", "empty.npy",
     "flat.npy", "none.npy", "objects.npy", "complex.npy", "nan.tif", "inf.tif", "cut.tif",
     "header.tif", "cutzip.tif", "folder.tif"],
)  # fmt: skip
def test_what_is_no_image(tmp_path, name):
    bad_files(tmp_path)
    with pytest.raises(ImageError) as error:
        load_image(tmp_path / name)
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, BrainReg3DError)
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_a_picture_cut_short_says_so(tmp_path):
    bad_files(tmp_path)
    size = (tmp_path / "cut.tif").stat().st_size
    with pytest.raises(ImageError, match=rf"cut\.tif is cut short.*the file has {size}"):
        load_image(tmp_path / "cut.tif")


def test_a_missing_file(tmp_path):
    with pytest.raises(MissingFileError, match=r"gone\.tif") as error:
        load_image(tmp_path / "gone.tif")
    assert isinstance(error.value, FileNotFoundError)


@pytest.mark.parametrize(
    "array",
    [np.zeros((0, 5)), np.zeros((5, 0)), np.zeros(5), np.float64(3), np.array("picture"), None,
     np.ones((3, 3), complex), np.full((3, 3), np.nan), np.array([[None, 1]]), [[1, 2], [3]]],
    ids=["0xN", "Nx0", "1D", "0D", "text", "None", "complex", "NaN", "object", "ragged"],
)  # fmt: skip
def test_arrays_that_are_no_image(array):
    with pytest.raises(ImageError) as error:
        load_image(array)
    assert "\n" not in str(error.value)


def test_window_masks(tmp_path):
    mask = np.zeros((13, 17), np.uint8)
    mask[3:9, 4:12] = 255
    tifffile.imwrite(tmp_path / "m.tif", mask)
    PillowImage.fromarray(mask).save(tmp_path / "m.png")
    for source in (mask, mask > 0, tmp_path / "m.tif", tmp_path / "m.png", mask / 255):
        assert np.array_equal(load_window_mask(source, (13, 17)), mask > 0)
    with pytest.raises(ImageError, match=r"\(13, 17\).*\(17, 13\)"):
        load_window_mask(mask, (17, 13))
    with pytest.raises(ImageError, match="everywhere"):
        load_window_mask(mask * 0, (13, 17))
    with pytest.raises(ImageError, match="NaN"):
        load_window_mask(np.full((13, 17), np.nan), (13, 17))
