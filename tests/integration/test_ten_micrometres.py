"""Rays through voxels of 10 µm: a cube of the real annotation, resampled to the nearest voxel."""

import numpy as np
import pytest
from slow_march import march

from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.geometry import Camera, ImageView, Pose
from brainreg3d.raycast import cast_first_hits, cast_label_hits

SIDE_MM, SPACING_MM = 3.0, 0.01
FIRST_VOXEL = (250, 10, 270)  # of the file, along (ML, DV, AP): cortex of the right, and above it
POSES = [
    ((1.50314, 1.49716, 3.2), 0.0, 0.0, 0.0, False),  # no ray along a face or through an edge
    ((1.4, 1.6, 3.0), 25.0, -20.0, 30.0, False),
    ((1.7, 1.4, 2.6), -100.0, 35.0, -15.0, True),
]
SHAPE, PIXEL_MM = (60, 80), (0.033, 0.031)


@pytest.fixture(scope="module")
def cube(allen_labels):
    """Labels along (ML, DV, AP), as in the file but finer, and the same as an annotation."""
    n_coarse, n_fine = round(SIDE_MM / 0.025), round(SIDE_MM / SPACING_MM)
    part = allen_labels[tuple(slice(first, first + n_coarse) for first in FIRST_VOXEL)]
    nearest = ((np.arange(n_fine) + 0.5) * n_coarse / n_fine).astype(int)
    fine = part[np.ix_(nearest, nearest, nearest)]
    assert len(np.unique(fine)) > 5, "a cube of little variety"
    # x grows to the right, y to the front, z upwards
    upwards = np.ascontiguousarray(fine[:, ::-1, ::-1].transpose(1, 2, 0)).astype(np.uint32)
    return fine, compact_annotation(upwards, (SPACING_MM,) * 3)


@pytest.mark.real_data
@pytest.mark.parametrize("distance_mm", [None, 12.0, 230.0])
@pytest.mark.parametrize("pose", POSES, ids=lambda pose: f"yaw {pose[1]:g}")
def test_labels_are_those_of_a_slow_march(pose, distance_mm, cube):
    labels, annotation = cube
    view = ImageView(SHAPE, PIXEL_MM, Pose(*pose), Camera(distance_mm))
    hits = cast_first_hits(annotation, view)
    found = annotation.ids[hits.index].reshape(SHAPE)
    truth, right, depth = march(
        labels, SPACING_MM, (SIDE_MM,) * 3, SHAPE, PIXEL_MM, pose, distance_mm
    )
    assert np.count_nonzero(truth) > 2000
    assert len(np.unique(truth)) > 3
    assert np.mean(found == truth) >= 0.997, "a march in steps of 2 µm cuts corners"
    both = (found > 0) & (truth > 0)
    assert np.mean(hits.right.reshape(SHAPE)[both] == right[both]) >= 0.997
    points = view.rays().origins_mm + hits.distance_mm[:, None] * view.rays().directions
    own_depth = ((points - np.array(pose[0])) @ view.pose.view_axis).reshape(SHAPE)
    assert np.mean(np.abs(own_depth - depth)[both] < 0.003) >= 0.98


@pytest.mark.real_data
@pytest.mark.parametrize("distance_mm", [None, 12.0])
@pytest.mark.parametrize("pose", POSES, ids=lambda pose: f"yaw {pose[1]:g}")
def test_hits_are_those_of_sorted_crossings(pose, distance_mm, cube):
    """All faces that a ray crosses, in double precision: the same voxel and the same place."""
    _, annotation = cube
    view = ImageView((23, 29), (0.08713, 0.07919), Pose(*pose), Camera(distance_mm))
    rays, hits = view.rays(), cast_first_hits(annotation, view)
    labels = np.arange(annotation.ids.size, dtype=np.uint16)
    each = cast_label_hits(annotation, view, labels, labels[1:].tolist())
    n_met = 0
    for number in range(hits.index.size):
        origin = rays.origins_mm[min(number, len(rays.origins_mm) - 1)]
        times, values = crossed(
            annotation.index, origin, rays.directions[number % len(rays.directions)]
        )
        met = np.flatnonzero(values)
        own = each.ray == number
        first_of_each = {int(values[place]): times[place] for place in met[::-1]}
        assert dict(zip(each.label[own].tolist(), each.distance_mm[own], strict=True)) == (
            pytest.approx(first_of_each, abs=1e-9)
        )
        if met.size:
            assert hits.index[number] == values[met[0]]
            assert hits.distance_mm[number] == pytest.approx(times[met[0]], abs=1e-9)
        else:
            assert hits.index[number] == 0
        n_met += met.size > 0
    assert n_met > 300


def crossed(index, origin, direction):
    """Return when a ray enters each voxel that it passes, and what is in it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        faces = (np.arange(index.shape[0] + 1)[:, None] * SPACING_MM - origin) / direction
    ends = np.sort(faces[[0, -1]], axis=0)
    ahead = direction != 0
    if np.any(~ahead & ((origin < 0) | (origin >= SIDE_MM))):
        return np.empty(0), np.empty(0, int)
    enter, leave = ends[0, ahead].max(), ends[1, ahead].min()
    times = np.unique(np.concatenate([[enter, leave], faces[:, ahead].ravel()]))
    times = times[(times >= enter) & (times <= leave)]
    times = times[np.append(np.diff(times) > 1e-9, False)] if times.size > 1 else times[:0]
    middle = np.append(times[1:], leave) / 2 + times / 2 if times.size else times
    places = np.floor((origin + middle[:, None] * direction) / SPACING_MM).astype(int)
    x, y, z = np.clip(places, 0, index.shape[0] - 1).T
    return times, index[z, y, x].astype(int)
