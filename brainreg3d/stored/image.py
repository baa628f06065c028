"""The image of an earlier run: read when its pixels are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.errors import ImageError
from brainreg3d.io.images import load_image
from brainreg3d.state import Image


class StoredImage(Image):
    """The image of an earlier run, whose file is read when its pixels are asked for.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.
    shape : tuple of int
        (rows, columns) that it had.
    sha256 : str or None
        Hash that its file had.
    frame : int or None
        Which frame of a stack.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int], sha256: str | None, frame: int | None
    ) -> None:
        # A frozen attrs class with some fields that are made later has to be filled by hand.
        for name, value in (
            ("path", path),
            ("stem", path.stem.removesuffix(".ome")),
            ("sha256", sha256 or ""),
            ("frame", frame),
            ("_shape", tuple(shape)),
            ("_loaded", None),
        ):
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        shape: tuple[int, int] = vars(self)["_shape"]
        return shape

    @property
    def pixels(self) -> NDArray[Any]:
        """Intensities, shape (H, W)."""
        return self._load().pixels

    @property
    def pixel_size_mm(self) -> tuple[float, float] | None:
        """(row, column) size of a pixel as the file itself states it."""
        return self._load().pixel_size_mm

    def _load(self) -> Image:
        loaded: Image | None = vars(self)["_loaded"]
        if loaded is not None:
            return loaded
        loaded = load_image(self.path or Path(), self.frame)
        if loaded.shape != self.shape:
            message = (
                f"{self.path} has {loaded.shape} pixels (rows, columns), but had {self.shape} when "
                f"it was registered; give the image itself (image=)."
            )
            raise ImageError(message)
        if self.sha256 and loaded.sha256 != self.sha256:
            logger.warning("%s has changed since the run.", self.path)
        object.__setattr__(self, "_loaded", loaded)
        return loaded

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle what was known; attrs would read the file for it."""
        return type(self), (self.path, self.shape, self.sha256, self.frame)

    def __repr__(self) -> str:
        return f"<Image {self.path}, {self.shape[0]} x {self.shape[1]} px>"


def find_image(entry: Mapping[str, Any], folder: Path) -> StoredImage | None:
    """Return the image of a run, if its file is where it was, or beside the results.

    Parameters
    ----------
    entry : mapping
        Its file, hash, frame and shape as recorded.
    folder : pathlib.Path
        Of the record, which the place of the image is relative to.

    Returns
    -------
    StoredImage or None
        Not read yet. None if there is no such file, or the image was an array.
    """
    if entry["file"] is None or entry["shape"] is None:
        return None
    stored = folder / str(entry["file"])
    path = next((p for p in (stored, folder / stored.name) if p.is_file()), None)
    if path is None:
        return None
    rows, columns = entry["shape"]
    return StoredImage(path, (rows, columns), entry["sha256"], entry["frame"])
