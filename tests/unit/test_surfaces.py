"""Surfaces of parts of a volume against marching cubes of the whole volume."""

import numpy as np
import pytest
from skimage.measure import marching_cubes, mesh_surface_area

from brainreg3d.atlas import Annotation
from brainreg3d.surfaces import SurfaceMaker

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


def test_every_second_voxel_stands_for_two():
    """A block of 8 voxels along each axis keeps its place when it is thinned out."""
    index = np.zeros((16, 16, 16), int)
    index[4:12, 4:12, 4:12] = 1
    vertices, _ = SurfaceMaker(annotation_of(index), 200).mesh(np.array([False, True, False]))
    # z is thinned by 2, y (200 um) and x (300 um) are not
    assert vertices[:, 2].min() == pytest.approx(0.4, abs=0.051)
    assert vertices[:, 2].max() == pytest.approx(1.2, abs=0.051)
    assert vertices[:, 1].min() == pytest.approx(0.8)
    assert vertices[:, 0].max() == pytest.approx(3.6)


def test_a_part_without_voxels_has_no_surface():
    index = np.zeros((4, 4, 4), int)
    maker = SurfaceMaker(annotation_of(index), 1)
    for member in ([False, False], [False, True]):
        vertices, faces = maker.mesh(np.array(member))
        assert vertices.shape == faces.shape == (0, 3)
