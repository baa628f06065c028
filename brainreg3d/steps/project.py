"""Projector: what of each region falls onto the image."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from brainreg3d._logging import logger
from brainreg3d.atlas import Atlas, RegionSet
from brainreg3d.geometry import ImageView, Rays
from brainreg3d.state import Alignment, HiddenPixels, Projections, Samples
from brainreg3d.steps.base import Step
from brainreg3d.steps.parameters import one_of, plain_number, whole_number


class Projector(Step):
    """Project the brain onto the image plane under the camera.

    Parameters
    ----------
    sampling : {"rays", "vertices"}
        One ray for each pixel through the annotation, or the vertices of region meshes.
    occluders : {"tissue", "regions"}
        Whether any annotated tissue hides what lies behind it, or only the chosen regions do.
    layers : {"visible", "all"}
        For rays: the first hit of each pixel, and in which pixels regions lie that none sees first;
        or the first hit of each region in each pixel, for pictures. Labels are the same.
    mesh_spacing_um : int
        For vertices: spacing at which the annotation is meshed, at least that of its voxels.
    """

    provides: ClassVar[str] = "projections"

    sampling: str = attrs.field(default="rays", validator=one_of("rays", "vertices"))
    occluders: str = attrs.field(default="tissue", validator=one_of("tissue", "regions"))
    layers: str = attrs.field(default="visible", validator=one_of("visible", "all"))
    mesh_spacing_um: int = attrs.field(
        default=50, converter=plain_number, validator=whole_number(1)
    )

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
        if self.sampling == "rays":
            samples, hidden = self._cast(atlas, regions, view)
            return Projections(samples, view.shape, "rays", 0.5, hidden)
        samples = self._project_vertices(atlas, regions, view)
        return Projections(samples, view.shape, "vertices", self._reach_px(atlas, view))

    def _cast(
        self, atlas: Atlas, regions: RegionSet, view: ImageView
    ) -> tuple[Samples, HiddenPixels]:
        from brainreg3d.raycast import cast_first_hits, cast_label_hits, cast_label_pixels

        annotation = atlas.annotation
        label_of_index = regions.label_of_index(annotation)
        opaque = annotation.ids != 0 if self.occluders == "tissue" else label_of_index > 0
        rays = view.rays()
        hits = cast_first_hits(annotation, rays, opaque)
        met = np.flatnonzero(hits.index)
        index = hits.index[met]
        labels = label_of_index[index]
        first = _samples(
            view, rays, met, labels, annotation.ids[index], hits.distance_mm[met], hits.right[met]
        )
        # Rays that meet nothing cannot meet a region, whatever is opaque.
        if self.layers == "visible":
            wanted = np.setdiff1d(np.arange(1, len(regions) + 1), labels).tolist()
            if not wanted:
                return first, HiddenPixels()
            ray, label, right = cast_label_pixels(annotation, rays, label_of_index, wanted, met)
            return first, HiddenPixels(label, ray, right)
        wanted = list(range(1, len(regions) + 1))
        behind = cast_label_hits(annotation, rays, label_of_index, wanted, met)
        # A region's first hit may be the pixel's first hit, which is there already.
        new = behind.distance_mm > hits.distance_mm[behind.ray]
        rest = _samples(
            view,
            rays,
            behind.ray[new],
            behind.label[new],
            annotation.ids[behind.index[new]],
            behind.distance_mm[new],
            behind.right[new],
        )
        return Samples.concatenate([first, rest]), HiddenPixels()

    def _reach_px(self, atlas: Atlas, view: ImageView) -> float:
        """Return half the diagonal between the vertices of a surface that is seen face on."""
        from brainreg3d.surfaces import mesh_spacing_mm

        spacing_mm = mesh_spacing_mm(atlas.annotation, self.mesh_spacing_um)
        return float(spacing_mm / min(view.pixel_size_mm) * np.sqrt(0.5) + 0.5)

    def _project_vertices(self, atlas: Atlas, regions: RegionSet, view: ImageView) -> Samples:
        from brainreg3d.surfaces import SurfaceMaker

        parts = []
        surfaces = SurfaceMaker(atlas.annotation, self.mesh_spacing_um)
        middle = atlas.grid.box_mm[0] / 2
        label_of_index = regions.label_of_index(atlas.annotation)
        first_label = 0 if self.occluders == "tissue" else 1
        for label in range(first_label, len(regions) + 1):
            member = (label_of_index == label) & (atlas.annotation.ids != 0)
            points, _ = surfaces.mesh(member)
            y_px, x_px, depth_mm = view.project(points)
            seen = _inside(y_px, view.shape[0]) & _inside(x_px, view.shape[1])
            identifier = regions[label - 1].id if label else 0
            parts.append(
                Samples(
                    np.full(seen.sum(), label, dtype=np.uint16),
                    np.full(seen.sum(), identifier, dtype=np.uint32),
                    x_px[seen],
                    y_px[seen],
                    depth_mm[seen],
                    points[seen, 0] > middle,
                )
            )
        return Samples.concatenate(parts)


def _warn_of_camera_inside(atlas: Atlas, view: ImageView) -> None:
    """Warn when rays start within tissue: an image sees the brain from outside."""
    camera = view.camera_position_mm
    if camera is None:
        return
    z, y, x = atlas.grid.voxel_indices(camera).tolist()
    if not all(0 <= place < size for place, size in zip((z, y, x), atlas.grid.shape, strict=True)):
        return
    place = atlas.annotation.index[z, y, x]
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


def _inside(position_px: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Tell which positions lie on the image; NaN lies nowhere."""
    return (position_px >= -0.5) & (position_px < size - 0.5)


def _samples(
    view: ImageView,
    rays: Rays,
    ray: NDArray[Any],
    labels: NDArray[np.uint16],
    structure_id: NDArray[np.uint32],
    distance_mm: NDArray[np.float64],
    right: NDArray[np.bool_],
) -> Samples:
    """Turn hits along rays into samples of the image."""
    origins = rays.origins_mm if len(rays.origins_mm) == 1 else rays.origins_mm[ray]
    directions = rays.directions if len(rays.directions) == 1 else rays.directions[ray]
    view_axis = view.pose.view_axis
    start = (origins - np.asarray(view.pose.center_mm)) @ view_axis
    depth_mm = start + distance_mm * (directions @ view_axis)
    rows, cols = np.divmod(ray, view.shape[1])
    return Samples(
        labels, structure_id, cols.astype(np.float64), rows.astype(np.float64), depth_mm, right
    )
