"""How near the pose of a real brain comes to a non-rigid registration of it.

No true pose is known of a real brain, and no rigid pose follows its shape. The reference here is
non-rigid: the brain, its orientation known, is registered to the average template by elastix,
rigidly, then affinely, then by a cubic B-spline, independently of this package. Measured is the
mean distance over the brain voxels of the template between where a pose takes them and where the
reference does: for the best rigid pose there can be (least squares to the reference), and for those
that this package finds, orientation not given, as acquired and turned to each of the 24 axis
orientations.

    python benchmarks/real_brain.py --data DIR --bending 100,0

`DIR` holds ``allen/average_template_100.nrrd``, ``allen/annotation_100.nrrd`` and
``volumes/whole_brain_psl_50x40x40um.tif``. ``--bending`` lists weights of the bending energy
against mutual information: 100 keeps the reference smooth, 0 lets it go where it likes. The
references are kept in ``--cache`` if given.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import attrs
import numpy as np
import tifffile
from numpy.typing import NDArray
from rigid_cases import Source, allen_source

from brainreg3d.registration import PhysicalImage, register_rigid
from brainreg3d.registration.images import map_points
from brainreg3d.registration.nearest import nearest_pose
from brainreg3d.registration.rotations import axis_rotations
from brainreg3d.registration.tissue import otsu_threshold

_SPACING_MM = (0.05, 0.04, 0.04)
_TO_RAS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From (x, y, z) of the volume as acquired: right, inferior, anterior."""

_GRID_MM = 2.0
_ITERATIONS, _SAMPLES, _BINS = 600, 4000, 50
"""Half of both is about twice as quick; the best rigid pose was 0.241 mm away then, not 0.228."""
_MASK_MARGIN_VOXELS = 3
_PAIRS = 4000
"""Voxels at which poses are compared with each other."""


@attrs.frozen(eq=False)
class Reference:
    """Where a non-rigid registration takes the brain voxels of the template."""

    points_mm: NDArray[np.float64]
    images_mm: NDArray[np.float64]
    common: NDArray[np.bool_]
    """Which of them the volume shows; the ends of bulbs and brain stem lie beyond it."""
    jacobian: tuple[float, float]

    def distance_mm(self, matrix: NDArray[np.float64], common: bool = False) -> float:
        """Return the mean distance of a pose or an affine map to the reference."""
        chosen = self.common if common else slice(None)
        away = map_points(matrix, self.points_mm[chosen]) - self.images_mm[chosen]
        return float(np.linalg.norm(away, axis=1).mean())

    @property
    def affine(self) -> NDArray[np.float64]:
        """Affine map nearest to the reference, 4 x 4."""
        columns = np.c_[self.points_mm, np.ones(len(self.points_mm))]
        matrix = np.eye(4)
        matrix[:3] = np.linalg.lstsq(columns, self.images_mm, rcond=None)[0].T
        return matrix


def turned(
    volume: PhysicalImage, rotation: NDArray[np.float64]
) -> tuple[PhysicalImage, NDArray[np.float64]]:
    """Return a volume turned by whole right angles, and where its points went, 4 x 4."""
    source = np.abs(rotation).argmax(axis=1)  # axis of (x, y, z) that each new one was
    sign = rotation[range(3), source]
    data = volume.data.transpose([2 - source[2 - axis] for axis in range(3)])
    data = data[tuple(slice(None, None, int(sign[2 - axis])) for axis in range(3))]
    spacing = volume.spacing_xyz_mm[source]
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = np.where(sign < 0, (np.array(data.shape[::-1]) - 1) * spacing, 0.0)
    return PhysicalImage(np.ascontiguousarray(data), spacing[::-1]), matrix


def register_non_rigidly(
    source: Source, volume: PhysicalImage, bending: float
) -> NDArray[np.float64]:
    """Return the displacement (x, y, z) in mm of each voxel of the template, by elastix."""
    import itk
    from scipy import ndimage

    bright = volume.data[volume.data > otsu_threshold(volume.data[::4, ::4, ::4])]
    images = []
    for image, data in (
        (source.fixed, source.fixed.data),
        (volume, np.minimum(volume.data, np.percentile(bright, 99))),
        (source.fixed, ndimage.binary_dilation(source.brain, iterations=_MASK_MARGIN_VOXELS)),
    ):
        kind = np.uint8 if data.dtype == bool else np.float32
        images.append(itk.image_from_array(np.ascontiguousarray(data.astype(kind))))
        images[-1].SetSpacing([float(size) for size in image.spacing_xyz_mm])
    parameters = itk.ParameterObject.New()
    for kind in ("rigid", "affine", "bspline"):
        stage = parameters.GetDefaultParameterMap(kind, 3)
        stage["AutomaticTransformInitialization"] = ["true"]
        stage["AutomaticTransformInitializationMethod"] = ["CenterOfGravity"]
        stage["MaximumNumberOfIterations"] = [str(_ITERATIONS)]
        stage["NumberOfSpatialSamples"] = [str(_SAMPLES)]
        stage["NumberOfHistogramBins"] = [str(_BINS)]
        stage["ImageSampler"] = ["RandomCoordinate"]
        stage["NewSamplesEveryIteration"] = ["true"]
        stage["RandomSeed"] = ["1"]
        if kind == "bspline":
            stage["FinalGridSpacingInPhysicalUnits"] = [str(_GRID_MM)]
            stage["GridSpacingSchedule"] = ["2", "1", "1"]
            stage["Registration"] = ["MultiMetricMultiResolutionRegistration"]
            stage["Metric"] = ["AdvancedMattesMutualInformation", "TransformBendingEnergyPenalty"]
            stage["Metric0Weight"], stage["Metric1Weight"] = ["1"], [str(bending)]
        parameters.AddParameterMap(stage)
    fixed, moving, mask = images
    _, found = itk.elastix_registration_method(
        fixed, moving, parameter_object=parameters, fixed_mask=mask
    )
    return itk.array_from_image(itk.transformix_deformation_field(moving, found))


def make_reference(source: Source, volume: PhysicalImage, field: NDArray[np.float64]) -> Reference:
    """Return what a displacement field says of the brain voxels."""
    voxels = np.argwhere(source.brain)
    points_mm = source.fixed.points_mm(voxels)
    images_mm = points_mm + field[tuple(voxels.T)]
    indices = volume.indices(images_mm)
    common = np.all((indices >= 0) & (indices <= np.array(volume.data.shape) - 1), axis=1)
    slopes = np.stack(  # row by component (x, y, z), column by direction (x, y, z)
        [np.stack(np.gradient(field[..., k], 0.1)[::-1], axis=-1) for k in range(3)], axis=-2
    )
    volumes = np.linalg.det(slopes + np.eye(3))[source.brain]
    return Reference(points_mm, images_mm, common, (volumes.min(), volumes.max()))


def describe(reference: Reference) -> None:
    """Print how near a rigid pose can come, and how much of what is left is affine."""
    best = nearest_pose_to(reference)
    affine = reference.affine
    flat = attrs.evolve(reference, images_mm=map_points(affine, reference.points_mm))
    stretches = ", ".join(f"{value:.3f}" for value in np.linalg.svd(affine[:3, :3])[1])
    print(
        f"reference: volume changes by {reference.jacobian[0]:.2f} to {reference.jacobian[1]:.2f}, "
        f"affine part stretches by {stretches}; {reference.common.mean():.1%} of voxels in common\n"
        f"best rigid pose {reference.distance_mm(best):.3f} mm from it "
        f"({reference.distance_mm(best, common=True):.3f} in common voxels), from its affine part "
        f"{flat.distance_mm(best):.3f}; beyond affine {reference.distance_mm(affine):.3f}"
    )


def nearest_pose_to(reference: Reference) -> NDArray[np.float64]:
    """Return the rigid pose nearest to a reference; that is the one nearest to its affine part."""
    return nearest_pose(reference.affine, reference.points_mm)


def find_poses(source: Source, volume: PhysicalImage, to_ras: NDArray[np.float64]) -> list:
    """Return the poses found, all as poses in the volume turned to RAS, and the seconds taken."""
    found = []
    for rotation in axis_rotations():
        image, moved = turned(volume, rotation)
        began = time.perf_counter()
        result = register_rigid(source.fixed, image)
        seconds = time.perf_counter() - began
        found.append((to_ras @ np.linalg.inv(moved) @ result.matrix, seconds))
    return found


def spread_mm(poses: list[NDArray[np.float64]], points_mm: NDArray[np.float64]) -> float:
    """Return the largest mean distance between two poses."""
    thinned = points_mm[:: max(1, len(points_mm) // _PAIRS)]
    images = np.array([map_points(pose, thinned) for pose in poses])
    return max(float(np.linalg.norm(images - one, axis=-1).mean(axis=-1).max()) for one in images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--bending", default="100,0", help="weights of the bending energy")
    parser.add_argument("--cache", type=Path, help="folder to keep the references in")
    args = parser.parse_args()
    source = allen_source(args.data / "allen")
    path = args.data / "volumes" / "whole_brain_psl_50x40x40um.tif"
    volume = PhysicalImage(tifffile.imread(path), _SPACING_MM)
    ras, to_ras = turned(volume, _TO_RAS)
    found = find_poses(source, volume, to_ras)
    poses, seconds = [pose for pose, _ in found], [taken for _, taken in found]
    print(
        f"{len(poses)} orientations: {np.median(seconds):.2f} s median, {max(seconds):.2f} s "
        f"worst; two poses differ by {spread_mm(poses, source.points_mm):.3f} mm at most",
        flush=True,
    )
    for weight in args.bending.split(","):
        kept = args.cache / f"field_{weight}.npy" if args.cache else None
        if kept and kept.exists():
            field = np.load(kept)
        else:
            field = register_non_rigidly(source, ras, float(weight))
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, field)
        reference = make_reference(source, ras, field)
        print(f"\nbending energy times {weight}")
        describe(reference)
        for name, common in (("all voxels", False), ("common voxels", True)):
            away = [reference.distance_mm(pose, common) for pose in poses]
            print(
                f"found, {name}: {away[0]:.3f} mm as acquired; 24 orientations: median "
                f"{np.median(away):.3f}, worst {max(away):.3f}"
            )


if __name__ == "__main__":
    main()
