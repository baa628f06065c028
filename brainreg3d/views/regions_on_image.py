"""What the drawings of labelled images share: pieces to name, outlines, coloured labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet, find_bregma
from brainreg3d.geometry import ImageView
from brainreg3d.state import Alignment, Labels
from brainreg3d.views.names import Piece, PlacedName, place_names
from brainreg3d.views.outlines import Part, mask_outlines, split_hemispheres
from brainreg3d.views.planes import CCF_BOX
from brainreg3d.views.sheet import image_size_in
from brainreg3d.views.style import OFF_BRAIN, color_table, region_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

TISSUE = (0.80, 0.80, 0.80)
"""Brain outside the regions."""


@attrs.frozen(eq=False)
class MarkedRegions:
    """Outlines and names of the regions of one image.

    Parameters
    ----------
    outlines : list of (int, matplotlib.path.Path)
        Label and outline of every region, once for each hemisphere it is seen in.
    names : list of PlacedName
        The names for which there is room.
    left_out : list of str
        Acronyms for which there is none.
    """

    outlines: list[tuple[int, Path]]
    names: list[PlacedName]
    left_out: list[str]


# Two drawings show the same outlines and names, which take longer to find than to draw.
_MARKED: WeakKeyDictionary[Labels, tuple[Any, MarkedRegions]] = WeakKeyDictionary()


def mark_regions(
    labels: Labels, regions: RegionSet, pixel_size_mm: tuple[float, float]
) -> MarkedRegions:
    """Find outlines and places for names at the size at which an image is drawn on its page.

    Parameters
    ----------
    labels : Labels
        The region of every pixel.
    regions : RegionSet
        What the labels stand for.
    pixel_size_mm : tuple of float
        (row, column) size of a pixel.

    Returns
    -------
    MarkedRegions
        In the order of the labels.
    """
    made_for = (regions, pixel_size_mm)
    known = _MARKED.get(labels)
    if known is not None and known[0] == made_for:
        return known[1]
    parts = split_hemispheres(labels.labels, labels.hemisphere)
    pieces = [name_part(part, regions) for part in parts]
    shape = labels.labels.shape
    names, left_out = place_names(pieces, shape, image_size_in(shape, pixel_size_mm))
    outlines = [(part.label, outline_path(part.mask, part.corner)) for part in parts]
    marked = MarkedRegions(outlines, names, left_out)
    _MARKED[labels] = (made_for, marked)
    return marked


def name_part(part: Part, regions: RegionSet) -> Piece:
    """Return what is to be named of a part of an image.

    Parameters
    ----------
    part : Part
        A region in one hemisphere.
    regions : RegionSet
        What its label stands for.

    Returns
    -------
    Piece
        With acronym and colour of the region.
    """
    region = regions[part.label - 1]
    return Piece(region.acronym, part.mask, region_color(region), part.corner)


def colored_labels(
    labels: NDArray[np.uint16], hemisphere: NDArray[np.uint8], regions: RegionSet
) -> NDArray[np.uint8]:
    """Return a label image in atlas colours.

    Parameters
    ----------
    labels : numpy.ndarray of uint16, shape (H, W)
        0 for no region, else 1 + place of the region.
    hemisphere : numpy.ndarray of uint8, shape (H, W)
        0 off the brain.
    regions : RegionSet
        What the labels stand for.

    Returns
    -------
    numpy.ndarray of uint8, shape (H, W, 3)
        Other brain tissue is grey, everything else light grey.
    """
    table = color_table(OFF_BRAIN, TISSUE, *(region_color(region) for region in regions))
    return np.asarray(table[np.where((labels == 0) & (hemisphere == 0), 0, labels + 1)])


def outline_path(mask: NDArray[np.bool_], corner: tuple[int, int] = (0, 0), step: int = 1) -> Path:
    """Return the outline of a mask as one compound path in pixel coordinates.

    Parameters
    ----------
    mask : numpy.ndarray of bool, 2D
        Not empty.
    corner : tuple of int
        (row, column) of its first pixel in the image.
    step : int
        How many pixels of the image each pixel of the mask stands for, along each axis.

    Returns
    -------
    matplotlib.path.Path
        Holes run the other way round.
    """
    from matplotlib.path import Path

    polygons = mask_outlines(mask)
    codes = []
    for polygon in polygons:
        codes += [Path.MOVETO] + [Path.LINETO] * (len(polygon) - 2) + [Path.CLOSEPOLY]
    points = (np.concatenate(polygons) + 0.5) * step - 0.5
    return Path(points + corner[::-1], codes)


def draw_path(
    axes: Axes, path: Path, color: tuple[float, ...] | str, width_pt: float, inside: bool = False
) -> None:
    """Draw the outline of a region.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Holds the image in pixel coordinates.
    path : matplotlib.path.Path
        From `outline_path`.
    color : tuple of float or str
        Of the line.
    width_pt : float
        Width of the line in points.
    inside : bool
        Keep the line inside the region, so that neighbours both show along a shared border.
    """
    from matplotlib.patches import PathPatch

    patch = PathPatch(
        path,
        fill=False,
        edgecolor=color,
        lw=2 * width_pt if inside else width_pt,
        joinstyle="miter",
        gid="outline",
    )
    axes.add_patch(patch)
    if inside:
        patch.set_clip_path(path, axes.transData)


def pose_captions(alignment: Alignment, atlas: Atlas | None) -> list[str]:
    """Return the numbers of a pose in words.

    Parameters
    ----------
    alignment : Alignment
        Pose, camera and pixel size.
    atlas : Atlas or None
        Needed to give the position from bregma, which is known in the CCF's box alone.

    Returns
    -------
    list of str
        Lines for below a picture.
    """
    view = alignment.view
    pose = view.pose
    x, y, z = pose.center_mm
    lines = [f"Centre: x {x:.3f}, y {y:.3f}, z {z:.3f} mm in the atlas (right, anterior, up)"]
    if atlas is not None and atlas.grid.same_box(CCF_BOX):
        lines.append(_from_bregma(alignment, atlas))
    turns = f"Yaw {pose.yaw_deg:.1f}°, pitch {pose.pitch_deg:.1f}°, roll {pose.roll_deg:.1f}°"
    mirrored = "mirrored" if pose.mirrored else "not mirrored"
    lines.append(f"{turns}, {mirrored}; {_camera_words(view)}; pixels {_pixel_words(view)}")
    return lines


def _from_bregma(alignment: Alignment, atlas: Atlas) -> str:
    bregma = find_bregma(alignment.bregma)
    right, anterior, up = bregma.from_atlas_mm(alignment.view.pose.center_mm, atlas.grid.box_mm)
    words = (
        f"{abs(right):.3f} mm {'right' if right >= 0 else 'left'}",
        f"{abs(anterior):.3f} mm {'anterior' if anterior >= 0 else 'posterior'}",
        f"{abs(up):.3f} mm {'above' if up >= 0 else 'below'}",
    )
    return f"From bregma ({alignment.bregma}): {', '.join(words)}"


def _camera_words(view: ImageView) -> str:
    distance = view.camera.distance_mm
    return "parallel rays" if distance is None else f"camera {distance:g} mm away"


def _pixel_words(view: ImageView) -> str:
    height, width = (size * 1000 for size in view.pixel_size_mm)
    same = abs(height - width) < 5e-4 * width
    return f"{width:.4g} µm" if same else f"{width:.4g} × {height:.4g} µm (width × height)"
