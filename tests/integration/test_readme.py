"""What the documents say is what the package does."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
CI_RUN = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
MAX_PICTURE_BYTES = 300_000


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def section(text, title):
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def documented_blocks():
    for name, text in (("README", README), ("guide", GUIDE)):
        for number, code in enumerate(blocks(text, "python"), 1):
            yield pytest.param(code, id=f"{name}-{number}")


def program(name):
    """A program of this environment, whether it is on PATH or not."""
    return Path(sys.executable).with_name(name)


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory):
    """Where the demo was run by its command, as in the README; and what it printed."""
    folder = tmp_path_factory.mktemp("newcomer")
    done = subprocess.run(
        [program("brainreg3d"), "demo"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture
def newcomer(demo_folder, tmp_path, monkeypatch):
    """A folder with the demo's files, also as an image of one's own; the phantom as the default."""
    from brainreg3d import BrainReg3D, load_atlas

    files = demo_folder[0] / "brainreg3d_demo"
    copies = {
        "phantom_image.tif": (
            "brainreg3d_demo/phantom_image.tif",
            "image.tif",
            "day1.tif",
            "day2.tif",
            "recording.tif",
        ),
        "phantom_image_alignment.json": (
            "brainreg3d_demo/phantom_image_alignment.json",
            "day1_alignment.json",
        ),
    }
    (tmp_path / "brainreg3d_demo").mkdir()
    for source, targets in copies.items():
        for target in targets:
            (tmp_path / target).write_bytes((files / source).read_bytes())
    content = json.loads((files / "phantom_image_alignment.json").read_text(encoding="utf-8"))
    del content["image"]["pixel_size_mm"]  # the README gives a size of its own
    (tmp_path / "image_alignment.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(BrainReg3D, "_DEFAULT_ATLAS", "phantom_100um")
    template = load_atlas("phantom_100um").template.data

    import tifffile
    from scipy.ndimage import zoom

    # The documents speak of voxels of 50 x 40 x 40 µm.
    brain = zoom(template, (2.0, 2.5, 2.5), order=1)
    tifffile.imwrite(tmp_path / "brain.tif", brain)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_demo_says_how_right_it_is(demo_folder):
    folder, printed = demo_folder
    agreement = float(re.search(r"known truth: ([\d.]+)%", printed).group(1))
    assert agreement > 98
    assert "synthetic" in printed
    written = {path.name for path in (folder / "brainreg3d_demo").iterdir()}
    assert {"phantom_image_masks.tif", "phantom_image_run.json"} <= written


@pytest.mark.parametrize("code", list(documented_blocks()))
def test_python_blocks_run_as_they_stand(code, newcomer):
    names = {"__name__": "newcomer"}
    exec(compile(code, "documentation", "exec"), names)  # noqa: S102 - our own documents
    result = names.get("result")
    if result is not None and result.labels is not None:
        assert result.masks.any()


def run_block(beginning, newcomer):
    code = next(block for block in blocks(README, "python") if f"class {beginning}(" in block)
    names = {"__name__": "newcomer"}
    exec(compile(code, "README", "exec"), names)  # noqa: S102 - our own documents
    return names


def test_the_overridden_parameter_takes_effect(newcomer):
    result = run_block("RightSide", newcomer)["result"]
    labelled = result.hemisphere[result.labels > 0]
    assert set(labelled.tolist()) == {2}


def test_the_replaced_step_takes_effect(newcomer):
    run_block("FromAbove", newcomer)
    written = json.loads((newcomer / "flat" / "phantom_image_alignment.json").read_text())
    assert written["pose"]["center_mm"] == [5.7, 7.5, 8.0]
    assert written["pose"]["roll_deg"] == 0


def test_the_region_set_takes_effect(newcomer):
    result = run_block("Somatosensory", newcomer)["result"]
    acronyms = [region.acronym for region in result.regions]
    assert acronyms == ["SSp-bfd", "SSp-ul", "SSp-ll", "SSp-tr", "SSs"]


def test_customising_takes_five_lines():
    examples = [block for block in blocks(README, "python") if "class " in block]
    assert len(examples) == 3
    for code in examples:
        body = re.search(r"^class .*?(?=^\S|\Z)", code, flags=re.MULTILINE | re.DOTALL).group()
        assert len(body.strip().splitlines()) <= 5


def test_ci_runs_the_commands_of_the_readme():
    commands = [
        line for block in blocks(section(README, "Start"), "sh") for line in block.splitlines()
    ]
    assert len(commands) == 2
    for command in commands:
        assert command in [line.strip() for line in CI_RUN.splitlines()]


def test_the_table_of_options_is_complete():
    from brainreg3d.cli.main import brainreg3d

    rows = [
        line.split("|")[1] for line in section(README, "Command line").splitlines() if "|" in line
    ]
    documented = {option for row in rows for option in re.findall(r"--[a-z][a-z-]*", row)}
    options = brainreg3d.commands["run"].params
    real = {name for p in options if isinstance(p, click.Option) for name in p.opts}
    assert documented == {name for name in real if name.startswith("--")} - {"--help"}


def test_commands_are_named():
    from brainreg3d.cli.main import brainreg3d

    text = section(README, "Command line")
    for name in brainreg3d.commands:
        assert re.search(rf"`(brainreg3d )?{name}\b", text) or f"brainreg3d {name}" in text, name


def test_the_table_of_attributes_is_right():
    from brainreg3d import Result

    rows = re.findall(r"^\| (`.*?) \|", section(README, "What comes back"), flags=re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    members = {name for kind in Result.__mro__[:-1] for name in vars(kind)}
    public = {name for name in members if not name.startswith("_")} - {"state", "image"}
    assert names == public


def test_the_alignment_file_shown_can_be_read():
    from brainreg3d.io.alignment import parse_alignment

    (text,) = blocks(section(README, "The alignment file"), "json")
    record = parse_alignment(json.loads(text))
    assert record.pose.center_mm == (7.6, 8.0, 8.2)
    assert record.camera.distance_mm == 230.0


def test_links_lead_somewhere():
    for document in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        for target in re.findall(r"\]\((?!http)([^)#]+)", document):
            assert (ROOT / target).exists(), target


def test_pictures_are_small():
    pictures = list((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < MAX_PICTURE_BYTES, picture.name


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    required = [*project["dependencies"], *(name for extra in extras for name in extra)]
    reasons = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\*\*([\w-]+)\*\*", reasons))
    assert {re.match(r"[\w-]+", name).group() for name in required} - named == set()


def test_the_changelog_has_an_entry():
    newest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    assert re.search(r"^- \w", newest, flags=re.MULTILINE)


def test_no_file_holds_a_path_of_one_machine():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a clone")
    homes = ["home", "root", "Users", "work", "mnt", "scratch"]
    pattern = re.compile(rf"(?<![\w.:/~$}}])/(?:{'|'.join(homes)})/\w")
    found = []
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".tif"} or name.startswith("docs/"):
            continue
        found += [
            f"{name}: {m.group()}" for m in pattern.finditer(path.read_text(encoding="utf-8"))
        ]
    assert found == []
