"""An exported atlas opens in BrainGlobe's own reader, in brainrender and here, and is the same."""

import configparser
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tiny_brain
from scipy import ndimage

from brainreg3d import BrainReg3D, load_atlas, offscreen
from brainreg3d.atlas import Structure, StructureTree, Template
from brainreg3d.atlas.compact import compact_annotation
from brainreg3d.atlas.slabs import slabs_of_array
from brainreg3d.cli import main
from brainreg3d.errors import AtlasError, InputError, OutputError
from brainreg3d.export.brainglobe import export_brainglobe_atlas, opening_recipe
from brainreg3d.sources.brainglobe import load_brainglobe_atlas
from brainreg3d.sources.phantom import MARKER_CENTER_MM, MARKER_ID, PHANTOM_BOX_MM, demo_view

SCENE = Path(__file__).parents[1] / "data" / "brainrender_scene.py"
NAME = "exported_mouse_100um"


@pytest.fixture(scope="module")
def phantom():
    return load_atlas("phantom_100um")


@pytest.fixture(scope="module")
def exported(phantom, tmp_path_factory):
    """Home of an export of the phantom."""
    home = tmp_path_factory.mktemp("export")
    manifest = export_brainglobe_atlas(phantom, home, "exported_mouse")
    assert manifest == home / f"brainglobe-atlasapi/atlases/{NAME}/1_0/manifest.json"
    return home


def open_with_brainglobe(name, home):
    from brainglobe_atlasapi import BrainGlobeAtlas

    config = home / "bg_config.conf"
    return BrainGlobeAtlas(name, brainglobe_dir=home, check_latest=False, config_dir=config)


@pytest.fixture(scope="module")
def opened(exported):
    return open_with_brainglobe(NAME, exported)


@pytest.fixture
def at_home(exported, monkeypatch):
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(exported))


def volume_um3(mesh):
    """Volume of a closed mesh; negative where its faces look inwards."""
    a, b, c = mesh.points[mesh.cells[0].data].transpose(1, 0, 2)
    return np.einsum("ij,ij->", a, np.cross(b, c)) / 6


def test_brainglobe_sees_every_voxel_at_its_place(opened, phantom):
    assert opened.shape == (132, 80, 114)
    assert opened.resolution == (100.0, 100.0, 100.0)
    assert opened.annotation.dtype == np.uint32
    ours = phantom.annotation.to_ids()
    # Through physical places: front, top and right are where the two frames say they are.
    for ap, dv, rl in np.random.default_rng(5).integers(0, opened.shape, (2000, 3)):
        assert opened.annotation[ap, dv, rl] == ours[80 - 1 - dv, 132 - 1 - ap, 114 - 1 - rl]
    assert np.count_nonzero(opened.annotation) == np.count_nonzero(ours)


def test_the_marker_is_on_brainglobes_right(opened):
    x, y, z = MARKER_CENTER_MM
    width, length, height = PHANTOM_BOX_MM
    assert x > width / 2
    place_um = [1000 * (length - y), 1000 * (height - z), 1000 * (width - x)]
    assert opened.structure_from_coords(place_um, microns=True) == MARKER_ID
    assert opened.structure_from_coords(place_um, microns=True, as_acronym=True) == "MARK"
    assert opened.hemisphere_from_coords(place_um, microns=True, as_string=True) == "right"
    place_um[2] = 1000 * x
    assert opened.structure_from_coords(place_um, microns=True, as_acronym=True) != "MARK"
    assert opened.hemisphere_from_coords(place_um, microns=True, as_string=True) == "left"
    middle = opened.mesh_from_structure("MARK").points.mean(axis=0)
    assert middle[2] < 1000 * width / 2


def test_the_tree_is_brainglobes(opened, phantom):
    assert len(opened.structures_list) == len(phantom.structures)
    for structure in phantom.structures:
        theirs = opened.structures[structure.id]
        assert theirs["structure_id_path"] == phantom.structures.ancestors(structure.id)
        assert theirs["name"] == structure.name
        assert tuple(theirs["rgb_triplet"]) == structure.rgb
    # A parent above 16 bits, which brainglobe-atlasapi cannot read as a parent.
    area = phantom.structures.find("VISa")
    assert area.id > 65535
    layers = opened.get_structure_descendants("VISa")
    assert set(layers) == {s.acronym for s in phantom.structures.children(area.id)} != set()


def test_meshes_lie_where_the_voxels_are(opened, phantom):
    spacing_um = np.array(opened.resolution)
    checked = thick = 0
    for structure in phantom.structures:
        if phantom.is_empty(structure.id):
            continue
        inside = np.isin(opened.annotation, phantom.structures.descendants(structure.id))
        voxels = np.argwhere(inside)
        mesh = opened.mesh_from_structure(structure.id)
        low, high = voxels.min(axis=0) * spacing_um, (voxels.max(axis=0) + 1) * spacing_um
        assert np.all(mesh.points >= low - spacing_um)
        assert np.all(mesh.points <= high + spacing_um)
        share = volume_um3(mesh) / (len(voxels) * np.prod(spacing_um))
        box = tuple(
            slice(*ends) for ends in zip(voxels.min(axis=0), voxels.max(axis=0) + 1, strict=True)
        )
        solid = ndimage.binary_erosion(np.pad(inside[box], 1)).sum() > 0.25 * len(voxels)
        assert (0.88 if solid else 0.3) < share < 1.06, structure.acronym
        thick += solid
        checked += 1
    assert checked > 300
    assert thick > 50
    assert volume_um3(opened.root_mesh()) > 4e11


@pytest.mark.usefixtures("at_home")
def test_it_comes_back_the_same(phantom):
    again = load_atlas(NAME)
    assert again.full_name == NAME
    assert again.annotation.spacing_mm == phantom.annotation.spacing_mm
    assert np.array_equal(again.annotation.to_ids(), phantom.annotation.to_ids())
    assert np.array_equal(again.template.data, phantom.template.data)
    assert list(again.structures) == list(phantom.structures)
    assert again.citation == phantom.citation
    assert again.species == phantom.species == "Mus musculus (synthetic)"


@pytest.mark.usefixtures("at_home")
def test_a_run_gives_the_same_labels():
    view = demo_view()
    both = []
    for atlas in (NAME, "phantom_100um"):
        run = BrainReg3D(
            np.zeros((120, 140), np.uint8), alignment=view.pose, pixel_size_mm=(0.066, 0.066),
            camera_distance_mm=230.0, atlas=atlas, brain_regions=["MARK", "MO", "SSp", "VIS"],
        )  # fmt: skip
        both.append(run.run(until="PixelLabeller"))
    assert np.array_equal(both[0].labels, both[1].labels)
    assert both[0].mask("MARK").any()
    assert np.all(both[0].hemisphere[both[0].mask("MARK")] == 2)


@pytest.mark.gui
def test_brainrender_opens_it_with_the_right_side_right(exported, tmp_path):
    environment, reason = offscreen.working_environment()
    if environment is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI is expected to render offscreen: {reason}")
        pytest.skip(reason)
    done = subprocess.run(
        [sys.executable, str(SCENE), NAME, str(tmp_path)],
        env={**os.environ, **environment, "BRAINGLOBE_CONFIG_DIR": str(exported)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    red, green, blue = plt.imread(tmp_path / "top.png")[..., :3].transpose(2, 0, 1)
    marker = np.argwhere((red > 0.5) & (blue > 0.5) & (green < 0.3))
    bulbs = np.argwhere((green > 0.5) & (red < 0.4) & (blue < 0.4))
    assert len(marker) > 50
    assert len(bulbs) > 50
    # From above, with the bulbs up, the right side is on the right of the midline.
    assert bulbs[:, 0].mean() < marker[:, 0].mean() - 20
    assert marker[:, 1].min() > bulbs[:, 1].mean()


# The tiny brain has unequal voxels: 0.25 x 0.3 x 0.2 mm along (z, y, x).


@pytest.fixture
def brain(tiny_atlas, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path))
    return tiny_atlas


def tree_files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_unequal_voxels(brain, tmp_path):
    manifest = export_brainglobe_atlas(brain, tmp_path)
    assert manifest.parents[1].name == "tiny_300um"
    theirs = open_with_brainglobe("tiny_300um", tmp_path)
    assert theirs.resolution == (300.0, 250.0, 200.0)
    x, y, z = (np.array([14.5, 16.5, 13.5]) * tiny_brain.SPACING_MM[::-1]).tolist()  # in MARK
    width, length, height = tiny_brain.BOX_MM
    place_um = [1000 * (length - y), 1000 * (height - z), 1000 * (width - x)]
    assert theirs.structure_from_coords(place_um, microns=True, as_acronym=True) == "MARK"
    points = theirs.mesh_from_structure("MARK").points
    assert np.allclose((points.min(axis=0) + points.max(axis=0)) / 2, place_um, atol=1.0)
    again = load_atlas("tiny_300um")
    assert np.array_equal(again.annotation.to_ids(), tiny_brain.make_volume())
    assert again.grid == brain.grid
    assert again.full_name == brain.full_name
    assert list(again.structures) == list(brain.structures)


def test_equal_atlases_give_equal_bytes(brain, tmp_path):
    first = export_brainglobe_atlas(brain, tmp_path / "a")
    second = export_brainglobe_atlas(tiny_brain.make_atlas(), tmp_path / "b")
    files = tree_files(first.parents[3])
    assert files == tree_files(second.parents[3])
    assert len(files) > 20


def test_an_atlas_without_a_template_stays_one(brain, tmp_path):
    bare = attrs.evolve(brain, load_template=None)
    export_brainglobe_atlas(bare, tmp_path)
    assert load_atlas("tiny_300um").template is None
    theirs = open_with_brainglobe("tiny_300um", tmp_path)  # offline: nothing is fetched
    assert theirs.template.shape == theirs.shape
    assert not theirs.template.any()


def test_a_template_of_other_voxels_is_put_on_those_of_the_annotation(brain, tmp_path):
    # Half the voxels along each side, a grey value that rises evenly to the right.
    coarse = np.broadcast_to(np.arange(10) * 200.0 + 100.0, (8, 12, 10)).astype(np.float32)
    spacing = tuple(2 * size for size in tiny_brain.SPACING_MM)
    other = attrs.evolve(brain, load_template=lambda: Template(coarse, spacing))
    export_brainglobe_atlas(other, tmp_path)
    grey = load_atlas("tiny_300um").template.data[5, 5].astype(float)
    assert np.allclose(np.diff(grey[1:-1]), 100, atol=1)
    assert grey[1] == pytest.approx(150, abs=1)


@pytest.mark.parametrize("values", [(-1.0, 0.5), (0.0, 1.0), (0.0, 1e6)])
def test_grey_values_beyond_16_bits_are_scaled(values, brain, tmp_path, log):
    data = np.linspace(*values, int(np.prod(tiny_brain.SHAPE))).reshape(tiny_brain.SHAPE)
    other = attrs.evolve(brain, load_template=lambda: Template(data, tiny_brain.SPACING_MM))
    export_brainglobe_atlas(other, tmp_path)
    read = load_atlas("tiny_300um").template.data
    assert (read.min(), read.max()) == (0, 65535)
    assert np.corrcoef(read.ravel(), data.ravel())[0, 1] > 0.9999
    assert any("16 bits" in message for message in log)


@pytest.mark.parametrize(
    ("low", "high", "dtype", "levels"),
    [
        (0.0, 1.5, np.float32, 7680),  # all of them: each voxel has a grey value of its own
        (10.0, 12.0, np.float64, 7680),
        (-300, 900, np.int16, 1201),
        (0, 200, np.uint8, 201),
    ],
)
def test_grey_values_keep_their_levels(low, high, dtype, levels, brain, tmp_path):
    data = np.linspace(low, high, int(np.prod(tiny_brain.SHAPE))).astype(dtype)
    data = data.reshape(tiny_brain.SHAPE)
    other = attrs.evolve(brain, load_template=lambda: Template(data, tiny_brain.SPACING_MM))
    export_brainglobe_atlas(other, tmp_path)
    read = load_atlas("tiny_300um").template.data
    assert np.unique(read).size == np.unique(data).size == levels
    if dtype == np.uint8:
        assert np.array_equal(read, data)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("top", [1.5, 3000.0])
def test_grey_values_that_are_no_numbers_become_0(odd, top, brain, tmp_path, log, recwarn):
    data = np.linspace(top / 10, top, int(np.prod(tiny_brain.SHAPE))).reshape(tiny_brain.SHAPE)
    data[3:5, 2] = odd
    other = attrs.evolve(brain, load_template=lambda: Template(data, tiny_brain.SPACING_MM))
    export_brainglobe_atlas(other, tmp_path)
    read = load_atlas("tiny_300um").template.data
    good = np.isfinite(data)
    assert not read[~good].any()
    assert read[good].max() == (65535 if top < 255 else top)
    assert np.corrcoef(read[good], data[good])[0, 1] > 0.9999
    assert any(message.startswith("40 grey values are no finite") for message in log)
    assert not [warning for warning in recwarn if "cast" in str(warning.message)]


def test_a_template_without_any_number(brain, tmp_path):
    data = np.full(tiny_brain.SHAPE, np.nan)
    other = attrs.evolve(brain, load_template=lambda: Template(data, tiny_brain.SPACING_MM))
    export_brainglobe_atlas(other, tmp_path)
    read = load_atlas("tiny_300um").template
    assert read is None or not read.data.any()


def renamed(atlas, **acronyms):
    nodes = [attrs.evolve(s, acronym=acronyms.get(s.acronym, s.acronym)) for s in atlas.structures]
    return attrs.evolve(atlas, structures=StructureTree(nodes))


def test_a_root_of_another_name(brain, tmp_path):
    export_brainglobe_atlas(renamed(brain, root="Br"), tmp_path)
    theirs = open_with_brainglobe("tiny_300um", tmp_path)
    assert theirs.structures["Br"]["structure_id_path"] == [1, 997]
    assert theirs.hierarchy.root == 1
    assert volume_um3(theirs.root_mesh()) > 0
    assert np.array_equal(load_atlas("tiny_300um").annotation.to_ids(), tiny_brain.make_volume())


def test_several_roots(brain, tmp_path):
    nodes = [
        attrs.evolve(s, parent_id=None) if s.acronym == "BULB" else s for s in brain.structures
    ]
    export_brainglobe_atlas(attrs.evolve(brain, structures=StructureTree(nodes)), tmp_path)
    theirs = open_with_brainglobe("tiny_300um", tmp_path)
    assert theirs.get_structure_ancestors("BULB") == ["root"]


def test_a_root_below_another_structure(brain, tmp_path):
    odd = renamed(brain, root="Br", SUB="root")
    with pytest.raises(AtlasError, match="at the top"):
        export_brainglobe_atlas(odd, tmp_path)


def test_values_that_are_no_structures_stay(brain, tmp_path):
    ids = tiny_brain.make_volume()
    ids[12, 5, 10] = 77_777
    odd = tiny_brain.make_atlas(ids)
    export_brainglobe_atlas(odd, tmp_path)
    assert np.array_equal(load_atlas("tiny_300um").annotation.to_ids(), ids)


def test_structures_of_single_voxels_have_meshes_too(brain, tmp_path):
    ids = tiny_brain.make_volume()
    ids[ids == 21] = 20
    ids[5, 6, 4] = ids[6, 7, 12] = 21  # two voxels that touch nothing
    export_brainglobe_atlas(tiny_brain.make_atlas(ids), tmp_path)
    mesh = open_with_brainglobe("tiny_300um", tmp_path).mesh_from_structure("DEEP")
    corners = np.array([mesh.points.min(axis=0), mesh.points.max(axis=0)])
    # y = 6 and 7 of 24, z = 5 and 6 of 16, x = 4 and 12 of 20, as middles from the other corner
    low = np.array([16.5 * 300, 9.5 * 250, 7.5 * 200])
    high = np.array([17.5 * 300, 10.5 * 250, 15.5 * 200])
    assert np.all(corners[0] < low)
    assert np.all(corners[1] > high)
    assert volume_um3(mesh) > 0


def test_a_structure_without_voxels_has_no_mesh(brain, tmp_path):
    manifest = export_brainglobe_atlas(brain, tmp_path)
    meshes = next(manifest.parents[3].rglob("mesh"))
    assert {int(path.name) for path in meshes.iterdir()} == {
        s.id for s in brain.structures if s.acronym != "VOID"
    }


def test_a_mirrored_atlas_needs_no_hemispheres(brain, tmp_path):
    ids = tiny_brain.make_volume()
    ids = np.maximum(ids, ids[:, :, ::-1])
    manifest = export_brainglobe_atlas(tiny_brain.make_atlas(ids), tmp_path)
    assert json.loads(manifest.read_text())["symmetric"] is True
    assert not list(manifest.parents[3].rglob("hemispheres.ome.zarr"))
    theirs = open_with_brainglobe("tiny_300um", tmp_path)
    assert theirs.hemisphere_from_coords((5, 5, 2), as_string=True) == "right"


@pytest.mark.parametrize("width", [19, 20])
def test_hemispheres_come_back_voxel_by_voxel(width, tmp_path, monkeypatch):
    """With a midline that is not in the middle; without one, the middle of odd widths is right."""
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path))
    ids = tiny_brain.make_volume()[:, :, :width]
    right = np.indices(ids.shape)[2] >= 7 + np.indices(ids.shape)[1] // 6
    sides = slabs_of_array(right)
    annotation = compact_annotation(ids, tiny_brain.SPACING_MM, right=sides)
    for own in (annotation, attrs.evolve(annotation, on_right=None)):
        first = attrs.evolve(tiny_brain.make_atlas(ids), annotation=own, load_template=None)
        manifest = export_brainglobe_atlas(first, tmp_path, overwrite=True)
        assert json.loads(manifest.read_text())["symmetric"] is False
        again = load_atlas("tiny_300um").annotation
        assert np.array_equal(again.to_ids(), ids)
        expected = right if own.on_right is not None else np.indices(ids.shape)[2] >= width // 2
        assert np.array_equal(again.on_right[again.index][ids > 0], expected[ids > 0])
        theirs = open_with_brainglobe("tiny_300um", tmp_path).hemispheres
        theirs = theirs[::-1, ::-1, ::-1].transpose(1, 0, 2)  # to superior, anterior, right
        assert np.array_equal(theirs[ids > 0] == 2, expected[ids > 0])


@pytest.mark.parametrize(
    ("own", "given", "written"),
    [
        ("Rattus norvegicus", None, "Rattus norvegicus"),
        ("Rattus norvegicus", "Mus musculus", "Mus musculus"),
        ("", None, "unknown"),
    ],
)
def test_the_species(own, given, written, brain, tmp_path):
    manifest = export_brainglobe_atlas(attrs.evolve(brain, species=own), tmp_path, species=given)
    assert json.loads(manifest.read_text(encoding="utf-8"))["species"] == written
    assert load_atlas("tiny_300um").species == written


def test_the_manifest(brain, tmp_path):
    cited = attrs.evolve(brain, citation="A, B (2020)", sha256={"annotation": "12"})
    manifest = export_brainglobe_atlas(cited, tmp_path, species="Mus musculus")
    content = json.loads(manifest.read_text(encoding="utf-8"))
    assert content["citation"] == "A, B (2020)"
    assert content["species"] == "Mus musculus"
    assert content["orientation"] == "asr"
    assert content["exported_from"]["sha256"] == {"annotation": "12"}
    for part in ("terminology", "annotation_set", "template", "coordinate_space"):
        place = manifest.parents[3] / content[part]["location"].lstrip("/")
        assert json.loads((place / "manifest.json").read_text())["name"] == content[part]["name"]


# What is there already.


def test_an_export_is_replaced_only_when_asked(brain, tmp_path):
    manifest = export_brainglobe_atlas(brain, tmp_path)
    before = tree_files(tmp_path)
    ids = tiny_brain.make_volume()
    ids[ids == 21] = 20
    other = tiny_brain.make_atlas(ids)
    with pytest.raises(OutputError, match="--overwrite"):
        export_brainglobe_atlas(other, tmp_path)
    assert tree_files(tmp_path) == before
    export_brainglobe_atlas(other, tmp_path, "second")
    assert export_brainglobe_atlas(other, tmp_path, overwrite=True) == manifest
    assert np.array_equal(load_atlas("tiny_300um").annotation.to_ids(), ids)
    meshes = {path.name for path in manifest.parents[3].rglob("tiny*/1_0/*/mesh/*")}
    assert "21" not in meshes, "meshes of the earlier export are gone"


def test_of_two_exports_at_once_one_is_refused(brain, tmp_path, monkeypatch):
    """Both find nothing there; whoever comes second looks again when the first is done."""
    both = threading.Barrier(2)

    def check_and_wait(*given, **options):
        check_may_write(*given, **options)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.5)

    from brainreg3d.export.brainglobe._install import check_may_write

    monkeypatch.setattr("brainreg3d.export.brainglobe.atlas.check_may_write", check_and_wait)
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(export_brainglobe_atlas, brain, tmp_path) for _ in range(2)]
    errors = [one.exception() for one in done if one.exception()]
    assert [type(error) for error in errors] == [OutputError]
    assert np.array_equal(load_atlas("tiny_300um").annotation.to_ids(), tiny_brain.make_volume())
    assert not list((tmp_path / "brainglobe-atlasapi").glob(".export-*"))


def test_an_atlas_of_brainglobes_own_is_never_replaced(brain, tmp_path):
    theirs = tmp_path / "brainglobe-atlasapi" / "atlases" / "tiny_300um" / "1_2" / "manifest.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"name": "tiny", "atlas_packager": "Someone"}')
    with pytest.raises(OutputError, match="did not export"):
        export_brainglobe_atlas(brain, tmp_path, overwrite=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [theirs]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", ["_write_meshes", "install"])
def test_what_fails_leaves_things_as_they_were(
    place, error, overwrite, brain, tmp_path, monkeypatch
):
    if overwrite:
        export_brainglobe_atlas(brain, tmp_path)
    before = tree_files(tmp_path)

    def fail_at_the_last(staged, root, parts):
        rename = Path.rename

        def refuse(self, target):
            if self.parent.parent == staged / "atlases":
                raise error
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", refuse)
        install(staged, root, parts)

    def fail(*_):
        raise error

    from brainreg3d.export.brainglobe._install import install

    failing = fail if place == "_write_meshes" else fail_at_the_last
    monkeypatch.setattr(f"brainreg3d.export.brainglobe.atlas.{place}", failing)
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        export_brainglobe_atlas(brain, tmp_path, overwrite=overwrite)
    assert tree_files(tmp_path) == before


def test_a_folder_that_is_a_file(brain, tmp_path):
    (tmp_path / "there").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        export_brainglobe_atlas(brain, tmp_path / "there")


def test_brainglobes_data_folder_itself_may_be_named(brain, tmp_path):
    manifest = export_brainglobe_atlas(brain, tmp_path / "brainglobe-atlasapi")
    assert manifest.parents[4] == tmp_path


# Names.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "tiny_300um"),
        ("my_rat", "my_rat_300um"),
        ("my_rat_300um", "my_rat_300um"),
        ("v1.2-a", "v1.2-a_300um"),
    ],
)
def test_names(name, expected, brain, tmp_path):
    assert export_brainglobe_atlas(brain, tmp_path, name).parents[1].name == expected
    assert open_with_brainglobe(expected, tmp_path).atlas_name == expected


def test_a_name_that_no_folder_can_have_is_changed(brain, tmp_path):
    odd = attrs.evolve(brain, name="Zoë/rat [2]")
    assert export_brainglobe_atlas(odd, tmp_path).parents[1].name == "Zo_rat_2_300um"


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "a b", "a[1]", "tiny_25um"])
def test_names_that_are_refused(name, brain, tmp_path):
    with pytest.raises(InputError):
        export_brainglobe_atlas(brain, tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_an_empty_annotation(brain, tmp_path):
    empty = tiny_brain.make_atlas(np.zeros(tiny_brain.SHAPE, np.uint32))
    with pytest.raises(AtlasError, match="nothing to export"):
        export_brainglobe_atlas(empty, tmp_path)


# How it is opened.


def test_the_configuration(brain, tmp_path):
    home = tmp_path / "100% mine"
    export_brainglobe_atlas(brain, home)
    parser = configparser.ConfigParser()
    parser.read(home / "bg_config.conf")
    assert parser["default_dirs"]["brainglobe_dir"] == str(home)
    (home / "bg_config.conf").write_text("[default_dirs]\n")
    export_brainglobe_atlas(brain, home, "second")
    assert (home / "bg_config.conf").read_text() == "[default_dirs]\n"


def test_the_recipe_works(brain, tmp_path):
    home = tmp_path / "a folder"
    manifest = export_brainglobe_atlas(brain, home)
    for_brainglobe, for_brainrender, for_us = opening_recipe(manifest)
    from brainglobe_atlasapi import BrainGlobeAtlas

    code = for_brainglobe.split(":", 1)[1].strip()
    opened = eval(code, {"BrainGlobeAtlas": BrainGlobeAtlas})  # noqa: S307 - our own text
    assert opened.shape == (24, 16, 20)
    setting = f"BRAINGLOBE_CONFIG_DIR='{home}'"
    assert setting in for_brainrender
    assert setting in for_us
    assert for_us.endswith("--atlas tiny_300um")


def test_the_recipe_knows_names_that_mean_something_else_here(tmp_path):
    manifest = tmp_path / "brainglobe-atlasapi/atlases/phantom_25um/1_0/manifest.json"
    assert "--name" in opening_recipe(manifest)[2]


def test_the_command(tmp_path, capsys, monkeypatch):
    atlas = tmp_path / "atlas"
    atlas.mkdir()
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path / "home"))
    words = [
        "--annotation", str(tiny_brain.write_nrrd(atlas / "ids.nrrd", tiny_brain.make_volume())),
        "--structures", str(tiny_brain.write_structures(atlas)),
    ]  # fmt: skip
    command = ["export-atlas", "--output-dir", str(tmp_path / "home"), "--name", "mine", *words]
    assert main(command) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    manifest = Path(printed[0].removeprefix("Wrote "))
    assert manifest.is_file()
    assert printed[1:] == list(opening_recipe(manifest))
    assert np.array_equal(
        load_brainglobe_atlas("mine_300um").annotation.to_ids(), tiny_brain.make_volume()
    )
    assert main(command) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    shutil.rmtree(tmp_path / "home")
    assert main(["export-atlas"]) == 2


def test_structures_with_large_parents_stay_in_their_places(brain, tmp_path):
    nodes = [*brain.structures, Structure(22, "POSTa", "Part, of POST", (1, 2, 3), 312_782_593)]
    export_brainglobe_atlas(attrs.evolve(brain, structures=StructureTree(nodes)), tmp_path)
    theirs = open_with_brainglobe("tiny_300um", tmp_path)
    assert theirs.get_structure_ancestors("POSTa")[-1] == "POST"
    assert load_atlas("tiny_300um").structures.find("POSTa") == nodes[-1]


def test_allens_own_tree_and_voxels(allen_dir, tmp_path, monkeypatch):
    """The real tree has 62 structures whose parents need more than 16 bits."""
    from brainreg3d.sources import load_local_atlas

    atlas = load_local_atlas(
        allen_dir / "annotation_100.nrrd", allen_dir / "structure_graph.json", name="real_mouse"
    )
    assert sum((s.parent_id or 0) > 65535 for s in atlas.structures) == 62
    export_brainglobe_atlas(atlas, tmp_path)
    theirs = open_with_brainglobe("real_mouse_100um", tmp_path)
    assert len(theirs.structures_list) == len(atlas.structures)
    counts = dict(zip(*np.unique(theirs.annotation, return_counts=True), strict=True))
    for acronym in ("root", "Isocortex", "CB", "CP", "VISp", "VISa", "DG"):
        structure = atlas.structures.find(acronym)
        voxels = sum(counts.get(i, 0) for i in atlas.structures.descendants(structure.id))
        volume = volume_um3(theirs.mesh_from_structure(acronym))
        assert volume == pytest.approx(voxels * 1e6, rel=0.1), acronym
    assert volume_um3(theirs.root_mesh()) == pytest.approx(506e9, rel=0.02)  # 506 mm3 at 25 um
    monkeypatch.setenv("BRAINGLOBE_CONFIG_DIR", str(tmp_path))
    again = load_atlas("real_mouse_100um")
    assert np.array_equal(again.annotation.to_ids(), atlas.annotation.to_ids())
    assert list(again.structures) == list(atlas.structures)
