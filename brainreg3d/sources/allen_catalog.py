"""Which files the Allen Institute offers, where, and how to tell that they are right."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs

from brainreg3d.errors import AtlasError, InputError
from brainreg3d.io.content_check import ContentCheck, RefusedContentError, what_it_is
from brainreg3d.io.nrrd_check import MAX_HEADER_BYTES, NrrdCheck, parse_nrrd_header
from brainreg3d.io.structures import read_structures

MIRROR_VARIABLE = "BRAINREG3D_ALLEN_URL"
"""Environment variable that names a mirror with the same paths as the Allen hosts."""

RESOLUTIONS_UM = (10, 25, 50, 100)
KINDS = ("structures", "annotation", "template")

_BOX_UM = (13200, 8000, 11400)
"""Extent of the CCFv3 along anterior-posterior, dorsal-ventral and left-right, as in the files."""

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

# Allen's annotations are 32-bit because ids go up to 6e8, its templates 16-bit; a mirror may have
# widened the one or scaled the other. That they share no type tells them apart.
_VOXEL_TYPES = {
    "annotation": {("integer", 4), ("integer", 8)},
    "template": {("integer", 1), ("integer", 2), ("float", 4), ("float", 8)},
}

_MAX_GRAPH_BYTES = 1 << 24  # Allen's has 3e5


@attrs.frozen
class AllenFile:
    """One of the files that Allen offers.

    Parameters
    ----------
    kind : {"structures", "annotation", "template"}
        Structure graph, CCFv3 2017 annotation, or average template.
    resolution_um : {10, 25, 50, 100}, optional
        Voxel size; left out for the structures.
    """

    kind: str = attrs.field()
    resolution_um: int | None = attrs.field(default=None)

    @kind.validator
    def _check_kind(self, _: object, kind: str) -> None:
        if kind not in KINDS:
            message = f"Expected a kind of file among {', '.join(KINDS)}; got {kind!r}."
            raise AtlasError(message)

    @resolution_um.validator
    def _check_resolution(self, _: object, resolution_um: int | None) -> None:
        if self.kind != "structures" and resolution_um not in RESOLUTIONS_UM:
            sizes = ", ".join(str(size) for size in RESOLUTIONS_UM)
            message = f"Allen's atlas comes at {sizes} µm; got {resolution_um!r}."
            raise AtlasError(message)

    @property
    def name(self) -> str:
        """Name of the file in a cache."""
        if self.kind == "structures":
            return "allen_structure_graph.json"
        return f"allen_{self.kind}_{self.resolution_um:g}um.nrrd"

    @property
    def path(self) -> str:
        """Path on Allen's hosts and their mirrors."""
        size = "" if self.resolution_um is None else f"{self.resolution_um:g}"
        return _PATHS[self.kind].format(size)

    @property
    def url(self) -> str:
        """Address at the mirror, if there is one, else at Allen's host."""
        host = mirror() or (_API_HOST if self.kind == "structures" else _DOWNLOAD_HOST)
        return f"{host}/{self.path}"

    @property
    def official_sha256(self) -> str | None:
        """Published hash of the file at Allen's host, where there is one."""
        return _OFFICIAL_SHA256.get((self.kind, self.resolution_um or 0))

    def make_check(self) -> ContentCheck:
        """Return a check of a file that comes in."""
        if self.resolution_um is None or self.kind == "structures":
            return _StructuresCheck()
        return NrrdCheck(
            _grid(int(self.resolution_um)), float(self.resolution_um), _VOXEL_TYPES[self.kind]
        )


def mirror() -> str:
    """Return the address of the mirror, or an empty string."""
    return os.environ.get(MIRROR_VARIABLE, "").strip().rstrip("/")


def allen_annotation_um(sha256: str) -> int | None:
    """Return the voxel size of Allen's annotation whose file has a hash.

    Parameters
    ----------
    sha256 : str
        Hash of a file.

    Returns
    -------
    int or None
        In µm; None for any other file, and for those whose hash is not published.
    """
    sizes = [
        size
        for (kind, size), digest in _OFFICIAL_SHA256.items()
        if kind == "annotation" and digest == sha256
    ]
    return sizes[0] if sizes else None


def recognise(path: Path, kind: str | None = None, resolution_um: int | None = None) -> AllenFile:
    """Find out which of Allen's files a file of the user's is, by its beginning and its name.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.
    kind : str, optional
        What it is according to the user.
    resolution_um : int, optional
        Its voxel size according to the user.

    Returns
    -------
    AllenFile
        What it seems to be; the whole of it is not read.

    Raises
    ------
    InputError
        If it is none of them, or its name contradicts its voxels and no kind is given.
    """
    with path.open("rb") as file:
        start = file.read(MAX_HEADER_BYTES)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and kind in (None, "structures"):
        return AllenFile("structures")
    if kind == "structures":
        message = f"{path} is {what_it_is(start, 'no JSON file')}; expected a structure graph."
        raise InputError(message)
    try:
        header = parse_nrrd_header(start)
    except RefusedContentError as error:
        message = f"{path} is {error}; expected Allen's annotation, template or structure graph."
        raise InputError(message) from error
    by_size = {_grid(size): size for size in RESOLUTIONS_UM}
    if header is None or header.sizes not in by_size:
        sizes = "unknown" if header is None else " × ".join(str(size) for size in header.sizes)
        message = (
            f"{path} has the size {sizes}; Allen's volumes have "
            f"{', '.join(' × '.join(map(str, grid)) for grid in by_size)} voxels."
        )
        raise InputError(message)
    kind = kind or _kind_of(path, (header.dtype, header.voxel_bytes))
    return AllenFile(kind, resolution_um or by_size[header.sizes])


def _kind_of(path: Path, voxel_type: tuple[str, int]) -> str:
    by_voxels = next(kind for kind, types in _VOXEL_TYPES.items() if voxel_type in types)
    by_name = [kind for kind in _VOXEL_TYPES if kind in path.name.lower()]
    if by_name not in ([], [by_voxels]):
        message = (
            f"{path} is an {' and '.join(by_name)} by its name, but its voxels are "
            f"{voxel_type[1] * 8}-bit {voxel_type[0]}, as in a file of the kind {by_voxels}; say "
            f"which it is with kind (--kind)."
        )
        raise InputError(message)
    return by_voxels


def _grid(resolution_um: int) -> tuple[int, int, int]:
    sizes = [length // resolution_um for length in _BOX_UM]
    return sizes[0], sizes[1], sizes[2]


class _StructuresCheck:
    """Reads a structure graph when all of it is there."""

    def __init__(self) -> None:
        self._bytes = 0

    def feed(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > _MAX_GRAPH_BYTES:
            reason = f"more than {_MAX_GRAPH_BYTES} bytes"
            raise RefusedContentError(reason)

    def finish(self, path: Path) -> None:
        content = path.read_bytes()
        try:
            graph = json.loads(content)
        except (ValueError, RecursionError) as error:
            is_cut = content.lstrip()[:1] == b"{"
            reason = what_it_is(content, "no valid JSON")
            raise RefusedContentError(reason, may_pass=is_cut) from error
        if not (isinstance(graph, dict) and isinstance(graph.get("msg"), list) and graph["msg"]):
            reason = 'JSON without a structure graph under "msg"'
            raise RefusedContentError(reason)
        try:
            read_structures(path)
        except AtlasError as error:
            reason = str(error).removeprefix(f"Structure file {path}: ").rstrip(".")
            raise RefusedContentError(reason) from error
