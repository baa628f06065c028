"""Content to export, made of any label image; and the same read back from what was written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import roifile
import shapely
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapely.geometry import shape as geometry_of
from skimage.draw import polygon2mask
from tiny_brain import make_atlas

from brainreg3d.atlas import select_regions
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.state import Alignment, Image, Labels
from brainreg3d.steps import MaskWriter

NAMES = ("ANT", "POST", "MARK", "BULB", "DEEP")
PIXEL_MM = (0.3, 0.2)


@st.composite
def label_images(draw):
    """Draw labels with holes, islands and pixels that touch at corners, and sides of any kind."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    most = draw(st.integers(1, len(NAMES)))
    labels = draw(arrays(np.uint16, shape, elements=st.integers(0, most)))
    return labels, draw(arrays(np.uint8, shape, elements=st.integers(0, 2)))


def expected_sides(labels, hemisphere):
    """Return the side of every pixel with a label."""
    return np.where(labels > 0, hemisphere, 0)


def make_content(labels, hemisphere=None, *, atlas=None, with_image=True, certain=None, **writer):
    """Return `ExportContent` of a made-up label image on the tiny brain."""
    atlas = atlas or make_atlas()
    shape = labels.shape
    if hemisphere is None:
        hemisphere = np.where(np.indices(shape)[1] < shape[1] // 2, 1, 2)
    view = ImageView(shape, PIXEL_MM, Pose((2.0, 3.4, 4.1), 5.0, 3.0, -4.0), Camera(31.0))
    depth = np.where(labels > 0, 0.25, np.nan).astype(np.float32)
    return MaskWriter(certain=certain, **writer).content(
        atlas,
        select_regions(atlas, list(NAMES)),
        Alignment(view),
        Labels(labels.astype(np.uint16), hemisphere.astype(np.uint8), depth),
        image=Image(np.arange(labels.size).reshape(shape), "mouse", "abc") if with_image else None,
        stem="mouse",
        alignment_file={},
        provenance={"note": "made up"},
    )


def write(exporter, content, folder: Path) -> dict[str, Path]:
    """Write one format into a folder; return its files by kind."""
    from brainreg3d.export import _EXPORTERS
    from brainreg3d.steps.exporting import FORMATS

    name = next(n for n, (_, kind) in _EXPORTERS.items() if kind == type(exporter).__name__)
    paths = {kind: folder / f"mouse{end}" for kind, end in FORMATS[name].items()}
    for path in paths.values():
        path.touch()  # as the pipeline does
    exporter.write(content, paths)
    return paths


def sides_of(names) -> list[tuple[str, int]]:
    """Return acronym and side of names such as ``VISp_R``."""
    ends = {"_L": 1, "_R": 2}
    return [(name[:-2], ends[name[-2:]]) if name[-2:] in ends else (name, 0) for name in names]


def read_rois(path: Path, shape, acronyms) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and sides of a ROI set, rasterised by scikit-image with the even-odd rule."""
    labels, sides = np.zeros(shape, int), np.zeros(shape, int)
    rois = roifile.roiread(path) if path.stat().st_size > 22 else []  # no entry at all
    for roi in rois if isinstance(rois, list) else [rois]:
        inside = np.zeros(shape, bool)
        for ring in roi.coordinates(multi=True):
            # scikit-image has centres of pixels at whole numbers, ImageJ has corners there.
            inside ^= polygon2mask(shape, ring[:, ::-1] - 0.5)
        ((acronym, side),) = sides_of([roi.name])
        assert not (labels[inside] > 0).any(), "no pixel is in two ROIs"
        labels[inside], sides[inside] = acronyms.index(acronym) + 1, side
    return labels, sides


def read_contours(path: Path, shape, key="geometry") -> tuple[np.ndarray, np.ndarray]:
    """Return labels and sides of a GeoJSON file, rasterised by Shapely."""
    labels, sides = np.zeros(shape, int), np.zeros(shape, int)
    rows, cols = (axis.ravel() + 0.5 for axis in np.indices(shape))
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        known = feature["properties"]
        where = feature["geometry"]
        if key == "mm":
            where = {"type": "MultiPolygon", "coordinates": known["coordinates_mm"]}
            polygon = geometry_of(where)
            inside = shapely.contains_xy(polygon, cols * PIXEL_MM[1], rows * PIXEL_MM[0])
        else:
            inside = shapely.contains_xy(geometry_of(where), cols, rows)
        inside = inside.reshape(shape)
        labels[inside] = known["label"]
        sides[inside] = {"left": 1, "right": 2, None: 0}[known["hemisphere"]]
    return labels, sides
