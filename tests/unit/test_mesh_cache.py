"""Surfaces that are kept from one window to the next."""

import attrs
import numpy as np
import pytest
from tiny_brain import VISIBLE

from brainreg3d.atlas import select_regions
from brainreg3d.gui.brain_scene import make_surfaces
from brainreg3d.gui.mesh_cache import cached_surfaces


@pytest.fixture
def kept(tiny_atlas, tmp_path, monkeypatch):
    """Return a function that asks for surfaces, the list of times they were made, the folder."""
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path))
    made = []

    def make(annotation, regions):
        made.append(1)
        return make_surfaces(annotation, regions)

    def ask(names=VISIBLE, sha256="abc"):
        atlas = attrs.evolve(tiny_atlas, sha256={"annotation": sha256} if sha256 else {})
        return cached_surfaces(atlas, select_regions(atlas, names), make)

    return ask, made, tmp_path / "surfaces"


def test_they_are_made_once_and_come_back_the_same(kept):
    ask, made, _ = kept
    first, second = ask(), ask()
    assert len(made) == 1
    assert list(first) == list(second)
    assert {"", "ANT", "POST"} <= set(first)
    for name, surface in first.items():
        np.testing.assert_array_equal(surface.vertices_mm, second[name].vertices_mm)
        np.testing.assert_array_equal(surface.faces, second[name].faces)


def test_other_regions_and_other_brains_have_surfaces_of_their_own(kept):
    ask, made, _ = kept
    ask()
    assert set(ask(["ANT"])) == {"", "ANT"}
    ask(sha256="def")
    assert len(made) == 3


def test_nothing_is_kept_of_an_atlas_that_is_not_known(kept):
    ask, made, folder = kept
    ask(sha256="")
    ask(sha256="")
    assert len(made) == 2
    assert not folder.exists()


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "another"])
def test_a_damaged_file_is_made_again(kept, damage):
    ask, made, folder = kept
    expected = ask()
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "another":
        np.savez(path, names=np.array(["ANT"]))
    else:
        content[len(content) // 2] ^= 0xFF
        half = content[: len(content) // 2]
        path.write_bytes({"empty": b"", "cut": half, "text": b"no"}.get(damage, content))
    again = ask()
    assert len(made) == 2
    np.testing.assert_array_equal(again["ANT"].vertices_mm, expected["ANT"].vertices_mm)
    ask()
    assert len(made) == 2, "what was made again is kept"


def test_a_cache_that_cannot_be_written_is_done_without(kept):
    ask, made, folder = kept
    folder.write_text("a file, where a folder should be")
    assert "ANT" in ask()
    assert len(made) == 1
