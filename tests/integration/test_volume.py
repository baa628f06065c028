"""Only a volume given: the chain ends after a registration that finds the way back."""

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import tifffile
from brainglobe_space import AnatomicalSpace
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial.transform import Rotation

from brainreg3d import BrainReg3D, steps
from brainreg3d.atlas import Atlas, Structure, StructureTree, Template
from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.errors import InputError, RegistrationFailed

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

    The matrix takes atlas points to points of the moving volume; both count from the outer corner
    of their box.
    """
    turn = Rotation.from_euler("xyz", rotation_deg, degrees=True).as_matrix()
    center = np.array(SHAPE[::-1]) * SPACING / 2
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = center - turn @ center + shift_mm
    # voxel (x, y, z) of the moving volume sits at p = (index + 1/2) * SPACING; its value is that of
    # the atlas at q = matrix^-1 p, found at index (q / SPACING - 1/2) of the template
    inverse = np.linalg.inv(matrix)
    flip = np.eye(3)[::-1]  # (x, y, z) to (z, y, x)
    linear = flip @ inverse[:3, :3] @ flip
    offset = flip @ (inverse[:3, 3] / SPACING + inverse[:3, :3] @ np.full(3, 0.5)) - 0.5
    return affine_transform(template, linear, offset=offset, order=1), matrix


def back(volume, matrix):
    """Return the volume on the grid of the template, along a matrix as `moved` gives."""
    flip = np.eye(3)[::-1]
    linear = flip @ matrix[:3, :3] @ flip
    offset = flip @ (matrix[:3, 3] / SPACING + matrix[:3, :3] @ np.full(3, 0.5)) - 0.5
    return affine_transform(volume, linear, offset=offset, order=1)


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


@pytest.mark.parametrize("orientation", ["ipl", "psl", "rai"])
def test_written_files_agree_with_each_other_as_itk_reads_them(
    atlas, template, tmp_path, orientation
):
    volume, truth = moved(template, (3, -2, 4), np.array([0.4, -0.2, 0.3]))
    # BrainGlobe's letters say where an axis starts: "ipl" is the layout of the atlas itself.
    turned = AnatomicalSpace("ipl").map_stack_to(orientation, volume)
    result = register(atlas, turned, volume_orientation=orientation, output_dir=tmp_path).run()
    files = result.files
    assert set(files) == {"transform", "registered", "volume", "atlas_labels", "registration"}
    fixed, moving = (sitk.ReadImage(str(files[kind])) for kind in ("registered", "volume"))
    transform = sitk.ReadTransform(str(files["transform"]))
    again = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, 0.0)
    written = sitk.GetArrayFromImage(fixed)
    assert np.allclose(sitk.GetArrayFromImage(again), written, atol=1e-3 * written.max())

    # ITK's axes of these files grow to left, posterior, superior; seen so, the template agrees.
    straight = sitk.GetArrayFromImage(sitk.DICOMOrient(fixed, "RAS"))
    brain = template > 0
    best = back(volume, truth)  # interpolating twice blurs, so even the truth gives no 1
    reached, possible = (np.corrcoef(v[brain], template[brain])[0, 1] for v in (straight, best))
    assert reached > possible - 0.01 > 0.9

    labels = tifffile.imread(files["atlas_labels"])
    assert labels.shape == turned.shape
    tissue = turned > 150  # half of what the border of the brain has
    assert 2 * (tissue & (labels == 1)).sum() / (tissue.sum() + (labels == 1).sum()) > 0.97

    record = json.loads(files["registration"].read_text())
    assert np.allclose(record["atlas_to_volume_mm"], result.registration.matrix)
    assert record["volume"]["shape"] == list(turned.shape)


def test_a_second_run_writes_only_what_is_missing(atlas, template, tmp_path):
    volume, _ = moved(template, (0, 0, 0), np.array([0.2, 0.0, 0.0]))
    registration = register(atlas, volume, output_dir=tmp_path)
    files = registration.run().files
    before = {path: path.stat().st_mtime_ns for path in files.values()}
    registration.run()
    assert before == {path: path.stat().st_mtime_ns for path in files.values()}
    content = files["transform"].read_bytes()
    files["transform"].unlink()
    registration.run()
    assert files["transform"].read_bytes() == content


def test_an_atlas_without_template(template):
    tree = StructureTree([Structure(1, "root", "root", (1, 2, 3))])
    bare = Atlas("bare", compact_annotation((template > 0).astype(np.uint32), (SPACING,) * 3), tree)
    with pytest.raises(InputError, match="no template"):
        register(bare, template).run()


def test_a_failure_says_why_and_where_the_picture_is(atlas, tmp_path):
    noise = np.random.default_rng(0).normal(100, 20, SHAPE)
    with pytest.raises(RegistrationFailed, match=r"09_registration\.png") as failure:
        register(atlas, noise, output_dir=tmp_path).run()
    assert [path.name for path in tmp_path.rglob("*.*")] == ["09_registration.png"]
    assert "\n" not in str(failure.value)


def test_iterations_are_counted(atlas, template):
    volume, _ = moved(template, (2, 0, 0), np.array([0.2, 0.0, 0.0]))
    seen = []
    registration = register(atlas, volume)
    registration.RigidRegistrar = steps.RigidRegistrar(progress_callback=seen.append)
    result = registration.run()
    assert len(seen) >= 1
    assert all(isinstance(method, sitk.ImageRegistrationMethod) for method in seen)
    assert result.registration.iterations >= 1
