"""What a result is in the terms of Neurodata Without Borders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainreg3d._version import __version__
from brainreg3d.atlas import Atlas
from brainreg3d.errors import InputError
from brainreg3d.export.ome import pixel_maps
from brainreg3d.geometry import VolumeGrid
from brainreg3d.steps.exporting import ExportContent

if TYPE_CHECKING:
    from pynwb import NWBFile
    from pynwb.image import GrayscaleImage

IMAGES, REGIONS = "brain_region_images", "brain_regions"
COORDINATES, MASKS = "brain_surface", "brain_region_masks"
"""Names of what is added."""

_UNSAFE = re.compile(r"[/:]")  # in names of NWB's objects
_CCF_BOX = VolumeGrid((320, 528, 456), (0.025, 0.025, 0.025))
_MOST_NAMED_PIXELS = 2**20
"""Each name of a pixel's region takes 50 bytes of a file, and they cannot be compressed."""


def fill(
    nwbfile: NWBFile,
    content: ExportContent,
    pack: Callable[[NDArray[Any]], Any] = np.ascontiguousarray,
) -> None:
    """Add a labelled image to an NWB file.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        Any file; see `brainreg3d.export.nwb.add_to_nwb`.
    content : ExportContent
        What to add.
    pack : callable
        Prepares large arrays for storage.

    Raises
    ------
    InputError
        If the file holds a result already.
    """
    from ndx_anatomical_localization import Localization
    from pynwb.base import Images

    module = nwbfile.processing.get("ophys")
    if module is None:  # an empty one is false
        module = nwbfile.create_processing_module("ophys", "Brain regions of an image")
    taken = [name for name in (IMAGES, REGIONS) if name in module.data_interfaces]
    if taken:
        message = (
            f"The NWB file holds a result already, {taken[0]!r} in its module 'ophys'; add one "
            f"result to each file."
        )
        raise InputError(message)
    images = _images(content, pack)
    about = "An image and what is known of its pixels; arrays are (rows, columns)."
    module.add(Images(name=IMAGES, images=list(images.values()), description=about))
    module.add(_region_table(content))
    localization = nwbfile.lab_meta_data.get("localization")
    if localization is None:
        localization = Localization()
        nwbfile.add_lab_meta_data(localization)
    reference, space = images.get("image", images["labels"]), _space(content)
    if space.name in localization.spaces:
        space = localization.spaces[space.name]
    else:
        localization.add_spaces([space])
    localization.add_anatomical_coordinates_images([_coordinates(content, reference, space, pack)])
    localization.add_brain_region_masks([_masks(content, pack)])
    landmarks = content.alignment.extra.get("landmarks")
    if landmarks and "atlas_registration" not in nwbfile.lab_meta_data:
        _add_landmarks(nwbfile, landmarks, reference)


def _images(content: ExportContent, pack: Any) -> dict[str, GrayscaleImage]:
    """Return image and maps by name; the place in the CCF is not among them."""
    from pynwb.image import GrayscaleImage

    pictures = {
        picture.name: (picture.data, picture.meaning)
        for picture in pixel_maps(content)
        if picture.data.ndim == 2
    }
    if content.image is not None:
        pictures = {"image": (content.image.pixels, f"The image {content.stem}"), **pictures}
    per_cm = 10 / float(np.mean(content.alignment.view.pixel_size_mm))
    return {
        name: GrayscaleImage(name=name, data=pack(data), description=meaning, resolution=per_cm)
        for name, (data, meaning) in pictures.items()
    }


def _region_table(content: ExportContent) -> Any:
    from pynwb.core import DynamicTable, VectorData

    regions = content.regions
    columns: dict[str, tuple[str, list[Any]]] = {
        "label": ("Value in the image of labels", list(range(1, len(regions) + 1))),
        "structure_id": ("Id in the atlas", [region.id for region in regions]),
        "acronym": ("Short name", [region.acronym for region in regions]),
        "full_name": ("Name", [region.name for region in regions]),
        "color": ("Colour of the atlas", ["#{:02x}{:02x}{:02x}".format(*r.rgb) for r in regions]),
    }
    return DynamicTable(
        name=REGIONS,
        description=f"The regions of the image; atlas {content.atlas.title}",
        columns=[
            VectorData(name=name, description=meaning, data=data)
            for name, (meaning, data) in columns.items()
        ],
    )


def _space(content: ExportContent) -> Any:
    """Return the space of coordinates: Allen's, or one with the same axes for other atlases."""
    from ndx_anatomical_localization import AllenCCFv3Space, Space

    atlas = content.atlas
    if is_ccf(atlas):
        return AllenCCFv3Space()
    x_mm, y_mm, z_mm = atlas.grid.box_mm
    return Space(
        name=_UNSAFE.sub("_", atlas.full_name),
        space_name=atlas.title,
        origin="Anterior-superior-left corner of the atlas volume",
        units="um",
        orientation="PIR",
        extent=[1000 * y_mm, 1000 * z_mm, 1000 * x_mm],
    )


def is_ccf(atlas: Atlas) -> bool:
    """Tell whether an atlas is in Allen's space, as far as its box can tell.

    Parameters
    ----------
    atlas : Atlas
        Any atlas.

    Returns
    -------
    bool
        False for the phantom, which has the box but shows no brain.
    """
    return atlas.grid.same_box(_CCF_BOX) and not atlas.synthetic


def _coordinates(content: ExportContent, reference: GrayscaleImage, space: Any, pack: Any) -> Any:
    from ndx_anatomical_localization import AnatomicalCoordinatesImage

    place = dict(zip("xyz", np.moveaxis(content.maps.ccf, -1, 0).astype(np.float32), strict=True))
    names = {}
    if content.labels.labels.size <= _MOST_NAMED_PIXELS:
        acronyms = np.array(["", *content.regions.acronyms], dtype=object)
        names["brain_region"] = acronyms[content.labels.labels]
    return AnatomicalCoordinatesImage(
        name=COORDINATES,
        description="Where each pixel sees the surface of the brain; NaN off it. Arrays are (rows, "
        "columns).",
        image=reference,
        space=space,
        method=f"brainreg3d {__version__}: rays from a pose of the image in three dimensions",
        **{axis: pack(data) for axis, data in place.items()},
        **names,
    )


def _masks(content: ExportContent, pack: Any) -> Any:
    from ndx_anatomical_localization import BrainRegionMasks
    from pynwb.core import ElementIdentifiers, VectorData

    labels = content.labels
    rows, cols = np.nonzero(labels.labels)
    found = labels.labels[rows, cols]
    ids = np.array([0, *(region.id for region in content.regions)], dtype=np.int64)
    if ids.max() <= np.iinfo(np.int32).max:  # as the extension has them; wider ones are allowed
        ids = ids.astype(np.int32)
    columns = {
        "x": ("Column of the pixel, from 0", cols.astype(np.int32)),
        "y": ("Row of the pixel, from 0", rows.astype(np.int32)),
        "brain_region_id": ("Id of its region in the atlas", ids[found]),
        "label": ("Value in the image of labels", found),
        "hemisphere": ("1 left, 2 right, 0 not known", labels.hemisphere[rows, cols]),
    }
    return BrainRegionMasks(
        name=MASKS,
        description="The region of each labelled pixel; pixels of no region are not listed.",
        # As an array: of a list every number would be looked at.
        id=ElementIdentifiers(name="id", data=pack(np.arange(len(rows), dtype=np.int32))),
        columns=[
            VectorData(name=name, description=meaning, data=pack(data))
            for name, (meaning, data) in columns.items()
        ],
    )


def _add_landmarks(
    nwbfile: NWBFile, landmarks: list[Mapping[str, Any]], reference: GrayscaleImage
) -> None:
    from ndx_anatomical_localization import AtlasRegistration, Landmarks
    from pynwb.core import VectorData

    columns: dict[str, tuple[str, list[Any]]] = {
        "source_x": ("Column in pixels; centres are whole numbers", _numbers(landmarks, "col")),
        "source_y": ("Row in pixels; centres are whole numbers", _numbers(landmarks, "row")),
        "landmark_labels": ("Name", [str(entry.get("name") or "") for entry in landmarks]),
        "place": ("Where it is in the brain", [_place(entry) for entry in landmarks]),
        "residual_mm": (
            "From where the pose sees it to where it was clicked",
            _numbers(landmarks, "residual_mm"),
        ),
    }
    table = Landmarks(
        name="landmarks",
        description="What was found in the image to place it in the atlas.",
        columns=[
            VectorData(name=name, description=meaning, data=data)
            for name, (meaning, data) in columns.items()
        ],
    )
    nwbfile.add_lab_meta_data(AtlasRegistration(source_image=reference, landmarks=table))


def _numbers(landmarks: list[Mapping[str, Any]], key: str) -> list[np.float32]:
    return [np.float32(entry.get(key, np.nan)) for entry in landmarks]


def _place(entry: Mapping[str, Any]) -> str:
    for key in ("stereotaxic_mm", "ccf_um"):
        if entry.get(key) is not None:
            return f"{key} {', '.join(f'{number:g}' for number in entry[key])}"
    return "by its name"
