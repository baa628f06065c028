import itertools
import json
import shutil
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from brainreg3d.errors import AtlasError
from brainreg3d.sources import load_atlas
from brainreg3d.sources.brainglobe import installed_brainglobe_atlases, load_brainglobe_atlas
from brainreg3d.sources.brainglobe_files import BrainGlobeFiles
from brainreg3d.sources.brainglobe_volumes import volume_slabs

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from brainglobe_writer import write_brainglobe_atlas, write_tiff_atlas

STRUCTURES = [
    (1, "root", "root", [1]),
    (5, "A", "Area", [1, 5]),
    (600000001, "M", "Marker", [1, 600000001]),
]
MARKER = 600000001


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path / "bg"))
    (tmp_path / "bg").mkdir()
    return tmp_path / "bg"


def toy(shape, marker):
    labels = np.zeros(shape, np.uint32)
    labels[2:-2, 2:-2, 2:-2] = 5
    labels[marker] = MARKER
    return labels


def install_asr(home, name="toy_mouse_500um"):
    # Axes start at anterior, superior and RIGHT: a low third index is the right side.
    labels = toy((20, 12, 16), (4, 3, 2))
    grey = labels.astype(np.uint16) + np.arange(16, dtype=np.uint16)
    return labels, write_brainglobe_atlas(home, name, labels, grey, STRUCTURES, (500.0,) * 3)


def test_asr_grows_to_the_left(home):
    labels, _ = install_asr(home)
    atlas = load_atlas("toy_mouse_500um")
    assert atlas.full_name == "toy_mouse_500um"
    volume = atlas.annotation.to_ids()
    assert volume.shape == (12, 20, 16)
    (place,) = np.argwhere(volume == MARKER)
    assert tuple(place) == (11 - 3, 19 - 4, 15 - 2)
    x_mm = atlas.grid.voxel_centers_mm(place)[0]
    assert x_mm > atlas.grid.box_mm[0] / 2
    # Every voxel, by a loop that knows only the letters.
    for ap, dv, rl in np.ndindex(labels.shape):
        assert volume[11 - dv, 19 - ap, 15 - rl] == labels[ap, dv, rl]


def test_the_template_turns_with_the_annotation(home):
    install_asr(home)
    template = load_brainglobe_atlas("toy_mouse_500um").template
    assert template.data.shape == (12, 20, 16)
    assert template.data[0, 0, 0] == 15  # the leftmost of the 16 columns
    assert template.data[0, 0, 15] == 0


def test_another_orientation_with_unequal_voxels(home):
    # Axes start at posterior, superior and LEFT.
    labels = toy((18, 10, 16), (13, 2, 12))
    write_brainglobe_atlas(
        home, "odd_mouse_800um", labels, labels, STRUCTURES, (800.0, 500.0, 600.0), "psl"
    )
    atlas = load_brainglobe_atlas("odd_mouse_800um")
    assert atlas.annotation.spacing_mm == (0.5, 0.8, 0.6)
    assert atlas.grid.box_mm == pytest.approx((16 * 0.6, 18 * 0.8, 10 * 0.5))
    (place,) = np.argwhere(atlas.annotation.to_ids() == MARKER)
    assert tuple(place) == (9 - 2, 13, 12)


def test_the_structures(home):
    install_asr(home)
    atlas = load_brainglobe_atlas("toy_mouse_500um")
    assert [(s.id, s.acronym, s.parent_id) for s in atlas.structures] == [
        (1, "root", None),
        (5, "A", 1),
        (MARKER, "M", 1),
    ]
    assert atlas.structures.find("A").rgb == (10, 20, 30)
    assert atlas.citation == "A test (2020)"
    assert atlas.species == "Mus testus"


def test_the_second_load_comes_from_the_cache_and_a_changed_atlas_does_not(home, monkeypatch):
    labels, root = install_asr(home)
    first = load_brainglobe_atlas("toy_mouse_500um")
    with monkeypatch.context() as patch:
        patch.setattr(
            "brainreg3d.sources.brainglobe.volume_slabs", lambda *_: pytest.fail("read again")
        )
        second = load_brainglobe_atlas("toy_mouse_500um")
    assert np.array_equal(first.annotation.index, second.annotation.index)
    shutil.rmtree(root)
    changed = labels.copy()
    changed[10, 6, 8] = MARKER
    write_brainglobe_atlas(home, "toy_mouse_500um", changed, changed, STRUCTURES, (500.0,) * 3)
    third = load_brainglobe_atlas("toy_mouse_500um")
    assert np.sum(third.annotation.to_ids() == MARKER) == 2


def test_an_atlas_that_is_not_installed(home):
    with pytest.raises(AtlasError, match="None is installed"):
        load_brainglobe_atlas("kim_mouse_10um")
    install_asr(home)
    assert list(installed_brainglobe_atlases()) == ["toy_mouse_500um"]
    with pytest.raises(AtlasError) as caught:
        load_brainglobe_atlas("toy_mouse_50um")
    assert "Did you mean toy_mouse_500um?" in str(caught.value)
    assert "brainglobe install -a toy_mouse_50um" in str(caught.value)


def test_unknown_names_are_matched_among_all_atlases(home):
    install_asr(home)
    for wrong, right in (
        ("allen_mouse_20um", "allen_mouse_25um"),
        ("Phantom_25", "phantom_25um"),
        ("toy_mouse_500", "toy_mouse_500um"),
    ):
        with pytest.raises(AtlasError, match=right):
            load_atlas(wrong)


@pytest.mark.parametrize("what", ["annotation", "template"])
def test_an_atlas_without_its_voxels_starts_no_download(home, what):
    _, root = install_asr(home)
    for folder in root.rglob("c"):
        if what in folder.as_posix().split("brainglobe-atlasapi/")[1]:
            shutil.rmtree(folder)
    with pytest.raises(AtlasError, match=f"without its {what}"):
        _ = load_brainglobe_atlas("toy_mouse_500um").template


@pytest.mark.parametrize("damage", ["{", "{}", '{"resolution": 5}'])
def test_a_damaged_atlas(home, damage):
    _, root = install_asr(home)
    (root / "atlases" / "toy_mouse_500um" / "1_0" / "manifest.json").write_text(damage)
    with pytest.raises(AtlasError, match="install it again"):
        load_brainglobe_atlas("toy_mouse_500um")


def change_manifest(root, **entries):
    path = root / "atlases" / "toy_mouse_500um" / "1_0" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, **entries}))


@pytest.mark.parametrize("orientation", ["xyz", None, "asrx", "ASR", "aps", "as", "", 5, ["asr"]])
def test_an_orientation_that_is_none(home, orientation):
    _, root = install_asr(home)
    change_manifest(root, orientation=orientation)
    with pytest.raises(
        AtlasError, match=r"orientation; expected three lower-case letters"
    ) as caught:
        load_brainglobe_atlas("toy_mouse_500um")
    assert repr(orientation) in str(caught.value)


@pytest.mark.parametrize(
    "resolution",
    [[25], [], 25, "25", None, [500, 500, -1], [500, 500, "a"], [500] * 4, [500, 0, 500]],
)
def test_a_resolution_that_is_none(home, resolution):
    _, root = install_asr(home)
    change_manifest(root, resolution=resolution)
    with pytest.raises(AtlasError, match="resolution; expected three positive numbers in µm"):
        load_brainglobe_atlas("toy_mouse_500um")


def all_orientations():
    for letters in itertools.permutations(["ap", "si", "lr"]):
        yield from map("".join, itertools.product(*letters))


@pytest.mark.parametrize("layout", ["ome-zarr", "tiff"])
@pytest.mark.parametrize("slab_bytes", [1, 12 * 16 * 4 * 3])
def test_slabs_of_any_axes(home, monkeypatch, slab_bytes, layout):
    """Read in small parts, every voxel comes to the place that its letters name."""
    monkeypatch.setattr("brainreg3d.io.raw_volume.SLAB_BYTES", slab_bytes)
    labels = np.random.default_rng(3).integers(1, 3, (20, 12, 16)).astype(np.uint32) * 5
    labels[3, 2, 1] = MARKER
    write = write_brainglobe_atlas if layout == "ome-zarr" else write_tiff_atlas
    for orientation in all_orientations():
        name = f"{orientation}_500um"
        write(home, name, labels, labels, STRUCTURES, (500.0,) * 3, orientation)
        volume = load_brainglobe_atlas(name).annotation.to_ids()
        # From the other end where an axis starts where ours ends, then by the pairs of letters.
        steps = tuple(slice(None, None, 1 if letter in "ipl" else -1) for letter in orientation)
        pairs = [
            "ap" if letter in "ap" else "si" if letter in "si" else "lr" for letter in orientation
        ]
        axes = [pairs.index(pair) for pair in ("si", "ap", "lr")]
        assert np.array_equal(volume, labels[steps].transpose(axes)), orientation


@pytest.mark.parametrize("write", [write_brainglobe_atlas, write_tiff_atlas])
def test_no_more_than_a_slab_is_in_memory(home, write, monkeypatch):
    """160 planes of 64 kB each; chunks of the store have 128 kB."""
    limit = 1 << 20
    monkeypatch.setattr("brainreg3d.io.raw_volume.SLAB_BYTES", limit)
    labels = np.zeros((160, 128, 128), np.uint32)
    labels[20:140, 20:100, 20:110] = 5
    write(home, "large_500um", labels, labels, STRUCTURES, (500.0,) * 3)
    read, largest = 0, 0
    files = BrainGlobeFiles.read("large_500um", installed_brainglobe_atlases()["large_500um"])
    tracemalloc.start()
    try:
        slabs = volume_slabs(files, "annotation")
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _, slab in slabs.read():
            read, largest = read + slab.nbytes, max(largest, slab.nbytes)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert read == labels.nbytes
    assert largest <= limit
    assert peak < 6 * limit < labels.nbytes


def test_atlases_of_the_tiff_layout(home):
    labels = toy((20, 12, 16), (4, 3, 2))
    grey = labels.astype(np.uint16) + np.arange(16, dtype=np.uint16)
    write_tiff_atlas(home, "old_mouse_500um", labels, grey, STRUCTURES, (500.0,) * 3)
    atlas = load_atlas("old_mouse_500um")
    assert atlas.full_name == "old_mouse_500um"
    (place,) = np.argwhere(atlas.annotation.to_ids() == MARKER)
    assert tuple(place) == (11 - 3, 19 - 4, 15 - 2)
    assert atlas.template.data[0, 0].tolist() == list(range(15, -1, -1))
    assert [(s.id, s.acronym, s.parent_id) for s in atlas.structures] == [
        (1, "root", None),
        (5, "A", 1),
        (MARKER, "M", 1),
    ]
    assert atlas.citation == "A test (2020)"


def test_the_newest_version_and_layout_are_taken(home):
    labels = toy((20, 12, 16), (4, 3, 2))
    write_tiff_atlas(
        home, "toy_mouse_500um", labels, labels, STRUCTURES, (500.0,) * 3, version="1.9"
    )
    newer = write_tiff_atlas(
        home, "toy_mouse_500um", labels, labels, STRUCTURES, (500.0,) * 3, version="1.10"
    )
    assert installed_brainglobe_atlases() == {"toy_mouse_500um": newer / "metadata.json"}
    _, root = install_asr(home)
    (manifest,) = root.glob("atlases/*/*/manifest.json")
    assert installed_brainglobe_atlases() == {"toy_mouse_500um": manifest}


def test_a_tiff_layout_without_its_voxels(home):
    labels = toy((20, 12, 16), (4, 3, 2))
    folder = write_tiff_atlas(home, "old_mouse_500um", labels, labels, STRUCTURES, (500.0,) * 3)
    (folder / "annotation.tiff").unlink()
    with pytest.raises(AtlasError, match=r"annotation\.tiff.*install it again"):
        load_brainglobe_atlas("old_mouse_500um")


def test_a_parent_that_brainglobes_reader_cannot_hold(home):
    labels = toy((20, 12, 16), (4, 3, 2))
    below = (7, "M1", "Part of the marker", [1, MARKER, 7])
    write_brainglobe_atlas(
        home, "toy_mouse_500um", labels, labels, [*STRUCTURES, below], (500.0,) * 3
    )
    atlas = load_brainglobe_atlas("toy_mouse_500um")
    assert np.sum(atlas.annotation.to_ids() == MARKER) == 1
    assert atlas.structures.find("M1").parent_id == MARKER


def test_damaged_voxels(home):
    _, root = install_asr(home)
    for path in root.rglob("annotations_compressed.ome.zarr/**/c/*/*/*"):
        path.write_bytes(b"nothing")
    with pytest.raises(AtlasError, match="install it again"):
        load_brainglobe_atlas("toy_mouse_500um")


# Atlases that are not their own mirror image.


def crooked(shape=(20, 12, 16)):
    """Hemispheres that part along a crooked plane, in axes that start anterior, superior, right."""
    ap, dv, rl = np.indices(shape)
    return np.where(rl < 5 + ap // 4 + dv % 2, 2, 1).astype(np.uint8)


@pytest.mark.parametrize("slab_bytes", [1, 1 << 27])
@pytest.mark.parametrize("write", [write_brainglobe_atlas, write_tiff_atlas])
def test_sides_come_from_the_volume_of_hemispheres(home, write, slab_bytes, monkeypatch):
    monkeypatch.setattr("brainreg3d.io.raw_volume.SLAB_BYTES", slab_bytes)
    labels, sides = toy((20, 12, 16), (4, 3, 2)), crooked()
    write(home, "odd_500um", labels, labels, STRUCTURES, (500.0,) * 3, "asr", sides)
    for _ in range(2):  # made, and opened from the cache
        annotation = load_brainglobe_atlas("odd_500um").annotation
        assert np.array_equal(annotation.to_ids()[::-1, ::-1, ::-1].transpose(1, 0, 2), labels)
        right = annotation.on_right[annotation.index][::-1, ::-1, ::-1].transpose(1, 0, 2)
        assert np.array_equal(right[labels > 0], sides[labels > 0] == 2)
        # Every entry occurs, and each id at most once on each side.
        assert set(np.unique(annotation.index)) == set(range(annotation.ids.size))
        pairs = set(zip(annotation.ids.tolist(), annotation.on_right.tolist(), strict=True))
        assert pairs == {(0, False), (5, False), (5, True), (MARKER, True)}


def test_a_changed_volume_of_hemispheres_is_noticed(home):
    labels, sides = toy((20, 12, 16), (4, 3, 2)), crooked()
    for changed in (sides, 3 - sides):
        folder = write_tiff_atlas(
            home, "odd_500um", labels, labels, STRUCTURES, (500.0,) * 3, "asr", changed
        )
        atlas = load_brainglobe_atlas("odd_500um")
        place = np.flatnonzero(atlas.annotation.ids == MARKER)
        assert atlas.annotation.on_right[place].tolist() == [changed[4, 3, 2] == 2]
        shutil.rmtree(folder)
    assert "hemispheres" in atlas.sha256


@pytest.mark.parametrize("odd", [0, 3, 255])
def test_voxels_of_neither_side_are_parted_by_the_middle(home, odd):
    labels, sides = toy((20, 12, 15), (4, 3, 2)), np.full((20, 12, 15), 1, np.uint8)
    sides[5:9] = odd
    write_tiff_atlas(home, "odd_500um", labels, labels, STRUCTURES, (500.0,) * 3, "asr", sides)
    annotation = load_brainglobe_atlas("odd_500um").annotation
    right = annotation.on_right[annotation.index]
    tissue = annotation.index > 0
    expected = np.zeros(right.shape, bool)
    expected[:, 11:15, 7:] = True  # planes 5 to 8 from the front; of 15 columns the middle is right
    assert np.array_equal(right[tissue], expected[tissue])


def test_hemispheres_that_are_missing(home):
    labels, sides = toy((20, 12, 16), (4, 3, 2)), crooked()
    given = labels, labels, STRUCTURES, (500.0,) * 3, "asr", sides
    root = write_brainglobe_atlas(home, "toy_500um", *given)
    (store,) = root.rglob("hemispheres.ome.zarr")
    for path in store.rglob("c"):
        shutil.rmtree(path)
    with pytest.raises(AtlasError, match=r"without its hemispheres.*\.hemispheres"):
        load_brainglobe_atlas("toy_500um")
    shutil.rmtree(store)
    with pytest.raises(AtlasError, match="without its hemispheres"):
        load_brainglobe_atlas("toy_500um")
    folder = write_tiff_atlas(home, "old_500um", *given)
    (folder / "hemispheres.tiff").unlink()
    with pytest.raises(AtlasError, match=r"hemispheres\.tiff.*install it again"):
        load_brainglobe_atlas("old_500um")


def test_hemispheres_of_another_shape(home):
    labels, sides = toy((20, 12, 16), (4, 3, 2)), crooked((20, 12, 14))
    write_tiff_atlas(home, "odd_500um", labels, labels, STRUCTURES, (500.0,) * 3, "asr", sides)
    with pytest.raises(
        AtlasError, match=r"hemispheres have 12 × 20 × 14 .* annotation 12 × 20 × 16"
    ):
        load_brainglobe_atlas("odd_500um")


@pytest.mark.parametrize("symmetric", [None, "no", 1])
def test_a_manifest_that_does_not_say_whether_it_is_symmetric(home, symmetric):
    _, root = install_asr(home)
    change_manifest(root, symmetric=symmetric)
    with pytest.raises(AtlasError, match="symmetric; expected true"):
        load_brainglobe_atlas("toy_mouse_500um")
