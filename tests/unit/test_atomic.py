import errno
import os

import pytest

from brainreg3d.errors import OutputError
from brainreg3d.io.atomic import atomic_files
from brainreg3d.io.output_folder import check_writable


def write_and(what_then, *targets, what="results"):
    """Write files together, then do something that fails."""
    with atomic_files(what) as files:
        for target in targets:
            files.temporary(target).write_text("after")
        what_then()


def raising(error):
    def fail():
        raise error

    return fail


def test_all_files_appear_at_the_end(tmp_path):
    with atomic_files() as files:
        for name in ("a.tif", "b.json"):
            path = files.temporary(tmp_path / "new" / name)
            path.write_text(name)
            assert path.suffix == (tmp_path / name).suffix
        assert not (tmp_path / "new" / "a.tif").exists()
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.tif", "b.json"]
    assert (tmp_path / "new" / "b.json").read_text() == "b.json"


def test_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("x")
    with atomic_files() as files:
        files.temporary(tmp_path / "ours").write_text("x")
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("usual", "ours")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), OSError(errno.EIO, "io")])
def test_nothing_is_left_after_a_failure(tmp_path, error):
    (tmp_path / "a.tif").write_text("before")
    expected = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        write_and(raising(error), tmp_path / "a.tif", tmp_path / "b.tif")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
    assert (tmp_path / "a.tif").read_text() == "before"


def test_a_full_disk_is_said_in_plain_words(tmp_path):
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "a.tif"))
    with pytest.raises(OutputError, match="No space left") as caught:
        write_and(raising(error), tmp_path / "a.tif", what="masks")
    assert "output_dir" in str(caught.value)
    assert "masks" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError), atomic_files() as files:
        files.temporary(tmp_path / "file" / "a.tif")


def test_a_move_that_fails_takes_back_the_others(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("before")
    replace, seen = os.replace, []

    def second_fails(source, target, **options):
        if str(target).endswith("b") and not seen:
            seen.append(target)
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        return replace(source, target, **options)

    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(OutputError):
        write_and(int, *(tmp_path / name for name in "abc"))
    assert seen, "the test did not reach the move"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys("abc", "before")


@pytest.mark.parametrize("after_the_move", [False, True])
@pytest.mark.parametrize("interrupted", ["a", "b", "c", "new"])
def test_an_interrupt_during_the_moves_leaves_no_mixture(
    tmp_path, monkeypatch, interrupted, after_the_move
):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("before")
    replace, seen = os.replace, []

    def interrupt(source, target, **options):
        if str(target).endswith(interrupted) and not seen:
            seen.append(target)
            if after_the_move:
                replace(source, target, **options)
            raise KeyboardInterrupt
        return replace(source, target, **options)

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_and(int, *(tmp_path / name for name in ("a", "b", "c", "new")))
    assert seen, "the test did not reach the move"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys("abc", "before")


@pytest.mark.parametrize("stem", [".".join(["word"] * 40), "µ" * 100], ids=["dots", "not ASCII"])
def test_a_long_name_with_dots_can_be_written_and_replaced(tmp_path, stem):
    target = tmp_path / f"{stem}_masks.tif"
    for _ in range(2):
        write_and(int, target)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_checking_a_folder_leaves_nothing(tmp_path):
    check_writable(tmp_path / "new" / "deeper")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        check_writable(tmp_path / "file" / "deeper")
