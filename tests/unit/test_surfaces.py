"""Surfaces of parts of a volume against marching cubes of the whole volume."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes, mesh_surface_area

from brainreg3d.atlas import Annotation
from brainreg3d.surfaces import SurfaceMaker, sampled_voxels

SPACING = (0.1, 0.2, 0.3)


def annotation_of(index):
    ids = np.arange(int(index.max()) + 2, dtype=np.uint32)  # the last has no voxels
    return Annotation(index.astype(np.uint16), ids, SPACING)


@pytest.mark.parametrize("members", [[1], [2, 3], [1, 4]])
def test_a_part_has_the_surface_of_its_mask_in_the_whole_volume(members):
    index = np.random.default_rng(0).integers(0, 4, (6, 7, 8))
    annotation = annotation_of(index)
    member = np.isin(annotation.ids, members)
    vertices, faces = SurfaceMaker(annotation, 1).mesh(member)
    whole = np.pad(np.isin(index, members), 1).astype(np.float32)
    expected, triangles, _, _ = marching_cubes(whole, 0.5)
    # one voxel of padding; voxel i has its middle at i + 1/2; (z, y, x) becomes (x, y, z)
    in_mm = ((expected - 0.5) * SPACING)[:, ::-1]
    order, wanted = np.lexsort(vertices.T), np.lexsort(in_mm.T)
    assert np.allclose(vertices[order], in_mm[wanted], atol=1e-6)
    assert len(faces) == len(triangles)
    area = mesh_surface_area(in_mm, triangles)
    assert mesh_surface_area(vertices, faces) == pytest.approx(area, rel=1e-6)


@pytest.mark.parametrize("first", [4, 5])
def test_a_coarser_grid_keeps_surfaces_where_they_are(first):
    """A block of 9 voxels along each axis, wherever the coarser cells begin."""
    index = np.zeros((18, 18, 18), int)
    index[first : first + 9, first : first + 9, first : first + 9] = 1
    vertices, _ = SurfaceMaker(annotation_of(index), 200).mesh(np.array([False, True, False]))
    # along z cells are 2 voxels, along y (200 um) and x (300 um) one
    assert vertices[:, 2].min() == pytest.approx(0.1 * first, abs=0.01)
    assert vertices[:, 2].max() == pytest.approx(0.1 * (first + 9), abs=0.01)
    assert vertices[:, 1].min() == pytest.approx(0.2 * first)
    assert vertices[:, 0].max() == pytest.approx(0.3 * (first + 9))


@pytest.mark.parametrize("tilt", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("spacing_um", [1, 50, 75, 100])
def test_a_layer_one_voxel_thin_is_never_lost(spacing_um, axis, tilt):
    """Wherever it lies between coarser cells, and level or not: each of its voxels is near it."""
    spacing_mm = 0.025
    for place in range(9, 13):
        index = np.zeros((40, 40, 40), np.uint16)
        along, across = np.mgrid[4:36, 4:36]
        columns = [along.ravel(), across.ravel()]
        columns.insert(axis, (place + tilt * along).astype(int).ravel())
        index[tuple(columns)] = 1
        annotation = Annotation(index, np.arange(2, dtype=np.uint32), (spacing_mm,) * 3)
        vertices, faces = SurfaceMaker(annotation, spacing_um).mesh(np.array([False, True]))
        centers = (np.argwhere(index)[:, ::-1] + 0.5) * spacing_mm
        apart, _ = cKDTree(vertices).query(centers)
        assert apart.max() < 1.01 * spacing_mm
        area = mesh_surface_area(vertices, faces)
        assert area > 1.9 * (32 * spacing_mm) ** 2, "both of its sides, without holes"


def test_thinning_takes_the_middle_of_each_group_and_loses_no_axis():
    index = np.arange(2 * 7 * 1, dtype=np.uint16).reshape(2, 7, 1)
    annotation = Annotation(index, np.arange(14, dtype=np.uint32), (0.1, 0.1, 0.1))
    for target_mm, kept in ((0.01, index), (0.2, index[0::2, 0::2]), (0.3, index[0:1, 1::3]),
                            (50.0, index[0:1, 3:4])):  # fmt: skip
        found, spacing_mm, first_mm = sampled_voxels(annotation, target_mm)
        assert np.array_equal(found, kept)
        places = first_mm[1] + np.arange(kept.shape[1]) * spacing_mm[1]
        assert np.allclose(places, (kept[0, :, 0] + 0.5) * 0.1), "voxels count along y"


def test_a_part_without_voxels_has_no_surface():
    index = np.zeros((4, 4, 4), int)
    maker = SurfaceMaker(annotation_of(index), 1)
    for member in ([False, False], [False, True]):
        vertices, faces = maker.mesh(np.array(member))
        assert vertices.shape == faces.shape == (0, 3)
