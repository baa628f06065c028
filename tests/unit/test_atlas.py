import attrs
import numpy as np
import pytest
from tiny_brain import POST_ID, STRUCTURES, VISIBLE, descendants, make_atlas, make_volume

from brainreg3d.atlas import (
    BREGMA_PRESETS,
    Annotation,
    Atlas,
    Structure,
    StructureTree,
    Template,
    find_bregma,
    select_regions,
)
from brainreg3d.errors import AtlasError, InputError, RegionError


def tree_of(*nodes):
    return StructureTree(Structure(i, acronym, name, (0, 0, 0), p) for i, acronym, name, p in nodes)


SMALL = [(1, "root", "root", None), (2, "CM", "Central", 1), (3, "cm", "Other", 1),
         (4, "a/b", "Central part, layer 2/3", 2), (5, "7", "Seven", 1)]  # fmt: skip


def test_regions_by_acronym_id_and_name(tiny_atlas):
    for keys in (["ANT"], [11], ["11"], ["Anterior area"], ["anterior AREA"], ["ant"], [" ANT "]):
        assert select_regions(tiny_atlas, keys).acronyms == ("ANT",)


COMMAS = {"POST": "Anterior area, layer 2/3", "MARK": "Anterior area, layer 2/3, deep part"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anterior area, layer 2/3", ("POST",)),
        ("Anterior area,layer 2/3,deep part", ("MARK",)),
        ("Anterior area, layer 2/3, Anterior area", ("POST", "ANT")),
        ("BULB, anterior area, LAYER 2/3, deep part, ANT", ("BULB", "MARK", "ANT")),
        ("Anterior area, BULB", ("ANT", "BULB")),
    ],
)  # fmt: skip
def test_names_with_commas_in_a_text_taken_apart_at_commas(tiny_atlas, text, expected):
    structures = [
        attrs.evolve(s, name=COMMAS.get(s.acronym, s.name)) for s in tiny_atlas.structures
    ]
    atlas = attrs.evolve(tiny_atlas, structures=StructureTree(structures))
    keys = [piece.strip() for piece in text.split(",")]
    assert select_regions(atlas, keys).acronyms == expected
    with pytest.raises(RegionError, match="'layer 7'"):
        select_regions(atlas, [*keys, "layer 7"])


def test_pieces_that_are_regions_by_themselves_stay_apart(tiny_atlas):
    structures = [
        attrs.evolve(s, name="ANT, BULB" if s.acronym == "POST" else s.name)
        for s in tiny_atlas.structures
    ]
    atlas = attrs.evolve(tiny_atlas, structures=StructureTree(structures))
    assert select_regions(atlas, ["ANT", "BULB"]).acronyms == ("ANT", "BULB")
    assert select_regions(atlas, ["ANT, BULB"]).acronyms == ("POST",)


def test_names_of_layers_of_the_real_tree(real_atlas):
    text = "Primary visual area, layer 1,Primary motor area, Layer 5,VISp5"
    found = select_regions(real_atlas, text.split(",")).acronyms
    assert found == ("VISp1", "MOp5", "VISp5")


def test_case_decides_where_it_has_to():
    tree = tree_of(*SMALL)
    assert tree.find("CM").id == 2
    assert tree.find("cm").id == 3
    with pytest.raises(RegionError, match="CM, cm"):
        tree.find("Cm")
    assert tree.find("a/b").id == 4
    assert tree.find("Central part, layer 2/3").id == 4


def test_digits_are_an_acronym_first_and_an_id_then():
    tree = tree_of(*SMALL)
    assert tree.find("7").id == 5
    assert tree.find("4").id == 4
    with pytest.raises(RegionError, match="no structure has the id 99"):
        tree.find(99)


@pytest.mark.parametrize("key", ["²", "", "   ", "MÖp", True, None, 1.5])
def test_odd_keys_are_unknown_regions(key):
    with pytest.raises(RegionError):
        tree_of(*SMALL).find(key)


def test_a_region_is_its_node_and_all_below(tiny_atlas):
    for name in ("CTX", "SUB", "grey", "root", "ANT"):
        region = select_regions(tiny_atlas, [name])[0]
        assert set(region.structure_ids) == descendants(name)
        mask = tiny_atlas.annotation.mask(region.structure_ids)
        assert np.array_equal(mask, np.isin(make_volume(), list(descendants(name))))


@pytest.mark.parametrize(
    "keys", [np.int64(11), np.uint32(11), [np.int32(11)], np.array([11]), np.array(11),
             np.array(["ANT"]),
             {np.uint8(11)}, (np.str_("ANT"),)], ids=repr,
)  # fmt: skip
def test_numbers_and_texts_of_numpy_are_ids_and_names(keys, tiny_atlas):
    (region,) = select_regions(tiny_atlas, keys)
    assert region.acronym == "ANT"


@pytest.mark.parametrize(
    "keys", [True, [True], np.True_, 11.0, [11.0], None, np.array(11.0), [[11]]], ids=repr
)
def test_what_is_no_region_is_refused_by_name(keys, tiny_atlas):
    with pytest.raises(RegionError, match=r"acronym.*id.*name.*got"):
        select_regions(tiny_atlas, keys)


def test_labels_of_a_set(tiny_atlas):
    regions = select_regions(tiny_atlas, VISIBLE)
    labels = regions.label_of_index(tiny_atlas.annotation)[tiny_atlas.annotation.index]
    for place, name in enumerate(VISIBLE, 1):
        assert np.array_equal(labels == place, np.isin(make_volume(), list(descendants(name))))


def test_close_matches_of_the_real_tree(real_atlas):
    with pytest.raises(RegionError, match="VISp"):
        select_regions(real_atlas, ["VISpp"])
    with pytest.raises(RegionError, match="Primary motor area"):
        select_regions(real_atlas, ["Primary motor aera"])
    with pytest.raises(RegionError, match="part of 'MO'"):
        select_regions(real_atlas, ["MO", "MOp"])
    assert select_regions(real_atlas, ["VISp2/3", 985])[1].acronym == "MOp"
    # VISrl and VISa belong to PTLp in this ontology
    region = select_regions(real_atlas, ["PTLp"])[0]
    names = {real_atlas.structures[i].acronym for i in region.structure_ids}
    assert {"VISrl", "VISa"} <= names


def test_ids_of_the_real_annotation_are_exact(real_atlas, allen_dir):
    from slow_march import read_allen

    truth = read_allen(allen_dir / "annotation_25.nrrd")  # (ML, DV, AP)
    draw = np.random.default_rng(0)
    ml, dv, ap = (draw.integers(0, n, 200_000) for n in truth.shape)
    got = real_atlas.annotation.ids[real_atlas.annotation.index[319 - dv, 527 - ap, ml]]
    assert np.array_equal(got, truth[ml, dv, ap])
    assert real_atlas.annotation.ids.max() > 2**24


def test_paths_through_the_tree(tiny_atlas):
    tree = tiny_atlas.structures
    assert tree.ancestors(30) == [997, 8, 315, 30]
    assert [s.acronym for s in tree.roots] == ["root"]
    assert [s.acronym for s in tree.children(315)] == ["ANT", "POST", "MARK"]
    assert tree.common_branch(21, 11) == 315
    assert tree.common_branch(11, 30) == 30
    assert tree.common_branch(21, 20) == 20
    assert len(tree) == len(STRUCTURES)
    assert POST_ID in tree


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([], "empty"),
        ([(0, "a", "a", None)], "id 0"),
        ([(-3, "a", "a", None)], "id -3"),
        ([(2**32, "a", "a", None)], "4294967296"),
        ([(1, "a", "a", None), (1, "b", "b", None)], "twice"),
        ([(1, "a", "a", None), (2, "a", "b", None)], "twice"),
        ([(1, "a", "a", 9)], "9"),
        ([(1, "a", "a", 2), (2, "b", "b", 1)], "cycle"),
        ([(1, "a", "a", 1)], "cycle"),
        ([(3, "r", "r", None), (1, "a", "a", 2), (2, "b", "b", 1)], "cycle"),
    ],
)
def test_broken_trees_are_refused(nodes, words):
    with pytest.raises(AtlasError, match=words):
        tree_of(*nodes)


def test_arrays_cannot_be_changed(tiny_atlas):
    for array in (tiny_atlas.annotation.index, tiny_atlas.annotation.ids, tiny_atlas.template.data):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_names_and_sizes(tiny_atlas):
    assert tiny_atlas.full_name == "tiny_250x300x200um"
    assert make_atlas(spacing_mm=(0.025,) * 3).full_name == "tiny_25um"
    assert make_atlas(spacing_mm=(0.025,) * 3).resolution_um == 25.0
    assert tiny_atlas.title == tiny_atlas.full_name


def test_the_template_is_loaded_once_and_only_when_asked_for():
    calls = []
    whole = make_atlas()

    def load():
        calls.append(1)
        return Template(np.zeros((2, 2, 2)), (1.0, 1.0, 1.0))

    atlas = Atlas("a", whole.annotation, whole.structures, load)
    assert not calls
    assert atlas.template is atlas.template
    assert calls == [1]
    assert Atlas("a", whole.annotation, whole.structures).template is None


def test_an_annotation_and_a_tree_of_different_atlases():
    with pytest.raises(AtlasError, match="belong together"):
        Atlas("a", make_atlas().annotation, tree_of((5, "x", "x", None)))


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((2, 2), np.uint16), np.zeros(1, np.uint32)),
        (np.zeros((2, 2, 2), np.uint32), np.zeros(1, np.uint32)),
        (np.zeros((2, 2, 2), np.uint16), np.array([5], np.uint32)),
        (np.zeros((2, 2, 2), np.uint16), np.zeros(0, np.uint32)),
        (np.zeros((2, 2, 2), np.uint16), np.zeros(1, np.int64)),
    ],
)
def test_annotations_that_are_none(arguments):
    with pytest.raises(AtlasError):
        Annotation(*arguments, (1.0, 1.0, 1.0))


BOX = (11.4, 13.2, 8.0)


@pytest.mark.parametrize("name", BREGMA_PRESETS)
def test_stereotaxic_and_back(name):
    points = np.random.default_rng(0).uniform(-5, 15, (50, 3))
    preset = find_bregma(name)
    there = preset.from_atlas_mm(points, BOX)
    assert np.allclose(preset.to_atlas_mm(there, BOX), points)
    assert np.allclose(preset.from_atlas_mm(preset.position_mm(BOX), BOX), 0)


def test_a_preset_without_tilt_gives_plain_differences():
    found = find_bregma("ibl").from_atlas_mm((7.739, 4.8, 6.668), BOX)
    assert np.allclose(found, (2.0, -3.0, -1.0))  # right, behind, below


def test_a_tilt_raises_the_nose_and_lowers_the_tail():
    preset = find_bregma("community")
    bregma = preset.position_mm(BOX)
    nose = preset.from_atlas_mm(bregma + np.array([0, 4, 0]), BOX)
    tail = preset.from_atlas_mm(bregma - np.array([0, 4, 0]), BOX)
    assert np.allclose(nose, (0, 4 * np.cos(np.pi / 36), 0.9434 * 4 * np.sin(np.pi / 36)))
    assert np.allclose(tail, -nose)
    below = preset.from_atlas_mm(bregma - np.array([0, 0, 4]), BOX)
    assert below[1] > 0, "what lies under bregma comes forward when the nose goes up"
    assert below[2] < 0


def test_scales_belong_to_their_axes():
    preset = attrs.evolve(find_bregma("trajectory_explorer"), tilt_deg=0.0)
    found = preset.from_atlas_mm(preset.position_mm(BOX) + np.array([1.0, 1.0, 1.0]), BOX)
    assert np.allclose(found, (0.952, 1.031, 0.885))  # ML, AP, DV


def test_bregma_presets_in_the_atlas_frame():
    box = (11.4, 13.2, 8.0)
    assert np.allclose(find_bregma("ibl").position_mm(box), (5.739, 7.8, 7.668))
    assert np.allclose(find_bregma("wfield").position_mm(box), (5.7, 7.8, 8.0))
    assert np.allclose(find_bregma("brainreg3d_original").position_mm(box), (5.7, 7.5005, 7.56))
    with pytest.raises(InputError, match="Did you mean community"):
        find_bregma("comunity")
