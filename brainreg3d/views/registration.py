"""A volume on the atlas before and after its registration, in three planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, find_bregma
from brainreg3d.errors import InputError
from brainreg3d.geometry import ATLAS_DIRECTIONS, reorient_to_atlas
from brainreg3d.state import Registration, Volume
from brainreg3d.steps.volume_write import turned_grid
from brainreg3d.views.atlas_outlines import AtlasOutlines, Cut
from brainreg3d.views.letters import draw_edge_letters
from brainreg3d.views.plane_samples import GreyVolume, PlaneSampler, VolumeContrast
from brainreg3d.views.planes import AXIS_NAMES, PLANES, informative_point_mm
from brainreg3d.views.regions_on_image import draw_path, outline_path
from brainreg3d.views.registration_page import RegistrationPage
from brainreg3d.views.sheet import draw_scale_bar, image_axes, show_pixels
from brainreg3d.views.style import atlas_line, brightened, region_color, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SQUARE_MM = 1.0
"""Side of the squares of a checkerboard."""

TEMPLATE_TINT, VOLUME_TINT = (1.0, 0.86, 0.66), (0.66, 0.88, 1.0)
"""What grey values are multiplied by in squares of the template and of the volume."""


@styled
def draw_registration(
    atlas: Atlas,
    volume: Volume,
    registration: Registration | None,
    *,
    problem: str = "",
    automatic_contrast: bool = True,
) -> Figure:
    """Draw a volume on the template before and after its registration.

    In each of three planes squares of the template and of the volume take turns, so that edges
    run on across squares where the two agree; beside it, outlines of the atlas lie on the volume.

    Parameters
    ----------
    atlas : Atlas
        Its template is what the volume was registered to. Without any annotation, the outline is
        that of the template's tissue.
    volume : Volume
        What was registered.
    registration : Registration or None
        From atlas points to points of the volume; None when it failed, and the columns "after"
        stay empty.
    problem : str
        Why it failed.
    automatic_contrast : bool
        As for `brainreg3d.contrast.contrast_limits`; for both volumes.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. "Before" is the volume with its axes as they were known, its middle in that
        of the atlas box. "After" follows the registration.

    Raises
    ------
    InputError
        If the atlas has no template.
    """
    if atlas.template is None:
        message = f"Atlas {atlas.full_name} has no template to draw a registration on."
        raise InputError(message)
    grid = atlas.template.grid
    contrast = VolumeContrast.of(atlas.template.data, automatic_contrast)
    template = GreyVolume(atlas.template.data, grid, contrast)
    poses = _poses(grid.box_mm, volume, registration, automatic_contrast)
    point = informative_point_mm(atlas)
    samplers = [PlaneSampler(plane, point, np.array(grid.box_mm)) for plane in PLANES]
    cuts = AtlasOutlines.of(atlas).in_planes(samplers)
    page = RegistrationPage(
        box_mm=grid.box_mm,
        title=f"Registration of {volume.stem}",
        rows=_places(point, grid.box_mm),
        tints=(TEMPLATE_TINT, VOLUME_TINT),
        legend=tuple({r.id: r for cut in cuts for r, _ in cut if r is not None}.values()),
        captions=(*_explanations(atlas, volume), *_numbers(volume, registration)),
        warnings=_warnings(registration, problem),
        footer=tuple(atlas_line(atlas)),
    )
    figure = page.draw()
    for row, (sampler, cut) in enumerate(zip(samplers, cuts, strict=True)):
        fixed = sampler.grey(template, np.eye(4))
        moving = [sampler.grey(*pose) for pose in poses]
        boards = [_checkerboard(fixed, grey, sampler.squares(SQUARE_MM)) for grey in moving]
        columns = [*range(len(boards)), *range(2, 2 + len(moving))]
        for column, pixels in zip(columns, (*boards, *moving), strict=True):
            axes = image_axes(figure, page.place_in(row, column), fixed.shape)
            show_pixels(axes, pixels)
            draw_edge_letters(axes, sampler.plane)
            if column >= 2:
                _draw_outlines(axes, cut)
    draw_scale_bar(axes, fixed.shape, sampler.pixel_size_mm)
    return figure


def _poses(
    box_mm: tuple[float, float, float],
    volume: Volume,
    registration: Registration | None,
    automatic_contrast: bool,
) -> list[tuple[GreyVolume, NDArray[np.float64]]]:
    """Return the volume before and after registration, each with its map from atlas points."""
    contrast = VolumeContrast.of(volume.data, automatic_contrast)

    def turned(way: str) -> GreyVolume:
        data = reorient_to_atlas(volume.data, way)
        return GreyVolume(data, turned_grid(volume, way), contrast)

    before = turned(volume.directions or ATLAS_DIRECTIONS)
    centered = np.eye(4)
    centered[:3, 3] = (np.array(before.grid.box_mm) - np.array(box_mm)) / 2
    poses = [(before, centered)]
    if registration is not None:
        poses.append((turned(registration.directions), registration.matrix))
    return poses


def _warnings(registration: Registration | None, problem: str) -> tuple[str, ...]:
    if registration is None:
        return (f"Not registered: {problem}",)
    return tuple(f"Warning: {text}" for text in registration.warnings)


def _checkerboard(
    fixed: NDArray[np.float32], moving: NDArray[np.float32], squares: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return an image (H, W, 3) with the template in the squares and the volume elsewhere."""
    tinted = [
        grey[..., None] * np.array(tint, np.float32)
        for grey, tint in ((fixed, TEMPLATE_TINT), (moving, VOLUME_TINT))
    ]
    return np.where(squares[..., None], *tinted)


def _draw_outlines(axes: Axes, cut: Cut) -> None:
    """Draw outlines so that the lines of neighbours both show along their border."""
    for region, mask in cut:
        path = outline_path(mask)
        if region is None:
            draw_path(axes, path, "white", 0.8)
        else:
            draw_path(axes, path, brightened(region_color(region)), 0.5, inside=True)


def _places(point_mm: NDArray[np.float64], box_mm: tuple[float, float, float]) -> tuple[str, ...]:
    """Return for each plane what it is and where it cuts."""
    bregma = find_bregma("ibl").position_mm(box_mm)
    inside = bool(np.all((bregma >= 0) & (bregma <= np.array(box_mm))))
    offset, origin = (bregma, "bregma (ibl)") if inside else (np.zeros(3), "the atlas corner")
    return tuple(
        f"{plane.name}: {AXIS_NAMES[plane.normal]} "
        f"{point_mm[plane.normal] - offset[plane.normal]:+.2f} mm from {origin}".replace("-", "−")
        for plane in PLANES
    )


def _explanations(atlas: Atlas, volume: Volume) -> list[str]:
    """Return what the columns show."""
    axes = (
        "its axes taken as the atlas's, as its orientation was not given"
        if volume.directions is None
        else "its axes turned as they were given"
    )
    empty = atlas.annotation.ids.size == 1
    lines = "tissue of the template" if empty else "large structures of the atlas"
    squares = f"squares of {SQUARE_MM:g} mm, both brought to about the same brightness"
    return [
        f"Before: the volume in the middle of the atlas box, {axes}. After: as registered.",
        f"Checkerboard: {squares}. Outlines: {lines}, on the volume.",
    ]


def _numbers(volume: Volume, registration: Registration | None) -> list[str]:
    """Return what the registration found, in words."""
    if registration is None:
        return []
    rotation = np.array(registration.matrix[:3, :3])
    # The norm of the skew part keeps small angles that the trace alone would round away.
    sine = np.linalg.norm(rotation - rotation.T) / np.sqrt(8)
    angle = np.degrees(np.arctan2(sine, (np.trace(rotation) - 1) / 2))
    origin = "found" if volume.directions is None else "given"
    gap = (
        f"{registration.basin_gap:.2f} times as good as any other orientation"
        if np.isfinite(registration.basin_gap)
        else "not compared with other orientations"
    )
    metric = f"{registration.metric_value:.4g}".replace("-", "−")
    turned = f"Axes of the volume grow to {registration.directions} ({origin})"
    sentences = (
        f"{turned}; rotated by a further {angle:.1f}°.",
        f"Covers {registration.covered:.0%} of the brain, Dice {registration.overlap:.2f}.",
        f"Fit {gap}.",
        f"Metric {metric} (smaller is better) after {registration.iterations} iterations.",
    )
    return [" ".join(sentences)]
