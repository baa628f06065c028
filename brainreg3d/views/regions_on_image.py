"""What the drawings of labelled images share: pieces to name, outlines, coloured labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.geometry import ImageView
from brainreg3d.state import Alignment, Labels
from brainreg3d.views.names import Piece
from brainreg3d.views.outlines import mask_outlines, split_hemispheres
from brainreg3d.views.style import OFF_BRAIN, region_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

TISSUE = (0.80, 0.80, 0.80)
"""Brain outside the regions."""


def pieces_to_name(labels: Labels, regions: RegionSet) -> list[Piece]:
    """Return every region once for each hemisphere it is seen in.

    Parameters
    ----------
    labels : Labels
        The region of every pixel.
    regions : RegionSet
        What the labels stand for.

    Returns
    -------
    list of Piece
        In the order of the labels.
    """
    parts = split_hemispheres(labels.labels, labels.hemisphere)
    return [
        Piece(regions[label - 1].acronym, mask, region_color(regions[label - 1]))
        for label, _, mask in parts
    ]


def colored_labels(labels: Labels, regions: RegionSet) -> NDArray[np.float64]:
    """Return a label image in atlas colours.

    Parameters
    ----------
    labels : Labels
        The region of every pixel.
    regions : RegionSet
        What the labels stand for.

    Returns
    -------
    numpy.ndarray of float64, shape (H, W, 3)
        Other brain tissue is grey, everything else light grey.
    """
    table = np.array([TISSUE, *(region_color(region) for region in regions)])
    colors = table[labels.labels]
    colors[(labels.labels == 0) & (labels.hemisphere == 0)] = OFF_BRAIN
    return np.asarray(colors)


def outline_path(mask: NDArray[np.bool_]) -> Path:
    """Return the outline of a mask as one compound path in pixel coordinates.

    Parameters
    ----------
    mask : numpy.ndarray of bool, shape (H, W)
        Not empty.

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
    return Path(np.concatenate(polygons), codes)


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
        Needed to give the position from bregma.

    Returns
    -------
    list of str
        Lines for below a picture.
    """
    view = alignment.view
    pose = view.pose
    x, y, z = pose.center_mm
    lines = [f"Centre: x {x:.3f}, y {y:.3f}, z {z:.3f} mm in the atlas (right, anterior, up)"]
    if atlas is not None:
        lines.append(_from_bregma(alignment, atlas))
    turns = f"Yaw {pose.yaw_deg:.1f}°, pitch {pose.pitch_deg:.1f}°, roll {pose.roll_deg:.1f}°"
    mirrored = "mirrored" if pose.mirrored else "not mirrored"
    lines.append(f"{turns}, {mirrored}; {_camera_words(view)}; pixels {_pixel_words(view)}")
    return lines


def _from_bregma(alignment: Alignment, atlas: Atlas) -> str:
    from brainreg3d.atlas import find_bregma

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
