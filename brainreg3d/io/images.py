"""Reading 2D images: files of any common format, or arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainreg3d._arrays import is_whole
from brainreg3d._logging import logger
from brainreg3d.errors import ImageError, MissingFileError
from brainreg3d.io.hashing import sha256_of_array, sha256_of_file
from brainreg3d.io.quiet_tifffile import quiet_tifffile
from brainreg3d.io.tiff_pixel_size import stated_pixel_size
from brainreg3d.state import Image

if TYPE_CHECKING:
    import tifffile

_TIFF_SUFFIXES = {".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk"}
_TIFF_MINISWHITE = 0
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # ITU-R BT.709, as scikit-image's rgb2gray


@attrs.frozen
class _Stored:
    """The frames of a file before one is chosen."""

    pixels: NDArray[Any]
    pixel_size_mm: tuple[float, float] | None


def load_image(source: str | Path | ArrayLike, frame: int | None = None) -> Image:
    """Read a 2D image.

    Parameters
    ----------
    source : path-like or array_like
        A TIFF (ImageJ, OME and BigTIFF included), PNG, JPEG or other common file, a ``.npy``
        file, or an array. Colour becomes grey by its luminance. Grey values are taken as they are
        stored, also where a TIFF says that 0 is white.
    frame : int, optional
        Which frame of a stack, counted from 0 in the order of the file; or which plane of a
        single picture whose colours are stored as planes.

    Returns
    -------
    Image
        The picture with what its metadata say of its pixel size.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    ImageError
        If it is no image, is empty, holds NaN or infinity, is a stack and no frame was chosen, or
        is a TIFF of several images that are no stack.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        stored = _read_file(path, frame)
        name, stem, digest = path.name, stem_of(path), sha256_of_file(path)
    else:
        path, name, stem = None, "the array", "image"
        array = _as_array(source)
        stored = _Stored(_choose_frame(_as_numbers(array, name), frame, name), None)
        digest = sha256_of_array(array)
    pixels = _to_grey(stored.pixels)
    _check_pixels(pixels, name)
    return Image(pixels, stem, digest, path, stored.pixel_size_mm, frame)


def stem_of(path: Path) -> str:
    """Return how names of results of an image start.

    Parameters
    ----------
    path : pathlib.Path
        The image.

    Returns
    -------
    str
        Its name without suffix, and without ``.ome`` before that.
    """
    return path.stem.removesuffix(".ome")


def _as_array(source: ArrayLike) -> NDArray[Any]:
    try:
        return np.array(source)  # a copy: what the user does to it later is not our image
    except ValueError as error:
        message = f"The image is no array of numbers: {_first_line(error)}."
        raise ImageError(message) from error


def _read_file(path: Path, frame: int | None) -> _Stored:
    if not path.exists():
        message = f"There is no file {path}. Check the path of the image."
        raise MissingFileError(message)
    if not path.is_file():
        message = f"{path} is a folder; expected an image file."
        raise ImageError(message)
    try:
        if path.suffix.lower() in _TIFF_SUFFIXES:
            return _read_tiff(path, frame)
        pixels = np.load(path) if path.suffix == ".npy" else _read_other(path)
    except ImageError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # every reader has errors of its own
        message = (
            f"{path} cannot be read as an image ({type(error).__name__}: {_first_line(error)}). "
            f"Expected a TIFF, PNG, JPEG or .npy file."
        )
        raise ImageError(message) from error
    return _Stored(_choose_frame(_as_numbers(pixels, path.name), frame, path.name), None)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"


def _read_other(path: Path) -> NDArray[Any]:
    from skimage.io import imread  # slow to import

    pixels = np.asarray(imread(path))
    is_grey_with_alpha = pixels.ndim > 2 and pixels.shape[-1] == 2
    return np.asarray(pixels[..., 0]) if is_grey_with_alpha else pixels


def _read_tiff(path: Path, frame: int | None) -> _Stored:
    import tifffile

    with quiet_tifffile(), tifffile.TiffFile(path) as tif:
        series = _only_series(tif, path)
        pixels = _read_frame(tif, series, frame, path.name)
        return _Stored(pixels, stated_pixel_size(tif, series))


def _only_series(tif: tifffile.TiffFile, path: Path) -> tifffile.TiffPageSeries:
    """Return the image or stack of a TIFF; previews of it do not count."""
    if not tif.series:
        message = f"{path} holds no image."
        raise ImageError(message)
    whole = [series for series in tif.series if not series.keyframe.is_reduced]
    if len(whole) > 1:
        shapes = ", ".join(str(tuple(series.shape)) for series in whole)
        message = (
            f"{path.name} holds {len(whole)} images that are no stack, of shapes {shapes}; save "
            f"the one that is meant as a file of its own."
        )
        raise ImageError(message)
    series = whole[0] if whole else tif.series[0]
    if series.keyframe.photometric == _TIFF_MINISWHITE:
        logger.warning(
            "%s says that 0 is white; its values are taken as they are stored, so that other "
            "programs may show it inverted.",
            path.name,
        )
    return series


def _read_frame(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, frame: int | None, name: str
) -> NDArray[Any]:
    """Read one frame without loading the rest of a stack."""
    # Colour lies in the last axis of a plane, or as planes of their own before it.
    in_planes = series.axes.endswith("SYX")
    n_plane_axes = 3 if in_planes or series.axes.endswith("S") else 2
    n_frames = int(np.prod(series.shape[:-n_plane_axes], dtype=np.int64))
    if in_planes and n_frames == 1:
        if frame is not None:  # the colours are chosen from as if they were frames
            return _read_plane(series, frame, name)
        logger.warning(
            "%s holds %d planes, taken as the colours of one picture and blended into grey; if "
            "they are frames of a stack, choose one with frame=N (--frame N).",
            name,
            series.shape[-3],
        )
    chosen = _check_frame(frame, n_frames, series.shape, name)
    plane_shape = series.shape[-n_plane_axes:]
    if 0 in plane_shape:
        message = f"{name} is empty: its shape is {series.shape}."
        raise ImageError(message)
    if series.dataoffset is not None:  # uncompressed and contiguous, as ImageJ writes
        dtype = np.dtype(tif.byteorder + series.dtype.char)
        n_bytes = int(np.prod(plane_shape)) * dtype.itemsize
        offset = series.dataoffset + chosen * n_bytes
        if offset + n_bytes > tif.filehandle.size:
            message = (
                f"{name} is cut short: its pixels reach byte {offset + n_bytes}, the file has "
                f"{tif.filehandle.size}. Copy or export it again."
            )
            raise ImageError(message)
        mapped = tif.filehandle.memmap_array(dtype, plane_shape, offset)
        plane = np.array(mapped, dtype=dtype.newbyteorder("="))
    elif len(series.pages) == n_frames and (page := series.pages[chosen]) is not None:
        # Another frame may be stored otherwise than the first, which tifffile does not notice.
        plane = (page if page.is_virtual else page.aspage()).asarray()
        if plane.shape != plane_shape:
            message = f"Frame {chosen} of {name} has shape {plane.shape}, the first {plane_shape}."
            raise ImageError(message)
    else:
        plane = series.asarray().reshape(-1, *plane_shape)[chosen]
    return _as_numbers(np.moveaxis(plane, 0, -1) if in_planes else plane, name)


def _read_plane(series: tifffile.TiffPageSeries, frame: int, name: str) -> NDArray[Any]:
    planes = series.asarray().reshape(-1, *series.shape[-2:])
    return _as_numbers(planes[_check_frame(frame, len(planes), series.shape, name)], name)


def _check_frame(frame: int | None, n_frames: int, shape: tuple[int, ...], name: str) -> int:
    if frame is None and n_frames != 1:
        message = (
            f"{name} is a stack of {n_frames} frames (shape {tuple(shape)}); choose one with "
            f"frame=N (--frame N), counted from 0."
        )
        raise ImageError(message)
    chosen = 0 if frame is None else frame
    if not is_whole(chosen):
        message = f"frame is a whole number counted from 0; got {frame!r}."
        raise ImageError(message)
    if not 0 <= chosen < n_frames:
        message = f"{name} has {n_frames} frame(s), numbered from 0; there is no frame {chosen}."
        raise ImageError(message)
    return int(chosen)


def _choose_frame(pixels: NDArray[Any], frame: int | None, name: str) -> NDArray[Any]:
    """Pick a frame of an array; a last axis of 3 or 4 is colour."""
    if pixels.ndim < 2 or 0 in pixels.shape:
        message = f"{name} has shape {pixels.shape}; expected rows x columns, none of them 0."
        raise ImageError(message)
    is_color = pixels.ndim > 2 and pixels.shape[-1] in (3, 4)
    plane_shape = pixels.shape[-3:] if is_color else pixels.shape[-2:]
    frames = pixels.reshape(-1, *plane_shape)
    return np.asarray(frames[_check_frame(frame, len(frames), pixels.shape, name)])


def _as_numbers(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8)
    if pixels.dtype.kind not in "uif":
        message = f"{name} holds {pixels.dtype} values; expected integers or real numbers."
        raise ImageError(message)
    return pixels


def _to_grey(pixels: NDArray[Any]) -> NDArray[Any]:
    """Turn RGB or RGBA into grey of the same type; alpha is ignored."""
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[-1] < 3:  # grey with alpha
        return np.asarray(pixels[..., 0])
    grey: NDArray[Any] = pixels[..., :3].astype(np.float64) @ _LUMINANCE
    return np.rint(grey).astype(pixels.dtype) if pixels.dtype.kind in "ui" else grey


def _check_pixels(pixels: NDArray[Any], name: str) -> None:
    if pixels.dtype.kind == "f":
        bad = int(np.size(pixels) - np.count_nonzero(np.isfinite(pixels)))
        if bad:
            message = (
                f"{name} holds {bad} pixels that are NaN or infinite; replace them first, for "
                f"example by 0."
            )
            raise ImageError(message)


def load_window_mask(source: str | Path | ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Read the mask of an imaging window.

    Parameters
    ----------
    source : path-like or array_like
        An image that is not zero inside the window.
    shape : tuple of int
        (rows, columns) that it must have.

    Returns
    -------
    numpy.ndarray of bool, shape (H, W)
        True inside the window.

    Raises
    ------
    ImageError
        If it cannot be read, has another shape, or is zero everywhere.
    """
    mask: NDArray[np.bool_] = load_image(source).pixels != 0
    if mask.shape != tuple(shape):
        message = f"The window mask is {mask.shape} pixels but the image is {tuple(shape)}."
        raise ImageError(message)
    if not mask.any():
        message = "The window mask is 0 everywhere; expected other values inside the window."
        raise ImageError(message)
    return mask
