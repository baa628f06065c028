import json
from pathlib import Path

import pytest

from brainreg3d.errors import AtlasError, MissingFileError
from brainreg3d.io.structures import distinct_color, read_structures

ALLEN = {
    "id": 0,
    "acronym": "universe",
    "name": "universe",
    "color_hex_triplet": "000000",
    "children": [
        {
            "id": 997,
            "acronym": "root",
            "name": "root",
            "color_hex_triplet": "FFFFFF",
            "parent_structure_id": None,
            "children": [
                {
                    "id": 500,
                    "acronym": "MO",
                    "name": "Somatomotor areas",
                    "color_hex_triplet": "1F9D5A",
                    "parent_structure_id": 997,
                    "children": [],
                },
                {
                    "id": 614454277,
                    "acronym": "SSp2/3",
                    "name": 'Area, with a comma and "quotes"',
                    "color_hex_triplet": "019399",
                    "parent_structure_id": 997,
                    "children": [],
                },
            ],
        }
    ],
}
EXPECTED = [
    (997, "root", "root", (255, 255, 255), None),
    (500, "MO", "Somatomotor areas", (31, 157, 90), 997),
    (614454277, "SSp2/3", 'Area, with a comma and "quotes"', (1, 147, 153), 997),
]


def rows(tree):
    return [(s.id, s.acronym, s.name, s.rgb, s.parent_id) for s in tree]


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [{"success": True, "msg": [ALLEN]}, ALLEN, [ALLEN], ALLEN["children"][0]],
    ids=["answer of the API", "universe", "list", "root"],
)
def test_allens_json(tmp_path, content):
    assert rows(read_structures(write(tmp_path / "a.json", content))) == EXPECTED


def test_brainglobes_json(tmp_path):
    flat = [
        {
            "id": identifier,
            "acronym": acronym,
            "name": name,
            "rgb_triplet": list(rgb),
            "structure_id_path": [997] if parent is None else [997, identifier],
        }
        for identifier, acronym, name, rgb, parent in EXPECTED
    ]
    assert rows(read_structures(write(tmp_path / "structures.json", flat))) == EXPECTED


TABLES = {
    "plain": """id,acronym,name,parent_id,red,green,blue
997,root,root,,255,255,255
500,MO,Somatomotor areas,997,31,157,90
614454277,SSp2/3,"Area, with a comma and ""quotes""\",997,1,147,153
""",
    "allen": """id,acronym,name,parent_structure_id,structure_id_path,color_hex_triplet
0,universe,universe,,/0/,000000
997,root,root,0.0,/997/,FFFFFF
500,MO,Somatomotor areas,997.0,/997/500/,1F9D5A
614454277,SSp2/3,"Area, with a comma and ""quotes""\",997.0,/997/614454277/,19399
""",
    "semicolons and other spelling": """ID; Acronym ;Name;Structure ID path;Color hex triplet
997;root;root;/997/;#ffffff
500;MO;Somatomotor areas;/997/500/;#1f9d5a
614454277;SSp2/3;"Area, with a comma and ""quotes""\";/997/614454277/;#019399
""",
}


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_tables(tmp_path, table):
    assert rows(read_structures(write(tmp_path / "a.csv", TABLES[table]))) == EXPECTED


def test_a_table_saved_by_a_spreadsheet(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + TABLES["plain"].replace("\n", "\r\n").encode())
    assert rows(read_structures(path)) == EXPECTED


def test_structures_without_colours_get_distinct_ones_that_stay(tmp_path):
    lines = [f"{i},S{i},Structure {i},{1 if i > 1 else ''}" for i in range(1, 61)]
    path = write(tmp_path / "a.csv", "id,acronym,name,parent_id\n" + "\n".join(lines))
    first, second = read_structures(path), read_structures(path)
    colors = [s.rgb for s in first]
    assert colors == [s.rgb for s in second]
    assert len(set(colors)) == 60
    assert all(0 <= channel <= 255 for color in colors for channel in color)
    assert distinct_color(0) == colors[0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "valid JSON"),
        ("a.json", "[" * 100_000, "valid JSON"),
        ("a.json", '{"success": false, "msg": "no such graph"}', "expected a list"),
        ("a.json", "[]", "expected a list"),
        ("a.json", "[1, 2]", "object"),
        ("a.json", '[{"acronym": "A", "name": "a"}]', "no id"),
        ("a.json", '[{"id": 5, "name": "a"}]', "no acronym"),
        ("a.json", '[{"id": 5, "acronym": "A", "children": 3}]', "children"),
        ("a.csv", "id,name,parent_id\n1,a,", "no column acronym"),
        ("a.csv", "id,acronym,name\n1,a,b", "parent_id"),
        ("a.csv", "", "no column id"),
        ("a.csv", "id,acronym,name,parent_id\nx,a,b,", "no id"),
        ("a.csv", "id,acronym,name,parent_id\n1,a,b,\n1,c,d,", "twice"),
        ("a.csv", "id,acronym,name,parent_id\n1,a,b,2\n2,c,d,1", "cycle"),
        ("a.csv", "id,acronym,name,parent_id\n1,a,b,77", "77"),
    ],
)
def test_malformed_files_are_one_clear_error(tmp_path, name, content, message):
    with pytest.raises(AtlasError, match=message) as caught:
        read_structures(write(tmp_path / name, content))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(MissingFileError):
        read_structures(tmp_path / "none.json")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(AtlasError):
        read_structures(tmp_path / "a.csv")
    with pytest.raises(AtlasError):
        read_structures(tmp_path)


@pytest.mark.real_data
def test_allens_own_tree():
    path = Path(__file__).parents[3] / "shared" / "data" / "allen" / "structure_graph.json"
    if not path.exists():
        pytest.skip("the real Allen data do not lie beside the project")
    tree = read_structures(path)
    assert [root.acronym for root in tree.roots] == ["root"]
    assert 0 not in tree
    assert {tree[child.parent_id].acronym for child in map(tree.find, ("VISrl", "VISa"))} == {
        "PTLp"
    }
    assert sum("/" in s.acronym for s in tree) == 61
    assert tree.find("CM").id != tree.find("cm").id
