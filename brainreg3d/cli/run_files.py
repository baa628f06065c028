"""What a table must never replace: the files of the run that it is made from."""

from __future__ import annotations

from pathlib import Path


def files_of_run(alignment: Path) -> list[Path]:
    """Return the files that a run wrote, and the alignment that it is opened by.

    Parameters
    ----------
    alignment : pathlib.Path
        Alignment file, or another file or the folder of a run.

    Returns
    -------
    list of pathlib.Path
        Whether they exist or not. Tables that were made from a run earlier are not among them,
        so that they can be made again.
    """
    from brainreg3d.steps.write import FILE_NAMES

    if alignment.is_dir():
        return [path for path in alignment.iterdir() if path.name.endswith((*FILE_NAMES.values(),))]
    stem = alignment.name
    for suffix in FILE_NAMES.values():
        stem = stem.removesuffix(suffix)
    return [alignment, *(alignment.with_name(stem + suffix) for suffix in FILE_NAMES.values())]
