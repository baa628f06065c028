import os
import sys
from pathlib import Path

import numpy as np
import pytest

from brainreg3d.errors import AtlasError, DownloadError
from brainreg3d.io import http_transfer
from brainreg3d.sources import allen_catalog, load_atlas
from brainreg3d.sources.allen import cached_allen_files, fetch_allen_file, load_allen_atlas

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from fault_server import ANNOTATION, STRUCTURES, TEMPLATE, allen_paths, serve

REAL = Path(__file__).parents[3] / "shared" / "data" / "allen"
pytestmark = pytest.mark.real_data


@pytest.fixture
def server(tmp_path, monkeypatch):
    if not (REAL / "annotation_100.nrrd").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("the real Allen data are missing")
        pytest.skip("the real Allen data do not lie beside the project")
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(http_transfer, "PAUSES_S", (0.01, 0.01))
    with serve(allen_paths(REAL)) as running:
        monkeypatch.setenv("BRAINREG3D_ALLEN_URL", running.url + "/")
        yield running


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def files_asked_for(server):
    return [path for path in server.requested if not path.endswith("/SHA256SUMS")]


def test_the_atlas_is_fetched_once_and_its_template_on_demand(server, tmp_path, capfd):
    atlas = load_atlas("allen_mouse_100um")
    assert files_asked_for(server) == [ANNOTATION, STRUCTURES]
    assert atlas.full_name == "allen_mouse_100um"
    assert "Wang" in atlas.citation
    assert atlas.species == "Mus musculus"
    assert atlas.grid.box_mm == (11.4, 13.2, 8.0)
    assert atlas.template.grid.box_mm == (11.4, 13.2, 8.0)
    assert files_asked_for(server) == [ANNOTATION, STRUCTURES, TEMPLATE]
    assert list(cached_allen_files()) == [
        "allen_annotation_100um.nrrd",
        "allen_structure_graph.json",
        "allen_template_100um.nrrd",
    ]
    for name, source in (
        ("annotation_100um", "annotation"),
        ("template_100um", "average_template"),
    ):
        fetched = tmp_path / "cache" / "allen" / f"allen_{name}.nrrd"
        assert fetched.read_bytes() == (REAL / f"{source}_100.nrrd").read_bytes()
    assert capfd.readouterr() == ("", "")


def test_a_filled_cache_needs_no_network(server, monkeypatch):
    first = load_allen_atlas(100)
    assert first.template is not None
    monkeypatch.setenv("BRAINREG3D_ALLEN_URL", "http://127.0.0.1:9")
    second = load_allen_atlas(100)
    assert np.array_equal(first.annotation.index, second.annotation.index)
    assert np.array_equal(first.template.data, second.template.data)
    assert len(files_asked_for(server)) == 3


@pytest.mark.parametrize("fault", ["html", "cut", "short", "404"])
@pytest.mark.parametrize(("kind", "path"), [("annotation", ANNOTATION), ("structures", STRUCTURES)])
def test_the_cache_never_holds_a_wrong_file(server, tmp_path, capfd, fault, kind, path):
    if fault == "404":
        del server.files[path]
    server.faults[path] = fault
    with pytest.raises(DownloadError) as caught:
        fetch_allen_file(kind, None if kind == "structures" else 100)
    message = str(caught.value)
    assert "\n" not in message
    assert server.url + path in message
    assert "BRAINREG3D_ALLEN_URL" in message
    assert "by hand" in message
    assert files_in(tmp_path / "cache") == []
    assert server.asked_for(path) == (3 if fault in ("cut", "short") else 1)
    assert capfd.readouterr() == ("", "")


def test_after_a_fault_the_file_can_be_fetched(server):
    server.faults[ANNOTATION] = "html"
    with pytest.raises(DownloadError):
        fetch_allen_file("annotation", 100)
    server.faults.clear()
    assert fetch_allen_file("annotation", 100).is_file()


def test_a_passing_fault_is_waited_out(server):
    server.faults[ANNOTATION] = "503 once"
    assert fetch_allen_file("annotation", 100).is_file()
    assert files_asked_for(server) == [ANNOTATION, ANNOTATION]


def test_no_server_at_all(server, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_ALLEN_URL", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="no connection"):
        fetch_allen_file("structures")


def test_another_hash_than_the_published_one_is_refused(server, tmp_path, monkeypatch):
    """The stand-in's voxels are packed anew, so that Allen's own hash does not fit them."""
    url = server.url
    monkeypatch.delenv("BRAINREG3D_ALLEN_URL")
    monkeypatch.setattr(allen_catalog, "_DOWNLOAD_HOST", url)
    with pytest.raises(DownloadError, match="SHA-256"):
        fetch_allen_file("annotation", 100)
    assert files_in(tmp_path / "cache") == []


def test_a_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="BRAINREG3D_CACHE_DIR"):
        fetch_allen_file("annotation", 100)


@pytest.mark.parametrize("resolution_um", [20, 0, None, "25"])
def test_resolutions_that_allen_does_not_offer(server, resolution_um):
    with pytest.raises(AtlasError, match="10, 25, 50, 100"):
        load_allen_atlas(resolution_um)
    assert server.requested == []


def test_files_put_by_hand_are_used(server, tmp_path):
    folder = tmp_path / "cache" / "allen"
    folder.mkdir(parents=True)
    for target, source in (
        ("allen_annotation_50um.nrrd", "annotation_50.nrrd"),
        ("allen_structure_graph.json", "structure_graph.json"),
    ):
        (folder / target).write_bytes((REAL / source).read_bytes())
    assert load_allen_atlas(50).grid.shape == (160, 264, 228)
    assert server.requested == []
