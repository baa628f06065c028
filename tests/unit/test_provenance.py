import json
from importlib import metadata
from typing import ClassVar

import attrs
import numpy as np
from tiny_brain import make_atlas

from brainreg3d.geometry import Pose
from brainreg3d.provenance import describe_run
from brainreg3d.state import Image, Registration, State, Volume
from brainreg3d.steps import (
    NOT_GIVEN,
    LocalTemplateSource,
    ManualAligner,
    PixelLabeller,
    Step,
    TemplateSource,
)


class Mine(Step):
    """A step of a user's own, with parameters of every kind."""

    provides: ClassVar[str] = "labels"
    version: ClassVar[int] = 4

    number: float = np.float32(0.5)
    table: np.ndarray = attrs.field(factory=lambda: np.eye(3), eq=attrs.cmp_using(np.array_equal))
    names: tuple[str, ...] = ("a", "b")
    thing: object = None

    def compute(self, *, image):
        return image


def describe(tmp_path, *steps):
    image = Image(np.zeros((3, 4)), "m", "abc", tmp_path / "in" / "m.tif", None, 7)
    state = State(image=image, brain_regions=("ANT", 11), atlas=make_atlas())
    chain = [(type(step).__name__, step) for step in steps]
    return describe_run(state, chain, "exact", tmp_path / "out")


def test_everything_is_json_without_places_of_this_machine(tmp_path):
    (tmp_path / "labels.nrrd").write_bytes(b"123")
    steps = [
        LocalTemplateSource(annotation=tmp_path / "labels.nrrd", structures=tmp_path / "gone.json"),
        ManualAligner(alignment=Pose((1, 2, 3), 5.0), window=object()),
        PixelLabeller(hemisphere="left"),
        Mine(thing=Pose((1, 2, 3))),
    ]
    content = describe(tmp_path, *steps)
    text = json.dumps(content, allow_nan=False)
    assert str(tmp_path) not in text
    assert json.loads(text) == content
    assert content["image"] == {
        "file": "../in/m.tif", "sha256": "abc", "frame": 7, "shape": [3, 4],
    }  # fmt: skip
    assert content["brain_regions"] == ["ANT", 11]
    by_slot = {entry["slot"]: entry for entry in content["steps"]}
    local = by_slot["LocalTemplateSource"]["parameters"]
    assert local["annotation"]["file"] == "../labels.nrrd"
    assert len(local["annotation"]["sha256"]) == 64
    assert by_slot["ManualAligner"]["parameters"]["alignment"]["yaw_deg"] == 5.0
    assert by_slot["ManualAligner"]["parameters"]["camera_distance_mm"] == NOT_GIVEN.name
    assert "window" not in by_slot["ManualAligner"]["parameters"]
    assert by_slot["PixelLabeller"]["parameters"]["hemisphere"] == "left"
    mine = by_slot["Mine"]
    assert mine["class"].endswith("test_provenance.Mine")
    assert mine["version"] == 4
    assert mine["parameters"]["number"] == 0.5
    assert mine["parameters"]["names"] == ["a", "b"]
    assert mine["parameters"]["table"]["array"] == [3, 3]


def test_equal_runs_are_described_equally_and_others_are_not(tmp_path):
    one = describe(tmp_path, Mine(table=np.eye(3)))
    assert one == describe(tmp_path, Mine(table=np.eye(3)))
    assert one != describe(tmp_path, Mine(table=2 * np.eye(3)))


def test_a_package_without_a_known_version_does_not_end_the_run(tmp_path, monkeypatch):
    """Some installers name packages otherwise than pip does."""
    version = metadata.version

    def some_unknown(name):
        if name == "SimpleITK":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", some_unknown)
    packages = describe(tmp_path, Mine())["packages"]
    assert packages["SimpleITK"] is None
    assert packages["numpy"] == np.__version__


def test_a_volume_and_its_registration_are_recorded(tmp_path):
    data = np.zeros((2, 3, 4), np.uint8)
    volume = Volume(data, (0.1, 0.2, 0.3), "v", "def", tmp_path / "in" / "v.tif", "PIR")
    matrix = np.eye(4) + np.eye(4, k=1)
    found = Registration(matrix, "PIR", -0.5, "done", 12, 0.9, warnings=("doubtful",))
    state = State(volume=volume, registration=found)
    content = describe_run(state, [], "exact", tmp_path / "out")
    assert content["volume"] == {
        "file": "../in/v.tif", "sha256": "def", "shape": [2, 3, 4], "spacing_mm": [0.1, 0.2, 0.3],
        "orientation": "PIR",
    }  # fmt: skip
    assert content["registration"]["atlas_to_volume_mm"] == matrix.tolist()
    assert content["registration"]["warnings"] == ["doubtful"]
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    array = describe_run(State(volume=attrs.evolve(volume, path=None)), [], "exact", tmp_path)
    assert array["volume"]["file"] is None


def test_an_atlas_that_was_given_is_not_recorded_as_a_name(tmp_path):
    atlas = attrs.evolve(make_atlas(), sha256={"annotation": "abc"})
    content = describe(tmp_path, TemplateSource(atlas=atlas))
    recorded = content["steps"][0]["parameters"]["atlas"]
    assert recorded == {"object": atlas.full_name, "sha256": {"annotation": "abc"}}
