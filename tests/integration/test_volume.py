"""Only a volume given: the chain ends after a registration that finds the way back."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial.transform import Rotation

from brainreg3d import BrainReg3D
from brainreg3d.atlas import Atlas, Structure, StructureTree, Template
from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.errors import InputError

SHAPE = (40, 66, 57)  # (z, y, x), the Allen box at 0.2 mm
SPACING = 0.2


def blobs():
    """A smooth brain-like thing without any symmetry."""
    z, y, x = np.indices(SHAPE)
    inside = ((z - 19) / 14) ** 2 + ((y - 33) / 26) ** 2 + ((x - 28) / 22) ** 2 < 1
    draw = np.random.default_rng(3)
    texture = gaussian_filter(draw.normal(size=SHAPE), 2.5)
    texture /= texture.std()
    return (inside * (300 + 80 * texture)).clip(0).astype(np.float32)


@pytest.fixture(scope="module")
def template():
    return blobs()


@pytest.fixture(scope="module")
def atlas(template):
    tree = StructureTree([Structure(1, "root", "root", (1, 2, 3))])
    ids = (template > 0).astype(np.uint32)
    spacing = (SPACING,) * 3
    return Atlas(
        "blob", compact_annotation(ids, spacing), tree, lambda: Template(template, spacing)
    )


def moved(template, rotation_deg, shift_mm):
    """Return the template as seen after a known motion, and its 4 × 4 matrix.

    The matrix takes atlas points to points of the moving volume, whose first voxel centre is 0.
    """
    turn = Rotation.from_euler("xyz", rotation_deg, degrees=True).as_matrix()
    center = np.array(SHAPE[::-1]) * SPACING / 2
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = center - turn @ center + shift_mm - SPACING / 2
    # voxel (x, y, z) of the moving volume sits at p = index * SPACING; its value is that of the
    # atlas at matrix^-1 p, found at index (q / SPACING - 1/2) of the template
    inverse = np.linalg.inv(matrix)
    flip = np.eye(3)[::-1]  # (x, y, z) to (z, y, x)
    linear = flip @ inverse[:3, :3] @ flip
    offset = flip @ inverse[:3, 3] / SPACING - 0.5
    return affine_transform(template, linear, offset=offset, order=1), matrix


def far_apart_mm(one, other):
    """Return the largest distance between images of points all over the brain."""
    grid = np.stack(np.meshgrid(*[np.linspace(1, 7, 4)] * 3), -1).reshape(-1, 3)
    points = np.c_[grid + np.array([2.7, 3.6, 0.0]), np.ones(len(grid))]
    return np.linalg.norm((points @ one.T - points @ other.T)[:, :3], axis=1).max()


def register(atlas, volume, **options):
    return BrainReg3D(volume=volume, volume_spacing_mm=(SPACING,) * 3, atlas=atlas, **options)


@pytest.mark.parametrize(
    ("rotation_deg", "shift_mm"), [((0, 0, 0), (0.7, -0.5, 0.4)), ((4, -3, 6), (0.3, 0.5, -0.4))]
)
def test_a_known_motion_is_found(atlas, template, rotation_deg, shift_mm):
    volume, truth = moved(template, rotation_deg, np.array(shift_mm))
    result = register(atlas, volume).run()
    assert far_apart_mm(result.registration.matrix, truth) < 0.1
    assert result.labels is None
    assert result.alignment is None
    assert result.registration.stop_condition
    turn = result.registration.matrix[:3, :3]
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)


def test_registration_is_the_same_to_the_last_bit(atlas, template):
    volume, _ = moved(template, (2, 1, -3), np.array([0.2, 0.3, 0.1]))
    one, other = (register(atlas, volume).run().registration for _ in range(2))
    assert one.matrix.tobytes() == other.matrix.tobytes()
    assert one.metric_value == other.metric_value


def test_nothing_is_asked_or_written(atlas, template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    volume, _ = moved(template, (0, 0, 0), np.array([0.2, 0.0, 0.0]))
    result = register(atlas, volume, output_dir=tmp_path).run()
    assert not list(tmp_path.iterdir())
    assert "registered volume" in repr(result)


def test_an_atlas_without_template(template):
    tree = StructureTree([Structure(1, "root", "root", (1, 2, 3))])
    bare = Atlas("bare", compact_annotation((template > 0).astype(np.uint32), (SPACING,) * 3), tree)
    with pytest.raises(InputError, match="no template"):
        register(bare, template).run()
