"""Checking NRRD files while they come in, so that nothing wrong is stored or kept in memory."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Collection
from pathlib import Path

import attrs

from brainreg3d.io.content_check import RefusedContentError, what_it_is

MAX_HEADER_BYTES = 1 << 16

_BYTES_OF_TYPE = {
    1: "signed char,int8,int8_t,uchar,unsigned char,uint8,uint8_t",
    2: "short,short int,signed short,signed short int,int16,int16_t,"
    "ushort,unsigned short,unsigned short int,uint16,uint16_t",
    4: "int,signed int,int32,int32_t,uint,unsigned int,uint32,uint32_t,float",
    8: "longlong,long long,long long int,signed long long,signed long long int,int64,int64_t,"
    "ulonglong,unsigned long long,unsigned long long int,uint64,uint64_t,double",
}
"""The spellings of https://teem.sourceforge.net/nrrd/format.html, by the bytes of a voxel."""

_TYPES = {name: size for size, names in _BYTES_OF_TYPE.items() for name in names.split(",")}
_SLICE_BYTES = 1 << 16
_UNPACK_BYTES = 1 << 20
_ENOUGH_TO_TELL_BYTES = 512
_SPACING_TOLERANCE = 1e-3


@attrs.frozen
class NrrdHeader:
    """What the header of an NRRD file says.

    Parameters
    ----------
    dtype : str
        ``"integer"`` or ``"float"``.
    voxel_bytes : int
        Bytes of one voxel.
    sizes : tuple of int
        Voxels along each axis, fastest first.
    spacing_um : tuple of float
        Distance of voxels in µm, fastest axis first; NaN where it is not given.
    encoding : str
        ``"raw"`` or ``"gzip"``.
    length : int
        Bytes up to the first voxel.
    number_type : str
        Type of the voxels as NumPy writes it, with the order of their bytes.
    skips : bool
        Whether voxels begin further down than the header ends.
    """

    dtype: str
    voxel_bytes: int
    sizes: tuple[int, ...]
    spacing_um: tuple[float, ...]
    encoding: str
    length: int
    number_type: str = ""
    skips: bool = False


def parse_nrrd_header(start: bytes) -> NrrdHeader | None:
    """Read the header of an NRRD file.

    Parameters
    ----------
    start : bytes
        The first bytes of the file.

    Returns
    -------
    NrrdHeader or None
        None when the header does not end within these bytes.

    Raises
    ------
    RefusedContentError
        If this is no NRRD file, or one that cannot be used.
    """
    if not start.startswith(b"NRRD"):
        raise RefusedContentError(what_it_is(start, "no NRRD file"))
    end = re.search(rb"\r?\n\r?\n", start)
    if end is None:
        return None
    fields = _fields(start[: end.start()])
    kind = fields.get("type", "").lower()
    sizes = fields.get("sizes", "").split()
    encoding = {"raw": "raw", "gzip": "gzip", "gz": "gzip"}.get(fields.get("encoding", "").lower())
    whole = kind in _TYPES and sizes and all(size.isdigit() for size in sizes) and encoding
    if not whole or "data file" in fields or "datafile" in fields:
        reason = "an NRRD file with an incomplete or unknown header"
        raise RefusedContentError(reason)
    return NrrdHeader(
        "float" if kind in ("float", "double") else "integer",
        _TYPES[kind],
        tuple(int(size) for size in sizes),
        _spacing_um(fields),
        str(encoding),
        end.end(),
        _number_type(kind, fields.get("endian", "little")),
        any(field in fields for field in ("line skip", "lineskip", "byte skip", "byteskip")),
    )


class NrrdCheck:
    """Checks the header and unpacks all voxels of a file that comes in piece by piece.

    Parameters
    ----------
    sizes : tuple of int
        Voxels expected along each axis, fastest first.
    spacing_um : float
        Distance of voxels expected on each axis.
    dtypes : collection of (str, int)
        Kinds of number and bytes of a voxel that are right.
    """

    def __init__(
        self, sizes: tuple[int, ...], spacing_um: float, dtypes: Collection[tuple[str, int]]
    ) -> None:
        self._sizes, self._spacing_um, self._dtypes = sizes, spacing_um, dtypes
        self._start = b""
        self._header: NrrdHeader | None = None
        self._expected = 0
        self._found = 0
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Parameters
        ----------
        data : bytes
            As it is in the file.

        Raises
        ------
        RefusedContentError
            As soon as it is clear that this is not the file expected.
        """
        if self._header is not None:
            self._take_voxels(data)
            return
        self._start += data
        if len(self._start) < _ENOUGH_TO_TELL_BYTES and b"\n\n" not in self._start:
            return
        self._header = parse_nrrd_header(self._start)
        if self._header is not None:
            self._check_header(self._header)
            self._take_voxels(self._start[self._header.length :])
        elif len(self._start) > MAX_HEADER_BYTES:
            reason = "an NRRD file with a header without an end"
            raise RefusedContentError(reason)

    def finish(self, path: Path) -> None:  # noqa: ARG002 - all was seen as it came in
        """Check that nothing is missing.

        Parameters
        ----------
        path : pathlib.Path
            The whole file.

        Raises
        ------
        RefusedContentError
            If it is cut or damaged.
        """
        if self._header is None and parse_nrrd_header(self._start) is None:
            reason = "an NRRD file that is cut within its header"
            raise RefusedContentError(reason, may_pass=True)
        gzip_is_cut = self._header is not None and self._header.encoding == "gzip"
        if self._found != self._expected or (gzip_is_cut and not self._unpacker.eof):
            # A cut between the last voxel and the checksum is a cut all the same.
            reason = f"cut after {self._found} of {self._expected} bytes of voxels"
            raise RefusedContentError(reason, may_pass=True)

    def _check_header(self, header: NrrdHeader) -> None:
        if header.sizes != self._sizes:
            reason = f"{_by(header.sizes)} voxels instead of {_by(self._sizes)}"
            raise RefusedContentError(reason)
        if (header.dtype, header.voxel_bytes) not in self._dtypes:
            expected = " or ".join(sorted(f"{size * 8}-bit {kind}" for kind, size in self._dtypes))
            reason = f"voxels of {header.voxel_bytes * 8}-bit {header.dtype} instead of {expected}"
            raise RefusedContentError(reason)
        spacing = header.spacing_um
        limit = _SPACING_TOLERANCE * self._spacing_um
        if not all(abs(step - self._spacing_um) <= limit for step in spacing):
            stated = _by(tuple(f"{step:g}" for step in spacing))
            reason = f"a spacing of {stated} µm instead of {self._spacing_um:g}"
            raise RefusedContentError(reason)
        self._expected = math.prod(header.sizes) * header.voxel_bytes

    def _take_voxels(self, data: bytes) -> None:
        if self._header is not None and self._header.encoding == "raw":
            self._count(len(data))
            return
        for place in range(0, len(data), _SLICE_BYTES):
            rest = data[place : place + _SLICE_BYTES]
            while rest:
                rest = self._unpack(rest)

    def _unpack(self, packed: bytes) -> bytes:
        if self._unpacker.eof:  # a gzip file may have several parts
            self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            self._count(len(self._unpacker.decompress(packed, _UNPACK_BYTES)))
        except zlib.error as error:
            reason = f"damaged after {self._found} of {self._expected} bytes of voxels"
            raise RefusedContentError(reason, may_pass=True) from error
        return self._unpacker.unconsumed_tail or self._unpacker.unused_data

    def _count(self, more: int) -> None:
        self._found += more
        if self._found > self._expected:
            reason = f"more than {self._expected} bytes of voxels"
            raise RefusedContentError(reason)


def _fields(header: bytes) -> dict[str, str]:
    lines = header.decode("ascii", "replace").splitlines()[1:]
    stated = [line.split(":", 1) for line in lines if ":" in line and line[:1] != "#"]
    return {name.strip().lower(): value.strip() for name, value in stated if value[:1] != "="}


def _spacing_um(fields: dict[str, str]) -> tuple[float, ...]:
    """Return spacings in µm; as everywhere in this package, numbers below 1 are millimetres."""
    try:
        if "spacings" in fields:
            steps = [float(text) for text in fields["spacings"].split()]
        else:
            axes = re.findall(r"\(([^)]*)\)", fields.get("space directions", ""))
            steps = [math.hypot(*map(float, axis.split(","))) for axis in axes]
    except ValueError:
        steps = []
    return tuple(step if step >= 1 else step * 1000 for step in steps) or (math.nan,)


def _number_type(kind: str, endian: str) -> str:
    letter = "f" if kind in ("float", "double") else "u" if kind.startswith("u") else "i"
    return f"{'>' if endian.lower() == 'big' else '<'}{letter}{_TYPES[kind]}"


def _by(numbers: tuple[object, ...]) -> str:
    return " × ".join(str(number) for number in numbers)
