"""The brain cut along the view of an image, in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.state import Alignment, Image
from brainreg3d.surfaces import Surface
from brainreg3d.views.cut_meshes import brain_shell, pieces_in_view
from brainreg3d.views.cut_scene import PICTURE_PX, Spectator, textured_plane, tubes, view_edges
from brainreg3d.views.layout import LINE_IN, MARGIN_IN, add_axes, add_text, new_figure, wrap_text
from brainreg3d.views.legend import Legend
from brainreg3d.views.many import choose_largest, list_names
from brainreg3d.views.rendering import render_scene
from brainreg3d.views.style import GREY, INK, SMALL_PT, TITLE_PT, atlas_line, region_color, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PICTURE_IN = (6.7, 5.0)


@styled
def draw_cut(
    atlas: Atlas,
    regions: RegionSet,
    alignment: Alignment,
    *,
    image: Image | None = None,
) -> Figure:
    """Draw the parts of the regions that lie in the view of an image, in 3D.

    Parameters
    ----------
    atlas : Atlas
        Its annotation gives the surfaces.
    regions : RegionSet
        What to draw, in both hemispheres.
    alignment : Alignment
        Its view cuts.
    image : Image, optional
        Shown in the image plane; otherwise only a frame.

    Returns
    -------
    matplotlib.figure.Figure
        The picture with a legend; the rest of the brain is a translucent shell.

    Raises
    ------
    RenderingUnavailable
        If nothing on this machine can render a 3D picture.
    """
    view = alignment.view
    pieces = pieces_in_view(atlas.annotation, regions, view)
    shell = brain_shell(atlas.annotation)
    edges = view_edges(view, pieces)
    everything = [edges.reshape(-1, 3)] + ([] if shell is None else [shell.vertices_mm])
    spectator = Spectator.facing(view, np.concatenate(everything))
    meshes: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for region in regions:
        if region.acronym in pieces:
            _add(meshes, arrays, pieces[region.acronym], region_color(region))
    if shell is not None:
        _add(meshes, arrays, shell, (0.72, 0.72, 0.74), alpha=0.16, behind=True)
    _add(meshes, arrays, tubes(edges), (0.1, 0.1, 0.1), flat=True)
    if image is not None:
        plane, colors = textured_plane(view, image)
        arrays[f"m{len(meshes)}_colors"] = colors
        _add(meshes, arrays, plane, (1.0, 1.0, 1.0), alpha=0.7)
    scene = {"size_px": PICTURE_PX, "camera": spectator.camera(), "meshes": meshes}
    picture = render_scene(scene, arrays)
    return _page(picture, spectator, regions, pieces, alignment, atlas)


def _add(
    meshes: list[dict[str, Any]],
    arrays: dict[str, NDArray[Any]],
    surface: Surface,
    rgb: tuple[float, float, float],
    **options: Any,
) -> None:
    name = f"m{len(meshes)}"
    arrays[f"{name}_vertices"] = surface.vertices_mm
    arrays[f"{name}_faces"] = surface.faces
    meshes.append({"name": name, "rgb": rgb, "alpha": 1.0, **options})


def _page(
    picture: NDArray[np.uint8],
    spectator: Spectator,
    regions: RegionSet,
    pieces: dict[str, Surface],
    alignment: Alignment,
    atlas: Atlas,
) -> Figure:
    """Put the rendered picture on a page with legend and captions."""
    width, height = _PICTURE_IN
    shown = [region for region in regions if region.acronym in pieces]
    missing = [region.acronym for region in regions if region.acronym not in pieces]
    captions = ["Colours: the regions inside the view, cut along its sides; grey: the whole brain."]
    named = choose_largest([len(pieces[region.acronym].vertices_mm) for region in shown])
    if len(named) < len(shown):
        captions.append(f"Named: the {len(named)} largest regions of {len(shown)} that are drawn.")
    if missing:
        captions.append(f"Nothing in the view: {list_names(missing)}")
    captions += atlas_line(atlas)
    lines = [line for text in captions for line in wrap_text(text, width)]
    legend = Legend.fit([shown[place] for place in named], width)
    top = MARGIN_IN + 0.26
    bottom = top + height + 0.1
    total = bottom + legend.height_in + LINE_IN * len(lines) + MARGIN_IN
    figure = new_figure(width + 2 * MARGIN_IN, total)
    title = "The brain cut along the view of the image"
    add_text(figure, MARGIN_IN, MARGIN_IN, title, size=TITLE_PT, weight="bold")
    axes = add_axes(figure, MARGIN_IN, top, width, height)
    axes.imshow(picture, aspect="auto")
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    _annotate(axes, spectator)
    _point_to_camera(axes, spectator, view_edges(alignment.view, pieces))
    legend.draw(figure, MARGIN_IN, bottom)
    for place, line in enumerate(lines):
        add_text(figure, MARGIN_IN, bottom + legend.height_in + LINE_IN * place, line, color=GREY)
    return figure


def _annotate(axes: Axes, spectator: Spectator) -> None:
    """Draw the directions of the animal and a scale bar over the picture."""
    length_px = 70.0
    start = np.array([95.0, PICTURE_PX[1] - 105.0])
    origin = spectator.project(spectator.center_mm)
    px_per_mm = PICTURE_PX[1] / spectator.height_mm
    tips = {
        letter: (spectator.project(spectator.center_mm + axis) - origin) / px_per_mm * length_px
        for axis, letter in zip(np.eye(3), "RAS", strict=True)
    }
    drawn: list[NDArray[np.float64]] = []
    for letter in sorted(tips, key=lambda name: -float(np.linalg.norm(tips[name]))):
        tip = tips[letter]
        # An axis along the line of sight, or in line with a longer one, says nothing here.
        clear = all(np.linalg.norm(tip - other) > 0.45 * length_px for other in drawn)
        if clear and np.linalg.norm(tip) >= 0.2 * length_px:
            _arrow(axes, start, start + tip, letter, weight="bold")
            drawn.append(tip)
    right, low = PICTURE_PX[0] - 30.0, PICTURE_PX[1] - 45.0
    axes.plot([right - 2 * px_per_mm, right], [low, low], color=INK, lw=2.2, solid_capstyle="butt")
    axes.text(right, low + 10, "2 mm", ha="right", va="top", size=SMALL_PT)


def _point_to_camera(axes: Axes, spectator: Spectator, edges_mm: NDArray[np.float64]) -> None:
    """Draw an arrow along the rightmost edge of the view, where it leaves for the camera."""
    ends = spectator.project(edges_mm[:4])
    near, far = ends[np.argmax(ends[:, 0, 0])]
    step = (near - far) / max(float(np.linalg.norm(near - far)), 1e-9)
    _arrow(axes, near, near + 34 * step, "camera")


def _arrow(
    axes: Axes, start: NDArray[np.float64], tip: NDArray[np.float64], text: str, **kwargs: Any
) -> None:
    """Draw an arrow with a word beyond its tip."""
    along = (tip - start) / np.linalg.norm(tip - start)
    look = {"arrowstyle": "-|>", "color": INK, "lw": 1.0, "shrinkA": 0, "shrinkB": 0}
    annotate: Any = axes.annotate
    annotate("", tip, start, arrowprops={**look, "mutation_scale": 7})
    x, y = (tip + 16 * along).tolist()
    axes.text(x, y, text, ha="center", va="center", size=SMALL_PT, **kwargs)
