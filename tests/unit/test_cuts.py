"""Cuts of atlases into regions, and regions inside each other."""

import csv
import itertools
import json

import attrs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from slow_march import read_descendants
from tiny_brain import STRUCTURES, make_atlas, make_volume

from brainreg3d import BrainReg3D, Camera, ImageView, Pose, load_atlas, load_registration_result
from brainreg3d.atlas import (
    Annotation,
    Atlas,
    Region,
    RegionSet,
    Structure,
    StructureTree,
    check_partition,
    cut_regions,
    select_regions,
)
from brainreg3d.cli import main
from brainreg3d.errors import InputError, RegionError
from brainreg3d.state import Alignment, Labels
from brainreg3d.views import draw_labels, draw_masks
from brainreg3d.views.many import choose_largest

FAMILIES = (
    *("FRP", "MO", "SS", "GU", "VISC", "AUD", "VIS", "ACA", "PL", "ILA", "ORB", "AI", "RSP"),
    *("PTLp", "TEa", "PERI", "ECT"),
)
# The areas of the isocortex in Allen's CCFv3 (Wang et al. 2020), in the order of its tree.
AREAS = (
    *("FRP", "MOp", "MOs", "SSp-n", "SSp-bfd", "SSp-ll", "SSp-m", "SSp-ul", "SSp-tr", "SSp-un"),
    *("SSs", "GU", "VISC", "AUDd", "AUDp", "AUDpo", "AUDv", "VISal", "VISam", "VISl", "VISp"),
    *("VISpl", "VISpm", "VISli", "VISpor", "ACAd", "ACAv", "PL", "ILA", "ORBl", "ORBm", "ORBvl"),
    *("AId", "AIp", "AIv", "RSPagl", "RSPd", "RSPv", "VISa", "VISrl", "TEa", "PERI", "ECT"),
)
# The areas of wfield's dorsal map: no gustatory, insular, orbital and other areas far from the top.
WFIELD = (
    *{*AREAS, "MOB"}.difference(
        ("GU", "ACAv", "ILA", "ORBl", "ORBm", "ORBvl", "AId", "AIp", "AIv", "PERI", "ECT")
    ),
)
NUMBERS = {"families": 17, "areas": 43, "areas+layers": 240, "wfield": 33, "all": 671}
COVERED = {"families": "Isocortex", "areas": "Isocortex", "areas+layers": "Isocortex"}


@pytest.fixture(scope="module")
def phantom():
    return load_atlas("phantom_100um")


def atlas_of(nodes, ids):
    """Return an atlas of a row of voxels with these structure ids."""
    tree = StructureTree(Structure(i, acronym, acronym, (1, 2, 3), p) for i, acronym, p in nodes)
    table = np.unique([0, *ids]).astype(np.uint32)
    index = np.searchsorted(table, ids).astype(np.uint16)[:, None, None]
    return Atlas("row", Annotation(index, table, (1.0, 1.0, 1.0)), tree)


def cells(atlas, name):
    """Return what a cut makes of an atlas: for each acronym the ids that have voxels."""
    present = set(atlas.annotation.ids.tolist())
    return {r.acronym: present & set(r.structure_ids) for r in cut_regions(atlas, name)}


class TestRealCuts:
    @pytest.mark.parametrize("name", NUMBERS)
    def test_every_cut_parts_the_voxels_of_its_parent(self, real_atlas, allen_dir, name):
        regions = cut_regions(real_atlas, name)
        annotation = real_atlas.annotation
        owners = np.zeros(annotation.ids.size, dtype=int)
        for region in regions:
            owners += np.isin(annotation.ids, region.structure_ids)
        find = read_descendants(allen_dir / "structure_graph.json")
        parents = WFIELD if name == "wfield" else [COVERED.get(name, "root")]
        inside = np.isin(annotation.ids, [i for parent in parents for i in find(parent)])
        assert np.array_equal(owners, inside), "each in one region, and nothing from elsewhere"
        assert len(regions) == NUMBERS[name]
        labels = RegionSet(regions).label_of_index(annotation)
        n_voxels = np.bincount(labels[annotation.index].ravel(), minlength=len(regions) + 1)
        assert n_voxels[1:].min() > 0, "no region without voxels"
        assert n_voxels[1:].sum() == np.count_nonzero(inside[annotation.index])

    def test_names(self, real_atlas):
        assert [r.acronym for r in cut_regions(real_atlas, "families")] == list(FAMILIES)
        assert [r.acronym for r in cut_regions(real_atlas, "areas")] == list(AREAS)
        assert {r.acronym for r in cut_regions(real_atlas, "wfield")} == set(WFIELD)
        layers = {r.acronym for r in cut_regions(real_atlas, "areas+layers")}
        assert {"ACAv6a", "VISrl1", "VISp2/3", "ECT6b", "MOp5"} <= layers
        assert not layers & {"MO1", "RSPd4", "VISrll1", "ORBm2"}, "these have no voxels"

    def test_cells_are_what_their_names_say(self, real_atlas, allen_dir):
        find = read_descendants(allen_dir / "structure_graph.json")
        present = set(real_atlas.annotation.ids.tolist())
        for name in ("families", "areas", "areas+layers", "wfield"):
            for acronym, ids in cells(real_atlas, name).items():
                assert ids == present & set(find(acronym)), acronym

    def test_inner_nodes_get_what_is_left_of_them(self, real_atlas):
        found = cells(real_atlas, "all")
        rests = {name for name in found if name.endswith("-rest")}
        assert len(rests) == 29
        assert {"TH-rest", "root-rest", "OLF-rest", "fiber tracts-rest"} <= rests
        assert found["TH-rest"] == {549}
        assert found["CA1"] == {382}, "an inner node whose children have no voxels is whole"
        regions = {r.acronym: r for r in cut_regions(real_atlas, "all")}
        assert regions["TH-rest"].name == "Thalamus (rest)"
        assert len(regions) == 671, "acronyms are unique"

    def test_what_a_cut_lists_can_be_asked_for(self, real_atlas):
        listed = [r.acronym for r in cut_regions(real_atlas, "all")]
        pieces = [piece.strip() for piece in ",".join(listed).split(",")]  # "CUL4, 5" is one
        assert select_regions(real_atlas, pieces).regions == cut_regions(real_atlas, "all")

    def test_file_names(self, real_atlas):
        names = select_regions(real_atlas, "all").file_names
        assert len({name.lower() for name in names}) == 671
        assert not set("".join(names)) & set(' /\\:*?"<>|,')
        assert select_regions(real_atlas, ["VISp2/3", "CUL4, 5"]).file_names == (
            "VISp2-3",
            "CUL4-5",
        )


class TestOtherTrees:
    def test_the_phantom(self, phantom):
        """Its marker is a part of the isocortex that belongs to no area, so it is a cell too."""
        assert {r.acronym for r in cut_regions(phantom, "families")} == {*FAMILIES, "MARK"}
        assert {r.acronym for r in cut_regions(phantom, "areas")} == {*AREAS, "MARK"}
        assert {r.acronym for r in cut_regions(phantom, "wfield")} == set(WFIELD)
        for name, parent in (*COVERED.items(), ("all", None)):
            check_partition(phantom, cut_regions(phantom, name), parent)

    def test_odd_ontologies(self):
        nodes = [
            (1, "root", None), (2, "Isocortex", 1), (3, "AA", 2), (4, "AAp", 3), (5, "AAp1", 4),
            (6, "AAp2/3", 4), (7, "AA1", 3), (8, "BB", 2), (9, "CC", 2), (10, "CC6a", 9),
            (11, "CCx", 9), (12, "CCx1", 11), (13, "EMPTY", 2), (14, "OUT", 1), (15, "OUT1", 14),
        ]  # fmt: skip
        atlas = atlas_of(nodes, [1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 14, 15])
        assert cells(atlas, "families") == {
            "Isocortex-rest": {2}, "AA": {3, 5, 6, 7}, "BB": {8}, "CC": {9, 10, 12},
        }  # fmt: skip
        assert cells(atlas, "areas") == {
            "Isocortex-rest": {2}, "AA": {3, 7}, "AAp": {5, 6}, "BB": {8}, "CC": {9, 10},
            "CCx": {12},
        }  # fmt: skip
        assert cells(atlas, "areas+layers") == {
            "Isocortex-rest": {2}, "AA-rest": {3}, "AAp1": {5}, "AAp2/3": {6}, "AA1": {7},
            "BB": {8}, "CC-rest": {9}, "CC6a": {10}, "CCx1": {12},
        }  # fmt: skip
        assert cells(atlas, "all") == {
            **cells(atlas, "areas+layers"), "root-rest": {1}, "OUT-rest": {14}, "OUT1": {15},
        }  # fmt: skip
        names = {r.acronym: r.name for r in cut_regions(atlas, "areas")}
        assert (names["AA"], names["AAp"]) == ("AA (rest)", "AAp")

    @pytest.mark.parametrize("name", ["families", "areas", "areas+layers", "wfield"])
    def test_an_atlas_without_these_structures(self, tiny_atlas, name):
        with pytest.raises(RegionError, match=rf'"{name.replace("+", ".")}".*tiny.*"all" works'):
            cut_regions(tiny_atlas, name)

    def test_an_isocortex_without_voxels(self):
        atlas = atlas_of([(1, "root", None), (2, "Isocortex", 1)], [1])
        with pytest.raises(RegionError, match="no voxels of Isocortex"):
            cut_regions(atlas, "areas")

    def test_all_of_any_atlas(self, tiny_atlas):
        assert cells(tiny_atlas, "all") == {
            "ANT": {11}, "POST": {312782593}, "MARK": {30}, "SUB-rest": {20}, "DEEP": {21},
            "BULB": {40},
        }  # fmt: skip

    def test_names_that_differ_only_in_case_or_in_what_is_unsafe(self):
        names = ["CM", "cm", "a/b", "a b", "LPT", "/", "x."]
        regions = [Region(n, name, name, (0, 0, 0), (n,)) for n, name in enumerate(names, 1)]
        found = RegionSet(tuple(regions)).file_names
        assert found == ("CM_1", "cm_2", "a-b_3", "a-b_4", "LPT", "_6", "x")


class TestCheck:
    def test_what_is_no_partition(self, tiny_atlas):
        whole = list(select_regions(tiny_atlas, ["ANT", "POST", "MARK"]))
        check_partition(tiny_atlas, whole, "CTX")
        check_partition(tiny_atlas, whole[::-1], 315)
        with pytest.raises(RegionError, match=r"no partition of the brain.*belong to no region"):
            check_partition(tiny_atlas, whole, None)
        n_voxels = np.count_nonzero(make_volume() == 30)
        with pytest.raises(RegionError, match=f"{n_voxels} voxels belong to no region, of MARK"):
            check_partition(tiny_atlas, whole[:2], "CTX")
        with pytest.raises(RegionError, match="ANT belongs to ANT and CTX"):
            check_partition(tiny_atlas, [whole[0], *select_regions(tiny_atlas, ["CTX"])], "CTX")
        with pytest.raises(RegionError, match="BULB, in BULB, lies outside CTX"):
            check_partition(tiny_atlas, [*whole, *select_regions(tiny_atlas, ["BULB"])], "CTX")


PARENT_OF = {identifier: parent for identifier, _, _, parent in STRUCTURES}
ACRONYM_OF = {identifier: acronym for identifier, acronym, _, _ in STRUCTURES}
NAMED = sorted(set(ACRONYM_OF.values()) - {"VOID"})


def nearest_named(identifier, names):
    """Return the acronym of the nearest ancestor that was named, itself included."""
    while identifier and ACRONYM_OF[identifier] not in names:
        identifier = PARENT_OF[identifier]
    return ACRONYM_OF.get(identifier)


class TestDeepest:
    @given(st.lists(st.sampled_from(NAMED), min_size=1, unique=True))
    def test_each_voxel_belongs_to_the_deepest_region_named(self, names):
        atlas = make_atlas()
        regions = select_regions(atlas, names, "deepest")
        assert regions.acronyms == tuple(names)
        labels = regions.label_of_index(atlas.annotation)
        for identifier, label in zip(atlas.annotation.ids.tolist()[1:], labels[1:], strict=True):
            found = names[label - 1] if label else None
            assert found == nearest_named(identifier, names)
        members = [i for region in regions for i in region.structure_ids]
        assert len(members) == len(set(members))

    def test_a_set_made_by_hand_does_not_depend_on_its_order_either(self, tiny_atlas):
        whole = [select_regions(tiny_atlas, [name])[0] for name in ("root", "grey", "CTX", "ANT")]
        found = set()
        for order in itertools.permutations(whole):
            labels = RegionSet(order).label_of_index(tiny_atlas.annotation)
            found.add(tuple(order[label - 1].acronym if label else "" for label in labels))
        assert len(found) == 1

    def test_the_parent_is_said_to_be_a_rest(self, real_atlas):
        regions = select_regions(real_atlas, ["VISp", "VIS", "VISp1"], "deepest")
        assert regions.acronyms == ("VISp", "VIS", "VISp1")
        assert [r.name for r in regions] == [
            "Primary visual area (rest)", "Visual areas (rest)", "Primary visual area, layer 1",
        ]  # fmt: skip
        assert select_regions(real_atlas, ["VISp"], "deepest")[0].name == "Primary visual area"

    def test_cuts_go_with_each_other_and_with_names(self, real_atlas):
        regions = select_regions(real_atlas, ["areas", "CB", "TH-rest"])
        assert regions.acronyms == (*AREAS, "CB", "TH-rest")
        regions = select_regions(real_atlas, ["root", "areas"], "deepest")
        check_partition(real_atlas, regions, None)

    def test_a_parent_of_which_nothing_is_left(self, real_atlas, log):
        regions = select_regions(real_atlas, ["MO", "MOp", "MOs"], "deepest")
        assert regions.acronyms == ("MO", "MOp", "MOs")
        assert not regions[0].structure_ids
        assert any("Nothing is left of region MO" in message for message in log)

    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            (["VISp", "VIS"], r"'VISp' is part of 'VIS'.*overlap=.deepest."),
            (["VIS", "areas"], r"Regions 'VISal', .* and 3 more are part of 'VIS'"),
            (["areas", "VISp"], "'VISp' is named twice"),
            (["TH", "TH-rest"], "'TH-rest' is part of 'TH'"),
            (["familes"], 'Unknown region.*the cut "families"'),
            (["MO-rest"], "no voxels"),
            (["VISp1-rest"], "Unknown region"),
        ],
    )
    def test_lists_that_are_refused(self, real_atlas, keys, words):
        with pytest.raises(RegionError, match=words):
            select_regions(real_atlas, keys)

    def test_overlap_is_one_of_two(self, tiny_atlas):
        with pytest.raises(InputError, match="Did you mean deepest"):
            select_regions(tiny_atlas, ["ANT"], "depest")
        with pytest.raises(InputError, match="Did you mean deepest"):
            BrainReg3D("a.tif", atlas=tiny_atlas, overlap="depest").plan()


POSE = Pose((2.1, 3.5, 4.0), 4.0, -3.0, 2.0)


@pytest.fixture
def study(tmp_path, tiny):
    tiny.source(tmp_path)
    tifffile.imwrite(tmp_path / "mouse.tif", np.zeros((36, 20), np.uint8))
    content = {"schema": "brainreg3d/alignment/1", "pose": attrs.asdict(POSE)}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    return tmp_path


def line(study, *more):
    words = [
        "run", study / "mouse.tif", "--alignment", study / "mine.json", "--pixel-size-mm", 0.2,
        0.2, "--annotation", study / "labels.nrrd", "--structures", study / "structures.json",
    ]  # fmt: skip
    return main([str(word) for word in (*words, *more)])


def table(study):
    with (study / "mouse_regions.csv").open(encoding="utf-8") as file:
        return {row["acronym"]: row for row in csv.DictReader(file)}


class TestRuns:
    def test_overlap_from_the_command_line_and_back_from_its_files(self, study, capsys):
        assert line(study, "--regions", "CTX,ANT") == 1
        assert "--overlap deepest" in capsys.readouterr().err
        assert line(study, "--regions", "CTX,ANT", "--overlap", "deepest") == 0
        rows = table(study)
        assert rows["CTX"]["name"] == "Cortex of the test (rest)"
        apart = BrainReg3D(
            study / "mouse.tif", pixel_size_mm=(0.2, 0.2), alignment=POSE, atlas=make_atlas(),
            brain_regions=["POST", "MARK", "ANT"], output_dir=study / "apart",
        ).run()  # fmt: skip
        again = load_registration_result(study)
        assert np.array_equal(again.mask("CTX"), apart.mask("POST") | apart.mask("MARK"))
        assert np.array_equal(again.mask("ANT"), apart.mask("ANT"))
        assert again.mask("CTX").any()

    def test_why_nothing_is_left(self, study):
        assert line(study, "--regions", "CTX,ANT,POST,MARK", "--overlap", "deepest") == 0
        assert table(study)["CTX"]["unseen"] == "all of it belongs to regions inside it"

    def test_all(self, study):
        assert line(study, "--regions", "all") == 0
        assert set(table(study)) == {"ANT", "POST", "MARK", "SUB-rest", "DEEP", "BULB"}

    def test_areas_of_the_phantom_make_up_the_isocortex(self, phantom):
        def run(regions):
            return BrainReg3D(
                np.zeros((60, 50), np.uint8), pixel_size_mm=(0.2, 0.2), atlas=phantom,
                alignment=Pose((5.7, 7.0, 8.0)), brain_regions=regions,
            ).run("PixelLabeller")  # fmt: skip

        whole = run(["Isocortex"]).labels > 0
        assert whole.sum() > 500
        for name in ("families", "areas", "areas+layers"):
            assert np.array_equal(run(name).labels > 0, whole)

    @pytest.mark.parametrize(
        ("cut", "expected"),
        [("all", ["ANT", "SUB-rest", "DEEP"]), ("areas", [])],
    )
    def test_cuts_are_listed(self, study, capsys, cut, expected):
        files = ["--annotation", study / "labels.nrrd", "--structures", study / "structures.json"]
        code = main([str(word) for word in ("regions", "--cut", cut, *files)])
        output = capsys.readouterr()
        assert code == (0 if expected else 1)
        assert all(f" {name} " in output.out for name in expected)
        assert " VOID " not in output.out
        if not expected:
            assert "Isocortex" in output.err


class TestManyRegions:
    """Hundreds of regions, most of them without a pixel."""

    @staticmethod
    def made():
        regions = [
            Region(n, f"R{n}", f"Region {n}", (n % 256, 90, 40), (n,)) for n in range(1, 301)
        ]
        labels = np.repeat(np.arange(1, 11, dtype=np.uint16), 40).reshape(20, 20)
        side = np.full(labels.shape, 2, np.uint8)
        unseen = {f"R{n}": "outside the image" for n in range(11, 301)}
        found = Labels(labels, side, np.zeros(labels.shape, np.float32), unseen)
        view = ImageView(labels.shape, (0.1, 0.1), Pose((5.7, 7.0, 8.0)), Camera(None))
        return found, RegionSet(tuple(regions)), Alignment(view)

    def test_pages_stay_short_and_say_so(self):
        masks, labels = draw_masks(*self.made()), draw_labels(*self.made())
        assert len([axes for axes in masks.axes if axes.images]) == 10
        said = [text.get_text() for text in masks.texts]
        assert "Drawn: the 10 regions with the most pixels, of 300." in said
        assert {f"R{n}" for n in range(1, 11)} <= set(said)
        said = " ".join(text.get_text() for text in labels.texts)
        assert "R50 and 250 more" in said
        assert max(masks.get_size_inches()[1], labels.get_size_inches()[1]) < 40

    @pytest.mark.parametrize(
        ("sizes", "drawn"),
        [([0, 2, 0], [0, 1, 2]), ([0, 2, 1, 2, 0, 9], [1, 3, 5]), ([0, 0, 0, 0, 1], [4]),
         ([0] * 5, [0])],
    )  # fmt: skip
    def test_the_largest_are_drawn(self, sizes, drawn):
        assert choose_largest(sizes, 3) == drawn

    def test_one_warning_stands_for_all(self, phantom, log):
        result = BrainReg3D(
            np.zeros((20, 20), np.uint8), pixel_size_mm=(0.1, 0.1), atlas=phantom,
            alignment=Pose((5.7, 7.0, 8.0)), brain_regions="all",
        ).run("PixelLabeller")  # fmt: skip
        about = [message for message in log if "not seen" in message]
        assert len(about) == 1
        assert f"{len(result.unseen)} regions" in about[0]
        assert len(result.unseen) > 200
