"""A result as layers for napari, which is not needed to make them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d.atlas import Region
from brainreg3d.contrast import contrast_limits
from brainreg3d.export.ome import pixel_maps
from brainreg3d.state import LEFT, RIGHT
from brainreg3d.steps.exporting import Exportable, ExportContent, no_result

LayerTuple = tuple[Any, dict[str, Any], str]
"""Data, keyword arguments and kind of a layer, as napari's plugins return them."""

_COLORMAPS = {"depth_mm": "viridis", "incidence_deg": "magma", "confidence": "magma"}
_OPACITY = 0.5
_NOTHING = (0.0, 0.0, 0.0, 0.0)


def napari_layers(result: Exportable) -> list[LayerTuple]:
    """Return a labelled image as layers for napari.

    From below they are the image, a map for each thing known of a pixel, the sides, the labels
    in the colours of the atlas with the regions as features, and the outlines of each side; all
    but image and labels are hidden at first. Axes are (row, column) in mm, as napari has them:
    the centre of the first pixel is the origin.

    Parameters
    ----------
    result : Result
        Of a run that labelled pixels.

    Returns
    -------
    list of tuple
        (data, keyword arguments, kind) of each layer, for `napari.layers.Layer.create`.

    Raises
    ------
    NotComputed
        If the run ended before the labels.
    InputError
        If it is no result.
    """
    if not hasattr(result, "export_content"):
        raise no_result(result)
    content = result.export_content()
    layers = [*_image(content), *_maps(content), *_labels(content), *_outlines(content)]
    size_mm = content.alignment.view.pixel_size_mm
    for _, options, _ in layers:
        options |= {"scale": size_mm, "units": ("mm", "mm")}
    return layers


def _image(content: ExportContent) -> list[LayerTuple]:
    if content.image is None:
        return []
    pixels = content.image.pixels
    options = {
        "name": content.stem,
        "colormap": "gray",
        "contrast_limits": _spread(contrast_limits(pixels)),
    }
    return [(pixels, options, "image")]


def _maps(content: ExportContent) -> list[LayerTuple]:
    layers: list[LayerTuple] = []
    for picture in pixel_maps(content):
        if picture.name in ("labels", "hemisphere"):
            continue
        stacked = picture.data if picture.data.ndim == 3 else picture.data[None]
        for data, name in zip(stacked, picture.channels, strict=True):
            known = data[np.isfinite(data)]
            limits = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
            options = {
                "name": name,
                "colormap": _COLORMAPS.get(name, "viridis"),
                "contrast_limits": _spread(limits),
                "visible": False,
                "metadata": {"meaning": picture.meaning},
            }
            layers.append((data, options, "image"))
    return layers


def _spread(limits: tuple[float, float]) -> tuple[float, float]:
    """Return limits that differ, which napari insists on."""
    low, high = limits
    return (low, high) if high > low else (low, low + 1.0)


def _labels(content: ExportContent) -> list[LayerTuple]:
    regions = list(enumerate(content.regions, 1))
    n_pixels = np.bincount(content.labels.labels.ravel(), minlength=len(regions) + 1)
    seen = [(label, region) for label, region in regions if n_pixels[label]]
    features = {
        "index": [0, *(label for label, _ in seen)],
        "acronym": ["", *(region.acronym for _, region in seen)],
        "region": ["", *(region.name for _, region in seen)],
        "structure_id": [0, *(region.id for _, region in seen)],
    }
    colors: dict[int | None, tuple[float, ...]] = {None: _NOTHING, 0: _NOTHING}
    colors |= {label: _rgba(region) for label, region in regions}
    options = {
        "name": "regions",
        "colormap": colors,
        "features": features,
        "opacity": _OPACITY,
        "metadata": {"atlas": content.atlas.title, "bregma": content.alignment.bregma},
    }
    sides = {
        "name": "hemisphere",
        "features": {"index": [0, LEFT, RIGHT], "side": ["", "left", "right"]},
        "opacity": _OPACITY,
        "visible": False,
    }
    return [
        (content.labels.hemisphere, sides, "labels"),
        (content.labels.labels, options, "labels"),
    ]


def _rgba(region: Region) -> tuple[float, ...]:
    return (*(value / 255 for value in region.rgb), 1.0)


def _outlines(content: ExportContent) -> list[LayerTuple]:
    lines: list[NDArray[np.float64]] = []
    names, colors = [], []
    for part, pieces in content.borders:
        for ring in (ring for piece in pieces for ring in piece.rings):
            # napari has centres of pixels at whole numbers, and rows first.
            lines.append(np.vstack([ring, ring[:1]])[:, ::-1].astype(np.float64) - 0.5)
            names.append(part.name)
            colors.append(_rgba(part.region))
    if not lines:
        return []
    options = {
        "name": "outlines",
        "shape_type": "path",
        "edge_color": np.array(colors),
        "edge_width": 1.0,
        "features": {"name": names},
        "visible": False,
    }
    return [(lines, options, "shapes")]
