"""The Allen Institute's files, fetched once and checked before they enter the cache."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from brainreg3d._logging import logger
from brainreg3d.errors import DownloadError, InputError, MissingFileError
from brainreg3d.io.content_check import RefusedContentError
from brainreg3d.io.download import Transfer, copy_checked, download, fetch_text
from brainreg3d.io.sha256_sums import find_sha256, parse_sha256_sums
from brainreg3d.sources.allen_cache import (
    cache_folder,
    move_into_cache,
    place_in_cache,
    problem_of,
)
from brainreg3d.sources.allen_catalog import MIRROR_VARIABLE, AllenFile, mirror, recognise

_SUMS_NAME = "SHA256SUMS"


def fetch_allen_file(
    kind: str, resolution_um: int | None = None, *, cache_dir: str | Path | None = None
) -> Path:
    """Return one of Allen's files, fetching it when it is not in the cache.

    Parameters
    ----------
    kind : {"template", "annotation", "structures"}
        Average template, CCFv3 2017 annotation, or structure graph.
    resolution_um : {10, 25, 50, 100}, optional
        Voxel size; not needed for the structures.
    cache_dir : path-like, optional
        Folder for the file, instead of the one in the package's cache.

    Returns
    -------
    pathlib.Path
        The file in the cache. A file that is there is not fetched again, so that a filled cache
        needs no network. It is read again only when its size or time of change are others than
        when it was checked; when it was damaged, it is fetched anew.

    Raises
    ------
    AtlasError
        If there is no such file.
    DownloadError
        If it cannot be fetched whole, or the cache cannot be written.
    """
    wanted = AllenFile(kind, resolution_um)
    target = cache_folder(cache_dir) / wanted.name
    if target.is_file() and problem_of(target, wanted) is None:
        return target
    with place_in_cache(target, f"fetching {wanted.name}") as (folder, beat):
        # Another process may have fetched it while this one waited for the lock.
        problem = problem_of(target, wanted) if target.is_file() else None
        if target.is_file() and problem is None:
            return target
        if problem is not None:
            logger.warning("%s is damaged (%s); fetching it anew.", target, problem)
        try:
            fetched, sha256 = _download(wanted, folder, beat)
        except DownloadError as error:
            damage = "" if problem is None else f"{target} is damaged ({problem}). "
            raise DownloadError(damage + str(error)) from error
        move_into_cache(fetched, target, sha256)
    return target


@contextlib.contextmanager
def temporary_allen_file(kind: str, resolution_um: int | None = None) -> Iterator[Path]:
    """Fetch one of Allen's files for as long as the block runs, and leave nothing behind.

    The cache is neither read nor written.

    Parameters
    ----------
    kind, resolution_um
        As of `fetch_allen_file`.

    Yields
    ------
    pathlib.Path
        The file, checked, in a temporary folder.

    Raises
    ------
    AtlasError
        If there is no such file.
    DownloadError
        If it cannot be fetched whole, or the temporary folder cannot be written.
    """
    wanted = AllenFile(kind, resolution_um)
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="brainreg3d-"))
            fetched, _ = _download(wanted, Path(folder), lambda: None)
            path = fetched.rename(fetched.with_name(wanted.name))
        except DownloadError:
            raise
        except OSError as error:
            message = (
                f"Cannot store {wanted.url} in the temporary folder {tempfile.gettempdir()} "
                f"({error.strerror or error}); make room there or set TMPDIR to another folder."
            )
            raise DownloadError(message) from error
        yield path


def import_allen_file(
    path: str | Path,
    kind: str | None = None,
    resolution_um: int | None = None,
    *,
    cache_dir: str | Path | None = None,
) -> Path:
    """Put a file that was fetched by other means into the cache.

    Parameters
    ----------
    path : path-like
        Annotation, template or structure graph as Allen offers it. It stays where it is.
    kind : {"template", "annotation", "structures"}, optional
        What it is, when its name is misleading.
    resolution_um : {10, 25, 50, 100}, optional
        Its voxel size, to be sure.
    cache_dir : path-like, optional
        Folder for the file, instead of the one in the package's cache.

    Returns
    -------
    pathlib.Path
        The file in the cache; an earlier one is replaced.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is none of Allen's files, or not the one that was named, or damaged.
    DownloadError
        If the cache cannot be written.
    """
    path = Path(path)
    if not path.is_file():
        message = f"There is no file {path}; expected a file of Allen's to import."
        raise MissingFileError(message)
    try:
        wanted = recognise(path, kind, resolution_um)
    except OSError as error:
        message = f"Cannot read {path} ({error.strerror or error})."
        raise InputError(message) from error
    target = cache_folder(cache_dir) / wanted.name
    with place_in_cache(target, f"importing {path}") as (folder, beat):
        transfer = Transfer(path.name, wanted.name, wanted.make_check, on_progress=beat)
        copy = folder / "copied"
        try:
            sha256 = copy_checked(path, copy, transfer)
        except RefusedContentError as error:
            message = f"{path} cannot be used as {wanted.name}: {error}."
            raise InputError(message) from error
        move_into_cache(copy, target, sha256)
    return target


def cached_allen_files(cache_dir: str | Path | None = None) -> dict[str, Path]:
    """Return which of Allen's files are in the cache.

    Parameters
    ----------
    cache_dir : path-like, optional
        Folder of the files, instead of the one in the package's cache.

    Returns
    -------
    dict of str to pathlib.Path
        Paths by file name, in alphabetical order.
    """
    found = [path for path in cache_folder(cache_dir).glob("allen_*") if path.is_file()]
    return {path.name: path for path in sorted(found)}


def _download(wanted: AllenFile, folder: Path, beat: Callable[[], None]) -> tuple[Path, str]:
    try:
        sha256 = _mirrors_sha256(wanted, beat) if mirror() else wanted.official_sha256
        transfer = Transfer(wanted.url, wanted.name, wanted.make_check, sha256, beat)
        return download(transfer, folder)
    except DownloadError as error:
        message = (
            f"{error} Check the connection, set {MIRROR_VARIABLE} to a mirror of the Allen hosts, "
            f"or fetch the file by hand and put it into the cache with: brainreg3d fetch "
            f"--from-file FILE"
        )
        raise DownloadError(message) from error


def _mirrors_sha256(wanted: AllenFile, beat: Callable[[], None]) -> str | None:
    """Look up a file in the list of hashes at the root of a mirror or beside the file."""
    for place in (mirror(), wanted.url.rpartition("/")[0]):
        beat()
        try:
            text = fetch_text(f"{place}/{_SUMS_NAME}") or ""
        except DownloadError as error:
            message = f"Cannot fetch {wanted.url} with its hash. {error}"
            raise DownloadError(message) from error
        listed = parse_sha256_sums(text)
        if listed:
            sha256 = find_sha256(listed, wanted.path)
            if sha256 is None:
                logger.warning("%s/%s does not name %s.", place, _SUMS_NAME, wanted.path)
            return sha256
    return None
