import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from brainreg3d.errors import AtlasError
from brainreg3d.io.cache import build_once, cache_dir, load_json, store_json
from brainreg3d.sources.compact_cache import compact_from_source, content_key

SPACING = (0.5, 0.4, 0.3)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def has_flag(folder):
    return (folder / "flag").is_file()


def write_flag(folder):
    (folder / "flag").write_text("whole")


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


def volume_of(seed):
    ids = np.array([0, 7, 997, 614454277, 312782574], dtype=np.uint32)
    return ids[np.random.default_rng(seed).integers(0, ids.size, (6, 7, 8))]


def test_the_environment_names_the_folder_and_nothing_is_created(cache):
    assert cache_dir() == cache
    assert not cache.exists()


def test_without_the_environment_the_platform_decides(monkeypatch):
    monkeypatch.delenv("BRAINREG3D_CACHE_DIR")
    assert cache_dir().is_absolute()
    assert cache_dir().name == "brainreg3d"


def test_a_failed_build_leaves_nothing(cache):
    def fail(folder):
        write_flag(folder)
        raise AtlasError("no")

    with pytest.raises(AtlasError):
        build_once(cache / "thing", fail, has_flag)
    assert list(cache.iterdir()) == []


def test_a_build_is_never_seen_half_done(cache):
    seen = []

    def slowly(folder):
        seen.append((cache / "thing").exists())
        write_flag(folder)

    assert build_once(cache / "thing", slowly, has_flag)
    assert seen == [False]
    assert [p.name for p in cache.iterdir()] == ["thing"]


def test_the_faster_of_two_builders_wins(cache):
    def late(folder):
        (cache / "thing").mkdir()
        (cache / "thing" / "flag").write_text("first")
        write_flag(folder)

    assert build_once(cache / "thing", late, has_flag)
    assert (cache / "thing" / "flag").read_text() == "first"
    assert [p.name for p in cache.iterdir()] == ["thing"]


def test_a_damaged_folder_is_replaced(cache):
    (cache / "thing").mkdir(parents=True)
    (cache / "thing" / "junk").write_text("x")
    assert build_once(cache / "thing", write_flag, has_flag)
    assert sorted(p.name for p in (cache / "thing").iterdir()) == ["flag"]
    assert [p.name for p in cache.iterdir()] == ["thing"]


def test_what_a_crash_left_is_removed_and_a_running_build_is_not(cache):
    old, new = cache / ".thing.old", cache / ".thing.new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    build_once(cache / "thing", write_flag, has_flag)
    assert not old.exists()
    assert new.exists()


def test_a_cache_that_cannot_be_written_is_done_without(cache, caplog):
    cache.write_text("a file where the folder should be")
    volume = volume_of(1)
    with caplog.at_level("WARNING", logger="brainreg3d"):
        annotation = compact_from_source(content_key("a"), lambda: (volume, SPACING))
        store_json(cache / "headers" / "a.json", {"a": 1})
    assert np.array_equal(annotation.to_ids(), volume)
    assert "BRAINREG3D_CACHE_DIR" in caplog.text


def test_small_files_round_trip_and_damage_is_noticed(cache):
    store_json(cache / "a.json", {"a": [1, 2.5]})
    assert load_json(cache / "a.json") == {"a": [1, 2.5]}
    (cache / "a.json").write_text('{"a": [1,')
    assert load_json(cache / "a.json") is None
    assert load_json(cache / "none.json") is None


def test_an_annotation_comes_back_bit_for_bit_without_its_source():
    volume = volume_of(2)
    first = compact_from_source("key", lambda: (volume, SPACING))
    second = compact_from_source("key", lambda: pytest.fail("the source was read again"))
    for annotation in (first, second):
        assert np.array_equal(annotation.to_ids(), volume)
        assert annotation.spacing_mm == SPACING
        assert is_mapped(annotation.index)


@pytest.mark.parametrize("name", ["index.npy", "ids.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "garbage"])
def test_a_damaged_entry_is_built_anew(cache, name, damage):
    volume = volume_of(3)
    compact_from_source("key", lambda: (volume, SPACING))
    path = cache / "annotations" / "key" / name
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"junk")
    calls = []
    annotation = compact_from_source("key", lambda: calls.append(1) or (volume, SPACING))
    assert calls == [1]
    assert np.array_equal(annotation.to_ids(), volume)
    assert path.read_bytes() == whole


def test_keys_tell_contents_and_options_apart():
    keys = {content_key("a", "PIR"), content_key("a", "RAS"), content_key("b", "PIR")}
    assert len(keys) == 3
    assert content_key("a", "PIR") in keys


def test_builders_at_the_same_time_agree():
    volume = volume_of(4)
    together = threading.Barrier(4)
    results = []

    def run():
        together.wait()
        results.append(compact_from_source("key", lambda: (volume, SPACING)).to_ids())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(result, volume) for result in results)


def test_opening_a_cached_annotation_imports_nothing_slow():
    volume = volume_of(5)
    compact_from_source("key", lambda: (volume, SPACING))
    code = (
        "import sys; from brainreg3d.sources.compact_cache import compact_from_source as c; "
        "print(c('key', None).index.sum()); "
        "print([m for m in ('SimpleITK', 'numba', 'scipy', 'nibabel') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    total, modules = done.stdout.splitlines()
    assert int(total) == np.unique(volume, return_inverse=True)[1].sum()
    assert modules == "[]"


def test_the_phantom_comes_from_the_cache_the_second_time(monkeypatch):
    from brainreg3d.sources import load_atlas, phantom

    first = load_atlas("phantom_100um")
    monkeypatch.setattr(phantom, "make_phantom_annotation", lambda _: pytest.fail("made again"))
    second = load_atlas("phantom_100um")
    assert second.synthetic
    assert second.full_name == "phantom_100um"
    assert np.array_equal(first.annotation.to_ids(), second.annotation.to_ids())
    assert second.template.grid == second.grid
