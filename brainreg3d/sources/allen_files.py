"""The Allen Institute's files, fetched once and checked before they enter the cache."""

from __future__ import annotations

import gzip
import json
import logging
import math
import os
import re
import shutil
import sys
import time
import uuid
import zlib
from pathlib import Path
from typing import Any

from brainreg3d._logging import logger
from brainreg3d.errors import AtlasError, DownloadError
from brainreg3d.io.cache import CACHE_VARIABLE, cache_dir

MIRROR_VARIABLE = "BRAINREG3D_ALLEN_URL"
"""Environment variable that names a mirror with the same paths as the Allen hosts."""

RESOLUTIONS_UM = (10, 25, 50, 100)

_DOWNLOAD_HOST = "https://download.alleninstitute.org"
_API_HOST = "https://api.brain-map.org"
_CCF_PATH = "informatics-archive/current-release/mouse_ccf"
_PATHS = {
    "template": f"{_CCF_PATH}/average_template/average_template_{{}}.nrrd",
    "annotation": f"{_CCF_PATH}/annotation/ccf_2017/annotation_{{}}.nrrd",
    "structures": "api/v2/structure_graph_download/1.json",
}

# Published by the BICCN cell locator's documentation and BrainGlobe's tests; a mirror may have
# packed the same voxels anew, so that these hold for the official host only.
_OFFICIAL_SHA256 = {
    ("annotation", 25): "c620cbcc562183e4dcd40250d440130501781f74b41de35b1c1bdabace290c42",
    ("template", 25): "e4a2b483e842b4c8c1b5452d940ea59e14bc1ebaa38fe6a9c3bacac6db2a8f4b",
    ("annotation", 100): "451e6a82f531d3db4b58056d024d3e2311703c2adc15cefa75e0268e7f0e69a4",
}

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 60.0
PAUSES_S = (0.5, 2.0)
"""Waiting times before the second and the third attempt."""

_NRRD_TYPES = {"unsigned char": 1, "uchar": 1, "uint8": 1, "uint8_t": 1}
_NRRD_TYPES |= {"unsigned short": 2, "ushort": 2, "uint16": 2, "uint16_t": 2}
_NRRD_TYPES |= {"unsigned int": 4, "uint": 4, "uint32": 4, "uint32_t": 4, "float": 4}
"""Bytes of a voxel, by what NRRD calls its type."""

_MAX_NRRD_HEADER_BYTES = 1 << 16


def fetch_allen_file(kind: str, resolution_um: int | None = None) -> Path:
    """Return one of Allen's files, fetching it when it is not in the cache.

    Parameters
    ----------
    kind : {"template", "annotation", "structures"}
        Average template, CCFv3 2017 annotation, or structure graph.
    resolution_um : {10, 25, 50, 100}, optional
        Voxel size; not needed for the structures.

    Returns
    -------
    pathlib.Path
        The file in the cache. A file that is there is not fetched again, so that a filled cache
        needs no network.

    Raises
    ------
    AtlasError
        If there is no such file.
    DownloadError
        If it cannot be fetched whole, or the cache cannot be written.
    """
    target = _cached_path(kind, resolution_um)
    if target.is_file():
        return target
    url = _url(kind, resolution_um)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        fetched = _fetch(url, partial, _expected_hash(kind, resolution_um), target)
        _check_content(fetched, kind, url, target)
        fetched.replace(target)
    except DownloadError:
        raise
    except OSError as error:
        message = (
            f"Cannot store {url} in the cache at {target.parent} ({error.strerror or error}); make "
            f"room there or set {CACHE_VARIABLE} to a folder that can be written to."
        )
        raise DownloadError(message) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def cached_allen_files() -> dict[str, Path]:
    """Return which of Allen's files are in the cache.

    Returns
    -------
    dict of str to pathlib.Path
        Paths by file name, in alphabetical order.
    """
    folder = cache_dir() / "allen"
    found = [path for path in folder.glob("allen_*") if path.is_file()]
    return {path.name: path for path in sorted(found)}


def _cached_path(kind: str, resolution_um: int | None) -> Path:
    if kind not in _PATHS:
        message = f"Expected a kind of file among {', '.join(_PATHS)}; got {kind!r}."
        raise AtlasError(message)
    if kind == "structures":
        return cache_dir() / "allen" / "allen_structure_graph.json"
    if resolution_um not in RESOLUTIONS_UM:
        sizes = ", ".join(str(size) for size in RESOLUTIONS_UM)
        message = f"Allen's atlas comes at {sizes} µm; got {resolution_um!r}."
        raise AtlasError(message)
    return cache_dir() / "allen" / f"allen_{kind}_{resolution_um:g}um.nrrd"


def _mirror() -> str:
    return os.environ.get(MIRROR_VARIABLE, "").strip().rstrip("/")


def _url(kind: str, resolution_um: int | None) -> str:
    host = _mirror() or (_API_HOST if kind == "structures" else _DOWNLOAD_HOST)
    size = "" if resolution_um is None else f"{resolution_um:g}"
    return f"{host}/{_PATHS[kind].format(size)}"


def _expected_hash(kind: str, resolution_um: int | None) -> str | None:
    return None if _mirror() else _OFFICIAL_SHA256.get((kind, resolution_um or 0))


def _fetch(url: str, folder: Path, sha256: str | None, target: Path) -> Path:
    """Fetch a file into a folder; passing troubles of the network are waited out."""
    import requests

    for attempt in range(len(PAUSES_S) + 1):
        try:
            return _fetch_once(url, folder, sha256)
        except requests.exceptions.RequestException as error:
            reason = _reason(error)
            if attempt == len(PAUSES_S) or not _may_pass(error):
                raise _failed(url, reason, target) from error
        except ValueError as error:  # pooch's answer to another hash than expected
            reason = "its SHA-256 is not the published one"
            if attempt == len(PAUSES_S):
                raise _failed(url, reason, target) from error
        logger.warning("Fetching %s failed (%s); trying again.", url, reason)
        time.sleep(PAUSES_S[attempt])
    raise AssertionError  # cannot be reached: the last attempt returns or raises


def _fetch_once(url: str, folder: Path, sha256: str | None) -> Path:
    import pooch

    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(), timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    )
    pooch_logger = pooch.get_logger()
    level = pooch_logger.level
    pooch_logger.setLevel(logging.WARNING)  # it announces every download on stderr
    try:
        known = None if sha256 is None else f"sha256:{sha256}"
        return Path(pooch.retrieve(url, known, "fetched", folder, downloader=downloader))
    finally:
        pooch_logger.setLevel(level)


def _may_pass(error: Any) -> bool:
    """Tell whether trying again can help: not when the server knows no such file."""
    import requests

    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return error.response.status_code in (408, 425, 429) or error.response.status_code >= 500
    faults = requests.exceptions
    return isinstance(error, faults.ConnectionError | faults.Timeout | faults.ChunkedEncodingError)


def _reason(error: Any) -> str:
    import requests

    faults = requests.exceptions
    if isinstance(error, faults.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, faults.Timeout):
        return "the server did not answer in time"
    if isinstance(error, faults.ChunkedEncodingError):
        return "the transfer was cut short"
    if isinstance(error, faults.ConnectionError):
        return "no connection to the server"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _failed(url: str, reason: str, target: Path) -> DownloadError:
    return DownloadError(
        f"Cannot fetch {url}: {reason}. Check the connection, set {MIRROR_VARIABLE} to a mirror of "
        f"the Allen hosts, or put the file by hand at {target}."
    )


def _check_content(path: Path, kind: str, url: str, target: Path) -> None:
    problem = _json_problem(path) if kind == "structures" else _nrrd_problem(path)
    if problem:
        raise _failed(url, f"what came is not the file expected ({problem})", target)


def _json_problem(path: Path) -> str | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return "no valid JSON"
    is_graph = isinstance(content, dict) and isinstance(content.get("msg"), list)
    return None if is_graph and content["msg"] else 'JSON without a structure graph under "msg"'


def _nrrd_problem(path: Path) -> str | None:
    """Return what is wrong with an NRRD file, after unpacking all of it, or None."""
    with path.open("rb") as file:
        start = file.read(_MAX_NRRD_HEADER_BYTES)
        if not start.startswith(b"NRRD"):
            return "an HTML page" if b"<html" in start[:1000].lower() else "no NRRD file"
        end = re.search(rb"\r?\n\r?\n", start)
        header = _nrrd_fields(start[: end.start()] if end else b"")
        dtype = _NRRD_TYPES.get(header.get("type", ""))
        sizes = header.get("sizes", "").split()
        if end is None or dtype is None or not all(size.isdigit() for size in sizes):
            return "an NRRD file with an incomplete or unknown header"
        expected = math.prod(int(size) for size in sizes) * dtype
        file.seek(end.end())
        found = _payload_bytes(file, header.get("encoding", "raw"))
    return None if found >= expected else f"{found} bytes of voxels instead of {expected}"


def _nrrd_fields(header: bytes) -> dict[str, str]:
    lines = header.decode("ascii", "replace").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _payload_bytes(file: Any, encoding: str) -> int:
    """Count the bytes of voxels that follow, unpacked; up to where the file is cut."""
    stream = gzip.GzipFile(fileobj=file) if encoding in ("gzip", "gz") else file
    total = 0
    try:
        while chunk := stream.read(1 << 20):
            total += len(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        # A cut between the last voxel and the checksum is a cut all the same.
        return min(total, total - 1)
    return total
