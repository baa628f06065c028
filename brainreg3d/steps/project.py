"""Projector: what of each region falls onto the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.atlas import Annotation, Atlas, RegionSet
from brainreg3d.errors import InputError
from brainreg3d.geometry import ImageView
from brainreg3d.state import Alignment, HiddenPixels, Projections, Samples
from brainreg3d.steps.base import Step
from brainreg3d.steps.hidden import find_hidden
from brainreg3d.steps.label_depth import ALONG, tissue_below
from brainreg3d.steps.parameters import (
    not_negative,
    one_of,
    plain_float,
    plain_number,
    whole_number,
)
from brainreg3d.steps.surface_sampling import sample_surfaces
from brainreg3d.steps.vertex_sampling import sample_vertices, vertex_reach_px

if TYPE_CHECKING:
    from brainreg3d.raycast import Hits

_VERTEX_SPACING_UM = 50  # of the original's meshes
_SAMPLES_AT_ONCE = 1 << 16
_THINNEST_UM = 5.0  # half a voxel of the finest atlas; whoever says less means millimetres


class Projector(Step):
    """Project the brain onto the image plane under the camera.

    Parameters
    ----------
    sampling : {"rays", "vertices", "surface"}
        One ray for each pixel through the annotation; or the vertices of region meshes; or their
        faces too, sampled at the centre of each pixel that they cover.
    occluders : {"tissue", "regions"}
        Whether any annotated tissue hides what lies behind it, or only the chosen regions do.
    layers : {"visible", "all"}
        For rays: the first hit of each pixel, and in which pixels regions lie that none sees first;
        or the first hit of each region in each pixel, for pictures. Labels are the same.
    mesh_spacing_um : int, optional
        For meshes: spacing at which the annotation is meshed, at least that of its voxels; 50 µm
        for vertices and every voxel for surfaces when not given.
    label_depth_um : float
        For rays: how far below the surface the tissue lies that gives a pixel its region and its
        side; no region, and the side of the surface, where that is outside of the brain. What is
        seen of the surface, and how deep it lies, stays the same. With 0, the first voxel that a
        ray meets.
    along : {"ray", "normal"}
        Which way that depth is counted: along the ray, or straight into the surface, along the
        normal of the surface smoothed at 100 µm.
    """

    provides: ClassVar[str] = "projections"
    version: ClassVar[int] = 2

    sampling: str = attrs.field(default="rays", validator=one_of("rays", "vertices", "surface"))
    occluders: str = attrs.field(default="tissue", validator=one_of("tissue", "regions"))
    layers: str = attrs.field(default="visible", validator=one_of("visible", "all"))
    mesh_spacing_um: int | None = attrs.field(
        default=None,
        converter=plain_number,
        validator=attrs.validators.optional(whole_number(1)),
    )
    label_depth_um: float = attrs.field(default=0.0, converter=plain_float, validator=not_negative)
    along: str = attrs.field(default="ray", validator=one_of(*ALONG))

    def __attrs_post_init__(self) -> None:
        if self.label_depth_um and self.sampling != "rays":
            message = (
                f"label_depth_um is {self.label_depth_um:g}, but samples of meshes "
                f"(method='original' and 'surface') lie on surfaces and know nothing of what is "
                f"below; use rays (method='exact'), or 0."
            )
            raise InputError(message)

    def compute(  # type: ignore[override]
        self, *, atlas: Atlas, regions: RegionSet, alignment: Alignment
    ) -> Projections:
        """Return the projections.

        Parameters
        ----------
        atlas : Atlas
            The brain.
        regions : RegionSet
            The regions to label.
        alignment : Alignment
            Pose, camera and pixel size of the image.

        Returns
        -------
        Projections
            Samples of the regions and, as region 0, of other tissue.
        """
        view = alignment.view
        _warn_of_camera_inside(atlas, view)
        if 0 < self.label_depth_um < _THINNEST_UM:
            logger.warning(
                "label_depth_um is in µm: %g µm is next to nothing below the surface. %g mm would "
                "be label_depth_um=%g.",
                self.label_depth_um,
                self.label_depth_um,
                1000 * self.label_depth_um,
            )
        if self.sampling == "rays":
            samples, hidden = self._cast(atlas, regions, view)
            depth_um = float(self.label_depth_um)
            return Projections(samples, view.shape, "rays", 0.5, hidden, depth_um)
        if self.sampling == "surface":
            samples, hidden = self._sample_surfaces(atlas, regions, view)
            return Projections(samples, view.shape, "surface", 0.5, hidden)
        spacing_um = self.mesh_spacing_um or _VERTEX_SPACING_UM
        with_tissue = self.occluders == "tissue"
        samples = sample_vertices(atlas, regions, view, spacing_um, with_tissue)
        reach_px = vertex_reach_px(atlas, view, spacing_um)
        return Projections(samples, view.shape, "vertices", reach_px)

    def first_samples(
        self,
        *,
        atlas: Atlas,
        regions: RegionSet,
        view: ImageView,
        numbers: NDArray[np.int64] | None = None,
    ) -> Samples:
        """Return what rays meet first, and nothing of what lies behind.

        Parameters
        ----------
        atlas : Atlas
            The brain.
        regions : RegionSet
            The regions to label.
        view : ImageView
            Pose, camera and pixel size of the image.
        numbers : numpy.ndarray of int64, shape (N,), optional
            The pixels that are looked at, counted row by row; all when not given.

        Returns
        -------
        Samples
            At most one for each pixel, in their order; as `compute` gives them for rays, in a
            fraction of the time.
        """
        label_of_index = regions.label_of_index(atlas.annotation)
        return self._cast_first(atlas.annotation, label_of_index, view, numbers)[0]

    def _cast_first(
        self,
        annotation: Annotation,
        label_of_index: NDArray[np.uint16],
        view: ImageView,
        numbers: NDArray[np.int64] | None = None,
    ) -> tuple[Samples, Hits, NDArray[np.int64]]:
        """Return samples, hits, and the numbers of the rays that meet anything."""
        from brainreg3d.raycast import cast_first_hits

        opaque = annotation.ids != 0 if self.occluders == "tissue" else label_of_index > 0
        hits = cast_first_hits(annotation, view, opaque, numbers)
        hit = np.flatnonzero(hits.index)
        met = hit if numbers is None else numbers[hit]
        index, right, distance_mm = hits.index[hit], hits.right[hit], hits.distance_mm[hit]
        if self.label_depth_um:
            found = annotation, view, met, distance_mm
            index, right_below = tissue_below(*found, self.label_depth_um, self.along, opaque)
            # Where there is no tissue that far below, the pixel keeps the side of what it sees.
            right = np.where(index > 0, right_below, right)
        labels, identifiers = label_of_index[index], annotation.ids[index]
        samples = _samples(view, met, labels, identifiers, distance_mm, right)
        return samples, hits, met

    def _cast(
        self, atlas: Atlas, regions: RegionSet, view: ImageView
    ) -> tuple[Samples, HiddenPixels]:
        from brainreg3d.raycast import cast_label_hits

        annotation = atlas.annotation
        label_of_index = regions.label_of_index(annotation)
        first, hits, met = self._cast_first(annotation, label_of_index, view)
        labels = first.region
        # Rays that meet nothing cannot meet a region, whatever is opaque.
        if self.layers == "visible":
            wanted = np.setdiff1d(np.arange(1, len(regions) + 1), labels).tolist()
            if not wanted:
                return first, HiddenPixels()
            return first, find_hidden(annotation, view, label_of_index, wanted, met)
        wanted = list(range(1, len(regions) + 1))
        behind = cast_label_hits(annotation, view, label_of_index, wanted, met)
        # A region's first hit may be the pixel's first hit, which is there already.
        new = behind.distance_mm > hits.distance_mm[behind.ray]
        rest = _samples(
            view,
            behind.ray[new],
            behind.label[new],
            annotation.ids[behind.index[new]],
            behind.distance_mm[new],
            behind.right[new],
        )
        # Regions at the surface of pixels that are labelled further down have no sample there,
        # as it would be as near as the one that has the label.
        label_of_ray = np.zeros(hits.index.size, dtype=np.uint16)
        label_of_ray[met] = labels
        over = ~new & (behind.label != label_of_ray[behind.ray])
        hidden = HiddenPixels(behind.label[over], behind.ray[over], behind.right[over])
        return Samples.concatenate([first, rest]), hidden

    def _sample_surfaces(
        self, atlas: Atlas, regions: RegionSet, view: ImageView
    ) -> tuple[Samples, HiddenPixels]:
        with_tissue = self.occluders == "tissue"
        samples = sample_surfaces(atlas, regions, view, self.mesh_spacing_um or 1, with_tissue)
        wanted = np.setdiff1d(np.arange(1, len(regions) + 1), samples.region).tolist()
        if not wanted or not len(samples):
            return samples, HiddenPixels()
        # What lies below the surface, only reports need; rays find it without meshing all of it.
        seen = (samples.y_px * view.shape[1] + samples.x_px).astype(np.int64)
        label_of_index = regions.label_of_index(atlas.annotation)
        hidden = find_hidden(atlas.annotation, view, label_of_index, wanted, np.sort(seen))
        return samples, hidden


def _warn_of_camera_inside(atlas: Atlas, view: ImageView) -> None:
    """Warn when rays start within tissue: an image sees the brain from outside."""
    camera = view.camera_position_mm
    if camera is None:
        return
    z, y, x = atlas.grid.voxel_indices(camera).tolist()
    if not all(0 <= place < size for place, size in zip((z, y, x), atlas.grid.shape, strict=True)):
        return
    place = atlas.annotation.volume.at(z, y, x)
    identifier = int(atlas.annotation.ids[place])
    if identifier == 0:
        return
    name = atlas.structures[identifier].acronym if identifier in atlas.structures else identifier
    logger.warning(
        "The camera, %g mm above the image plane, lies inside the brain (in %s at x %.2f, y %.2f, "
        "z %.2f mm): what lies behind it is not seen. Give the distance from lens to image in mm, "
        "or None for parallel rays.",
        view.camera.distance_mm,
        name,
        *camera.tolist(),
    )


def _samples(
    view: ImageView,
    ray: NDArray[Any],
    labels: NDArray[np.uint16],
    structure_id: NDArray[np.uint32],
    distance_mm: NDArray[np.float64],
    right: NDArray[np.bool_],
) -> Samples:
    """Turn hits along rays into samples of the image."""
    from brainreg3d.raycast import pixel_rays

    depth_mm = np.empty(ray.size)
    view_axis = view.pose.view_axis
    for first in range(0, ray.size, _SAMPLES_AT_ONCE):  # all rays of an image take much memory
        part = slice(first, first + _SAMPLES_AT_ONCE)
        origins, directions = pixel_rays(view, ray[part])
        start = (origins - np.asarray(view.pose.center_mm)) @ view_axis
        depth_mm[part] = start + distance_mm[part] * (directions @ view_axis)
    rows, cols = np.divmod(ray, view.shape[1])
    return Samples(
        labels, structure_id, cols.astype(np.float64), rows.astype(np.float64), depth_mm, right
    )
