"""Whatever goes wrong on the way, the cache never holds a wrong file and the next run recovers.

The volumes are the size of Allen's at 100 µm and made here, so that no real data are needed.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fault_server import ANNOTATION, CCF, STRUCTURES, TEMPLATE, serve

from brainreg3d.cli.main import main
from brainreg3d.errors import DownloadError, InputError
from brainreg3d.io import file_lock as file_lock_module
from brainreg3d.io import file_record, http_transfer
from brainreg3d.io.file_lock import file_lock
from brainreg3d.sources import allen_catalog
from brainreg3d.sources.allen_files import (
    cached_allen_files,
    fetch_allen_file,
    import_allen_file,
    temporary_allen_file,
)

SIZES = (132, 80, 114)  # Allen's at 100 µm
SUMS = "/SHA256SUMS"


def nrrd(dtype, kind, *, sizes=SIZES, spacing=100, encoding="gzip", seed=0):
    """A volume as Allen's files are laid out; its voxels are noise, so that it hardly shrinks."""
    voxels = np.random.default_rng(seed).integers(0, 200, np.prod(sizes)).astype(dtype).tobytes()
    directions = " ".join(
        "(" + ",".join(str(spacing if axis == other else 0) for other in range(3)) + ")"
        for axis in range(3)
    )
    header = (
        f"NRRD0004\n# a comment: here\ntype: {kind}\ndimension: 3\n"
        f"space: left-posterior-superior\nsizes: {' '.join(map(str, sizes))}\n"
        f"space directions: {directions}\nkinds: domain domain domain\nendian: little\n"
        f"encoding: {encoding}\nspace origin: (0,0,0)\n\n"
    )
    packed = gzip.compress(voxels, 1, mtime=0) if encoding == "gzip" else voxels
    return header.encode() + packed


TREE = json.dumps(
    {
        "msg": [
            {
                "id": 997,
                "acronym": "root",
                "name": "root",
                "children": [{"id": 8, "acronym": "grey", "name": "grey matter", "children": []}],
            }
        ]
    }
).encode()
ANNOTATION_BYTES = nrrd("<u4", "unsigned int")
TEMPLATE_BYTES = nrrd("<u2", "unsigned short")
RIGHT = {ANNOTATION: ANNOTATION_BYTES, TEMPLATE: TEMPLATE_BYTES, STRUCTURES: TREE}
KINDS = {"annotation": ANNOTATION, "template": TEMPLATE, "structures": STRUCTURES}


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(http_transfer, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr(file_record, "_seen", {})
    with serve(dict(RIGHT)) as running:
        monkeypatch.setenv("BRAINREG3D_ALLEN_URL", running.url)
        yield running


def fetch(kind, **options):
    return fetch_allen_file(kind, None if kind == "structures" else 100, **options)


def held(folder):
    """All files of a cache but the notes on what was checked."""
    if not folder.exists():
        return []
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if path.parent.name != "checked_files")


def fails(kind="annotation", match=None):
    with pytest.raises(DownloadError, match=match) as caught:
        fetch(kind)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def recovers(kind, tmp_path):
    path = fetch(kind)
    assert path.read_bytes() == RIGHT[KINDS[kind]]
    assert held(tmp_path / "cache") == [path.name]


# ---- what servers and networks do -------------------------------------------------------------


REASONS = {
    "html": "HTML page",
    "cut": "cut short",
    "short": "cut after",
    "no length": "cut after",
    "500": "answered 500",
    "reset": "cut short",
    "trickle": "too slow",
    "stall": "too slow",
    "silent": "in time",
    "late": "too slow",
    "chunked cut": "cut short",
}


@pytest.mark.parametrize(
    ("kind", "fault", "reason"),
    [
        *(("annotation", fault, reason) for fault, reason in REASONS.items()),
        ("structures", "html", "HTML page"),
        ("structures", "cut", "cut short"),
        ("structures", "short", "no valid JSON"),
        ("structures", "trickle", "too slow"),
    ],
)
def test_a_faulty_transfer(server, tmp_path, monkeypatch, capfd, kind, fault, reason):
    server.faults[KINDS[kind]] = fault
    with monkeypatch.context() as impatient:
        if reason in ("too slow", "in time"):
            impatient.setenv("BRAINREG3D_DOWNLOAD_TIMEOUT_S", "0.4")
        started = time.monotonic()
        message = fails(kind, reason)
        assert time.monotonic() - started < 50  # three attempts; the server would take 60 s each
    assert server.url + KINDS[kind] in message
    assert "--from-file" in message
    assert held(tmp_path / "cache") == []
    assert server.asked_for(KINDS[kind]) == (1 if fault == "html" else 3)
    assert capfd.readouterr() == ("", "")
    server.faults.clear()
    recovers(kind, tmp_path)


@pytest.mark.parametrize("fault", ["503 once", "500 once", "reset once", "cut once", "short once"])
def test_a_passing_fault_is_waited_out(server, tmp_path, log, fault):
    server.faults[ANNOTATION] = fault
    recovers("annotation", tmp_path)
    assert server.asked_for(ANNOTATION) == 2
    assert len(log) == 1
    assert "trying again" in log[0]


@pytest.mark.parametrize("manner", ["chunked", "packed"])
@pytest.mark.parametrize("kind", ["annotation", "structures"])
def test_other_ways_to_send_the_same_file(server, tmp_path, manner, kind):
    server.faults[KINDS[kind]] = manner
    recovers(kind, tmp_path)
    # Packing would hide the size, and so the progress, of the whole.
    assert server.headers["Accept-Encoding"] == "identity"


def test_an_address_without_https_is_not_followed(server, monkeypatch):
    """As behind the sign-in pages of some networks."""
    import requests

    answer = requests.Response()
    answer.url, answer.raw = "http://sign-in.example/", io.BytesIO()
    monkeypatch.setenv("BRAINREG3D_ALLEN_URL", "https://mirror.example")
    monkeypatch.setattr(requests, "get", lambda *_, **__: answer)
    fails("annotation", "without https")


def test_a_file_that_the_server_does_not_have(server, tmp_path):
    del server.files[ANNOTATION]
    fails("annotation", "404")
    assert server.asked_for(ANNOTATION) == 1
    assert held(tmp_path / "cache") == []
    server.files[ANNOTATION] = ANNOTATION_BYTES
    recovers("annotation", tmp_path)


def test_no_server(server, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # taken, but nobody listens
        monkeypatch.setenv("BRAINREG3D_ALLEN_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        fails("annotation", "no connection")
    assert held(tmp_path / "cache") == []


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "inf", "nan"])
def test_a_time_out_that_is_none(server, monkeypatch, seconds):
    monkeypatch.setenv("BRAINREG3D_DOWNLOAD_TIMEOUT_S", seconds)
    fails(match="BRAINREG3D_DOWNLOAD_TIMEOUT_S")
    assert server.requested == []


def test_a_slow_but_steady_transfer_is_let_go_on(server, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINREG3D_DOWNLOAD_TIMEOUT_S", "1")
    monkeypatch.setattr(http_transfer, "MIN_BYTES_PER_S", 5)  # the server sends fifty
    server.faults[STRUCTURES] = "trickle"
    recovers("structures", tmp_path)
    assert server.asked_for(STRUCTURES) == 1


# ---- content that is whole, but wrong ---------------------------------------------------------

HEADER_END = ANNOTATION_BYTES.index(b"\n\n") + 2
FLIPPED = bytearray(ANNOTATION_BYTES)
FLIPPED[len(FLIPPED) // 2] ^= 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(nrrd("<u4", "uint32", sizes=(264, 160, 228)), "264 × 160", id="resolution"),
        pytest.param(nrrd("<u4", "uint32", spacing=50), "spacing of 50", id="spacing"),
        pytest.param(TEMPLATE_BYTES, "16-bit integer instead of 32-bit", id="template"),
        pytest.param(ANNOTATION_BYTES[:-4], "cut after", id="cut in the checksum"),
        pytest.param(ANNOTATION_BYTES[:-8], "cut after", id="cut before the checksum"),
        pytest.param(ANNOTATION_BYTES[:HEADER_END], "cut after 0 of", id="no voxels"),
        pytest.param(ANNOTATION_BYTES[:40], "within its header", id="cut in the header"),
        pytest.param(bytes(FLIPPED), "damaged after", id="a flipped bit"),
        pytest.param(nrrd("<u4", "uint", encoding="raw")[:-1], "cut after", id="raw, cut"),
        pytest.param(nrrd("<u4", "uint", encoding="raw") + b"1", "more than", id="raw, longer"),
        pytest.param(
            ANNOTATION_BYTES[:HEADER_END] + gzip.compress(bytes(10**7)), "more than", id="longer"
        ),
        pytest.param(ANNOTATION_BYTES.replace(b"gzip", b"bzip2"), "unknown header", id="encoding"),
        pytest.param(ANNOTATION_BYTES.replace(b"sizes", b"size?"), "incomplete", id="no sizes"),
        pytest.param(b"NRRD0004\n" + b"# filler\n" * 9000, "without an end", id="endless header"),
        pytest.param(TREE, "no NRRD", id="tree"),
        pytest.param(b"", "empty", id="empty"),
    ],
)
def test_a_volume_that_is_not_the_one_expected(server, tmp_path, content, reason):
    server.files[ANNOTATION] = content
    fails("annotation", reason)
    assert held(tmp_path / "cache") == []
    server.files[ANNOTATION] = ANNOTATION_BYTES
    recovers("annotation", tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b'{"success": false, "msg": "Not found"}', "structure graph", id="message"),
        pytest.param(b'{"msg": [{"id": 1, "name": "no acronym"}]}', "acronym", id="no acronym"),
        pytest.param(b'{"msg": [{"id": 1, "acr', "no valid JSON", id="cut"),
        pytest.param(b"[" * 100_000, "no valid JSON", id="deep"),
        pytest.param(b" " * (1 << 24) + TREE, "more than", id="huge"),
        pytest.param(b"", "empty", id="empty"),
    ],
)
def test_a_tree_that_is_not_the_one_expected(server, tmp_path, content, reason):
    server.files[STRUCTURES] = content
    fails("structures", reason)
    assert held(tmp_path / "cache") == []
    server.files[STRUCTURES] = TREE
    recovers("structures", tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(nrrd("<u4", "uint32", encoding="raw"), id="raw"),
        pytest.param(nrrd("<u4", "uint32", spacing=0.1), id="millimetres"),
        pytest.param(
            nrrd("<u4", "uint32").replace(b"\n\n", b"\nkey:=value\n\n", 1), id="key and value"
        ),
        pytest.param(
            ANNOTATION_BYTES[:HEADER_END]
            + gzip.compress(bytes(4_000_000))
            + gzip.compress(bytes(4 * int(np.prod(SIZES)) - 4_000_000)),
            id="gzip in two parts",
        ),
    ],
)
def test_the_same_volume_packed_otherwise(server, content):
    server.files[ANNOTATION] = content
    assert fetch("annotation").read_bytes() == content


# ---- hashes -----------------------------------------------------------------------------------


def sums_of(content, path=ANNOTATION):
    return f"{hashlib.sha256(content).hexdigest()}  .{path}\n".encode()


@pytest.mark.parametrize("place", [SUMS, f"{CCF}/annotation/ccf_2017{SUMS}"])
def test_a_mirrors_list_of_hashes(server, tmp_path, place):
    """Its voxels are right, so that only the hash tells that it is another file."""
    other = nrrd("<u4", "unsigned int", seed=1)
    server.files[place] = sums_of(TEMPLATE_BYTES, TEMPLATE) + sums_of(ANNOTATION_BYTES)
    server.files[ANNOTATION] = other
    fails("annotation", "SHA-256")
    assert held(tmp_path / "cache") == []
    server.files[ANNOTATION] = ANNOTATION_BYTES
    recovers("annotation", tmp_path)


@pytest.mark.parametrize(
    "name",
    ["annotation_100.nrrd", "*annotation_100.nrrd", "ccf_2017/annotation_100.nrrd",
     "mirror/of" + ANNOTATION, "..\\ccf_2017\\annotation_100.nrrd"],
)  # fmt: skip
def test_names_in_a_list_of_hashes(server, name):
    wrong = "0" * 64
    server.files[SUMS] = f"{wrong} {'' if name[0] == '*' else ' '}{name}\n".encode()
    if ".." in name:  # leads out of the folder: no name of this file
        fetch("annotation")
    else:
        fails("annotation", "SHA-256")


def test_another_files_hash_is_not_used(server, log):
    server.files[SUMS] = f"{'0' * 64}  ccf_2016/annotation_100.nrrd\n".encode()
    fetch("annotation")
    assert "does not name" in log[0]


@pytest.mark.parametrize("answer", ["404", "403", "html"])
def test_no_list_of_hashes_is_normal(server, log, answer):
    if answer != "404":
        server.files[SUMS] = b""
        server.faults[SUMS] = answer
    fetch("annotation")
    assert log == []


def test_a_list_of_hashes_that_cannot_be_fetched(server, tmp_path):
    """Otherwise a hash could be avoided by breaking one connection."""
    server.files[SUMS] = sums_of(ANNOTATION_BYTES)
    server.faults[SUMS] = "500"
    message = fails("annotation", "with its hash")
    assert server.url + ANNOTATION in message
    assert held(tmp_path / "cache") == []


def test_the_published_hash_of_the_official_host(server, tmp_path, monkeypatch):
    monkeypatch.delenv("BRAINREG3D_ALLEN_URL")
    monkeypatch.setattr(allen_catalog, "_DOWNLOAD_HOST", server.url)
    fails("annotation", "SHA-256")
    assert held(tmp_path / "cache") == []
    sums = {("annotation", 100): hashlib.sha256(ANNOTATION_BYTES).hexdigest()}
    monkeypatch.setattr(allen_catalog, "_OFFICIAL_SHA256", sums)
    recovers("annotation", tmp_path)
    assert SUMS not in server.requested


# ---- the computer's own troubles --------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_is_full(server, tmp_path, monkeypatch, number):
    def no_room(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_room)
        message = fails("annotation", os.strerror(number))
    assert "BRAINREG3D_CACHE_DIR" in message
    assert str(tmp_path / "cache") in message
    assert held(tmp_path / "cache") == []
    assert server.asked_for(ANNOTATION) == 1
    recovers("annotation", tmp_path)


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.getuid() != 0, reason="needs the right to mount"
)
def test_a_real_disk_that_is_full(server, tmp_path):
    disk = tmp_path / "cache"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)], capture_output=True
    )
    if done.returncode:
        pytest.skip("cannot mount here")
    try:
        fails("annotation", os.strerror(errno.ENOSPC))
        assert held(disk) == []
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        recovers("annotation", tmp_path)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert fetch("annotation").read_bytes() == ANNOTATION_BYTES
        fails("template", os.strerror(errno.EROFS))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_cache_that_is_read_only(server, tmp_path, monkeypatch, number, capfd):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        assert "BRAINREG3D_CACHE_DIR" in fails("annotation", os.strerror(number))
        assert main(["fetch", "--resolution", "100"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "BRAINREG3D_CACHE_DIR" in err
    recovers("annotation", tmp_path)


def test_a_file_in_the_place_of_the_cache(server, tmp_path):
    (tmp_path / "cache").write_text("")
    assert "BRAINREG3D_CACHE_DIR" in fails("annotation")


def test_what_a_killed_process_left_is_removed(server, tmp_path):
    folder = tmp_path / "cache" / "allen"
    left = {}
    for name, age_s in (("old", 2 * 3600), ("new", 0)):
        left[name] = folder / f".allen_annotation_100um.nrrd.{name}"
        left[name].mkdir(parents=True)
        (left[name] / "fetched").write_bytes(b"half")
        for path in (left[name] / "fetched", left[name]):
            os.utime(path, (time.time() - age_s,) * 2)
    fetch("annotation")
    assert not left["old"].exists()
    assert left["new"].exists()  # it may be in use
    assert list(cached_allen_files()) == ["allen_annotation_100um.nrrd"]


def test_files_have_the_permissions_of_the_users_files(server, tmp_path):
    (tmp_path / "mine").touch()
    assert fetch("annotation").stat().st_mode == (tmp_path / "mine").stat().st_mode


# ---- a filled cache ---------------------------------------------------------------------------


def test_a_filled_cache_makes_no_network_call(server, monkeypatch):
    for kind in KINDS:
        fetch(kind)
    server.requested.clear()
    for kind in KINDS:
        fetch(kind)
    assert server.requested == []

    def refuse(*_):
        pytest.fail("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(file_record, "_seen", {})  # as a new process
    for kind in KINDS:
        fetch(kind)
    assert main(["fetch", "--resolution", "100"]) == 0


def test_a_filled_cache_that_is_read_only(server, monkeypatch):
    target = fetch("annotation")
    for record in (target.parents[1] / "checked_files").iterdir():
        record.unlink()
    server.requested.clear()
    monkeypatch.setattr(file_record, "_seen", {})
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: os.open("/nowhere/at/all", 0))
    for _ in range(2):
        assert fetch("annotation") == target
    assert server.requested == []


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "flip":
        content[len(content) // 2] ^= 1
    elif how == "page":
        content = b"<html></html>"
    time.sleep(0.02)  # so that the time of change is another, however coarse
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "flip", "page"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_file_that_was_damaged_in_the_cache(server, tmp_path, monkeypatch, log, how, kind):
    damage(fetch(kind), how)
    with monkeypatch.context() as offline:
        offline.setenv("BRAINREG3D_ALLEN_URL", "http://127.0.0.1:9")
        fails(kind, "is damaged .* no connection")
    log.clear()
    recovers(kind, tmp_path)
    assert "is damaged" in log[0]


def test_a_file_that_was_only_touched_is_kept(server):
    path = fetch("annotation")
    os.utime(path)
    server.requested.clear()
    assert fetch("annotation").read_bytes() == ANNOTATION_BYTES
    assert server.requested == []


def test_an_unchanged_file_is_not_read_again(server, monkeypatch):
    path = fetch("annotation")
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("it was opened"))
    monkeypatch.setattr(file_record, "load_json", lambda _: None)
    assert fetch("annotation") == path


def test_a_resolution_may_be_a_float(server):
    assert fetch_allen_file("annotation", 100.0).name == "allen_annotation_100um.nrrd"
    assert server.asked_for(ANNOTATION) == 1


def test_a_wrong_file_put_by_hand_is_not_used(server, tmp_path):
    target = tmp_path / "cache" / "allen" / "allen_template_100um.nrrd"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"<html>404</html>")
    recovers("template", tmp_path)


# ---- other places than the cache --------------------------------------------------------------


def test_another_folder_holds_nothing_but_the_file(server, tmp_path):
    path = fetch("template", cache_dir=tmp_path / "mine")
    assert path == tmp_path / "mine" / "allen_template_100um.nrrd"
    assert held(tmp_path / "mine") == ["allen_template_100um.nrrd"]
    assert held(tmp_path / "cache") == []
    server.requested.clear()
    fetch("template", cache_dir=str(tmp_path / "mine"))
    assert server.requested == []


def test_a_temporary_file_leaves_nothing_behind(server, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with temporary_allen_file("template", 100) as path:
        assert path.name == "allen_template_100um.nrrd"
        assert path.read_bytes() == TEMPLATE_BYTES
    server.faults[TEMPLATE] = "cut"
    with pytest.raises(DownloadError, match="cut short"), temporary_allen_file("template", 100):
        pytest.fail("a wrong file was handed out")
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "cache").exists()


# ---- by hand ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "stored"),
    [
        ("annotation_100.nrrd", ANNOTATION_BYTES, "allen_annotation_100um.nrrd"),
        ("download(1)", ANNOTATION_BYTES, "allen_annotation_100um.nrrd"),
        ("average_template_100.nrrd", TEMPLATE_BYTES, "allen_template_100um.nrrd"),
        ("1.json", TREE, "allen_structure_graph.json"),
    ],
)
def test_a_file_that_was_fetched_by_hand(server, tmp_path, capfd, name, content, stored):
    file = tmp_path / name
    file.write_bytes(content)
    assert main(["fetch", "--from-file", str(file)]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.splitlines()[-1].endswith(str(tmp_path / "cache" / "allen" / stored))
    assert (tmp_path / "cache" / "allen" / stored).read_bytes() == content
    assert held(tmp_path / "cache") == [stored]
    assert file.read_bytes() == content
    assert server.requested == []


@pytest.mark.parametrize(
    ("name", "content", "options", "reason"),
    [
        ("annotation_100.nrrd", TEMPLATE_BYTES, [], "--kind"),
        ("annotation_100.nrrd", TEMPLATE_BYTES, ["--kind", "annotation"], "16-bit integer"),
        ("annotation.nrrd", ANNOTATION_BYTES, ["--resolution", "25"], "132 × 80 × 114"),
        ("annotation.nrrd", ANNOTATION_BYTES[:-100], [], "cut after"),
        ("a.nrrd", nrrd("<u4", "uint", sizes=(9, 8, 7)), [], "9 × 8 × 7"),
        ("a.nrrd", nrrd("<u4", "uint", spacing=25), [], "spacing of 25"),
        ("annotation_100.nrrd", b"<html></html>", [], "HTML page"),
        ("tree.json", b'{"msg": []}', [], "structure graph"),
        ("tree.json", ANNOTATION_BYTES, ["--kind", "structures"], "no JSON"),
        ("tree.json", TREE, ["--kind", "template"], "no NRRD"),
        ("empty", b"", [], "empty"),
    ],
)
def test_a_file_that_does_not_fit(server, tmp_path, capfd, name, content, options, reason):
    file = tmp_path / name
    file.write_bytes(content)
    assert main(["fetch", "--from-file", str(file), *options]) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert reason in err
    assert str(file) in err
    assert held(tmp_path / "cache") == []


def test_a_misleading_name(server, tmp_path):
    file = tmp_path / "annotation_of_the_template.nrrd"
    file.write_bytes(TEMPLATE_BYTES)
    assert import_allen_file(file, "template").name == "allen_template_100um.nrrd"


def test_a_file_that_does_not_fit_leaves_the_earlier_one(server, tmp_path):
    earlier = fetch("annotation")
    file = tmp_path / "annotation_100.nrrd"
    file.write_bytes(ANNOTATION_BYTES[:-100])
    with pytest.raises(InputError, match="cut"):
        import_allen_file(file)
    assert earlier.read_bytes() == ANNOTATION_BYTES


@pytest.mark.parametrize("options", [["--from-file", "gone.nrrd"], ["--kind", "template"]])
def test_options_that_cannot_be(server, capfd, options):
    assert main(["fetch", *options]) != 0
    assert "Traceback" not in capfd.readouterr().err


def test_the_command_fetches_all_and_lists_it(server, capfd):
    assert main(["fetch", "--list"]) == 0
    assert capfd.readouterr().out == "Nothing is cached yet.\n"
    assert main(["fetch", "--resolution", "100"]) == 0
    out, err = capfd.readouterr()
    assert err == ""  # no bar where nobody looks
    sizes = {line.split(" MB ")[1].strip(): float(line.split()[0]) for line in out.splitlines()}
    assert [Path(path).name for path in sizes] == list(cached_allen_files())
    assert sizes[str(fetch("annotation"))] == round(len(ANNOTATION_BYTES) / 1e6, 1)


def test_one_bar_with_total_and_speed(server):
    """Also when an attempt fails; a terminal is played by a pseudo-terminal."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    server.faults[ANNOTATION] = "cut once"
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 100))
    code = (
        "import logging; logging.getLogger('brainreg3d').setLevel('ERROR');"  # the bar alone
        "from brainreg3d.sources.allen_files import *; fetch_allen_file('annotation', 100)"
    )
    subprocess.run([sys.executable, "-c", code], stderr=follower, check=True)
    os.close(follower)
    shown = b""
    while piece := _read_terminal(leader):
        shown += piece
    text = shown.decode()
    assert text.count("\n") == 1
    assert "100%" in text
    assert f"/{len(ANNOTATION_BYTES) / 1e6:.2f}M" in text
    assert "B/s" in text


def _read_terminal(handle):
    try:
        return os.read(handle, 1 << 16)
    except OSError:  # the other side was closed
        return b""


# ---- two processes at once --------------------------------------------------------------------

FETCH = """
import logging, sys
logging.basicConfig(stream=sys.stderr)
from brainreg3d.io import http_transfer
http_transfer.PAUSES_S = (0.01, 0.01)
from brainreg3d.sources.allen_files import fetch_allen_file
print(fetch_allen_file("annotation", 100))
"""


def start(code=FETCH, log=subprocess.PIPE):
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=log, text=True
    )


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_second_process_waits_and_takes_the_first_ones_file(server, tmp_path):
    server.go_on.clear()
    logs = [tmp_path / f"log{number}" for number in range(3)]
    with contextlib.ExitStack() as files:
        processes = [start(log=files.enter_context(log.open("w"))) for log in logs]
    until(lambda: sum("waiting for it" in log.read_text() for log in logs) == 2)
    server.go_on.set()
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert server.asked_for(ANNOTATION) == 1
    recovers("annotation", tmp_path)


def test_two_processes_and_a_faulty_server(server, tmp_path):
    server.faults[ANNOTATION] = "short"
    processes = [start() for _ in range(2)]
    for process in processes:
        _, log = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "cut after" in log.splitlines()[-1]
    assert held(tmp_path / "cache") == []
    server.faults.clear()
    recovers("annotation", tmp_path)


def test_the_lock_of_a_killed_process_is_free(server, tmp_path):
    server.faults[ANNOTATION] = "stall"
    process = start()
    until(lambda: server.asked_for(ANNOTATION) == 1)
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.communicate()
    server.faults.clear()
    assert any(name.endswith(".lock") for name in held(tmp_path / "cache"))
    assert fetch("annotation").read_bytes() == ANNOTATION_BYTES


def test_a_holder_without_a_sign_of_life_is_passed_by(server, tmp_path, monkeypatch, log):
    """As the lock of a computer that went down, on a network drive."""
    monkeypatch.setattr(file_lock_module, "STALE_AFTER_S", 0.3)
    folder = tmp_path / "cache" / "allen"
    folder.mkdir(parents=True)
    with file_lock(folder / ".allen_annotation_100um.nrrd.lock", "hanging"):
        assert fetch("annotation").read_bytes() == ANNOTATION_BYTES
    assert "hangs" in log[1]


def test_a_holder_that_works_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(file_lock_module, "STALE_AFTER_S", 1.5)
    code = f"""
import time
from pathlib import Path
from brainreg3d.io import file_lock as module
module._BEAT_EVERY_S = 0.05
with module.file_lock(Path({str(tmp_path / "lock")!r}), "working") as lock:
    Path({str(tmp_path / "held")!r}).touch()
    for _ in range(25):
        time.sleep(0.1)
        lock.beat()
    Path({str(tmp_path / "done")!r}).touch()
"""
    process = start(code)
    until((tmp_path / "held").exists)
    with file_lock(tmp_path / "lock", "waiting"):
        assert (tmp_path / "done").exists()
    process.communicate()
    assert not (tmp_path / "lock").exists()


def test_a_lock_file_that_its_last_holder_removed_is_no_lock(tmp_path, monkeypatch):
    """It was removed, and made by another process, between being opened and being locked."""
    path, lock = tmp_path / "lock", file_lock_module._try_lock
    turns = []

    def try_lock(handle):
        turns.append(handle)
        if len(turns) == 1:
            path.unlink()
            path.touch()
        return lock(handle)

    monkeypatch.setattr(file_lock_module, "_try_lock", try_lock)
    with file_lock(path, "working"), path.open() as other:
        assert not lock(other.fileno())


def test_a_file_system_without_locks(server, tmp_path, monkeypatch):
    def unsupported(_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(file_lock_module, "_try_lock", unsupported)
    assert fetch("annotation").read_bytes() == ANNOTATION_BYTES
