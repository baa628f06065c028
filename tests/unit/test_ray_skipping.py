"""Rays that jump over empty space meet what they meet without jumping, to the last bit."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d.atlas import Annotation
from brainreg3d.atlas.block_search import find_blocks
from brainreg3d.geometry import Camera, ImageView, Pose, Rays
from brainreg3d.geometry.view import MAX_CAMERA_DISTANCE_MM
from brainreg3d.raycast import cast_first_hits, cast_label_hits, pixel_rays
from brainreg3d.raycast._gaps import gaps_around

SEEDS = st.integers(0, 2**32 - 1)


def annotation_of(volume, spacing):
    ids = np.arange(max(int(volume.max()), 5) + 1, dtype=np.uint32)
    return Annotation(volume.astype(np.uint16), ids, spacing)


def passed(volume, spacing, origin, direction, start):
    """Return (time, voxel x, value) of all voxels that a ray is in, from sorted face crossings."""
    along, crossings = [], []
    enter, leave = start, np.inf
    for axis in range(3):
        size, step = volume.shape[2 - axis], spacing[2 - axis]
        place = origin[axis] / step
        if direction[axis] == 0.0:
            if not 0 <= place < size:
                return []
            along.append(lambda times, place=place: np.full(times.size, int(np.floor(place))))
            continue
        times = np.sort((np.arange(size + 1) - place) * (step / direction[axis]))
        enter, leave = max(enter, times[0]), min(leave, times[-1])
        crossings.append(times)
        if direction[axis] > 0:
            along.append(lambda now, times=times: np.searchsorted(times, now, "right") - 1)
        else:
            along.append(
                lambda now, times=times, size=size: size - np.searchsorted(times, now, "right")
            )
    if not enter < leave:
        return []
    times = np.unique(np.concatenate([[enter], *crossings]))
    times = times[(times >= enter) & (times < leave)]
    x, y, z = (voxel(times) for voxel in along)
    return list(zip(times, x, volume[z, y, x], strict=True))


def check_first_hits(volume, spacing, rays, hits, opaque=None):
    for i in range(hits.index.size):
        origin = rays.origins_mm[min(i, len(rays.origins_mm) - 1)]
        direction = rays.directions[min(i, len(rays.directions) - 1)]
        way = passed(volume, spacing, origin, direction, rays.start_mm)
        met = [entry for entry in way if (entry[2] > 0 if opaque is None else opaque[entry[2]])]
        if not met:
            assert hits.index[i] == 0
            assert np.isnan(hits.distance_mm[i])
            continue
        assert hits.distance_mm[i] == met[0][0]
        assert hits.index[i] == met[0][2]
        assert hits.right[i] == (met[0][1] + 0.5 >= volume.shape[2] / 2)


def sparse_volume(draw):
    """A volume of up to 70 voxels a side with a few specks, boxes and sheets one voxel thick."""
    shape = draw.integers(1, 71, 3)
    volume = np.zeros(shape, np.uint16)
    for _ in range(draw.integers(0, 6)):
        low = draw.integers(0, shape)
        high = np.minimum(low + draw.integers(1, [2, 6, 30][draw.integers(3)] + 1, 3), shape)
        volume[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = draw.integers(1, 6)
    if draw.random() < 0.4:
        axis = draw.integers(3)
        sheet = [slice(None)] * 3
        sheet[axis] = draw.integers(shape[axis])
        volume[tuple(sheet)] = draw.integers(1, 6)
    return volume


def adversarial_rays(draw, shape, spacing, count):
    """Rays from all over, along axes, through corners and along faces of the grid."""
    spacing_xyz, size = np.array(spacing[::-1]), np.array(shape[::-1])
    targets = draw.random((count, 3)) * size
    far = draw.choice([0.3, 3.0, 500.0], (count, 1))
    origins = targets + draw.normal(size=(count, 3)) * size * far
    on_grid = draw.random(count) < 0.5  # from corner to corner: crossings that coincide
    targets[on_grid] = np.round(targets[on_grid])
    origins[on_grid] = targets[on_grid] + draw.integers(-9, 10, (on_grid.sum(), 3)) * [8, 4, 2]
    flat = draw.random((count, 3)) < 0.2
    origins[flat] = targets[flat]
    directions = (targets - origins) * spacing_xyz
    directions[np.all(directions == 0, axis=1)] = (0.0, 0.0, -1.0)
    directions[draw.random((count, 3)) < 0.02] *= 1e-18  # almost along a plane of the grid
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return Rays(origins * spacing_xyz, directions, float(draw.choice([0.0, -np.inf])))


def draw_spacing(draw):
    if draw.random() < 0.4:
        return (0.25, 0.25, 0.25)  # a power of two: places on the grid are exact
    return tuple(draw.uniform(0.01, 0.4, 3))


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_jumps_change_nothing(seed):
    draw = np.random.default_rng(seed)
    volume, spacing = sparse_volume(draw), draw_spacing(draw)
    rays = adversarial_rays(draw, volume.shape, spacing, 30)
    annotation = annotation_of(volume, spacing)
    check_first_hits(volume, spacing, rays, cast_first_hits(annotation, rays))
    opaque = draw.random(6) < 0.5
    opaque[0] = False
    hits = cast_first_hits(annotation, rays, opaque)
    check_first_hits(volume, spacing, rays, hits, opaque)


def neighbouring_rays(draw, volume, spacing):
    """A small image somewhere around a volume or in it, turned at will or along the axes."""
    box = np.array(volume.shape[::-1]) * spacing[::-1]
    turned = draw.choice([0.0, 90.0, -90.0, draw.uniform(-180, 180)], 3)
    center = tuple(box * draw.uniform(-0.2, 1.2, 3))
    if volume.any() and draw.random() < 0.5:  # or at something, so that it is in view
        filled = np.argwhere(volume)
        center = tuple(((filled[draw.integers(len(filled))] + 0.5) * spacing)[::-1])
    camera = Camera([None, draw.uniform(0.05, 3), 230.0][draw.integers(3)])
    pixel_mm = tuple(np.clip(np.array(spacing[:2]) * draw.choice([0.05, 0.3, 1.0, 4.0]), 1e-3, 1.0))
    return ImageView((4, 19), pixel_mm, Pose(center, *turned), camera)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_rays_side_by_side_change_nothing(seed):
    """Neighbours cross empty space together, whether they lie close or drift apart."""
    draw = np.random.default_rng(seed)
    volume, spacing = sparse_volume(draw), draw_spacing(draw)
    view = neighbouring_rays(draw, volume, spacing)
    hits = cast_first_hits(annotation_of(volume, spacing), view)
    check_first_hits(volume, spacing, view.rays(), hits)


def test_random_scenes_hold_what_they_are_for():
    """Rays that meet something beyond empty blocks, along axes, from within; thin layers."""
    counts = dict.fromkeys(
        ("met", "met after empty blocks", "met along an axis", "met from within the box",
         "met a voxel one thin", "met in flat voxels", "met side by side",
         "met by a camera within the box"), 0,
    )  # fmt: skip
    for seed in range(150):
        draw = np.random.default_rng(seed)
        volume, spacing = sparse_volume(draw), draw_spacing(draw)
        rays = adversarial_rays(draw, volume.shape, spacing, 30)
        annotation = annotation_of(volume, spacing)
        hits = cast_first_hits(annotation, rays)
        met = hits.index > 0
        box = np.array(volume.shape[::-1]) * spacing[::-1]
        within = ((rays.origins_mm > 0) & (rays.origins_mm < box)).all(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            faces = -rays.origins_mm / rays.directions, (box - rays.origins_mm) / rays.directions
        enter = np.fmax(np.fmax.reduce(np.fmin(*faces), axis=1), rays.start_mm)
        far = hits.distance_mm - enter > 12 * max(
            spacing
        )  # more than a block from corner to corner
        points = rays.origins_mm + (hits.distance_mm + 1e-9)[:, None] * rays.directions
        places = np.where(met[:, None], points / spacing[::-1], 0).astype(int)
        x, y, z = np.clip(places, 0, np.array(volume.shape[::-1]) - 1).T
        padded = np.pad(volume > 0, 1)
        alone = [
            ~padded[z + 1 + (a == 0), y + 1 + (a == 1), x + 1 + (a == 2)]
            & ~padded[z + 1 - (a == 0), y + 1 - (a == 1), x + 1 - (a == 2)]
            for a in range(3)
        ]
        counts["met"] += met.sum()
        counts["met after empty blocks"] += (met & far).sum()
        counts["met along an axis"] += (met & ((rays.directions == 0).sum(axis=1) == 2)).sum()
        counts["met from within the box"] += (met & within & (rays.start_mm == 0)).sum()
        counts["met a voxel one thin"] += (met & np.any(alone, axis=0)).sum()
        counts["met in flat voxels"] += met.sum() * (max(spacing) > 4 * min(spacing))
        view = neighbouring_rays(draw, volume, spacing)
        seen = np.count_nonzero(cast_first_hits(annotation, view).index)
        camera = view.camera_position_mm
        counts["met side by side"] += seen
        if camera is not None and np.all((camera > 0) & (camera < box)):
            counts["met by a camera within the box"] += seen
    assert counts["met"] > 0.2 * 150 * 30, counts
    assert all(count > 40 for count in counts.values()), counts


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_jumps_change_no_label(seed):
    draw = np.random.default_rng(seed)
    volume, spacing = sparse_volume(draw), draw_spacing(draw)
    rays = adversarial_rays(draw, volume.shape, spacing, 12)
    label_of_index = np.array([0, 1, 1, 2, 3, 0], np.uint16)
    found = cast_label_hits(annotation_of(volume, spacing), rays, label_of_index, [1, 3])
    expected = []
    for i in range(12):
        way = passed(volume, spacing, rays.origins_mm[i], rays.directions[i], rays.start_mm)
        for label in (1, 3):
            own = [entry for entry in way if label_of_index[entry[2]] == label]
            expected += [(i, label, own[0][2], own[0][0])] if own else []
    columns = found.ray, found.label, found.index, found.distance_mm
    assert list(zip(*columns, strict=True)) == expected


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_first_hits_in_exact_arithmetic(seed):
    """Rational numbers know no rounding; only rays that graze an edge are left out."""
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(9, 30, 3))
    volume = np.zeros(shape, np.uint16)
    for place in draw.integers(0, shape, (8, 3)):
        volume[tuple(place)] = draw.integers(1, 6)
    spacing = tuple(draw.uniform(0.01, 0.4, 3))
    filled = np.argwhere(volume)
    targets = (filled[draw.integers(len(filled), size=10), ::-1] + draw.random((10, 3))) * spacing[
        ::-1
    ]
    origins = targets + draw.normal(size=(10, 3)) * 20
    directions = targets - origins
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    hits = cast_first_hits(annotation_of(volume, spacing), Rays(origins, directions, 0.0))
    for i in range(10):
        met, grazes = [], False
        for z, y, x in filled.tolist():
            enter, leave = Fraction(0), None
            for axis, voxel in enumerate((x, y, z)):
                step, start = Fraction(spacing[2 - axis]), Fraction(origins[i, axis])
                faces = sorted(
                    (step * face - start) / Fraction(directions[i, axis])
                    for face in (voxel, voxel + 1)
                )
                enter = max(enter, faces[0])
                leave = faces[1] if leave is None else min(leave, faces[1])
            grazes |= abs(leave - enter) < 1e-9
            if enter < leave:
                met.append((enter, volume[z, y, x]))
        if not grazes:
            assert met
            assert hits.index[i] == min(met)[1]
            assert hits.distance_mm[i] == pytest.approx(float(min(met)[0]), abs=1e-11)


@pytest.mark.parametrize("distance_mm", [None, 3.0, 230.0])
def test_a_layer_one_voxel_thin_is_never_missed(distance_mm):
    volume = np.zeros((300, 40, 40), np.uint16)
    volume[7] = 1  # its top lies at z = 0.08
    view = ImageView(
        (50, 50), (0.002, 0.002), Pose((0.2, 0.2, 1.0), 20, 3, -2), Camera(distance_mm)
    )
    hits = cast_first_hits(annotation_of(volume, (0.01, 0.01, 0.01)), view)
    rays = view.rays()
    expected = (0.08 - rays.origins_mm[:, 2]) / rays.directions[:, 2]
    assert np.all(hits.index == 1)
    assert np.allclose(hits.distance_mm, expected, atol=1e-9)


def test_rays_that_lead_away_meet_nothing():
    """Rays are no lines: what lies behind the camera is not seen."""
    volume = np.ones((20, 20, 20), np.uint16)
    view = ImageView((9, 9), (0.1, 0.1), Pose((1.0, 1.0, -1.0)), Camera(0.5))
    hits = cast_first_hits(annotation_of(volume, (0.1, 0.1, 0.1)), view)
    assert not hits.index.any()
    assert np.isnan(hits.distance_mm).all()


def test_a_camera_in_a_pocket_sees_its_wall():
    volume = np.ones((50, 50, 50), np.uint16)
    volume[9:41, 9:41, 9:41] = 0
    view = ImageView((30, 30), (0.1, 0.1), Pose((2.5, 2.5, 2.0), 10, 30, 5), Camera(0.5))
    annotation = annotation_of(volume, (0.1, 0.1, 0.1))
    hits = cast_first_hits(annotation, view)
    assert np.all(hits.index == 1)
    points = view.rays().origins_mm + hits.distance_mm[:, None] * view.rays().directions
    to_wall = np.minimum(points - 0.9, 4.1 - points).min(axis=1)
    assert np.allclose(to_wall, 0.0, atol=1e-12)
    check_first_hits(volume, (0.1, 0.1, 0.1), view.rays(), hits)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_an_image_and_its_rays_are_the_same(seed):
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(1, 40, 2))
    pose = Pose(tuple(draw.uniform(0, 3, 3)), *draw.uniform(-180, 180, 3), bool(draw.integers(2)))
    principal = tuple(draw.uniform(-50, 90, 2)) if draw.integers(2) else None
    camera = Camera([None, draw.uniform(0.5, 300)][draw.integers(2)], principal)
    view = ImageView(shape, tuple(draw.uniform(0.01, 0.2, 2)), pose, camera)
    numbers = draw.permutation(shape[0] * shape[1])[:50]
    origins, directions = pixel_rays(view, numbers)
    rays = view.rays_at(*np.divmod(numbers, shape[1]))
    assert np.array_equal(origins, rays.origins_mm)
    assert np.array_equal(directions, rays.directions)
    annotation = annotation_of(sparse_volume(draw), draw_spacing(draw))
    one, other = cast_first_hits(annotation, view), cast_first_hits(annotation, view.rays())
    assert np.array_equal(one.index, other.index)
    assert np.array_equal(one.distance_mm, other.distance_mm, equal_nan=True)
    assert np.array_equal(one.right, other.right)
    for source in (view, view.rays()):
        some = cast_first_hits(annotation, source, numbers=numbers)
        assert np.array_equal(some.index, one.index[numbers])
        assert np.array_equal(some.distance_mm, one.distance_mm[numbers], equal_nan=True)
        assert np.array_equal(some.right, one.right[numbers])
        assert not cast_first_hits(annotation, source, numbers=numbers[:0]).index.size


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_blocks_and_gaps_are_those_of_the_voxels(seed):
    from scipy.ndimage import distance_transform_cdt

    draw = np.random.default_rng(seed)
    volume = sparse_volume(draw)
    annotation, member = annotation_of(volume, (0.1, 0.1, 0.1)), draw.random(6) < 0.5
    member[0] = False
    padded = np.pad(member[volume], [(0, -n % 8) for n in volume.shape])
    z, y, x = (n // 8 for n in padded.shape)
    expected = padded.reshape(z, 8, y, 8, x, 8).any(axis=(1, 3, 5))
    assert np.array_equal(find_blocks(volume).occupied(member), expected)
    gaps = gaps_around(annotation, member)
    if expected.any():
        assert np.array_equal(gaps.blocks, distance_transform_cdt(~expected, "chessboard"))
    inside = np.zeros(volume.shape, bool)
    low, high = gaps.box[2::-1], gaps.box[:2:-1]
    inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    assert not np.any(member[volume] & ~inside)


def test_a_set_is_measured_once():
    annotation = annotation_of(np.ones((9, 9, 9), np.uint16), (0.1, 0.1, 0.1))
    member = annotation.ids == 1
    assert gaps_around(annotation, member) is gaps_around(annotation, member.copy())
    assert gaps_around(annotation, member) is not gaps_around(annotation, annotation.ids == 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rays_without_numbers_meet_nothing(value):
    annotation = annotation_of(np.ones((9, 9, 9), np.uint16), (0.1, 0.1, 0.1))
    rays = Rays(np.array([[0.4, 0.4, 3.0]]), np.array([[0.0, value, -1.0], [0, 0, -1.0]]), 0.0)
    assert cast_first_hits(annotation, rays).index.tolist() == [0, 1]


@pytest.mark.parametrize("which", ["nan origin", "nan direction", "no direction"])
@pytest.mark.parametrize("filled", [True, False])
def test_one_bad_ray_among_its_neighbours_keeps_none_of_them_up(which, filled):
    volume = np.zeros((20, 20, 20), np.uint16)
    volume[9:12, 9:12, 9:12] = filled
    origins = np.column_stack([np.linspace(0.2, 1.8, 16), np.ones(16), -np.ones(16)])
    directions = np.column_stack([np.linspace(-0.3, 0.3, 16), np.full(16, 0.01), np.ones(16)])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    good = np.arange(16) != 3
    annotation = annotation_of(volume, (0.1, 0.1, 0.1))
    alone = cast_first_hits(annotation, Rays(origins[good], directions[good], 0.0))
    assert alone.index.any() == filled
    changed = origins if which == "nan origin" else directions
    changed[3] = 0.0 if which == "no direction" else np.nan
    hits = cast_first_hits(annotation, Rays(origins, directions, 0.0))
    assert hits.index[3] == 0
    np.testing.assert_array_equal(hits.distance_mm[good], alone.distance_mm)


def test_neighbours_that_start_far_apart_do_not_wait_for_each_other():
    volume = np.zeros((20, 20, 20), np.uint16)
    volume[3, 3, 3] = volume[-2, -2, -2] = 1
    spacing = (0.1, 0.1, 0.1)
    origins = np.array([[-1e9, 1.85, 1.85]] * 16)
    origins[3:9, 0] = -1.0
    rays = Rays(origins, np.array([[1.0, 0.0, 0.0]]), 0.0)
    hits = cast_first_hits(annotation_of(volume, spacing), rays)
    assert hits.index.all()
    check_first_hits(volume, spacing, rays, hits)


@pytest.mark.real_data
@pytest.mark.parametrize("seed", range(6))
def test_every_pixel_of_the_real_annotation(seed, real_atlas):
    draw = np.random.default_rng(seed)
    annotation = real_atlas.annotation
    pose = Pose(
        (draw.uniform(2, 9), draw.uniform(3, 11), draw.uniform(5, 9)), *draw.uniform(-60, 60, 3)
    )
    camera = Camera([None, 20.0, 230.0][seed % 3])
    view = ImageView((30, 40), (0.2, 0.2), pose, camera)
    hits = cast_first_hits(annotation, view)
    assert np.count_nonzero(hits.index) > 300, "the scene shows too little of the brain to tell"
    check_first_hits(annotation.index, annotation.spacing_mm, view.rays(), hits)


@pytest.mark.real_data
@pytest.mark.parametrize("seed", range(4))
def test_the_farthest_camera_sees_what_parallel_rays_see(seed, real_atlas):
    draw = np.random.default_rng(seed)
    pose = Pose(tuple(draw.uniform((3, 4, 6), (8, 10, 9))), *draw.uniform(-40, 40, 3))
    far, parallel = (
        cast_first_hits(
            real_atlas.annotation, ImageView((80, 120), (0.0601, 0.0603), pose, Camera(distance))
        )
        for distance in (MAX_CAMERA_DISTANCE_MM, None)
    )
    seen = parallel.index > 0
    assert np.count_nonzero(seen) > 2000
    assert np.array_equal(far.index, parallel.index)
    assert np.array_equal(far.right[seen], parallel.right[seen])
    apart = far.distance_mm[seen] - MAX_CAMERA_DISTANCE_MM - parallel.distance_mm[seen]
    assert np.abs(apart).max() < 1e-3, "also where rays graze a voxel"
    assert np.median(np.abs(apart)) < 1e-6
