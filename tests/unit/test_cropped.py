"""Annotations of which only the box around the tissue is held, against the whole arrays."""

import attrs
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its customary name
from hypothesis import given, settings
from hypothesis import strategies as st

from brainreg3d import load_atlas
from brainreg3d.atlas import Annotation
from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.atlas.cropped import CroppedVolume
from brainreg3d.atlas.shares import cell_shares
from brainreg3d.atlas.slabs import slabs_of_array
from brainreg3d.errors import AtlasError
from brainreg3d.geometry import Camera, ImageView, Pose, VolumeGrid
from brainreg3d.raycast import cast_first_hits, cast_label_hits
from brainreg3d.registration import resample
from brainreg3d.sources.compact_cache import cached_annotation, compact_from_source
from brainreg3d.steps.label_depth import tissue_below
from brainreg3d.surfaces import SurfaceMaker, sampled_voxels

SEEDS = st.integers(0, 2**32 - 1)
SPACING = (0.1, 0.12, 0.09)


def some_volume(draw):
    """A few boxes of places 1 to 5, in up to 40 voxels a side; some touch its faces."""
    shape = draw.integers(1, 41, 3)
    volume = np.zeros(shape, np.uint16)
    for _ in range(draw.integers(0, 4)):
        low = draw.integers(0, shape)
        high = np.minimum(low + draw.integers(1, 20, 3), shape)
        z, y, x = map(slice, low, high)
        volume[z, y, x] = draw.integers(1, 6, tuple(high - low))
    return volume


def two_ways(volume, right=None):
    """The same annotation held whole, and cropped by `compact_annotation`."""
    whole = Annotation(volume, np.arange(6, dtype=np.uint32), SPACING)
    sides = None if right is None else slabs_of_array(right)
    cropped = compact_annotation(whole.to_ids(), SPACING, right=sides)
    # Places follow from the ids that occur, so that those of the other are brought to them.
    if right is None:
        volume = np.searchsorted(cropped.ids, volume).astype(np.uint16)
        whole = Annotation(volume, cropped.ids, SPACING)
    return whole, cropped


def nonzero_box(volume):
    """First voxel and the one after the last that are not 0, along each axis."""
    places = np.nonzero(volume)
    return tuple(p.min() for p in places), tuple(p.max() + 1 for p in places)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_crops_are_tight_and_lose_nothing(seed):
    volume = some_volume(np.random.default_rng(seed))
    for cropped in (CroppedVolume.of(volume).tight(), two_ways(volume)[1].volume):
        assert cropped.shape == volume.shape
        assert np.array_equal(cropped.whole() > 0, volume > 0)
        if volume.any():
            assert (cropped.start, cropped.stop) == nonzero_box(volume)
        else:
            assert cropped.values.shape == (1, 1, 1)
    assert np.array_equal(CroppedVolume.of(volume).tight().whole(), volume)
    assert np.shares_memory(CroppedVolume.of(volume).tight().values, volume)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_what_is_asked_of_a_crop_is_what_the_array_holds(seed):
    draw = np.random.default_rng(seed)
    volume = some_volume(draw)
    cropped = CroppedVolume.of(volume).tight()
    low = draw.integers(0, volume.shape)
    place = tuple(map(slice, low, low + draw.integers(0, 45, 3)))
    assert np.array_equal(cropped.block(place), volume[place])
    assert np.array_equal(cropped.block((slice(None),) * 3), volume)
    padded = np.pad(volume, 5)
    z, y, x = draw.integers(-5, np.array(volume.shape)[:, None] + 5, (3, 200))
    assert np.array_equal(cropped.at(z, y, x), padded[z + 5, y + 5, x + 5])
    assert cropped.at(z[0], y[0], x[0]) == padded[z[0] + 5, y[0] + 5, x[0] + 5]
    meshed = np.ix_(z[:4], y[:5], x[:6])
    assert np.array_equal(cropped.at(*meshed), padded[np.ix_(z[:4] + 5, y[:5] + 5, x[:6] + 5)])
    first, steps = draw.integers(0, volume.shape), draw.integers(1, 9, 3)
    chosen = tuple(slice(int(f), None, int(n)) for f, n in zip(first, steps, strict=True))
    assert np.array_equal(cropped.every(first, steps).whole(), volume[chosen])


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_whatever_is_computed_is_the_same_to_the_last_bit(seed):
    """Rays, what lies below, meshes, shares, masks and resampled labels."""
    draw = np.random.default_rng(seed)
    whole, cropped = two_ways(some_volume(draw))
    middle = np.array(whole.grid.box_mm) / 2
    pose = Pose(tuple(middle + draw.normal(size=3)), *draw.uniform(-180, 180, 3))
    view = ImageView((11, 14), (0.3, 0.25), pose, Camera([None, 20.0, 3.0][draw.integers(3)]))
    labels = (np.arange(whole.ids.size) % 4).astype(np.uint16)
    opaque = whole.ids > 0
    member = draw.random(whole.ids.size) < 0.5
    member[0] = False
    low = draw.integers(-3, 10, 3)
    voxels, high = draw.integers(1, 6, 3), low + draw.integers(1, 20, 3)
    target = VolumeGrid((9, 10, 11), (0.31, 0.33, 0.29))
    matrix = np.eye(4)
    matrix[:3, 3] = draw.normal(size=3) * 0.3
    numbers = np.arange(154)
    both = []
    for own in (whole, cropped):
        first = cast_first_hits(own, view)
        each = cast_label_hits(own, view, labels, [1, 2, 3])
        distance = np.where(np.isnan(first.distance_mm), 1.0, first.distance_mm)
        below = [
            array
            for along in ("ray", "normal")
            for array in tissue_below(own, view, numbers, distance, 250.0, along, opaque)
        ]
        held = own.volume
        both.append(
            [
                *(first.index, first.distance_mm, first.right),
                *(each.ray, each.label, each.index, each.distance_mm, each.right),
                *below,
                *SurfaceMaker(own, 180).mesh(member),
                *sampled_voxels(own, 0.3),
                cell_shares(own, member, voxels, low, high),
                own.mask([1, 3]),
                own.to_ids(),
                resample(held.values, own.grid, target, matrix, nearest=True, start=held.start),
            ]
        )
    for one, other in zip(*both, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_sides_of_their_own_are_kept(seed):
    draw = np.random.default_rng(seed)
    volume = some_volume(draw)
    right = draw.random(volume.shape) < 0.5
    annotation = two_ways(volume, right)[1]
    assert np.array_equal(annotation.to_ids(), volume)
    assert np.array_equal(annotation.on_right[annotation.index][volume > 0], right[volume > 0])


def test_an_empty_annotation_has_no_tissue(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path))
    nothing = np.zeros((9, 17, 5), np.uint32)
    view = ImageView((4, 5), (0.2, 0.2), Pose((0.3, 1.0, 1.0)), Camera(None))
    cached = compact_from_source("key", lambda: (nothing, SPACING))
    again = compact_from_source("key", lambda: pytest.fail("the source was read again"))
    for annotation in (compact_annotation(nothing, SPACING), cached, again):
        assert annotation.grid == VolumeGrid(nothing.shape, SPACING)
        assert np.array_equal(annotation.to_ids(), nothing)
        assert not cast_first_hits(annotation, view).index.any()
        vertices, _ = SurfaceMaker(annotation, 100).mesh(np.array([False]))
        assert not len(vertices)


@pytest.mark.parametrize("made", ["from a source", "in memory"])
def test_the_file_holds_the_tissue_alone(made, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path))
    volume = np.zeros((30, 21, 44), np.uint32)
    volume[3:29, 5:21, 7:30] = np.random.default_rng(0).integers(1, 9, (26, 16, 23)) * 10**8
    whole = compact_annotation(volume, SPACING)
    whole = Annotation(whole.index, whole.ids, SPACING)
    for _ in range(2):
        if made == "from a source":
            annotation = compact_from_source("key", lambda: (volume, SPACING))
        else:
            annotation = cached_annotation("key", lambda: whole)
        assert np.array_equal(annotation.to_ids(), volume)
        assert annotation.volume.start == (3, 5, 7)
    stored = np.load(tmp_path / "annotations" / "key" / "index.npy")
    assert np.array_equal(stored, whole.index[3:29, 5:21, 7:30])
    size = (tmp_path / "annotations" / "key" / "index.npy").stat().st_size
    assert size == 128 + 2 * 26 * 16 * 23, "a header and the voxels, and nothing behind them"


def test_arrays_that_are_given_whole_stay_as_they_are():
    index = np.zeros((5, 6, 7), np.uint16)
    index[2, 3, 4] = 1
    annotation = Annotation(index, np.array([0, 5], np.uint32), SPACING)
    assert np.shares_memory(annotation.index, index)
    cropped = attrs.evolve(annotation, index=annotation.volume.tight())
    assert cropped.volume.values.shape == (1, 1, 1)
    assert np.array_equal(cropped.index, index)
    with pytest.raises(ValueError, match="read-only"):
        cropped.index[0] = 1


@pytest.mark.parametrize("start", [(-1, 0, 0), (0, 0, 3)])
def test_a_part_that_lies_elsewhere_is_refused(start):
    with pytest.raises(AtlasError, match="reach beyond"):
        CroppedVolume(np.zeros((2, 2, 2), np.uint16), start, (4, 4, 4))


def test_the_real_annotation_is_cropped_to_its_tissue(real_atlas, allen_dir):
    """In the atlas frame all three axes of Allen's file, (ML, DV, AP) as read, lie otherwise."""
    file = sitk.GetArrayFromImage(sitk.ReadImage(str(allen_dir / "annotation_25.nrrd")))
    as_atlas = file.transpose(1, 2, 0)[::-1, ::-1]
    volume = real_atlas.annotation.volume
    low, high = nonzero_box(as_atlas)
    assert (volume.start, volume.stop) == (low, high)
    assert volume.shape == as_atlas.shape
    assert np.array_equal(real_atlas.annotation.ids[volume.values], as_atlas[volume.place])
    assert volume.values.size < 0.85 * as_atlas.size


def test_the_phantom_is_cropped_when_it_is_kept():
    volume = load_atlas("phantom_100um").annotation.volume
    assert (volume.start, volume.stop) == nonzero_box(volume.whole())
    assert volume.values.size < np.prod(volume.shape)
